import { describe, expect, test } from '@jest/globals';
import { Duration, Stack } from 'aws-cdk-lib';
import { Certificate, type ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { Cis2Bff, type Cis2BffProps } from '../../infra/cis2-bff.ts';
import { refuseSharedHosts } from '../../infra/environment-checks.ts';
import { environments } from '../../infra/environments.ts';
import type { Environment } from '../../infra/environments.ts';
import { apiPlatformTokenUrls } from '../../infra/parts/api-platform.ts';
import { EdgeSecret } from '../../infra/parts/edge-secret.ts';
import { SigningKeyStore } from '../../infra/parts/signing-key-store.ts';
import { cis2Issuers } from '../../infra/parts/settings.ts';
import { addEnvironment } from '../../infra/stacks.ts';
import { createApp } from '../../infra/synthesis.ts';
import type { FunctionName } from '../../lambdas/settings/index.ts';
import {
  changedEnvironment,
  emptyBundles,
  ofFunction,
  only,
  resourcesOfType,
  shipped,
  toJson,
} from './support.ts';
import type { TemplateJson } from './support.ts';

const webAclArn =
  'arn:aws:wafv2:us-east-1:111122223333:global/webacl/example/11111111-2222-3333-4444-555555555555';

const bundles = emptyBundles();

const good = (name: 'dev' | 'prod'): Environment => {
  const entry = environments[name];
  if (entry === undefined) throw new Error(`no environment ${name}`);
  return entry;
};

const adding = (name: 'dev' | 'prod', change: Partial<Environment>) => () => changedEnvironment(name, change);

describe('an environment is refused', () => {
  test.each<[string, 'dev' | 'prod', Partial<Environment>, RegExp]>([
    ['a base URL on this machine', 'dev', { baseUrl: 'http://localhost:3000' }, /dev: baseUrl is a loopback/],
    [
      'a base URL by loopback address',
      'prod',
      { baseUrl: 'https://127.0.0.1' },
      /prod: baseUrl is a loopback/,
    ],
    [
      'a base URL without TLS',
      'dev',
      { baseUrl: 'http://app.example.nhs.uk' },
      /dev: baseUrl must be an https URL/,
    ],
    [
      'a base URL with a path',
      'dev',
      { baseUrl: 'https://app.example.nhs.uk/x' },
      /dev: baseUrl must be an origin/,
    ],
    ['an issuer on this machine', 'dev', { issuer: 'http://localhost:3001' }, /dev: issuer is a loopback/],
    ['debug logs in production', 'prod', { logLevel: 'debug' }, /prod: logLevel debug/],
    ['an idle limit above CIS2’s', 'prod', { idleSeconds: 901 }, /prod: idleSeconds must be .* 900, got 901/],
    [
      'an absolute limit above CIS2’s',
      'prod',
      { absoluteSeconds: 43_201 },
      /absoluteSeconds must be .* 43200/,
    ],
    ['an older sign-in than CIS2 allows', 'prod', { freshness: 301 }, /freshness must be .* 300/],
    ['an empty client id', 'dev', { clientId: '' }, /dev: clientId is missing/],
    ['a scope without openid', 'dev', { scope: 'profile' }, /dev: scope must be/],
    [
      'a policy that is misspelt',
      'dev',
      { ['acceptedRole' as string]: 'any' },
      /dev: there is no property acceptedRole: did you mean acceptedRoles\?/,
    ],
    [
      'a number for a time',
      'dev',
      { keyLeadTime: 5 as never, rollout: 'slow' as never },
      /dev: keyLeadTime must be a Duration, got 5\n +dev: rollout must be "canary" or "all-at-once", got "slow"/,
    ],
    [
      'an unknown function',
      'dev',
      { reservedConcurrency: { logn: 1 } as never },
      /reservedConcurrency must be/,
    ],
    [
      'a web ACL without a name, which would be no firewall',
      'prod',
      { webAclArn: '' },
      /prod: webAclArn must be text, got ""/,
    ],
    [
      'a rate that is no number',
      'dev',
      { requestsPerSecond: NaN },
      /dev: requestsPerSecond must be a number/,
    ],
    [
      'a rule for roles that is misspelt',
      'dev',
      { acceptedRoles: [{ activities: ['B0360'] }] as never },
      /dev: acceptedRoles/,
    ],
    [
      'no rule for roles',
      'dev',
      { acceptedRoles: [] },
      /dev: acceptedRoles must be a list of at least one role rule/,
    ],
    ['a rule that says nothing', 'dev', { acceptedRoles: [{}] }, /dev: acceptedRoles/],
    ['a rule with an empty list', 'dev', { acceptedRoles: [{ activityCodes: [] }] }, /dev: acceptedRoles/],
    [
      'a week and a half day between rotations',
      'dev',
      { rotationPeriod: Duration.hours(180) },
      /dev: rotationPeriod must be whole days from 7 to 365, got 7.5/,
    ],
    [
      'rotations too often',
      'dev',
      { rotationPeriod: Duration.days(6) },
      /dev: rotationPeriod must be whole days from 7 to 365, got 6/,
    ],
    [
      'rotations too seldom',
      'prod',
      { rotationPeriod: Duration.days(366) },
      /prod: rotationPeriod must be whole days from 7 to 365, got 366/,
    ],
    [
      'keys that may sign in production before the API platform can know them',
      'prod',
      { keyLeadTime: Duration.minutes(59) },
      /prod: keyLeadTime must be at least an hour in production.*, got 3540 s/,
    ],
    [
      'keys that would never be due',
      'dev',
      { keyLeadTime: Duration.days(7), rotationPeriod: Duration.days(7) },
      /dev: keyLeadTime must be shorter than rotationPeriod/,
    ],
    [
      'a part of a second of lead time',
      'dev',
      { keyLeadTime: Duration.millis(500) },
      /dev: keyLeadTime must be a whole number/,
    ],
    [
      'a place for keys that there is not',
      'dev',
      { keyCustody: 'laptop' as never },
      /dev: keyCustody must be one of secret, kms/,
    ],
    [
      'keys for the API platform that are neither',
      'dev',
      { apiPlatformKeys: 'both' as never },
      /dev: apiPlatformKeys must be one of shared, own/,
    ],
    [
      'an end-session endpoint on this machine',
      'prod',
      { endSessionUrl: 'http://localhost:3001/end' },
      /prod: endSessionUrl is a loopback/,
    ],
    [
      'an end-session endpoint without TLS',
      'dev',
      { endSessionUrl: 'http://am.example.nhs.uk/end' },
      /dev: endSessionUrl must be an https URL/,
    ],
    ['a test issuer in production', 'prod', { issuer: cis2Issuers.integration }, /must be the live issuer/],
    ['the live issuer outside production', 'dev', { issuer: cis2Issuers.live }, /for production only/],
    ['a path that is another host', 'dev', { signedOutPath: '//evil.example' }, /dev: signedOutPath must be/],
    [
      'another token endpoint than the live API platform’s in production',
      'prod',
      { apiPlatformTokenUrl: apiPlatformTokenUrls.integration },
      /prod: apiPlatformTokenUrl must be https:\/\/api\.service\.nhs\.uk\/oauth2\/token in production, got https:\/\/int\./,
    ],
    [
      'a mock of the API platform in production',
      'prod',
      { apiPlatformTokenUrl: 'https://api.service.nhs.uk/oauth2-mock/token' },
      /prod: apiPlatformTokenUrl must be/,
    ],
    [
      'the live token endpoint outside production',
      'dev',
      { apiPlatformTokenUrl: 'https://API.service.nhs.uk:443/oauth2/token' },
      /dev: apiPlatformTokenUrl has the live API platform, which is for production only/,
    ],
    [
      'a token endpoint on this machine',
      'dev',
      { apiPlatformTokenUrl: 'http://localhost:4000/oauth2/token' },
      /dev: apiPlatformTokenUrl is a loopback address/,
    ],
    [
      'a token endpoint without TLS',
      'dev',
      { apiPlatformTokenUrl: 'http://int.api.service.nhs.uk/oauth2/token' },
      /dev: apiPlatformTokenUrl must be an https URL/,
    ],
    [
      'an upstream in a test environment of the API platform in production',
      'prod',
      { upstreamUrls: { pds: 'https://int.api.service.nhs.uk./personal-demographics/FHIR/R4' } },
      /prod: upstreamUrls has a test environment of the API platform, which is not for production/,
    ],
    [
      'an upstream on the live API platform outside production',
      'dev',
      { upstreamUrls: { pds: 'https://api.service.nhs.uk./personal-demographics/FHIR/R4' } },
      /dev: upstreamUrls has the live API platform, which is for production only/,
    ],
    [
      'an upstream that the route manifest does not know',
      'dev',
      { upstreamUrls: { 'e-rs': 'https://int.api.service.nhs.uk/referrals' } },
      /dev: upstreamUrls names e-rs, and the route manifest has pds/,
    ],
    [
      'an upstream on this machine',
      'dev',
      { upstreamUrls: { pds: 'http://127.0.0.1:9000' } },
      /dev: upstreamUrls has a loopback address/,
    ],
    [
      'an upstream without TLS',
      'dev',
      { upstreamUrls: { pds: 'http://a.example' } },
      /dev: upstreamUrls must be a plain https URL of a host name \(http only for loopback\) for pds, got "http:\/\/a\.example"/,
    ],
    ['no calls at all', 'dev', { callsPerWindow: 0 }, /dev: callsPerWindow must be a whole number from 1/],
    [
      'no certificate in production',
      'prod',
      { certificateArn: undefined },
      /prod: certificate .*certificateArn.* is missing: without it the base URL's host cannot reach/,
    ],
    [
      'a host of its own outside production, without a certificate for it',
      'dev',
      { certificateArn: undefined },
      /dev: baseUrl names dev\.app\.example\.nhs\.uk, on which the distribution does not answer without a certificate/,
    ],
    [
      'a certificate for a name that is CloudFront’s',
      'dev',
      { baseUrl: 'https://d111111abcdef8.cloudfront.net' },
      /dev: baseUrl names d111111abcdef8\.cloudfront\.net, which is CloudFront's own/,
    ],
    ['an account that is none', 'dev', { account: 'dev' }, /dev: account must be the twelve digits/],
    [
      'an account of its own and the rest of the example',
      'prod',
      { account: '210987654321' },
      /prod: baseUrl still has example\.nhs\.uk of the example[^]* prod: certificateArn still has 111122223333/,
    ],
    [
      'an address for alarms that is none',
      'prod',
      { alarmEmail: 'on call' },
      /prod: alarmEmail must be an address, got on call/,
    ],
    [
      'an origin of the API that is the origin of the app',
      'prod',
      { origin: { domainName: 'app.example.nhs.uk', certificateArn: webAclArn } },
      /prod: origin\.domainName must be a host name of its own, got app\.example\.nhs\.uk/,
    ],
    [
      'a role of operators that everybody may assume',
      'prod',
      { operatorPrincipals: { readOnly: new iam.AccountRootPrincipal(), operator: new iam.AnyPrincipal() } },
      /prod: operatorPrincipals\.operator is everybody: name who may assume the role/,
    ],
    [
      'a role of operators that everybody with an AWS account may assume',
      'dev',
      { operatorPrincipals: { readOnly: new iam.ArnPrincipal('*').withSessionTags() } },
      /dev: operatorPrincipals\.readOnly is everybody/,
    ],
    [
      'a function that could never run',
      'prod',
      { reservedConcurrency: { jwks: 0 } },
      /prod: reservedConcurrency of jwks must be a whole number from 1, got 0/,
    ],
    [
      'a firewall that is misspelt, and would be weaker',
      'prod',
      { firewall: { managedRule: 'block' } as object },
      /prod: there is no property firewall\.managedRule: did you mean managedRules\?/,
    ],
    [
      'a hosted zone that is misspelt',
      'prod',
      { hostedZone: { zoneId: 'Z000000000000', name: 'example.nhs.uk' } as never },
      /prod: there is no property hostedZone\.zoneId: did you mean id\?\n +prod: hostedZone\.id is missing/,
    ],
    [
      'a hosted zone by its id alone',
      'prod',
      { hostedZone: 'Z000000000000' as never },
      /prod: hostedZone must be an object with id, name, got "Z000000000000"/,
    ],
    [
      'a hosted zone with an id that is none',
      'prod',
      { hostedZone: { id: 'example.nhs.uk', name: 'example.nhs.uk' } },
      /prod: hostedZone\.id must be the id of a hosted zone, such as Z0123456789ABC, got example\.nhs\.uk/,
    ],
    [
      'an origin without a name',
      'prod',
      { origin: { domain: 'origin.app.example.nhs.uk' } as never },
      /prod: there is no property origin\.domain: did you mean domainName\?\n +prod: origin\.domainName is missing/,
    ],
    [
      'a property of the construct that an environment has under another name',
      'prod',
      { ['certificate' as string]: 'arn' },
      /prod: there is no property certificate: did you mean certificateArn\?/,
    ],
    [
      'a property like no other',
      'dev',
      { ['region' as string]: 'eu-west-1' },
      /dev: there is no property region$/,
    ],
    [
      'an account that is a number',
      'dev',
      { account: 111122223333 as never },
      /dev: account must be text, got 111122223333/,
    ],
    [
      'a placeholder for the client id',
      'dev',
      { clientId: 'the client id from CIS2' },
      /dev: clientId must be the client id from CIS2, without spaces, got "the client id from CIS2"/,
    ],
    [
      'an app’s certificate in the API’s region, and the origin’s in CloudFront’s',
      'prod',
      {
        certificateArn: 'arn:aws:acm:eu-west-2:111122223333:certificate/0',
        origin: {
          domainName: 'origin.app.example.nhs.uk',
          certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/0',
        },
        webAclArn: 'arn:aws:wafv2:eu-west-2:111122223333:global/webacl/x/1',
      },
      /prod: certificateArn must be in us-east-1, got .*\n +prod: webAclArn must be in us-east-1, got .*\n +prod: origin\.certificateArn must be in eu-west-2, got /,
    ],
    [
      'a certificate of another account',
      'prod',
      { certificateArn: 'arn:aws:acm:us-east-1:210987654321:certificate/0' },
      /prod: certificateArn must be in the account 111122223333, got arn:aws:acm:us-east-1:210987654321/,
    ],
    [
      'an ARN that is misspelt',
      'prod',
      { certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificates/0' },
      /prod: certificateArn must be an ARN such as arn:aws:acm:us-east-1:.*, got arn:aws:acm:us-east-1:111122223333:certificates\/0/,
    ],
    [
      'the dots of an example in an ARN',
      'prod',
      { certificateArn: 'arn:aws:acm:us-east-1:…' },
      /prod: certificateArn must be an ARN such as .*, got arn:aws:acm:us-east-1:…/,
    ],
    [
      'no web ACL in production for an empty reason',
      'prod',
      { webAclArn: undefined, withoutWebAcl: ' ' },
      /prod: withoutWebAcl gives no reason/,
    ],
    [
      'a web ACL and a reason to have none',
      'prod',
      { webAclArn, withoutWebAcl: 'There is a firewall before CloudFront.' },
      /prod: withoutWebAcl says that there is no web ACL, and webAclArn names one/,
    ],
  ])('for %s, by name', (_what, name, change, message) => {
    expect(adding(name, change)).toThrow(message);
  });

  test('under a name that its stacks cannot carry', () => {
    expect(() => addEnvironment(createApp(), 'my env', good('dev'), bundles)).toThrow(
      /my env: the name of an environment must be letters, digits and hyphens/,
    );
  });

  test('for a host of another environment', () => {
    expect(() => {
      refuseSharedHosts(environments);
    }).not.toThrow();
    const [dev, prod] = [good('dev'), good('prod')];
    expect(() => {
      refuseSharedHosts({ dev, int: { ...prod, baseUrl: dev.baseUrl }, prod });
    }).toThrow(
      /int: baseUrl has the host dev\.app\.example\.nhs\.uk, as baseUrl of dev has\n +prod: origin has the host origin\.app\.example\.nhs\.uk, as origin of int has/,
    );
  });

  test('with one problem for an issuer that is missing', () => {
    expect(adding('prod', { issuer: '' })).toThrow(/^cis2-bff refused: prod: issuer is missing$/);
  });

  test('with every problem at once', () => {
    expect(adding('prod', { idleSeconds: 0, logLevel: 'debug', certificateArn: undefined })).toThrow(
      /idleSeconds.*\n +prod: logLevel.*\n +prod: certificate/,
    );
  });

  test('there is one for production and at least one other', () => {
    const production = Object.entries(environments).filter(([, { production }]) => production);
    expect(production.map(([name]) => name)).toEqual(['prod']);
    expect(Object.keys(environments).length).toBeGreaterThan(1);
  });
});

describe('an environment that asks CIS2 for more than is used', () => {
  const warnings = (scope?: string): readonly string[] => {
    const { stateless } = adding('dev', scope === undefined ? {} : { scope })();
    return stateless.node
      .findAll()
      .flatMap(({ node }) => node.metadata)
      .filter(({ type }) => type === 'aws:cdk:warning')
      .map(({ data }) => String(data));
  };

  test('is warned of what CIS2’s requirement is, by the name of each scope, and let be [CIS2-SC-003]', () => {
    expect(warnings('openid email profile professionalmemberships')).toEqual([
      expect.stringMatching(/nothing here uses email, professionalmemberships: .*NHS CIA SC Req 003/),
    ]);
  });

  test('is not when it asks for what is used', () => {
    expect(warnings()).toEqual([]);
    expect(warnings('openid profile nhsperson nationalrbacaccess associatedorgs selectedrole')).toEqual([]);
  });
});

const settingsIn = (stateless: TemplateJson, name: FunctionName): Record<string, unknown> => {
  const [, { Properties }] = ofFunction(stateless, name, 'AWS::Lambda::Function');
  return (Properties['Environment'] as { readonly Variables: Record<string, unknown> }).Variables;
};

describe('the APIs that an environment calls', () => {
  test.each(Object.entries(environments))(
    'are in the API platform’s environment that fits %s, as its token endpoint is',
    (name, environment) => {
      const { stateless } = shipped(name);
      const host = environment.production ? 'https://api.service.nhs.uk' : 'https://int.api.service.nhs.uk';
      expect(settingsIn(stateless, 'api-proxy')).toMatchObject({
        API_PLATFORM_TOKEN_URL: `${host}/oauth2/token`,
        UPSTREAMS: JSON.stringify({ pds: `${host}/personal-demographics/FHIR/R4` }),
        CALLS_PER_WINDOW: '250',
      });
    },
  );

  test('are those it names, and may be on another host than the API platform’s', () => {
    const change: Partial<Environment> = {
      upstreamUrls: { pds: 'https://pds.trust.example' },
      apiPlatformTokenUrl: 'https://sandbox.api.service.nhs.uk/oauth2-mock/token',
      callsPerWindow: 30,
    };
    expect(settingsIn(toJson(adding('dev', change)().stateless), 'api-proxy')).toMatchObject({
      API_PLATFORM_TOKEN_URL: 'https://sandbox.api.service.nhs.uk/oauth2-mock/token',
      UPSTREAMS: '{"pds":"https://pds.trust.example"}',
      CALLS_PER_WINDOW: '30',
    });
    const { upstreamUrls, ...none } = good('dev');
    expect(upstreamUrls).toBeDefined();
    const { stateless } = addEnvironment(createApp(), 'dev', none, bundles);
    expect(settingsIn(toJson(stateless), 'api-proxy')['UPSTREAMS']).toBe('{}');
  });
});

test('the roles of operators can be for those alone that an environment names', () => {
  const operatorPrincipals = { operator: new iam.ArnPrincipal('arn:aws:iam::111122223333:role/on-call') };
  const roles = resourcesOfType(toJson(adding('dev', { operatorPrincipals })().stateless), 'AWS::IAM::Role');
  const trust = (id: string): string =>
    JSON.stringify(roles.find(([name]) => name.startsWith(id))?.[1].Properties['AssumeRolePolicyDocument']);
  expect(trust('BffOperatorsOperator')).toContain('{"AWS":"arn:aws:iam::111122223333:role/on-call"}');
  expect(trust('BffOperatorsOperator')).not.toContain(':root');
  expect(trust('BffOperatorsReadOnly')).toContain(':root');
});

describe('how an environment treats roles and sessions', () => {
  test('is any role and every session, until it says otherwise', () => {
    const { stateless } = shipped('dev');
    expect(settingsIn(stateless, 'callback')).toMatchObject({
      ACCEPTED_ROLES: 'optional',
      CONCURRENT_SESSIONS: 'allow',
    });
    expect(settingsIn(stateless, 'session')).toMatchObject({
      ACCEPTED_ROLES: 'optional',
      END_SESSION_URL: 'off',
    });
  });

  test('reaches the functions as it is written there', () => {
    const acceptedRoles = [{ activityCodes: ['B0360'], organisations: ['A9A5A'] }];
    const endSessionUrl = 'https://am.example.nhs.uk:443/connect/endSession';
    const change = { acceptedRoles, concurrentSessions: 'newest-wins', endSessionUrl } as const;
    const stateless = toJson(adding('dev', change)().stateless);
    const ACCEPTED_ROLES = JSON.stringify(acceptedRoles);
    expect(settingsIn(stateless, 'callback')).toMatchObject({
      ACCEPTED_ROLES,
      CONCURRENT_SESSIONS: 'newest-wins',
    });
    expect(settingsIn(stateless, 'session')).toMatchObject({
      ACCEPTED_ROLES,
      END_SESSION_URL: endSessionUrl,
    });
  });
});

describe('the instances that an environment reserves', () => {
  const reservedIn = (stack: Stack): Record<string, unknown> =>
    Object.fromEntries(
      resourcesOfType(toJson(stack), 'AWS::Lambda::Function').flatMap(([id, { Properties }]) => {
        const instances = Properties['ReservedConcurrentExecutions'];
        return instances === undefined
          ? []
          : [[id.replace(/^BffFunctions|Function[0-9A-F]{8}$/g, ''), instances]];
      }),
    );
  const noticesOf = (stack: Stack): readonly string[] =>
    stack.node
      .findAll()
      .flatMap(({ node }) => node.metadata)
      .filter(({ type }) => type === 'aws:cdk:info')
      .map(({ data }) => String(data));

  test('are none outside production, and those that are named', () => {
    const { stateless } = shipped('dev').stacks;
    expect([reservedIn(stateless), noticesOf(stateless)]).toEqual([{}, []]);
    const named = adding('dev', { reservedConcurrency: { 'backchannel-logout': 1 } })().stateless;
    expect(reservedIn(named)).toEqual({ BackchannelLogout: 1 });
  });

  test('are reported in production, with the limit that the account needs', () => {
    const { stateless } = adding('prod', { reservedConcurrency: { 'api-proxy': 90 } })();
    expect(reservedIn(stateless)).toMatchObject({ ApiProxy: 90, Login: 50, Callback: 30 });
    const sum = Object.values(reservedIn(stateless)).reduce<number>((total, one) => total + Number(one), 0);
    expect(noticesOf(stateless).join()).toMatch(
      new RegExp(`${String(sum)} concurrent executions .* ${String(sum + 100)} at least`),
    );
  });

  test('are beside a line on who is told of alarms, where nobody would be', () => {
    const { stateless } = adding('prod', { reservedConcurrency: 'none', alarmEmail: undefined })();
    expect(noticesOf(stateless)).toEqual([
      expect.stringMatching(/^without alarmEmail or alarmTopic nobody is told/),
    ]);
  });

  test('can be none in production as well, for an account whose limit is ten', () => {
    const { stateless } = adding('prod', { reservedConcurrency: 'none' })();
    expect([reservedIn(stateless), noticesOf(stateless)]).toEqual([{}, []]);
  });
});

describe('the stacks of an environment can be deployed', () => {
  const entry: Environment = JSON.parse(
    JSON.stringify(good('dev'))
      .replaceAll('example.nhs.uk', 'trust.nhs.uk')
      .replaceAll('111122223333', '210987654321'),
  ) as Environment;
  const lookedUp = (environment: Environment, refusal?: string): readonly unknown[] => {
    const app = createApp();
    addEnvironment(app, 'dev', environment, bundles, refusal);
    return app
      .synth()
      .stacks.map(({ bootstrapStackVersionSsmParameter }) => bootstrapStackVersionSsmParameter);
  };
  const each = (parameter: string): string[] => Array.from({ length: 4 }, () => parameter);

  test('when it alone was chosen and names an account of its own', () => {
    expect(lookedUp(entry)).toEqual(each('/cdk-bootstrap/hnb659fds/version'));
  });

  test('not when every environment was synthesised, nor while the account is the example', () => {
    expect(lookedUp(entry, 'choose-one')).toEqual(each('/cis2-bff/refused/choose-one'));
    expect(lookedUp(good('dev'))).toEqual(
      each('/cis2-bff/refused/put-your-own-account-into-infra-environments'),
    );
  });
});

/** Rule → the reason for which what it finds is let be. */
const acknowledged = (scope: Construct): Readonly<Record<string, string>> =>
  Object.fromEntries(
    scope.node
      .findAll()
      .flatMap(({ node }) => node.metadata)
      .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .map(([id, reason]) => [id.replace('Annotation::', ''), reason]),
  );

const withoutCertificate: Partial<Environment> = {
  certificateArn: undefined,
  baseUrl: 'https://d111111abcdef8.cloudfront.net',
};

describe('an environment without a web ACL', () => {
  const reason = 'The firewall stands before CloudFront, in a service of its own.';

  test('is let into production for a reason, which is acknowledged in its words', () => {
    const { stateless } = adding('prod', { webAclArn: undefined, withoutWebAcl: reason })();
    const [, distribution] = only(toJson(stateless), 'AWS::CloudFront::Distribution');
    expect(distribution.Properties['DistributionConfig']).not.toHaveProperty('WebACLId');
    expect(acknowledged(stateless)['AwsSolutions-CFR2']).toBe(reason);
    expect(new AwsSolutionsChecks().validateScope(stateless).violations).toEqual([]);
  });

  test('and one without a certificate is let be outside production, and says that it is for nobody real', () => {
    const { stateless } = adding('dev', withoutCertificate)();
    const { 'AwsSolutions-CFR4': certificate } = acknowledged(stateless);
    expect(certificate).toMatch(/^Not for production/);
    expect(new AwsSolutionsChecks().validateScope(stateless).violations).toEqual([]);
  });
});

describe('an environment with a certificate and a web ACL', () => {
  const certificateArn =
    'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';

  test('serves its own name, with TLS 1.2 at least, behind the firewall', () => {
    const { stateless } = adding('prod', { certificateArn, webAclArn })();
    const [, distribution] = only(toJson(stateless), 'AWS::CloudFront::Distribution');
    expect(distribution.Properties['DistributionConfig']).toMatchObject({
      Aliases: ['app.example.nhs.uk'],
      ViewerCertificate: { AcmCertificateArn: certificateArn, MinimumProtocolVersion: 'TLSv1.2_2021' },
      WebACLId: webAclArn,
    });
  });

  test('needs no acknowledgement of lacking them', () => {
    const { stateless } = adding('prod', { certificateArn, webAclArn })();
    const acknowledged = stateless.node
      .findAll()
      .flatMap(({ node }) => node.metadata)
      .map(({ data }) => JSON.stringify(data));
    expect(acknowledged.some((text) => text.includes('CFR1'))).toBe(true);
    expect(acknowledged.filter((text) => /CFR2|CFR4/.test(text))).toEqual([]);
    expect(new AwsSolutionsChecks().validateScope(stateless).violations).toEqual([]);
  });
});

describe('the construct in an app of somebody else', () => {
  test('makes everything in one stack, with what is not set at its default, and nothing to object to', () => {
    const stack = new Stack(createApp(), 'ward', { env: { region: 'eu-west-2' } });
    new Cis2Bff(stack, 'Bff', {
      baseUrl: 'https://ward.example.nhs.uk',
      issuer: cis2Issuers.live,
      clientId: 'ward',
      certificate: Certificate.fromCertificateArn(
        stack,
        'Certificate',
        'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
      ),
      withoutWebAcl: 'The firewall stands before CloudFront.',
      bundles,
    });
    expect(new AwsSolutionsChecks().validateScope(stack).violations).toEqual([]);
    const template = toJson(stack);
    expect(resourcesOfType(template, 'AWS::DynamoDB::Table')).toHaveLength(2);
    expect(resourcesOfType(template, 'AWS::SecretsManager::Secret')).toHaveLength(4);
    expect(JSON.stringify(template)).not.toMatch(/GetStackOutput|ImportValue/);
  });

  test.each([
    [
      'of the wrong purpose',
      { signingKeys: 'api-platform', apiPlatformKeys: 'own', apiPlatformKeyStore: 'cis2' },
      /signingKeys is a store for api-platform.*\n +apiPlatformKeyStore is a store for cis2/,
    ],
    [
      'that nothing would use',
      { apiPlatformKeyStore: 'api-platform' },
      /apiPlatformKeyStore is given, but apiPlatformKeys is not 'own'/,
    ],
  ] as const)('refuses a secret %s', (_what, given, message) => {
    const stack = new Stack(createApp(), 'ward');
    const { signingKeys, apiPlatformKeyStore, ...others } = { signingKeys: undefined, ...given };
    const make = (): Cis2Bff =>
      new Cis2Bff(stack, 'Bff', {
        production: false,
        baseUrl: 'https://ward.example.nhs.uk',
        issuer: cis2Issuers.integration,
        clientId: 'ward',
        bundles,
        ...others,
        ...(signingKeys === undefined
          ? {}
          : { signingKeys: new SigningKeyStore(stack, 'One', { purpose: signingKeys }) }),
        apiPlatformKeyStore: new SigningKeyStore(stack, 'Other', { purpose: apiPlatformKeyStore }),
      });
    expect(make).toThrow(message);
  });

  /** What nobody needs to say more than once here. */
  const ordinary = () => ({
    production: false,
    baseUrl: 'https://ward.example.nhs.uk',
    issuer: cis2Issuers.integration,
    clientId: 'ward',
    bundles,
  });

  test('takes a bucket, a distribution and a hosted zone of the app’s own', () => {
    const stack = new Stack(createApp(), 'ward', { env: { region: 'eu-west-2' } });
    const spaBucket = s3.Bucket.fromBucketName(stack, 'Pages', 'pages-of-the-ward');
    const distribution = new cloudfront.Distribution(stack, 'Own', {
      defaultBehavior: { origin: new origins.HttpOrigin('pages.example.nhs.uk') },
    });
    const hostedZone = route53.HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
      hostedZoneId: 'Z000000000000',
      zoneName: 'example.nhs.uk',
    });
    const bff = new Cis2Bff(stack, 'Bff', { ...ordinary(), spaBucket, distribution, hostedZone });
    expect([bff.spaBucket, bff.distribution]).toEqual([spaBucket, distribution]);
    const template = toJson(stack);
    expect(resourcesOfType(template, 'AWS::S3::Bucket')).toEqual([]);
    const [, own] = only(template, 'AWS::CloudFront::Distribution');
    expect(JSON.stringify(own).match(/"PathPattern":"[^"]*"/g)).toEqual(
      ['/auth/jwks.json', '/auth/jwks/api-platform.json', '/auth/*', '/api/*'].map(
        (path) => `"PathPattern":"${path}"`,
      ),
    );
    expect(
      resourcesOfType(template, 'AWS::Route53::RecordSet').map(([, { Properties }]) => [
        Properties['Name'],
        Properties['Type'],
      ]),
    ).toEqual([
      ['ward.example.nhs.uk.', 'A'],
      ['ward.example.nhs.uk.', 'AAAA'],
    ]);
  });

  test('has no bucket beside a distribution of the app’s own, and refuses what belongs to that distribution', () => {
    const stack = new Stack(createApp(), 'ward');
    const distribution = new cloudfront.Distribution(stack, 'Own', {
      defaultBehavior: { origin: new origins.HttpOrigin('pages.example.nhs.uk') },
    });
    const bff = new Cis2Bff(stack, 'Bff', { ...ordinary(), distribution });
    for (const [index, edgeSecretDeployment] of [0, -100, NaN, 'abc' as never].entries()) {
      expect(
        () =>
          new Cis2Bff(stack, `Edge${String(index)}`, { ...ordinary(), distribution, edgeSecretDeployment }),
      ).toThrow(/edgeSecretDeployment must be a whole number from 1/);
    }
    const certificate = Certificate.fromCertificateArn(
      stack,
      'Certificate',
      'arn:aws:acm:eu-west-2:111122223333:certificate/0',
    );
    expect(
      () =>
        new Cis2Bff(stack, 'Twice', {
          ...ordinary(),
          distribution,
          edgeSecret: new EdgeSecret(stack, 'EdgeSecret'),
          edgeSecretDeployment: 2,
          originDomain: { domainName: 'ward.example.nhs.uk', certificate },
        }),
    ).toThrow(
      /edgeSecretDeployment is for the secret that is made here.*\n +originDomain\.domainName must be a host name of its own/,
    );
    expect(() => bff.spaBucket).toThrow(/spaBucket: there is none/);
    const make = (): Cis2Bff =>
      new Cis2Bff(stack, 'Other', {
        ...ordinary(),
        distribution,
        webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/x/1',
        contentSecurityPolicy: { 'img-src': ['data:'] },
      });
    expect(make).toThrow(
      /webAclArn belongs to the distribution[^]*contentSecurityPolicy is for documents of our/,
    );
  });

  test('adds what the app’s documents may load to the strict policy, and refuses what would make it weak', () => {
    const stack = new Stack(createApp(), 'ward');
    new Cis2Bff(stack, 'Bff', {
      ...ordinary(),
      contentSecurityPolicy: { 'img-src': ['data:'], 'connect-src': ['https://maps.example.nhs.uk'] },
      permissionsPolicy: { camera: ['self'] },
    });
    const text = JSON.stringify(toJson(stack));
    expect(text).toContain(
      "default-src 'self'; img-src 'self' data:; font-src 'self'; object-src 'none'; base-uri 'none'; " +
        "form-action 'self'; frame-ancestors 'none'; connect-src 'self' https://maps.example.nhs.uk",
    );
    expect(text).toContain('camera=(self), display-capture=(), ');
    const make = (): Cis2Bff =>
      new Cis2Bff(stack, 'Weak', {
        ...ordinary(),
        contentSecurityPolicy: { 'script-src': ["'unsafe-inline'"] },
      });
    expect(make).toThrow(/contentSecurityPolicy: script-src must be any of .*, got "'unsafe-inline'"/);
  });

  test.each([
    ['baseUrl', undefined, 'baseUrl is missing'],
    ['baseUrl', null, 'baseUrl is missing'],
    ['baseUrl', 7, 'baseUrl must be an absolute URL, got "7"'],
    ['issuer', '', 'issuer is missing'],
    ['minimumAal', 4, 'minimumAal must be '],
    ['minimumAal', NaN, 'minimumAal must be '],
    ['idleSeconds', NaN, 'idleSeconds must be '],
    ['idleSeconds', '900', 'idleSeconds must be a number, got "900"'],
    ['acceptedRoles', 'some', 'acceptedRoles must be "optional", "any" or a list of role rules, got "some"'],
    ['upstreams', { Pds: {} }, 'upstreams: Pds: the name must be '],
    [
      'upstreamUrls',
      { other: 'https://a.example' },
      'upstreamUrls names other, and the route manifest has pds',
    ],
  ])('refuses %s: %j by the name of the property', (name, value, message) => {
    const make = (): Cis2Bff =>
      new Cis2Bff(new Stack(createApp(), 'ward'), 'Bff', { ...ordinary(), [name]: value });
    expect(make).toThrow(message);
  });

  test('names what is missing beside an origin, and regions that CloudFront refuses', () => {
    const stack = new Stack(createApp(), 'ward', { env: { region: 'eu-west-2' } });
    const certificateIn = (region: string): ICertificate =>
      Certificate.fromCertificateArn(stack, region, `arn:aws:acm:${region}:111122223333:certificate/0`);
    const make = (): Cis2Bff =>
      new Cis2Bff(stack, 'Bff', {
        issuer: cis2Issuers.live,
        clientId: 'ward',
        bundles,
        certificate: certificateIn('eu-west-2'),
        originDomain: { domainName: 'origin.ward.example.nhs.uk', certificate: certificateIn('us-east-1') },
        withoutWebAcl: 'The firewall stands before CloudFront.',
      } as unknown as Cis2BffProps);
    expect(make).toThrow(
      /baseUrl is missing\n +certificate must be in us-east-1, got .*\n +originDomain\.certificate must be in eu-west-2, got /,
    );
  });

  test('is production unless it says otherwise', () => {
    const make = (): Cis2Bff =>
      new Cis2Bff(new Stack(createApp(), 'ward'), 'Bff', {
        baseUrl: 'https://ward.example.nhs.uk',
        issuer: cis2Issuers.integration,
        clientId: 'ward',
        bundles,
      });
    expect(make).toThrow(/live issuer in production.*\n +certificate .*is missing.*\n +webAclArn is missing/);
  });
});
