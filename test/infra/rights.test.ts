import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { functionNames } from '../../infra/bundle.ts';
import { environments } from '../../infra/environments.ts';
import { addEnvironment } from '../../infra/stacks.ts';
import { createApp } from '../../infra/synthesis.ts';
import type { EpochSeconds } from '../../lambdas/common/index.ts';
import { createSessionStore, replacementOf } from '../../lambdas/session/index.ts';
import type { NewSession, SessionCredential, SessionStore } from '../../lambdas/session/index.ts';
import type { FunctionName } from '../../lambdas/settings.ts';
import { createTables } from '../../local/dynamodb.ts';
import { AwsDoor } from '../support/aws.ts';
import type { AwsCall } from '../support/aws.ts';
import { createReach } from './reach.ts';
import type { Reach } from './reach.ts';
import { actionsOf, emptyBundles, mentions, statementsOf, toJson } from './support.ts';
import type { Statement, TemplateJson } from './support.ts';

let template: TemplateJson;
let reach: (name: FunctionName) => Reach;
beforeAll(() => {
  process.env['CDK_VALIDATION'] = 'false';
  const prod = environments['prod'];
  if (prod === undefined) throw new Error('no environment prod');
  template = toJson(addEnvironment(createApp(), 'prod', prod, emptyBundles()).stateless);
  const once = new Map<FunctionName, Reach>();
  const read = createReach();
  reach = (name) => {
    const found = once.get(name) ?? read(name);
    once.set(name, found);
    return found;
  };
}, 120_000);

/** The statements about a function's use of the sessions table. */
const sessionStatements = (name: FunctionName): readonly Statement[] =>
  statementsOf(template, name).filter(
    (statement) =>
      actionsOf([statement]).some((action) => action.startsWith('dynamodb:')) &&
      mentions(statement.Resource, 'StorageSessions'),
  );

/** The patterns of partition keys that a statement is for. */
const patternsOf = ({ Condition }: Statement): readonly string[] => {
  const { 'ForAllValues:StringLike': keys, ...others } = Condition as {
    'ForAllValues:StringLike'?: { 'dynamodb:LeadingKeys'?: string | readonly string[] };
  };
  expect(others).toEqual({ Null: { 'dynamodb:LeadingKeys': 'false' } });
  const patterns = keys?.['dynamodb:LeadingKeys'] ?? [];
  return typeof patterns === 'string' ? [patterns] : patterns;
};

const isLike = (pattern: string, key: string): boolean =>
  pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern;

/** Whether IAM lets a function do this to an item of the sessions table. */
const allows = (name: FunctionName, action: string, key: string): boolean =>
  sessionStatements(name).some(
    (statement) =>
      actionsOf([statement]).includes(`dynamodb:${action}`) &&
      patternsOf(statement).some((pattern) => isLike(pattern, key)),
  );

/** The partition keys that a call names, wherever it names them. */
const partitionKeysOf = ({ operation, body }: AwsCall): readonly string[] => {
  const keys: string[] = [];
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      const { S } = (inner ?? {}) as { S?: unknown };
      if ((name === 'pk' || name === ':pk') && typeof S === 'string') keys.push(S);
      else look(inner);
    }
  };
  look(body);
  if (keys.length === 0) throw new Error(`${operation} names no partition key`);
  return keys;
};

const now = 1_800_000_000 as EpochSeconds;
const anyone: NewSession = {
  worker: {
    user: { uid: '900000000001', name: 'Odalys Fernsby', givenName: null, familyName: null, title: null },
    assurance: { authentication: 3, identity: 3, methods: [], authenticatedAt: now },
    roles: [],
  },
  roleId: null,
  device: 'Chrome on Windows',
  user: ['https://am.example.nhs.uk:443/realm', '900000000001'],
  providerSession: ['https://am.example.nhs.uk:443/realm', 'sid'],
  begunAt: now,
  replaces: undefined,
  sessionsPerUser: 20,
};
const create = async (store: SessionStore, change: Partial<NewSession> = {}): Promise<SessionCredential> => {
  const created = await store.create({ ...anyone, ...change }, AbortSignal.timeout(10_000));
  if (created === 'provider_logout') throw new Error('refused');
  return created.credential;
};

/** Method of the store → everything it does to the table, in some of its turns. `given` lives already. */
const turns: Record<keyof SessionStore, (store: SessionStore, given: SessionCredential) => Promise<unknown>> =
  {
    warmUp: (store) => store.warmUp(),
    spendAttempt: (store) => store.spendAttempt('attempt', 600),
    create: async (store, given) => {
      await create(store, { replaces: replacementOf(given) });
      // The second of these leaves no room for the first.
      await create(store);
      await create(store, { sessionsPerUser: 1 });
    },
    read: (store, given) => store.read(given),
    extend: (store, given) => store.extend(given, undefined),
    end: (store, given) => store.end(given, 'signed_out', undefined),
  };

describe('the rights of a function', () => {
  test.each(functionNames)('%s are for what its code can send, no less and no more', (name) => {
    const allowed = actionsOf(statementsOf(template, name)).filter((action) =>
      /^(?:dynamodb|secretsmanager):/.test(action),
    );
    expect([...new Set(allowed)].sort()).toEqual([...reach(name).actions].sort());
  });
});

describe('the rights to items of the sessions table', () => {
  let door: AwsDoor;
  let client: DynamoDBClient;
  const sent = new Map<string, readonly AwsCall[]>();

  beforeAll(async () => {
    door = await AwsDoor.dynamoDb();
    const table = 'sessions';
    await createTables(door.url, 'eu-west-2', [
      {
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      },
    ]);
    client = new DynamoDBClient({
      endpoint: door.url,
      region: 'eu-west-2',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const store = createSessionStore({
      client,
      table,
      limits: { idleSeconds: 900, absoluteSeconds: 43_200 },
      clock: () => now,
    });
    for (const [method, turn] of Object.entries(turns)) {
      const given = await create(store);
      door.reset();
      await turn(store, given);
      sent.set(`SessionStore.${method}`, [...door.calls]);
    }
  }, 60_000);
  afterAll(async () => {
    client.destroy();
    await door.close();
  });

  /** What a function sends, by the methods of the store that its code can come to. */
  const sentBy = (name: FunctionName): readonly (readonly [operation: string, key: string])[] =>
    [...reach(name).members]
      .filter((member) => member.startsWith('SessionStore.'))
      .flatMap((member) => {
        const calls = sent.get(member);
        if (calls === undefined) throw new Error(`nothing was seen of ${member}`);
        return calls.flatMap((call) => partitionKeysOf(call).map((key) => [call.operation, key] as const));
      });

  const users = ['sign-in', 'session'] as const;

  test('are with sign-in and session only', () => {
    expect(functionNames.filter((name) => sessionStatements(name).length > 0)).toEqual(users);
  });

  test.each(users)('of %s cover everything it sends', (name) => {
    const refused = sentBy(name).filter(([operation, key]) => !allows(name, operation, key));
    expect(refused).toEqual([]);
    // Everything that its code can send has been seen.
    expect([...new Set(sentBy(name).map(([operation]) => `dynamodb:${operation}`))].sort()).toEqual(
      [...reach(name).actions].filter((action) => action.startsWith('dynamodb:')).sort(),
    );
  });

  test.each(users)('of %s cover nothing that it never sends', (name) => {
    for (const statement of sessionStatements(name)) {
      const keys = sentBy(name)
        .filter(([operation]) => actionsOf([statement]).includes(`dynamodb:${operation}`))
        .map(([, key]) => key);
      const unused = patternsOf(statement).filter((pattern) => !keys.some((key) => isLike(pattern, key)));
      expect({ unused, of: statement.Action }).toEqual({ unused: [], of: statement.Action });
    }
  });

  test.each([
    ['session', 'PutItem', 'session#KEY'],
    ['session', 'UpdateItem', 'attempt#ID'],
    ['session', 'GetItem', 'attempt#ID'],
    ['session', 'Query', 'user#HASH'],
    ['session', 'DeleteItem', 'user#HASH'],
    ['session', 'DeleteItem', 'attempt#ID'],
    ['sign-in', 'DeleteItem', 'attempt#ID'],
    ['sign-in', 'DeleteItem', 'user#HASH'],
    ['sign-in', 'DeleteItem', 'provider-session#HASH'],
    ['sign-in', 'PutItem', 'user#HASH'],
    ['sign-in', 'PutItem', 'provider-session#HASH'],
    ['sign-in', 'UpdateItem', 'attempt#ID'],
    ['sign-in', 'Query', 'session#KEY'],
    ['sign-in', 'Scan', 'session#KEY'],
  ] as const)('do not let %s send %s for %s', (name, action, key) => {
    expect(allows(name, action, key)).toBe(false);
  });
});
