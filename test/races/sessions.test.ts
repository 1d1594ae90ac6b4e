/**
 * What runs at the same time on one table: every order in which the calls of a logout by CIS2, a sign-in, an extension,
 * a role change, a sign-out and the ending of another session can be carried out, and every single call of theirs that
 * can go wrong.
 */
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { GetItemCommand, UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EpochMilliseconds } from '../../lambdas/common/index.ts';
import {
  replacementOf,
  StoreUnavailable,
  type NewSession,
  type RoleChange,
  type SessionCredential,
} from '../../lambdas/session/index.ts';
import { hashOf, tableName, type Item } from '../unit/session-fixtures.ts';
import { explore, LosingOrder, type Faults, type Race } from './explore.ts';
import { WatchedTable, World, type LogoutForm } from './world.ts';

// Thousands of runs: a machine with other work to do may need minutes for what takes seconds.
jest.setTimeout(300_000);

const watched = new WatchedTable();
const reportLines: string[] = [];
let [runsInAll, alikeInAll] = [0, 0];

afterAll(() => {
  process.stdout.write(
    `\nOrders explored: ${String(runsInAll)}, and ${String(alikeInAll)} given up as like one of them\n${reportLines.join('\n')}\n`,
  );
});

type Setting = (world: World, clientOf: (operation: string) => DynamoDBClient) => Promise<Race>;

/**
 * Explores, and holds every run to what is true of all: no session that has ended is ever alive again.
 *
 * @param atLeast - how many runs it takes: a search that finds fewer orders has lost sight of some
 */
async function everyOrder(
  setting: Setting,
  atLeast: number,
  options: { every?: boolean; faults?: Faults } = {},
): Promise<void> {
  const { runs, alike, longest } = await explore(
    watched,
    async (clientOf) => {
      const world = new World(watched);
      const { operations, check } = await setting(world, clientOf);
      return {
        operations,
        check: async (results) => {
          await check(results);
          expect(watched.revived).toEqual([]);
        },
        restore: world.snapshot(),
      };
    },
    options,
  );
  runsInAll += runs;
  alikeInAll += alike;
  reportLines.push(
    `  ${String(runs).padStart(6)} of up to ${String(longest).padStart(2)} calls: ${expect.getState().currentTestName ?? ''}`,
  );
  expect(runs).toBeGreaterThanOrEqual(atLeast);
}

const forms: readonly LogoutForm[] = ['sid', 'sub', 'sid and sub'];
const anyCall: Faults = { atMost: 1 };
const callsOf = (operation: string): Faults => ({
  atMost: 1,
  of: (call) => call.startsWith(`${operation}:`),
});

/** What an operation gave. @throws what it threw */
const valueOf = (result: PromiseSettledResult<unknown> | undefined): unknown => {
  if (result?.status !== 'fulfilled') throw new Error('an operation failed', { cause: result?.reason });
  return result.value;
};

/** The orders of chains of calls: each keeps its own, all else is free. */
const orders = (...chains: readonly number[]): number => {
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  return chains.reduce(
    (left, length) => left / factorial(length),
    factorial(chains.reduce((sum, length) => sum + length, 0)),
  );
};

const userIndexKey = (world: World): Item => ({
  pk: { S: `user#${hashOf('user', world.newSession().user)}` },
  sk: { S: 'sessions' },
});
const userIndexOf = async (world: World, client: DynamoDBClient): Promise<Item | undefined> => {
  const input = { TableName: tableName, Key: userIndexKey(world), ConsistentRead: true };
  return (await client.send(new GetItemCommand(input))).Item;
};

const over = (reason: string) => ({ status: 'ended', reason });

describe('a logout by CIS2 and a sign-in at the same time leave no session that the logout names [ASVS-7.4.1, CIS2-BCL]', () => {
  interface Around {
    readonly form: LogoutForm;
    readonly before?: number;
    readonly replacing?: boolean;
    readonly changes?: Partial<NewSession>;
  }
  const race =
    ({ form, before = 0, replacing = false, changes = {} }: Around): Setting =>
    async (world, clientOf) => {
      const sessions: SessionCredential[] = [];
      // One after the other, so that every run ends the same one.
      for (let count = before; count > 0; count -= 1) {
        sessions.push(await world.signedIn({ begunAt: (world.now - count) as EpochMilliseconds }));
      }
      const [first] = sessions;
      const replaces = replacing && first !== undefined ? replacementOf(first) : undefined;
      return {
        operations: [
          () => world.signIn(clientOf('sign-in'), { ...changes, replaces }),
          () => world.logOut(clientOf('logout'), form),
        ],
        check: async ([signIn, logout]) => {
          expect(valueOf(logout)).toMatchObject({ repeated: false });
          expect(watched.alive).toEqual([]);
          const created = valueOf(signIn) as SessionCredential | 'provider_logout';
          if (created !== 'provider_logout') expect(await world.statusOf(created)).toBe('provider_logout');
          for (const session of sessions) {
            expect(['provider_logout', 'replaced']).toContain(await world.statusOf(session));
          }
        },
      };
    };

  // Three puts side by side, two lists side by side, and between them the token and the mark.
  const atLeast = 6 * 2 * orders(5, 2);

  test('by sid, in every order of their calls', async () => {
    await everyOrder(race({ form: 'sid' }), atLeast, { every: true });
  });

  test.each([
    ['sub', 2],
    ['sid and sub', 5],
  ] as const)('by %s', async (form, runs) => {
    await everyOrder(race({ form }), runs);
  });

  test('by sub, of a sign-in for which CIS2 named no session of its own, in every order of their calls', async () => {
    const changes = { providerSession: undefined };
    await everyOrder(race({ form: 'sub', changes }), 6 * orders(4, 2), { every: true });
  });

  test('by sid and sub, of a sign-in for which CIS2 named no session of its own', async () => {
    await everyOrder(race({ form: 'sid and sub', changes: { providerSession: undefined } }), 2);
  });

  test.each([
    ['sid', 3],
    ['sub', 3],
    ['sid and sub', 7],
  ] as const)('by %s, of a sign-in that takes another’s place', async (form, runs) => {
    await everyOrder(race({ form, before: 1, replacing: true }), runs);
  });

  test('by sub, of a sign-in that ends the oldest session', async () => {
    await everyOrder(race({ form: 'sub', before: 2, changes: { sessionsPerUser: 2 } }), 7);
  });

  test('by sub, of a sign-in that counts the user’s other sessions', async () => {
    await everyOrder(race({ form: 'sub', before: 1, changes: { reportOthers: true } }), 4);
  });

  test('by sub, which comes twice at the same time', async () => {
    await everyOrder(
      (world, clientOf) =>
        Promise.resolve({
          operations: [
            () => world.signIn(clientOf('sign-in'), { providerSession: undefined }),
            () => world.logOut(clientOf('first'), 'sub'),
            () => world.logOut(clientOf('second'), 'sub'),
          ],
          check: (results) => {
            const [, first, second] = results.map((result) => valueOf(result) as { repeated: boolean });
            expect([first?.repeated, second?.repeated].sort()).toEqual([false, true]);
            expect(watched.alive).toEqual([]);
            return Promise.resolve();
          },
        }),
      20,
    );
  });

  test.each([
    ['sid', { providerSession: ['issuer', 'another'] }],
    ['sid', { providerSession: undefined }],
    ['sid and sub', { providerSession: ['issuer', 'another'] }],
  ] as const)('by %s, and leave alone the sign-in that it does not name: %j', async (form, changes) => {
    await everyOrder(async (world, clientOf) => {
      const named = await world.signedIn();
      return {
        operations: [
          () => world.signIn(clientOf('sign-in'), changes),
          () => world.logOut(clientOf('logout'), form),
        ],
        check: async ([signIn, logout]) => {
          const created = valueOf(signIn) as SessionCredential;
          expect(valueOf(logout)).toMatchObject({ ended: 1, repeated: false });
          expect(watched.alive).toEqual([created.key]);
          expect(await world.statusOf(named)).toBe('provider_logout');
        },
      };
    }, 1);
  });
});

describe('a logout by CIS2 and what the holder of the session does at the same time leave nothing alive [ASVS-7.4.1, CIS2-BCL]', () => {
  /** What the holder does to the session, to another of the same user's, or to both. */
  type Holder = (
    stores: ReturnType<World['stores']>,
    own: SessionCredential,
    handles: { own: string; other: string },
  ) => Promise<unknown>;
  const holders: Record<string, { readonly does: Holder; readonly runs: number }> = {
    extend: { does: (stores, own) => stores.extend(own, undefined), runs: 2 },
    'change the role': {
      does: (stores, own, { own: handle }) => stores.changeRole(own, '900000000702', handle, () => true),
      runs: 3,
    },
    'sign out': { does: (stores, own) => stores.end(own, 'signed_out', undefined), runs: 3 },
    read: { does: (stores, own) => stores.read(own), runs: 2 },
    'list the sessions': { does: (stores, own) => stores.list(own), runs: 5 },
    'end another session': {
      does: (stores, own, { own: handle, other }) => stores.endListed(own, handle, other),
      runs: 8,
    },
  };
  const handleOf = async (world: World, credential: SessionCredential): Promise<string> => {
    const state = await world.stores().read(credential);
    if (state.status !== 'active') throw new Error('not active');
    return state.session.handle;
  };

  const race =
    (name: string, form: LogoutForm, { mayFail = false } = {}): Setting =>
    async (world, clientOf) => {
      const own = await world.signedIn();
      const other = await world.signedIn();
      const handles = { own: await handleOf(world, own), other: await handleOf(world, other) };
      return {
        operations: [
          () => holders[name]!.does(world.stores(clientOf('holder')), own, handles),
          () => world.logOut(clientOf('logout'), form),
        ],
        check: async ([operation, logout]) => {
          if (mayFail && logout?.status === 'rejected') await world.logOut(watched.client, form);
          expect(watched.alive).toEqual([]);
          if (mayFail) return;
          const did = valueOf(operation);
          const { ended } = valueOf(logout) as { ended: number };
          const [ofOwn, ofOther] = [await world.statusOf(own), await world.statusOf(other)];
          if (name === 'sign out') {
            expect([ofOwn, ended]).toEqual(did !== false ? ['signed_out', 1] : ['provider_logout', 2]);
          } else if (name === 'end another session' && ofOther === 'revoked') {
            expect(did).toMatchObject({ status: 'done', found: true });
            expect([ofOwn, ended]).toEqual(['provider_logout', 1]);
          } else if (name === 'change the role' && ofOwn === 'replaced') {
            const change = did as RoleChange;
            if (change.status !== 'changed') throw new Error('replaced by nothing');
            expect([await world.statusOf(change.credential), ended]).toEqual(['provider_logout', 2]);
          } else {
            expect([ofOwn, ofOther, ended]).toEqual(['provider_logout', 'provider_logout', 2]);
          }
        },
      };
    };

  describe.each(forms)('by %s', (form) => {
    test.each(Object.keys(holders))('%s', async (name) => {
      await everyOrder(race(name, form), holders[name]!.runs);
    });
  });

  test.each(Object.keys(holders))('%s, whichever call goes wrong', async (name) => {
    await everyOrder(race(name, 'sid', { mayFail: true }), 10 * holders[name]!.runs, { faults: anyCall });
  });
});

describe('a logout by CIS2 of which a call goes wrong', () => {
  test.each(forms)(
    'by %s, never reports that it is done while something lives, and its repetition finishes it [ASVS-7.4.1, CIS2-BCL]',
    async (form) => {
      await everyOrder(
        async (world, clientOf) => {
          const before = await world.signedIn();
          return {
            operations: [
              () => world.signIn(clientOf('sign-in')),
              () => world.logOut(clientOf('logout'), form),
            ],
            check: async ([signIn, logout]) => {
              if (logout?.status === 'rejected') {
                expect(logout.reason).toBeInstanceOf(StoreUnavailable);
                world.now += 10;
                await world.logOut(watched.client, form);
              }
              expect(watched.alive).toEqual([]);
              expect(await world.statusOf(before)).toBe('provider_logout');
              expect(signIn?.status).toBe('fulfilled');
            },
          };
        },
        22,
        { faults: callsOf('logout') },
      );
    },
  );

  test('ends nothing, when it is repeated, that began after it first arrived [L-06]', async () => {
    await everyOrder(
      async (world, clientOf) => {
        const before = await world.signedIn();
        return {
          operations: [() => world.logOut(clientOf('logout'), 'sub')],
          check: async ([logout]) => {
            world.now += 10;
            // Had nothing been written of it, it arrives only now, and the sign-in below began too early.
            await world.logOut(watched.client, 'sub');
            world.now += 10;
            const later = await world.signedIn();
            const repeated = await world.logOut(watched.client, 'sub');
            expect(repeated).toMatchObject({ ended: 0, repeated: true });
            expect(watched.alive).toEqual([later.key]);
            expect(await world.statusOf(before)).toBe('provider_logout');
            if (logout?.status === 'rejected') expect(logout.reason).toBeInstanceOf(StoreUnavailable);
          },
        };
      },
      1 + 3 * 3,
      { faults: anyCall },
    );
  });

  test.each(['sid', 'sub'] as const)(
    'by %s, or of a sign-in of which one does, leaves nothing alive once it is done [ASVS-7.4.1, CIS2-BCL]',
    async (form) => {
      await everyOrder(
        (world, clientOf) =>
          Promise.resolve({
            operations: [
              () => world.signIn(clientOf('sign-in')),
              () => world.logOut(clientOf('logout'), form),
            ],
            check: async ([, logout]) => {
              if (logout?.status === 'rejected') await world.logOut(watched.client, form);
              expect(watched.alive).toEqual([]);
            },
          }),
        50,
        { faults: anyCall },
      );
    },
  );
});

describe('the same logout token again [L-06]', () => {
  const another = ['issuer', 'another'];
  test.each([
    ['sub', {}],
    ['sid', { providerSession: another }],
    ['sid', { providerSession: undefined }],
    ['sid and sub', { providerSession: another }],
    ['sid and sub', { providerSession: undefined }],
  ] as const)('by %s, while the user signs in anew (%j): the new session lives', async (form, changes) => {
    await everyOrder(async (world, clientOf) => {
      const before = await world.signedIn();
      await world.logOut(watched.client, form);
      world.now += 1;
      return {
        operations: [
          () => world.signIn(clientOf('sign-in'), changes),
          () => world.logOut(clientOf('logout'), form),
        ],
        check: async ([signIn, logout]) => {
          expect(valueOf(logout)).toMatchObject({ ended: 0, repeated: true });
          expect(watched.alive).toEqual([(valueOf(signIn) as SessionCredential).key]);
          expect(await world.statusOf(before)).toBe('provider_logout');
        },
      };
    }, 1);
  });
});

describe('a role change', () => {
  const roles = ['900000000701', '900000000702'];
  const change = (world: World, client: DynamoDBClient, credential: SessionCredential, role = 1) =>
    world.stores(client).changeRole(credential, roles[role]!, undefined, () => true);

  test.each([2, 3])('of %d at the same time is made once, and the others are told', async (many) => {
    await everyOrder(
      async (world, clientOf) => {
        const before = await world.signedIn();
        return {
          operations: Array.from(
            { length: many },
            (_, position) => () =>
              change(world, clientOf(`change ${String(position)}`), before, position % 2),
          ),
          check: async (results) => {
            const changes = results.map((result) => valueOf(result) as RoleChange);
            const made = changes.filter((one) => one.status === 'changed');
            expect(made).toHaveLength(1);
            for (const other of changes.filter((one) => one.status !== 'changed')) {
              expect(other).toEqual(over('replaced'));
            }
            const [winner] = made;
            expect(await world.stores().read(winner!.credential)).toEqual({
              status: 'active',
              session: winner!.session,
            });
            expect(await world.statusOf(before)).toBe('replaced');
            expect(watched.alive).toEqual([before.key]);
          },
        };
      },
      // Each reads, then writes; whoever loses reads once more.
      many === 2 ? 4 : 27,
    );
  });

  test('beside an extension and a sign-out of the same cookie: what the sign-out did stands [ASVS-7.4.1]', async () => {
    await everyOrder(async (world, clientOf) => {
      const before = await world.signedIn();
      return {
        operations: [
          () => change(world, clientOf('change'), before),
          () => world.stores(clientOf('extend')).extend(before, undefined),
          () => world.stores(clientOf('end')).end(before, 'signed_out', undefined),
        ],
        check: async ([changed, extended, ended]) => {
          const made = valueOf(changed) as RoleChange;
          const state = valueOf(extended) as { status: string };
          if (valueOf(ended) !== false) {
            expect(watched.alive).toEqual([]);
            expect(made).toEqual(over('signed_out'));
            expect(await world.statusOf(before)).toBe('signed_out');
          } else {
            // The sign-out came with a cookie that was replaced already: it ends nothing.
            if (made.status !== 'changed') throw new Error('neither changed nor ended');
            expect(watched.alive).toEqual([before.key]);
            expect(await world.statusOf(made.credential)).toBe('active');
            expect(await world.statusOf(before)).toBe('replaced');
          }
          if (state.status !== 'active') expect(state.status).toBe('ended');
        },
      };
    }, 51);
  });

  test('beside a sign-in that was begun under the old cookie: the session is replaced all the same', async () => {
    await everyOrder(async (world, clientOf) => {
      const before = await world.signedIn();
      return {
        operations: [
          () => change(world, clientOf('change'), before),
          () => world.signIn(clientOf('sign-in'), { replaces: replacementOf(before) }),
        ],
        check: async ([changed, signIn]) => {
          const made = valueOf(changed) as RoleChange;
          const created = valueOf(signIn) as SessionCredential;
          expect(watched.alive).toEqual([created.key]);
          expect(await world.statusOf(before)).toBe('replaced');
          if (made.status === 'changed') expect(await world.statusOf(made.credential)).toBe('replaced');
          else expect(made).toEqual(over('replaced'));
        },
      };
    }, 3);
  });

  test('beside the ending of that session from another: either it is over, or it goes on under a new name', async () => {
    await everyOrder(async (world, clientOf) => {
      const [own, other] = [await world.signedIn(), await world.signedIn()];
      const state = await world.stores().read(other);
      if (state.status !== 'active') throw new Error('not active');
      return {
        operations: [
          () => change(world, clientOf('change'), other),
          () => world.stores(clientOf('end')).endListed(own, undefined, state.session.handle),
        ],
        check: async ([changed, ended]) => {
          const made = valueOf(changed) as RoleChange;
          if (made.status === 'changed') {
            expect(valueOf(ended)).toEqual({ status: 'done', found: false });
            expect(await world.statusOf(made.credential)).toBe('active');
            expect(watched.alive).toHaveLength(2);
          } else {
            expect(valueOf(ended)).toMatchObject({ status: 'done', found: true });
            expect(made).toEqual(over('revoked'));
            expect(watched.alive).toEqual([own.key]);
          }
        },
      };
    }, 6);
  });

  test('of which a call goes wrong, beside an extension, leaves one cookie that works, and its holder has it', async () => {
    await everyOrder(
      async (world, clientOf) => {
        const before = await world.signedIn();
        return {
          operations: [
            () => change(world, clientOf('change'), before),
            () => world.stores(clientOf('extend')).extend(before, undefined),
          ],
          check: async ([changed]) => {
            expect(watched.alive).toEqual([before.key]);
            if (changed?.status === 'rejected') {
              expect(changed.reason).toBeInstanceOf(StoreUnavailable);
              expect(await world.statusOf(before)).toBe('active');
              return;
            }
            const made = changed?.value as RoleChange;
            if (made.status !== 'changed') throw new Error('neither changed nor failed');
            expect(await world.statusOf(made.credential)).toBe('active');
            expect(await world.statusOf(before)).toBe('replaced');
          },
        };
      },
      23,
      { faults: callsOf('change') },
    );
  });

  test('beside a sign-in and a logout by sub: nothing is alive [ASVS-7.4.1, CIS2-BCL]', async () => {
    await everyOrder(async (world, clientOf) => {
      const before = await world.signedIn();
      return {
        operations: [
          () => change(world, clientOf('change'), before),
          () => world.signIn(clientOf('sign-in'), { providerSession: undefined }),
          () => world.logOut(clientOf('logout'), 'sub'),
        ],
        check: (results) => {
          results.map(valueOf);
          expect(watched.alive).toEqual([]);
          return Promise.resolve();
        },
      };
    }, 6);
  });
});

test.each(['extend', 'read'] as const)(
  'a sign-out beside an extension and another call (%s) ends the session, and nobody is told that it never was',
  async (another) => {
    await everyOrder(async (world, clientOf) => {
      const session = await world.signedIn();
      return {
        operations: [
          () => world.stores(clientOf('end')).end(session, 'signed_out', undefined),
          () => world.stores(clientOf('extend')).extend(session, undefined),
          () => world.stores(clientOf('another'))[another](session, undefined),
        ],
        check: async ([ended, ...others]) => {
          expect(valueOf(ended)).not.toBe(false);
          for (const state of others.map((other) => valueOf(other) as { status: string })) {
            if (state.status !== 'active') expect(state).toEqual(over('signed_out'));
          }
          expect(await world.statusOf(session)).toBe('signed_out');
          const listed = Object.keys((await userIndexOf(world, watched.client)) ?? {});
          expect(listed).not.toContain(`s#${session.key}`);
        },
      };
    }, 6);
  },
);

describe('sign-ins at the same time', () => {
  test('that take the place of the same session both succeed, and it is replaced', async () => {
    await everyOrder(async (world, clientOf) => {
      const before = await world.signedIn();
      const replaces = replacementOf(before);
      return {
        operations: ['one', 'two'].map((name) => () => world.signIn(clientOf(name), { replaces })),
        check: async (results) => {
          const created = results.map((result) => (valueOf(result) as SessionCredential).key);
          expect([...watched.alive].sort()).toEqual(created.sort());
          expect(await world.statusOf(before)).toBe('replaced');
        },
      };
    }, 8);
  });

  test('of a user who may have one session leave one', async () => {
    await everyOrder(
      (world, clientOf) =>
        Promise.resolve({
          operations: ['one', 'two'].map(
            (name) => () => world.signIn(clientOf(name), { sessionsPerUser: 1, providerSession: undefined }),
          ),
          check: (results) => {
            results.map(valueOf);
            expect(watched.alive).toHaveLength(1);
            return Promise.resolve();
          },
        }),
      2,
    );
  });

  test('of which a call goes wrong leave no session that nobody has the cookie of', async () => {
    await everyOrder(
      async (world, clientOf) => {
        const before = await world.signedIn();
        return {
          operations: [() => world.signIn(clientOf('sign-in'), { replaces: replacementOf(before) })],
          check: ([signIn]) => {
            if (signIn?.status === 'fulfilled') {
              expect(watched.alive).toEqual([(signIn.value as SessionCredential).key]);
            } else {
              expect(signIn?.reason).toBeInstanceOf(StoreUnavailable);
              expect([before.key]).toEqual(expect.arrayContaining([...watched.alive]));
            }
            return Promise.resolve();
          },
        };
      },
      1 + 5 * 3,
      { faults: anyCall },
    );
  });
});

describe('the search', () => {
  test('finds the order in which a session outlives a logout that ends first and marks afterwards', async () => {
    const wrongLogout = async (world: World, client: DynamoDBClient): Promise<void> => {
      for (const name of Object.keys((await userIndexOf(world, client)) ?? {}).filter((attribute) =>
        attribute.startsWith('s#'),
      )) {
        await client.send(
          new UpdateItemCommand({
            TableName: tableName,
            Key: { pk: { S: `session#${name.slice(2)}` }, sk: { S: 'core' } },
            UpdateExpression: 'SET #state = :ended',
            ExpressionAttributeNames: { '#state': 'state' },
            ExpressionAttributeValues: { ':ended': { S: 'ended' } },
          }),
        );
      }
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: userIndexKey(world),
          UpdateExpression: 'SET endedAt = :now',
          ExpressionAttributeValues: { ':now': { N: String(world.now) } },
        }),
      );
    };
    const failure = await explore(watched, (clientOf) => {
      const world = new World(watched);
      return Promise.resolve({
        operations: [
          () => world.signIn(clientOf('sign-in'), { providerSession: undefined }),
          () => wrongLogout(world, clientOf('logout')),
        ],
        check: () => {
          expect(watched.alive).toEqual([]);
          return Promise.resolve();
        },
      });
    }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LosingOrder);
    expect(String(failure)).toMatch(
      /logout: GetItem user[^]*sign-in: UpdateItem user[^]*logout: UpdateItem user/,
    );
  });
});
