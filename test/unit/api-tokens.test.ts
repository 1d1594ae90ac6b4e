/** A user's tokens, from a token endpoint that is strict and may fail in every way. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { inspect } from 'node:util';
import {
  ApplicationUnavailable,
  createUserTokens,
  currentApplication,
  loadApplication,
  StepUpRequired,
  TokenUnavailable,
  type AccessToken,
  type Application,
  type UserTokens,
} from '../../lambdas/api/tokens/index.ts';
import {
  Secret,
  type AssertionSigner,
  type EpochSeconds,
  type EpochMilliseconds,
  type SignInTokens,
} from '../../lambdas/common/index.ts';
import {
  createProxyStore,
  createSessionStore,
  createSignInStore,
  leaseMs,
  SessionGone,
  StoreUnavailable,
  type ProxySession,
  type SessionCredential,
} from '../../lambdas/session/index.ts';
import { EmbeddedTable, operationOf, type Command } from '../races/embedded-table.ts';
import { apiKey, TokenPlatform, type Fault } from './api-tokens-platform.ts';
import {
  identified,
  limits,
  newSession,
  sessionTable,
  signIn,
  signInTokens,
  start,
  tableName,
} from './session-fixtures.ts';

const audience = 'api-platform';

const embedded = new EmbeddedTable(sessionTable);
let platform: TokenPlatform;
let signer: AssertionSigner;
let now = start;
let nowMs = start * 1_000;
let users = 0;
const logged: string[] = [];

beforeAll(async () => {
  platform = await TokenPlatform.start();
  signer = await platform.signer('a-key');
});
beforeEach(() => {
  platform.reset();
  now = start;
  nowMs = start * 1_000;
  users += 1;
  logged.length = 0;
});
afterAll(() => platform.stop());

const pass = (seconds: number) => {
  now += seconds;
  nowMs += seconds * 1_000;
};
const clock = () => now as EpochSeconds;
const storeOptions = (client: DynamoDBClient = embedded.client) => ({
  ...{ client, tableName, limits, callsPerWindow: 600, clock },
  preciseClock: () => nowMs as EpochMilliseconds,
});
const signedIn = (tokens: SignInTokens = signInTokens): Promise<SessionCredential> =>
  signIn(
    createSignInStore({ ...identified, ...storeOptions() }),
    newSession(now, { tokens, user: ['issuer', `user ${String(users)}`], sessionsPerUser: 500 }),
  );
const open = async (
  credential: SessionCredential,
  for_: 'cis2' | 'api-platform' = audience,
  client?: DynamoDBClient,
): Promise<ProxySession> => {
  const state = await createProxyStore(storeOptions(client)).open(credential, {
    ...{ handle: undefined, activity: true, profile: false, audience: for_ },
  });
  if (state.status !== 'active') throw new Error(`not active: ${state.status}`);
  return state.session;
};

const application = (apiSecret = 'the-application-secret'): Application => ({
  apiKey,
  apiSecret: new Secret(apiSecret),
});
type Options = Parameters<typeof createUserTokens>[0];
/** What one instance has. */
const instance = (changes: Partial<Options> = {}): UserTokens =>
  createUserTokens({
    tokenUrl: platform.tokenUrl,
    application: () => Promise.resolve(application()),
    signer: () => Promise.resolve(signer),
    clock,
    log: (event, fields) => logged.push(JSON.stringify({ event, ...fields })),
    // No call gets the next token ahead of its time, unless a test says so.
    random: () => 0,
    pause: (_ms, signal) => {
      nowMs += 50;
      return new Promise((resolve) => setTimeout(resolve, signal.aborted ? 0 : 2));
    },
    ...changes,
  });
/** Many that wait at once would move the clock beyond the lease, were each to move it. */
const standingStill = {
  pause: () => new Promise<void>((resolve) => setTimeout(resolve, 2)),
};
const inTime = (ms = 10_000): AbortSignal => AbortSignal.timeout(ms);
const call = async (
  credential: SessionCredential,
  { tokens = instance(), refused }: { tokens?: UserTokens; refused?: AccessToken } = {},
): Promise<AccessToken> => tokens.forCall(await open(credential), audience, inTime(), refused);
/** What it failed with. */
const failure = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
};
const events = () => logged.map((line) => (JSON.parse(line) as { event: string }).event);

describe('the first call', () => {
  test('exchanges the ID token, and those after it send what came of it [B-21]', async () => {
    const credential = await signedIn();
    const first = await call(credential);
    expect(platform.ownerOf(first.value.expose())).toBe('the-user');
    const [exchange] = platform.calls;
    expect(Object.keys(exchange?.parameters ?? {}).sort()).toEqual(
      [
        'client_assertion',
        'client_assertion_type',
        'grant_type',
        'subject_token',
        'subject_token_type',
      ].sort(),
    );
    pass(580);
    const second = await call(credential);
    expect(second.value.expose()).toBe(first.value.expose());
    expect(second.generation).toBe(first.generation);
    expect(platform.calls).toHaveLength(1);
    expect(events()).toEqual(['token_exchanged']);
  });

  test('of many at once in several instances is the only one that reaches the platform', async () => {
    const credential = await signedIn();
    const instances = Array.from({ length: 3 }, () => instance(standingStill));
    platform.delayMs = 30;
    const tokens = await Promise.all(
      Array.from({ length: 30 }, (_, turn) => call(credential, { tokens: instances[turn % 3]! })),
    );
    expect(new Set(tokens.map(({ value }) => value.expose())).size).toBe(1);
    expect(platform.calls).toHaveLength(1);
  });

  test.each([
    ['another key when the one it signed with is not known yet', false],
    ['another key when the signature is not that key’s', true],
  ])('is made once more with %s', async (_, known) => {
    const name = `key ${String(known)}`;
    if (known) await platform.signer(name);
    const stale = await platform.signer(name, false);
    const asked: (string | undefined)[] = [];
    const token = await call(await signedIn(), {
      tokens: instance({
        signer: (refusedKid) => {
          asked.push(refusedKid);
          return Promise.resolve(refusedKid === undefined ? stale : signer);
        },
      }),
    });
    expect(platform.ownerOf(token.value.expose())).toBe('the-user');
    expect(asked).toEqual([undefined, name]);
    expect(platform.calls.map(({ refused }) => refused)).toEqual([
      known ? 'public_key error' : 'invalid_request',
      undefined,
    ]);
  });

  test('is made once only where there is no other key', async () => {
    const stale = await platform.signer('never registered', false);
    const error = await failure(
      call(await signedIn(), { tokens: instance({ signer: () => Promise.resolve(stale) }) }),
    );
    expect(error).toBeInstanceOf(TokenUnavailable);
    expect(platform.calls).toHaveLength(1);
    expect(events()).toEqual(['token_refused']);
  });

  test('needs the person again when the ID token is all but over, or was never kept', async () => {
    const credential = await signedIn();
    for (let turn = 0; turn < 5; turn += 1) {
      pass(714);
      await open(credential);
    }
    expect(await failure(call(credential))).toBeInstanceOf(StepUpRequired);
    const { tokens } = await open(await signedIn());
    const older = { ...tokens, signIn: () => Promise.resolve(undefined) };
    expect(await failure(instance().forCall({ tokens: older }, audience, inTime()))).toMatchObject({
      code: 'step_up_required',
    });
    expect(platform.calls).toEqual([]);
  });
});

describe('a token response with odd members', () => {
  const kb = (size: number): string => 'a'.repeat(size * 1_024);

  test.each<[string, Record<string, unknown>, readonly string[]]>([
    ['a refresh life of "0"', { refresh_token_expires_in: '0' }, ['refresh_token_expires_in']],
    ['a refresh life of 0', { refresh_token_expires_in: 0 }, ['refresh_token_expires_in']],
    ['an empty refresh life', { refresh_token_expires_in: '' }, ['refresh_token_expires_in']],
    ['a refresh life of null', { refresh_token_expires_in: null }, []],
    ['a negative refresh life', { refresh_token_expires_in: -1 }, ['refresh_token_expires_in']],
    ['a refresh life in words', { refresh_token_expires_in: 'abc' }, ['refresh_token_expires_in']],
    ['a refresh life as a list', { refresh_token_expires_in: ['43199'] }, ['refresh_token_expires_in']],
    ['a refresh life beyond all sense', { refresh_token_expires_in: 1e12 }, ['refresh_token_expires_in']],
    [
      '"0" beside no refresh token',
      { refresh_token: undefined, refresh_token_expires_in: '0' },
      ['refresh_token_expires_in'],
    ],
    ['no refresh part', { refresh_token: undefined, refresh_token_expires_in: undefined }, []],
    ['a refresh token of null', { refresh_token: null }, []],
    ['an empty refresh token', { refresh_token: '' }, ['refresh_token']],
    ['a refresh token that is a number', { refresh_token: 7 }, ['refresh_token']],
    ['a refresh token of two words', { refresh_token: 'two words' }, ['refresh_token']],
    ['a refresh token of 33 KB', { refresh_token: kb(33) }, ['refresh_token']],
    [
      'both refresh parts odd',
      { refresh_token: {}, refresh_token_expires_in: {} },
      ['refresh_token', 'refresh_token_expires_in'],
    ],
    ['a scope of null', { scope: null }, []],
    ['a scope that is a list', { scope: ['a'] }, []],
    ['an ID token that is none', { id_token: 'none' }, []],
    ['an ID token that is a number', { id_token: 7 }, []],
    ['an issued type of null', { issued_token_type: null }, []],
    ['an issued type that is a number', { issued_token_type: 7 }, []],
    ['authorization details that are none', { authorization_details: 'x' }, []],
    ['a life as a number', { expires_in: 599 }, []],
    ['a life with a fraction', { expires_in: 599.9 }, []],
    ['a life with a fraction as text', { expires_in: '599.5' }, []],
    ['a small bearer', { token_type: 'bearer' }, []],
    ['a large bearer', { token_type: 'BEARER' }, []],
  ])('%s gives its access token, and the log names what was ignored, once', async (_, changes, ignored) => {
    const credential = await signedIn();
    platform.faults = [{ changes }];
    const token = await call(credential);
    expect(platform.ownerOf(token.value.expose())).toBe('the-user');
    pass(500);
    expect((await call(credential)).generation).toBe(token.generation);
    expect(platform.calls).toHaveLength(1);
    const odd =
      ignored.length === 0
        ? []
        : [JSON.stringify({ event: 'token_response_ignored_members', audience, ignored })];
    expect(logged.filter((line) => line.includes('ignored_members'))).toEqual(odd);
    // What is used of it later makes no trouble either.
    pass(100);
    expect(platform.ownerOf((await call(credential)).value.expose())).toBe('the-user');
  });

  test.each([
    ...[undefined, null, 0, '0', '', -1, '-1', 'abc', '599 seconds', '1e3', ['599'], {}, true, 1e12, 0.5].map(
      (life) => [life] as const,
    ),
  ])('a life of %j is taken for a minute', async (life) => {
    const credential = await signedIn();
    platform.faults = [{ changes: { expires_in: life } }];
    const token = await call(credential);
    pass(50);
    expect((await call(credential)).generation).toBe(token.generation);
    pass(10);
    expect((await call(credential)).generation).toBeGreaterThan(token.generation);
    expect(platform.calls.map(({ grant }) => grant)).toEqual(['exchange', 'refresh']);
    expect(events().filter((event) => event === 'token_response_ignored_members')).toHaveLength(1);
  });

  test.each([9, 16, 32])('an access token of %d KB is stored and comes back whole', async (size) => {
    const credential = await signedIn();
    platform.faults = [{ changes: { access_token: kb(size), refresh_token: kb(size) } }];
    expect((await call(credential)).value.expose()).toBe(kb(size));
    expect((await call(credential)).value.expose()).toBe(kb(size));
    expect(platform.calls).toHaveLength(1);
    expect(events()).toEqual(['token_exchanged']);
  });

  test('an odd refresh part of a refresh is none either', async () => {
    const credential = await signedIn();
    await call(credential);
    pass(590);
    platform.faults = [{ changes: { refresh_token_expires_in: '0' } }];
    await call(credential);
    pass(590);
    await call(credential);
    expect(platform.calls.map(({ grant }) => grant)).toEqual(['exchange', 'refresh', 'exchange']);
  });
});

describe('a connection to the platform that died while nobody used it', () => {
  test('costs an exchange and a refresh one more try, each with an assertion of its own', async () => {
    const tokens = instance();
    const [one, other] = [await signedIn(), await signedIn()];
    await call(one, { tokens });
    platform.faults = ['reset', undefined];
    expect(platform.ownerOf((await call(other, { tokens })).value.expose())).toBe('the-user');
    const exchanges = platform.calls.map(({ parameters }) => parameters['client_assertion']);
    expect(new Set(exchanges).size).toBe(3);
    pass(590);
    platform.faults = ['reset', undefined];
    await call(one, { tokens });
    expect(platform.calls.slice(3).map(({ grant, refused }) => [grant, refused])).toEqual([
      ['refresh', undefined],
      ['refresh', undefined],
    ]);
    expect(events()).toEqual(['token_exchanged', 'token_exchanged', 'token_refreshed']);
  });

  test('costs nothing more when several died together', async () => {
    const tokens = instance();
    platform.delayMs = 50;
    const credentials = await Promise.all([1, 2, 3, 4].map(() => signedIn()));
    await Promise.all(credentials.map((credential) => call(credential, { tokens })));
    platform.delayMs = 0;
    pass(590);
    platform.calls.length = 0;
    // Whatever comes over a connection of before is cut off.
    platform.dropOldConnections();
    await call(credentials[0]!, { tokens });
    expect(platform.calls.map(({ grant }) => grant)).toEqual(['refresh']);
  });
});

describe('a token at its end', () => {
  const expired = async (): Promise<{ credential: SessionCredential; first: AccessToken }> => {
    const credential = await signedIn();
    const first = await call(credential);
    platform.calls.length = 0;
    logged.length = 0;
    pass(590);
    return { credential, first };
  };

  test('is refreshed with the application’s own secret, once [B-21]', async () => {
    const { credential, first } = await expired();
    const second = await call(credential);
    expect(second.generation).toBeGreaterThan(first.generation);
    expect(platform.calls).toEqual([
      {
        grant: 'refresh',
        refused: undefined,
        parameters: {
          grant_type: 'refresh_token',
          refresh_token: expect.stringMatching(/^refresh-/),
          client_id: apiKey,
          client_secret: 'the-application-secret',
        },
      },
    ]);
    expect(events()).toEqual(['token_refreshed']);
    expect((await call(credential)).generation).toBe(second.generation);
    expect(platform.calls).toHaveLength(1);
  });

  test('is refreshed again and again, long after the ID token is over', async () => {
    const { credential } = await expired();
    const seen = new Set<string>();
    for (let turn = 0; turn < 12; turn += 1) {
      seen.add((await call(credential)).value.expose());
      pass(590);
    }
    expect(seen.size).toBe(12);
    expect(platform.count('refresh')).toBe(12);
    expect(platform.count('exchange')).toBe(0);
  });

  test('is refreshed once for a hundred calls in five instances, and every one of them has the new one [S-14]', async () => {
    const { credential, first } = await expired();
    const instances = Array.from({ length: 5 }, () => instance(standingStill));
    platform.delayMs = 50;
    const tokens = await Promise.all(
      Array.from({ length: 100 }, (_, turn) => call(credential, { tokens: instances[turn % 5]! })),
    );
    expect(platform.calls.map(({ grant, refused }) => [grant, refused])).toEqual([['refresh', undefined]]);
    expect(new Set(tokens.map(({ value }) => value.expose())).size).toBe(1);
    expect(tokens[0]?.value.expose()).not.toBe(first.value.expose());
    expect(events()).toContain('lease_waited');
  });

  test('is refreshed for each of many users with their own, whatever runs beside it in the instance', async () => {
    const people = await Promise.all(
      Array.from({ length: 8 }, async (_, person) => {
        const name = `person-${String(person)}`;
        platform.idTokens.set(`id-token-of-${name}`, name);
        const tokens = { ...signInTokens, idToken: new Secret(`id-token-of-${name}`) };
        return { name, credential: await signedIn(tokens) };
      }),
    );
    const one = instance();
    platform.delayMs = 10;
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(
        people.flatMap(({ name, credential }) =>
          [1, 2, 3].map(async () => {
            const { value } = await call(credential, { tokens: one });
            expect(platform.ownerOf(value.expose())).toBe(name);
          }),
        ),
      );
      pass(590);
    }
    expect(platform.count('exchange')).toBe(8);
    expect(platform.count('refresh')).toBe(16);
  });

  test('that is short-lived is used for most of its life', async () => {
    const credential = await signedIn();
    platform.lifetimeSeconds = 5;
    const first = await call(credential);
    pass(4);
    expect((await call(credential)).generation).toBe(first.generation);
    pass(1);
    expect((await call(credential)).generation).toBeGreaterThan(first.generation);
  });

  test.each([
    ['a fault of its own', { status: 500, body: {} }, 'server_error'],
    ['a gateway in front of it', { status: 503, body: '<html>' }, 'server_error'],
    ['its quota', { status: 429, body: {} }, 'rate_limited'],
    ['another page', { body: '<html>' }, 'malformed'],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' }, body: '' }, 'malformed'],
    ['an endless response', { body: { access_token: 'a'.repeat(100_000) } }, 'malformed'],
    ['a list', { body: [] }, 'malformed'],
    ['nothing', { body: 'null' }, 'malformed'],
    ['a code we know', { status: 401, body: { error: 'unauthorized_client' } }, 'unauthorized_client'],
    ['one we do not', { status: 400, body: { error: 'out <b>of</b> order' } }, 'another_error'],
    ['a catch-all', { status: 400, body: { error: 'unknown_error' } }, 'unknown_error'],
    ['another kind of token', { changes: { token_type: 'MAC' } }, 'malformed'],
    ['a token that is none', { changes: { access_token: 'two words' } }, 'malformed'],
    ['a token with a line end', { changes: { access_token: 'one\r\nHost: two' } }, 'malformed'],
    ['no token', { changes: { access_token: undefined } }, 'malformed'],
    ['a token that is null', { changes: { access_token: null } }, 'malformed'],
    ['a token of 33 KB', { changes: { access_token: 'a'.repeat(33_000) } }, 'malformed'],
    ['no kind of token', { changes: { token_type: undefined } }, 'malformed'],
    ['a kind that is null', { changes: { token_type: null } }, 'malformed'],
    ['a kind that is no text', { changes: { token_type: ['Bearer'] } }, 'malformed'],
    ['two kinds', { changes: { token_type: 'Bearer, DPoP' } }, 'malformed'],
    ['a kind that needs a proof', { changes: { token_type: 'DPoP' } }, 'malformed'],
    ['a type that was not asked for', { changes: { issued_token_type: 'urn:x' } }, 'malformed'],
  ] as [string, Fault, string][])(
    'that cannot be refreshed for %s ends no session, and another is got later [B-20]',
    async (_, fault, error) => {
      const { credential } = await expired();
      platform.faults = [fault];
      const failed = await failure(call(credential));
      expect(failed).toBeInstanceOf(TokenUnavailable);
      expect(failed).toMatchObject({ code: 'provider_unavailable', error, retryAfterSeconds: 5 });
      expect(logged).toEqual([JSON.stringify({ event: 'token_refused', audience, error })]);
      expect((await createSessionStore(storeOptions()).read(credential)).status).toBe('active');
      pass(5);
      const token = await call(credential);
      expect(platform.ownerOf(token.value.expose())).toBe('the-user');
    },
  );

  test.each([
    ['7', 7],
    ['0', 5],
    ['-3', 5],
    ['100000', 5],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 5],
  ])('waits for as long as the platform asks (%s) where that makes sense', async (header, seconds) => {
    const { credential } = await expired();
    platform.faults = [{ status: 429, headers: { 'retry-after': header }, body: {} }];
    expect(await failure(call(credential))).toMatchObject({ retryAfterSeconds: seconds });
    platform.calls.length = 0;
    pass(seconds - 1);
    expect(await failure(call(credential))).toMatchObject({ error: 'backing_off', retryAfterSeconds: 1 });
    expect(platform.calls).toEqual([]);
    pass(1);
    await call(credential);
  });

  test('waits for nobody’s response longer than a lease lasts, and a call for no longer than it can', async () => {
    const { credential } = await expired();
    platform.faults = ['hang'];
    const beganAt = Date.now();
    const error = await failure(
      instance().forCall(await open(credential), audience, AbortSignal.timeout(200)),
    );
    expect(error).toMatchObject({ code: 'provider_unavailable', error: 'waited' });
    expect(Date.now() - beganAt).toBeLessThan(2_000);
    await platform.cut();
  });

  test('that is refused as spent is followed by one for the ID token, while it lives', async () => {
    const { credential } = await expired();
    platform.revoke();
    const token = await call(credential);
    expect(platform.ownerOf(token.value.expose())).toBe('the-user');
    expect(platform.calls.map(({ grant }) => grant)).toEqual(['refresh', 'exchange']);
  });

  test('that is lost twice is 503, and the session stays', async () => {
    const { credential } = await expired();
    platform.faults = ['reset', 'reset'];
    expect(await failure(call(credential))).toMatchObject({ error: 'unreachable', retryAfterSeconds: 5 });
    expect(logged).toEqual([JSON.stringify({ event: 'token_refused', audience, error: 'unreachable' })]);
    expect(platform.calls).toHaveLength(2);
    pass(5);
    await call(credential);
  });

  test('whose response was lost is followed by one for the ID token, or by the person, and by no loop [S-15]', async () => {
    const { credential } = await expired();
    platform.faults = ['lost'];
    await call(credential);
    expect(platform.calls.map(({ grant }) => grant)).toEqual(['refresh', 'refresh', 'exchange']);

    for (let turn = 0; turn < 6; turn += 1) {
      pass(590);
      await call(credential);
    }
    pass(590);
    platform.calls.length = 0;
    platform.faults = ['lost'];
    expect(await failure(call(credential))).toBeInstanceOf(StepUpRequired);
    expect(await failure(call(credential))).toBeInstanceOf(StepUpRequired);
    expect(platform.calls.map(({ grant }) => grant)).toEqual(['refresh', 'refresh']);
    expect((await createSessionStore(storeOptions()).read(credential)).status).toBe('active');
  });

  test('is not refreshed with a refresh token whose time is over', async () => {
    platform.refreshLifetimeSeconds = 500;
    const { credential } = await expired();
    await call(credential);
    expect(platform.calls.map(({ grant }) => grant)).toEqual(['exchange']);
  });

  test('is refreshed once more with another secret, when the platform refuses the one in memory', async () => {
    const { credential } = await expired();
    platform.secrets.clear();
    platform.secrets.add('the-next-secret');
    const asked: boolean[] = [];
    const token = await call(credential, {
      tokens: instance({
        application: (refused) => {
          asked.push(refused !== undefined);
          return Promise.resolve(application(refused === undefined ? undefined : 'the-next-secret'));
        },
      }),
    });
    expect(platform.ownerOf(token.value.expose())).toBe('the-user');
    expect(asked).toEqual([false, true]);
    expect(platform.calls.map(({ refused }) => refused)).toEqual(['invalid_client', undefined]);
    pass(590);
    expect(await failure(call(credential))).toMatchObject({ error: 'invalid_client' });
    platform.secrets.clear();
    platform.secrets.add('the-application-secret');
    pass(5);
    await call(credential);
  });

  test('keeps a call no longer than it can wait, though the store is slow to respond', async () => {
    const session = await open((await expired()).credential);
    const never = new Promise<never>(() => undefined);
    const slow = { ...session, tokens: { ...session.tokens, read: () => never } };
    const refused = { value: new Secret('refused'), generation: 1 };
    expect(await failure(instance().forCall(slow, audience, inTime(50), refused))).toMatchObject({
      error: 'waited',
    });
    const failing = { ...slow, tokens: { ...slow.tokens, read: () => Promise.reject(new Error('late')) } };
    const over = AbortSignal.abort();
    expect(await failure(instance().forCall(failing, audience, over, refused))).toMatchObject({
      error: 'waited',
    });
  });

  test('is nothing to a session that has ended meanwhile', async () => {
    const { credential } = await expired();
    const session = await open(credential);
    await createSessionStore(storeOptions()).end(credential, 'signed_out', undefined);
    const error = await failure(instance().forCall(session, audience, inTime()));
    expect(error).toBeInstanceOf(SessionGone);
    expect(error).toMatchObject({ state: { status: 'ended', reason: 'signed_out' } });
    expect(platform.calls).toEqual([]);
  });

  test('is thrown away where the session ends while it is refreshed [ASVS-7.4.1]', async () => {
    const { credential } = await expired();
    platform.delayMs = 100;
    const refreshing = failure(call(credential));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await createSessionStore(storeOptions()).end(credential, 'signed_out', undefined);
    expect(await refreshing).toBeInstanceOf(SessionGone);
    expect(platform.count('refresh')).toBe(1);
  });

  test('is refreshed by another once whoever began it has died', async () => {
    const { credential } = await expired();
    const { tokens: ofDead } = await open(credential);
    const dead = await ofDead.lease(audience, ofDead.seen(audience));
    expect(dead).toBeDefined();
    const beganAt = nowMs;
    const token = await call(credential);
    expect(nowMs - beganAt).toBeGreaterThanOrEqual(leaseMs);
    expect(platform.ownerOf(token.value.expose())).toBe('the-user');
    expect(platform.count('refresh')).toBe(1);
  });

  test('is not refreshed while the store does not respond', async () => {
    const { credential } = await expired();
    const failing = {
      send: (command: Command) =>
        operationOf(command) === 'TransactWriteItems'
          ? Promise.reject(new Error('made to fail'))
          : embedded.send(command),
    } as unknown as DynamoDBClient;
    const session = await open(credential, audience, failing);
    expect(await failure(instance().forCall(session, audience, inTime()))).toBeInstanceOf(StoreUnavailable);
    expect(platform.calls).toEqual([]);
  });
});

describe('a token near its end', () => {
  const nearly = async (): Promise<{ credential: SessionCredential; first: AccessToken }> => {
    const credential = await signedIn();
    const first = await call(credential);
    platform.calls.length = 0;
    pass(560);
    return { credential, first };
  };
  const eager = () => instance({ random: () => 0.99 });

  test('is refreshed by one of those who meet it, and the others go on with it without waiting', async () => {
    const { credential, first } = await nearly();
    platform.delayMs = 1_500;
    const beganAt = Date.now();
    const refreshing = call(credential, { tokens: eager() });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const others = await Promise.all(Array.from({ length: 10 }, () => call(credential, { tokens: eager() })));
    expect(Date.now() - beganAt).toBeLessThan(1_500);
    for (const other of others) expect(other.generation).toBe(first.generation);
    expect((await refreshing).generation).toBeGreaterThan(first.generation);
    expect(platform.count('refresh')).toBe(1);
  });

  test('is left alone by those whose turn it is not, and by all in the better part of its life', async () => {
    const { credential, first } = await nearly();
    expect((await call(credential)).generation).toBe(first.generation);
    pass(-60);
    expect((await call(credential, { tokens: eager() })).generation).toBe(first.generation);
    expect(platform.calls).toEqual([]);
  });

  test.each([[['reset', 'reset']], [[{ status: 500, body: {} }]]] as [Fault[]][])(
    'serves on when the next cannot be had (%j), and the platform is left in peace for a moment',
    async (faults) => {
      const { credential, first } = await nearly();
      platform.faults = [...faults];
      expect((await call(credential, { tokens: eager() })).generation).toBe(first.generation);
      expect((await call(credential, { tokens: eager() })).generation).toBe(first.generation);
      expect(platform.calls).toHaveLength(faults.length);
    },
  );

  test('is not used any more once the session has ended while the next was got [ASVS-7.4.1]', async () => {
    const { credential } = await nearly();
    platform.during = () =>
      createSessionStore(storeOptions()).end(credential, 'signed_out', undefined).then();
    expect(await failure(call(credential, { tokens: eager() }))).toBeInstanceOf(SessionGone);
    expect(platform.count('refresh')).toBe(1);
  });

  test('serves on when nothing is left to get the next with', async () => {
    const credential = await signedIn({ ...signInTokens, idTokenExpiresAt: (start + 60) as EpochSeconds });
    const first = await call(credential);
    pass(560);
    platform.revoke();
    platform.calls.length = 0;
    for (let calls = 0; calls < 3; calls += 1) {
      expect((await call(credential, { tokens: eager() })).generation).toBe(first.generation);
    }
    expect(platform.count('refresh')).toBe(1);
    expect((await call(credential)).generation).toBe(first.generation);
    pass(40);
    expect(await failure(call(credential))).toBeInstanceOf(StepUpRequired);
  });

  test('is given up at once when the service refuses it and nothing is left to get the next with', async () => {
    const credential = await signedIn({ ...signInTokens, idTokenExpiresAt: (start + 60) as EpochSeconds });
    const refused = await call(credential);
    pass(560);
    platform.revoke();
    expect(await failure(call(credential, { tokens: eager(), refused }))).toBeInstanceOf(StepUpRequired);
  });
});

describe('a token that the service refused', () => {
  test('is refreshed once, for all who had it', async () => {
    const credential = await signedIn();
    const refused = await call(credential);
    platform.calls.length = 0;
    platform.delayMs = 20;
    const instances = [instance(), instance(), instance()];
    const tokens = await Promise.all(
      Array.from({ length: 9 }, (_, turn) => call(credential, { tokens: instances[turn % 3]!, refused })),
    );
    expect(platform.calls.map(({ grant }) => grant)).toEqual(['refresh']);
    for (const { value } of tokens) expect(value.expose()).toBe(tokens[0]?.value.expose());
    expect(tokens[0]?.generation).toBeGreaterThan(refused.generation);
  });

  test('is followed by the one there is already', async () => {
    const credential = await signedIn();
    const session = await open(credential);
    const one = instance();
    const refused = await one.forCall(session, audience, inTime());
    const next = await call(credential, { refused });
    platform.calls.length = 0;
    // This call has read the session when the old one was there still.
    const again = await one.forCall(session, audience, inTime(), refused);
    expect(again.generation).toBe(next.generation);
    expect(platform.calls).toEqual([]);
  });
});

describe('CIS2’s own access token', () => {
  const ofCis2 = async (credential: SessionCredential, refused?: AccessToken) =>
    instance().forCall(await open(credential, 'cis2'), 'cis2', inTime(), refused);

  test('is sent while it lives, and never to be renewed', async () => {
    const credential = await signedIn();
    const token = await ofCis2(credential);
    expect(token.value.expose()).toBe('the-access-token-of-cis2');
    expect(await failure(ofCis2(credential, token))).toBeInstanceOf(StepUpRequired);
    for (let turn = 0; turn < 5; turn += 1) {
      pass(717);
      await open(credential);
    }
    pass(4);
    await ofCis2(credential);
    pass(1);
    expect(await failure(ofCis2(credential))).toBeInstanceOf(StepUpRequired);
    expect(platform.calls).toEqual([]);
  });

  test('is sent where CIS2 did not say how long it lives', async () => {
    const credential = await signedIn({ ...signInTokens, accessTokenExpiresAt: undefined });
    expect((await ofCis2(credential)).value.expose()).toBe('the-access-token-of-cis2');
  });
});

test('nothing of a token or a person is in what is logged or thrown [S-13]', async () => {
  const credential = await signedIn();
  const tokens = [await call(credential)];
  pass(590);
  tokens.push(await call(credential));
  const thrown: unknown[] = [];
  const parts = platform.calls.flatMap(({ parameters }) => Object.values(parameters));
  const echo = parts.join(' ');
  for (const fault of [
    { status: 400, body: { error: echo, error_description: echo } },
    { status: 401, body: { error: 'invalid_request', error_description: echo } },
    { changes: { token_type: echo } },
    { body: echo },
  ] as Fault[]) {
    pass(595);
    platform.faults = [fault];
    thrown.push(await failure(call(credential)));
  }
  pass(595);
  // The refresh token is spent by now, so what is used is the response to the exchange after it.
  platform.faults = [undefined, { changes: { expires_in: echo, refresh_token_expires_in: echo } }];
  tokens.push(await call(credential));
  expect(events()).toContain('token_response_ignored_members');
  const output = [
    ...logged,
    ...thrown.map((error) => inspect(error, { depth: 9, showHidden: true })),
    ...thrown.map((error) => JSON.stringify(error)),
    inspect(tokens, { depth: 9 }),
  ].join('\n');
  for (const secret of [...parts, ...tokens.map(({ value }) => value.expose())]) {
    if (!/^urn:|^refresh_token$/.test(secret)) expect(output).not.toContain(secret);
  }
});

describe('the application’s credentials', () => {
  const secretText = (response: string | Error | undefined) => () =>
    response instanceof Error ? Promise.reject(response) : Promise.resolve(response);

  test('are read from their secret', async () => {
    const read = await loadApplication(secretText('{"apiKey":"a","apiSecret":"b"}'));
    expect(read.apiKey).toBe('a');
    expect(read.apiSecret.expose()).toBe('b');
  });

  test.each([
    ...[undefined, '', 'null', '[]', '"a"', 'not JSON', '{}', '{"apiKey":"a"}', '{"apiSecret":"b"}'],
    ...['{"apiKey":"","apiSecret":"b"}', '{"apiKey":"a b","apiSecret":"b"}', '{"apiKey":1,"apiSecret":2}'],
    new Error('away'),
  ])('that are %p are none', async (response) => {
    const error = await failure(loadApplication(secretText(response)));
    expect(error).toBeInstanceOf(ApplicationUnavailable);
    expect(inspect(error)).not.toContain('"b"');
  });

  test('are cached, read again in time, and stay in use when they cannot be', async () => {
    let [loads, stale, at] = [0, 0, 100];
    let away = false;
    const current = currentApplication({
      load: () => {
        loads += 1;
        return away
          ? Promise.reject(new ApplicationUnavailable('away'))
          : Promise.resolve(application(`secret ${String(loads)}`));
      },
      cacheSeconds: 60,
      clock: () => at as EpochSeconds,
      onStale: () => {
        stale += 1;
      },
    });
    const [one] = await Promise.all([current(), current()]);
    at += 59;
    expect(await current()).toBe(one);
    expect(loads).toBe(1);
    expect(await current(one)).not.toBe(one);
    expect(loads).toBe(2);
    // What was refused is not cached any more.
    const two = await current(one);
    expect(loads).toBe(2);
    at += 60;
    away = true;
    expect(await current()).toBe(two);
    at += 29;
    expect(await current()).toBe(two);
    expect([loads, stale]).toEqual([3, 1]);
    at += 1;
    away = false;
    expect((await current()).apiSecret.expose()).toBe('secret 4');
  });

  test('that were never to be had are not there', async () => {
    const current = currentApplication({
      load: () => Promise.reject(new ApplicationUnavailable('away')),
      ...{ cacheSeconds: 60, clock, onStale: () => undefined },
    });
    expect(await failure(current())).toBeInstanceOf(ApplicationUnavailable);
    const error = await failure(call(await signedIn(), { tokens: instance({ application: current }) }));
    expect(error).toBeInstanceOf(ApplicationUnavailable);
  });
});
