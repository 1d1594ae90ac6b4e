/** What stands before the functions: the firewall, and the gateway's own limits. */
import { describe, expect, test } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { Cis2Bff, type Cis2BffProps } from '../../infra/cis2-bff.ts';
import { environments } from '../../infra/environments.ts';
import type { Environment } from '../../infra/environments.ts';
import { EdgeSecret } from '../../infra/parts/edge-secret.ts';
import { Firewall } from '../../infra/parts/firewall.ts';
import { cis2Issuers } from '../../infra/parts/settings.ts';
import { createApp } from '../../infra/synthesis.ts';
import type { FunctionName } from '../../lambdas/settings/index.ts';
import {
  changedEnvironment,
  emptyBundles,
  ofFunction,
  mentions,
  only,
  resourcesOfType,
  shipped,
  statementsOf,
  toJson,
} from './support.ts';
import type { Json, TemplateJson } from './support.ts';

const environmentNames = Object.keys(environments);

interface Rule {
  readonly Name: string;
  readonly Priority: number;
  readonly Action?: Json;
  readonly OverrideAction?: Json;
  readonly Statement: {
    readonly RateBasedStatement?: {
      readonly Limit: number;
      readonly AggregateKeyType: string;
      readonly EvaluationWindowSec: number;
      readonly ScopeDownStatement?: Json;
    };
    readonly ManagedRuleGroupStatement?: {
      readonly Name: string;
      readonly ScopeDownStatement: Json;
      readonly RuleActionOverrides?: readonly { readonly Name: string; readonly ActionToUse: Json }[];
    };
  };
  readonly VisibilityConfig: { readonly SampledRequestsEnabled: boolean };
}
const rulesIn = (template: TemplateJson): readonly Rule[] =>
  only(template, 'AWS::WAFv2::WebACL')[1].Properties['Rules'] as unknown as readonly Rule[];

/** Requests a second that the gateway takes of a route. */
const gatewayRateOf = (stateless: TemplateJson, route: string): number => {
  const [, stage] = only(stateless, 'AWS::ApiGatewayV2::Stage');
  const settings = stage.Properties['RouteSettings'] as Readonly<
    Record<string, { readonly ThrottlingRateLimit: number }>
  >;
  return settings[route]?.ThrottlingRateLimit ?? NaN;
};

/** Whether a statement on the path matches, read as the firewall reads it. */
const matches = (statement: Json, path: string): boolean => {
  const [[kind, value] = ['', null]] = Object.entries(statement as Record<string, Json>);
  const inner = (value ?? {}) as Record<string, Json>;
  if (kind === 'AndStatement')
    return (inner['Statements'] as readonly Json[]).every((one) => matches(one, path));
  if (kind === 'OrStatement')
    return (inner['Statements'] as readonly Json[]).some((one) => matches(one, path));
  if (kind === 'NotStatement') return !matches(inner['Statement'] ?? null, path);
  if (kind !== 'ByteMatchStatement') throw new Error(`what is ${kind}?`);
  expect(inner['FieldToMatch']).toEqual({ UriPath: {} });
  const changes = (inner['TextTransformations'] as readonly { readonly Type: string }[]).map(
    ({ Type }) => Type,
  );
  const read = changes.includes('URL_DECODE')
    ? new URL(decodeURIComponent(path), 'https://x').pathname
    : path;
  const wanted = inner['SearchString'] as string;
  return inner['PositionalConstraint'] === 'STARTS_WITH' ? read.startsWith(wanted) : read === wanted;
};

describe.each(environmentNames)('the firewall of %s', (name) => {
  test('stands in us-east-1, in the account of the environment, and guards the distribution', () => {
    const { stacks, edge, stateless } = shipped(name);
    expect([stacks.edge?.region, stacks.edge?.account]).toEqual(['us-east-1', environments[name]?.account]);
    const [id, acl] = only(edge, 'AWS::WAFv2::WebACL');
    expect(acl.Properties).toMatchObject({ Scope: 'CLOUDFRONT', DefaultAction: { Allow: {} } });
    const [, distribution] = only(stateless, 'AWS::CloudFront::Distribution');
    const { WebACLId } = distribution.Properties['DistributionConfig'] as { readonly WebACLId: Json };
    expect(WebACLId).toEqual({
      'Fn::GetStackOutput': {
        StackName: stacks.edge?.stackName,
        OutputName: 'WebAclArn',
        Region: 'us-east-1',
      },
    });
    expect(edge.Outputs?.['WebAclArn']?.Value).toEqual({ 'Fn::GetAtt': [id, 'Arn'] });
    expect(stacks.stateless.dependencies).toContain(stacks.edge);
  });

  test('leaves nothing to object to', () => {
    const { edge } = shipped(name).stacks;
    if (edge === undefined) throw new Error('no firewall');
    expect(new AwsSolutionsChecks().validateScope(edge).violations).toEqual([]);
  });

  test.each(['/auth/login', '/auth/callback'])(
    'bounds what one address may send to %s, however it is written',
    (path) => {
      const found = rulesIn(shipped(name).edge).filter(({ Statement: { RateBasedStatement: rate } }) => {
        const scope = rate?.ScopeDownStatement;
        return scope !== undefined && matches(scope, path);
      });
      expect(found).toHaveLength(1);
      const [rule] = found;
      expect(rule?.Statement.RateBasedStatement).toMatchObject({ AggregateKeyType: 'IP' });
      // A hospital has one address: several sign-ins a second are ordinary.
      expect(rule?.Statement.RateBasedStatement?.Limit).toBeGreaterThanOrEqual(2_000);
      expect(rule?.Statement.RateBasedStatement?.Limit).toBeLessThanOrEqual(10_000);
      const scope = rule?.Statement.RateBasedStatement?.ScopeDownStatement ?? null;
      expect(matches(scope, path.replace('/auth/', '/auth/x/../'))).toBe(true);
      expect(matches(scope, path.replace('c', '%63').replace('l', '%6c'))).toBe(true);
      expect(matches(scope, '/auth/session')).toBe(false);
      expect(rule?.Action).toEqual({
        Block: {
          CustomResponse: { ResponseCode: 429, ResponseHeaders: [{ Name: 'Retry-After', Value: '60' }] },
        },
      });
    },
  );

  /** Requests a second that one address may send to a path; of all together without one. */
  const rateOfOneAddress = (path?: string): readonly number[] =>
    rulesIn(shipped(name).edge).flatMap(({ Statement: { RateBasedStatement: rate } }) => {
      const scope = rate?.ScopeDownStatement;
      const isOf = path === undefined ? scope === undefined : scope !== undefined && matches(scope, path);
      return rate !== undefined && isOf ? [rate.Limit / rate.EvaluationWindowSec] : [];
    });

  test.each([
    ...['/auth/backchannel-logout', '/auth/%62ackchannel-logout', '/auth/x/../backchannel-logout'],
    ...['/auth/jwks.json', '/auth/%6awks.json', '/auth/jwks/api-platform.json'],
  ])('has no address use up what the gateway takes of %s', (path) => {
    const [rate = Infinity, ...others] = rateOfOneAddress(path);
    expect(others).toEqual([]);
    const read = new URL(decodeURIComponent(path), 'https://x').pathname;
    expect(rate).toBeLessThan(gatewayRateOf(shipped(name).stateless, `ANY ${read}`));
  });

  test('has no address use up what the gateway takes of any route, and in production serves a hospital behind one', () => {
    const [rate = Infinity] = rateOfOneAddress();
    expect(rate).toBeLessThan(gatewayRateOf(shipped(name).stateless, 'ANY /auth/session'));
    // A page in view asks every four seconds, and makes 40 calls in ten minutes.
    const requestsOfOnePerson = 1 / 4 + 40 / 600;
    expect(rate / requestsOfOnePerson).toBeGreaterThan(name === 'prod' ? 1_200 : 100);
  });

  test('takes no more capacity units than cost nothing', () => {
    const managed: Readonly<Record<string, number>> = {
      AWSManagedRulesAmazonIpReputationList: 25,
      AWSManagedRulesKnownBadInputsRuleSet: 200,
      AWSManagedRulesCommonRuleSet: 700,
    };
    const transformations = new Set<string>();
    const unitsOf = (part: Json): number => {
      if (typeof part !== 'object' || part === null) return 0;
      return Object.entries(part as Readonly<Record<string, Json>>).reduce((sum, [key, value]) => {
        // One that several statements need of the path counts once.
        if (key === 'Type') transformations.add(value as string);
        const own = ['ByteMatchStatement', 'RateBasedStatement'].includes(key)
          ? 2
          : key === 'ManagedRuleGroupStatement'
            ? (managed[(value as { readonly Name: string }).Name] ?? Infinity)
            : 0;
        return sum + own + unitsOf(value);
      }, 0);
    };
    const units = rulesIn(shipped(name).edge).reduce(
      (sum, { Statement }) => sum + unitsOf(Statement as Json),
      0,
    );
    expect(units + 10 * transformations.size).toBe(1_238);
  });

  const managedAt = (path: string): readonly Rule[] =>
    rulesIn(shipped(name).edge).filter(({ Statement: { ManagedRuleGroupStatement: group } }) =>
      group === undefined ? false : matches(group.ScopeDownStatement, path),
    );

  test.each(['/auth/session', '/auth/callback', '/api/pds/Patient'])(
    'lets managed rules only count on %s',
    (path) => {
      expect(managedAt(path).map(({ Statement }) => Statement.ManagedRuleGroupStatement?.Name)).toEqual([
        'AWSManagedRulesAmazonIpReputationList',
        'AWSManagedRulesKnownBadInputsRuleSet',
        'AWSManagedRulesCommonRuleSet',
      ]);
      for (const { OverrideAction } of managedAt(path)) expect(OverrideAction).toEqual({ Count: {} });
    },
  );

  test.each(['/auth/backchannel-logout', '/auth/jwks.json', '/auth/jwks/api-platform.json'])(
    'has no managed rule look at %s, which machines call',
    (path) => {
      expect(managedAt(path)).toEqual([]);
    },
  );

  test('lets nobody pass by a path that only begins like that of machines', () => {
    for (const path of ['/auth/jwks.json/../session', '/auth/jwks.jsonx', '/auth/backchannel-logout/']) {
      expect(managedAt(path).length).toBeGreaterThan(0);
    }
  });

  test('blocks by managed rules on the paths of the SPA', () => {
    expect(managedAt('/').length).toBeGreaterThan(0);
    for (const { OverrideAction } of managedAt('/assets/main.js'))
      expect(OverrideAction).toEqual({ None: {} });
  });

  test('never refuses for a size, which our own functions judge', () => {
    const [common] = rulesIn(shipped(name).edge).filter(
      ({ Statement }) => Statement.ManagedRuleGroupStatement?.Name === 'AWSManagedRulesCommonRuleSet',
    );
    const counted = common?.Statement.ManagedRuleGroupStatement?.RuleActionOverrides ?? [];
    for (const rule of ['BODY', 'QUERYSTRING', 'COOKIE_HEADER', 'URIPATH']) {
      expect(counted).toContainEqual({ Name: `SizeRestrictions_${rule}`, ActionToUse: { Count: {} } });
    }
  });

  test('keeps no samples, and logs no cookie, query or path, under a key of ours', () => {
    for (const { VisibilityConfig } of rulesIn(shipped(name).edge)) {
      expect(VisibilityConfig.SampledRequestsEnabled).toBe(false);
    }
    const [, logging] = only(shipped(name).edge, 'AWS::WAFv2::LoggingConfiguration');
    expect(logging.Properties['RedactedFields']).toEqual(
      expect.arrayContaining([{ UriPath: {} }, { QueryString: {} }, { SingleHeader: { Name: 'cookie' } }]),
    );
    const [group, { Properties }] = only(shipped(name).edge, 'AWS::Logs::LogGroup');
    expect(JSON.stringify(Properties['LogGroupName'])).toContain('aws-waf-logs-');
    expect(Properties['KmsKeyId']).toBeDefined();
    expect(mentions(logging.Properties['LogDestinationConfigs'], group)).toBe(true);
    expect(JSON.stringify(logging.Properties['LogDestinationConfigs'])).not.toContain(':*');
  });
});

test('the managed rules block on our prefixes once they are set to', () => {
  const { edge } = changedEnvironment('dev', { firewall: { managedRules: 'block' } });
  if (edge === undefined) throw new Error('no firewall');
  const managed = rulesIn(toJson(edge)).filter(({ OverrideAction }) => OverrideAction !== undefined);
  expect(managed.map(({ OverrideAction }) => OverrideAction)).toEqual(managed.map(() => ({ None: {} })));
});

test.each<[string, Partial<Environment>]>([
  ['another web ACL', { webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/x/1' }],
  ['a reason to have none', { withoutWebAcl: 'The firewall stands before CloudFront.' }],
])('an environment with %s makes no firewall', (_, change) => {
  expect(changedEnvironment('prod', change).edge).toBeUndefined();
});

describe.each(environmentNames)('the edge of %s', (name) => {
  test('sends the API a value that stands in no template', () => {
    const [, distribution] = only(shipped(name).stateless, 'AWS::CloudFront::Distribution');
    const { Origins } = distribution.Properties['DistributionConfig'] as {
      readonly Origins: readonly {
        readonly S3OriginConfig?: Json;
        readonly OriginCustomHeaders?: readonly Json[];
      }[];
    };
    const [api, ...others] = Origins.filter(({ S3OriginConfig }) => S3OriginConfig === undefined);
    expect(others).toEqual([]);
    expect(api?.OriginCustomHeaders).toEqual([
      {
        HeaderName: 'x-cis2-bff-edge',
        HeaderValue: {
          'Fn::Join': [
            '',
            [
              '{{resolve:secretsmanager:',
              { 'Fn::ImportValue': expect.stringContaining('EdgeSecret') },
              ':SecretString:::}}',
            ],
          ],
        },
      },
    ]);
    // The SPA's bucket needs no proof, and gets none.
    expect(JSON.stringify(Origins.find(({ S3OriginConfig }) => S3OriginConfig !== undefined))).not.toContain(
      'resolve',
    );
  });

  test.each(['login', 'callback', 'session', 'api-proxy', 'backchannel-logout'] as const)(
    'is known to %s by the value in force and the one before it, and by no other',
    (called) => {
      const about = statementsOf(shipped(name).stateless, called).filter(({ Resource }) =>
        mentions(Resource, 'EdgeSecret'),
      );
      expect(about.map(({ Action, Condition }) => [Action, Condition])).toEqual([
        [
          'secretsmanager:GetSecretValue',
          { 'ForAnyValue:StringEquals': { 'secretsmanager:VersionStage': ['AWSCURRENT', 'AWSPREVIOUS'] } },
        ],
        ['kms:Decrypt', { StringEquals: { 'kms:ViaService': 'secretsmanager.eu-west-2.amazonaws.com' } }],
      ]);
    },
  );
});

test('another number has Secrets Manager generate another value, CloudFront take it, and nothing else change', () => {
  /** Resource → its text, of both stacks. */
  const resources = (edgeSecretDeployment?: number): Map<string, string> => {
    const { stateful, stateless } = changedEnvironment('dev', { edgeSecretDeployment });
    return new Map(
      Object.entries({ ...toJson(stateful).Resources, ...toJson(stateless).Resources }).map(
        ([id, resource]) => [id, JSON.stringify(resource)],
      ),
    );
  };
  const numbers = [undefined, 2, 3].map(resources);
  expect([...resources(1)]).toEqual([...(numbers[0] ?? [])]);
  for (const [index, before] of numbers.slice(0, -1).entries()) {
    const after = numbers[index + 1];
    const changed = [...before].flatMap(([id, text]) => (after?.get(id) === text ? [] : [id]));
    expect(changed.map((id) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual([
      'EdgeSecretValue',
      'BffWebEdgeDistribution',
    ]);
    const generated = (of: string | undefined): string => /"PasswordLength":\d+/.exec(of ?? '')?.[0] ?? '';
    const [secret = ''] = changed;
    expect(generated(after?.get(secret))).not.toBe(generated(before.get(secret)));
  }
});

test.each([0, -1, 1.5, NaN, '2'])('the number %p is none, and is refused', (number) => {
  expect(() => changedEnvironment('dev', { edgeSecretDeployment: number as number })).toThrow(
    /edgeSecretDeployment must be a whole number from 1/,
  );
});

describe('in an app of somebody else', () => {
  const construct = (deployment: number, more: Partial<Cis2BffProps> = {}): Cis2Bff => {
    const stack = new Stack(createApp(), 'ward', { env: { region: 'eu-west-2' } });
    return new Cis2Bff(stack, 'Bff', {
      production: false,
      baseUrl: 'https://ward.example.nhs.uk',
      issuer: cis2Issuers.integration,
      clientId: 'ward',
      bundles: emptyBundles(),
      edgeSecret: new EdgeSecret(stack, 'EdgeSecret', { deployment }),
      ...more,
    });
  };

  test('the number of the app’s own edge secret is the one by which CloudFront takes its value', () => {
    const template = toJson(Stack.of(construct(7)));
    expect(JSON.stringify(only(template, 'AWS::CloudFront::Distribution'))).toContain('edge secret 7');
  });

  test('another number for it is refused, as a number that is none', () => {
    expect(() => construct(1, { edgeSecretDeployment: 2 })).toThrow(
      /edgeSecretDeployment is for the secret that is made here/,
    );
    expect(() => construct(0)).toThrow(/deployment must be a whole number from 1, got 0/);
  });

  test('the firewall is refused where CloudFront does not take it from', () => {
    const stack = new Stack(createApp(), 'edge', { env: { region: 'eu-west-2' } });
    expect(() => new Firewall(stack, 'Firewall')).toThrow(
      /the firewall must be in a stack in us-east-1, got eu-west-2/,
    );
  });
});

test('the firewall is refused a property that there is not, which would leave it weaker', () => {
  const stack = new Stack(createApp(), 'edge', { env: { region: 'us-east-1' } });
  expect(() => new Firewall(stack, 'Firewall', { managedRule: 'block' } as object)).toThrow(
    'there is no property managedRule: did you mean managedRules?',
  );
  expect(() => new Firewall(stack, 'Other', { managedRules: 'on' as never, signInsPerAddress: 0 })).toThrow(
    /managedRules must be "count" or "block", got "on"\n +signInsPerAddress must be a whole number from 1, got 0/,
  );
});

describe.each(environmentNames)('the gateway of %s', (name) => {
  test('takes requests by the name that the edge calls it by, and not by its own', () => {
    const { stateless } = shipped(name);
    const [apiId, api] = only(stateless, 'AWS::ApiGatewayV2::Api');
    expect(api.Properties).toMatchObject({ DisableExecuteApiEndpoint: true });
    const [domainId, domain] = only(stateless, 'AWS::ApiGatewayV2::DomainName');
    expect(domain.Properties).toMatchObject({
      DomainName: environments[name]?.origin?.domainName,
      DomainNameConfigurations: [{ EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' }],
    });
    const [, mapping] = only(stateless, 'AWS::ApiGatewayV2::ApiMapping');
    expect(mapping.Properties).toMatchObject({ ApiId: { Ref: apiId }, DomainName: { Ref: domainId } });
    expect(JSON.stringify(only(stateless, 'AWS::CloudFront::Distribution')[1])).not.toContain('execute-api');
  });

  test('has a rate for each route, so that none starves another, and a small one for what anybody can call', () => {
    const { stateless } = shipped(name);
    const [, stage] = only(stateless, 'AWS::ApiGatewayV2::Stage');
    const { ThrottlingRateLimit: all } = stage.Properties['DefaultRouteSettings'] as {
      readonly ThrottlingRateLimit: number;
    };
    const settings = stage.Properties['RouteSettings'] as Readonly<
      Record<string, { readonly ThrottlingRateLimit: number; readonly ThrottlingBurstLimit: number }>
    >;
    const routes = resourcesOfType(stateless, 'AWS::ApiGatewayV2::Route');
    const keys = routes.map(([, { Properties }]) => Properties['RouteKey']);
    const bounded = [
      ...['ANY /auth/login', 'ANY /auth/callback', 'ANY /auth/backchannel-logout', 'ANY /auth/jwks.json'],
      ...['ANY /auth/jwks/api-platform.json', 'ANY /auth/{proxy+}', 'ANY /api/{proxy+}', '$default'],
    ];
    // A route that is not named would share the stage's rate with all others of its kind.
    expect(Object.keys(settings).sort()).toEqual(keys.toSorted());
    for (const key of Object.keys(settings).filter((route) => !bounded.includes(route))) {
      expect([key, settings[key]?.ThrottlingRateLimit]).toEqual([key, all]);
    }
    for (const key of bounded) {
      expect(keys).toContain(key);
      expect(settings[key]?.ThrottlingRateLimit).toBeLessThanOrEqual(Math.max(all / 5, 5));
      expect(settings[key]?.ThrottlingRateLimit).toBeGreaterThanOrEqual(5);
    }
    // Together they leave room for who is signed in.
    const sum = bounded.reduce((total, key) => total + (settings[key]?.ThrottlingRateLimit ?? NaN), 0);
    expect(sum).toBeLessThan(all);
    // The gateway refuses settings of a route that is not there yet.
    const { DependsOn } = stage as unknown as { readonly DependsOn: readonly string[] };
    expect(DependsOn).toEqual(expect.arrayContaining(routes.map(([id]) => id)));
  });
});

test('callbacks that take a second each fit the instances of their own function, and logins have others', () => {
  const { stateless } = shipped('prod');
  const [, stage] = only(stateless, 'AWS::ApiGatewayV2::Stage');
  const settings = stage.Properties['RouteSettings'] as Readonly<
    Record<string, { readonly ThrottlingRateLimit: number }>
  >;
  const instancesOf = (called: FunctionName): unknown =>
    ofFunction(stateless, called, 'AWS::Lambda::Function')[1].Properties['ReservedConcurrentExecutions'];
  expect(settings['ANY /auth/callback']?.ThrottlingRateLimit).toBeLessThanOrEqual(
    Number(instancesOf('callback')),
  );
  expect(instancesOf('login')).toBeGreaterThan(0);
});

test('an environment without a name for the edge to call the API by is told what that leaves open', () => {
  const { stateless } = changedEnvironment('dev', { origin: undefined });
  const [, api] = only(toJson(stateless), 'AWS::ApiGatewayV2::Api');
  expect(api.Properties['DisableExecuteApiEndpoint']).not.toBe(true);
  const notices = stateless.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === 'aws:cdk:info')
    .map(({ data }) => String(data));
  expect(notices.join()).toContain('comes around the firewall');
});
