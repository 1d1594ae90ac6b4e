import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AwsProxy } from '../support/aws.ts';
import { Bff } from '../support/bff.ts';
import { Browser, sessionCookie, type Problem } from '../support/browser.ts';
import { Provider, type Endpoint, type Fault } from '../support/provider.ts';
import { rawRequest } from '../support/raw-http.ts';
import { Tables } from '../support/table.ts';

const maxResponseMs = 8_000;
const marker = 'MARKER-THAT-MUST-NOT-COME-BACK';

/** Each is how an endpoint fails, and whether that means that CIS2 is away or that its response is wrong. */
const faults: readonly (readonly [string, Fault | 'refused', 'away' | 'wrong'])[] = [
  ['refuses connections', 'refused', 'away'],
  ['cuts the connection', { kind: 'reset' }, 'away'],
  ['does not respond', { kind: 'hang' }, 'away'],
  ['responds with 500', { kind: 'status', status: 500 }, 'away'],
  [
    'responds with 503 and a page',
    { kind: 'body', status: 503, contentType: 'text/html', body: marker },
    'away',
  ],
  ['responds with HTML and 200', { kind: 'html' }, 'wrong'],
  ['responds with garbage as JSON', { kind: 'body', body: `{${marker}` }, 'wrong'],
  [
    'responds with truncated JSON',
    { kind: 'body', body: `{"issuer":"${marker}","keys":[{"kty":"RS` },
    'wrong',
  ],
  ['responds with JSON that is no object', { kind: 'body', body: `["${marker}"]` }, 'wrong'],
  ['responds with null', { kind: 'body', body: 'null' }, 'wrong'],
  ['responds with 200 and nothing', { kind: 'body', body: '' }, 'wrong'],
  ['responds with 2 MB', { kind: 'body', body: JSON.stringify({ padding: marker.repeat(70_000) }) }, 'wrong'],
  ['responds with 404', { kind: 'body', status: 404, body: `{"error":"${marker}"}` }, 'wrong'],
  [
    'redirects',
    { kind: 'body', status: 302, body: '', headers: { location: `http://127.0.0.1:1/${marker}` } },
    'wrong',
  ],
];

let provider: Provider;
let store: AwsProxy;
let secrets: AwsProxy;
let tables: Tables;
let aliveBefore: string[];

beforeAll(async () => {
  [provider, store, secrets] = await Promise.all([
    Provider.start(),
    AwsProxy.dynamoDb(),
    AwsProxy.secretsManager(),
  ]);
});
beforeEach(async () => {
  aliveBefore = await tables.alive();
});
afterEach(async () => {
  provider.behave();
  await provider.up();
});
afterAll(async () => {
  tables.close();
  await Promise.all([provider.close(), store.close(), secrets.close()]);
});

const startBff = async (settings?: Record<string, string>): Promise<Bff> => {
  const options = {
    issuer: provider.issuer,
    'client-id': 'rp.faults',
    'dynamodb-endpoint': store.url,
    'secrets-endpoint': secrets.url,
  };
  const bff = await Bff.start(options, settings);
  tables = await Tables.at(store.url);
  return bff;
};

const timed = async <T>(work: Promise<T>): Promise<T> => {
  const startedAt = performance.now();
  const result = await work;
  expect(performance.now() - startedAt).toBeLessThan(maxResponseMs);
  return result;
};

/** What every failed callback must be, whatever failed. */
async function expectFailure(response: Response, browser: Browser, bff: Bff, code: string): Promise<void> {
  expect(response.status).toBe(303);
  const location = response.headers.get('location') ?? '';
  expect(location).toMatch(
    new RegExp(`^${bff.baseUrl}/sign-in-error\\?code=[a-z_]+&reference=[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$`),
  );
  expect(Browser.failure(response)?.code).toBe(code);
  expect(response.headers.getSetCookie()).toEqual([]);
  expect(await response.text()).not.toContain(marker);
  expect(browser.cookies.has(sessionCookie)).toBe(false);
  expect(await tables.alive()).toEqual(aliveBefore);
  const entries = await bff.entriesFor(Browser.failure(response)?.reference ?? '');
  expect(entries).toContainEqual(expect.objectContaining({ event: 'sign_in_failed', code }));
  expect(bff.output).not.toContain(marker);
}

async function expectGoodSignIn(bff: Bff): Promise<void> {
  const browser = new Browser(bff.baseUrl);
  const response = await timed(browser.signIn(provider));
  expect(response.headers.get('location')).toBe(`${bff.baseUrl}/`);
  expect((await browser.session()).status).toBe('active');
  expect((await browser.api('/auth/logout', { method: 'POST' })).status).toBe(200);
}

describe('before anything is known of CIS2', () => {
  let bff: Bff;
  beforeAll(async () => {
    bff = await startBff({ WARM_UP: 'off' });
  });
  afterAll(() => bff.stop());

  describe('a discovery document that cannot be had or used makes a sign-in start 503 [ASVS-16.5.2]', () => {
    test.each(faults)('when CIS2 %s', async (_, fault) => {
      if (fault === 'refused') await provider.down();
      else provider.faults.set('discovery', fault);
      const { response } = await timed(new Browser(bff.baseUrl).login());
      expect(response.status).toBe(503);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
      expect(response.headers.getSetCookie()).toEqual([]);
      const text = await response.text();
      expect(JSON.parse(text) as Problem).toMatchObject({ status: 503, code: 'provider_unavailable' });
      expect(text).not.toContain(marker);
      expect(bff.output).not.toContain(marker);
    });

    test.each(['/auth/login', '/auth/login?returnTo=/ward/7&acr=AAL3_ANY'])(
      'and a person whose browser was on its way there (%s) lands on the page for it',
      async (target) => {
        await provider.down();
        const headers = [
          ['Sec-Fetch-Mode', 'navigate'],
          ['Sec-Fetch-Dest', 'document'],
        ] as const;
        const { status, headers: responseHeaders } = await timed(
          rawRequest(bff.baseUrl, target, { headers }),
        );
        const landed = new URL(responseHeaders.location ?? '');
        expect(status).toBe(303);
        expect(landed.origin + landed.pathname).toBe(`${bff.baseUrl}/sign-in-error`);
        expect([...landed.searchParams.keys()]).toEqual(['code', 'reference']);
        expect(landed.searchParams.get('code')).toBe('provider_unavailable');
        expect(responseHeaders['set-cookie']).toBeUndefined();
        expect(await bff.entriesFor(landed.searchParams.get('reference') ?? '')).toContainEqual(
          expect.objectContaining({ event: 'sign_in_failed', code: 'provider_unavailable' }),
        );
      },
    );

    test('and a wrong address is distinguished from that: invalid_request, as JSON for scripts and a page for people', async () => {
      const wrong = '/auth/login?returnTo=//elsewhere.invalid';
      const forScript = await rawRequest(bff.baseUrl, wrong, { headers: [] });
      expect(forScript.status).toBe(400);
      expect(JSON.parse(forScript.body) as Problem).toMatchObject({ code: 'invalid_request' });
      const headers = [
        ['Sec-Fetch-Mode', 'navigate'],
        ['Sec-Fetch-Dest', 'document'],
      ] as const;
      const forPerson = await rawRequest(bff.baseUrl, wrong, { headers });
      expect(forPerson.status).toBe(303);
      expect(new URL(forPerson.headers.location ?? '').searchParams.get('code')).toBe('invalid_request');
    });

    test.each<[string, Record<string, unknown>]>([
      ['names another issuer', { issuer: 'https://elsewhere.invalid' }],
      ['lacks the token endpoint', { token_endpoint: undefined }],
      ['has a key set address without TLS', { jwks_uri: 'http://keys.invalid/jwks' }],
      ['rules S256 out', { code_challenge_methods_supported: ['plain'] }],
    ])('when it %s', async (_, metadata) => {
      provider.metadata = metadata;
      const { response } = await timed(new Browser(bff.baseUrl).login());
      expect(response.status).toBe(503);
      expect(((await response.json()) as Problem).code).toBe('provider_unavailable');
    });
  });

  describe('keys that cannot be had or used end a sign-in as provider_unavailable', () => {
    test.each(faults)('when CIS2 %s', async (_, fault) => {
      const browser = new Browser(bff.baseUrl);
      // An instance's first sign-in start looks for the keys too.
      provider.faults.set('jwks', fault === 'refused' ? { kind: 'reset' } : fault);
      const { response, location } = await timed(browser.login());
      expect(response.status).toBe(302);
      if (fault === 'refused') {
        provider.faults.clear();
        provider.downAfter = 'token';
      }
      const landed = await timed(browser.callback(provider.authorise(location)));
      await expectFailure(landed, browser, bff, 'provider_unavailable');
    });

    test('and an empty key set is no key set', async () => {
      provider.faults.set('jwks', { kind: 'body', body: '{"keys":[]}' });
      const browser = new Browser(bff.baseUrl);
      await expectFailure(await timed(browser.signIn(provider)), browser, bff, 'provider_unavailable');
    });
  });

  test('a sign-in works as soon as CIS2 is well', async () => {
    await expectGoodSignIn(bff);
  });
});

describe('once CIS2 is known', () => {
  let bff: Bff;
  beforeAll(async () => {
    bff = await startBff();
    await expectGoodSignIn(bff);
  });
  afterAll(() => bff.stop());
  beforeEach(() => {
    provider.requests.length = 0;
    store.reset();
    secrets.reset();
  });

  const before: Partial<Record<Endpoint, Endpoint>> = { userinfo: 'token' };

  describe.each<Endpoint>(['token', 'userinfo'])(
    'a fault of the %s endpoint ends the sign-in',
    (endpoint) => {
      test.each(faults)('when it %s', async (_, fault, meaning) => {
        const browser = new Browser(bff.baseUrl);
        const { location } = await browser.login();
        const previous = before[endpoint];
        if (fault !== 'refused') provider.faults.set(endpoint, fault);
        else if (previous !== undefined) provider.downAfter = previous;
        else await provider.down();
        const parameters = provider.authorise(location);
        const landed = await timed(browser.callback(parameters));
        const code = meaning === 'away' ? 'provider_unavailable' : 'response_invalid';
        await expectFailure(landed, browser, bff, code);
        // The code is spent at CIS2 and the attempt is spent here: nothing may be sent twice, but where a connection was
        // lost without a word.
        const most = (asked: Endpoint): number =>
          asked === endpoint && fault !== 'refused' && fault.kind === 'reset' ? 2 : 1;
        expect(provider.asked('token').length).toBeLessThanOrEqual(most('token'));
        expect(provider.asked('userinfo').length).toBeLessThanOrEqual(most('userinfo'));

        provider.behave();
        await provider.up();
        expect(Browser.failure(await browser.callback(parameters))?.code).toBe('login_expired');
        await expectGoodSignIn(bff);
      });
    },
  );

  test('a response that stops in the middle is no response', async () => {
    provider.faults.set('userinfo', { kind: 'body', body: '{"sub":', headers: { 'content-length': '900' } });
    const browser = new Browser(bff.baseUrl);
    await expectFailure(await timed(browser.signIn(provider)), browser, bff, 'provider_unavailable');
  });

  test('endpoints that are each slow do not make the whole callback slow', async () => {
    provider.faults.set('token', { kind: 'delay', milliseconds: 3_500 });
    provider.faults.set('userinfo', { kind: 'delay', milliseconds: 3_500 });
    const browser = new Browser(bff.baseUrl);
    await expectFailure(await timed(browser.signIn(provider)), browser, bff, 'provider_unavailable');
  });

  test('a slow CIS2 that is still in time signs the user in', async () => {
    provider.faults.set('token', { kind: 'delay', milliseconds: 1_500 });
    await expectGoodSignIn(bff);
  });

  test('a sign-in start makes no network call', async () => {
    for (const query of ['', '?returnTo=/ward', '?reauth=1', '?role=select', '?acr=AAL3_FIDO2']) {
      expect((await new Browser(bff.baseUrl).login(query)).response.status).toBe(302);
    }
    expect(provider.requests).toEqual([]);
    expect(store.calls).toEqual([]);
    expect(secrets.calls).toEqual([]);
  });

  test('sign-in starts and sessions go on while CIS2 is away [ASVS-16.5.2]', async () => {
    const signedIn = new Browser(bff.baseUrl);
    await signedIn.signIn(provider);
    await provider.down();

    const { response } = await timed(new Browser(bff.baseUrl).login());
    expect(response.status).toBe(302);
    expect((await signedIn.session()).status).toBe('active');
    expect((await signedIn.api('/auth/session/extend', { method: 'POST' })).status).toBe(200);
    expect((await signedIn.api('/auth/logout', { method: 'POST' })).status).toBe(200);
    expect((await signedIn.request('/auth/jwks.json')).status).toBe(200);
  });

  test('a failed sign-in leaves the session that the browser has', async () => {
    const browser = new Browser(bff.baseUrl);
    await browser.signIn(provider);
    const { handle } = await browser.session();
    for (const fault of [{ kind: 'status', status: 503 }, { kind: 'html' }] as const) {
      provider.faults.set('userinfo', fault);
      const response = await browser.signIn(provider);
      expect(Browser.failure(response)).toBeDefined();
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(await browser.session()).toMatchObject({ status: 'active', handle });
    }
    expect((await browser.api('/auth/logout', { method: 'POST' })).status).toBe(200);
  });
});
