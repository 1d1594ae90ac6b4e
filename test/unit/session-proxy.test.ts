/** The session as a proxied call meets it: opened, counted, and with tokens that one caller at a time may change. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { Secret, type EpochSeconds, type EpochMilliseconds } from '../../lambdas/common/index.ts';
import {
  createLogoutStore,
  createProxyStore,
  createSessionStore,
  createSignInStore,
  leaseMs,
  parseCredential,
  SessionGone,
  StoreUnavailable,
  type IssuedTokens,
  type NewSession,
  type ProxySession,
  type ProxyUse,
  type SessionCredential,
  type SessionLimits,
} from '../../lambdas/session/index.ts';
import { CallCounts } from '../../lambdas/session/call-counts.ts';
import { createTables } from '../../local/aws/dynamodb.ts';
import { localAws } from '../support/aws-client.ts';
import { AwsProxy } from '../support/aws.ts';
import {
  identified,
  limits,
  newSession,
  sessionTable,
  signIn,
  start,
  tableName,
  worker,
  type Item,
} from './session-fixtures.ts';

let door: AwsProxy;
let client: DynamoDBClient;
let now = start;
let nowMs = start * 1_000;
let people = 0;

const stores = (to: SessionLimits = limits, callsPerWindow = 600) => {
  const options = {
    ...{ ...identified, client, tableName, limits: to, callsPerWindow },
    clock: () => now as EpochSeconds,
    preciseClock: () => nowMs as EpochMilliseconds,
  };
  return {
    ...{ signIn: createSignInStore(options), session: createSessionStore(options) },
    ...{ logout: createLogoutStore(options), proxy: createProxyStore(options) },
  };
};

beforeAll(async () => {
  door = await AwsProxy.dynamoDb();
  await createTables(door.url, 'eu-west-2', [sessionTable]);
  client = new DynamoDBClient({ ...localAws(door.url), maxAttempts: 1 });
});
beforeEach(() => {
  door.reset();
  now = start;
  nowMs = start * 1_000;
  people += 1;
});
afterAll(async () => {
  client.destroy();
  await door.close();
});

const sessionOfUser = (): NewSession => newSession(now, { user: ['issuer', `user ${String(people)}`] });
const signedIn = (to?: SessionLimits): Promise<SessionCredential> =>
  signIn(stores(to).signIn, sessionOfUser());
const use = (changes: Partial<ProxyUse> = {}): ProxyUse => ({
  ...{ handle: undefined, activity: true, profile: false, audience: undefined },
  ...changes,
});
const opened = async (credential: SessionCredential, changes?: Partial<ProxyUse>): Promise<ProxySession> => {
  const state = await stores().proxy.open(credential, use(changes));
  if (state.status !== 'active') throw new Error(`not active: ${state.status}`);
  return state.session;
};
const itemOf = async (credential: SessionCredential, sk: string): Promise<Item | undefined> => {
  const Key = { pk: { S: `session#${credential.key}` }, sk: { S: sk } };
  return (await client.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;
};
const set = (credential: SessionCredential, sk: string, name: string, value: AttributeValue) =>
  client.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: { pk: { S: `session#${credential.key}` }, sk: { S: sk } },
      UpdateExpression: 'SET #name = :value',
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':value': value },
    }),
  );
const operations = () => door.calls.map(({ operation }) => operation).sort();
const lastActiveAt = async (credential: SessionCredential) =>
  Number((await itemOf(credential, 'core'))?.['lastActiveAt']?.N);

const issued = (name: string): IssuedTokens => ({
  accessToken: new Secret(`access ${name}`),
  issuedAt: now as EpochSeconds,
  expiresAt: (now + 599) as EpochSeconds,
  refreshToken: new Secret(`refresh ${name}`),
  refreshTokenExpiresAt: (now + 43_199) as EpochSeconds,
});
const named = (tokens: IssuedTokens | undefined) => tokens?.accessToken.expose();

describe('a session that is opened for a call', () => {
  test('is one consistent read, and knows what was asked for', async () => {
    const credential = await signedIn();
    const state = await stores().session.read(credential);
    door.calls.length = 0;
    const session = await opened(credential, { audience: 'api-platform' });
    expect(session).toMatchObject({ roleId: '900000000701', signedInAt: start, worker: undefined });
    expect(state).toMatchObject({ session: { handle: session.handle } });
    expect((await opened(credential, { profile: true, audience: 'cis2' })).worker).toEqual(worker);
    expect((await opened(credential, { profile: true })).worker).toEqual(worker);
    await opened(credential);
    await opened(credential, { activity: false });
    const asked = door.calls.map(({ operation, body }) => [operation, body['ConsistentRead']]);
    expect(asked).toEqual(Array.from({ length: 5 }, () => ['Query', true]));
  });

  test('is at most one write more in a window, which holds the idle clock and begins the count anew', async () => {
    const credential = await signedIn();
    const { proxy } = stores();
    await proxy.open(credential, use());
    now += 59;
    door.calls.length = 0;
    await proxy.open(credential, use());
    expect(operations()).toEqual(['Query']);
    expect(await lastActiveAt(credential)).toBe(start);
    now += 1;
    await Promise.all([proxy.open(credential, use()), opened(credential), opened(credential)]);
    expect(await lastActiveAt(credential)).toBe(now);
    door.calls.length = 0;
    for (let call = 0; call < 20; call += 1) await proxy.open(credential, use());
    expect(operations()).toEqual(Array.from({ length: 20 }, () => 'Query'));
    expect(await itemOf(credential, 'core')).toMatchObject({
      idleAt: { N: String(now + 900) },
      callsSince: { N: String(now) },
      calls: { N: '1' },
    });
  });

  test('moves the idle clock on in the moment that another instance begins a count', async () => {
    const credential = await signedIn();
    now += 60;
    const [beginning, active] = [stores(limits, 1), stores()];
    let begun = false;
    door.judge = async ({ operation }) => {
      if (operation === 'UpdateItem' && !begun) {
        begun = true;
        await beginning.proxy.open(credential, use({ activity: false }));
      }
      return 'pass' as const;
    };
    expect((await active.proxy.open(credential, use())).status).toBe('active');
    expect(begun).toBe(true);
    expect(await lastActiveAt(credential)).toBe(now);
  });

  test('in the background does not keep anybody signed in, nor keep a later call from doing so', async () => {
    const credential = await signedIn();
    now += 70;
    await opened(credential, { activity: false });
    expect(await lastActiveAt(credential)).toBe(start);
    now += 5;
    await opened(credential);
    expect(await lastActiveAt(credential)).toBe(now);
    now += 890;
    await opened(credential, { activity: false });
    now += 10;
    expect(await stores().proxy.open(credential, use({ activity: false }))).toEqual({
      status: 'ended',
      reason: 'idle',
    });
  });

  test('stays alive by calls beyond its idle limit, and not beyond its absolute one', async () => {
    const credential = await signedIn();
    for (; now < start + limits.absoluteSeconds; now += 800) await opened(credential);
    expect(await stores().proxy.open(credential, use())).toEqual({ status: 'ended', reason: 'absolute' });
  });

  test('has a window of a fifteenth of a short idle limit', async () => {
    const short = { idleSeconds: 30, absoluteSeconds: 43_200 };
    const credential = await signedIn(short);
    now += 1;
    await stores(short).proxy.open(credential, use());
    expect(await lastActiveAt(credential)).toBe(start);
    now += 1;
    await stores(short).proxy.open(credential, use());
    expect(await lastActiveAt(credential)).toBe(now);
  });

  test('has so many calls in a window, is told when the next begins, and what it is refused is no activity', async () => {
    const credential = await signedIn();
    const { proxy } = stores(limits, 3);
    const statuses = [];
    for (let call = 0; call < 5; call += 1) statuses.push((await proxy.open(credential, use())).status);
    expect(statuses).toEqual(['active', 'active', 'active', 'rate_limited', 'rate_limited']);
    await stores().session.extend(credential, undefined);
    now += 20;
    expect(await proxy.open(credential, use())).toEqual({ status: 'rate_limited', retryAfterSeconds: 40 });
    expect(await lastActiveAt(credential)).toBe(start);
    now += 40;
    expect((await proxy.open(credential, use())).status).toBe('active');
  });

  test('of an older release has its calls counted from the first one on', async () => {
    const credential = await signedIn();
    const core = { ...(await itemOf(credential, 'core')) };
    delete core['callsSince'];
    await client.send(new PutItemCommand({ TableName: tableName, Item: core }));
    const { proxy } = stores(limits, 10);
    await proxy.open(credential, use());
    await proxy.open(credential, use());
    expect(await itemOf(credential, 'core')).toMatchObject({
      calls: { N: '2' },
      callsSince: { N: String(now) },
    });
  });

  test('in the background has so many calls in a window, too, and begins one without the idle clock', async () => {
    const credential = await signedIn();
    now += 70;
    const { proxy } = stores(limits, 3);
    const statuses = [];
    for (let call = 0; call < 5; call += 1) {
      statuses.push((await proxy.open(credential, use({ activity: false }))).status);
    }
    expect(statuses).toEqual(['active', 'active', 'active', 'rate_limited', 'rate_limited']);
    expect(await lastActiveAt(credential)).toBe(start);
    now += 60;
    expect((await proxy.open(credential, use({ activity: false }))).status).toBe('active');
  });

  test('makes all its calls on one instance, and on several no more than a fifth of them beyond for each', async () => {
    const callsIn = async (instances: number): Promise<number> => {
      const credential = await signedIn();
      now += 70;
      const proxies = Array.from({ length: instances }, () => stores(limits, 50).proxy);
      let calls = 0;
      for (let open = proxies; open.length > 0;) {
        const left = [];
        for (const proxy of open) {
          if ((await proxy.open(credential, use())).status !== 'active') continue;
          calls += 1;
          left.push(proxy);
        }
        open = left;
      }
      return calls;
    };
    expect(await callsIn(1)).toBe(50);
    expect(await callsIn(4)).toBeLessThanOrEqual(50 + 4 * 10);
    expect(await callsIn(12)).toBeLessThanOrEqual(50 + 12 * 10);
  });

  test('counts the calls that an instance could not write together with its next ones', async () => {
    const credential = await signedIn();
    const { proxy } = stores(limits, 10);
    await proxy.open(credential, use());
    door.judge = ({ operation }) => (operation === 'UpdateItem' ? 'fail' : 'pass');
    await expect(proxy.open(credential, use())).rejects.toThrow(StoreUnavailable);
    door.judge = () => 'pass';
    await proxy.open(credential, use());
    expect(await itemOf(credential, 'core')).toMatchObject({ calls: { N: '3' } });
  });

  test('under another handle than it has is another session, and nothing is counted', async () => {
    const credential = await signedIn();
    const { handle } = await opened(credential);
    const before = await itemOf(credential, 'core');
    now += 70;
    expect(await stores().proxy.open(credential, use({ handle: 'another' }))).toEqual({
      status: 'other_session',
    });
    expect(await itemOf(credential, 'core')).toEqual(before);
    expect((await stores().proxy.open(credential, use({ handle }))).status).toBe('active');
  });

  test.each(['selector', 'secret'] as const)(
    'by a cookie with another %s opens nothing and writes nothing',
    async (part) => {
      const credential = await signedIn();
      const before = await itemOf(credential, 'core');
      const bytes = Buffer.from(credential.cookie.expose(), 'base64url');
      const place = part === 'selector' ? 3 : 40;
      bytes[place] = (bytes[place] ?? 0) ^ 1;
      const forged = parseCredential(bytes.toString('base64url'))!;
      expect(await stores().proxy.open(forged, use({ audience: 'cis2', profile: true }))).toEqual({
        status: 'unknown',
      });
      expect(await itemOf(credential, 'core')).toEqual(before);
      expect(await itemOf(forged, 'core')).toEqual(part === 'selector' ? undefined : before);
    },
  );

  test('that has ended says why, and stays ended whatever a clock says', async () => {
    const credential = await signedIn();
    await stores().session.end(credential, 'signed_out', undefined);
    const before = await itemOf(credential, 'core');
    expect(await stores().proxy.open(credential, use())).toEqual({ status: 'ended', reason: 'signed_out' });
    expect(await itemOf(credential, 'core')).toEqual(before);

    const other = await signedIn();
    now += 900;
    expect(await stores().proxy.open(other, use())).toEqual({ status: 'ended', reason: 'idle' });
    now -= 900;
    expect(await stores().proxy.open(other, use())).toEqual({ status: 'ended', reason: 'idle' });
  });

  test('by the cookie of an earlier role is replaced', async () => {
    const credential = await signedIn();
    await stores().session.changeRole(credential, '900000000702', undefined, () => true);
    expect(await stores().proxy.open(credential, use())).toEqual({ status: 'ended', reason: 'replaced' });
  });

  test.each([
    ['core', 'wrappedKey', 'content'],
    ['core', 'role', 'content'],
    ['profile', 'sealed', 'content'],
    ['core', 'format', 'core'],
  ] as const)('with another %s %s is unreadable', async (sk, name, unreadable) => {
    const credential = await signedIn();
    await set(credential, sk, name, name === 'format' ? { N: '7' } : { B: Buffer.alloc(60) });
    expect(await stores().proxy.open(credential, use({ profile: true }))).toEqual({
      status: 'unknown',
      unreadable,
    });
  });

  test('is not opened while the store does not respond', async () => {
    const credential = await signedIn();
    door.judge = ({ operation }) => (operation === 'Query' ? 'fail' : 'pass');
    await expect(stores().proxy.open(credential, use())).rejects.toThrow(StoreUnavailable);
    now += 60;
    door.judge = ({ operation }) => (operation === 'UpdateItem' ? 'fail' : 'pass');
    await expect(stores().proxy.open(credential, use())).rejects.toThrow(StoreUnavailable);
  });
});

describe('what an instance remembers of the calls', () => {
  test('is of the sessions that it met last, and begins anew when a window is over', () => {
    const counts = new CallCounts();
    const at = start as EpochSeconds;
    const until = (start + 60) as EpochSeconds;
    const unwritten = (key: string, now = at): number => counts.of(key, now, until).unwritten;
    for (let session = 0; session < 1_000; session += 1) counts.of(String(session), at, until).unwritten = 7;
    expect([unwritten('0'), unwritten('1')]).toEqual([7, 7]);
    expect(unwritten('one more')).toBe(0);
    expect(unwritten('0')).toBe(7);
    expect(unwritten('2')).toBe(0);
    expect(unwritten('0', until)).toBe(0);
  });
});

describe('what CIS2 issued at the sign-in', () => {
  test('comes back whole, asked for or not when the session was opened', async () => {
    const credential = await signedIn();
    for (const audience of ['cis2', 'api-platform', undefined] as const) {
      const tokens = await (await opened(credential, { audience })).tokens.signIn();
      expect(tokens?.idToken.expose()).toBe('the-id-token');
      expect(tokens?.accessToken.expose()).toBe('the-access-token-of-cis2');
      expect(tokens).toMatchObject({ idTokenExpiresAt: start + 3_600, accessTokenExpiresAt: start + 3_600 });
    }
  });

  test('is kept through a change of role', async () => {
    const credential = await signedIn();
    const changed = await stores().session.changeRole(credential, '900000000702', undefined, () => true);
    if (changed.status !== 'changed') throw new Error('not changed');
    const session = await opened(changed.credential);
    expect(session.roleId).toBe('900000000702');
    expect((await session.tokens.signIn())?.idToken.expose()).toBe('the-id-token');
  });

  test('is nothing for a session of an older release, and for one whose item is another’s', async () => {
    const [credential, other] = [await signedIn(), await signedIn()];
    const theirs = await itemOf(other, 'token#cis2');
    await client.send(
      new PutItemCommand({
        TableName: tableName,
        Item: { ...theirs, pk: { S: `session#${credential.key}` } },
      }),
    );
    expect(await (await opened(credential)).tokens.signIn()).toBeUndefined();
    await set(credential, 'token#cis2', 'sealed', { S: 'none' });
    expect(await (await opened(credential)).tokens.signIn()).toBeUndefined();
  });
});

describe('the tokens for the API platform', () => {
  const audience = 'api-platform';
  /** Takes the lease, where it is free. */
  const leaseIn = async ({ tokens }: ProxySession) => tokens.lease(audience, await tokens.read(audience));
  const leased = async (session: ProxySession) => {
    const lease = await leaseIn(session);
    if (lease === undefined) throw new Error('no lease');
    return lease;
  };

  test('are none at first, and what is stored under a lease is there for every later call', async () => {
    const credential = await signedIn();
    const session = await opened(credential, { audience });
    expect(session.tokens.seen(audience)).toMatchObject({ generation: 0, tokens: undefined, backOffMs: 0 });
    const generation = await (await leased(session)).store(issued('one'));
    const again = (await opened(credential, { audience })).tokens.seen(audience);
    expect(again).toMatchObject({ generation, backOffMs: 0 });
    expect(named(again.tokens)).toBe('access one');
    expect(again.tokens?.refreshToken?.expose()).toBe('refresh one');
    expect(again.tokens).toMatchObject({ expiresAt: now + 599, refreshTokenExpiresAt: now + 43_199 });
    expect(await (await leased(session)).store(issued('two'))).toBeGreaterThan(Number(generation));
    expect(named((await session.tokens.read(audience)).tokens)).toBe('access two');
  });

  test('may be changed by one at a time, by the next when it is done or its lease is over', async () => {
    const credential = await signedIn();
    const [one, two] = [await opened(credential), await opened(credential)];
    const first = await leased(one);
    expect(await leaseIn(two)).toBeUndefined();
    await first.release();
    const second = await leased(two);
    nowMs += leaseMs - 1;
    expect(await leaseIn(one)).toBeUndefined();
    nowMs += 1;
    const third = await leased(one);
    // Whose lease has passed to another takes nothing from it.
    await second.release();
    expect(await leaseIn(two)).toBeUndefined();
    expect(await third.store(issued('third'))).toBe(3);
    expect(await second.store(issued('late'))).toBe(false);
    expect(await second.store(undefined)).toBe(false);
    expect(named((await one.tokens.read(audience)).tokens)).toBe('access third');
  });

  test('are leased by those only who know them as they are, at most by one of several', async () => {
    const session = await opened(await signedIn());
    const none = await session.tokens.read(audience);
    await (await leased(session)).store(issued('one'));
    expect(await session.tokens.lease(audience, none)).toBeUndefined();
    const one = await session.tokens.read(audience);
    expect(await session.tokens.lease(audience, { ...one, generation: 7 })).toBeUndefined();
    const leases = await Promise.all([1, 2, 3].map(() => session.tokens.lease(audience, one)));
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  test('of a holder that was overtaken are there until those of a later one, which keeps its lease', async () => {
    const session = await opened(await signedIn());
    const slow = await leased(session);
    nowMs += leaseMs;
    const later = await leased(session);
    expect(await slow.store(issued('slow'))).toBe(1);
    expect(named((await session.tokens.read(audience)).tokens)).toBe('access slow');
    expect(await leaseIn(session)).toBeUndefined();
    expect(await later.store(issued('later'))).toBe(2);
    expect(named((await session.tokens.read(audience)).tokens)).toBe('access later');
  });

  test('that were dropped come back to nobody', async () => {
    const session = await opened(await signedIn());
    await (await leased(session)).store(issued('one'));
    expect(await (await leased(session)).store(undefined)).toBe(2);
    expect(await session.tokens.read(audience)).toMatchObject({ generation: 2, tokens: undefined });
    expect(await leaseIn(session)).toBeDefined();
  });

  test('are left alone for a while when the holder says so, and nobody has the lease then', async () => {
    const session = await opened(await signedIn());
    await (await leased(session)).release(2_000);
    expect((await session.tokens.read(audience)).backOffMs).toBe(2_000);
    expect(await leaseIn(session)).toBeUndefined();
    nowMs += 2_000;
    expect((await session.tokens.read(audience)).backOffMs).toBe(0);
    expect(await leaseIn(session)).toBeDefined();
  });

  test('of an earlier release, whose lease was not beside them, are read, leased and replaced', async () => {
    const credential = await signedIn();
    const session = await opened(credential);
    await (await leased(session)).store(issued('one'));
    const { pk, sk, generation, sealed, format, ttl } = (await itemOf(credential, `token#${audience}`)) ?? {};
    const older = { pk, sk, generation, sealed, format, ttl } as Item;
    await client.send(new PutItemCommand({ TableName: tableName, Item: older }));
    await set(credential, 'core', `${audience}#generation`, { N: '1' });
    expect(named((await session.tokens.read(audience)).tokens)).toBe('access one');
    expect(await (await leased(session)).store(issued('two'))).toBe(2);
    expect(named((await session.tokens.read(audience)).tokens)).toBe('access two');
  });

  test('are not leased while somebody works, which is no back-off', async () => {
    const session = await opened(await signedIn());
    await leased(session);
    expect((await session.tokens.read(audience)).backOffMs).toBe(0);
  });

  test.each([
    ['that was altered', { sealed: { B: Buffer.alloc(80) } }],
    ['of an earlier generation under a later number', { generation: { N: '2' } }],
  ] as const)('in an item %s are none', async (_, change) => {
    const credential = await signedIn();
    const session = await opened(credential);
    await (await leased(session)).store(issued('one'));
    const old = await itemOf(credential, `token#${audience}`);
    await (await leased(session)).store(issued('two'));
    await client.send(new PutItemCommand({ TableName: tableName, Item: { ...old, ...change } }));
    expect((await session.tokens.read(audience)).tokens).toBeUndefined();
  });

  test('of another session, moved into this one, are none', async () => {
    const [mine, theirs] = [await signedIn(), await signedIn()];
    for (const [credential, name] of [
      [mine, 'mine'],
      [theirs, 'theirs'],
    ] as const) {
      await (await leased(await opened(credential))).store(issued(name));
    }
    const item = await itemOf(theirs, `token#${audience}`);
    await client.send(
      new PutItemCommand({ TableName: tableName, Item: { ...item, pk: { S: `session#${mine.key}` } } }),
    );
    expect((await (await opened(mine)).tokens.read(audience)).tokens).toBeUndefined();
  });

  test('are never written for a session that has ended, and cannot be read for it [ASVS-7.4.1]', async () => {
    const credential = await signedIn();
    const session = await opened(credential);
    const lease = await leased(session);
    const before = await itemOf(credential, `token#${audience}`);
    await stores().session.end(credential, 'signed_out', undefined);
    expect(await lease.store(issued('late'))).toBe(false);
    expect(await lease.store(undefined)).toBe(false);
    expect(await itemOf(credential, `token#${audience}`)).toEqual(before);
    expect(await session.tokens.lease(audience, session.tokens.seen(audience))).toBeUndefined();
    await expect(session.tokens.read(audience)).rejects.toThrow(SessionGone);
    await expect(session.tokens.read(audience)).rejects.toMatchObject({
      state: { status: 'ended', reason: 'signed_out' },
    });
    expect(await itemOf(credential, 'core')).not.toHaveProperty('wrappedKey');
  });

  test('are kept through a change of role, whoever holds the lease', async () => {
    const credential = await signedIn();
    const session = await opened(credential);
    await (await leased(session)).store(issued('one'));
    const lease = await leased(session);
    const changed = await stores().session.changeRole(credential, '900000000702', undefined, () => true);
    if (changed.status !== 'changed') throw new Error('not changed');
    const after = await opened(changed.credential, { audience });
    expect(named(after.tokens.seen(audience).tokens)).toBe('access one');
    expect(await lease.store(issued('two'))).toBe(2);
    expect(named((await after.tokens.read(audience)).tokens)).toBe('access two');
  });

  test('survive a call to the store that is sent again because its response was lost', async () => {
    const credential = await signedIn();
    const retrying = new DynamoDBClient({ ...localAws(door.url), maxAttempts: 2 });
    const proxy = createProxyStore({
      ...{ client: retrying, tableName, limits, callsPerWindow: 600 },
      clock: () => now as EpochSeconds,
      preciseClock: () => nowMs as EpochMilliseconds,
    });
    const state = await proxy.open(credential, use());
    if (state.status !== 'active') throw new Error('not active');
    const lost = new Set<string>();
    door.judge = ({ operation, body }) => {
      const name = JSON.stringify(body['TransactItems']);
      if (operation !== 'TransactWriteItems' || lost.has(name)) return 'pass';
      lost.add(name);
      return 'lost';
    };
    const lease = await state.session.tokens.lease(audience, state.session.tokens.seen(audience));
    const generation = await lease?.store(issued('one'));
    expect(lost.size).toBe(2);
    const view = await state.session.tokens.read(audience);
    expect(view.generation).toBe(generation);
    expect(named(view.tokens)).toBe('access one');
    retrying.destroy();
  });

  test('are written, and so is the end of their session, though DynamoDB refuses a call for a transaction under way', async () => {
    const credential = await signedIn();
    const session = await opened(credential);
    const error = (name: string, reasons?: readonly string[]) => ({
      status: 400,
      body: JSON.stringify({
        __type: `com.amazonaws.dynamodb.v20120810#${name}`,
        message: 'a transaction is under way',
        ...(reasons && { CancellationReasons: reasons.map((Code) => ({ Code })) }),
      }),
    });
    /** Whether this is one of the first two calls of its kind. */
    const isEarly = (operation: string) =>
      door.calls.filter((call) => call.operation === operation).length <= 2;
    door.judge = ({ operation }) => {
      if (operation === 'TransactWriteItems' && isEarly(operation)) {
        return error('TransactionCanceledException', ['TransactionConflict', 'None']);
      }
      return operation === 'UpdateItem' && isEarly(operation)
        ? error('TransactionConflictException')
        : 'pass';
    };
    expect(await (await leased(session)).store(issued('one'))).toBe(1);
    expect(await stores().session.end(credential, 'signed_out', undefined)).toMatchObject({
      person: expect.any(String),
    });
    door.judge = ({ operation }) =>
      operation === 'UpdateItem' ? error('TransactionConflictException') : 'pass';
    await expect(stores().session.extend(credential, undefined)).rejects.toThrow(StoreUnavailable);
  });

  test('leave core small enough to be written as one unit', async () => {
    const credential = await signedIn();
    let current = credential;
    for (let change = 0; change < 6; change += 1) {
      const roleId = change % 2 === 0 ? '900000000702' : '900000000701';
      const changed = await stores().session.changeRole(current, roleId, undefined, () => true);
      if (changed.status === 'changed') current = changed.credential;
    }
    const session = await opened(current);
    await (await leased(session)).store(issued('one'));
    await leased(session);
    const core = (await itemOf(current, 'core')) ?? {};
    const sizeOf = (value: AttributeValue): number => {
      if (value.S !== undefined) return value.S.length;
      if (value.B !== undefined) return value.B.length;
      if (value.L !== undefined) return value.L.reduce((sum, inner) => sum + 1 + sizeOf(inner), 3);
      return Math.ceil((value.N?.length ?? 0) / 2) + 1;
    };
    const size = Object.entries(core).reduce((sum, [name, value]) => sum + name.length + sizeOf(value), 0);
    expect(core['formerSecrets']?.L).toHaveLength(5);
    expect(size).toBeLessThanOrEqual(1_024);
  });
});
