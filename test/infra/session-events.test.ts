/** What pushes the ends of sessions: there where a deployment asks for it, and nowhere else. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import { format, resolveConfig } from 'prettier';
import bff from '../../bff.config.ts';
import { Cis2Bff } from '../../infra/cis2-bff.ts';
import type { Environment } from '../../infra/environments.ts';
import { cis2Issuers } from '../../infra/parts/settings.ts';
import { BffStorage } from '../../infra/parts/storage.ts';
import { findingsIn, type StackTemplate } from '../../infra/rules.ts';
import { createApp } from '../../infra/synthesis.ts';
import { eventFunctionSettings, type EventFunctionName } from '../../lambdas/settings/index.ts';
import { eventFilter } from '../../local/aws/event-source-mappings.ts';
import { rightsReport } from '../../tools/rights/document.ts';
import { reachOf } from './reach.ts';
import {
  actionsOf,
  changedEnvironment,
  emptyBundles,
  imported,
  mentions,
  ofFunction,
  only,
  resourcesOfType,
  shipped,
  statementsOf,
  toJson,
  type Json,
  type Resource,
  type TemplateJson,
} from './support.ts';

const names = Object.keys(eventFunctionSettings) as EventFunctionName[];

interface Deployed {
  readonly stateful: TemplateJson;
  readonly stateless: TemplateJson;
}
const synthesised = (name: string, change: Partial<Environment>): Deployed => {
  const { stateful, stateless } = changedEnvironment(name, change);
  return { stateful: toJson(stateful), stateless: toJson(stateless) };
};
let without: Deployed;
let pushing: Deployed;
beforeAll(() => {
  without = shipped('prod');
  pushing = synthesised('prod', { sessionEvents: true });
}, 60_000);

const sessionsOf = ({ stateful }: Deployed): Resource => {
  const [found] = resourcesOfType(stateful, 'AWS::DynamoDB::Table').filter(([id]) => id.includes('Sessions'));
  if (found === undefined) throw new Error('no sessions table');
  return found[1];
};
const webSocketApi = (): string => {
  const [found] = resourcesOfType(pushing.stateless, 'AWS::ApiGatewayV2::Api').filter(
    ([, { Properties }]) => Properties['ProtocolType'] === 'WEBSOCKET',
  );
  if (found === undefined) throw new Error('no WebSocket API');
  return found[0];
};
const ofApi = (type: string): Resource => {
  const [found, another] = resourcesOfType(pushing.stateless, type).filter(([, { Properties }]) =>
    mentions(Properties['ApiId'], webSocketApi()),
  );
  if (found === undefined || another !== undefined) throw new Error(`not one ${type} of the WebSocket API`);
  return found[1];
};

describe('a deployment that does not ask for it', () => {
  test('has no part of it, although the app’s own configuration would use it', () => {
    expect(bff.sessionEvents).toBe(true);
    const text = JSON.stringify([without.stateful, without.stateless]);
    expect(text).not.toMatch(
      /websocket|StreamSpecification|EventSourceMapping|ManageConnections|auth\/events/i,
    );
    expect(resourcesOfType(without.stateless, 'AWS::ApiGatewayV2::Api')).toHaveLength(1);
  });

  test('has every resource that one with it has, but for what is new', () => {
    const added = Object.keys(pushing.stateless.Resources).filter(
      (id) => !(id in without.stateless.Resources),
    );
    const kinds = added.map((id) => pushing.stateless.Resources[id]?.Type).sort();
    expect(
      Object.keys(without.stateless.Resources).filter((id) => !(id in pushing.stateless.Resources)),
    ).toEqual([]);
    expect(kinds).toEqual([
      ...['AWS::ApiGatewayV2::Api', 'AWS::ApiGatewayV2::Integration', 'AWS::ApiGatewayV2::Route'],
      ...['AWS::ApiGatewayV2::Stage', 'AWS::CloudFront::Function'],
      ...Array.from({ length: 5 }, () => 'AWS::CloudWatch::Alarm'),
      'AWS::CodeDeploy::DeploymentGroup',
      ...['AWS::IAM::Role', 'AWS::IAM::Role', 'AWS::Lambda::Alias', 'AWS::Lambda::Alias'],
      'AWS::Lambda::EventSourceMapping',
      ...['AWS::Lambda::Function', 'AWS::Lambda::Function'],
      // Of the route, and of the subscriptions to the audit trail.
      ...['AWS::Lambda::Permission', 'AWS::Lambda::Permission', 'AWS::Lambda::Permission'],
      ...['AWS::Lambda::Version', 'AWS::Lambda::Version', 'AWS::Logs::LogGroup', 'AWS::Logs::LogGroup'],
      ...['AWS::Logs::SubscriptionFilter', 'AWS::Logs::SubscriptionFilter'],
    ]);
  });
});

describe('the WebSocket API', () => {
  test('has the one route $connect, to the version in force of its function', () => {
    const route = ofApi('AWS::ApiGatewayV2::Route').Properties;
    expect(route['RouteKey']).toBe('$connect');
    const integration = ofApi('AWS::ApiGatewayV2::Integration').Properties;
    const [alias] = ofFunction(pushing.stateless, 'session-events', 'AWS::Lambda::Alias');
    expect(integration['IntegrationType']).toBe('AWS_PROXY');
    expect(mentions(integration['IntegrationUri'], alias)).toBe(true);
    expect(integration['TimeoutInMillis']).toBe(8_000);
  });

  test('takes a fifth of the requests at most', () => {
    expect(ofApi('AWS::ApiGatewayV2::Stage').Properties).toMatchObject({
      StageName: 'events',
      DefaultRouteSettings: { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 },
    });
  });

  test('is called through the edge by one path, with the value of the edge and no cookies but ours [ASVS-4.4.1]', () => {
    const [, { Properties }] = only(pushing.stateless, 'AWS::CloudFront::Distribution');
    const config = Properties['DistributionConfig'] as {
      readonly Origins: readonly Record<string, Json>[];
      readonly CacheBehaviors: readonly Record<string, Json>[];
    };
    const paths = config.CacheBehaviors.map(({ PathPattern }) => PathPattern);
    // The first that fits counts.
    expect(paths.indexOf('/auth/events')).toBeLessThan(paths.indexOf('/auth/*'));
    const behaviour = config.CacheBehaviors.find(({ PathPattern }) => PathPattern === '/auth/events');
    const others = config.CacheBehaviors.find(({ PathPattern }) => PathPattern === '/auth/*');
    for (const same of [
      'CachePolicyId',
      'OriginRequestPolicyId',
      'ResponseHeadersPolicyId',
      'ViewerProtocolPolicy',
    ])
      expect(behaviour?.[same]).toEqual(others?.[same]);
    expect(behaviour?.['ViewerProtocolPolicy']).toBe('https-only');
    const origin = config.Origins.find(({ Id }) => Id === behaviour?.['TargetOriginId']);
    expect(origin?.['OriginPath']).toBe('/events');
    expect(mentions(origin?.['DomainName'], webSocketApi())).toBe(true);
    const bffOrigin = config.Origins.find(({ Id }) => Id === others?.['TargetOriginId']);
    expect(origin?.['OriginCustomHeaders']).toEqual(bffOrigin?.['OriginCustomHeaders']);
    expect(JSON.stringify(origin?.['OriginCustomHeaders'])).toContain('x-cis2-bff-edge');
  });

  test('is asked at its stage, whatever stands in the address', () => {
    const [, { Properties }] = resourcesOfType(pushing.stateless, 'AWS::CloudFront::Function').find(([id]) =>
      id.includes('EventsRewrite'),
    ) as [string, Resource];
    const code = Properties['FunctionCode'] as string;
    const request = { uri: '/auth/events', querystring: { a: { value: '1' } }, headers: {} };
    expect(runInNewContext(`${code}; handler({ request })`, { request })).toMatchObject({ uri: '/' });
  });
});

describe('the stream of the sessions table', () => {
  const mapping = (): Record<string, Json> =>
    only(pushing.stateless, 'AWS::Lambda::EventSourceMapping')[1].Properties;
  const pattern = (): Json => {
    const { Filters } = mapping()['FilterCriteria'] as unknown as { Filters: { Pattern: string }[] };
    expect(Filters).toHaveLength(1);
    return JSON.parse(Filters[0]?.Pattern ?? '') as Json;
  };

  test('has the items as they became, and is there for nothing else', () => {
    expect(sessionsOf(pushing).Properties['StreamSpecification']).toEqual({ StreamViewType: 'NEW_IMAGE' });
    expect(sessionsOf(without).Properties).not.toHaveProperty('StreamSpecification');
  });

  test('runs the version in force, a few times and for a minute', () => {
    const [alias] = ofFunction(pushing.stateless, 'session-end-events', 'AWS::Lambda::Alias');
    expect(mapping()).toMatchObject({
      FunctionName: { Ref: alias },
      StartingPosition: 'LATEST',
      MaximumRecordAgeInSeconds: 60,
      MaximumRetryAttempts: 2,
      BisectBatchOnFunctionError: true,
    });
    expect(JSON.stringify(imported(pushing.stateful, mapping()['EventSourceArn']))).toContain('StreamArn');
  });

  test.each([
    ['the end of a session that a page listens for', {}, true],
    ['a session that lives', { state: { S: 'alive' } }, false],
    ['one that no page listens for', { eventsConnection: undefined }, false],
    ['another item of the session', { sk: { S: 'profile' } }, false],
  ])('lets through %s: %j', (_what, change, isLet) => {
    const NewImage = {
      ...{ pk: { S: 'session#KEY' }, sk: { S: 'core' }, state: { S: 'ended' } },
      ...{ eventsConnection: { S: 'L0SM9cOFvHcCIhw=' } },
      ...change,
    };
    const record = JSON.parse(JSON.stringify({ eventName: 'MODIFY', dynamodb: { NewImage } })) as Json;
    expect(eventFilter(pattern())(record)).toBe(isLet);
  });

  test('lets through nothing that was removed, and filters by what Lambda filters a stream by', () => {
    expect(eventFilter(pattern())({ eventName: 'REMOVE', dynamodb: { Keys: {} } })).toBe(false);
    expect(Object.keys(pattern() as object)).toEqual(['dynamodb']);
  });
});

describe('the functions', () => {
  test.each(names)('%s runs on Node 24, arm64, with the settings that it reads', (name) => {
    const [, { Properties }] = ofFunction(pushing.stateless, name, 'AWS::Lambda::Function');
    expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
    expect(Properties['ReservedConcurrentExecutions']).toBeGreaterThan(0);
    const { Variables } = Properties['Environment'] as unknown as { Variables: Record<string, Json> };
    const { AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: address, ...settings } = Variables;
    expect(Object.keys(settings).sort()).toEqual([...eventFunctionSettings[name]].sort());
    expect(mentions(address, webSocketApi())).toBe(name === 'session-end-events');
  });

  test('may do what they do, and nothing else', () => {
    const rights = names.map((name) =>
      statementsOf(pushing.stateless, name).map(({ Action, Resource: on, Condition }) => [
        [Action].flat().join(' '),
        JSON.stringify(on),
        Condition,
      ]),
    );
    const [listens, tells] = rights;
    expect(listens?.map(([action]) => action)).toEqual([
      'logs:CreateLogStream logs:PutLogEvents',
      'secretsmanager:GetSecretValue',
      'kms:Decrypt',
      'dynamodb:UpdateItem',
      'kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey',
    ]);
    expect(listens?.[3]?.[2]).toEqual({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['session#*'] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    });
    expect(tells?.map(([action]) => action)).toEqual([
      'logs:CreateLogStream logs:PutLogEvents',
      'dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams',
      'kms:Decrypt',
      'execute-api:ManageConnections',
    ]);
    expect(tells?.[1]?.[1]).toContain('StreamArn');
    expect(tells?.[2]?.[2]).toEqual({
      StringEquals: { 'kms:ViaService': 'dynamodb.eu-west-2.amazonaws.com' },
    });
    expect(tells?.[3]?.[1]).toMatch(/execute-api:eu-west-2:111122223333:.*\/events\/POST\/@connections\/\*/);
  });

  test('have the rights that their code can use, but for those by which Lambda reads the stream', () => {
    for (const name of names) {
      const allowed = actionsOf(statementsOf(pushing.stateless, name)).filter((action) =>
        /^(?:dynamodb:\w*Item|secretsmanager|execute-api):?/.test(action),
      );
      expect([name, allowed.sort()]).toEqual([name, [...reachOf(name).actions].sort()]);
    }
  }, 120_000);

  test('reserve their instances, which the synthesis counts, only where they are', () => {
    const reservedIn = (deployed: Deployed): number =>
      resourcesOfType(deployed.stateless, 'AWS::Lambda::Function').reduce(
        (sum, [, { Properties }]) => sum + Number(Properties['ReservedConcurrentExecutions'] ?? 0),
        0,
      );
    expect(reservedIn(pushing) - reservedIn(without)).toBe(25);
  });

  test('have alarms on their errors and throttles, and one on how late pages are told; none wakes anybody', () => {
    const alarms = resourcesOfType(pushing.stateless, 'AWS::CloudWatch::Alarm')
      .map(([, { Properties }]) => Properties['AlarmName'] as string)
      .filter((name) => / SessionE(?:nd|vent)/.test(name));
    expect(alarms.sort()).toEqual(
      [
        'SessionEndEventsErrors',
        'SessionEndEventsThrottled',
        'SessionEndsLate',
        'SessionEventsErrors',
        'SessionEventsThrottled',
      ].map((name) => `cis2-bff-prod-stateless-Bff warning ${name}`),
    );
    const runbooks = readFileSync(join(import.meta.dirname, '../../docs/operations/runbooks.md'), 'utf8');
    expect(runbooks).toContain('`SessionEndsLate`');
  });

  test('session-events, which pages call, takes over bit by bit, and goes back when an alarm says so', () => {
    const released = resourcesOfType(pushing.stateless, 'AWS::Lambda::Alias').flatMap(
      ([id, { UpdatePolicy }]) =>
        UpdatePolicy === undefined || !id.includes('SessionE') ? [] : [[id, UpdatePolicy] as const],
    );
    const [alias] = ofFunction(pushing.stateless, 'session-events', 'AWS::Lambda::Alias');
    expect(released.map(([id]) => id)).toEqual([alias]);
    const groups = resourcesOfType(pushing.stateless, 'AWS::CodeDeploy::DeploymentGroup').filter(([id]) =>
      mentions(released[0]?.[1], id),
    );
    expect(groups.map(([, { Properties }]) => Properties)).toEqual([
      expect.objectContaining({
        DeploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent15Minutes',
        AlarmConfiguration: expect.objectContaining({ Enabled: true }),
      }),
    ]);
    const [, { Properties }] = groups[0] as [string, Resource];
    const { Alarms } = Properties['AlarmConfiguration'] as unknown as { Alarms: { Name: { Ref: string } }[] };
    const watched = Alarms.map(({ Name }) => pushing.stateless.Resources[Name.Ref]?.Properties['AlarmName']);
    expect(watched).toContainEqual(expect.stringMatching(/ SessionEventsErrors$/));
  });

  test('have their audit events copied to the audit trail', () => {
    const [id] = ofFunction(pushing.stateless, 'session-events', 'AWS::Logs::LogGroup');
    const filters = resourcesOfType(pushing.stateless, 'AWS::Logs::SubscriptionFilter').filter(
      ([, { Properties }]) => mentions(Properties['LogGroupName'], id),
    );
    expect(filters).toHaveLength(1);
  });
});

test('breaks no rule of ours but where it says why', () => {
  const rules = ({ stateful, stateless }: Deployed): string[] =>
    [stateful, stateless].flatMap((template) =>
      findingsIn(template as StackTemplate).map(({ rule, logicalId }) => `${rule} ${logicalId}`),
    );
  const before = rules(without);
  const [more, another] = rules(pushing).filter((finding) => !before.includes(finding));
  expect([more, another]).toEqual([`OriginLock ${webSocketApi()}`, undefined]);
});

test('a function in the place of an alias is found, at the WebSocket API and at the stream', () => {
  const changed = structuredClone(pushing.stateless) as unknown as {
    Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  };
  for (const { Type, Properties } of Object.values(changed.Resources)) {
    const bare = { 'Fn::GetAtt': ['BffFunctionsSession', 'Arn'] };
    if (Type === 'AWS::Lambda::EventSourceMapping') Properties['FunctionName'] = bare;
    if (Type === 'AWS::ApiGatewayV2::Integration' && mentions(Properties['ApiId'] as Json, webSocketApi()))
      Properties['IntegrationUri'] = {
        'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':', bare, '/invocations']],
      };
  }
  const found = findingsIn(changed as unknown as StackTemplate).filter(({ rule }) => rule === 'AliasTarget');
  const before = findingsIn(pushing.stateless as StackTemplate).filter(({ rule }) => rule === 'AliasTarget');
  expect(found.length - before.length).toBe(2);
});

describe('the construct', () => {
  const make = (change: object) => () =>
    new Cis2Bff(
      new Stack(createApp(), 'Stack', { env: { account: '111122223333', region: 'eu-west-2' } }),
      'Bff',
      {
        ...{
          production: false,
          baseUrl: 'https://first.cloudfront.net',
          clientId: 'client',
          bundles: emptyBundles(),
        },
        issuer: cis2Issuers.integration,
        ...change,
      },
    );

  test('makes the stream and the API itself where it makes the storage', () => {
    const template = toJson(Stack.of(make({ sessionEvents: true })()));
    expect(resourcesOfType(template, 'AWS::Lambda::EventSourceMapping')).toHaveLength(1);
  });

  test('is refused with storage of the app’s own that has no stream', () => {
    const stack = new Stack(createApp(), 'Stateful');
    const storage = new BffStorage(stack, 'Storage');
    expect(make({ sessionEvents: true, storage })).toThrow(
      /sessionEvents needs the stream of the sessions table/,
    );
  });

  test('is refused with anything but true and false', () => {
    expect(make({ sessionEvents: 'yes' })).toThrow(/sessionEvents must be true or false/);
  });
});

test('the table of rights is what the template says: npm run rights has been run', async () => {
  const file = join(import.meta.dirname, '../../docs/operations/rights-session-events.md');
  const { document, withoutReason, unused } = rightsReport(pushing.stateless, without.stateless);
  expect([withoutReason, unused]).toEqual([[], []]);
  const options = { ...(await resolveConfig(file)), filepath: file };
  expect(readFileSync(file, 'utf8')).toBe(await format(document, options));
});
