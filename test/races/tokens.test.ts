/**
 * Calls of one session that need a token at the same moment, beside whatever else can happen to it: every order in which
 * their calls to the table and to the platform can be carried out, and a holder of the lease that dies at any of them.
 */
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { StepUpRequired, TokenUnavailable, type AccessToken } from '../../lambdas/api/tokens/index.ts';
import { userTokensFrom } from '../../lambdas/api/tokens/user-tokens.ts';
import { Secret, type EpochSeconds, type EpochMilliseconds } from '../../lambdas/common/index.ts';
import {
  createProxyStore,
  leaseMs,
  SessionGone,
  StoreUnavailable,
  type IssuedTokens,
  type ProxySession,
  type SessionCredential,
} from '../../lambdas/session/index.ts';
import { limits, tableName } from '../unit/session-fixtures.ts';
import type { Command } from './embedded-table.ts';
import { explore, type Faults, type Race } from './explore.ts';
import { WatchedTable, World } from './world.ts';

jest.setTimeout(300_000);

const audience = 'api-platform';
const reportLines: string[] = [];
const watched = new WatchedTable();
afterAll(() => {
  process.stdout.write(`\nOrders of calls for tokens:\n${reportLines.join('\n')}\n`);
});

/** A call that is no call to the table; its place in the order is explored all the same. */
const command = (name: string, pk: string, act: () => unknown): Command => {
  const made = { input: { Key: { pk: { S: pk }, sk: { S: 'none' } } }, act };
  Object.defineProperty(made, 'constructor', { value: { name: `${name}Command` } });
  return made;
};
/** The table and everything else that calls go to. */
const everything = {
  send: (sent: Command): Promise<unknown> =>
    'act' in sent ? Promise.resolve().then(sent.act as () => unknown) : watched.send(sent),
};
/** Does at once whatever is sent. */
const direct = { send: (sent: Command) => everything.send(sent) } as unknown as DynamoDBClient;

class Platform {
  readonly #owners = new Map<string, string>();
  readonly #refreshTokens = new Map<string, string>();
  #issued = 0;
  /** Refresh tokens and ID tokens, in the order in which they came. */
  readonly spent: string[] = [];
  reused = 0;

  ownerOf({ value }: AccessToken): string | undefined {
    return this.#owners.get(value.expose());
  }

  exchange(idToken: string, now: number): IssuedTokens {
    this.spent.push(idToken);
    return this.#issue(idToken, now);
  }

  refresh(refreshToken: string, now: number): IssuedTokens {
    const owner = this.#refreshTokens.get(refreshToken);
    if (owner === undefined) {
      this.reused += 1;
      throw new TokenUnavailable('invalid_grant');
    }
    this.#refreshTokens.delete(refreshToken);
    this.spent.push(refreshToken);
    return this.#issue(owner, now);
  }

  #issue(owner: string, now: number): IssuedTokens {
    const name = `${owner} ${String((this.#issued += 1))}`;
    this.#owners.set(`access ${name}`, owner);
    this.#refreshTokens.set(`refresh ${name}`, owner);
    return {
      accessToken: new Secret(`access ${name}`),
      issuedAt: now as EpochSeconds,
      expiresAt: (now + 599) as EpochSeconds,
      refreshToken: new Secret(`refresh ${name}`),
      refreshTokenExpiresAt: (now + 43_199) as EpochSeconds,
    };
  }
}

/** A caller that stops for good at one of its calls, before or after that is carried out. */
const mortal = (
  client: DynamoDBClient,
  diesAt: number,
  carriedOut: boolean,
): { client: DynamoDBClient; orDead: <T>(work: Promise<T>) => Promise<T | 'dead'> } => {
  let [calls, die] = [0, (): void => undefined];
  const dead = new Promise<'dead'>((resolve) => {
    die = () => {
      resolve('dead');
    };
  });
  const forever = new Promise<never>(() => undefined);
  const send = async (sent: Command): Promise<unknown> => {
    calls += 1;
    if (calls < diesAt) return client.send(sent as never);
    if (calls === diesAt && carriedOut) await client.send(sent as never).catch(() => undefined);
    die();
    return forever;
  };
  return {
    client: { send } as unknown as DynamoDBClient,
    orDead: (work) => Promise.race([work, dead]),
  };
};

/** One session whose token is at its end, and a platform. */
class Setting {
  readonly world = new World(watched);
  readonly platform = new Platform();
  /** What time a pause takes, in milliseconds. */
  pauseMs = 0;
  #nowMs = this.world.now * 1_000;

  get now(): number {
    return this.world.now;
  }

  pass(seconds: number): void {
    this.world.now += seconds;
    this.#nowMs += seconds * 1_000;
  }

  #options(client: DynamoDBClient) {
    return {
      ...{ client, tableName, limits, callsPerWindow: 600 },
      clock: () => this.world.now as EpochSeconds,
      preciseClock: () => this.#nowMs as EpochMilliseconds,
    };
  }

  async open(credential: SessionCredential, client = direct): Promise<ProxySession> {
    const state = await createProxyStore(this.#options(client)).open(credential, {
      ...{ handle: undefined, activity: true, profile: false, audience },
    });
    if (state.status !== 'active') throw new Error(`not active: ${state.status}`);
    return state.session;
  }

  /**
   * One instance. Each of its callers looks again so many times at most before it has no time left; then it is over.
   */
  instance(client: DynamoDBClient, maxReads = 1, random = 0) {
    const call = async (sent: Command): Promise<IssuedTokens> =>
      (await client.send(sent as never)) as unknown as IssuedTokens;
    const failing = (error: unknown): never => {
      throw error instanceof TokenUnavailable ? error : new TokenUnavailable('unreachable');
    };
    const at = (name: string, act: () => unknown) => call(command(name, 'platform#one', act)).catch(failing);
    return (session: Pick<ProxySession, 'tokens'>, refused?: AccessToken): Promise<AccessToken> => {
      const deadline = new AbortController();
      let left = maxReads;
      const tokens = userTokensFrom({
        endpoint: {
          exchange: (idToken) =>
            at('Exchange', () => this.platform.exchange(idToken.expose(), this.world.now)),
          refresh: (refreshToken) =>
            at('Refresh', () => this.platform.refresh(refreshToken.expose(), this.world.now)),
        },
        clock: () => this.world.now as EpochSeconds,
        log: () => undefined,
        random: () => random,
        pause: async () => {
          if (left === 0) deadline.abort();
          left -= 1;
          await client.send(
            command('Wait', 'clock', () => {
              this.#nowMs += this.pauseMs;
            }) as never,
          );
        },
      });
      return tokens.forCall(session, audience, deadline.signal, refused);
    };
  }

  /** A session with a token that has come to its end. */
  async expired(): Promise<{ credential: SessionCredential; first: AccessToken }> {
    const credential = await this.world.signedIn();
    const first = await this.instance(direct)(await this.open(credential));
    this.pass(595);
    return { credential, first };
  }

  /**
   * A call that has opened its session when the race begins: only what comes then goes through `client`.
   *
   * @param looks - see `instance`
   */
  async caller(
    client: DynamoDBClient,
    credential: SessionCredential,
    looks: number,
    { random = 0, refused }: { random?: number; refused?: AccessToken } = {},
  ): Promise<() => Promise<AccessToken>> {
    let through = direct;
    const session = await this.open(credential, {
      send: (sent: Command) => through.send(sent as never),
    } as unknown as DynamoDBClient);
    through = client;
    return () => this.instance(client, looks, random)(session, refused);
  }

  /** Opens the session and gets a token, as one call does. */
  async call(client: DynamoDBClient, credential: SessionCredential, looks?: number): Promise<AccessToken> {
    const session = await this.open(credential, client);
    return this.instance(client, looks)(session);
  }
}

type Around = (setting: Setting, clientOf: (operation: string) => DynamoDBClient) => Promise<Race>;

async function everyOrder(around: Around, atLeast: number, faults?: Faults): Promise<void> {
  const { runs, alike, longest } = await explore(
    everything,
    async (clientOf) => {
      const setting = new Setting();
      const { operations, check } = await around(setting, clientOf);
      return {
        operations,
        check: async (results) => {
          await check(results);
          expect(watched.revived).toEqual([]);
          expect(watched.storedLate).toEqual([]);
          // No refresh token is ever spent twice.
          const { spent } = setting.platform;
          const refreshed = spent.filter((token) => token.startsWith('refresh'));
          expect(new Set(refreshed).size).toBe(refreshed.length);
        },
      };
    },
    faults === undefined ? {} : { faults },
  );
  reportLines.push(
    `  ${String(runs).padStart(6)} and ${String(alike)} alike, of up to ${String(longest)} calls: ${expect.getState().currentTestName ?? ''}`,
  );
  expect(runs).toBeGreaterThanOrEqual(atLeast);
}

/** Any but a pause, which is none. */
const anyCall: Faults = { atMost: 1, of: (call) => !call.includes('Wait') };

type Result = PromiseSettledResult<unknown> | undefined;
const failureOf = (result: Result): unknown => (result?.status === 'rejected' ? result.reason : undefined);
const tokenOf = (result: Result): AccessToken | undefined =>
  result?.status === 'fulfilled' && result.value !== 'dead' ? (result.value as AccessToken) : undefined;

/** That what calls got is this user's, and that what they failed with is what they may fail with. */
const expectAllowed = (
  setting: Setting,
  results: readonly Result[],
  failures: readonly (abstract new (...parameters: never[]) => Error)[],
): void => {
  for (const result of results) {
    const token = tokenOf(result);
    if (token !== undefined) expect(setting.platform.ownerOf(token)).toBe('the-id-token');
    const failure = failureOf(result);
    if (failure !== undefined && !failures.some((kind) => failure instanceof kind)) {
      throw new Error('not a failure that may be', { cause: failure });
    }
  }
};

/** That the session goes on: the next call has a living token, with one token call at most. */
const expectGoesOn = async (setting: Setting, credential: SessionCredential): Promise<void> => {
  setting.pass(leaseMs / 1_000);
  const before = setting.platform.spent.length;
  const token = await setting.call(direct, credential);
  expect(setting.platform.ownerOf(token)).toBe('the-id-token');
  expect(setting.platform.spent.length - before).toBeLessThanOrEqual(1);
};

describe('calls that meet a token at its end', () => {
  test('are two: the platform is asked once, and nobody is refused [S-14]', async () => {
    await everyOrder(async (setting, clientOf) => {
      const { credential } = await setting.expired();
      return {
        operations: [
          await setting.caller(clientOf('one'), credential, 2),
          await setting.caller(clientOf('two'), credential, 2),
        ],
        check: async (results) => {
          expectAllowed(setting, results, [TokenUnavailable]);
          expect(setting.platform.spent).toHaveLength(2);
          expect(setting.platform.reused).toBe(0);
          expect(results.some((result) => tokenOf(result) !== undefined)).toBe(true);
          await expectGoesOn(setting, credential);
          expect(setting.platform.spent).toHaveLength(2);
        },
      };
    }, 8);
  });

  test('are three: the platform is asked once [S-14]', async () => {
    await everyOrder(async (setting, clientOf) => {
      const { credential } = await setting.expired();
      const callers = ['one', 'two', 'three'].map((name) => setting.caller(clientOf(name), credential, 0));
      return {
        operations: await Promise.all(callers),
        check: async (results) => {
          expectAllowed(setting, results, [TokenUnavailable]);
          expect(setting.platform.spent).toHaveLength(2);
          expect(setting.platform.reused).toBe(0);
          await expectGoesOn(setting, credential);
        },
      };
    }, 36);
  });

  test('are two, one of which opens its session meanwhile', async () => {
    await everyOrder(async (setting, clientOf) => {
      const { credential } = await setting.expired();
      return {
        operations: [
          await setting.caller(clientOf('call'), credential, 1),
          () => setting.call(clientOf('other'), credential, 1),
        ],
        check: async (results) => {
          expectAllowed(setting, results, [TokenUnavailable]);
          expect(setting.platform.spent).toHaveLength(2);
          await expectGoesOn(setting, credential);
        },
      };
    }, 9);
  });

  test('are two that had it refused: the platform is asked once', async () => {
    await everyOrder(async (setting, clientOf) => {
      const { credential, first } = await setting.expired();
      setting.pass(-500);
      return {
        operations: [
          await setting.caller(clientOf('one'), credential, 1, { refused: first }),
          await setting.caller(clientOf('two'), credential, 1, { refused: first }),
        ],
        check: (results) => {
          expectAllowed(setting, results, [TokenUnavailable]);
          expect(setting.platform.spent).toHaveLength(2);
          for (const result of results) {
            const token = tokenOf(result);
            if (token !== undefined) expect(token.generation).toBeGreaterThan(first.generation);
          }
          return Promise.resolve();
        },
      };
    }, 12);
  });

  test('are two, when it is near its end only: both have a token, whatever happens', async () => {
    await everyOrder(
      async (setting, clientOf) => {
        const { credential } = await setting.expired();
        setting.pass(-20);
        return {
          operations: [
            await setting.caller(clientOf('one'), credential, 0, { random: 0.999 }),
            await setting.caller(clientOf('two'), credential, 0, { random: 0.999 }),
          ],
          check: async (results) => {
            expectAllowed(setting, results, []);
            await expectGoesOn(setting, credential);
          },
        };
      },
      20,
      anyCall,
    );
  });

  test('are two first ones: one exchange', async () => {
    await everyOrder(async (setting, clientOf) => {
      const credential = await setting.world.signedIn();
      return {
        operations: [
          await setting.caller(clientOf('one'), credential, 1),
          await setting.caller(clientOf('two'), credential, 1),
        ],
        check: (results) => {
          expectAllowed(setting, results, [TokenUnavailable]);
          expect(setting.platform.spent).toEqual(['the-id-token']);
          return Promise.resolve();
        },
      };
    }, 6);
  });
});

describe('a refresh beside the end of its session stores no token after it [ASVS-7.4.1]', () => {
  const ends: Readonly<
    Record<
      string,
      (setting: Setting, client: DynamoDBClient, credential: SessionCredential) => Promise<unknown>
    >
  > = {
    'a sign-out': (setting, client, credential) =>
      setting.world.stores(client).end(credential, 'signed_out', undefined),
    'a logout by CIS2': (setting, client) => setting.world.logOut(client, 'sid and sub'),
  };

  test.each(Object.keys(ends))('%s', async (name) => {
    await everyOrder(async (setting, clientOf) => {
      const { credential } = await setting.expired();
      const session = await setting.open(credential);
      return {
        operations: [
          await setting.caller(clientOf('one'), credential, 0),
          await setting.caller(clientOf('two'), credential, 0),
          () => ends[name]!(setting, clientOf('end'), credential),
        ],
        check: async ([one, two, ended]) => {
          if (failureOf(ended) !== undefined) throw failureOf(ended);
          expectAllowed(setting, [one, two], [SessionGone, TokenUnavailable]);
          expect(watched.alive).toEqual([]);
          await expect(setting.call(direct, credential)).rejects.toThrow(/not active/);
          await expect(session.tokens.read(audience)).rejects.toThrow(SessionGone);
        },
      };
    }, 22);
  });
});

describe('a refresh beside a change of role', () => {
  test('loses nothing: the new cookie has the tokens, and the old one has none of its own', async () => {
    await everyOrder(async (setting, clientOf) => {
      const { credential } = await setting.expired();
      const changed: SessionCredential[] = [];
      return {
        operations: [
          await setting.caller(clientOf('call'), credential, 1),
          async () => {
            const change = await setting.world
              .stores(clientOf('change'))
              .changeRole(credential, '900000000702', undefined, () => true);
            if (change.status === 'changed') changed.push(change.credential);
          },
        ],
        check: async ([call, change]) => {
          if (failureOf(change) !== undefined) throw failureOf(change);
          expect(tokenOf(call)).toBeDefined();
          expect(setting.platform.spent).toHaveLength(2);
          await expectGoesOn(setting, changed[0]!);
          expect(setting.platform.spent).toHaveLength(2);
        },
      };
    }, 5);
  });
});

describe('a holder of the lease that dies', () => {
  // The lease, the platform, and the tokens.
  const deaths = [1, 2, 3].flatMap((call) => [
    [call, false],
    [call, true],
  ]) as [number, boolean][];

  test.each(deaths)(
    'at its call %d (carried out: %p) keeps nobody from a token for longer than its lease',
    async (call, carriedOut) => {
      await everyOrder(
        async (setting, clientOf) => {
          const { credential } = await setting.expired();
          const { client, orDead } = mortal(clientOf('dying'), call, carriedOut);
          const dying = await setting.caller(client, credential, 0);
          return {
            operations: [() => orDead(dying()), await setting.caller(clientOf('other'), credential, 1)],
            check: async (results) => {
              expectAllowed(setting, results, [TokenUnavailable]);
              // While it lives, and while its lease lasts, nobody else asks.
              expect(setting.platform.reused).toBe(0);
              setting.pass(leaseMs / 1_000);
              const token = await setting.call(direct, credential);
              expect(setting.platform.ownerOf(token)).toBe('the-id-token');
            },
          };
        },
        call === 1 && !carriedOut ? 1 : 3,
      );
    },
  );
});

describe('a holder of the lease that is slower than it', () => {
  test('and another that takes it over leave tokens that work, and end no session', async () => {
    await everyOrder(async (setting, clientOf) => {
      const { credential } = await setting.expired();
      setting.pauseMs = leaseMs;
      return {
        operations: [
          await setting.caller(clientOf('one'), credential, 1),
          await setting.caller(clientOf('two'), credential, 1),
        ],
        check: async (results) => {
          expectAllowed(setting, results, [TokenUnavailable]);
          const { generation } = (await setting.open(credential)).tokens.seen(audience);
          // What counts never goes back.
          for (const result of results) {
            expect(tokenOf(result)?.generation ?? 0).toBeLessThanOrEqual(generation);
          }
          await expectGoesOn(setting, credential);
        },
      };
    }, 18);
  });

  test('leaves its tokens to the one that finds the refresh token spent by it', async () => {
    const setting = new Setting();
    const { credential } = await setting.expired();
    const { tokens: ofSlow } = await setting.open(credential);
    const slow = await ofSlow.lease(audience, ofSlow.seen(audience));
    const issued = setting.platform.exchange('the-id-token', setting.now);
    setting.pass(leaseMs / 1_000);
    const exchanges = setting.platform.spent.length;
    const tokens = userTokensFrom({
      endpoint: {
        refresh: async () => {
          expect(await slow?.store(issued)).toBe(2);
          throw new TokenUnavailable('invalid_grant');
        },
        exchange: () => Promise.reject(new TokenUnavailable('server_error')),
      },
      clock: () => setting.now as EpochSeconds,
      log: () => undefined,
    });
    const session = await setting.open(credential);
    const token = await tokens.forCall(session, audience, new AbortController().signal);
    expect(token.value.expose()).toBe(issued.accessToken.expose());
    expect(setting.platform.spent).toHaveLength(exchanges);
    expect((await session.tokens.read(audience)).generation).toBe(token.generation);
  });
});

describe('calls of which one goes wrong', () => {
  test('at the table or at the platform end no session, and another call has a token [B-20, S-15]', async () => {
    await everyOrder(
      async (setting, clientOf) => {
        const { credential } = await setting.expired();
        return {
          operations: [
            await setting.caller(clientOf('one'), credential, 0),
            await setting.caller(clientOf('two'), credential, 0),
          ],
          check: async (results) => {
            expectAllowed(setting, results, [TokenUnavailable, StoreUnavailable]);
            expect(watched.alive).toEqual([credential.key]);
            await expectGoesOn(setting, credential);
          },
        };
      },
      54,
      anyCall,
    );
  });

  test('leave the person to sign in again where a refresh token is lost for good, and ask no more [S-15]', async () => {
    await everyOrder(
      async (setting, clientOf) => {
        const { credential } = await setting.expired();
        for (let turn = 0; turn < 6; turn += 1) {
          await setting.call(direct, credential);
          setting.pass(599);
        }
        const before = setting.platform.spent.length;
        return {
          operations: [await setting.caller(clientOf('call'), credential, 0)],
          check: async ([result]) => {
            expectAllowed(setting, [result], [TokenUnavailable, StoreUnavailable, StepUpRequired]);
            setting.pass(leaseMs / 1_000);
            const again = await setting.call(direct, credential).catch((error: unknown) => error);
            if (again instanceof Error) {
              expect(again).toBeInstanceOf(StepUpRequired);
              expect(setting.platform.spent.length - before).toBe(1);
            }
            const { reused } = setting.platform;
            await setting.call(direct, credential).catch(() => undefined);
            expect(setting.platform.reused).toBe(reused);
            expect(watched.alive).toEqual([credential.key]);
          },
        };
      },
      10,
      anyCall,
    );
  });
});
