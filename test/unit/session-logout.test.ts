import { beforeEach, describe, expect, test } from '@jest/globals';
import { GetItemCommand, UpdateItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  StoreUnavailable,
  type LogoutStore,
  type NewSession,
  type SessionCredential,
} from '../../lambdas/session/index.ts';
import { operationOf, type Command } from '../races/embedded-table.ts';
import { WatchedTable, World, type LogoutForm } from '../races/world.ts';
import { format } from '../../lambdas/session/items.ts';
import { hashOf, start, tableName, type Item } from './session-fixtures.ts';

const watched = new WatchedTable();
let world: World;

beforeEach(() => {
  world = new World(watched);
});

type LogOutResult = ReturnType<LogoutStore['logOut']>;
const logOut = (form: LogoutForm, token?: string): LogOutResult => world.logOut(watched.client, form, token);
const through = (send: (command: Command, bound?: { abortSignal?: AbortSignal }) => Promise<unknown>) =>
  ({ send }) as unknown as typeof watched.client;
const statuses = (credentials: readonly SessionCredential[]): Promise<string[]> =>
  Promise.all(credentials.map((credential) => world.statusOf(credential)));
const itemAt = async (pk: string, sk = 'sessions'): Promise<Item> => {
  const Key = { pk: { S: pk }, sk: { S: sk } };
  const { Item } = await watched.client.send(new GetItemCommand({ TableName: tableName, Key }));
  return Item ?? {};
};
const issuer = 'https://am.example.nhs.uk:443/realm';
const userIndex = () => `user#${hashOf('user', world.newSession().user)}`;
const providerIndex = () =>
  `provider-session#${hashOf('provider-session', world.newSession().providerSession!)}`;
const set = (pk: string, sk: string, name: string, value: AttributeValue) =>
  watched.client.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: { pk: { S: pk }, sk: { S: sk } },
      UpdateExpression: 'SET #name = :value',
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':value': value },
    }),
  );

const otherSid: Partial<NewSession> = { providerSession: [issuer, 'another session'] };
const noSid: Partial<NewSession> = { providerSession: undefined };

describe('a logout by CIS2 [L-08, CIS2-BCL]', () => {
  /** Two sessions of its CIS2 session, one of another, one of none; and somebody else's. */
  const everybody = async () => [
    await world.signedIn(),
    await world.signedIn(),
    await world.signedIn(otherSid),
    await world.signedIn(noSid),
    await world.signedIn({ user: [issuer, 'somebody else'], providerSession: [issuer, 'theirs'] }),
  ];
  const out = 'provider_logout';

  test.each([
    ['sid', [out, out, 'active', 'active', 'active'], 2],
    ['sub', [out, out, out, out, 'active'], 4],
    ['sid and sub', [out, out, 'active', out, 'active'], 3],
  ] as const)('by %s ends those it names and no other', async (form, expected, ended) => {
    const sessions = await everybody();
    expect(await logOut(form)).toMatchObject({ ended, repeated: false });
    expect(await statuses(sessions)).toEqual(expected);
  });

  test.each(['sid', 'sub', 'sid and sub'] as const)(
    'by %s of nobody who is here succeeds [L-07]',
    async (form) => {
      expect(await logOut(form)).toMatchObject({ ended: 0, repeated: false });
    },
  );

  test('of nobody at all is an error of ours, and writes nothing', async () => {
    const sent: string[] = [];
    const store = world.stores(
      through((command) => {
        sent.push(operationOf(command));
        return watched.send(command);
      }),
    );
    const nobody = { ...world.logout('sub'), user: undefined };
    await expect(store.logOut(nobody, new AbortController().signal)).rejects.toThrow(TypeError);
    expect(sent).toEqual([]);
  });

  test('ends a session in whatever role, and its old cookies stay replaced', async () => {
    const before = await world.signedIn();
    const change = await world.stores().changeRole(before, '900000000702', undefined, () => true);
    if (change.status !== 'changed') throw new Error('not changed');
    expect(await logOut('sid')).toMatchObject({ ended: 1, repeated: false });
    expect(await statuses([change.credential, before])).toEqual([out, 'replaced']);
  });

  test('leaves nothing that could be opened', async () => {
    const { key } = await world.signedIn();
    await logOut('sid');
    const core = await itemAt(`session#${key}`, 'core');
    expect(core).toMatchObject({ state: { S: 'ended' }, endedAt: { N: String(start) } });
    expect(core['wrappedKey'] ?? core['role']).toBeUndefined();
  });

  test('counts as ended only what lived, and ends what only time had ended', async () => {
    const [signedOut, idle] = [await world.signedIn(), await world.signedIn()];
    await world.stores().end(signedOut, 'signed_out', undefined);
    world.now += 900;
    const live = await world.signedIn();
    expect(await logOut('sid')).toMatchObject({ ended: 1, repeated: false });
    expect(await statuses([signedOut, live])).toEqual(['signed_out', out]);
    expect(watched.alive).toEqual([]);
    // Not even a clock that is behind brings it back.
    world.now -= 900;
    expect(await world.statusOf(idle)).toBe(out);
  });

  test('ends a session that this release cannot read', async () => {
    const { key } = await world.signedIn();
    await set(`session#${key}`, 'core', 'format', { N: '7' });
    expect(await logOut('sid')).toMatchObject({ ended: 0, repeated: false });
    expect(watched.alive).toEqual([]);
  });

  test('by sub ends sign-ins begun before it arrived or in that millisecond, and none begun after', async () => {
    const begun = (begunAt: number) => ({ begunAt: begunAt as NewSession['begunAt'] });
    const earlier = await world.signedIn(begun(start - 100));
    const then = await world.signedIn(begun(start));
    const later = await world.signedIn(begun(start + 1));
    const unknown = await world.signedIn(begun(start + 1));
    // An entry that does not say when its sign-in began is as old as can be.
    const entry = (await itemAt(userIndex()))[`s#${unknown.key}`]!.M!;
    await set(userIndex(), 'sessions', `s#${unknown.key}`, { M: { signedInAt: entry['signedInAt']! } });
    expect((await logOut('sub')).ended).toBe(3);
    expect(await statuses([earlier, then, later, unknown])).toEqual([out, out, 'active', out]);
  });

  test.each(['sid', 'sub', 'sid and sub'] as const)(
    'by %s ends sign-ins that come back after it',
    async (form) => {
      await logOut(form);
      const late = async (changes: Partial<NewSession>) => world.signIn(watched.client, changes);
      if (form !== 'sub') expect(await late({})).toBe('provider_logout');
      if (form !== 'sid') expect(await late(noSid)).toBe('provider_logout');
      if (form === 'sub') expect(await late(otherSid)).toBe('provider_logout');
      expect(watched.alive).toEqual([]);
      if (form !== 'sub') expect(await late(otherSid)).toHaveProperty('key');
    },
  );

  test('by sid is for good; by sub it is until the user signs in again', async () => {
    await logOut('sid');
    world.now += 100_000;
    expect(await world.signIn(watched.client)).toBe('provider_logout');
    world = new World(watched);
    await logOut('sub');
    world.now += 1;
    expect(await world.statusOf(await world.signedIn())).toBe('active');
  });
});

describe('the marks of a logout', () => {
  test('have a format and a time to live beyond every session that is listed with them', async () => {
    const listedFirst = await world.signedIn();
    await logOut('sid and sub');
    for (const pk of [userIndex(), providerIndex()]) {
      const item = await itemAt(pk);
      expect(item['format']?.N).toBe(String(format));
      expect(Number(item['ttl']?.N)).toBeGreaterThan(start + 43_200 + 3_600);
    }
    expect(await itemAt(userIndex())).toMatchObject({ endedWithoutSidAt: { N: String(start) } });
    expect((await itemAt(userIndex()))['endedAt']).toBeUndefined();
    expect(await itemAt(providerIndex())).toMatchObject({ endedAt: { N: String(start) } });
    expect(await itemAt(userIndex())).toHaveProperty([`s#${listedFirst.key}`]);
  });

  test('never move back', async () => {
    world.now = start + 500;
    await logOut('sub', 'later');
    world.now = start;
    const begun = await world.signIn(watched.client, noSid);
    expect(begun).toBe('provider_logout');
    await logOut('sub', 'earlier');
    expect((await itemAt(userIndex()))['endedAt']).toEqual({ N: String(start + 500) });
  });

  test('do not hide what is listed from a logout that came in between', async () => {
    const session = await world.signedIn();
    await set(userIndex(), 'sessions', 'endedAt', { N: String(start + 500) });
    expect(await logOut('sub')).toMatchObject({ ended: 1, repeated: false });
    expect(await world.statusOf(session)).toBe('provider_logout');
  });
});

describe('the same logout token again [L-06]', () => {
  test.each(['sub', 'sid', 'sid and sub'] as const)('by %s does nothing to a later sign-in', async (form) => {
    await world.signedIn();
    expect(await logOut(form)).toMatchObject({ ended: 1, repeated: false });
    world.now += 5;
    const later = await world.signedIn(form === 'sub' ? {} : otherSid);
    const without = await world.signedIn(noSid);
    expect(await logOut(form)).toMatchObject({ ended: 0, repeated: true });
    expect(await statuses([later, without])).toEqual(['active', 'active']);
  });

  test('is another token when it is another: that one ends them', async () => {
    await logOut('sub');
    world.now += 5;
    const later = await world.signedIn();
    expect(await logOut('sub', 'another token')).toMatchObject({ ended: 1, repeated: false });
    expect(await world.statusOf(later)).toBe('provider_logout');
  });

  test('is remembered by a hash of its name, with when it came and for how long it is kept', async () => {
    await logOut('sid');
    const item = await itemAt(`logout-token#${hashOf('logout-token', world.logout('sid').tokenId)}`, 'seen');
    expect(item).toMatchObject({
      format: { N: String(format) },
      arrivedAt: { N: String(start) },
      ttl: { N: String(start + 3_600) },
    });
    expect(JSON.stringify(item)).not.toContain('am.example');
  });

  test('whose memory holds no time fails: it is not known what it may end', async () => {
    await logOut('sub');
    const token = `logout-token#${hashOf('logout-token', world.logout('sub').tokenId)}`;
    await set(token, 'seen', 'arrivedAt', { S: 'now' });
    await expect(logOut('sub')).rejects.toThrow(StoreUnavailable);
  });

  test('sent twice by the SDK is one arrival', async () => {
    const twice = through(async (command) => {
      if (operationOf(command) === 'PutItem') await watched.send(command);
      return watched.send(command);
    });
    expect(await world.logOut(twice, 'sid')).toEqual({ ended: 0, repeated: false });
  });
});

describe('a logout of many sessions', () => {
  const many = async (count: number): Promise<void> => {
    for (let number = 0; number < count; number += 1) await world.signedIn({ sessionsPerUser: 500 });
  };

  test('ends all of them, so many at a time', async () => {
    await many(120);
    let [now, most] = [0, 0];
    const counting = through(async (command) => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setImmediate(resolve));
      const response = await watched.send(command);
      now -= 1;
      return response;
    });
    expect(await world.logOut(counting, 'sub')).toMatchObject({ ended: 120, repeated: false });
    expect(watched.alive).toEqual([]);
    expect(most).toBeGreaterThan(10);
    expect(most).toBeLessThanOrEqual(40);
  });

  test('of which one could not be ended has failed, has ended the others, and is finished by its repetition', async () => {
    await many(60);
    let updates = 0;
    const failing = through((command) => {
      const isCore = (command.input['Key'] as Item | undefined)?.['sk']?.S === 'core';
      if (isCore) updates += 1;
      return isCore && updates === 7 ? Promise.reject(new Error('away')) : watched.send(command);
    });
    await expect(world.logOut(failing, 'sub')).rejects.toThrow(StoreUnavailable);
    expect(watched.alive).toHaveLength(1);
    expect(await logOut('sub')).toMatchObject({ ended: 1, repeated: true });
    expect(watched.alive).toEqual([]);
  });

  test('that runs out of time has failed', async () => {
    await many(3);
    const deadline = new AbortController();
    const abortable = through((command, bound) => {
      if (bound?.abortSignal?.aborted === true) return Promise.reject(new Error('aborted'));
      if ((command.input['Key'] as Item | undefined)?.['sk']?.S === 'core') deadline.abort();
      return watched.send(command);
    });
    const { logOut: bounded } = world.stores(abortable);
    await expect(bounded(world.logout('sub'), deadline.signal)).rejects.toThrow(StoreUnavailable);
    expect(await logOut('sub')).toMatchObject({ repeated: true });
    expect(watched.alive).toEqual([]);
  });

  test.each(['PutItem', 'UpdateItem'])('fails when %s does, and ends nothing', async (operation) => {
    await many(1);
    const failing = through((command) =>
      operationOf(command) === operation ? Promise.reject(new Error('away')) : watched.send(command),
    );
    await expect(world.logOut(failing, 'sid and sub')).rejects.toThrow(StoreUnavailable);
    expect(watched.alive).toHaveLength(1);
  });
});
