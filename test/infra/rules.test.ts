/** Our own rules: what they find in what is deployed, and in the same with one protection removed at a time. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  findingsIn,
  rules,
  type Json,
  type StackTemplate,
  type TemplateResource,
} from '../../infra/rules.ts';
import { changedEnvironment, toJson } from './support.ts';

type Mutable = { -readonly [Key in keyof TemplateResource]: TemplateResource[Key] } & {
  Properties: Record<string, unknown>;
};

let templates: readonly StackTemplate[];
beforeAll(() => {
  const { stateful, stateless, edge } = changedEnvironment('prod', { apiPlatformKeys: 'own' });
  if (edge === undefined) throw new Error('no firewall');
  templates = [stateful, stateless, edge].map((stack) => toJson(stack) as StackTemplate);
});

const named = (template: StackTemplate): string[] =>
  findingsIn(template).map(({ rule, logicalId }) => `${rule} ${logicalId.replace(/[0-9A-F]{8}$/, '')}`);

test('what is deployed breaks no rule but where the construct says why', () => {
  expect(templates.flatMap(named).sort()).toEqual([
    'AliasTarget BffKeyRotationApiPlatformPermission',
    'AliasTarget BffKeyRotationApiPlatformSchedule',
    'AliasTarget BffKeyRotationCis2Permission',
    'AliasTarget BffKeyRotationCis2Schedule',
    'AliasTarget BffKeyRotationHourlyCheck',
    expect.stringMatching(/^AliasTarget BffKeyRotationHourlyCheckAllowEventRule/),
    'AliasTarget BffOperatorsOperator',
    'Retained BffAlarmTopicEncryptionKey',
    'TableEncryption StoragePublishedKeys',
  ]);
});

type Statements = { Sid?: string; Action: unknown; Resource: unknown; Condition?: Record<string, unknown> }[];
const statementsOf = (resource: Mutable): Statements =>
  (resource.Properties['Policies'] as { PolicyDocument: { Statement: Statements } }[] | undefined)?.flatMap(
    ({ PolicyDocument }) => PolicyDocument.Statement,
  ) ?? [];
const readsSecret = ({ Action }: Statements[number]): boolean =>
  [Action].flat().includes('secretsmanager:GetSecretValue');
const of = (resource: Mutable, name: string): Record<string, unknown> =>
  resource.Properties[name] as Record<string, unknown>;

const firewallRules = (acl: Mutable): Record<string, unknown>[] =>
  acl.Properties['Rules'] as Record<string, unknown>[];
const rulesBut = (acl: Mutable, name: string): Json[] =>
  (acl.Properties['Rules'] as Json[]).filter((rule) => !JSON.stringify(rule).includes(name));

/** Protection → the rule that must find its removal, the type of the resources that have it, and how it is removed from one. */
type Removal = readonly [rule: string, type: string, remove: (resource: Mutable) => unknown];
const removals: Readonly<Record<string, Removal>> = {
  'the key of a log': ['LogGroups', 'AWS::Logs::LogGroup', ({ Properties }) => delete Properties['KmsKeyId']],
  'the end of a log': [
    'LogGroups',
    'AWS::Logs::LogGroup',
    ({ Properties }) => delete Properties['RetentionInDays'],
  ],
  'the subscription of the audit trail': [
    'AuditTrail',
    'AWS::Logs::SubscriptionFilter',
    ({ Properties }) => (Properties['FilterPattern'] = '{ $.audit IS FALSE }'),
  ],
  'what is told when an alarm goes on': [
    'AlarmActions',
    'AWS::CloudWatch::Alarm',
    ({ Properties }) => (Properties['AlarmActions'] = []),
  ],
  'what is told when an alarm goes off': [
    'AlarmActions',
    'AWS::CloudWatch::Alarm',
    ({ Properties }) => delete Properties['OKActions'],
  ],
  'the actions of an alarm': [
    'AlarmActions',
    'AWS::CloudWatch::Alarm',
    ({ Properties }) => (Properties['ActionsEnabled'] = false),
  ],
  'the alias of an integration': [
    'AliasTarget',
    'AWS::ApiGatewayV2::Integration',
    ({ Properties }) => (Properties['IntegrationUri'] = { 'Fn::GetAtt': ['BffFunctionsLogin', 'Arn'] }),
  ],
  'the alias of a subscription': [
    'AliasTarget',
    'AWS::Logs::SubscriptionFilter',
    ({ Properties }) => (Properties['DestinationArn'] = { 'Fn::GetAtt': ['BffFunctionsAuditTrail', 'Arn'] }),
  ],
  'the protection of a table': [
    'Retained',
    'AWS::DynamoDB::Table',
    ({ Properties }) => (Properties['DeletionProtectionEnabled'] = false),
  ],
  'that a table stays': ['Retained', 'AWS::DynamoDB::Table', (table) => (table.DeletionPolicy = 'Delete')],
  'that a secret stays when it is replaced': [
    'Retained',
    'AWS::SecretsManager::Secret',
    (secret) => delete secret.UpdateReplacePolicy,
  ],
  'that a log stays': ['Retained', 'AWS::Logs::LogGroup', (group) => delete group.DeletionPolicy],
  'that the bucket stays': ['Retained', 'AWS::S3::Bucket', (bucket) => delete bucket.DeletionPolicy],
  'the log group of a function': [
    'FunctionLogs',
    'AWS::Lambda::Function',
    (resource) => delete of(resource, 'LoggingConfig')['LogGroup'],
  ],
  'JSON in the log': [
    'FunctionLogs',
    'AWS::Lambda::Function',
    (resource) => (of(resource, 'LoggingConfig')['LogFormat'] = 'Text'),
  ],
  'the silence of the platform': [
    'FunctionLogs',
    'AWS::Lambda::Function',
    (resource) => delete of(resource, 'LoggingConfig')['SystemLogLevel'],
  ],
  'that the API’s own address is off': [
    'OriginLock',
    'AWS::ApiGatewayV2::Api',
    ({ Properties }) => delete Properties['DisableExecuteApiEndpoint'],
  ],
  'the value that the edge sends': [
    'OriginLock',
    'AWS::CloudFront::Distribution',
    (resource) => {
      const origins = of(resource, 'DistributionConfig')['Origins'] as Record<string, unknown>[];
      for (const origin of origins) delete origin['OriginCustomHeaders'];
    },
  ],
  'the rate of the stage': [
    'Throttles',
    'AWS::ApiGatewayV2::Stage',
    ({ Properties }) => delete Properties['DefaultRouteSettings'],
  ],
  'the rate of callbacks': [
    'Throttles',
    'AWS::ApiGatewayV2::Stage',
    (resource) => delete of(resource, 'RouteSettings')['ANY /auth/callback'],
  ],
  'the rate of what is no route': [
    'Throttles',
    'AWS::ApiGatewayV2::Stage',
    (resource) => delete of(resource, 'RouteSettings')['$default'],
  ],
  'the way back of a release': [
    'RollBack',
    'AWS::CodeDeploy::DeploymentGroup',
    (resource) => (of(resource, 'AutoRollbackConfiguration')['Enabled'] = false),
  ],
  'the alarms of a release': [
    'RollBack',
    'AWS::CodeDeploy::DeploymentGroup',
    (resource) => (of(resource, 'AlarmConfiguration')['Alarms'] = []),
  ],
  'that alarms stop a release': [
    'RollBack',
    'AWS::CodeDeploy::DeploymentGroup',
    ({ Properties }) => delete Properties['AlarmConfiguration'],
  ],
  ...Object.fromEntries(
    ['CallbacksByAddress', 'LoginsByAddress', 'RequestsByAddress'].map((name): [string, Removal] => [
      `the firewall’s rule ${name}`,
      ['FirewallRules', 'AWS::WAFv2::WebACL', (acl) => (acl.Properties['Rules'] = rulesBut(acl, name))],
    ]),
  ),
  ...Object.fromEntries(
    ['IpReputation', 'KnownBadInputs', 'Common'].map((name): [string, Removal] => [
      `the firewall’s group ${name}`,
      ['FirewallRules', 'AWS::WAFv2::WebACL', (acl) => (acl.Properties['Rules'] = rulesBut(acl, name))],
    ]),
  ),
  'that the firewall refuses': [
    'FirewallRules',
    'AWS::WAFv2::WebACL',
    (acl) => {
      for (const rule of firewallRules(acl)) if ('Action' in rule) rule['Action'] = { Count: {} };
    },
  ],
  'the list of cookies': [
    'EdgeBehaviours',
    'AWS::CloudFront::OriginRequestPolicy',
    (policy) => (of(policy, 'OriginRequestPolicyConfig')['CookiesConfig'] = { CookieBehavior: 'all' }),
  ],
  'that no error is cached': [
    'EdgeBehaviours',
    'AWS::CloudFront::Distribution',
    (resource) => delete of(resource, 'DistributionConfig')['CustomErrorResponses'],
  ],
  'that each error is kept out': [
    'EdgeBehaviours',
    'AWS::CloudFront::Distribution',
    (resource) => {
      const config = of(resource, 'DistributionConfig');
      config['CustomErrorResponses'] = (config['CustomErrorResponses'] as { ErrorCode: number }[]).filter(
        ({ ErrorCode }) => ErrorCode !== 414,
      );
    },
  ],
  'that an error is the API’s own': [
    'EdgeBehaviours',
    'AWS::CloudFront::Distribution',
    (resource) =>
      (of(resource, 'DistributionConfig')['CustomErrorResponses'] = [
        { ErrorCode: 404, ErrorCachingMinTTL: 0, ResponseCode: 200, ResponsePagePath: '/index.html' },
      ]),
  ],
  'that the edge calls by TLS': [
    'EdgeBehaviours',
    'AWS::CloudFront::Distribution',
    (resource) => {
      for (const { CustomOriginConfig } of of(resource, 'DistributionConfig')['Origins'] as {
        CustomOriginConfig?: Record<string, unknown>;
      }[]) {
        if (CustomOriginConfig !== undefined) CustomOriginConfig['OriginProtocolPolicy'] = 'match-viewer';
      }
    },
  ],
  'that the edge is called by TLS': [
    'EdgeBehaviours',
    'AWS::CloudFront::Distribution',
    (resource) => {
      for (const behaviour of of(resource, 'DistributionConfig')['CacheBehaviors'] as Record<
        string,
        unknown
      >[]) {
        behaviour['ViewerProtocolPolicy'] = 'allow-all';
      }
    },
  ],
};

const namedBefore = new Map<StackTemplate, ReadonlySet<string>>();

/** The findings that appear when something is done to a copy of one resource. */
const appearing = (
  template: StackTemplate,
  logicalId: string,
  change: (resource: Mutable) => unknown,
): string[] => {
  const before = namedBefore.get(template) ?? new Set(named(template));
  namedBefore.set(template, before);
  const resource = structuredClone(template.Resources?.[logicalId]) as Mutable;
  change(resource);
  const Resources = { ...template.Resources, [logicalId]: resource };
  return named({ ...template, Resources }).filter((finding) => !before.has(finding));
};

/** Every resource of a type, with its template. */
const everyOf = (type: string): [StackTemplate, string][] =>
  templates.flatMap((template) =>
    Object.entries(template.Resources ?? {}).flatMap(([id, { Type }]): [StackTemplate, string][] =>
      Type === type ? [[template, id]] : [],
    ),
  );

describe('a protection that is removed is found', () => {
  test.each(Object.entries(removals))('%s', (_, [rule, type, remove]) => {
    const all = everyOf(type);
    expect(all.length).toBeGreaterThan(0);
    for (const [template, id] of all) {
      const found = appearing(template, id, remove);
      expect({ id, found }).toEqual({
        id,
        found: expect.arrayContaining([expect.stringContaining(`${rule} `)]),
      });
    }
  });

  test('the year of the audit trail, and that it cannot be deleted', () => {
    const [[template, id] = [{}, '']] = everyOf('AWS::Logs::LogGroup').filter(([, name]) =>
      name.startsWith('StorageAuditTrail'),
    );
    for (const change of [{ RetentionInDays: 364 }, { DeletionProtectionEnabled: false }]) {
      const found = appearing(template, id, ({ Properties }) => Object.assign(Properties, change));
      expect(found).toEqual(['AuditTrail StorageAuditTrail']);
    }
  });

  test.each(['AWS::Lambda::Permission', 'AWS::Events::Rule'])('the alias that a %s is for', (type) => {
    const aliased = everyOf(type).filter(([template, id]) =>
      findingsIn(template).every(({ logicalId }) => logicalId !== id),
    );
    expect(aliased.length).toBeGreaterThan(0);
    for (const [template, id] of aliased) {
      const found = appearing(template, id, ({ Properties }) => {
        const byName = { 'Fn::GetAtt': ['BffFunctionsLoginFunction', 'Arn'] };
        if ('Targets' in Properties) Properties['Targets'] = [{ Arn: byName, Id: 'Target0' }];
        else Properties['FunctionName'] = byName;
      });
      expect([id, found]).toEqual([id, [expect.stringContaining('AliasTarget ')]]);
    }
  });

  const roles = (): [StackTemplate, string][] => everyOf('AWS::IAM::Role');

  test('the alias that a role may call', () => {
    const [[template, id] = [{}, '']] = roles().filter(([, name]) => name.startsWith('BffOperatorsReadOnly'));
    for (const named of [{ 'Fn::GetAtt': ['BffFunctionsKeysStatusFunction', 'Arn'] }, '*']) {
      const found = appearing(template, id, (role) => {
        for (const statement of statementsOf(role)) {
          if (statement.Action === 'lambda:InvokeFunction') statement.Resource = named;
        }
      });
      expect(found).toEqual(['AliasTarget BffOperatorsReadOnly']);
    }
  });

  test('the keys and attributes that a function’s use of a table is bound to', () => {
    let tried = 0;
    for (const [template, id] of roles()) {
      for (const [index, { Action }] of statementsOf(template.Resources?.[id] as Mutable).entries()) {
        if (!/^dynamodb:(?!.*Stream|GetRecords|GetShard)/.test(String(Action))) continue;
        const without: ((statement: Statements[number]) => unknown)[] = [
          (statement) => delete statement.Condition,
          (statement) => delete statement.Condition?.['Null'],
          (statement) =>
            (statement.Condition = {
              ...statement.Condition,
              'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': '*' },
              'ForAllValues:StringEquals': {},
            }),
        ];
        for (const change of without) {
          const found = appearing(template, id, (role) => change(statementsOf(role)[index]!));
          expect([id, Action, found]).toEqual([id, Action, [expect.stringContaining('LeadingKeys ')]]);
          tried += 1;
        }
      }
    }
    expect(tried).toBeGreaterThan(60);
  });

  test('the key of the sessions table', () => {
    const [[template, id] = [{}, '']] = everyOf('AWS::DynamoDB::Table').filter(([, name]) =>
      name.startsWith('StorageSessions'),
    );
    const found = appearing(template, id, ({ Properties }) => delete Properties['SSESpecification']);
    expect(found).toEqual(['TableEncryption StorageSessions']);
  });

  test('the release of an alias bit by bit', () => {
    const serving = everyOf('AWS::Lambda::Alias').filter(
      ([template, id]) => template.Resources?.[id]?.UpdatePolicy !== undefined,
    );
    expect(serving).toHaveLength(7);
    for (const [template, id] of serving) {
      const found = appearing(template, id, (alias) => delete alias.UpdatePolicy);
      expect([id, found]).toEqual([id, [expect.stringContaining('RollBack ')]]);
    }
  });

  test('the versions of a secret that a function is bound to', () => {
    const reading = roles().filter(([template, id]) =>
      statementsOf(template.Resources?.[id] as Mutable).some(readsSecret),
    );
    expect(reading.map(([, id]) => id.replace(/^BffFunctions|Role[0-9A-F]{8}$/g, '')).sort()).toEqual([
      ...['ApiProxy', 'BackchannelLogout', 'Callback', 'Login', 'OperatorSessions', 'RotateSigningKeys'],
      'Session',
    ]);
    for (const [template, id] of reading.filter(([, name]) => !name.includes('RotateSigningKeys'))) {
      const statements = statementsOf(template.Resources?.[id] as Mutable);
      for (const [index, statement] of statements.entries()) {
        if (!readsSecret(statement)) continue;
        for (const stages of [undefined, ['AWSPENDING'], ['AWSCURRENT', 'AWSPENDING']]) {
          const found = appearing(template, id, (role) => {
            const changed = statementsOf(role)[index]!;
            if (stages === undefined) delete changed.Condition;
            else
              changed.Condition = { 'ForAnyValue:StringEquals': { 'secretsmanager:VersionStage': stages } };
          });
          expect([id, found]).toEqual([id, [expect.stringContaining('SecretReaders ')]]);
        }
      }
    }
  });

  test.each<[string, Record<string, Json>]>([
    ['every secret', { Action: 'secretsmanager:GetSecretValue', Resource: '*' }],
    ['every action on secrets', { Action: 'secretsmanager:*', Resource: 'arn:of:Other' }],
    ['every action', { Action: ['logs:PutLogEvents', '*'], Resource: 'arn:of:EdgeSecret' }],
    ['all but one action', { NotAction: 's3:GetObject', Resource: 'arn:of:EdgeSecret' }],
    ['all but one secret', { Action: 'secretsmanager:GetSecretValue', NotResource: 'arn:of:EdgeSecret' }],
    ['many values at once', { Action: 'secretsmanager:BatchGetSecretValue', Resource: '*' }],
    ['a secret that no rule knows', { Action: 'secretsmanager:GetSecretValue', Resource: 'arn:of:Other' }],
  ])('that nobody may read %s', (_, right) => {
    for (const [template, id] of roles()) {
      const found = appearing(template, id, ({ Properties }) => {
        const policies = (Properties['Policies'] ?? []) as Json[];
        const Statement = [{ Effect: 'Allow', ...right }];
        Properties['Policies'] = [...policies, { PolicyDocument: { Statement } }];
      });
      expect([id, ...found]).toContainEqual(expect.stringContaining('SecretReaders '));
    }
  });

  test('each secret’s own circle of readers: another function may not', () => {
    const inForce = { 'ForAnyValue:StringEquals': { 'secretsmanager:VersionStage': 'AWSCURRENT' } };
    const allowed = (secret: string): string[] =>
      roles().flatMap(([template, id]) => {
        const found = appearing(template, id, ({ Properties }) => {
          Properties['Policies'] = [
            {
              PolicyDocument: {
                Statement: {
                  Effect: 'Allow',
                  Action: 'secretsmanager:GetSecretValue',
                  Resource: { 'Fn::ImportValue': `stack:${secret}Value` },
                  Condition: inForce,
                },
              },
            },
          ];
        });
        return found.length === 0 ? [id.replace(/^BffFunctions|Role[0-9A-F]{8}$/g, '')] : [];
      });
    expect(allowed('SigningKeys').sort()).toEqual(['ApiProxy', 'Callback', 'RotateSigningKeys']);
    expect(allowed('ApiPlatformKeys').sort()).toEqual(['ApiProxy', 'RotateSigningKeys']);
    expect(allowed('ApiPlatformCredentials')).toEqual(['ApiProxy']);
    expect(allowed('IdentifierKey').sort()).toEqual(['BackchannelLogout', 'Callback', 'OperatorSessions']);
    expect(allowed('EdgeSecret').sort()).toEqual([
      ...['ApiProxy', 'BackchannelLogout', 'Callback', 'Login', 'Session'],
    ]);
  });

  test('by every rule there is', () => {
    const tried = new Set([
      ...Object.values(removals).map(([rule]) => rule),
      ...['SecretReaders', 'LeadingKeys', 'TableEncryption'],
    ]);
    expect([...tried].sort()).toEqual(rules.map(({ id }) => id).sort());
  });
});
