import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { functionNames } from '../../infra/bundle.ts';
import type { ArnPrincipal } from 'aws-cdk-lib/aws-iam';
import { environments, exampleAccount } from '../../infra/environments.ts';
import { format, resolveConfig } from 'prettier';
import { rightsReport, type RightsReport } from '../../tools/rights/document.ts';
import type { Command } from '../../ops/command.ts';
import { commands } from '../../ops/commands.ts';
import { functionSettings } from '../../lambdas/settings/index.ts';
import type { FunctionName } from '../../lambdas/settings/index.ts';
import {
  actionsOf,
  imported,
  mentions,
  ofFunction,
  only,
  resourcesOfType,
  shipped,
  statementsOf,
} from './support.ts';
import type { Json, Resource, Statement, TemplateJson } from './support.ts';

/** Of a secret, the version in force and no other. */
const inForce = { 'ForAnyValue:StringEquals': { 'secretsmanager:VersionStage': 'AWSCURRENT' } };

const environmentNames = Object.keys(environments);
const behindTheApi: readonly FunctionName[] = [
  'login',
  'callback',
  'session',
  'api-proxy',
  'backchannel-logout',
  'jwks',
  'unknown-route',
];

/** The secret under a construct of this name: the resource that was made for it. */
const secretOf = (template: TemplateJson, construct: string): [string, Resource] => {
  const found = resourcesOfType(template, 'AWS::SecretsManager::Secret').filter(([id]) =>
    id.startsWith(construct),
  );
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${String(found.length)} of ${construct}`);
  return first;
};

describe.each(environmentNames)('the stacks of %s', (name) => {
  test('carry its name, stand in London and name no account but that of the examples', () => {
    const { stacks, stateful, stateless } = shipped(name);
    expect(stacks.stateful.stackName).toBe(`cis2-bff-${name}-stateful`);
    expect(stacks.stateless.stackName).toBe(`cis2-bff-${name}-stateless`);
    expect([stacks.stateful.region, stacks.stateless.region]).toEqual(['eu-west-2', 'eu-west-2']);
    expect([stacks.stateful.account, stacks.stateless.account]).toEqual([exampleAccount, exampleAccount]);
    const text = JSON.stringify([stateful, stateless])
      .replaceAll(exampleAccount, '')
      .replaceAll('00000000-0000-0000-0000-000000000000', '');
    expect(text).not.toMatch(/\b\d{12}\b/);
  });

  test('cannot be deleted by mistake, and leave nothing behind when their creation fails', () => {
    const { stacks, stateful, stateless } = shipped(name);
    expect([stacks.stateful, stacks.stateless].map((stack) => stack.terminationProtection)).toEqual([
      true,
      true,
    ]);
    for (const { Type, DeletionPolicy, UpdateReplacePolicy } of Object.values({
      ...stateful.Resources,
      ...stateless.Resources,
    })) {
      expect([Type, DeletionPolicy]).not.toEqual([Type, 'Retain']);
      if (DeletionPolicy === 'RetainExceptOnCreate') {
        expect([Type, UpdateReplacePolicy]).toEqual([Type, 'Retain']);
      }
    }
  });

  test('are bound to each other by exports, which cannot change or go while they are in use', () => {
    const { stateless } = shipped(name);
    expect(JSON.stringify(stateless)).toContain('Fn::ImportValue');
    // Across regions there are none.
    const byOutput = JSON.stringify(stateless).match(/"Fn::GetStackOutput":\{[^}]*\}/g);
    expect(byOutput).toEqual([expect.stringContaining('"us-east-1"')]);
  });

  test('hold no secret [ASVS-13.3.1]', () => {
    const text = JSON.stringify([shipped(name).stateful, shipped(name).stateless]);
    expect(text).not.toMatch(/PRIVATE KEY|"d":"|"SecretString|\beyJ[\w-]{10,}|\bAKIA[A-Z0-9]{16}/);
    // One is named to CloudFront, which has to send its value; the reference is resolved as it is deployed.
    expect(text.match(/resolve:secretsmanager/g)).toHaveLength(1);
  });

  test('hold nothing that belongs to a laptop', () => {
    const text = JSON.stringify([shipped(name).stateful, shipped(name).stateless]);
    expect(text).not.toMatch(/localhost|127\.0\.0\.1|\[::1\]|http:\/\/|simulator|ENDPOINT_URL/i);
  });

  test('keep what must never be lost when a stack goes', () => {
    const kept = Object.values(shipped(name).stateful.Resources).map(({ Type, DeletionPolicy }) => [
      Type,
      DeletionPolicy,
    ]);
    expect(kept).toHaveLength(13);
    // What a failed deployment made goes again: an orphan would be in the way of the next.
    expect(kept.filter(([, policy]) => policy !== 'RetainExceptOnCreate')).toEqual([]);
  });

  test('have no function and no custom resource but our own', () => {
    expect(resourcesOfType(shipped(name).stateful, 'AWS::Lambda::Function')).toEqual([]);
    expect(resourcesOfType(shipped(name).stateless, 'AWS::Lambda::Function')).toHaveLength(
      functionNames.length,
    );
    const custom = Object.values(shipped(name).stateless.Resources).filter(({ Type }) =>
      /^Custom::|CustomResource/.test(Type),
    );
    expect(custom.map(({ Type }) => Type)).toEqual(['Custom::SigningKeys']);
    const [rotator] = ofFunction(shipped(name).stateless, 'rotate-signing-keys', 'AWS::Lambda::Function');
    expect(custom[0]?.Properties['ServiceToken']).toEqual({ 'Fn::GetAtt': [rotator, 'Arn'] });
  });
});

describe('the sessions table', () => {
  const sessions = (): Resource => {
    const found = resourcesOfType(shipped('prod').stateful, 'AWS::DynamoDB::Table').find(([id]) =>
      id.includes('Sessions'),
    );
    if (found === undefined) throw new Error('no sessions table');
    return found[1];
  };

  test('has string keys pk and sk, and ttl as its time to live', () => {
    expect(sessions().Properties).toMatchObject({
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    });
  });

  test('cannot be restored, so that no ended session comes back, nor deleted by mistake', () => {
    expect(sessions().Properties).toMatchObject({
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false },
      DeletionProtectionEnabled: true,
    });
  });

  test('is encrypted under a rotating key of our own', () => {
    const key = sessions().Properties['SSESpecification'] as { readonly KMSMasterKeyId: Json };
    const [id, resource] =
      resourcesOfType(shipped('prod').stateful, 'AWS::KMS::Key').find(([candidate]) =>
        mentions(key.KMSMasterKeyId, candidate),
      ) ?? [];
    expect(id).toBeDefined();
    expect(resource?.Properties['EnableKeyRotation']).toBe(true);
  });

  test.each(environmentNames)('has a fuse on its cost in %s', (name) => {
    for (const [, table] of resourcesOfType(shipped(name).stateful, 'AWS::DynamoDB::Table')) {
      expect(table.Properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        OnDemandThroughput: {
          MaxReadRequestUnits: expect.any(Number),
          MaxWriteRequestUnits: expect.any(Number),
        },
      });
    }
  });
});

describe.each([
  ['SigningKeys', 'begins empty', undefined],
  ['ApiPlatformCredentials', 'begins empty', undefined],
  // 64 letters and digits are more than 256 random bits.
  ['StorageIdentifierKey', 'is filled by Secrets Manager', { PasswordLength: 64, ExcludePunctuation: true }],
  ['EdgeSecret', 'is filled by Secrets Manager', { PasswordLength: 64, ExcludePunctuation: true }],
] as const)('the secret of %s', (construct, begins, generated) => {
  test(`${begins}, under a rotating key that is for nothing else, and stays when its stack goes [ASVS-13.3.1]`, () => {
    const { stateful } = shipped('prod');
    const [id, secret] = secretOf(stateful, construct);
    const { Description, KmsKeyId, GenerateSecretString, ...others } = secret.Properties;
    expect([Description, KmsKeyId, others]).toEqual([expect.any(String), expect.anything(), {}]);
    expect(GenerateSecretString).toEqual(generated);
    expect(secret.DeletionPolicy).toBe('RetainExceptOnCreate');
    const [keyId, key] =
      resourcesOfType(stateful, 'AWS::KMS::Key').find(([candidate]) =>
        mentions(secret.Properties['KmsKeyId'], candidate),
      ) ?? [];
    expect(key?.Properties['EnableKeyRotation']).toBe(true);
    const usesKey = Object.entries(stateful.Resources).filter(
      ([other, { Properties }]) => other !== id && mentions(Properties, keyId ?? ''),
    );
    expect(usesKey).toEqual([]);
  });
});

describe('the key of the identifiers', () => {
  test('can be read by the three that find sessions by whose they are, in the version in force, and changed by no function [ASVS-13.3.2]', () => {
    const about = functionNames.flatMap((name) =>
      statementsOf(shipped('prod').stateless, name)
        .filter(({ Resource }) => mentions(Resource, 'IdentifierKey'))
        .map((statement) => [name, statement.Action, statement.Condition]),
    );
    const throughSecretsManager = {
      StringEquals: { 'kms:ViaService': 'secretsmanager.eu-west-2.amazonaws.com' },
    };
    expect(about).toEqual(
      ['callback', 'backchannel-logout', 'operator-sessions'].flatMap((name) => [
        [name, 'secretsmanager:GetSecretValue', inForce],
        [name, 'kms:Decrypt', throughSecretsManager],
      ]),
    );
  });

  test('is named to no other function', () => {
    const named = functionNames.filter((name) => {
      const [, { Properties }] = ofFunction(shipped('prod').stateless, name, 'AWS::Lambda::Function');
      return mentions(Properties['Environment'], 'IDENTIFIER_KEY_SECRET');
    });
    expect(named).toEqual(['callback', 'backchannel-logout', 'operator-sessions']);
  });

  test.each(environmentNames)('is named in an output of %s, for whoever replaces it', (name) => {
    const { stateful } = shipped(name);
    const [id] = secretOf(stateful, 'StorageIdentifierKey');
    expect(stateful.Outputs?.['IdentifierKeySecretArn']?.Value).toEqual({ Ref: id });
  });
});

describe('the signing keys', () => {
  test('are made again where they are missing when their secret or their table is replaced', () => {
    const { stateful, stateless } = shipped('prod');
    const [, { Properties }] = only(stateless, 'Custom::SigningKeys');
    const [secret] = secretOf(stateful, 'SigningKeys');
    const [table] =
      resourcesOfType(stateful, 'AWS::DynamoDB::Table').find(([id]) => id.includes('PublishedKeys')) ?? [];
    /** The resource that a property names by way of the other stack's export. */
    const named = (property: string): Json | undefined => imported(stateful, Properties[property]);
    expect(named('SigningKeysSecret')).toEqual({ Ref: secret });
    expect(named('PublishedKeysTable')).toEqual({ Ref: table });
  });

  test('can be read by the two that sign and by the one that rotates them, and by no other function [ASVS-13.3.2]', () => {
    const readers = functionNames.filter((name) =>
      statementsOf(shipped('prod').stateless, name).some(
        (statement) =>
          mentions(statement.Resource, 'SigningKeys') &&
          actionsOf([statement]).some((action) => /^secretsmanager:(?!Describe)|^kms:Decrypt$/.test(action)),
      ),
    );
    expect(readers).toEqual(['callback', 'api-proxy', 'rotate-signing-keys']);
  });

  test('can be changed by rotate-signing-keys only, in the secret and where they are published', () => {
    const writers = (actions: RegExp): readonly FunctionName[] =>
      functionNames.filter((name) =>
        statementsOf(shipped('prod').stateless, name).some(
          (statement) =>
            /SigningKeys|PublishedKeys/.test(JSON.stringify(statement.Resource)) &&
            actionsOf([statement]).some((action) => actions.test(action)),
        ),
      );
    expect(writers(/^secretsmanager:(?!Get|Describe)/)).toEqual(['rotate-signing-keys']);
    expect(writers(/^dynamodb:(?!Get)/)).toEqual(['rotate-signing-keys']);
    expect(writers(/^kms:(?!Decrypt)/)).toEqual(['rotate-signing-keys']);
  });

  test.each(['callback', 'api-proxy'] as const)(
    'are read by %s in the version in force only, and in no other that has been or is to come [ASVS-13.3.2]',
    (name) => {
      const reading = statementsOf(shipped('prod').stateless, name).filter(
        (statement) =>
          actionsOf([statement]).includes('secretsmanager:GetSecretValue') &&
          mentions(statement.Resource, 'SigningKeys'),
      );
      expect(reading.map(({ Condition }) => Condition)).toEqual([inForce]);
    },
  );
});

describe('the credentials for the API platform', () => {
  test('can be read by api-proxy only, in the version in force, and changed by no function [ASVS-13.3.2]', () => {
    const about = functionNames.flatMap((name) =>
      statementsOf(shipped('prod').stateless, name)
        .filter(({ Resource }) => mentions(Resource, 'ApiPlatformCredentials'))
        .map((statement) => [name, statement.Action, statement.Condition]),
    );
    expect(about).toEqual([
      ['api-proxy', 'secretsmanager:GetSecretValue', inForce],
      [
        'api-proxy',
        'kms:Decrypt',
        { StringEquals: { 'kms:ViaService': 'secretsmanager.eu-west-2.amazonaws.com' } },
      ],
    ]);
  });

  test.each(environmentNames)('are named in an output of %s, for whoever fills them in', (name) => {
    const { stateful } = shipped(name);
    const [id] = secretOf(stateful, 'ApiPlatformCredentials');
    expect(stateful.Outputs?.['ApiPlatformCredentialsSecretArn']?.Value).toEqual({ Ref: id });
  });
});

/** The ARN of the audit trail's log group, as the stateless stack names it. */
const auditTrailIn = (stateful: TemplateJson): Json => {
  const arn = { 'Fn::GetAtt': [only(stateful, 'AWS::Logs::LogGroup')[0], 'Arn'] };
  const found = Object.values(stateful.Outputs ?? {}).find(
    ({ Value }) => JSON.stringify(Value) === JSON.stringify(arn),
  );
  return { 'Fn::ImportValue': found?.Export?.Name ?? '' };
};

describe('what each function may do', () => {
  const traces = ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'];

  test.each(functionNames)('%s names no wildcard, and writes to its own log only', (name) => {
    const statements = statementsOf(shipped('prod').stateless, name);
    for (const { Action, Resource } of statements) {
      // Traces are no resources that could be named.
      if (JSON.stringify(Action) === JSON.stringify(traces)) continue;
      expect(JSON.stringify([Action, Resource])).not.toContain('*');
    }
    const ownLog = (): Json => ({
      'Fn::GetAtt': [ofFunction(shipped('prod').stateless, name, 'AWS::Logs::LogGroup')[0], 'Arn'],
    });
    const toLogs = statements.filter((statement) => actionsOf([statement]).includes('logs:PutLogEvents'));
    expect(toLogs.map(({ Resource }) => Resource)).toEqual([
      name === 'audit-trail' ? auditTrailIn(shipped('prod').stateful) : ownLog(),
    ]);
  });

  test.each(functionNames)('%s uses an encryption key only by way of the service it belongs to', (name) => {
    const withKeys = statementsOf(shipped('prod').stateless, name).filter((statement) =>
      actionsOf([statement]).some((action) => action.startsWith('kms:')),
    );
    for (const { Condition, Resource } of withKeys) {
      const ofSecret = ['SigningKeys', 'ApiPlatformCredentials', 'IdentifierKey', 'EdgeSecret'].some((part) =>
        mentions(Resource, part),
      );
      const service = ofSecret ? 'secretsmanager' : 'dynamodb';
      expect(Condition).toEqual({ StringEquals: { 'kms:ViaService': `${service}.eu-west-2.amazonaws.com` } });
    }
  });

  test('jwks, which the whole internet can call, can read public keys and nothing else [ASVS-13.3.2]', () => {
    const beyondLogs = statementsOf(shipped('prod').stateless, 'jwks').filter(
      (statement) => !actionsOf([statement]).some((action) => action.startsWith('logs:')),
    );
    expect(beyondLogs).toEqual([
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'dynamodb:GetItem',
        Condition: {
          'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['jwks#*'] },
          Null: { 'dynamodb:LeadingKeys': 'false' },
        },
      }),
    ]);
    expect(mentions(beyondLogs[0]?.Resource, 'StoragePublishedKeys')).toBe(true);
  });

  test.each(environmentNames)('no role in %s has a policy that is not written out in it', (name) => {
    for (const template of [shipped(name).stateful, shipped(name).stateless]) {
      for (const [, role] of resourcesOfType(template, 'AWS::IAM::Role')) {
        expect(Object.keys(role.Properties).sort()).toEqual(['AssumeRolePolicyDocument', 'Policies']);
      }
      expect(resourcesOfType(template, 'AWS::IAM::Policy')).toEqual([]);
      expect(resourcesOfType(template, 'AWS::IAM::ManagedPolicy')).toEqual([]);
    }
  });
});

describe('the table of rights in the documents', () => {
  const report = (): RightsReport => rightsReport(shipped('prod').stateless);

  test('has a reason for every right, and no reason without a right', () => {
    expect([report().withoutReason, report().unused]).toEqual([[], []]);
  });

  test('is what the template says: npm run rights has been run', async () => {
    const file = join(import.meta.dirname, '../../docs/operations/rights.md');
    const options = { ...(await resolveConfig(file)), filepath: file };
    expect(readFileSync(file, 'utf8')).toBe(await format(report().document, options));
  });

  test('misses a right that nobody gave a reason for, and one that went', () => {
    const template = structuredClone(shipped('prod').stateless) as unknown as {
      Resources: Record<string, Resource>;
    };
    const [id, role] = ofFunction(shipped('prod').stateless, 'jwks', 'AWS::IAM::Role');
    const Statement = [{ Sid: 'Other', Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }];
    template.Resources[id] = { ...role, Properties: { Policies: [{ PolicyDocument: { Statement } }] } };
    const { withoutReason, unused, document } = rightsReport(template);
    expect([withoutReason, unused]).toEqual([['jwks Other'], ['jwks PublishedKeysGetItem']]);
    expect(document).not.toBe(report().document);
  });
});

describe.each(environmentNames)('the functions of %s', (environment) => {
  test.each(functionNames)('%s runs on Node 24, arm64, with the settings it reads and no others', (name) => {
    const [, { Properties }] = ofFunction(shipped(environment).stateless, name, 'AWS::Lambda::Function');
    expect(Properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
    });
    const { Variables = {} } = (Properties['Environment'] ?? {}) as {
      readonly Variables?: Record<string, Json>;
    };
    expect(Object.keys(Variables).sort()).toEqual([...functionSettings[name]].sort());
  });

  test.each(behindTheApi)('%s has a fuse on how many of it run at once in production', (name) => {
    const [, { Properties }] = ofFunction(shipped(environment).stateless, name, 'AWS::Lambda::Function');
    if (environment === 'prod') expect(Properties['ReservedConcurrentExecutions']).toBeGreaterThan(0);
    // The limit of a new account may be ten, of which nothing can be reserved.
    else expect(Properties).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  test('together leave the account capacity for other functions', () => {
    const reserved = resourcesOfType(shipped(environment).stateless, 'AWS::Lambda::Function').map(
      ([, { Properties }]) => Number(Properties['ReservedConcurrentExecutions'] ?? 0),
    );
    expect(reserved.reduce((sum, one) => sum + one)).toBeLessThanOrEqual(500);
  });

  test('have their calls logged under the prefix that needs one entry in the policy for logs, whatever there is', () => {
    const [, stage] = only(shipped(environment).stateless, 'AWS::ApiGatewayV2::Stage');
    const groups = resourcesOfType(shipped(environment).stateless, 'AWS::Logs::LogGroup').filter(([id]) =>
      mentions(stage.Properties['AccessLogSettings'], id),
    );
    expect(groups).toHaveLength(1);
    expect(JSON.stringify(groups[0]?.[1].Properties['LogGroupName'])).toContain('/aws/vendedlogs/cis2-bff-');
  });

  test('log to groups that are encrypted under a key of ours and forget in the end', () => {
    const groups = resourcesOfType(shipped(environment).stateless, 'AWS::Logs::LogGroup');
    // A function's each, but the audit trail's, and the gateway's.
    expect(groups).toHaveLength(functionNames.length);
    const [key] =
      resourcesOfType(shipped(environment).stateless, 'AWS::KMS::Key').find(([id]) =>
        id.startsWith('BffLogs'),
      ) ?? [];
    for (const [, group] of groups) {
      expect(group.Properties).toMatchObject({
        KmsKeyId: { 'Fn::GetAtt': [key ?? '', 'Arn'] },
        RetentionInDays: expect.any(Number),
      });
    }
    for (const name of functionNames) {
      const [, { Properties }] = ofFunction(shipped(environment).stateless, name, 'AWS::Lambda::Function');
      const { LogGroup } = Properties['LoggingConfig'] as Record<string, Json>;
      const [logGroup] =
        name === 'audit-trail'
          ? only(shipped(environment).stateful, 'AWS::Logs::LogGroup')
          : ofFunction(shipped(environment).stateless, name, 'AWS::Logs::LogGroup');
      expect(imported(shipped(environment).stateful, LogGroup) ?? LogGroup).toEqual({ Ref: logGroup });
    }
  });
});

describe.each(environmentNames)('the roles of operators of %s', (environment) => {
  const template = (): TemplateJson => shipped(environment).stateless;
  const arn = (name: FunctionName): Json => ({
    'Fn::GetAtt': [ofFunction(template(), name, 'AWS::Lambda::Function')[0], 'Arn'],
  });
  const live = (name: FunctionName): Json => ({
    Ref: ofFunction(template(), name, 'AWS::Lambda::Alias')[0],
  });
  const logArn = (name: FunctionName): Json => ({
    'Fn::GetAtt': [ofFunction(template(), name, 'AWS::Logs::LogGroup')[0], 'Arn'],
  });
  const roleOf = (output: string): Resource => {
    const { 'Fn::GetAtt': [id] = [] } = template().Outputs?.[output]?.Value as {
      readonly 'Fn::GetAtt'?: readonly string[];
    };
    return template().Resources[id ?? '']!;
  };
  const rightsOf = (output: string): readonly Statement[] => {
    const policies = roleOf(output).Properties['Policies'] as unknown as readonly {
      readonly PolicyDocument: { readonly Statement: readonly (Statement & { readonly Sid: string })[] };
    }[];
    return policies.flatMap(({ PolicyDocument }) =>
      PolicyDocument.Statement.map(({ Sid, ...statement }) => {
        expect(Sid).toMatch(/^[A-Za-z]+$/);
        return statement;
      }),
    );
  };
  const looking = (): readonly Statement[] => [
    {
      Effect: 'Allow',
      Action: 'cloudformation:DescribeStacks',
      Resource: ['stateless', 'stateful'].map((part) => ({
        'Fn::Join': [
          '',
          [
            'arn:',
            { Ref: 'AWS::Partition' },
            ':cloudformation:',
            { Ref: 'AWS::Region' },
            ':',
            { Ref: 'AWS::AccountId' },
            `:stack/cis2-bff-${environment}-${part}/*`,
          ],
        ],
      })),
    },
    { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: live('keys-status') },
    {
      Effect: 'Allow',
      Action: 'logs:StartQuery',
      Resource: [
        ...functionNames.filter((name) => name !== 'audit-trail').map(logArn),
        auditTrailIn(shipped(environment).stateful),
      ],
    },
    { Effect: 'Allow', Action: ['cloudwatch:DescribeAlarms', 'logs:GetQueryResults'], Resource: '*' },
    {
      Effect: 'Allow',
      Action: 'sns:ListSubscriptionsByTopic',
      Resource: ['AlarmTopicArn', 'WarningTopicArn'].map((name) => template().Outputs?.[name]?.Value ?? null),
    },
  ];
  const inAnyOrder = (statements: readonly Statement[]): unknown =>
    statements.map((statement) => ({
      ...statement,
      Resource: [statement.Resource]
        .flat()
        .map((one) => JSON.stringify(one))
        .sort(),
    }));

  test('let the read-only one change nothing', () => {
    expect(inAnyOrder(rightsOf('OperatorReadOnlyRoleArn'))).toEqual(inAnyOrder(looking()));
  });

  test('let the one that acts run two functions more, and rotate keys by the function and the schedule that are there', () => {
    const [secret] = secretOf(shipped(environment).stateful, 'SigningKeys');
    const rights = rightsOf('OperatorRoleArn');
    const rotate = rights.at(-1);
    expect(inAnyOrder(rights.slice(0, -1))).toEqual(
      inAnyOrder([
        ...looking(),
        {
          Effect: 'Allow',
          Action: 'lambda:InvokeFunction',
          Resource: [live('operator-sessions'), arn('rotate-signing-keys')],
        },
      ]),
    );
    expect(imported(shipped(environment).stateful, rotate?.Resource)).toEqual({ Ref: secret });
    expect({ ...rotate, Resource: 'the ring' }).toEqual({
      Effect: 'Allow',
      Action: 'secretsmanager:RotateSecret',
      Resource: 'the ring',
      Condition: {
        ArnEqualsIfExists: { 'secretsmanager:RotationLambdaARN': arn('rotate-signing-keys') },
        BoolIfExists: { 'secretsmanager:ModifyRotationRules': 'false' },
      },
    });
  });

  test('have the rights that the help of the commands names, and no others', () => {
    const named = (all: readonly Command[]): string[] =>
      [...new Set(all.flatMap(({ actions }) => actions))].sort();
    const granted = (output: string): string[] => [...new Set(actionsOf(rightsOf(output)))].sort();
    expect(granted('OperatorReadOnlyRoleArn')).toEqual(named(commands.filter(({ readOnly }) => readOnly)));
    expect(granted('OperatorRoleArn')).toEqual(named(commands));
    expect(commands.filter(({ readOnly }) => readOnly).map(({ name }) => name)).toEqual([
      'keys status',
      'trace',
      'doctor',
    ]);
  });

  test('can be assumed by whom the environment names, else by whoever the account lets, and nobody outside it', () => {
    const principalOf = (output: string): string => {
      const { readOnly, operator } = environments[environment]?.operatorPrincipals ?? {};
      const named = output === 'OperatorRoleArn' ? operator : readOnly;
      return (named as ArnPrincipal | undefined)?.arn ?? `arn:aws:iam::${exampleAccount}:root`;
    };
    for (const output of ['OperatorReadOnlyRoleArn', 'OperatorRoleArn']) {
      expect(roleOf(output).Properties['AssumeRolePolicyDocument']).toMatchObject({
        Statement: [
          {
            Effect: 'Allow',
            Action: 'sts:AssumeRole',
            Principal: { AWS: principalOf(output) },
          },
        ],
      });
    }
  });
});

describe.each(environmentNames)('the audit trail of %s', (environment) => {
  const template = (): TemplateJson => shipped(environment).stateless;
  const trail = (): [string, Resource] => only(shipped(environment).stateful, 'AWS::Logs::LogGroup');

  test('is stored for a year beside the tables, under a key of its own, and cannot be deleted by mistake', () => {
    expect(trail()[1]).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        RetentionInDays: 365,
        DeletionProtectionEnabled: true,
        KmsKeyId: { 'Fn::GetAtt': [expect.stringContaining('AuditTrailKey'), 'Arn'] },
      },
    });
    expect(imported(shipped(environment).stateful, template().Outputs?.['AuditLogGroup']?.Value)).toEqual({
      Ref: trail()[0],
    });
  });

  test('is sent the audit events of every function, and no other line; and none of its own', () => {
    const filters = resourcesOfType(template(), 'AWS::Logs::SubscriptionFilter').map(
      ([, { Properties }]) => Properties,
    );
    const groups = functionNames
      .filter((name) => name !== 'audit-trail')
      .map((name) => ({ Ref: ofFunction(template(), name, 'AWS::Logs::LogGroup')[0] }));
    expect(filters.map(({ LogGroupName }) => JSON.stringify(LogGroupName)).sort()).toEqual(
      groups.map((group) => JSON.stringify(group)).sort(),
    );
    const [alias] = ofFunction(template(), 'audit-trail', 'AWS::Lambda::Alias');
    for (const { FilterPattern, DestinationArn } of filters) {
      expect(FilterPattern).toBe('{ $.audit IS TRUE }');
      expect(DestinationArn).toEqual({ Ref: alias });
    }
  });

  test('takes events from CloudWatch Logs alone, of each of those log groups', () => {
    const [alias] = ofFunction(template(), 'audit-trail', 'AWS::Lambda::Alias');
    const permissions = resourcesOfType(template(), 'AWS::Lambda::Permission')
      .map(([, { Properties }]) => Properties)
      .filter(({ FunctionName }) => mentions(FunctionName, 'BffFunctionsAuditTrail'));
    expect(permissions).toHaveLength(functionNames.length - 1);
    for (const { Principal, FunctionName, SourceArn } of permissions) {
      expect([Principal, FunctionName]).toEqual(['logs.amazonaws.com', { Ref: alias }]);
      expect(JSON.stringify(SourceArn)).toMatch(/^\{"Fn::GetAtt":\["Bff\w+Logs\w+","Arn"\]\}$/);
    }
  });

  test('can be changed or deleted by no role, and read by those of operators alone', () => {
    const about = resourcesOfType(template(), 'AWS::IAM::Role').flatMap(([id, role]) =>
      JSON.stringify(role.Properties['Policies'] ?? []).includes(trail()[0])
        ? [id.replace(/(?:Role)?[0-9A-F]{8}$/, '')]
        : [],
    );
    expect(about.sort()).toEqual(['BffFunctionsAuditTrail', 'BffOperatorsOperator', 'BffOperatorsReadOnly']);
    const actions = resourcesOfType(template(), 'AWS::IAM::Role').flatMap(
      ([, role]) => JSON.stringify(role.Properties['Policies'] ?? []).match(/"logs:[A-Za-z*]+"/g) ?? [],
    );
    expect([...new Set(actions)].filter((action) => /Delete|Retention|Associate|\*/.test(action))).toEqual(
      [],
    );
  });
});

describe('the HTTP API', () => {
  /** Route key → function, followed through integrations. */
  const wiring = (): Record<string, FunctionName | undefined> => {
    const template = shipped('prod').stateless;
    const entries = resourcesOfType(template, 'AWS::ApiGatewayV2::Route').map(([, route]) => {
      const [, integration] =
        resourcesOfType(template, 'AWS::ApiGatewayV2::Integration').find(([id]) =>
          mentions(route.Properties['Target'], id),
        ) ?? [];
      const name = functionNames.find((candidate) =>
        mentions(
          integration?.Properties['IntegrationUri'],
          ofFunction(template, candidate, 'AWS::Lambda::Alias')[0],
        ),
      );
      return [route.Properties['RouteKey'] as string, name] as const;
    });
    return Object.fromEntries(entries);
  };

  test('has one route for every known path, whatever the method, and our own response for every other', () => {
    expect(wiring()).toEqual({
      'ANY /auth/login': 'login',
      'ANY /auth/callback': 'callback',
      'ANY /auth/session': 'session',
      'ANY /auth/session/draft-key': 'session',
      'ANY /auth/session/extend': 'session',
      'ANY /auth/session/role': 'session',
      'ANY /auth/sessions': 'session',
      'ANY /auth/sessions/{handle}': 'session',
      'ANY /auth/backchannel-logout': 'backchannel-logout',
      'ANY /auth/logout': 'session',
      'ANY /auth/jwks.json': 'jwks',
      'ANY /auth/jwks/api-platform.json': 'jwks',
      'ANY /auth/{proxy+}': 'unknown-route',
      'ANY /api/pds/{proxy+}': 'api-proxy',
      'ANY /api/{proxy+}': 'unknown-route',
      $default: 'unknown-route',
    });
  });

  test('waits for a function as long as the function may run, and no longer than CloudFront waits', () => {
    const template = shipped('prod').stateless;
    const [, distribution] = only(template, 'AWS::CloudFront::Distribution');
    const [, edgeWaits] = /"OriginReadTimeout":(\d+)/.exec(JSON.stringify(distribution)) ?? [];
    const edgeWaitsSeconds = Number(edgeWaits);
    const integrations = resourcesOfType(template, 'AWS::ApiGatewayV2::Integration');
    expect(integrations).toHaveLength(behindTheApi.length);
    for (const [, { Properties }] of integrations) {
      const alias = resourcesOfType(template, 'AWS::Lambda::Alias').find(([id]) =>
        mentions(Properties['IntegrationUri'], id),
      );
      const called = resourcesOfType(template, 'AWS::Lambda::Function').find(([id]) =>
        mentions(alias?.[1].Properties['FunctionName'], id),
      );
      const limit = Number(called?.[1].Properties['Timeout']) * 1_000;
      expect(Properties['PayloadFormatVersion']).toBe('2.0');
      expect(Properties['TimeoutInMillis']).toBeGreaterThan(limit);
      expect(Properties['TimeoutInMillis']).toBeLessThan(30_000);
      expect(Properties['TimeoutInMillis']).toBeLessThan(edgeWaitsSeconds * 1_000);
    }
  });

  test('sends no CORS header [B-12, ASVS-3.4.2]', () => {
    const [, api] = only(shipped('prod').stateless, 'AWS::ApiGatewayV2::Api');
    expect(Object.keys(api.Properties)).not.toContain('CorsConfiguration');
  });

  test.each(environmentNames)('throttles, in %s', (name) => {
    const [, stage] = only(shipped(name).stateless, 'AWS::ApiGatewayV2::Stage');
    expect(stage.Properties).toMatchObject({
      DefaultRouteSettings: {
        ThrottlingRateLimit: expect.any(Number),
        ThrottlingBurstLimit: expect.any(Number),
      },
    });
  });

  test('logs what it did and never a path, a query, an address or a user agent [ASVS-14.2.1, ASVS-16.2.5]', () => {
    const [, stage] = only(shipped('prod').stateless, 'AWS::ApiGatewayV2::Stage');
    const { Format } = stage.Properties['AccessLogSettings'] as { readonly Format: string };
    const fields = JSON.parse(Format) as Record<string, string>;
    expect(Object.values(fields).sort()).toEqual(
      [
        '$context.error.responseType',
        '$context.httpMethod',
        '$context.integration.latency',
        '$context.integration.requestId',
        '$context.integration.status',
        '$context.requestId',
        '$context.requestTimeEpoch',
        '$context.responseLatency',
        '$context.responseLength',
        '$context.routeKey',
        '$context.status',
      ].sort(),
    );
  });
});

interface Behaviour {
  readonly PathPattern?: string;
  readonly CachePolicyId: Json;
  readonly OriginRequestPolicyId?: Json;
  readonly ResponseHeadersPolicyId: { readonly Ref: string };
  readonly AllowedMethods?: readonly string[];
  readonly ViewerProtocolPolicy: string;
  readonly TargetOriginId: string;
  readonly FunctionAssociations?: readonly { readonly EventType: string; readonly FunctionARN: Json }[];
}

interface CachePolicy {
  readonly MinTTL: number;
  readonly DefaultTTL: number;
  readonly MaxTTL: number;
  readonly ParametersInCacheKeyAndForwardedToOrigin: Json;
}

interface DistributionConfig {
  readonly DefaultCacheBehavior: Behaviour;
  readonly CacheBehaviors: readonly Behaviour[];
  readonly CustomErrorResponses: readonly { readonly [key: string]: Json }[];
  readonly Origins: readonly {
    readonly Id: string;
    readonly DomainName: Json;
    readonly S3OriginConfig?: Json;
  }[];
}

interface HeadersConfig {
  readonly CustomHeadersConfig: {
    readonly Items: readonly {
      readonly Header: string;
      readonly Value: string;
      readonly Override: boolean;
    }[];
  };
  readonly SecurityHeadersConfig: Readonly<
    Record<string, { readonly Override: boolean; readonly [key: string]: Json }>
  >;
}

describe('the web edge', () => {
  const distribution = (): DistributionConfig => {
    const [, resource] = only(shipped('prod').stateless, 'AWS::CloudFront::Distribution');
    return resource.Properties['DistributionConfig'] as unknown as DistributionConfig;
  };
  const behaviour = (pattern: string): Behaviour => {
    const found = distribution().CacheBehaviors.find(({ PathPattern }) => PathPattern === pattern);
    if (found === undefined) throw new Error(`no behaviour for ${pattern}`);
    return found;
  };
  const headers = (given: Behaviour): HeadersConfig => {
    const policy = shipped('prod').stateless.Resources[given.ResponseHeadersPolicyId.Ref];
    return policy?.Properties['ResponseHeadersPolicyConfig'] as unknown as HeadersConfig;
  };
  const custom = (config: HeadersConfig): Record<string, string> =>
    Object.fromEntries(config.CustomHeadersConfig.Items.map(({ Header, Value }) => [Header, Value]));
  const override = (config: HeadersConfig, name: string): boolean | undefined =>
    config.CustomHeadersConfig.Items.find(({ Header }) => Header === name)?.Override;
  const contentSecurityPolicy = (config: HeadersConfig): string[] =>
    (config.SecurityHeadersConfig['ContentSecurityPolicy']?.['ContentSecurityPolicy'] as string).split('; ');

  test.each(['/auth/*', '/api/*'])(
    'hands %s to the API with no cookies but ours, and keeps nothing of it [ASVS-14.2.2, ASVS-14.2.5]',
    (pattern) => {
      const api = behaviour(pattern);
      // The id of AWS's own policy CachingDisabled.
      expect(api.CachePolicyId).toBe('4135ea2d-6df8-44a3-9df3-4b5a84be39ad');
      const { Ref } = api.OriginRequestPolicyId as { readonly Ref: string };
      expect(shipped('prod').stateless.Resources[Ref]?.Properties['OriginRequestPolicyConfig']).toMatchObject(
        {
          CookiesConfig: {
            CookieBehavior: 'whitelist',
            Cookies: ['__Host-Http-session', '__Host-Http-sign-in'],
          },
          HeadersConfig: { HeaderBehavior: 'allExcept', Headers: ['Host'] },
          QueryStringsConfig: { QueryStringBehavior: 'all' },
        },
      );
      expect([...(api.AllowedMethods ?? [])].sort()).toEqual(
        ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'].sort(),
      );
      expect(api.ViewerProtocolPolicy).toBe('https-only');
      expect(api.FunctionAssociations).toBeUndefined();
      const [apiId] = only(shipped('prod').stateless, 'AWS::ApiGatewayV2::DomainName');
      const origin = distribution().Origins.find(({ Id }) => Id === api.TargetOriginId);
      expect(mentions(origin?.DomainName, apiId)).toBe(true);
    },
  );

  describe.each(['/auth/jwks.json', '/auth/jwks/api-platform.json'])('%s', (path) => {
    const cachePolicy = (): CachePolicy => {
      const { Ref } = behaviour(path).CachePolicyId as { readonly Ref: string };
      return shipped('prod').stateless.Resources[Ref]?.Properties[
        'CachePolicyConfig'
      ] as unknown as CachePolicy;
    };

    test('is cached for a minute at most, and only when it says that it may be', () => {
      expect(cachePolicy()).toMatchObject({ MinTTL: 0, DefaultTTL: 0, MaxTTL: 60 });
    });

    test('is one copy for everybody, which nothing in a request can change', () => {
      expect(cachePolicy().ParametersInCacheKeyAndForwardedToOrigin).toEqual({
        CookiesConfig: { CookieBehavior: 'none' },
        HeadersConfig: { HeaderBehavior: 'none' },
        QueryStringsConfig: { QueryStringBehavior: 'none' },
        EnableAcceptEncodingBrotli: false,
        EnableAcceptEncodingGzip: false,
      });
      expect(behaviour(path).OriginRequestPolicyId).toBeUndefined();
    });

    test('has its own rule before that for everything under /auth, and is like it in all else', () => {
      const patterns = distribution().CacheBehaviors.map(({ PathPattern }) => PathPattern);
      expect(patterns.indexOf(path)).toBeLessThan(patterns.indexOf('/auth/*'));
      expect({
        ...behaviour(path),
        CachePolicyId: behaviour('/auth/*').CachePolicyId,
        OriginRequestPolicyId: behaviour('/auth/*').OriginRequestPolicyId,
      }).toEqual({ ...behaviour('/auth/*'), PathPattern: path });
    });
  });

  test('replaces no error by a page of its own and remembers none', () => {
    const errors = distribution().CustomErrorResponses;
    expect(errors.map(({ ErrorCode }) => ErrorCode)).toEqual(
      expect.arrayContaining([403, 404, 500, 502, 503, 504]),
    );
    for (const error of errors) {
      expect(error).toEqual({ ErrorCode: error['ErrorCode'], ErrorCachingMinTTL: 0 });
    }
  });

  test('adds to a response of ours what it lacks and overrides nothing [ASVS-3.4.1]', () => {
    const config = headers(behaviour('/auth/*'));
    expect(headers(behaviour('/api/*'))).toEqual(config);
    const overrides = [
      ...config.CustomHeadersConfig.Items.map(({ Override }) => Override),
      ...Object.values(config.SecurityHeadersConfig).map(({ Override }) => Override),
    ];
    expect(overrides).toEqual([false, false, false, false, false, false]);
    expect(custom(config)).toEqual({
      'Cache-Control': 'no-store',
      'Cross-Origin-Resource-Policy': 'same-origin',
    });
    expect(config.SecurityHeadersConfig).toMatchObject({
      ContentSecurityPolicy: {
        ContentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'; sandbox",
      },
      ReferrerPolicy: { ReferrerPolicy: 'no-referrer' },
      StrictTransportSecurity: { AccessControlMaxAgeSec: 63_072_000, IncludeSubdomains: true },
    });
  });

  test("gives the SPA's documents a policy without any unsafe source or foreign host [S-18, ASVS-3.4.1, ASVS-3.4.3, ASVS-3.4.4, ASVS-3.4.5, ASVS-3.4.6, ASVS-3.4.8]", () => {
    const config = headers(distribution().DefaultCacheBehavior);
    const policy = contentSecurityPolicy(config);
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
      ]),
    );
    for (const directive of policy) expect(directive).toMatch(/^[a-z-]+ '(?:self|none)'$/);
    expect(config.SecurityHeadersConfig).toMatchObject({
      ContentTypeOptions: { Override: true },
      ReferrerPolicy: { ReferrerPolicy: 'no-referrer', Override: true },
      StrictTransportSecurity: {
        AccessControlMaxAgeSec: 63_072_000,
        IncludeSubdomains: true,
        Override: true,
      },
    });
    expect(custom(config)).toMatchObject({
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Permissions-Policy': expect.stringContaining('geolocation=()'),
    });
  });

  test('has documents asked for anew each time, and lets hashed files say for themselves how long they last', () => {
    const document = headers(distribution().DefaultCacheBehavior);
    const asset = headers(behaviour('/assets/*'));
    expect(custom(document)['Cache-Control']).toBe('no-cache');
    expect(custom(asset)['Cache-Control']).toBe('no-cache');
    expect(override(document, 'Cache-Control')).toBe(true);
    expect(override(asset, 'Cache-Control')).toBe(false);
    expect(asset.SecurityHeadersConfig).toEqual(document.SecurityHeadersConfig);
    const cachePolicy =
      shipped('prod').stateless.Resources[
        (distribution().DefaultCacheBehavior.CachePolicyId as { readonly Ref: string }).Ref
      ];
    expect(cachePolicy?.Properties['CachePolicyConfig']).toMatchObject({
      MinTTL: 0,
      DefaultTTL: 1,
      MaxTTL: 1,
    });
  });

  test("gives a deep link the SPA's document and leaves files alone", () => {
    const [id, rewrite] = only(shipped('prod').stateless, 'AWS::CloudFront::Function');
    expect(distribution().DefaultCacheBehavior.FunctionAssociations).toEqual([
      { EventType: 'viewer-request', FunctionARN: { 'Fn::GetAtt': [id, 'FunctionARN'] } },
    ]);
    const code = rewrite.Properties['FunctionCode'] as string;
    const rewritten = (uri: string): string =>
      String(
        runInNewContext(`${code}; handler({ request: { method: 'GET', uri: ${JSON.stringify(uri)} } }).uri`),
      );
    const deepLinks = [
      '/',
      '/patients',
      '/patients/',
      '/patients/1',
      '/v1.2/patients',
      '/patients/john.smith',
      '/document/2.16.840.1.113883',
      '/users/a.b@example.nhs.uk',
      '/main.js/source',
      '/main.js/',
      '/js',
      '/notes.',
      '/.well-known/change-password',
      '/x.jsp',
      '/constructor.prototype',
    ];
    expect(deepLinks.map(rewritten)).toEqual(deepLinks.map(() => '/index.html'));
    const files = [
      '/index.html',
      '/favicon.ico',
      '/fonts/a.woff2',
      '/missing.js',
      '/LOGO.PNG',
      '/john.smith.css',
      '/.well-known/security.txt',
      '/app.webmanifest',
      '/main.js.map',
    ];
    expect(files.map(rewritten)).toEqual(files);
  });

  test('reads the SPA from a bucket that nobody else can read', () => {
    const template = shipped('prod').stateless;
    const [bucketId, bucket] = only(template, 'AWS::S3::Bucket');
    expect(bucket.Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    const [, policy] = only(template, 'AWS::S3::BucketPolicy');
    expect(mentions(policy.Properties['Bucket'], bucketId)).toBe(true);
    const { Statement } = policy.Properties['PolicyDocument'] as unknown as {
      readonly Statement: readonly {
        readonly Effect: string;
        readonly Principal: Json;
        readonly Condition: Json;
      }[];
    };
    const allowed = Statement.filter(({ Effect }) => Effect === 'Allow');
    expect(allowed).toHaveLength(1);
    expect(allowed[0]?.Principal).toEqual({ Service: 'cloudfront.amazonaws.com' });
    expect(mentions(allowed[0]?.Condition, only(template, 'AWS::CloudFront::Distribution')[0])).toBe(true);
    expect(
      Statement.some(({ Effect, Condition }) => Effect === 'Deny' && mentions(Condition, 'SecureTransport')),
    ).toBe(true);
  });
});
