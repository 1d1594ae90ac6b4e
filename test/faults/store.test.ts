/** Every single call at the store, failing in every way, on every route. */
import { describe, expect, test } from '@jest/globals';
import type { AwsCall, Verdict } from '../support/aws.ts';
import { Browser, sessionCookie, type Problem } from '../support/browser.ts';
import { startWithStore } from '../support/rig.ts';
import { partitionOf } from '../support/table.ts';

const maxResponseMs = 8_000;
/** The store refuses; the response does not come, or the connection breaks, with nothing done. */
const failures = ['fail', 'hang', 'reset'] as const;

const { provider, store, bff, tables } = await startWithStore();

/**
 * What a call does, in words that are the same every time: the operation, the item and the kind of change. The session
 * that the browser had before is told from the one being made.
 */
function describeCall(call: AwsCall, former?: string): string {
  const [item = ''] = call.items;
  const [pk = '', sk = ''] = item.split('|');
  const kind = /^[a-z-]+/.exec(pk)?.[0] ?? '?';
  const whose = kind === 'session' && former !== undefined ? (pk === former ? 'former ' : 'new ') : '';
  const expression = call.body['UpdateExpression'];
  const change =
    typeof expression === 'string' ? /^(?:SET|REMOVE) (?:#s\d|\S+)/.exec(expression)?.[0] : undefined;
  const words = [call.operation, `${whose}${kind}`, kind === 'session' ? sk : '', change?.replace(/\d$/, '')];
  return words.filter((word) => word !== undefined && word !== '').join(' ');
}

const signedIn = async (): Promise<Browser> => {
  const browser = new Browser(bff.baseUrl);
  await browser.signIn(provider);
  expect((await browser.session()).status).toBe('active');
  store.reset();
  return browser;
};

const timed = async <T>(work: Promise<T>): Promise<T> => {
  const startedAt = performance.now();
  const result = await work;
  expect(performance.now() - startedAt).toBeLessThan(maxResponseMs);
  return result;
};

/** Runs something while the calls that are described so meet a fault; at least one call must. */
async function withFault<T>(
  fault: Verdict,
  matches: (call: AwsCall) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  let met = 0;
  store.reset();
  store.judge = (call) => {
    if (!matches(call)) return 'pass';
    met += 1;
    return fault;
  };
  const result = await timed(work());
  store.reset();
  expect(met).toBeGreaterThan(0);
  return result;
}

async function expectUnavailable(response: Response): Promise<void> {
  expect(response.status).toBe(503);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(response.headers.getSetCookie()).toEqual([]);
  const problem = (await response.json()) as Problem;
  expect(problem).toMatchObject({ status: 503, code: 'store_unavailable' });
  expect(await bff.entriesFor(problem.reference)).toContainEqual(
    expect.objectContaining({ event: 'dependency_failed', code: 'store_unavailable' }),
  );
}

async function expectInternalError(response: Response): Promise<void> {
  expect(response.status).toBe(303);
  expect(Browser.failure(response)?.code).toBe('internal_error');
  expect(response.headers.getSetCookie()).toEqual([]);
  expect(await response.text()).toBe('');
}

/** Without these there is no session. */
const decisive = [
  'PutItem attempt',
  'PutItem new session core',
  'PutItem new session profile',
  'PutItem new session token#cis2',
  'UpdateItem user SET #entry',
  'UpdateItem provider-session SET #entry',
  'UpdateItem former session core SET #state',
];
/** Whether the replaced session chose a role: a sign-in goes on without. */
const optional = 'BatchGetItem ?';

describe('a callback', () => {
  test('makes these calls, each of which the tests below break', async () => {
    const browser = await signedIn();
    const former = partitionOf(browser.cookies.get(sessionCookie));
    await browser.signIn(provider);
    const made = store.calls.map((call) => describeCall(call, former));
    expect(made.sort()).toEqual([optional, ...decisive].toSorted());
  });

  describe.each(failures)('whose store call does not succeed (%s)', (fault) => {
    test.each(decisive)(
      'ends as internal_error and leaves no session behind: %s [ASVS-16.5.3]',
      async (name) => {
        const browser = await signedIn();
        const cookie = browser.cookies.get(sessionCookie);
        const former = partitionOf(cookie);
        const { handle } = await browser.session();
        const aliveBefore = await tables.alive();
        const { location } = await browser.login();
        const parameters = provider.authorise(location);

        const landed = await withFault(
          fault,
          (call) => describeCall(call, former) === name,
          () => browser.callback(parameters),
        );
        await expectInternalError(landed);
        expect(await tables.alive()).toEqual(aliveBefore);
        expect(browser.cookies.get(sessionCookie)).toBe(cookie);
        expect(await browser.session()).toMatchObject({ status: 'active', handle });

        // And what failed is over: the next one works.
        const next = await timed(browser.signIn(provider));
        expect(next.headers.get('location')).toBe(`${bff.baseUrl}/`);
        expect((await browser.session()).status).toBe('active');
      },
    );

    test('signs in all the same when the replaced session’s role cannot be read', async () => {
      const browser = await signedIn();
      const former = partitionOf(browser.cookies.get(sessionCookie));
      const { location } = await browser.login();
      const landed = await withFault(
        fault,
        (call) => describeCall(call, former) === optional,
        () => browser.callback(provider.authorise(location)),
      );
      expect(landed.headers.get('location')).toBe(`${bff.baseUrl}/`);
      expect((await browser.session()).status).toBe('active');
    });

    test('ends as internal_error when the whole store is away', async () => {
      const browser = await signedIn();
      const { handle } = await browser.session();
      const aliveBefore = await tables.alive();
      const { location } = await browser.login();
      await expectInternalError(
        await withFault(
          fault,
          () => true,
          () => browser.callback(provider.authorise(location)),
        ),
      );
      expect(await tables.alive()).toEqual(aliveBefore);
      expect(await browser.session()).toMatchObject({ status: 'active', handle });
    });

    test('ends as internal_error when the store goes away after the session was written', async () => {
      const browser = new Browser(bff.baseUrl);
      const { location } = await browser.login();
      await expectInternalError(
        await withFault(
          fault,
          (call) => call.operation === 'UpdateItem',
          () => browser.callback(provider.authorise(location)),
        ),
      );
      expect(await browser.session()).toEqual({ status: 'anonymous' });
    });
  });

  test.each(decisive)(
    'whose call was carried out and its response lost still ends well: %s',
    async (name) => {
      const browser = await signedIn();
      const former = partitionOf(browser.cookies.get(sessionCookie));
      const { location } = await browser.login();
      let lost = 0;
      const landed = await withFault(
        'lost',
        (call) => describeCall(call, former) === name && (lost += 1) === 1,
        () => browser.callback(provider.authorise(location)),
      );
      expect(landed.headers.get('location')).toBe(`${bff.baseUrl}/`);
      expect((await browser.session()).status).toBe('active');
      expect(await tables.alive()).not.toContain(former);
    },
  );
});

interface RouteCalls {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** The calls that decide the response. */
  readonly decisive: readonly string[];
  /** Calls whose failure changes nothing for the user. */
  readonly clearing: readonly string[];
}

const routes: readonly RouteCalls[] = [
  { method: 'GET', path: '/auth/session', decisive: ['Query session'], clearing: [] },
  {
    method: 'POST',
    path: '/auth/session/extend',
    decisive: ['UpdateItem session core SET lastActiveAt', 'GetItem session profile'],
    clearing: [],
  },
  {
    method: 'POST',
    path: '/auth/logout',
    decisive: ['UpdateItem session core SET #state'],
    clearing: [
      'DeleteItem session profile',
      'UpdateItem user REMOVE #s',
      'UpdateItem provider-session REMOVE #s',
    ],
  },
];

describe.each(routes)('$method $path', ({ method, path, ...calls }) => {
  test('makes these calls, each of which the tests below break', async () => {
    const browser = await signedIn();
    expect((await browser.api(path, { method })).status).toBe(200);
    expect(store.calls.map((call) => describeCall(call)).sort()).toEqual(
      [...calls.decisive, ...calls.clearing].sort(),
    );
  });

  describe.each(failures)('whose store call does not succeed (%s)', (fault) => {
    test.each(calls.decisive)('is 503, and the session lives: %s [ASVS-16.5.3]', async (name) => {
      const browser = await signedIn();
      const { handle } = await browser.session();
      await expectUnavailable(
        await withFault(
          fault,
          (call) => describeCall(call) === name,
          () => browser.api(path, { method }),
        ),
      );
      expect(await browser.session()).toMatchObject({ status: 'active', handle });
    });

    test('is 503 when the whole store is away', async () => {
      const browser = await signedIn();
      await expectUnavailable(
        await withFault(
          fault,
          () => true,
          () => browser.api(path, { method }),
        ),
      );
      expect((await browser.session()).status).toBe('active');
    });

    if (calls.clearing.length > 0) {
      test('is done when only clearing away fails', async () => {
        const browser = await signedIn();
        const cookie = browser.cookies.get(sessionCookie) ?? '';
        const response = await withFault(
          fault,
          (call) => calls.clearing.includes(describeCall(call)),
          () => browser.api(path, { method }),
        );
        expect(response.status).toBe(200);
        browser.cookies.set(sessionCookie, cookie);
        expect(await browser.session()).toEqual({ status: 'ended', reason: 'signed_out' });
      });
    }
  });

  test.each(calls.decisive)('is done when a call was carried out and its response lost: %s', async (name) => {
    const browser = await signedIn();
    let lost = 0;
    const response = await withFault(
      'lost',
      (call) => describeCall(call) === name && (lost += 1) === 1,
      () => browser.api(path, { method }),
    );
    expect(response.status).toBe(200);
  });

  test('needs no store without a cookie', async () => {
    store.judge = () => 'fail';
    const response = await new Browser(bff.baseUrl).api(path, { method });
    expect(response.status).toBe(path.endsWith('extend') ? 401 : 200);
    expect(store.calls).toEqual([]);
  });
});

test.each(failures)(
  'an ended session is not told from a live one without the store (%s) [ASVS-16.5.3]',
  async (fault) => {
    const browser = await signedIn();
    const cookie = browser.cookies.get(sessionCookie) ?? '';
    await browser.api('/auth/logout', { method: 'POST' });
    browser.cookies.set(sessionCookie, cookie);
    // What was not alive is read once more, to say why: that call can fail as well.
    await expectUnavailable(
      await withFault(
        fault,
        (call) => call.operation === 'Query',
        () => browser.api('/auth/session/extend', { method: 'POST' }),
      ),
    );
  },
);

test.each(failures)('a sign-in starts without the store (%s)', async (fault) => {
  const browser = await signedIn();
  store.judge = () => fault;
  const { response, request } = await timed(browser.login('?returnTo=/ward'));
  expect(response.status).toBe(302);
  expect(request.get('state')).not.toBeNull();
  expect(store.calls).toEqual([]);
});
