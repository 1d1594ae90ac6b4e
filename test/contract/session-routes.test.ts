/** `/auth/session`, `/auth/session/extend` and `/auth/logout`, and everything under our prefixes that is no route. */
import { describe, expect, test } from '@jest/globals';
import { sessionCookie, signInCookie, type Browser } from '../support/browser.ts';
import { rawRequest, type RawResponse } from '../support/raw-http.ts';
import { useSharedRig } from '../support/rig.ts';
import {
  expectOwnHeaders,
  expectProblem,
  expectSignedIn,
  headersOf,
  read,
  referencePattern,
  signedInBrowser,
} from './expectations.ts';

const rig = useSharedRig();

async function newlySignedIn(): Promise<Browser> {
  const browser = rig.browser();
  await expectSignedIn(browser, await browser.signIn(rig.provider));
  return browser;
}

const signedIn = async (): Promise<Browser> => (await signedInBrowser(rig)).browser;

const cookieOf = (browser: Browser): [string, string] => [
  'Cookie',
  `${sessionCookie}=${browser.cookies.get(sessionCookie) ?? ''}`,
];

const guarded = [
  ['GET', '/auth/session'],
  ['POST', '/auth/session/extend'],
  ['POST', '/auth/logout'],
] as const;

/** What the session is, without what the time of day changes. */
const stateOf = async (browser: Browser): Promise<unknown> => ({
  ...(await browser.session()),
  serverTime: '',
});

describe.each(guarded)('the guards of %s %s, each alone [B-09, B-11, ASVS-3.5.1]', (method, path) => {
  const send = (browser: Browser, headers: [string, string][], body?: string): Promise<RawResponse> =>
    rawRequest(rig.bff.baseUrl, path, {
      method,
      headers: [cookieOf(browser), ...headers],
      ...(body === undefined ? {} : { body }),
    });
  const good = (): Record<string, string> => ({
    'X-CSRF': '1',
    Origin: rig.bff.baseUrl,
    'Sec-Fetch-Site': 'same-origin',
  });

  /** Everything as it should be but for one header, which is given these values in turn; none leaves it out. */
  const withHeader = (name: string, values: readonly string[]): [string, string][] => [
    ...Object.entries(good()).filter(([other]) => other !== name),
    ...values.map((value): [string, string] => [name, value]),
  ];

  const here = (value: string): string =>
    value.replace('BASE', rig.bff.baseUrl).replace('PORT', new URL(rig.bff.baseUrl).port);

  test.each<[string, string, string[]]>([
    ['without X-CSRF', 'X-CSRF', []],
    ['with X-CSRF: 0', 'X-CSRF', ['0']],
    ['with X-CSRF: other', 'X-CSRF', ['other']],
    ['with X-CSRF: true', 'X-CSRF', ['true']],
    ['with X-CSRF: 11', 'X-CSRF', ['11']],
    ['with X-CSRF: 1.0', 'X-CSRF', ['1.0']],
    ['with X-CSRF: 1, 1', 'X-CSRF', ['1, 1']],
    ['with X-CSRF: 1;', 'X-CSRF', ['1;']],
    ['with an empty X-CSRF', 'X-CSRF', ['']],
    ['with X-CSRF twice', 'X-CSRF', ['1', '1']],
    ['with X-CSRF twice, one of them empty', 'X-CSRF', ['1', '']],
    ['from another site', 'Origin', ['https://evil.example']],
    ['from a site of another scheme', 'Origin', ['https://localhost:PORT']],
    ['from a site on another port', 'Origin', ['http://localhost:1']],
    ['from a sibling', 'Origin', ['http://sibling.localhost:PORT']],
    ['from a name that begins as ours', 'Origin', ['BASE.evil.example']],
    ['from the same machine by another name', 'Origin', ['http://127.0.0.1:PORT']],
    ['from an origin written as an address', 'Origin', ['BASE/']],
    ['from Origin: null', 'Origin', ['null']],
    ['from an empty Origin', 'Origin', ['']],
    ['from two origins', 'Origin', ['BASE', 'https://evil.example']],
    ['fetched cross-site', 'Sec-Fetch-Site', ['cross-site']],
    ['fetched same-site', 'Sec-Fetch-Site', ['same-site']],
    ['fetched by the address bar', 'Sec-Fetch-Site', ['none']],
    ['fetched from nowhere', 'Sec-Fetch-Site', ['']],
    ['fetched from two places', 'Sec-Fetch-Site', ['same-origin', 'cross-site']],
  ])('a request %s is refused and changes nothing', async (_, name, values) => {
    const browser = await signedIn();
    const before = await stateOf(browser);
    expectProblem(await send(browser, withHeader(name, values.map(here))), 403, 'csrf_rejected');
    expect(await stateOf(browser)).toEqual(before);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain; a=application/json',
    'application/jsonx',
    'text/json',
    'application/json, text/plain',
    undefined,
  ])('a body of type %s is refused and changes nothing [ASVS-3.5.2]', async (type) => {
    const browser = await signedIn();
    const before = await stateOf(browser);
    const headers: [string, string][] = type === undefined ? [] : [['Content-Type', type]];
    const response = await send(browser, [...Object.entries(good()), ...headers], '{"a":1}');
    expectProblem(response, 415, 'unsupported_media_type');
    expect(await stateOf(browser)).toEqual(before);
  });

  test('a body of more than 16 KiB is refused and changes nothing', async () => {
    const browser = await signedIn();
    const before = await stateOf(browser);
    const headers: [string, string][] = [...Object.entries(good()), ['Content-Type', 'application/json']];
    const response = await send(browser, headers, JSON.stringify('x'.repeat(16_384)));
    expectProblem(response, 413, 'payload_too_large');
    expect(await stateOf(browser)).toEqual(before);
  });

  test('a session cookie that comes twice is refused and changes nothing [C-10]', async () => {
    const [browser, other] = [await newlySignedIn(), await newlySignedIn()];
    const before = await stateOf(browser);
    for (const value of [browser, other].map((one) => one.cookies.get(sessionCookie) ?? '')) {
      const response = await send(browser, [
        ...Object.entries(good()),
        ['Cookie', `${sessionCookie}=${value}`],
      ]);
      expectProblem(response, 400, 'invalid_request');
    }
    expect(await stateOf(browser)).toEqual(before);
  });

  test.each<[string, [string, string][]]>([
    ['X-CSRF alone: an old browser sends neither Origin nor Sec-Fetch-Site', [['X-CSRF', '1']]],
    ['the header in another case', [['x-cSrF', '1']]],
    [
      'a JSON type without a body',
      [
        ['X-CSRF', '1'],
        ['Content-Type', 'application/json'],
      ],
    ],
    [
      'a form’s type without a body',
      [
        ['X-CSRF', '1'],
        ['Content-Type', 'text/plain'],
      ],
    ],
  ])('a request with %s is served [ASVS-3.7.5]', async (_, headers) => {
    expect((await send(await signedIn(), headers)).status).toBe(200);
  });

  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON'])(
    'a body of type %s is served',
    async (type) => {
      const headers: [string, string][] = [...Object.entries(good()), ['Content-Type', type]];
      expect((await send(await signedIn(), headers, '{}')).status).toBe(200);
    },
  );
});

describe('methods', () => {
  const known = [
    ['GET', '/auth/login'],
    ['GET', '/auth/callback'],
    ['GET', '/auth/jwks.json'],
    ...guarded,
  ] as const;
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];

  test.each(
    known.flatMap(([method, path]) =>
      methods.filter((other) => other !== method).map((other) => [other, path, method] as const),
    ),
  )('%s %s is 405 and says %s is allowed [B-16, ASVS-3.5.3, ASVS-4.1.4]', async (method, path, allowed) => {
    const browser = await signedIn();
    const response = await rawRequest(rig.bff.baseUrl, path, {
      method,
      headers: [cookieOf(browser), ['X-CSRF', '1'], ['Origin', rig.bff.baseUrl]],
    });
    expect([response.status, response.headers.allow]).toEqual([405, allowed]);
    expectOwnHeaders(response.headers);
    expect(response.headers['set-cookie']).toBeUndefined();
    if (method === 'HEAD') expect(response.body).toBe('');
    else expectProblem(response, 405, 'method_not_allowed');
    expect((await browser.session()).status).toBe('active');
  });

  test.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])(
    '%s does not make a GET of what it is not [B-16, ASVS-3.5.3, ASVS-4.1.4]',
    async (name) => {
      const browser = await signedIn();
      const response = await rawRequest(rig.bff.baseUrl, '/auth/logout?_method=POST', {
        headers: [cookieOf(browser), ['X-CSRF', '1'], [name, 'POST']],
      });
      expectProblem(response, 405, 'method_not_allowed');
      expect((await browser.session()).status).toBe('active');
    },
  );
});

describe('what is no route', () => {
  test.each([
    ['GET', '/auth/'],
    ['GET', '/auth/x'],
    ['GET', '/auth/x/y/z'],
    ['GET', '/auth/session/'],
    ['GET', '/auth//session'],
    ['GET', '/auth/session.json'],
    ['GET', '/auth/session;x=.css'],
    ['GET', '/auth/session/style.css'],
    ['GET', '/auth/session%2f'],
    ['GET', '/auth/session%00'],
    ['GET', '/auth/Session'],
    ['GET', '/auth/../auth/session'],
    ['GET', '/auth/./session'],
    ['GET', '/auth/login/'],
    ['POST', '/auth/logout/'],
    ['GET', '/auth/constructor'],
    ['GET', '/auth/__proto__'],
    ['GET', '/api/'],
    ['GET', '/api/x'],
    ['POST', '/api/x/y?z=1'],
    ['DELETE', '/api/x'],
    ['GET', '/api/pds/Practitioner/1'],
  ])('%s %s is 404 [ASVS-14.2.5]', async (method, path) => {
    const browser = await signedIn();
    const response = await rawRequest(rig.bff.baseUrl, path, {
      method,
      headers: [cookieOf(browser), ['X-CSRF', '1']],
    });
    expectProblem(response, 404, 'not_found');
    expect((await browser.session()).status).toBe('active');
  });

  test('a route spelt with escapes has the same guards', async () => {
    const browser = await signedIn();
    const path = '/auth/%73ession';
    const without = await rawRequest(rig.bff.baseUrl, path, { headers: [cookieOf(browser)] });
    expectProblem(without, 403, 'csrf_rejected');
    const logout = await rawRequest(rig.bff.baseUrl, '/auth/log%6fut', {
      method: 'POST',
      headers: [cookieOf(browser)],
    });
    expectProblem(logout, 403, 'csrf_rejected');
    expect((await browser.session()).status).toBe('active');
  });
});

describe('CORS', () => {
  test.each([...guarded.map(([, path]) => path), '/auth/login', '/auth/jwks.json', '/auth/x', '/api/x'])(
    'a preflight for %s gets no approval in its response [B-12, ASVS-3.4.2]',
    async (path) => {
      for (const origin of ['https://evil.example', 'null', rig.bff.baseUrl]) {
        const response = await rawRequest(rig.bff.baseUrl, path, {
          method: 'OPTIONS',
          headers: [
            ['Origin', origin],
            ['Access-Control-Request-Method', 'POST'],
            ['Access-Control-Request-Headers', 'x-csrf'],
          ],
        });
        expect([404, 405]).toContain(response.status);
        expect(Object.keys(response.headers).filter((name) => name.startsWith('access-control-'))).toEqual(
          [],
        );
      }
    },
  );
});

describe('every response', () => {
  /** One of each kind that these functions give. */
  async function everyKind(): Promise<[kind: string, response: Response][]> {
    const browser = await newlySignedIn();
    const { location } = await browser.login();
    const old = await newlySignedIn();
    const returned = rig.provider.authorise(location);
    const post = { method: 'POST' };
    return [
      ['login', (await browser.login()).response],
      ['login refused', (await browser.login('?acr=x')).response],
      ['callback', await browser.callback(returned)],
      ['callback failed', await browser.callback(returned)],
      ['session active', await browser.api('/auth/session')],
      ['session anonymous', await rig.browser().api('/auth/session')],
      ['extend', await browser.api('/auth/session/extend', post)],
      ['extend anonymous', await rig.browser().api('/auth/session/extend', post)],
      ['session of another', await browser.api('/auth/session', { headers: { 'x-session': 'x' } })],
      ['csrf', await browser.request('/auth/session')],
      ['no route', await browser.api('/auth/x')],
      ['no such api', await browser.api('/api/x')],
      ['method', await browser.api('/auth/session', { method: 'DELETE' })],
      [
        'media type',
        await browser.api('/auth/logout', { ...post, body: 'x', headers: { 'content-type': 'text/plain' } }),
      ],
      ['jwks', await browser.request('/auth/jwks.json')],
      ['logout', await browser.api('/auth/logout', post)],
      ['logout again', await browser.api('/auth/logout', post)],
      ['logout of another', await old.api('/auth/logout', { ...post, headers: { 'x-session': 'x' } })],
    ];
  }

  test('carries the headers of the contract, a reference of its own, and no word of what runs here [S-11, S-18, ASVS-3.2.1, ASVS-3.4.1, ASVS-3.4.4, ASVS-3.4.5, ASVS-3.4.6, ASVS-13.4.6, ASVS-14.3.2]', async () => {
    const references = new Set<string>();
    const responses = await everyKind();
    for (const [kind, response] of responses) {
      expectOwnHeaders(headersOf(response.headers), kind === 'jwks' ? 'public, max-age=3600' : 'no-store');
      for (const name of ['server', 'x-powered-by', 'via', 'etag', 'x-amzn-requestid']) {
        expect([kind, name, response.headers.get(name)]).toEqual([kind, name, null]);
      }
      references.add(response.headers.get('x-request-id') ?? '');
    }
    expect(references.size).toBe(responses.length);
  });

  test('carries a Set-Cookie only at login, callback and logout, and every cookie is Secure and HttpOnly [B-03, B-04, B-06, ASVS-3.3.1]', async () => {
    const setting = (await everyKind()).filter(([, response]) => response.headers.getSetCookie().length > 0);
    expect(setting.map(([kind]) => kind)).toEqual(['login', 'callback', 'logout']);
    for (const [, response] of setting) {
      for (const line of response.headers.getSetCookie()) {
        expect(line).toMatch(/^__Host-Http-[a-z-]+=[\w-]*; Path=\/; Secure; HttpOnly; SameSite=(Strict|Lax)/);
        expect(line).not.toMatch(/domain|expires/i);
      }
    }
  });

  test('has our own X-Request-Id, never the caller’s [S-12, ASVS-4.1.3]', async () => {
    const response = await (await signedIn()).api('/auth/session', { headers: { 'x-request-id': 'mine' } });
    expect(response.headers.get('x-request-id')).toMatch(referencePattern);
  });

  test('has the security headers also where the gateway responds before us [S-18, ASVS-3.4.1]', async () => {
    const response = await rawRequest(rig.bff.baseUrl, '/auth/%zz');
    expect(response.status).toBe(400);
    expect(response.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=63072000; includeSubDomains',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'cache-control': 'no-store',
    });
  });
});

describe('the session as JSON', () => {
  test('has exactly the members of the contract [B-18, CIS2-SES-005, CIS2-SES-007]', async () => {
    const before = Math.floor(Date.now() / 1000);
    const session = await (await newlySignedIn()).session();
    const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const role = {
      roleId: '900000000701',
      roleCode: 'S8000:G8000:R8000',
      jobRoleCode: 'R8000',
      roleName: 'Clinical Practitioner Access Role',
      orgCode: 'A9A5A',
      orgName: 'EXAMPLE HEALTH CENTRE',
      activityCodes: ['B0420', 'B0428'],
      workgroupCodes: [],
    };
    expect(session).toEqual({
      status: 'active',
      handle: expect.stringMatching(/^[\w-]{16,}$/),
      user: {
        uid: '900000000111',
        name: 'Odalys Fernsby',
        givenName: 'Odalys',
        familyName: 'Fernsby',
        title: 'Dr',
      },
      assurance: { authentication: 3, identity: 3, methods: ['N3_SMARTCARD'], authenticatedAt: instant },
      role,
      roles: [role],
      expires: { at: instant, idleAt: instant, absoluteAt: instant, bindingLimit: 'idle', warnAt: instant },
      serverTime: instant,
    });
    const seconds = (text: string): number => Date.parse(text) / 1000;
    const { expires } = session;
    expect(expires.at).toBe(expires.idleAt);
    expect(seconds(expires.at) - seconds(expires.warnAt)).toBe(120);
    expect(seconds(expires.absoluteAt) - seconds(expires.idleAt)).toBe(43_200 - 900);
    expect(seconds(expires.idleAt) - 900).toBeGreaterThanOrEqual(before);
    expect(seconds(expires.idleAt) - 900).toBeLessThanOrEqual(Date.now() / 1000);
    expect(Math.abs(seconds(session.serverTime) - Date.now() / 1000)).toBeLessThan(5);
  });

  test('is of the type application/json, and its handle is of no use as a cookie [ASVS-4.1.1]', async () => {
    const browser = await signedIn();
    const response = await browser.api('/auth/session');
    expect(response.headers.get('content-type')).toMatch(/^application\/json\b/);
    const { handle } = await browser.session();
    const thief = rig.browser();
    for (const value of [handle, handle.repeat(4).slice(0, 86)]) {
      thief.cookies.set(sessionCookie, value);
      expect(await thief.session()).toEqual({ status: 'anonymous' });
    }
  });

  test('says anonymous without a cookie, and with one that nobody gave out [B-18, ASVS-7.2.1, C-02]', async () => {
    const browser = rig.browser();
    expect(await browser.session()).toEqual({ status: 'anonymous' });
    browser.cookies.set(sessionCookie, Buffer.alloc(64, 3).toString('base64url'));
    expect(await browser.session()).toEqual({ status: 'anonymous' });
    browser.cookies.set(sessionCookie, 'nonsense');
    expect(await browser.session()).toEqual({ status: 'anonymous' });
  });
});

describe('X-Session', () => {
  test.each([
    ['another session’s', async () => (await (await newlySignedIn()).session()).handle],
    ['nobody’s', () => Promise.resolve('nobody')],
    ['empty', () => Promise.resolve('')],
  ])('that is %s is 409 on every route, and nothing happens', async (_, handle) => {
    const browser = await signedIn();
    const before = await stateOf(browser);
    const headers = { 'x-session': await handle() };
    for (const [method, path] of guarded) {
      expectProblem(await read(await browser.api(path, { method, headers })), 409, 'session_changed');
    }
    expect(await stateOf(browser)).toEqual(before);
  });

  test('that is the session’s own is served on every route', async () => {
    const browser = await newlySignedIn();
    const headers = { 'x-session': (await browser.session()).handle };
    for (const [method, path] of guarded) {
      expect((await browser.api(path, { method, headers })).status).toBe(200);
    }
    expect(browser.cookies.has(sessionCookie)).toBe(false);
  });

  test('of a session that a newer one replaced is 409 for the newer', async () => {
    const browser = await newlySignedIn();
    const { handle } = await browser.session();
    await expectSignedIn(browser, await browser.signIn(rig.provider));
    const response = await browser.api('/auth/session', { headers: { 'x-session': handle } });
    expectProblem(await read(response), 409, 'session_changed');
  });

  test('changes nothing of the response where no live session is reached', async () => {
    const headers = { 'x-session': 'any' };
    const nobody = rig.browser();
    expect(await nobody.session(headers)).toEqual({ status: 'anonymous' });
    const browser = await newlySignedIn();
    const cookie = browser.cookies.get(sessionCookie) ?? '';
    await browser.api('/auth/logout', { method: 'POST' });
    browser.cookies.set(sessionCookie, cookie);
    expect(await browser.session(headers)).toEqual({ status: 'ended', reason: 'signed_out' });
    const extended = await browser.api('/auth/session/extend', { method: 'POST', headers });
    expectProblem(await read(extended), 401, 'session_ended', {
      reason: 'signed_out',
      loginUrl: '/auth/login',
    });
    const out = await browser.api('/auth/logout', { method: 'POST', headers });
    expect([out.status, await out.json()]).toEqual([200, { redirectTo: '/signed-out' }]);
  });
});

describe('logout', () => {
  test('ends the session for good and clears the cookie with the attributes it was set with [O-16, ASVS-7.4.1, C-09]', async () => {
    const browser = await newlySignedIn();
    const thief = rig.browser();
    thief.cookies.set(sessionCookie, browser.cookies.get(sessionCookie) ?? '');
    const response = await browser.api('/auth/logout', { method: 'POST' });
    expect([response.status, await response.json()]).toEqual([200, { redirectTo: '/signed-out' }]);
    expect(response.headers.getSetCookie()).toEqual([
      `${sessionCookie}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0`,
    ]);
    expect(await thief.session()).toEqual({ status: 'ended', reason: 'signed_out' });
    const extended = await thief.api('/auth/session/extend', { method: 'POST' });
    expectProblem(await read(extended), 401, 'session_ended', {
      reason: 'signed_out',
      loginUrl: '/auth/login',
    });
    expect(await thief.session()).toEqual({ status: 'ended', reason: 'signed_out' });
  });

  test('a second time, and without any session, is 200 all the same and touches no cookie', async () => {
    const browser = await newlySignedIn();
    const cookie = browser.cookies.get(sessionCookie) ?? '';
    await browser.api('/auth/logout', { method: 'POST' });
    const others = [rig.browser(), rig.browser(), rig.browser()];
    others[1]?.cookies.set(sessionCookie, cookie);
    others[2]?.cookies.set(sessionCookie, 'nonsense');
    for (const other of others) {
      const response = await other.api('/auth/logout', { method: 'POST' });
      expect([response.status, await response.json()]).toEqual([200, { redirectTo: '/signed-out' }]);
      expect(response.headers.getSetCookie()).toEqual([]);
    }
  });

  test('touches no other session of the same person, and not the sign-in cookie', async () => {
    const [browser, other] = [await newlySignedIn(), await newlySignedIn()];
    await browser.api('/auth/logout', { method: 'POST' });
    expect((await other.session()).status).toBe('active');
    expect([...browser.cookies.keys()]).toEqual([signInCookie]);
  });

  test('with an old cookie does not reach the session that replaced it', async () => {
    const browser = await newlySignedIn();
    const late = rig.browser();
    late.cookies.set(sessionCookie, browser.cookies.get(sessionCookie) ?? '');
    await expectSignedIn(browser, await browser.signIn(rig.provider));
    const response = await late.api('/auth/logout', { method: 'POST' });
    expect(response.headers.getSetCookie()).toEqual([]);
    expect((await browser.session()).status).toBe('active');
  });

  test('signing in again after it gives another session', async () => {
    const browser = await newlySignedIn();
    const { handle } = await browser.session();
    await browser.api('/auth/logout', { method: 'POST' });
    expect(await browser.session()).toEqual({ status: 'anonymous' });
    expect((await expectSignedIn(browser, await browser.signIn(rig.provider))).handle).not.toBe(handle);
  });
});

describe('extend', () => {
  test('without a session is 401 and says where to sign in', async () => {
    const response = await rig.browser().api('/auth/session/extend', { method: 'POST' });
    expectProblem(await read(response), 401, 'session_required', { loginUrl: '/auth/login' });
  });

  test('with a cookie that nobody gave out is 401 [ASVS-7.2.1, C-02]', async () => {
    const browser = rig.browser();
    browser.cookies.set(sessionCookie, Buffer.alloc(64, 9).toString('base64url'));
    const response = await browser.api('/auth/session/extend', { method: 'POST' });
    expectProblem(await read(response), 401, 'session_required', { loginUrl: '/auth/login' });
  });

  test('responds as the session does', async () => {
    const browser = await newlySignedIn();
    const response = await browser.api('/auth/session/extend', { method: 'POST' });
    const extended = (await response.json()) as Record<string, unknown>;
    expect(extended['status']).toBe('active');
    const session = await browser.session();
    expect({ ...extended, serverTime: '' }).toEqual({ ...session, serverTime: '' });
  });
});

describe('the key that a page encrypts unsaved work with', () => {
  const keyOf = async (browser: Browser): Promise<unknown> => {
    const response = await browser.api('/auth/session/draft-key');
    expect(response.status).toBe(200);
    return ((await response.json()) as { key: unknown }).key;
  };

  test('is the same in every session of a person, another one for anybody else, and had by nobody without a session', async () => {
    const [first, second] = [await newlySignedIn(), await newlySignedIn()];
    const key = await keyOf(first);
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(await keyOf(second)).toBe(key);
    const other = rig.browser();
    rig.provider.claims = () => ({ sub: '900000000222' });
    rig.provider.userInfo = { sub: '900000000222' };
    await expectSignedIn(other, await other.signIn(rig.provider));
    rig.provider.behave();
    expect(await keyOf(other)).toMatch(/^[\w-]{43}$/);
    expect(await keyOf(other)).not.toBe(key);
    expect(JSON.stringify(await first.session())).not.toContain(String(key));

    expect((await first.api('/auth/logout', { method: 'POST' })).status).toBe(200);
    const nobodys = await rig.browser().api('/auth/session/draft-key');
    expectProblem(await read(nobodys), 401, 'session_required', { loginUrl: '/auth/login' });
    expect(rig.bff.output).not.toContain(String(key));
  });

  test('is refused without the guards of every session route, and for another session than the page believes', async () => {
    const browser = await signedIn();
    const send = (...headers: [string, string][]): Promise<RawResponse> =>
      rawRequest(rig.bff.baseUrl, '/auth/session/draft-key', {
        method: 'GET',
        headers: [cookieOf(browser), ...headers],
      });
    for (const headers of [
      [],
      [
        ['X-CSRF', '1'],
        ['Origin', 'https://evil.example'],
      ],
      [
        ['X-CSRF', '1'],
        ['Sec-Fetch-Site', 'cross-site'],
      ],
      [
        ['X-CSRF', '1'],
        ['X-Session', 'another'],
      ],
    ] as [string, string][][]) {
      const response = await send(...headers);
      expect([403, 409]).toContain(response.status);
      expect(response.body).not.toContain('"key"');
    }
  });
});
