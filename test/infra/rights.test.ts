import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { functionNames } from '../../infra/bundle.ts';
import { Secret, type EpochSeconds, type EpochMilliseconds } from '../../lambdas/common/index.ts';
import {
  createLogoutStore,
  createOperatorStore,
  createProxyStore,
  createSessionStore,
  createSignInStore,
  replacementOf,
} from '../../lambdas/session/index.ts';
import type {
  LogoutStore,
  NewSession,
  OperatorStore,
  ProxyStore,
  SessionCredential,
  SessionStore,
  SessionTokens,
  SignInStore,
  TokenLease,
} from '../../lambdas/session/index.ts';
import type { FunctionName } from '../../lambdas/settings/index.ts';
import { createTables } from '../../local/aws/dynamodb.ts';
import {
  identified,
  limits,
  newSession,
  sessionTable,
  signIn,
  start,
  tableName,
  worker,
} from '../unit/session-fixtures.ts';
import { localAws } from '../support/aws-client.ts';
import { AwsProxy } from '../support/aws.ts';
import type { AwsCall } from '../support/aws.ts';
import { reachOf, rightsFor } from './reach.ts';
import {
  actionsOf,
  isLike,
  mentions,
  partitionKeysOf,
  patternsOf,
  shipped,
  statementsOf,
} from './support.ts';
import type { Statement, TemplateJson } from './support.ts';

let template: TemplateJson;
beforeAll(() => {
  template = shipped('prod').stateless;
});

const isScan = (statement: Statement): boolean => actionsOf([statement]).includes('dynamodb:Scan');

/** The statements about a function's use of items of the sessions table. */
const sessionStatements = (name: FunctionName): readonly Statement[] =>
  statementsOf(template, name).filter(
    (statement) =>
      !isScan(statement) &&
      actionsOf([statement]).some((action) => action.startsWith('dynamodb:')) &&
      mentions(statement.Resource, 'StorageSessions'),
  );

/** Whether IAM lets a function do this to an item of the sessions table. */
const allows = (name: FunctionName, action: string, key: string): boolean =>
  sessionStatements(name).some(
    (statement) =>
      actionsOf([statement]).includes(`dynamodb:${action}`) &&
      patternsOf(statement).some((pattern) => isLike(pattern, key)),
  );

const beginning = start as EpochSeconds;
let now = beginning;
const issuer = 'https://am.example.nhs.uk:443/realm';
const named = { user: [issuer, worker.user.uid], providerSession: [issuer, 'sid'] };
const create = (store: SignInStore, change: Partial<NewSession> = {}): Promise<SessionCredential> =>
  signIn(store, newSession(beginning * 1_000, { ...named, ...change }));

interface Stores {
  readonly SignInStore: SignInStore;
  readonly SessionStore: SessionStore;
  readonly LogoutStore: LogoutStore;
  readonly ProxyStore: ProxyStore;
  readonly OperatorStore: OperatorStore;
}

const use = { handle: undefined, activity: true, profile: true, audience: 'api-platform' } as const;
const tokensOf = async (store: ProxyStore, given: SessionCredential): Promise<SessionTokens> => {
  const opened = await store.open(given, use);
  if (opened.status !== 'active') throw new Error('not opened');
  return opened.session.tokens;
};
const issued = {
  accessToken: new Secret('access'),
  issuedAt: beginning,
  expiresAt: (beginning + 599) as EpochSeconds,
  refreshToken: new Secret('refresh'),
  refreshTokenExpiresAt: undefined,
};
const leaseOf = async (tokens: SessionTokens): Promise<TokenLease> => {
  const lease = await tokens.lease('api-platform', tokens.seen('api-platform'));
  if (lease === undefined) throw new Error('no lease');
  return lease;
};

/** The same for what a session that is opened can do, and a lease of its tokens; each begins once that is there. */
const tokenTurns: {
  readonly [Method in keyof SessionTokens as `SessionTokens.${Method}`]: (
    tokens: SessionTokens,
  ) => () => unknown;
} & {
  readonly [Method in keyof TokenLease as `TokenLease.${Method}`]: (
    tokens: SessionTokens,
  ) => Promise<() => unknown>;
} = {
  'SessionTokens.session': (tokens) => () => tokens.session,
  'SessionTokens.signIn': (tokens) => () => tokens.signIn(),
  'SessionTokens.seen': (tokens) => () => tokens.seen('api-platform'),
  'SessionTokens.read': (tokens) => () => tokens.read('api-platform'),
  'SessionTokens.lease': (tokens) => () => leaseOf(tokens),
  'TokenLease.store': async (tokens) => {
    const lease = await leaseOf(tokens);
    return async () => {
      expect(await lease.store(issued)).toBe(1);
    };
  },
  'TokenLease.release': async (tokens) => {
    const lease = await leaseOf(tokens);
    return () => lease.release();
  },
};

/** Method of a store → everything it does to the table, in some of its turns. `given` lives already. */
const turns: {
  readonly [Name in keyof Stores]: {
    readonly [Method in keyof Stores[Name]]: (
      store: Stores[Name],
      given: SessionCredential,
    ) => Promise<unknown>;
  };
} = {
  SignInStore: {
    warmUp: (store) => store.warmUp(),
    spendAttempt: (store) => store.spendAttempt('attempt', 600),
    replacedRole: (store, given) => store.replacedRole(replacementOf(given), AbortSignal.timeout(10_000)),
    create: async (store, given) => {
      await create(store, { replaces: replacementOf(given) });
      await create(store, { reportOthers: true });
      // There is no room for those before it.
      await create(store, { sessionsPerUser: 1 });
    },
  },
  SessionStore: {
    warmUp: (store) => store.warmUp(),
    read: (store, given) => store.read(given),
    extend: (store, given) => store.extend(given, undefined),
    end: (store, given) => store.end(given, 'signed_out', undefined),
    changeRole: async (store, given) => {
      const changed = await store.changeRole(given, worker.roles[1]!.roleId, undefined, () => true);
      expect(changed.status).toBe('changed');
    },
    list: (store, given) => store.list(given),
    endListed: async (store, given) => {
      const listed = await store.list(given);
      if (listed.status !== 'active') throw new Error('not listed');
      expect(await store.endListed(given, undefined, listed.handle)).toMatchObject({ found: true });
    },
  },
  ProxyStore: {
    warmUp: (store) => store.warmUp(),
    open: async (store, given) => {
      await tokensOf(store, given);
      expect(await store.open(given, { ...use, handle: 'another' })).toEqual({ status: 'other_session' });
      now = (now + 800) as EpochSeconds;
      // A window begins.
      await tokensOf(store, given);
      now = (now + 900) as EpochSeconds;
      expect(await store.open(given, use)).toEqual({ status: 'ended', reason: 'idle' });
      now = beginning;
    },
  },
  OperatorStore: {
    list: async (store) => {
      expect((await store.list(named.user)).sessions).not.toEqual([]);
    },
    endOfUser: (store) => store.endOfUser([issuer, '900000000002']),
    endOfEverybody: async (store) => {
      expect((await store.endOfEverybody(beginning, undefined, 0)).ended).toBeGreaterThan(0);
    },
  },
  LogoutStore: {
    warmUp: (store) => store.warmUp(),
    logOut: async (store) => {
      const deadline = AbortSignal.timeout(10_000);
      const nobody = [issuer, '900000000002'];
      // The same token again, when a later one has left its mark already.
      for (const [seconds, tokenId] of [
        [0, 'one'],
        [10, 'other'],
        [20, 'one'],
      ] as const) {
        now = (beginning + seconds) as EpochSeconds;
        const arrivedAt = (now * 1_000) as EpochMilliseconds;
        await store.logOut({ ...named, tokenId: [issuer, tokenId], arrivedAt }, deadline);
        await store.logOut(
          { user: nobody, providerSession: undefined, tokenId: [issuer, `${tokenId} of a user`], arrivedAt },
          deadline,
        );
      }
    },
  },
};

describe('the rights of a function', () => {
  test.each(functionNames)('%s are for what its code can send, no less and no more', (name) => {
    const allowed = actionsOf(statementsOf(template, name)).filter((action) =>
      /^(?:dynamodb|secretsmanager):/.test(action),
    );
    // With its keys in the secret it has none of the rights to KMS that its code could use.
    const sends = [...reachOf(name).actions].filter((action) => !action.startsWith('kms:'));
    expect([...new Set(allowed)].sort()).toEqual(sends.sort());
  });
});

describe('the rights to items of the sessions table', () => {
  let door: AwsProxy;
  let client: DynamoDBClient;
  const sent = new Map<string, readonly AwsCall[]>();

  beforeAll(async () => {
    door = await AwsProxy.dynamoDb();
    await createTables(door.url, 'eu-west-2', [sessionTable]);
    client = new DynamoDBClient(localAws(door.url));
    const options = {
      ...identified,
      client,
      tableName,
      limits,
      clock: () => now,
      callsPerWindow: 600,
      preciseClock: () => (now * 1_000) as EpochMilliseconds,
    };
    const stores: Stores = {
      SignInStore: createSignInStore(options),
      SessionStore: createSessionStore(options),
      LogoutStore: createLogoutStore(options),
      ProxyStore: createProxyStore(options),
      OperatorStore: createOperatorStore(options),
    };
    for (const [name, begin] of Object.entries(tokenTurns)) {
      const tokens = await tokensOf(stores.ProxyStore, await create(stores.SignInStore));
      const turn = await begin(tokens);
      door.reset();
      await turn();
      sent.set(name, [...door.calls]);
    }
    // Logouts last: the CIS2 session that they end takes no more sign-ins.
    for (const name of [
      'SignInStore',
      'SessionStore',
      'ProxyStore',
      'OperatorStore',
      'LogoutStore',
    ] as const) {
      const methods = turns[name] as Readonly<
        Record<string, (store: unknown, given: SessionCredential) => unknown>
      >;
      for (const [method, turn] of Object.entries(methods)) {
        const given = await create(stores.SignInStore);
        door.reset();
        await turn(stores[name], given);
        sent.set(`${name}.${method}`, [...door.calls]);
      }
    }
  }, 60_000);
  afterAll(async () => {
    client.destroy();
    await door.close();
  });

  /** What a function sends, by the methods of the store that its code can come to. */
  const sentBy = (name: FunctionName): readonly (readonly [operation: string, key: string])[] =>
    [...reachOf(name).members]
      .filter((member) =>
        /^(?:(?:SignIn|Session|Logout|Proxy|Operator)Store|SessionTokens|TokenLease)\./.test(member),
      )
      .flatMap((member) => {
        const calls = sent.get(member);
        if (calls === undefined) throw new Error(`nothing was seen of ${member}`);
        return calls.flatMap((call) =>
          // A scan names no item.
          (call.operation === 'Scan' ? [''] : partitionKeysOf(call)).flatMap((key) =>
            rightsFor(call.operation).map((right) => [right, key] as const),
          ),
        );
      });

  const users = ['callback', 'session', 'api-proxy', 'backchannel-logout', 'operator-sessions'] as const;

  test('are with the functions that have a store only', () => {
    expect(functionNames.filter((name) => sessionStatements(name).length > 0)).toEqual(users);
  });

  test.each(users)('of %s cover everything it sends', (name) => {
    const refused = sentBy(name).filter(
      ([operation, key]) => operation !== 'Scan' && !allows(name, operation, key),
    );
    expect(refused).toEqual([]);
    // Everything that its code can send has been seen.
    expect([...new Set(sentBy(name).map(([operation]) => `dynamodb:${operation}`))].sort()).toEqual(
      [...reachOf(name).actions].filter((action) => action.startsWith('dynamodb:')).sort(),
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
    ['session', 'PutItem', 'logout-token#ID'],
    ['session', 'GetItem', 'provider-session#HASH'],
    ['session', 'UpdateItem', 'attempt#ID'],
    ['session', 'GetItem', 'attempt#ID'],
    ['session', 'Query', 'user#HASH'],
    ['session', 'DeleteItem', 'user#HASH'],
    ['session', 'DeleteItem', 'attempt#ID'],
    ['callback', 'DeleteItem', 'attempt#ID'],
    ['callback', 'DeleteItem', 'user#HASH'],
    ['callback', 'DeleteItem', 'provider-session#HASH'],
    ['callback', 'PutItem', 'user#HASH'],
    ['callback', 'PutItem', 'provider-session#HASH'],
    ['callback', 'UpdateItem', 'attempt#ID'],
    ['callback', 'GetItem', 'session#KEY'],
    ['callback', 'GetItem', 'user#HASH'],
    ['callback', 'PutItem', 'logout-token#ID'],
    ['callback', 'Query', 'session#KEY'],
    ['callback', 'Scan', 'session#KEY'],
    ['api-proxy', 'PutItem', 'session#KEY'],
    ['api-proxy', 'DeleteItem', 'session#KEY'],
    ['api-proxy', 'Query', 'user#HASH'],
    ['api-proxy', 'Scan', 'session#KEY'],
    ['api-proxy', 'GetItem', 'user#HASH'],
    ['api-proxy', 'UpdateItem', 'user#HASH'],
    ['api-proxy', 'UpdateItem', 'provider-session#HASH'],
    ['api-proxy', 'UpdateItem', 'attempt#ID'],
    ['api-proxy', 'UpdateItem', 'logout-token#ID'],
    ['api-proxy', 'UpdateItem', 'warm-up'],
    ['backchannel-logout', 'GetItem', 'session#KEY'],
    ['backchannel-logout', 'BatchGetItem', 'session#KEY'],
    ['backchannel-logout', 'Query', 'session#KEY'],
    ['backchannel-logout', 'PutItem', 'session#KEY'],
    ['backchannel-logout', 'DeleteItem', 'session#KEY'],
    ['backchannel-logout', 'UpdateItem', 'attempt#ID'],
    ['backchannel-logout', 'UpdateItem', 'logout-token#ID'],
    ['backchannel-logout', 'DeleteItem', 'logout-token#ID'],
    ['backchannel-logout', 'DeleteItem', 'user#HASH'],
    ['backchannel-logout', 'Scan', 'session#KEY'],
    ['operator-sessions', 'GetItem', 'session#KEY'],
    ['operator-sessions', 'Query', 'session#KEY'],
    ['operator-sessions', 'PutItem', 'session#KEY'],
    ['operator-sessions', 'DeleteItem', 'session#KEY'],
  ] as const)('do not let %s send %s for %s', (name, action, key) => {
    expect(allows(name, action, key)).toBe(false);
  });

  test('to a scan are one function’s, for the attributes that say whether a session lives', () => {
    expect(functionNames.filter((name) => statementsOf(template, name).some(isScan))).toEqual([
      'operator-sessions',
    ]);
    const [scan] = statementsOf(template, 'operator-sessions').filter(isScan);
    expect(actionsOf([scan!])).toEqual(['dynamodb:Scan']);
    expect(scan?.Condition).toEqual({
      'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['pk', 'sk', 'state', 'signedInAt'] },
      Null: { 'dynamodb:Attributes': 'false' },
      StringEquals: { 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' },
    });
    const [call] = sent.get('OperatorStore.endOfEverybody') ?? [];
    const expressions = ['ProjectionExpression', 'FilterExpression'].map((name) => String(call?.body[name]));
    const names = expressions.join(' ').match(/(?<![:\w])#?[a-zA-Z]+(?!\w)/g) ?? [];
    expect(call?.body['Select']).toBe('SPECIFIC_ATTRIBUTES');
    expect([...new Set(names)].filter((name) => name !== 'AND').sort()).toEqual([
      ...['#state', 'pk', 'signedInAt', 'sk'],
    ]);
  });
});
