import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import type { EpochSeconds, EpochMilliseconds } from '../../lambdas/common/index.ts';
import {
  createSessionStore,
  createSignInStore,
  parseCredential,
  replacementOf,
  StoreUnavailable,
  type EndReason,
  type NewSession,
  type SessionCredential,
  type SessionLimits,
  type SessionStore,
  type SignInStore,
} from '../../lambdas/session/index.ts';
import { format } from '../../lambdas/session/items.ts';
import { createTables } from '../../local/aws/dynamodb.ts';
import { localAws } from '../support/aws-client.ts';
import { AwsProxy, type AwsCall } from '../support/aws.ts';
import {
  hashOf,
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

type Stores = SignInStore & SessionStore;

let door: AwsProxy;
let client: DynamoDBClient;
let now = start;
let store: Stores;
let people = 0;
let user: readonly string[];

const storeWith = (through: DynamoDBClient, to: SessionLimits = limits): Stores => {
  const options = { ...identified, client: through, tableName, limits: to, clock: () => now as EpochSeconds };
  return { ...createSignInStore(options), ...createSessionStore(options) };
};

beforeAll(async () => {
  door = await AwsProxy.dynamoDb();
  await createTables(door.url, 'eu-west-2', [sessionTable]);
  client = new DynamoDBClient({ ...localAws(door.url), maxAttempts: 1 });
  store = storeWith(client);
});
beforeEach(() => {
  door.reset();
  now = start;
  people += 1;
  user = ['https://am.example.nhs.uk:443/realm', `9000000${String(people).padStart(5, '0')}`];
});
afterAll(async () => {
  client.destroy();
  await door.close();
});

const sessionOf = (changes: Partial<NewSession> = {}): NewSession =>
  newSession(now, { user, providerSession: [user[0]!, `sid-${String(people)}`], ...changes });
/** A deadline that does not come. */
const inTime = (): AbortSignal => new AbortController().signal;
const create = (changes: Partial<NewSession> = {}, through = store): Promise<SessionCredential> =>
  signIn(through, sessionOf(changes));
const statusOf = async (credential: SessionCredential): Promise<string> => {
  const state = await store.read(credential);
  return state.status === 'ended' ? state.reason : state.status;
};

const everything = async (): Promise<Item[]> => {
  const { Items } = await client.send(new ScanCommand({ TableName: tableName, ConsistentRead: true }));
  return Items ?? [];
};
const itemAt = async (pk: string, sk: string): Promise<Item | undefined> =>
  (
    await client.send(
      new GetItemCommand({
        TableName: tableName,
        Key: { pk: { S: pk }, sk: { S: sk } },
        ConsistentRead: true,
      }),
    )
  ).Item;
const coreOf = (credential: SessionCredential) => itemAt(`session#${credential.key}`, 'core');
const userIndex = () => itemAt(`user#${hashOf('user', user)}`, 'sessions');
const providerIndex = () =>
  itemAt(`provider-session#${hashOf('provider-session', [user[0]!, `sid-${String(people)}`])}`, 'sessions');
const listed = (index: Item | undefined): string[] =>
  Object.keys(index ?? {}).flatMap((name) => (name.startsWith('s#') ? [name.slice(2)] : []));

/** What a logout by CIS2 leaves on an index. */
const markEnded = (pk: string, at: number, mark = 'endedAt') =>
  client.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: { pk: { S: pk }, sk: { S: 'sessions' } },
      UpdateExpression: 'SET #mark = :at',
      ExpressionAttributeNames: { '#mark': mark },
      ExpressionAttributeValues: { ':at': { N: String(at) } },
    }),
  );
const setAttribute = (key: string, sk: string, name: string, value: AttributeValue) =>
  client.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: { pk: { S: `session#${key}` }, sk: { S: sk } },
      UpdateExpression: 'SET #name = :value',
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':value': value },
    }),
  );

describe('a session', () => {
  test('is read as it was written, in its role, with its limits', async () => {
    const credential = await create();
    const state = await store.read(credential);
    expect(state).toEqual({
      status: 'active',
      session: {
        person: expect.any(String),
        signedInAt: start,
        lastActiveAt: start,
        handle: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
        worker,
        role: worker.roles[0],
        expiry: {
          at: start + 900,
          idleAt: start + 900,
          absoluteAt: start + 43_200,
          bindingLimit: 'idle',
          warnAt: start + 780,
        },
      },
    });
  });

  test.each([null, '900000000799'])('with the role %j has no role', async (roleId) => {
    const state = await store.read(await create({ roleId }));
    expect(state).toMatchObject({ status: 'active', session: { role: null } });
  });

  test('is unknown with another secret, and nothing can be done to it with one', async () => {
    const credential = await create();
    const bytes = Buffer.from(credential.cookie.expose(), 'base64url');
    bytes[63] = (bytes[63] ?? 0) ^ 1;
    const other = parseCredential(bytes.toString('base64url'))!;
    expect(other.key).toBe(credential.key);
    expect(await store.read(other)).toEqual({ status: 'unknown' });
    expect(await store.extend(other, undefined)).toEqual({ status: 'unknown' });
    expect(await store.end(other, 'signed_out', undefined)).toBe(false);
    expect(await statusOf(credential)).toBe('active');
    now += 10;
    await store.extend(other, undefined);
    expect((await coreOf(credential))?.['lastActiveAt']?.N).toBe(String(start));
  });

  test('stays unknown to another secret after it has ended', async () => {
    const credential = await create();
    await store.end(credential, 'signed_out', undefined);
    const bytes = Buffer.from(credential.cookie.expose(), 'base64url').fill(1, 32);
    expect(await store.read(parseCredential(bytes.toString('base64url'))!)).toEqual({ status: 'unknown' });
  });

  test('that never was is unknown', async () => {
    const never = parseCredential('A'.repeat(86))!;
    expect(await store.read(never)).toEqual({ status: 'unknown' });
    expect(await store.extend(never, undefined)).toEqual({ status: 'unknown' });
    expect(await store.end(never, 'signed_out', undefined)).toBe(false);
    expect(await itemAt(`session#${never.key}`, 'core')).toBeUndefined();
  });

  test('is three items a session, and reading it is one call', async () => {
    const credential = await create();
    const mine = (await everything()).filter((item) => item['pk']?.S === `session#${credential.key}`);
    expect(mine.map((item) => item['sk']?.S).sort()).toEqual(['core', 'profile', 'token#cis2']);
    door.calls.length = 0;
    await store.read(credential);
    expect(door.calls.map(({ operation }) => operation)).toEqual(['Query']);
    expect(door.calls[0]?.body['ConsistentRead']).toBe(true);
  });
});

describe('a session’s limits', () => {
  test('end it by idleness at the very second, and not one before [CIS2-SES-005, ASVS-7.3.1]', async () => {
    const credential = await create();
    now = start + 899;
    expect(await statusOf(credential)).toBe('active');
    now = start + 900;
    expect(await statusOf(credential)).toBe('idle');
    expect(await store.extend(credential, undefined)).toEqual({ status: 'ended', reason: 'idle' });
    expect(await store.end(credential, 'signed_out', undefined)).toBe(false);
    expect(await statusOf(credential)).toBe('idle');
  });

  test('count from the last extension', async () => {
    const credential = await create();
    now = start + 899;
    const extended = await store.extend(credential, undefined);
    expect(extended).toMatchObject({
      status: 'active',
      session: { lastActiveAt: start + 899, signedInAt: start, worker, role: worker.roles[0] },
    });
    now = start + 899 + 899;
    expect(await statusOf(credential)).toBe('active');
    now = start + 899 + 900;
    expect(await statusOf(credential)).toBe('idle');
  });

  test('are not moved by reading [ASVS-7.3.1]', async () => {
    const credential = await create();
    now = start + 800;
    await store.read(credential);
    now = start + 900;
    expect(await statusOf(credential)).toBe('idle');
  });

  test('end it by its age at the very second, however active the user is [CIS2-SES-007, ASVS-7.3.2]', async () => {
    const credential = await create();
    for (let at = 800; at < 43_200; at += 800) {
      now = start + at;
      expect((await store.extend(credential, undefined)).status).toBe('active');
    }
    now = start + 43_199;
    expect((await store.extend(credential, undefined)).status).toBe('active');
    now = start + 43_200;
    expect(await statusOf(credential)).toBe('absolute');
    expect(await store.extend(credential, undefined)).toEqual({ status: 'ended', reason: 'absolute' });
  });

  test('hold for a session whose clock was set by an earlier release or a longer setting', async () => {
    const credential = await create();
    const shorter = storeWith(client, { idleSeconds: 60, absoluteSeconds: 100 });
    now = start + 60;
    expect(await shorter.read(credential)).toEqual({ status: 'ended', reason: 'idle' });
    expect(await shorter.extend(credential, undefined)).toEqual({ status: 'ended', reason: 'idle' });
  });
});

describe('a session that has ended', () => {
  test.each(['signed_out', 'provider_logout', 'replaced', 'revoked'] as const)(
    'remembers why: %s',
    async (reason: EndReason) => {
      const credential = await create();
      expect(await store.end(credential, reason, undefined)).toEqual({ person: expect.any(String) });
      expect(await store.read(credential)).toEqual({ status: 'ended', reason });
      now = start + 43_200 + 3_599;
      expect(await store.read(credential)).toEqual({ status: 'ended', reason });
    },
  );

  test('stays ended, for the first reason, in whatever order it is extended and ended after [ASVS-7.4.1]', async () => {
    const step = fc.constantFrom('extend', 'read', 'signed_out', 'replaced', 'revoked', 'provider_logout');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<EndReason>('signed_out', 'replaced', 'revoked', 'provider_logout'),
        fc.array(step, { maxLength: 6 }),
        async (reason, steps) => {
          const credential = await create();
          await store.end(credential, reason, undefined);
          for (const next of steps) {
            if (next === 'extend') {
              expect(await store.extend(credential, undefined)).toEqual({ status: 'ended', reason });
            } else if (next === 'read') {
              expect(await store.read(credential)).toEqual({ status: 'ended', reason });
            } else expect(await store.end(credential, next, undefined)).toBe(false);
          }
          expect(await store.read(credential)).toEqual({ status: 'ended', reason });
          expect((await coreOf(credential))?.['lastActiveAt']?.N).toBe(String(start));
        },
      ),
      { numRuns: 15 },
    );
  });

  test('keeps nothing that could be opened', async () => {
    const credential = await create();
    await store.end(credential, 'signed_out', undefined);
    const core = await coreOf(credential);
    expect(core?.['wrappedKey']).toBeUndefined();
    expect(core?.['role']).toBeUndefined();
    expect(await itemAt(`session#${credential.key}`, 'profile')).toBeUndefined();
    // And what an earlier reader of the table puts back is not taken.
    await setAttribute(credential.key, 'core', 'wrappedKey', { B: Buffer.alloc(60) });
    expect(await statusOf(credential)).toBe('signed_out');
  });

  test('is ended only for the tab that means it', async () => {
    const credential = await create();
    expect(await store.end(credential, 'signed_out', 'another-handle')).toBe(false);
    expect(await statusOf(credential)).toBe('active');
    const state = await store.read(credential);
    const handle = state.status === 'active' ? state.session.handle : '';
    now = start + 10;
    expect(await store.extend(credential, 'another-handle')).toMatchObject({
      status: 'active',
      session: { handle, lastActiveAt: start },
    });
    expect(await store.extend(credential, handle)).toMatchObject({ session: { lastActiveAt: start + 10 } });
    expect(await store.end(credential, 'signed_out', handle)).toEqual({ person: expect.any(String) });
  });

  test('is ended once: of many at the same time, one says that it did', async () => {
    const credential = await create();
    const ends = await Promise.all(
      Array.from({ length: 10 }, () => store.end(credential, 'signed_out', undefined)),
    );
    expect(ends.filter(Boolean)).toHaveLength(1);
  });

  test('is over even when nothing could be cleared away after it', async () => {
    const credential = await create();
    door.judge = (call) =>
      call.operation === 'DeleteItem' || call.items.some((item) => !item.startsWith('session#'))
        ? 'fail'
        : 'pass';
    expect(await store.end(credential, 'signed_out', undefined)).toEqual({ person: expect.any(String) });
    door.reset();
    expect(await statusOf(credential)).toBe('signed_out');
  });
});

describe('the indexes', () => {
  test('list a session for its user and its CIS2 session, and forget it when it ends', async () => {
    const one = await create();
    const two = await create();
    expect(listed(await userIndex()).sort()).toEqual([one.key, two.key].sort());
    expect(listed(await providerIndex()).sort()).toEqual([one.key, two.key].sort());
    await store.end(one, 'signed_out', undefined);
    expect(listed(await userIndex())).toEqual([two.key]);
    expect(listed(await providerIndex())).toEqual([two.key]);
    expect(await statusOf(two)).toBe('active');
  });

  test('say whether CIS2 named its session, and hold no list where it did not', async () => {
    const { key } = await create({ providerSession: undefined });
    expect(await providerIndex()).toBeUndefined();
    expect((await userIndex())?.[`s#${key}`]?.M).toMatchObject({
      until: { N: String(start + 43_200 + 3_600) },
      begunAt: { N: String(start) },
      providerSession: { BOOL: false },
    });
  });

  test('keep the users of two issuers and the parts of a name apart [ASVS-6.8.1, ASVS-10.5.2]', () => {
    expect(hashOf('user', ['a', 'bc'])).not.toBe(hashOf('user', ['ab', 'c']));
    expect(hashOf('user', ['a', ''])).not.toBe(hashOf('user', ['', 'a']));
    expect(hashOf('user', ['1:a'])).not.toBe(hashOf('user', ['', '1:a']));
    expect(hashOf('user', ['a', 'b'])).not.toBe(hashOf('provider-session', ['a', 'b']));
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (one, other) => {
        const alike = JSON.stringify(one) === JSON.stringify(other);
        expect(hashOf('user', one) === hashOf('user', other)).toBe(alike);
      }),
    );
  });

  const markOf = {
    user: () => `user#${hashOf('user', user)}`,
    'provider-session': () =>
      `provider-session#${hashOf('provider-session', [user[0]!, `sid-${String(people)}`])}`,
  };

  const refusedAfter = async (which: keyof typeof markOf, at: number, changes: Partial<NewSession> = {}) => {
    const before = await create(changes);
    now += 5;
    await markEnded(markOf[which](), at);
    const result = await store.create(
      sessionOf({ ...changes, begunAt: now as EpochMilliseconds, replaces: replacementOf(before) }),
      inTime(),
    );
    expect(result).toBe('provider_logout');
    const cores = (await everything()).filter(
      (item) => item['sk']?.S === 'core' && item['userHash']?.S === hashOf('user', user),
    );
    const others = cores.filter((core) => core['pk']?.S !== `session#${before.key}`);
    expect(others.map((core) => [core['state']?.S, core['reason']?.S])).toEqual([
      ['ended', 'provider_logout'],
    ]);
    expect(others[0]?.['wrappedKey']).toBeUndefined();
    expect(listed(await userIndex())).toEqual([before.key]);
    // The sign-in that failed leaves the session before it alone.
    expect(await statusOf(before)).toBe('active');
  };

  test.each([0, 1, 300])(
    'with a user’s end mark %d s after the sign-in began: nothing lives',
    async (later) => {
      await refusedAfter('user', start + 5 + later);
    },
  );

  test('with a user’s end mark from before the sign-in began: the session lives', async () => {
    await markEnded(markOf.user(), now - 1);
    expect(await statusOf(await create())).toBe('active');
  });

  test.each([-100_000, 0, 300])(
    'with an end mark on the CIS2 session, %d s from the sign-in, nothing lives: it never comes back',
    async (later) => {
      await refusedAfter('provider-session', start + 5 + later);
    },
  );

  test('a mark for sign-ins without a CIS2 session ends those and no others', async () => {
    const mark = () => markEnded(markOf.user(), now, 'endedWithoutSidAt');
    await mark();
    expect(await store.create(sessionOf({ providerSession: undefined }), inTime())).toBe('provider_logout');
    expect(await statusOf(await create())).toBe('active');
  });

  test('with an end mark for another user change nothing', async () => {
    await markEnded(`user#${hashOf('user', [user[0]!, 'somebody else'])}`, now + 300);
    expect(await statusOf(await create())).toBe('active');
  });
});

describe('the sessions of one user', () => {
  test('beyond the allowed number end as replaced, the oldest first [ASVS-7.1.2]', async () => {
    const sessions: SessionCredential[] = [];
    for (let count = 0; count < 5; count += 1) {
      now = start + count;
      sessions.push(await create({ sessionsPerUser: 3 }));
    }
    expect(await Promise.all(sessions.map(statusOf))).toEqual([
      ...['replaced', 'replaced'],
      ...['active', 'active', 'active'],
    ]);
    expect(listed(await userIndex()).sort()).toEqual(
      sessions
        .slice(2)
        .map(({ key }) => key)
        .sort(),
    );
  });

  test('that are over are forgotten and not counted', async () => {
    const idle = await create();
    now = start + 500;
    const alive = await create();
    now = start + 1_000;
    const latest = await create({ sessionsPerUser: 2 });
    expect(await statusOf(idle)).toBe('idle');
    expect(await statusOf(alive)).toBe('active');
    expect(await statusOf(latest)).toBe('active');
    expect(listed(await userIndex()).sort()).toEqual([alive.key, latest.key].sort());
  });

  test('are not read while there are fewer than the limit', async () => {
    await create();
    now = start + 43_200;
    door.calls.length = 0;
    await create();
    expect(door.calls.map(({ operation }) => operation).sort()).toEqual([
      ...['PutItem', 'PutItem', 'PutItem', 'UpdateItem', 'UpdateItem'],
    ]);
  });

  test('that time has ended are written down as ended before they are forgotten', async () => {
    const idle = await create();
    now = start + 900;
    const latest = await create({ sessionsPerUser: 1 });
    expect(await coreOf(idle)).toMatchObject({ state: { S: 'ended' }, reason: { S: 'idle' } });
    expect(listed(await userIndex())).toEqual([latest.key]);
    // An instance whose clock is behind cannot bring back what the index no longer names.
    now = start + 890;
    expect(await store.extend(idle, undefined)).toEqual({ status: 'ended', reason: 'idle' });
  });

  test('that cannot be understood count as living and are not forgotten', async () => {
    const oldest = await create();
    now += 1;
    const odd = await create();
    await setAttribute(odd.key, 'core', 'format', { N: '7' });
    now += 1;
    await create({ sessionsPerUser: 2 });
    expect(await statusOf(oldest)).toBe('replaced');
    expect(listed(await userIndex())).toContain(odd.key);
    await setAttribute(odd.key, 'core', 'format', { N: String(format) });
  });

  test('do not count the one that the new session takes the place of', async () => {
    const [one, two] = [await create(), await create()];
    now += 1;
    const latest = await create({ sessionsPerUser: 2, replaces: replacementOf(two) });
    expect(await Promise.all([one, two, latest].map(statusOf))).toEqual(['active', 'replaced', 'active']);
    expect(listed(await userIndex())).toEqual(expect.arrayContaining([one.key, latest.key]));
    // An index may name a session that is over: it is not counted for that.
    now += 1;
    const fourth = await create({ sessionsPerUser: 3 });
    expect(await Promise.all([one, latest, fourth].map(statusOf))).toEqual(['active', 'active', 'active']);
    expect(listed(await userIndex())).toEqual(
      expect.arrayContaining([one, latest, fourth].map(({ key }) => key)),
    );
  });

  test('count one that the new session names without the proof to take its place', async () => {
    const [one, other] = [await create({ sessionsPerUser: 2 }), await create({ sessionsPerUser: 2 })];
    const [, proof = ''] = replacementOf(other).split('.');
    now += 1;
    const latest = await create({ sessionsPerUser: 1, replaces: `${one.key}.${proof}` });
    expect(await Promise.all([one, other, latest].map(statusOf))).toEqual(['replaced', 'replaced', 'active']);
  });

  test('end for no sign-in that fails because the index, or the number of others, cannot be written', async () => {
    const over = await create();
    now = start + 500;
    const [one, two] = [await create(), await create()];
    now = start + 1_000;
    for (const change of ['REMOVE #s', 'SET otherSessions']) {
      door.judge = ({ body, items }) =>
        String(body['UpdateExpression']).startsWith(change) &&
        (change.startsWith('SET') || items[0]?.startsWith('user#'))
          ? 'fail'
          : 'pass';
      const failing = { sessionsPerUser: 2, reportOthers: true };
      await expect(create(failing)).rejects.toThrow(StoreUnavailable);
      door.reset();
      expect(await Promise.all([over, one, two].map(statusOf))).toEqual(['idle', 'active', 'active']);
    }
    await create({ sessionsPerUser: 2, reportOthers: true });
    expect((await Promise.all([one, two].map(statusOf))).sort()).toEqual(['active', 'replaced']);
  });

  test('end in the order in which they began, to the millisecond, whatever the order of their keys', async () => {
    for (let round = 0; round < 6; round += 1) {
      user = [user[0]!, `${user[1]!}-${String(round)}`];
      const later = await create({ begunAt: (now + 7) as EpochMilliseconds });
      const earlier = await create({ begunAt: (now + 3) as EpochMilliseconds });
      await create({ begunAt: (now + 9) as EpochMilliseconds, sessionsPerUser: 2 });
      expect(await Promise.all([earlier, later].map(statusOf))).toEqual(['replaced', 'active']);
    }
  });

  test('that began at the same moment end in the order of their keys, the same at every store', async () => {
    const same = [await create(), await create(), await create()].toSorted((one, other) =>
      one.key < other.key ? -1 : 1,
    );
    await create({ begunAt: (now + 1) as EpochMilliseconds, sessionsPerUser: 3 });
    expect(await Promise.all(same.map(statusOf))).toEqual(['replaced', 'active', 'active']);
  });

  const manyTimedOut = async (): Promise<SessionCredential[]> => {
    const timedOut: SessionCredential[] = [];
    for (let count = 0; count < 25; count += 1) timedOut.push(await create({ sessionsPerUser: 500 }));
    return timedOut;
  };
  const writes = (): number => door.calls.filter(({ operation }) => !/Get/.test(operation)).length;

  test('that timed out, however many, cost a sign-in a bounded number of writes, and go a few at a time', async () => {
    const timedOut = await manyTimedOut();
    now = start + 800;
    const living = await create({ sessionsPerUser: 500 });
    now = start + 900;
    const left: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      door.reset();
      await create();
      // Its own five, five ends, and one for the index.
      expect(writes()).toBeLessThanOrEqual(11);
      left.push(listed(await userIndex()).length);
    }
    expect(left).toEqual([22, 18, 19]);
    expect(listed(await userIndex())).toContain(living.key);
    expect(await statusOf(living)).toBe('active');
    for (const credential of timedOut) expect(await statusOf(credential)).toBe('idle');
  });

  test('whose absolute limit has long passed are forgotten without being read or written', async () => {
    await manyTimedOut();
    now = start + 43_200 + 3_599;
    const notYet = await create({ sessionsPerUser: 500 });
    expect(listed(await userIndex())).toHaveLength(26);
    now += 1;
    door.reset();
    const latest = await create();
    expect(door.calls.filter(({ operation }) => operation === 'BatchGetItem')).toEqual([]);
    expect(writes()).toBe(6);
    expect(listed(await userIndex()).sort()).toEqual([notYet.key, latest.key].sort());
  });

  test('allowed to be one are one', async () => {
    const one = await create({ sessionsPerUser: 1 });
    now += 1;
    const two = await create({ sessionsPerUser: 1 });
    expect(await Promise.all([one, two].map(statusOf))).toEqual(['replaced', 'active']);
  });

  test('more than a hundred are all looked at, and forgotten a hundred at a time', async () => {
    const entries = Array.from({ length: 130 }, (_, position) => [
      `s#${String(position).padStart(43, 'x')}`,
      { M: { begunAt: { N: String(start + position) } } },
    ]) as [string, AttributeValue][];
    await client.send(
      new PutItemCommand({
        TableName: tableName,
        Item: {
          pk: { S: `user#${hashOf('user', user)}` },
          sk: { S: 'sessions' },
          ...Object.fromEntries(entries),
        },
      }),
    );
    const alive = await create({ sessionsPerUser: 500 });
    const latest = await create({ sessionsPerUser: 2 });
    expect(await Promise.all([alive, latest].map(statusOf))).toEqual(['active', 'active']);
    expect(listed(await userIndex())).toHaveLength(32);
    const third = await create({ sessionsPerUser: 3 });
    expect(listed(await userIndex()).sort()).toEqual([alive.key, latest.key, third.key].sort());
  });
});

describe('a session that takes another’s place', () => {
  test('ends it as replaced only once it is whole itself', async () => {
    const before = await create();
    door.calls.length = 0;
    const latest = await create({ replaces: replacementOf(before) });
    expect(await statusOf(before)).toBe('replaced');
    const position = (wanted: (call: AwsCall) => boolean) => door.calls.findIndex(wanted);
    const ending = position(({ items }) => items.includes(`session#${before.key}|core`));
    for (const item of [
      `session#${latest.key}|core`,
      `session#${latest.key}|profile`,
      `user#${hashOf('user', user)}|sessions`,
    ]) {
      const written = position(({ items }) => items.includes(item));
      expect(written).toBeGreaterThanOrEqual(0);
      expect(written).toBeLessThan(ending);
    }
  });

  const failures: [string, (call: AwsCall) => boolean][] = [
    [
      'its core',
      ({ items, operation }) => operation === 'PutItem' && items.some((item) => item.endsWith('|core')),
    ],
    [
      'its profile',
      ({ items, operation }) => operation === 'PutItem' && items.some((item) => item.endsWith('|profile')),
    ],
    ['the user’s index', ({ items }) => items.some((item) => item.startsWith('user#'))],
    ['the CIS2 session’s index', ({ items }) => items.some((item) => item.startsWith('provider-session#'))],
  ];

  test.each(failures)(
    'leaves it alone when %s cannot be written, and does not live itself',
    async (_, fails) => {
      const before = await create();
      let failed = 0;
      door.judge = (call) => {
        if (!fails(call)) return 'pass';
        failed += 1;
        return failed === 1 ? 'fail' : 'pass';
      };
      await expect(store.create(sessionOf({ replaces: replacementOf(before) }), inTime())).rejects.toThrow(
        StoreUnavailable,
      );
      door.reset();
      expect(failed).toBeGreaterThan(0);
      expect(await statusOf(before)).toBe('active');
      const alive = (await everything()).filter(
        (item) => item['userHash']?.S === hashOf('user', user) && item['state']?.S === 'alive',
      );
      expect(alive.map((item) => item['pk']?.S)).toEqual([`session#${before.key}`]);
    },
  );

  test('that is over already changes nothing about why', async () => {
    const before = await create();
    await store.end(before, 'signed_out', undefined);
    const latest = await create({ replaces: replacementOf(before) });
    expect(await statusOf(before)).toBe('signed_out');
    expect(await statusOf(latest)).toBe('active');
  });
});

describe('a sign-in attempt', () => {
  test('is spent once', async () => {
    const id = `attempt-${String(people)}`;
    expect(await store.spendAttempt(id, 1_200)).toBe(true);
    expect(await store.spendAttempt(id, 1_200)).toBe(false);
    expect(await store.spendAttempt(`${id}-other`, 1_200)).toBe(true);
    expect((await itemAt(`attempt#${id}`, 'spent'))?.['ttl']?.N).toBe(String(start + 1_200));
  });

  test('that comes back twenty times at once is spent once', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, () => store.spendAttempt(`many-${String(people)}`, 1_200)),
    );
    expect(results.filter(Boolean)).toHaveLength(1);
  });

  test('whose write was done and whose response was lost is still this caller’s', async () => {
    const retrying = new DynamoDBClient({ ...localAws(door.url), maxAttempts: 2 });
    let puts = 0;
    door.judge = async ({ operation, body }) => {
      if (operation !== 'PutItem') return 'pass';
      puts += 1;
      if (puts > 1) return 'pass';
      door.judge = () => 'pass';
      await client.send(new PutItemCommand(body as unknown as PutItemCommand['input']));
      return 'fail';
    };
    expect(await storeWith(retrying).spendAttempt(`lost-${String(people)}`, 1_200)).toBe(true);
    expect(await store.spendAttempt(`lost-${String(people)}`, 1_200)).toBe(false);
    retrying.destroy();
  });
});

describe('what lies in the table', () => {
  test('has a format and a time to live in whole seconds, in the future and beyond the session’s own', async () => {
    await create();
    await store.spendAttempt(`ttl-${String(people)}`, 1_200);
    const fresh = (await everything()).filter((item) => item['endedAt'] === undefined);
    for (const item of fresh) {
      expect(item['format']?.N).toBe(String(format));
      expect(item['ttl']?.N).toMatch(/^\d{10}$/);
      expect(Number(item['ttl']?.N)).toBeGreaterThan(start);
      if (item['sk']?.S !== 'spent') expect(Number(item['ttl']?.N)).toBeGreaterThan(start + 43_200);
    }
  });

  test('says nothing about the person in clear, and nothing that works as a cookie [S-13]', async () => {
    const credential = await create();
    const dump = JSON.stringify(await everything(), (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    );
    const cookie = credential.cookie.expose();
    const plaintexts = [
      ...['Fernsby', 'Odalys', 'N3_SMARTCARD', 'EXAMPLE HEALTH CENTRE', 'A9A5A', 'R8000', 'B0420'],
      ...[
        '900000000001',
        '900000000701',
        user[1]!,
        'sid-',
        'am.example.nhs.uk',
        'the-id-token',
        'the-access-token',
      ],
      ...[cookie, cookie.slice(0, 43), cookie.slice(43)],
      Buffer.from(cookie, 'base64url').subarray(32).toString('latin1'),
      Buffer.from(cookie, 'base64url').subarray(32).toString('base64url'),
      Buffer.from(cookie, 'base64url').subarray(0, 32).toString('base64url'),
    ];
    for (const text of plaintexts) expect(dump).not.toContain(text);
    const core = await coreOf(credential);
    expect(Object.keys(core ?? {}).sort()).toEqual(
      [
        ...['device', 'format', 'handle', 'lastActiveAt', 'pk', 'providerSessionHash', 'role', 'secretHash'],
        ...['signedInAt', 'sk', 'state', 'ttl', 'userHash', 'wrappedKey', 'replacementHash'],
        ...['idleAt', 'idleSeconds', 'absoluteAt', 'absoluteSeconds', 'callsSince'],
      ].sort(),
    );
  });

  test.each([
    ['a format other than ours', 'core', 'format', { N: '7' }],
    ['a state nobody writes', 'core', 'state', { S: 'paused' }],
    ['an end without a reason', 'core', 'state', { S: 'ended' }],
    ['no time', 'core', 'lastActiveAt', { S: 'now' }],
    ['an impossible time', 'core', 'signedInAt', { N: '-1' }],
    ['another wrapped key', 'core', 'wrappedKey', { B: Buffer.alloc(60) }],
    ['another role', 'core', 'role', { B: Buffer.alloc(40) }],
    ['another profile', 'profile', 'sealed', { B: Buffer.alloc(400) }],
  ] as const)('with %s is unreadable, and that is reported', async (_, sk, name, value) => {
    const credential = await create();
    await setAttribute(credential.key, sk, name, value);
    expect(await store.read(credential)).toEqual({
      status: 'unknown',
      unreadable: expect.stringMatching(/^(?:core|content)$/),
    });
  });

  /** What a cookie can do with a session, and the result of each. */
  const everyUse = async (credential: SessionCredential, handle: string): Promise<unknown[]> => [
    await store.extend(credential, undefined),
    await store.changeRole(credential, '900000000702', undefined, () => true),
    await store.list(credential),
    await store.endListed(credential, undefined, handle),
    await store.read(credential),
  ];
  const unreadable = { status: 'unknown', unreadable: 'content' };
  const month = 30 * 86_400;

  test.each<[string, (core: Item) => Item]>([
    ['a later absolute limit', () => ({ absoluteAt: { N: String(start + month) } })],
    ['a longer absolute limit', () => ({ absoluteSeconds: { N: String(month) } })],
    [
      'the whole absolute limit moved',
      () => ({ signedInAt: { N: String(start + 600) }, absoluteAt: { N: String(start + 600 + 43_200) } }),
    ],
    ['a longer idle limit', () => ({ idleSeconds: { N: String(43_200) } })],
    ['a shorter idle limit', () => ({ idleSeconds: { N: '899' } })],
    ['another user', () => ({ userHash: { S: hashOf('user', ['somebody', 'else']) } })],
    ['no user', () => ({ userHash: { NULL: true } })],
    ['another CIS2 session', ({ userHash }) => ({ providerSessionHash: userHash! })],
    ['no CIS2 session', () => ({ providerSessionHash: { NULL: true } })],
    ['another proof for its replacement', () => ({ replacementHash: { S: 'A'.repeat(43) } })],
    ['a list where text was', ({ userHash }) => ({ userHash: { L: [userHash!] } })],
  ])('in a core with %s opens nothing [ASVS-11.3.3]', async (_, change) => {
    const credential = await create();
    const core = await coreOf(credential);
    const { handle } = core!;
    now += 600;
    for (const [name, value] of Object.entries(change(core!))) {
      await setAttribute(credential.key, 'core', name, value);
    }
    expect(await everyUse(credential, handle!.S!)).toEqual(Array(5).fill(unreadable));
    await client.send(new PutItemCommand({ TableName: tableName, Item: core! }));
    expect(await statusOf(credential)).toBe('active');
  });

  test('lists and ends nobody else’s sessions for who puts another user into their own core', async () => {
    const theirs = await create();
    const { handle, userHash } = (await coreOf(theirs))!;
    user = [user[0]!, 'the attacker'];
    const mine = await create({ providerSession: undefined });
    await setAttribute(mine.key, 'core', 'userHash', userHash!);
    expect(await everyUse(mine, handle!.S!)).toEqual(Array(5).fill(unreadable));
    expect(await store.list(theirs)).toMatchObject({ sessions: [{ handle: handle!.S }] });
  });

  test('lists nobody else’s session that was put on the user’s list', async () => {
    const theirs = await create();
    const { handle } = (await coreOf(theirs))!;
    user = [user[0]!, 'the attacker'];
    const mine = await create();
    const index = (await userIndex())!;
    const item = { ...index, [`s#${theirs.key}`]: index[`s#${mine.key}`]! };
    await client.send(new PutItemCommand({ TableName: tableName, Item: item }));
    expect(await store.list(mine)).toMatchObject({ sessions: [{ current: true }] });
    expect(await store.endListed(mine, undefined, handle!.S!)).toEqual({ status: 'done', found: false });
    expect(await statusOf(theirs)).toBe('active');
  });

  test('of an earlier format is no session, and no sign of a changed table either', async () => {
    const credential = await create();
    const { handle } = (await coreOf(credential))!;
    await setAttribute(credential.key, 'core', 'format', { N: String(format - 1) });
    expect(await everyUse(credential, handle!.S!)).toEqual(Array(5).fill({ status: 'unknown' }));
    const replaced = await store.replacedRole(replacementOf(credential), inTime());
    expect(replaced).toBeUndefined();
    await create({ replaces: replacementOf(credential) });
    await store.end(credential, 'signed_out', undefined);
    expect(await statusOf(credential)).toBe('unknown');
  });

  test('of a role that was chosen before cannot be put back beside a later secret', async () => {
    const first = await create();
    const { role } = (await coreOf(first))!;
    const changed = await store.changeRole(first, '900000000702', undefined, () => true);
    if (changed.status !== 'changed') throw new Error('not changed');
    await setAttribute(first.key, 'core', 'role', role!);
    expect(await store.read(changed.credential)).toEqual(unreadable);
  });

  test('cannot be moved from one session to another of the same user', async () => {
    const [one, two] = [await create(), await create({ roleId: '900000000702' })];
    const [from, profile] = [await coreOf(two), await itemAt(`session#${two.key}`, 'profile')];
    await setAttribute(one.key, 'core', 'role', from!['role']!);
    expect(await statusOf(one)).toBe('unknown');
    await setAttribute(one.key, 'core', 'wrappedKey', from!['wrappedKey']!);
    await setAttribute(one.key, 'profile', 'sealed', profile!['sealed']!);
    await setAttribute(one.key, 'core', 'secretHash', from!['secretHash']!);
    expect(await statusOf(one)).toBe('unknown');
    const mixed = parseCredential(
      Buffer.concat([
        Buffer.from(one.cookie.expose(), 'base64url').subarray(0, 32),
        Buffer.from(two.cookie.expose(), 'base64url').subarray(32),
      ]).toString('base64url'),
    )!;
    expect(await statusOf(mixed)).toBe('unknown');
  });
});

describe('a store that is away', () => {
  test('is distinguished from a session that is not there, on every call', async () => {
    const credential = await create();
    door.judge = () => 'fail';
    await expect(store.read(credential)).rejects.toThrow(StoreUnavailable);
    await expect(store.extend(credential, undefined)).rejects.toThrow(StoreUnavailable);
    await expect(store.end(credential, 'signed_out', undefined)).rejects.toThrow(StoreUnavailable);
    await expect(store.create(sessionOf(), inTime())).rejects.toThrow(StoreUnavailable);
    await expect(store.spendAttempt('away', 1_200)).rejects.toThrow(StoreUnavailable);
    await expect(store.warmUp()).rejects.toThrow(StoreUnavailable);
    door.reset();
    expect(await statusOf(credential)).toBe('active');
    await store.warmUp();
  });
});

describe('a sign-in that runs out of time', () => {
  test.each([0, 1, 2, 3])('after %d calls leaves no session, and the one before it alone', async (calls) => {
    const before = await create();
    const deadline = new AbortController();
    let seen = 0;
    door.judge = () => {
      if (seen === calls) deadline.abort();
      seen += 1;
      return 'pass';
    };
    await expect(
      store.create(sessionOf({ replaces: replacementOf(before) }), deadline.signal),
    ).rejects.toBeDefined();
    door.reset();
    expect(await statusOf(before)).toBe('active');
    const alive = (await everything()).filter(
      (item) => item['userHash']?.S === hashOf('user', user) && item['state']?.S === 'alive',
    );
    expect(alive.map((item) => item['pk']?.S)).toEqual([`session#${before.key}`]);
  });

  test('while it ends the session before it is finished all the same', async () => {
    const before = await create();
    const deadline = new AbortController();
    door.judge = ({ items }) => {
      if (items.includes(`session#${before.key}|core`)) deadline.abort();
      return 'pass';
    };
    const created = await store.create(sessionOf({ replaces: replacementOf(before) }), deadline.signal);
    if (created === 'provider_logout') throw new Error('refused');
    expect(await statusOf(created.credential)).toBe('active');
    expect(await statusOf(before)).toBe('replaced');
  });
});

describe('to take a session’s place', () => {
  test('its key alone does not do: the proof comes from the cookie', async () => {
    const before = await create();
    const other = await create();
    const [, proof] = replacementOf(other).split('.');
    for (const replaces of [before.key, `${before.key}.`, `${before.key}.${proof ?? ''}`]) {
      await create({ replaces });
      expect(await statusOf(before)).toBe('active');
    }
    await create({ replaces: replacementOf(before) });
    expect(await statusOf(before)).toBe('replaced');
  });
});

describe('limits that are raised', () => {
  const storeWithLimits = (idleSeconds: number, absoluteSeconds: number) =>
    storeWith(client, { idleSeconds, absoluteSeconds });

  test('lengthen no session that has begun', async () => {
    const credential = await create({}, storeWithLimits(60, 100));
    now = start + 59;
    expect((await store.extend(credential, undefined)).status).toBe('active');
    now = start + 100;
    expect(await store.extend(credential, undefined)).toEqual({ status: 'ended', reason: 'absolute' });
    expect(await store.read(credential)).toEqual({ status: 'ended', reason: 'absolute' });
  });

  test('bring back no session that somebody was told is over', async () => {
    const credential = await create();
    now = start + 60;
    const shorter = storeWithLimits(60, 43_200);
    expect(await shorter.read(credential)).toEqual({ status: 'ended', reason: 'idle' });
    expect(await store.read(credential)).toEqual({ status: 'ended', reason: 'idle' });
    expect(await store.extend(credential, undefined)).toEqual({ status: 'ended', reason: 'idle' });
  });
});

describe('the role of a session that a sign-in takes the place of', () => {
  const roleOf = async (replaces: string, of = user): Promise<string | undefined> => {
    const found = await store.replacedRole(replaces, inTime());
    return found !== undefined && (await found.isOf(of)) ? found.roleId : undefined;
  };

  test('is the one chosen by then, even by another tab meanwhile', async () => {
    const before = await create();
    const replaces = replacementOf(before);
    expect(await roleOf(replaces)).toBe('900000000701');
    await store.changeRole(before, '900000000702', undefined, () => true);
    expect(await roleOf(replaces)).toBe('900000000702');
  });

  test('is no other user’s, and none where none was chosen', async () => {
    const before = await create();
    expect(await roleOf(replacementOf(before), [user[0]!, 'somebody else'])).toBeUndefined();
    expect(await roleOf(replacementOf(await create({ roleId: null })))).toBeUndefined();
  });

  test('is none once that session is over, by time or by an end', async () => {
    const [ended, timedOut] = [await create(), await create()];
    await store.end(ended, 'signed_out', undefined);
    expect(await roleOf(replacementOf(ended))).toBeUndefined();
    now = start + 900;
    expect(await roleOf(replacementOf(timedOut))).toBeUndefined();
  });

  test('needs what only the cookie can make, in the item as it was written', async () => {
    const [before, other] = [await create(), await create()];
    const [, key = ''] = replacementOf(other).split('.');
    for (const replaces of [`${before.key}.${key}`, before.key, `${before.key}.`, '.', 'x.y', '']) {
      expect(await roleOf(replaces)).toBeUndefined();
    }
    for (const [name, value] of [
      ['userHash', { S: hashOf('user', ['somebody', 'else']) }],
      ['absoluteSeconds', { N: '86400' }],
    ] as const) {
      const core = (await coreOf(before))!;
      await setAttribute(before.key, 'core', name, value);
      expect(await store.replacedRole(replacementOf(before), inTime())).toBeUndefined();
      await client.send(new PutItemCommand({ TableName: tableName, Item: core }));
    }
    expect(await roleOf(replacementOf(before))).toBe('900000000701');
  });

  test('lets its key open nothing else', async () => {
    const before = await create();
    const [, key = ''] = replacementOf(before).split('.');
    const roleKey = Buffer.from(key, 'base64url');
    const [selector, secret] = [before.selector.expose(), before.secret.expose()];
    for (const cookie of [
      Buffer.concat([roleKey, secret]),
      Buffer.concat([selector, roleKey]),
      Buffer.concat([roleKey, roleKey]),
    ]) {
      expect(await statusOf(parseCredential(cookie.toString('base64url'))!)).toBe('unknown');
    }
    expect(await statusOf(before)).toBe('active');
  });
});
