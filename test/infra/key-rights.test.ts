/** What the code of the keys sends to AWS, compared with what IAM would let through. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { functionNames } from '../../infra/bundle.ts';
import { loadApplication } from '../../lambdas/api/tokens/index.ts';
import { readSecretText } from '../../lambdas/aws/index.ts';
import type { EpochSeconds } from '../../lambdas/common/index.ts';
import {
  createKeyMaker,
  createPublishedKeys,
  loadPublishedSet,
  loadRing,
  createSignerOf,
} from '../../lambdas/keys/index.ts';
import type { PublishedKeys, PublishedRecord } from '../../lambdas/keys/index.ts';
import type { FunctionName } from '../../lambdas/settings/index.ts';
import { createTables } from '../../local/aws/dynamodb.ts';
import { startKms } from '../../local/aws/kms.ts';
import { localAws } from '../support/aws-client.ts';
import { AwsProxy } from '../support/aws.ts';
import type { AwsCall } from '../support/aws.ts';
import { reachOf } from './reach.ts';
import { actionsOf, changedEnvironment, isLike, mentions, partitionKeysOf, patternsOf } from './support.ts';
import { statementsOf, toJson } from './support.ts';
import type { Statement, TemplateJson } from './support.ts';

const clientOptions = (endpoint: string) => ({ ...localAws(endpoint), maxAttempts: 1 });
const now = 1_800_000_000 as EpochSeconds;
const purposes = ['cis2', 'api-platform'] as const;

/** The environment `prod` with a ring for each purpose, and its keys in KMS. */
let template: TemplateJson;
const doors: AwsProxy[] = [];
beforeAll(() => {
  template = toJson(changedEnvironment('prod', { apiPlatformKeys: 'own', keyCustody: 'kms' }).stateless);
}, 120_000);
afterAll(async () => {
  for (const door of doors) await door.close();
});

const opened = (door: AwsProxy): AwsProxy => {
  doors.push(door);
  return door;
};

describe('the rights to keys in KMS', () => {
  const byTag = (name: FunctionName): readonly Statement[] =>
    statementsOf(template, name).filter(
      (statement) =>
        actionsOf([statement]).some((action) => action.startsWith('kms:')) &&
        (statement.Resource === '*' || mentions(statement.Resource, ':key/*')),
    );

  test.each(functionNames)('of %s are for what its code can send, no less and no more', (name) => {
    const sends = [...reachOf(name).actions].filter((action) => action.startsWith('kms:'));
    // Not a call of its own: KMS asks for it when a key is made with a tag.
    const tagging = sends.includes('kms:CreateKey') ? ['kms:TagResource'] : [];
    expect(actionsOf(byTag(name))).toEqual([...sends, ...tagging].sort());
  });

  describe('let through', () => {
    const calls = new Map<string, Readonly<Record<string, unknown>>>();
    beforeAll(async () => {
      const door = opened(
        await AwsProxy.before(await startKms({ region: 'eu-west-2', account: '000000000000' })),
      );
      const ports = { kmsOptions: clientOptions(door.url), clock: () => now };
      const made = await createKeyMaker({
        ...ports,
        storage: 'kms',
        bits: 4096,
        ringName: 'cis2-bff-prod/api-platform',
      }).make();
      const signer = await createSignerOf(ports)({ ...made, place: 'current', signingSince: now });
      await signer.sign({ clientId: 'client', audience: 'https://am.example.nhs.uk', lifetimeSeconds: 60 });
      for (const { operation, body } of door.calls) calls.set(operation, body);
    }, 60_000);

    /** What the values of a call must equal for a function to be let through. */
    const wanted = (name: FunctionName, action: string): Readonly<Record<string, string | string[]>> => {
      const [statement] = byTag(name).filter((one) => actionsOf([one]).includes(action));
      const { StringEquals } = statement?.Condition as {
        readonly StringEquals: Readonly<Record<string, string | string[]>>;
      };
      return StringEquals;
    };

    test('what is sent to make a key', () => {
      const conditions = wanted('rotate-signing-keys', 'kms:CreateKey');
      expect(calls.get('CreateKey')).toMatchObject({
        Tags: [{ TagKey: 'cis2-bff:ring', TagValue: conditions['aws:RequestTag/cis2-bff:ring']?.[1] }],
        KeySpec: conditions['kms:KeySpec'],
        KeyUsage: conditions['kms:KeyUsage'],
      });
    });

    test.each(['callback', 'api-proxy', 'rotate-signing-keys'] as const)('what %s sends to sign', (name) => {
      const { 'kms:SigningAlgorithm': algorithm } = wanted(name, 'kms:Sign');
      expect(algorithm).toBe('RSASSA_PKCS1_V1_5_SHA_512');
      expect(calls.get('Sign')).toMatchObject({ SigningAlgorithm: algorithm });
    });
  });
});

describe('where each purpose has a ring of its own', () => {
  const rings = { cis2: 'SigningKeys', 'api-platform': 'ApiPlatformKeys' } as const;

  test.each([
    ['callback', ['cis2']],
    ['api-proxy', ['api-platform']],
    ['rotate-signing-keys', ['cis2', 'api-platform']],
  ] as const)('%s reads, and signs with the keys of, %j only [ASVS-13.3.2]', (name, mine) => {
    const statements = statementsOf(template, name);
    const read = purposes.filter((purpose) =>
      statements.some(({ Resource }) => mentions(Resource, rings[purpose])),
    );
    expect(read).toEqual(mine);
    const signing = statements.filter((statement) => actionsOf([statement]).includes('kms:Sign'));
    const { 'aws:ResourceTag/cis2-bff:ring': tags } = (
      signing[0]?.Condition as { readonly StringEquals: Readonly<Record<string, string | string[]>> }
    ).StringEquals;
    expect(signing).toHaveLength(1);
    expect([tags].flat()).toEqual(mine.map((purpose) => `cis2-bff-prod/${purpose}`));
  });
});

describe('the right to read', () => {
  test.each<[string, (client: SecretsManagerClient) => Promise<unknown>]>([
    ['the ring that signs', (client) => loadRing(client, 'name')],
    [
      'the credentials for the API platform',
      (client) => loadApplication(() => readSecretText(client, 'name')),
    ],
  ])('%s lets through what is sent to read it, which names the version in force', async (_what, read) => {
    const door = opened(await AwsProxy.secretsManager());
    const client = new SecretsManagerClient(clientOptions(door.url));
    await read(client).catch(() => undefined);
    client.destroy();
    expect(door.calls.map(({ operation, body }) => [operation, body])).toEqual([
      ['GetSecretValue', { SecretId: 'name', VersionStage: 'AWSCURRENT' }],
    ]);
  });
});

describe('the rights to items of the published keys', () => {
  const table = 'published-keys';
  const record: PublishedRecord = { keys: [], since: {}, firstAt: now, rings: {} };
  let client: DynamoDBClient;
  /** Method → everything it does to the table. */
  const sent = new Map<string, readonly AwsCall[]>();

  const turns: { readonly [Method in keyof PublishedKeys]: (keys: PublishedKeys) => Promise<unknown> } = {
    read: (keys) => keys.read(),
    replace: async (keys) => {
      expect(await keys.replace(record, (await keys.read()).revision)).toBe(true);
    },
    lastRotation: (keys) => keys.lastRotation(),
    recordRotation: (keys) => keys.recordRotation({ token: 'token', at: now, result: 'done' }),
  };

  beforeAll(async () => {
    const door = opened(await AwsProxy.dynamoDb());
    client = new DynamoDBClient(clientOptions(door.url));
    await createTables(door.url, 'eu-west-2', [
      {
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      },
    ]);
    for (const [method, turn] of Object.entries(turns)) {
      door.reset();
      for (const purpose of purposes) await turn(createPublishedKeys(client, table, purpose));
      sent.set(method, [...door.calls]);
    }
    door.reset();
    for (const purpose of purposes) await loadPublishedSet(client, table, purpose).catch(() => undefined);
    sent.set('loadPublishedSet', [...door.calls]);
  }, 60_000);
  afterAll(() => {
    client.destroy();
  });

  const statements = (name: FunctionName): readonly Statement[] =>
    statementsOf(template, name).filter(({ Resource }) => mentions(Resource, 'StoragePublishedKeys'));
  const allows = (name: FunctionName, action: string, key: string): boolean =>
    statements(name).some(
      (statement) =>
        actionsOf([statement]).includes(`dynamodb:${action}`) &&
        patternsOf(statement).some((pattern) => isLike(pattern, key)),
    );

  const sentBy = (name: FunctionName): readonly (readonly [operation: string, key: string])[] => {
    const methods =
      name === 'jwks' || name === 'canary'
        ? ['loadPublishedSet']
        : [...reachOf(name).members]
            .filter((member) => member.startsWith('PublishedKeys.'))
            .map((member) => member.slice('PublishedKeys.'.length));
    return methods.flatMap((method) => {
      const calls = sent.get(method);
      if (calls === undefined) throw new Error(`nothing was seen of ${method}`);
      return calls.flatMap((call) => partitionKeysOf(call).map((key) => [call.operation, key] as const));
    });
  };

  const users = ['jwks', 'keys-status', 'canary', 'rotate-signing-keys'] as const;

  test('are with the functions that serve them, show their state and write them', () => {
    expect(functionNames.filter((name) => statements(name).length > 0)).toEqual(users);
  });

  test.each(users)('of %s cover everything it sends', (name) => {
    expect(sentBy(name).filter(([operation, key]) => !allows(name, operation, key))).toEqual([]);
    // Everything that its code can send has been seen.
    expect([...new Set(sentBy(name).map(([operation]) => `dynamodb:${operation}`))].sort()).toEqual(
      [...reachOf(name).actions].filter((action) => action.startsWith('dynamodb:')).sort(),
    );
  });

  test.each(users)('of %s cover nothing that it never sends', (name) => {
    for (const statement of statements(name)) {
      const keys = sentBy(name)
        .filter(([operation]) => actionsOf([statement]).includes(`dynamodb:${operation}`))
        .map(([, key]) => key);
      const unused = patternsOf(statement).filter((pattern) => !keys.some((key) => isLike(pattern, key)));
      expect({ unused, of: statement.Action }).toEqual({ unused: [], of: statement.Action });
    }
  });

  test.each([
    ['jwks', 'GetItem', 'rotation#cis2'],
    ['jwks', 'PutItem', 'jwks#cis2'],
    ['jwks', 'Scan', 'jwks#cis2'],
    ['keys-status', 'PutItem', 'jwks#cis2'],
    ['keys-status', 'PutItem', 'rotation#cis2'],
    ['rotate-signing-keys', 'DeleteItem', 'jwks#cis2'],
    ['rotate-signing-keys', 'PutItem', 'session#KEY'],
    ['rotate-signing-keys', 'Scan', 'jwks#cis2'],
  ] as const)('do not let %s send %s for %s', (name, action, key) => {
    expect(allows(name, action, key)).toBe(false);
  });
});
