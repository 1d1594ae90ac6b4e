/** How the signing keys rotate, and where KMS keeps them: shown from what would be deployed. */
import { describe, expect, test } from '@jest/globals';
import { Duration, Stack } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Construct } from 'constructs';
import { functionNames } from '../../infra/bundle.ts';
import { Cis2Bff } from '../../infra/cis2-bff.ts';
import type { Cis2BffProps } from '../../infra/cis2-bff.ts';
import { exampleAccount } from '../../infra/environments.ts';
import type { Environment } from '../../infra/environments.ts';
import { cis2Issuers } from '../../infra/parts/settings.ts';
import { createApp } from '../../infra/synthesis.ts';
import type { FunctionName } from '../../lambdas/settings/index.ts';
import {
  actionsOf,
  changedEnvironment,
  emptyBundles,
  imported,
  mentions,
  ofFunction,
  only,
} from './support.ts';
import { resourcesOfType, statementsOf, toJson } from './support.ts';
import type { Json, Resource, Statement, TemplateJson } from './support.ts';

interface Deployed {
  readonly stateful: TemplateJson;
  readonly stateless: TemplateJson;
  readonly violations: readonly unknown[];
  readonly acknowledged: readonly string[];
}

const acknowledged = (scope: Construct): readonly string[] =>
  scope.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
    .map(({ data }) => JSON.stringify(data));

const made = new Map<string, Deployed>();

/** The environment `prod`, changed. */
const deploy = (change: Partial<Environment> = {}): Deployed => {
  const key = JSON.stringify(change);
  const before = made.get(key);
  if (before !== undefined) return before;
  const stacks = changedEnvironment('prod', change);
  const found = {
    violations: [stacks.stateful, stacks.stateless].flatMap(
      (stack) => new AwsSolutionsChecks().validateScope(stack).violations,
    ),
    acknowledged: [...acknowledged(stacks.stateful), ...acknowledged(stacks.stateless)],
    stateful: toJson(stacks.stateful),
    stateless: toJson(stacks.stateless),
  };
  made.set(key, found);
  return found;
};

/** What a value that the other stack gives stands for there. */
const given = ({ stateful }: Deployed, value: Json | undefined): Json | undefined =>
  imported(stateful, value);

/** The only resource of its type under a construct. */
const ofConstruct = (template: TemplateJson, construct: string, type: string): [string, Resource] => {
  const [first, ...others] = resourcesOfType(template, type).filter(([id]) => id.includes(construct));
  if (first === undefined || others.length > 0)
    throw new Error(`${String(others.length + 1)} of ${construct}`);
  return first;
};

const rotator = (template: TemplateJson): [string, Resource] =>
  ofFunction(template, 'rotate-signing-keys', 'AWS::Lambda::Function');

const settingsOf = (template: TemplateJson, name: FunctionName): Readonly<Record<string, Json>> => {
  const [, { Properties }] = ofFunction(template, name, 'AWS::Lambda::Function');
  return (Properties['Environment'] as { readonly Variables: Record<string, Json> }).Variables;
};

/** The secrets that hold rings: neither the application's credentials for the API platform nor the identifier key. */
const ringsIn = (template: TemplateJson): readonly string[] =>
  resourcesOfType(template, 'AWS::SecretsManager::Secret')
    .map(([id]) => id)
    .filter((id) => !/Credentials|IdentifierKey|EdgeSecret/.test(id));
const secrets = ({ stateful }: Deployed): readonly string[] => ringsIn(stateful);

describe.each([
  ['shared', 1],
  ['own', 2],
] as const)('the rotation of keys, with the API platform’s %s', (apiPlatformKeys, rings) => {
  const deployed = (): Deployed => deploy({ apiPlatformKeys });

  test('comes by itself to every ring, every 30 days and not at a deployment [ASVS-13.3.4]', () => {
    const schedules = resourcesOfType(deployed().stateless, 'AWS::SecretsManager::RotationSchedule');
    const [id] = rotator(deployed().stateless);
    expect(secrets(deployed())).toHaveLength(rings);
    expect(schedules.map(([, { Properties }]) => given(deployed(), Properties['SecretId']))).toEqual(
      secrets(deployed()).map((Ref) => ({ Ref })),
    );
    for (const [, { Properties }] of schedules) {
      expect(Properties).toEqual({
        SecretId: expect.anything(),
        RotationLambdaARN: { 'Fn::GetAtt': [id, 'Arn'] },
        RotationRules: { AutomaticallyAfterDays: 30 },
        RotateImmediatelyOnUpdate: false,
      });
    }
  });

  test('waits for the ring to be filled and for the right to run', () => {
    const { stateless } = deployed();
    const [filled] = only(stateless, 'Custom::SigningKeys');
    for (const [, schedule] of resourcesOfType(stateless, 'AWS::SecretsManager::RotationSchedule')) {
      const { DependsOn } = schedule as Resource & { readonly DependsOn: readonly string[] };
      expect(DependsOn).toContain(filled);
      const permission = DependsOn.map((id) => stateless.Resources[id]).find(
        (resource) => resource?.Type === 'AWS::Lambda::Permission',
      );
      expect(permission?.Properties['SourceArn']).toEqual(schedule.Properties['SecretId']);
    }
  });

  test('is run by Secrets Manager for these very secrets of this account and for nothing else', () => {
    const { stateless } = deployed();
    const [id] = rotator(stateless);
    const permissions = resourcesOfType(stateless, 'AWS::Lambda::Permission')
      .map(([, { Properties }]) => Properties)
      .filter(({ FunctionName }) => mentions(FunctionName, id));
    const ofSecretsManager = permissions.filter(
      ({ Principal }) => Principal === 'secretsmanager.amazonaws.com',
    );
    expect(ofSecretsManager.map(({ SourceArn }) => given(deployed(), SourceArn))).toEqual(
      secrets(deployed()).map((Ref) => ({ Ref })),
    );
    for (const permission of ofSecretsManager) {
      expect(permission).toMatchObject({
        Action: 'lambda:InvokeFunction',
        SourceAccount: exampleAccount,
      });
    }
    // The hourly check, and nobody else: the gateway cannot run it.
    const [rule] = ofConstruct(stateless, 'HourlyCheck', 'AWS::Events::Rule');
    expect(permissions.filter((permission) => !ofSecretsManager.includes(permission))).toEqual([
      expect.objectContaining({
        Principal: 'events.amazonaws.com',
        SourceArn: { 'Fn::GetAtt': [rule, 'Arn'] },
      }),
    ]);
  });

  test('leaves nothing to object to', () => {
    expect(deployed().violations).toEqual([]);
    const reasons = deployed().acknowledged.filter((text) => text.includes('AwsSolutions-SMG4'));
    expect(reasons.filter((reason) => /It is rotated on a schedule/.test(reason))).toHaveLength(rings);
    // The identifier key, and the application's credentials, which only the API platform can change.
    const others = reasons.filter((reason) => !/It is rotated on a schedule/.test(reason));
    expect(others).toEqual([
      expect.stringMatching(/replaced by hand when it may have leaked/),
      expect.stringMatching(/through its portal, to a person/),
      expect.stringMatching(/A new value has to reach CloudFront as well/),
    ]);
  });

  test('can be started and followed by an operator, who finds what it needs among the outputs', () => {
    const outputs = (template: TemplateJson): Readonly<Record<string, Json>> =>
      Object.fromEntries(Object.entries(template.Outputs ?? {}).map(([name, { Value }]) => [name, Value]));
    const [ring, other] = secrets(deployed());
    expect(outputs(deployed().stateful)).toMatchObject({ SigningKeysSecretArn: { Ref: ring } });
    expect(outputs(deployed().stateful)['ApiPlatformKeysSecretArn']).toEqual(
      other === undefined ? undefined : { Ref: other },
    );
    expect(outputs(deployed().stateless)).toMatchObject({
      RotateSigningKeysFunction: { Ref: rotator(deployed().stateless)[0] },
      JwksUrl: 'https://app.example.nhs.uk/auth/jwks.json',
    });
  });
});

describe('the rotation of keys', () => {
  test('comes as often as the deployment says', () => {
    const { stateless } = deploy({ rotationPeriod: Duration.days(90) });
    const [, { Properties }] = only(stateless, 'AWS::SecretsManager::RotationSchedule');
    expect(Properties['RotationRules']).toEqual({ AutomaticallyAfterDays: 90 });
  });

  test('is looked after every hour, with retries that come to an end', () => {
    const { stateless } = deploy();
    const [id] = rotator(stateless);
    const [, rule] = ofConstruct(stateless, 'HourlyCheck', 'AWS::Events::Rule');
    expect(rule.Properties).toMatchObject({
      ScheduleExpression: 'rate(1 hour)',
      State: 'ENABLED',
      Targets: [
        {
          Arn: { 'Fn::GetAtt': [id, 'Arn'] },
          Input: '{"operation":"check"}',
          RetryPolicy: { MaximumEventAgeInSeconds: 1_800, MaximumRetryAttempts: 2 },
        },
      ],
    });
    const [, retries] = ofConstruct(stateless, 'KeyRotation', 'AWS::Lambda::EventInvokeConfig');
    expect(retries.Properties).toMatchObject({
      FunctionName: { Ref: id },
      MaximumEventAgeInSeconds: 1_800,
      MaximumRetryAttempts: 2,
    });
  });

  test('has a whole CPU, time to wait for the edge, and an instance for an operator meanwhile', () => {
    const [, { Properties }] = rotator(deploy().stateless);
    expect(Properties).toMatchObject({ MemorySize: 1_769, Timeout: 180, ReservedConcurrentExecutions: 2 });
    const [, custom] = only(deploy().stateless, 'Custom::SigningKeys');
    expect(Number(custom.Properties['ServiceTimeout'])).toBeGreaterThan(180);
  });

  test('knows how long a key must have been published: a day, or what the deployment says', () => {
    const lead = (change: Partial<Environment>): Json | undefined =>
      settingsOf(deploy(change).stateless, 'rotate-signing-keys')['KEY_LEAD_SECONDS'];
    expect([lead({}), lead({ keyLeadTime: Duration.hours(1) })]).toEqual(['86400', '3600']);
  });
});

describe('the state of the keys', () => {
  describe.each(['secret', 'kms'] as const)('with new keys in %s', (keyCustody) => {
    const deployed = (): Deployed => deploy({ keyCustody, apiPlatformKeys: 'own' });

    test('is read by a function that can read no private key and change nothing [ASVS-13.3.2]', () => {
      const statements = statementsOf(deployed().stateless, 'keys-status');
      expect(actionsOf(statements)).toEqual([
        'dynamodb:GetItem',
        'logs:CreateLogStream',
        'logs:PutLogEvents',
        'secretsmanager:DescribeSecret',
        'secretsmanager:DescribeSecret',
      ]);
    });
  });

  test('can be asked for by an operator, who finds the version in force among the outputs', () => {
    const { stateless } = deploy();
    const [status] = ofFunction(stateless, 'keys-status', 'AWS::Lambda::Alias');
    expect(stateless.Outputs?.['KeysStatusFunction']?.Value).toEqual({ Ref: status });
  });
});

describe('where the deployment gets its response', () => {
  test('is CloudFormation in AWS, whatever an environment says', () => {
    const settings = settingsOf(deploy().stateless, 'rotate-signing-keys');
    expect(settings['CLOUDFORMATION_RESPONSE_ORIGIN']).toBe('aws');
    const changed = { CLOUDFORMATION_RESPONSE_ORIGIN: 'http://127.0.0.1:1' } as Partial<Environment>;
    expect(() => deploy(changed)).toThrow(/there is no property CLOUDFORMATION_RESPONSE_ORIGIN/);
  });
});

describe('the keys for the API platform', () => {
  const secretsOf = (deployed: Deployed): readonly (Json | undefined)[] => {
    const settings = settingsOf(deployed.stateless, 'rotate-signing-keys');
    return [settings['SIGNING_KEYS_SECRET'], settings['API_PLATFORM_KEYS_SECRET']].map((value) =>
      given(deployed, value),
    );
  };

  test('are those for CIS2, unless they are to be its own', () => {
    const [ring] = secrets(deploy());
    expect(secretsOf(deploy())).toEqual([{ Ref: ring }, { Ref: ring }]);
    expect(settingsOf(deploy().stateless, 'jwks')['API_PLATFORM_KEYS']).toBe('shared');
  });

  test('of its own lie in a second secret, empty, retained, under an encryption key of its own', () => {
    const deployed = deploy({ apiPlatformKeys: 'own' });
    const [ring, other] = secrets(deployed);
    expect(secretsOf(deployed)).toEqual([{ Ref: ring }, { Ref: other }]);
    expect(settingsOf(deployed.stateless, 'jwks')['API_PLATFORM_KEYS']).toBe('own');
    const [one, second] = [ring, other].map((id) => deployed.stateful.Resources[id ?? '']);
    expect(second?.DeletionPolicy).toBe('RetainExceptOnCreate');
    expect(Object.keys(second?.Properties ?? {}).sort()).toEqual(['Description', 'KmsKeyId']);
    expect(second?.Properties['KmsKeyId']).not.toEqual(one?.Properties['KmsKeyId']);
  });

  test('of its own are filled by the deployment, again when their secret is replaced', () => {
    const deployed = deploy({ apiPlatformKeys: 'own' });
    const [, { Properties }] = only(deployed.stateless, 'Custom::SigningKeys');
    const [, other = ''] = secrets(deployed);
    expect(given(deployed, Properties['ApiPlatformKeysSecret'])).toEqual({ Ref: other });
  });

  test('of its own are for the proxy and rotate-signing-keys alone, and shown by keys-status: whoever signs in to CIS2 cannot read them', () => {
    const { stateless } = deploy({ apiPlatformKeys: 'own' });
    const users = functionNames.filter((name) =>
      statementsOf(stateless, name).some(({ Resource }) => mentions(Resource, 'ApiPlatformKeys')),
    );
    expect(users).toEqual(['api-proxy', 'keys-status', 'rotate-signing-keys']);
    const [status] = statementsOf(stateless, 'keys-status').filter(({ Resource }) =>
      mentions(Resource, 'ApiPlatformKeys'),
    );
    expect(status?.Action).toBe('secretsmanager:DescribeSecret');
  });

  test('of its own are the only ones that the proxy can read, in the version in force', () => {
    const deployed = deploy({ apiPlatformKeys: 'own' });
    const [, own = ''] = secrets(deployed);
    const [credentials = ''] = resourcesOfType(deployed.stateful, 'AWS::SecretsManager::Secret')
      .map(([id]) => id)
      .filter((id) => id.includes('Credentials'));
    const reading = statementsOf(deployed.stateless, 'api-proxy').filter(
      (statement) =>
        actionsOf([statement]).some((action) => action.startsWith('secretsmanager:')) &&
        // What the edge sends says nothing of a key.
        !mentions(statement.Resource, 'EdgeSecret'),
    );
    expect(reading.map(({ Resource }) => given(deployed, Resource))).toEqual([
      { Ref: own },
      { Ref: credentials },
    ]);
    const settings = settingsOf(deployed.stateless, 'api-proxy');
    expect(given(deployed, settings['API_PLATFORM_KEYS_SECRET'])).toEqual({ Ref: own });
    expect(given(deployed, settings['API_PLATFORM_CREDENTIALS_SECRET'])).toEqual({ Ref: credentials });
  });
});

describe('keys in KMS', () => {
  const ringTag = 'aws:ResourceTag/cis2-bff:ring';
  /** By action, the statements about keys that are found by their tag and not by name. */
  const byTag = (template: TemplateJson, name: FunctionName): Readonly<Record<string, Statement>> =>
    Object.fromEntries(
      statementsOf(template, name)
        .filter((statement) => actionsOf([statement]).some((action) => action.startsWith('kms:')))
        .filter(({ Resource }) => Resource === '*' || mentions(Resource, ':key/*'))
        .flatMap((statement) => actionsOf([statement]).map((action) => [action, statement] as const)),
    );
  const conditionOf = (statement: Statement | undefined, operator: string): Json =>
    (statement?.Condition as Record<string, Json>)[operator] ?? null;
  const inUse = ['kms:GetPublicKey', 'kms:ScheduleKeyDeletion', 'kms:Sign'];

  test('are nobody’s to make or to use while the keys lie in the secret', () => {
    const { stateless } = deploy();
    for (const name of functionNames)
      expect({ name, rights: byTag(stateless, name) }).toEqual({ name, rights: {} });
    expect(settingsOf(stateless, 'rotate-signing-keys')['KEY_CUSTODY']).toBe('secret');
  });

  describe.each([
    ['shared', ['cis2-bff-prod/cis2'], 'cis2-bff-prod/cis2'],
    ['own', ['cis2-bff-prod/cis2', 'cis2-bff-prod/api-platform'], 'cis2-bff-prod/api-platform'],
  ] as const)('with the API platform’s %s', (apiPlatformKeys, tags, tagOfPlatform) => {
    const deployed = (): Deployed => deploy({ apiPlatformKeys, keyCustody: 'kms' });

    test('are made by rotate-signing-keys only, to sign, and with this installation’s tag and no other', () => {
      const makers = functionNames.filter((name) => 'kms:CreateKey' in byTag(deployed().stateless, name));
      expect(makers).toEqual(['rotate-signing-keys']);
      const rights = byTag(deployed().stateless, 'rotate-signing-keys');
      expect(Object.keys(rights).sort()).toEqual(['kms:CreateKey', ...inUse, 'kms:TagResource']);
      const requestTag = { 'aws:RequestTag/cis2-bff:ring': tags };
      expect(conditionOf(rights['kms:CreateKey'], 'StringEquals')).toEqual({
        ...requestTag,
        'kms:KeySpec': 'RSA_4096',
        'kms:KeyUsage': 'SIGN_VERIFY',
      });
      expect(conditionOf(rights['kms:TagResource'], 'StringEquals')).toEqual(requestTag);
      for (const action of ['kms:CreateKey', 'kms:TagResource']) {
        expect(conditionOf(rights[action], 'ForAllValues:StringEquals')).toEqual({
          'aws:TagKeys': 'cis2-bff:ring',
        });
      }
      expect(settingsOf(deployed().stateless, 'rotate-signing-keys')).toMatchObject({
        KEY_CUSTODY: 'kms',
        KEY_RING_NAME: 'cis2-bff-prod',
      });
    });

    test('are used and deleted by it only where they carry that tag', () => {
      const rights = byTag(deployed().stateless, 'rotate-signing-keys');
      for (const action of ['kms:ScheduleKeyDeletion', 'kms:Sign']) {
        expect(conditionOf(rights[action], 'StringEquals')).toMatchObject({ [ringTag]: tags });
      }
    });

    test.each([
      ['callback', 'CIS2', 'cis2-bff-prod/cis2'],
      ['api-proxy', 'the API platform', tagOfPlatform],
    ] as const)(
      'sign for %s where %s trusts them, as it expects it, and nothing else can be done with them there [ASVS-13.3.2]',
      (name, _whom, tag) => {
        const rights = byTag(deployed().stateless, name);
        expect(Object.keys(rights)).toEqual(['kms:Sign']);
        expect(rights['kms:Sign']?.Condition).toEqual({
          StringEquals: { [ringTag]: [tag], 'kms:SigningAlgorithm': 'RSASSA_PKCS1_V1_5_SHA_512' },
        });
      },
    );

    test('have their public halves read before KMS knows their tag', () => {
      const rights = byTag(deployed().stateless, 'rotate-signing-keys');
      expect(conditionOf(rights['kms:GetPublicKey'], 'StringEquals')).toEqual({
        'kms:KeyUsage': 'SIGN_VERIFY',
      });
    });

    test('are out of reach for every other function', () => {
      const users = functionNames.filter((name) => Object.keys(byTag(deployed().stateless, name)).length > 0);
      expect(users).toEqual(['callback', 'api-proxy', 'rotate-signing-keys']);
    });

    test('leave nothing to object to', () => {
      expect(deployed().violations).toEqual([]);
      const reasons = deployed().acknowledged.filter((text) => /AwsSolutions-IAM5.*(?:kms|::\*)/.test(text));
      expect(reasons.length).toBeGreaterThan(0);
      for (const reason of reasons)
        expect(reason).toMatch(
          /there is no ARN to name|Traces are no resources|CloudWatch lets|The state of alarms/,
        );
    });
  });

  test('that are still in use go on signing when new ones go into the secret again, and no more are made', () => {
    const { stateless, violations } = deploy({ keyCustody: 'secret', keysRemainInKms: true });
    expect(Object.keys(byTag(stateless, 'rotate-signing-keys')).sort()).toEqual(inUse);
    for (const name of ['callback', 'api-proxy'] as const) {
      expect(Object.keys(byTag(stateless, name))).toEqual(['kms:Sign']);
    }
    expect(violations).toEqual([]);
  });
});

describe('the construct in an app of somebody else', () => {
  const ward = (props: Partial<Cis2BffProps> = {}): Stack => {
    const stack = new Stack(createApp(), 'ward', { env: { region: 'eu-west-2' } });
    new Cis2Bff(stack, 'Bff', {
      production: false,
      baseUrl: 'https://d111111abcdef8.cloudfront.net',
      issuer: cis2Issuers.integration,
      clientId: 'ward',
      bundles: emptyBundles(),
      ...props,
    });
    return stack;
  };

  test('makes the second secret with its schedule when it is asked to', () => {
    const stack = ward({ apiPlatformKeys: 'own' });
    expect(new AwsSolutionsChecks().validateScope(stack).violations).toEqual([]);
    const template = toJson(stack);
    const made = ringsIn(template).map((Ref) => ({ Ref }));
    const rotated = resourcesOfType(template, 'AWS::SecretsManager::RotationSchedule');
    expect(made).toHaveLength(2);
    expect(rotated.map(([, { Properties }]) => Properties['SecretId'])).toEqual(made);
  });

  test('names its keys in KMS by where it stands, or as it is set', () => {
    const name = (props?: Partial<Cis2BffProps>): Json | undefined =>
      settingsOf(toJson(ward(props)), 'rotate-signing-keys')['KEY_RING_NAME'];
    expect([name(), name({ keyRingName: 'ward-keys' })]).toEqual(['ward-Bff', 'ward-keys']);
    expect(() => name({ keyRingName: 'ward/keys' })).toThrow(/keyRingName must be a plain name/);
  });
});
