import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import type { Role } from '../../lambdas/common/index.ts';
import {
  replacementOf,
  StoreUnavailable,
  type Session,
  type SessionCredential,
  type SessionState,
} from '../../lambdas/session/index.ts';
import { operationOf, type Command } from '../races/embedded-table.ts';
import { WatchedTable, World, type Stores } from '../races/world.ts';
import { start, tableName, worker, type Item } from './session-fixtures.ts';

const watched = new WatchedTable();
let world: World;
let stores: Stores;

beforeEach(() => {
  world = new World(watched);
  stores = world.stores();
});

const [first, second] = ['900000000701', '900000000702'] as const;
const any = (): boolean => true;
const activeOf = (state: SessionState): Session => {
  if (state.status !== 'active') throw new Error(`not active but ${JSON.stringify(state)}`);
  return state.session;
};
const sessionOf = async (credential: SessionCredential): Promise<Session> =>
  activeOf(await stores.read(credential));
const changed = async (credential: SessionCredential, roleId: string = second, through = stores) => {
  const change = await through.changeRole(credential, roleId, undefined, any);
  if (change.status !== 'changed') throw new Error(`not changed but ${JSON.stringify(change)}`);
  return change;
};
const itemOf = async ({ key }: SessionCredential, sk: 'core' | 'profile'): Promise<Item> => {
  const Key = { pk: { S: `session#${key}` }, sk: { S: sk } };
  const { Item } = await watched.client.send(new GetItemCommand({ TableName: tableName, Key }));
  return Item ?? {};
};
const setInCore = (credential: SessionCredential, name: string, value: AttributeValue) =>
  watched.client.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: { pk: { S: `session#${credential.key}` }, sk: { S: 'core' } },
      UpdateExpression: 'SET #name = :value',
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':value': value },
    }),
  );

describe('a role change', () => {
  test('gives the session the role, a new cookie and a new handle, and keeps the rest', async () => {
    const before = await world.signedIn();
    const old = await sessionOf(before);
    world.now += 60;
    const { credential, session } = await changed(before);
    expect(session).toEqual({
      ...old,
      role: worker.roles[1],
      handle: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      lastActiveAt: start + 60,
      expiry: { ...old.expiry, at: start + 960, idleAt: start + 960, warnAt: start + 840 },
    });
    expect(session.handle).not.toBe(old.handle);
    expect(await stores.read(credential)).toEqual({ status: 'active', session });
    const [cookie, oldCookie] = [credential.cookie.expose(), before.cookie.expose()];
    expect(credential.key).toBe(before.key);
    // The first 32 bytes are the selector.
    expect(cookie.slice(0, 42)).toBe(oldCookie.slice(0, 42));
    expect(cookie.slice(43)).not.toBe(oldCookie.slice(43));
  });

  test('is one update of one item: neither the profile nor what is sealed with it is written anew', async () => {
    const before = await world.signedIn();
    const [core, profile] = [await itemOf(before, 'core'), await itemOf(before, 'profile')];
    const sent: Command[] = [];
    const send = (command: Command) => {
      sent.push(command);
      return watched.send(command);
    };
    await changed(before, second, world.stores({ send } as unknown as typeof watched.client));
    expect(sent.map(operationOf)).toEqual(['Query', 'UpdateItem']);
    expect(await itemOf(before, 'profile')).toEqual(profile);
    const now = await itemOf(before, 'core');
    const written = Object.keys(now).filter(
      (name) => JSON.stringify(now[name]) !== JSON.stringify(core[name]),
    );
    expect(written.sort()).toEqual(['formerSecrets', 'handle', 'role', 'secretHash', 'wrappedKey'].sort());
  });

  test('leaves the old cookie nothing but to be told that it was replaced [ASVS-7.2.4]', async () => {
    const before = await world.signedIn();
    const { credential, session } = await changed(before);
    const replaced = { status: 'ended', reason: 'replaced' };
    world.now += 10;
    expect(await stores.read(before)).toEqual(replaced);
    expect(await stores.extend(before, undefined)).toEqual(replaced);
    expect(await stores.end(before, 'signed_out', undefined)).toBe(false);
    expect(await stores.changeRole(before, first, undefined, any)).toEqual(replaced);
    expect(await stores.list(before)).toEqual(replaced);
    expect(await stores.endListed(before, undefined, session.handle)).toEqual(replaced);
    expect(await stores.read(credential)).toEqual({ status: 'active', session });
  });

  test('of the old cookie is told for as long as the session is remembered, whatever ended it since', async () => {
    const before = await world.signedIn();
    const { credential } = await changed(before);
    await stores.end(credential, 'signed_out', undefined);
    expect(await world.statusOf(credential)).toBe('signed_out');
    expect(await world.statusOf(before)).toBe('replaced');
  });

  test('reading the old cookie after the session ran out writes nothing about the session', async () => {
    const before = await world.signedIn();
    const { credential } = await changed(before);
    world.now += 899;
    expect(await world.statusOf(before)).toBe('replaced');
    expect(await world.statusOf(credential)).toBe('active');
    world.now += 1;
    expect(await world.statusOf(before)).toBe('replaced');
    expect(await world.statusOf(credential)).toBe('idle');
  });

  test('can be made again and again: the last five cookies are known as replaced, older ones are unknown', async () => {
    let credential = await world.signedIn();
    const cookies = [credential];
    for (let count = 0; count < 7; count += 1) {
      ({ credential } = await changed(credential, count % 2 === 0 ? second : first));
      cookies.push(credential);
    }
    expect(await Promise.all(cookies.map((cookie) => world.statusOf(cookie)))).toEqual([
      ...['unknown', 'unknown'],
      ...['replaced', 'replaced', 'replaced', 'replaced', 'replaced'],
      'active',
    ]);
  });

  test('to the role that is worked in already changes the cookie all the same', async () => {
    const before = await world.signedIn({ roleId: first });
    const { session } = await changed(before, first);
    expect(session.role?.roleId).toBe(first);
    expect(await world.statusOf(before)).toBe('replaced');
  });

  test('is the first choice of a role, too', async () => {
    const before = await world.signedIn({ roleId: null });
    expect((await sessionOf(before)).role).toBeNull();
    expect((await changed(before)).session.role?.roleId).toBe(second);
  });

  test.each(['900000000799', '', 'null', '__proto__'])(
    'to the role %j, which is not the user’s, is refused, and nothing is asked',
    async (roleId) => {
      const before = await world.signedIn();
      const old = await sessionOf(before);
      const asked: Role[] = [];
      const permits = (role: Role) => asked.push(role) > 0;
      expect(await stores.changeRole(before, roleId, undefined, permits)).toEqual({ status: 'refused' });
      expect(asked).toEqual([]);
      expect(await sessionOf(before)).toEqual(old);
    },
  );

  test('to a role that is not permitted is refused, and changes nothing', async () => {
    const before = await world.signedIn();
    const old = await sessionOf(before);
    const permits = (role: Role) => role.roleId !== second;
    expect(await stores.changeRole(before, second, undefined, permits)).toEqual({ status: 'refused' });
    expect(await sessionOf(before)).toEqual(old);
  });

  test('for another handle than the session’s changes nothing and says which session it is', async () => {
    const before = await world.signedIn();
    const session = await sessionOf(before);
    expect(await stores.changeRole(before, second, 'another', any)).toEqual({ status: 'active', session });
    expect(await stores.changeRole(before, '900000000799', 'another', any)).toMatchObject({
      status: 'active',
    });
    expect(await stores.changeRole(before, second, session.handle, any)).toMatchObject({
      status: 'changed',
    });
  });

  test('of a session that is over says why, and does not bring it back [ASVS-7.4.1]', async () => {
    const before = await world.signedIn();
    await stores.end(before, 'provider_logout' as const, undefined);
    expect(await stores.changeRole(before, second, undefined, any)).toEqual({
      status: 'ended',
      reason: 'provider_logout',
    });
    const idle = await world.signedIn();
    world.now += 900;
    expect(await stores.changeRole(idle, second, undefined, any)).toEqual({
      status: 'ended',
      reason: 'idle',
    });
    expect(watched.alive).toEqual([]);
  });

  test('is activity: the idle clock starts anew, and the absolute limit stays [ASVS-7.3.2]', async () => {
    const before = await world.signedIn();
    world.now += 899;
    const { credential } = await changed(before);
    world.now += 899;
    expect(await world.statusOf(credential)).toBe('active');
    let current = credential;
    while (world.now + 800 < start + 43_200) {
      ({ credential: current } = await changed(current));
      world.now += 800;
    }
    ({ credential: current } = await changed(current));
    world.now = start + 43_200;
    expect(await world.statusOf(current)).toBe('absolute');
  });

  test('does not keep a sign-in that was begun before it from taking the session’s place', async () => {
    const before = await world.signedIn();
    const replaces = replacementOf(before);
    const { credential } = await changed(before);
    expect(replacementOf(credential)).toBe(replaces);
    const latest = await world.signedIn({ replaces });
    expect(await world.statusOf(credential)).toBe('replaced');
    expect(watched.alive).toEqual([latest.key]);
  });

  test('of a session whose role was sealed for another is not made', async () => {
    const [one, other] = [await world.signedIn(), await world.signedIn()];
    const { wrappedKey } = await itemOf(other, 'core');
    await setInCore(one, 'wrappedKey', wrappedKey!);
    expect(await stores.changeRole(one, second, undefined, any)).toEqual({
      status: 'unknown',
      unreadable: 'content',
    });
  });

  test('whose response was lost is reported as made: nobody else has the new cookie', async () => {
    const before = await world.signedIn();
    const send = async (command: Command) => {
      const response = await watched.send(command);
      if (operationOf(command) === 'UpdateItem') throw new Error('the connection broke');
      return response;
    };
    const { credential } = await changed(
      before,
      second,
      world.stores({ send } as unknown as typeof watched.client),
    );
    expect((await sessionOf(credential)).role?.roleId).toBe(second);
  });

  test('that could not be written has failed, and the old cookie goes on', async () => {
    const before = await world.signedIn();
    const send = (command: Command) =>
      operationOf(command) === 'UpdateItem' ? Promise.reject(new Error('away')) : watched.send(command);
    const failing = world.stores({ send } as unknown as typeof watched.client);
    await expect(failing.changeRole(before, second, undefined, any)).rejects.toThrow(StoreUnavailable);
    expect(await world.statusOf(before)).toBe('active');
  });
});

describe('the item that decides whether a session lives', () => {
  /** As DynamoDB counts: names and texts in UTF-8, numbers by two digits a byte, lists three bytes and one an element. */
  const sizeOf = (value: AttributeValue): number => {
    if (value.S !== undefined) return Buffer.byteLength(value.S);
    if (value.B !== undefined) return value.B.byteLength;
    if (value.N !== undefined) return Math.ceil(value.N.length / 2) + 1;
    if (value.L !== undefined) return 3 + value.L.reduce((sum, element) => sum + 1 + sizeOf(element), 0);
    throw new Error(`what is the size of ${JSON.stringify(value)}?`);
  };
  const itemSize = (item: Item): number =>
    Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOf(value), 0);

  test('stays below a kilobyte, one write unit, after any number of role changes, with all there can be in it', async () => {
    for (let count = 0; count < 11; count += 1) await world.signedIn();
    let credential = await world.signedIn({ reportOthers: true, device: 'Firefox on Windows' });
    for (let count = 0; count < 8; count += 1) ({ credential } = await changed(credential));
    const core = await itemOf(credential, 'core');
    expect(core['formerSecrets']?.L).toHaveLength(5);
    expect(core['otherSessions']?.N).toBe('11');
    expect(itemSize(core)).toBeLessThan(1_024);
    // Room for what a call to an API has to keep there.
    expect(itemSize(core)).toBeLessThan(900);
    await stores.end(credential, 'provider_logout', undefined);
    expect(itemSize(await itemOf(credential, 'core'))).toBeLessThan(900);
  });

  test('holds of a former cookie nothing but a hash', async () => {
    const before = await world.signedIn();
    await changed(before);
    const dump = JSON.stringify(await itemOf(before, 'core'));
    const bytes = Buffer.from(before.cookie.expose(), 'base64url');
    for (const secret of [before.cookie.expose(), bytes.subarray(32).toString('base64url')]) {
      expect(dump).not.toContain(secret);
    }
  });

  test.each([
    ['no list', { S: 'x' }],
    ['a list of other things', { L: [{ N: '1' }, { NULL: true }] }],
    ['empty', { L: [] }],
  ] as const)('with former secrets that are %s knows no former cookie', async (_, value) => {
    const before = await world.signedIn();
    await changed(before);
    await setInCore(before, 'formerSecrets', value as AttributeValue);
    expect(await stores.read(before)).toEqual({ status: 'unknown' });
  });
});

describe('a session that remembers how many others there were', () => {
  const others = async (changes: Parameters<World['signedIn']>[0]) =>
    (await sessionOf(await world.signedIn({ reportOthers: true, ...changes }))).otherSessions;

  test('says nothing when there were none, or when nobody asked [ASVS-7.1.2]', async () => {
    expect(await others({})).toBeUndefined();
    expect(await others({ reportOthers: false })).toBeUndefined();
  });

  test('counts the live ones, and no other [ASVS-7.1.2]', async () => {
    const gone = await world.signedIn();
    await stores.end(gone, 'signed_out', undefined);
    await world.signedIn();
    world.now += 900;
    const one = await world.signedIn();
    expect(await others({})).toBe(1);
    expect(await others({})).toBe(2);
    expect((await sessionOf(one)).otherSessions).toBeUndefined();
  });

  test('counts neither the one it takes the place of nor those that ended for it', async () => {
    const [replaced] = [await world.signedIn(), await world.signedIn(), await world.signedIn()];
    expect(await others({ replaces: replacementOf(replaced) })).toBe(2);
    world.now += 1;
    expect(await others({ sessionsPerUser: 2 })).toBe(1);
    expect(await others({ sessionsPerUser: 1 })).toBeUndefined();
  });

  test('still does after a role change and an extension', async () => {
    await world.signedIn();
    const before = await world.signedIn({ reportOthers: true });
    const { credential, session } = await changed(before);
    expect(session.otherSessions).toBe(1);
    expect(activeOf(await stores.extend(credential, undefined)).otherSessions).toBe(1);
  });

  test.each([{ N: '0' }, { N: '-1' }, { N: '1.5' }, { S: '2' }])(
    'whose number is %j remembers none',
    async (value) => {
      const credential = await world.signedIn();
      await setInCore(credential, 'otherSessions', value);
      expect((await sessionOf(credential)).otherSessions).toBeUndefined();
    },
  );

  test('does not live when the number could not be written', async () => {
    await world.signedIn();
    const send = (command: Command) =>
      (command.input['UpdateExpression'] as string | undefined)?.includes('otherSessions')
        ? Promise.reject(new Error('away'))
        : watched.send(command);
    const before = watched.alive;
    await expect(
      world.signIn({ send } as unknown as typeof watched.client, { reportOthers: true }),
    ).rejects.toThrow(StoreUnavailable);
    expect(watched.alive).toEqual(before);
  });
});

describe('a user’s own sessions', () => {
  const failingAt = (operation: string) => {
    const send = (command: Command) =>
      operationOf(command) === operation ? Promise.reject(new Error('away')) : watched.send(command);
    return world.stores({ send } as unknown as typeof watched.client);
  };
  const listOf = async (credential: SessionCredential, through = stores) => {
    const list = await through.list(credential);
    if (list.status !== 'active') throw new Error('no list');
    return list;
  };

  test('are listed, this one first, then the most recently active [ASVS-7.5.2]', async () => {
    const phone = await world.signedIn({ device: 'Safari on iPhone' });
    world.now += 10;
    const ward = await world.signedIn({ device: 'Edge on Windows' });
    world.now += 10;
    const own = await world.signedIn();
    world.now += 10;
    await stores.extend(phone, undefined);
    const handle = async (credential: SessionCredential) => (await sessionOf(credential)).handle;
    expect(await stores.list(own)).toEqual({
      status: 'active',
      handle: await handle(own),
      sessions: [
        {
          handle: await handle(own),
          current: true,
          signedInAt: start + 20,
          lastActiveAt: start + 20,
          device: 'Chrome on Windows',
        },
        {
          handle: await handle(phone),
          current: false,
          signedInAt: start,
          lastActiveAt: start + 30,
          device: 'Safari on iPhone',
        },
        {
          handle: await handle(ward),
          current: false,
          signedInAt: start + 10,
          lastActiveAt: start + 10,
          device: 'Edge on Windows',
        },
      ],
    });
  });

  test('are the live ones of this user alone', async () => {
    const [ended, idle] = [await world.signedIn(), await world.signedIn()];
    await stores.end(ended, 'signed_out', undefined);
    world.now += 900;
    expect(idle.key).toBeDefined();
    const own = await world.signedIn();
    const another = await world.signedIn({ user: ['https://am.example.nhs.uk:443/realm', 'another'] });
    expect((await listOf(own)).sessions).toHaveLength(1);
    expect((await listOf(another)).sessions).toHaveLength(1);
    // Not even when the index names one that is not theirs.
    const { userHash } = await itemOf(own, 'core');
    await watched.client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { pk: { S: `user#${userHash?.S ?? ''}` }, sk: { S: 'sessions' } },
        UpdateExpression: 'SET #entry = :entry',
        ExpressionAttributeNames: { '#entry': `s#${another.key}` },
        ExpressionAttributeValues: { ':entry': { M: {} } },
      }),
    );
    expect((await listOf(own)).sessions).toHaveLength(1);
    const { handle } = await sessionOf(another);
    expect(await stores.endListed(own, undefined, handle)).toEqual({ status: 'done', found: false });
  });

  test('are all listed, hundreds of them, and what the table leaves unread is asked for again', async () => {
    for (let count = 0; count < 130; count += 1) await world.signedIn({ sessionsPerUser: 500 });
    const own = await world.signedIn({ sessionsPerUser: 500 });
    let left = 2;
    const send = async (command: Command) => {
      const response = await watched.send(command);
      if (operationOf(command) !== 'BatchGetItem' || left === 0) return response;
      left -= 1;
      const { RequestItems } = command.input as { RequestItems: Record<string, { Keys: Item[] }> };
      const { Keys } = RequestItems[tableName]!;
      const { Responses } = response as { Responses: Record<string, Item[]> };
      const unread = Keys.slice(0, 7);
      return {
        Responses: {
          [tableName]: Responses[tableName]!.filter(({ pk }) =>
            unread.every((key) => key['pk']?.S !== pk?.S),
          ),
        },
        UnprocessedKeys: { [tableName]: { Keys: unread } },
      };
    };
    const { sessions } = await listOf(own, world.stores({ send } as unknown as typeof watched.client));
    expect(new Set(sessions.map(({ handle }) => handle)).size).toBe(131);
    expect(left).toBe(0);
  });

  test('are not told when the table leaves them unread for good', async () => {
    const own = await world.signedIn();
    const send = async (command: Command) =>
      operationOf(command) === 'BatchGetItem'
        ? {
            UnprocessedKeys: (command.input as { RequestItems: unknown }).RequestItems,
          }
        : watched.send(command);
    const unread = world.stores({ send } as unknown as typeof watched.client);
    await expect(unread.list(own)).rejects.toThrow(StoreUnavailable);
  });

  test.each(['Query', 'GetItem', 'BatchGetItem'])(
    'are neither listed nor ended when %s fails',
    async (operation) => {
      const [own, other] = [await world.signedIn(), await world.signedIn()];
      const { handle } = await sessionOf(other);
      await expect(failingAt(operation).list(own)).rejects.toThrow(StoreUnavailable);
      await expect(failingAt(operation).endListed(own, undefined, handle)).rejects.toThrow(StoreUnavailable);
      expect(await world.statusOf(other)).toBe('active');
    },
  );

  test('can be ended one by one, as revoked, and stay ended [ASVS-7.5.2, ASVS-7.4.1]', async () => {
    const [own, other, third] = [await world.signedIn(), await world.signedIn(), await world.signedIn()];
    const { handle } = await sessionOf(other);
    expect(await stores.endListed(own, (await sessionOf(own)).handle, handle)).toMatchObject({
      status: 'done',
      found: true,
    });
    expect(await world.statusOf(other)).toBe('revoked');
    expect(await world.statusOf(own)).toBe('active');
    expect(await world.statusOf(third)).toBe('active');
    expect((await listOf(own)).sessions).toHaveLength(2);
    expect(await stores.endListed(own, undefined, handle)).toEqual({ status: 'done', found: false });
    expect(await stores.extend(other, undefined)).toEqual({ status: 'ended', reason: 'revoked' });
  });

  test('may end themselves', async () => {
    const own = await world.signedIn();
    const { handle } = await sessionOf(own);
    expect(await stores.endListed(own, handle, handle)).toMatchObject({ status: 'done', found: true });
    expect(await world.statusOf(own)).toBe('revoked');
  });

  test('do not include another user’s: that handle is not found, and nothing ends [ASVS-7.5.2]', async () => {
    const own = await world.signedIn();
    const another = await world.signedIn({ user: ['https://am.example.nhs.uk:443/realm', 'another'] });
    for (const handle of [(await sessionOf(another)).handle, 'unknown', '', another.key]) {
      expect(await stores.endListed(own, undefined, handle)).toEqual({ status: 'done', found: false });
    }
    expect(await world.statusOf(another)).toBe('active');
  });

  test('are ended only from the session that the page believes in', async () => {
    const [own, other] = [await world.signedIn(), await world.signedIn()];
    const session = await sessionOf(own);
    expect(await stores.endListed(own, 'another', (await sessionOf(other)).handle)).toEqual({
      status: 'active',
      session,
    });
    expect(await world.statusOf(other)).toBe('active');
  });

  test('are not told to a session that is over', async () => {
    const [own, other] = [await world.signedIn(), await world.signedIn()];
    const { handle } = await sessionOf(other);
    await stores.end(own, 'signed_out', undefined);
    const over = { status: 'ended', reason: 'signed_out' };
    expect(await stores.list(own)).toEqual(over);
    expect(await stores.endListed(own, undefined, handle)).toEqual(over);
    expect(await world.statusOf(other)).toBe('active');
  });

  test('that is over for its time is written down as over when its list is asked for', async () => {
    const own = await world.signedIn();
    world.now += 900;
    expect(await stores.list(own)).toEqual({ status: 'ended', reason: 'idle' });
    expect(watched.alive).toEqual([]);
  });

  test('whose ending was done and whose response was lost counts as ended', async () => {
    const [own, other] = [await world.signedIn(), await world.signedIn()];
    const { handle } = await sessionOf(other);
    let again = true;
    // As the SDK does: it sends once more, and the condition does not hold any longer.
    const send = async (command: Command) => {
      if (operationOf(command) === 'UpdateItem' && again) {
        again = false;
        await watched.send(command);
      }
      return watched.send(command);
    };
    const retrying = world.stores({ send } as unknown as typeof watched.client);
    expect(await retrying.endListed(own, undefined, handle)).toMatchObject({ status: 'done', found: true });
  });
});

describe('the user’s index', () => {
  test('with five hundred sessions that are over is cleared by one write a sign-in, which DynamoDB takes', async () => {
    const { key } = await world.signedIn();
    const { userHash } = await itemOf({ key } as SessionCredential, 'core');
    const index = { pk: { S: `user#${userHash?.S ?? ''}` }, sk: { S: 'sessions' } };
    await watched.client.send(
      new PutItemCommand({
        TableName: tableName,
        Item: {
          ...index,
          ...Object.fromEntries(
            Array.from({ length: 500 }, (_, position) => [
              `s#${String(position).padStart(43, 'x')}`,
              { M: { signedInAt: { N: String(start) } } },
            ]),
          ),
        },
      }),
    );
    const expressions: string[] = [];
    const send = (command: Command) => {
      expressions.push((command.input['UpdateExpression'] as string | undefined) ?? '');
      return watched.send(command);
    };
    await world.signIn({ send } as unknown as typeof watched.client, { sessionsPerUser: 5 });
    const { Item } = await watched.client.send(new GetItemCommand({ TableName: tableName, Key: index }));
    expect(Object.keys(Item ?? {}).filter((name) => name.startsWith('s#'))).toHaveLength(401);
    const removing = expressions.filter((expression) => expression.startsWith('REMOVE'));
    expect(removing).toHaveLength(1);
    for (const expression of removing) expect(Buffer.byteLength(expression)).toBeLessThan(4_096);
  });
});
