/** Every call at the store that a back-channel logout makes, failing in every way: never 200 while anything lives. */
import { describe, expect, test } from '@jest/globals';
import { expectProblem } from '../contract/expectations.ts';
import { logoutToken, newUser, postLogout, signsIn } from '../contract/logout-tokens.ts';
import type { AwsCall } from '../support/aws.ts';
import { Browser } from '../support/browser.ts';
import { startWithSharedStore } from '../support/proxy-rig.ts';

const maxResponseMs = 10_000;
const failures = ['fail', 'hang', 'reset'] as const;

const { provider, store, bff } = await startWithSharedStore();

const loggedOut = { status: 'ended', reason: 'provider_logout' };

/** The kind of a call, the same for every user and session: its operation and what its items are. */
const kindOf = (call: AwsCall): string => {
  const { RequestItems: batch } = call.body;
  const kinds = call.items.map((item) => item.replace(/#[^|]*/, ''));
  return [call.operation, ...(batch === undefined ? kinds : ['batch'])].join(' ');
};

interface Person {
  readonly named: readonly Browser[];
  readonly elsewhere: Browser;
  readonly claims: Record<string, unknown>;
}

/** Somebody with two sessions in one session of CIS2's, one without any, and one in another. */
async function person(): Promise<Person> {
  const [user, sid] = [newUser(), `sid-${String(Math.random())}`];
  const signIn = async (inSession: string | undefined): Promise<Browser> => {
    signsIn(provider, user, inSession);
    const browser = new Browser(bff.baseUrl);
    await browser.signIn(provider);
    expect((await browser.session()).status).toBe('active');
    return browser;
  };
  const named = [await signIn(sid), await signIn(sid), await signIn(undefined)];
  const elsewhere = await signIn(`${sid}-other`);
  provider.behave();
  store.reset();
  return { named, elsewhere, claims: { sub: user, sid } };
}

const statusesOf = (browsers: readonly Browser[]): Promise<string[]> =>
  Promise.all(browsers.map(async (browser) => (await browser.session()).status));

async function expectOver({ named, elsewhere }: Person): Promise<void> {
  for (const browser of named) expect(await browser.session()).toEqual(loggedOut);
  expect((await elsewhere.session()).status).toBe('active');
}

/** The kinds of calls that an undisturbed logout makes. */
async function kindsOfCalls(): Promise<string[]> {
  // The function is loaded at its first request, and warms up then.
  await postLogout(bff.baseUrl, 'not a token');
  const somebody = await person();
  expect((await postLogout(bff.baseUrl, await logoutToken(provider, somebody.claims))).status).toBe(200);
  const kinds = [...new Set(store.calls.map(kindOf))].sort();
  await expectOver(somebody);
  store.reset();
  return kinds;
}

const decisive = await kindsOfCalls();

test('a logout remembers its token, marks what it ends, and ends what is listed', () => {
  expect(decisive).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^PutItem logout-token/),
      expect.stringMatching(/^UpdateItem provider-session/),
      expect.stringMatching(/^UpdateItem user/),
      expect.stringMatching(/^UpdateItem session\|core/),
    ]),
  );
});

describe.each(failures)('a store call that does not succeed (%s)', (fault) => {
  test.each(decisive)(
    'never makes it 200 while anything lives, and the same token again finishes: %s',
    async (kind) => {
      const somebody = await person();
      const token = await logoutToken(provider, somebody.claims);
      let met = 0;
      store.judge = (call) => {
        if (kindOf(call) !== kind) return 'pass';
        met += 1;
        return fault;
      };
      const startedAt = performance.now();
      const response = await postLogout(bff.baseUrl, token);
      expect(performance.now() - startedAt).toBeLessThan(maxResponseMs);
      expect(met).toBeGreaterThan(0);
      store.reset();
      if (response.status === 200) await expectOver(somebody);
      else {
        expectProblem(response, 503, 'store_unavailable');
        expect(response.headers['retry-after']).toMatch(/^[1-9]\d*$/);
      }
      expect((await postLogout(bff.baseUrl, token)).status).toBe(200);
      await expectOver(somebody);
    },
  );

  test('with the whole store away is 503, and nothing has ended; the same token later does it', async () => {
    const somebody = await person();
    const token = await logoutToken(provider, somebody.claims);
    store.judge = () => fault;
    const startedAt = performance.now();
    expectProblem(await postLogout(bff.baseUrl, token), 503, 'store_unavailable');
    expect(performance.now() - startedAt).toBeLessThan(maxResponseMs);
    store.reset();
    expect(await statusesOf([...somebody.named, somebody.elsewhere])).toEqual(Array(4).fill('active'));
    expect((await postLogout(bff.baseUrl, token)).status).toBe(200);
    await expectOver(somebody);
  });

  test('that ends one session and not the other is finished by the same token, and spares who came since', async () => {
    const somebody = await person();
    const token = await logoutToken(provider, somebody.claims);
    // The first session met is ended; every other end fails.
    let spared: string | undefined;
    store.judge = (call) => {
      if (kindOf(call) !== 'UpdateItem session|core') return 'pass';
      spared ??= call.items[0];
      return call.items[0] === spared ? 'pass' : fault;
    };
    expectProblem(await postLogout(bff.baseUrl, token), 503, 'store_unavailable');
    store.reset();
    expect((await statusesOf(somebody.named)).filter((status) => status === 'ended')).toHaveLength(1);

    signsIn(provider, String(somebody.claims['sub']), undefined);
    const since = new Browser(bff.baseUrl);
    await since.signIn(provider);
    expect((await since.session()).status).toBe('active');
    expect((await postLogout(bff.baseUrl, token)).status).toBe(200);
    await expectOver(somebody);
    expect((await since.session()).status).toBe('active');
  });
});

test.each(decisive)(
  'a call that was carried out and whose response was lost does no harm: %s',
  async (kind) => {
    const somebody = await person();
    const token = await logoutToken(provider, somebody.claims);
    let lost = 0;
    store.judge = (call) => (kindOf(call) === kind && (lost += 1) === 1 ? 'lost' : 'pass');
    const response = await postLogout(bff.baseUrl, token);
    expect(lost).toBeGreaterThan(0);
    expect([200, 503]).toContain(response.status);
    if (response.status === 503) expect((await postLogout(bff.baseUrl, token)).status).toBe(200);
    await expectOver(somebody);
  },
);

test.each(failures)(
  'a repeat whose own reading back fails is 503, and the next one is 200 (%s)',
  async (fault) => {
    const somebody = await person();
    const token = await logoutToken(provider, somebody.claims);
    expect((await postLogout(bff.baseUrl, token)).status).toBe(200);
    let met = 0;
    store.judge = (call) => {
      if (kindOf(call) !== 'GetItem logout-token|seen') return 'pass';
      met += 1;
      return fault;
    };
    expectProblem(await postLogout(bff.baseUrl, token), 503, 'store_unavailable');
    expect(met).toBeGreaterThan(0);
    store.reset();
    expect((await postLogout(bff.baseUrl, token)).status).toBe(200);
    await expectOver(somebody);
  },
);

test.each(failures)('a bad token is refused without the store (%s)', async (fault) => {
  store.judge = () => fault;
  const token = await logoutToken(provider, { aud: 'another-client' });
  expectProblem(await postLogout(bff.baseUrl, token), 400, 'invalid_request');
  expect(store.calls).toEqual([]);
});
