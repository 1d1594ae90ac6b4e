/** `GET /auth/sessions` and `DELETE /auth/sessions/{handle}`: a user's own sessions. */
import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionCookie, type Browser } from '../support/browser.ts';
import { rawRequest, type RawResponse } from '../support/raw-http.ts';
import { useSharedRig } from '../support/rig.ts';
import { expectOwnHeaders, expectProblem, expectSignedIn, headersOf, read } from './expectations.ts';
import { newUser, signsIn } from './logout-tokens.ts';

const rig = useSharedRig();
const path = '/auth/sessions';

interface Listed {
  readonly handle: string;
  readonly current: boolean;
  readonly signedInAt: string;
  readonly lastActiveAt: string;
  readonly device: string;
}

const agents = {
  'Chrome on Windows':
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Firefox on Linux': 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
};

async function signedIn(user: string, device?: keyof typeof agents): Promise<Browser> {
  signsIn(rig.provider, user, `sid-${user}-${String(Math.random())}`);
  const browser = rig.browser();
  const { location } = await browser.login();
  const query = new URLSearchParams(rig.provider.authorise(location)).toString();
  const landed = await browser.request(`/auth/callback?${query}`, {
    headers: device === undefined ? {} : { 'user-agent': agents[device] },
  });
  await expectSignedIn(browser, landed);
  return browser;
}

let pair: Promise<readonly [Browser, Browser]> | undefined;

/** Two sessions of one user, the same for all tests that end none. */
const twoSessions = (): Promise<readonly [Browser, Browser]> =>
  (pair ??= (async () => {
    const user = newUser();
    return [await signedIn(user), await signedIn(user)] as const;
  })());

async function listOf(browser: Browser): Promise<Listed[]> {
  const response = await browser.api(path);
  expect(response.status).toBe(200);
  const body = (await response.json()) as { sessions: Listed[] };
  expect(Object.keys(body)).toEqual(['sessions']);
  return body.sessions;
}

const remove = (browser: Browser, handle: string, headers: Record<string, string> = {}): Promise<Response> =>
  browser.api(`${path}/${handle}`, { method: 'DELETE', headers });

const handleOf = async (browser: Browser): Promise<string> => (await browser.session()).handle;
const revoked = { status: 'ended', reason: 'revoked' };

describe('the list', () => {
  test('has exactly the members of the contract [ASVS-7.5.2]', async () => {
    const browser = await signedIn(newUser(), 'Chrome on Windows');
    const { handle, expires } = await browser.session();
    const response = await browser.api(path);
    expect(response.headers.get('content-type')).toMatch(/^application\/json\b/);
    expectOwnHeaders(headersOf(response.headers));
    expect(response.headers.getSetCookie()).toEqual([]);
    const signedInAt = new Date(Date.parse(expires.absoluteAt) - 43_200_000).toISOString();
    expect(await response.json()).toEqual({
      sessions: [
        { handle, current: true, signedInAt, lastActiveAt: signedInAt, device: 'Chrome on Windows' },
      ],
    });
  });

  test('has every live session of the user, the current one first, then the one most recently active', async () => {
    const user = newUser();
    const first = await signedIn(user, 'Firefox on Linux');
    await sleep(1_100);
    const second = await signedIn(user, 'Chrome on Windows');
    await sleep(1_100);
    const third = await signedIn(user);
    await sleep(1_100);
    await first.api('/auth/session/extend', { method: 'POST' });
    const handles = [await handleOf(first), await handleOf(second), await handleOf(third)] as const;

    expect((await listOf(first)).map(({ handle, current }) => [handle, current])).toEqual([
      [handles[0], true],
      [handles[2], false],
      [handles[1], false],
    ]);
    const seen = await listOf(second);
    expect(seen.map(({ handle, current }) => [handle, current])).toEqual([
      [handles[1], true],
      [handles[0], false],
      [handles[2], false],
    ]);
    expect(seen.slice(0, 2).map(({ device }) => device)).toEqual(['Chrome on Windows', 'Firefox on Linux']);
    expect(Date.parse(seen[1]?.lastActiveAt ?? '')).toBeGreaterThan(Date.parse(seen[1]?.signedInAt ?? ''));
  });

  test('has nobody else’s, and none that is over', async () => {
    const user = newUser();
    const [browser, leaving, stepping] = [await signedIn(user), await signedIn(user), await signedIn(user)];
    await signedIn(newUser());
    await leaving.api('/auth/logout', { method: 'POST' });
    signsIn(rig.provider, user, undefined);
    await expectSignedIn(stepping, await stepping.signIn(rig.provider));
    expect((await listOf(browser)).map(({ handle }) => handle).sort()).toEqual(
      [await handleOf(browser), await handleOf(stepping)].sort(),
    );
  });

  test('holds nothing that works as a cookie, and no id of CIS2’s', async () => {
    const user = newUser();
    const [browser, other] = [await signedIn(user), await signedIn(user)];
    const text = JSON.stringify(await listOf(browser));
    for (const secret of [
      user,
      'sid-',
      ...[browser, other].map((one) => one.cookies.get(sessionCookie) ?? '?'),
    ]) {
      expect(text).not.toContain(secret);
    }
    const thief = rig.browser();
    for (const { handle } of await listOf(browser)) {
      for (const value of [handle, handle.repeat(8).slice(0, 86)]) {
        thief.cookies.set(sessionCookie, value);
        expect(await thief.session()).toEqual({ status: 'anonymous' });
      }
    }
  });

  test('does not extend the session', async () => {
    const browser = await signedIn(newUser());
    const { expires } = await browser.session();
    await sleep(1_100);
    await listOf(browser);
    expect((await browser.session()).expires.idleAt).toBe(expires.idleAt);
  });

  test('shows the new handle after a change of role', async () => {
    const user = newUser();
    const [browser, other] = [await signedIn(user), await signedIn(user)];
    const response = await browser.api('/auth/session/role', {
      method: 'PUT',
      body: '{"roleId":"900000000701"}',
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(200);
    const handle = await handleOf(browser);
    expect((await listOf(other)).map((listed) => listed.handle)).toContain(handle);
    expect((await listOf(browser))[0]).toMatchObject({ handle, current: true });
  });

  test('without a session is 401, and after its end says why', async () => {
    expectProblem(await read(await rig.browser().api(path)), 401, 'session_required', {
      loginUrl: '/auth/login',
    });
    const browser = await signedIn(newUser());
    const cookie = browser.cookies.get(sessionCookie) ?? '';
    await browser.api('/auth/logout', { method: 'POST' });
    browser.cookies.set(sessionCookie, cookie);
    expectProblem(await read(await browser.api(path)), 401, 'session_ended', {
      reason: 'signed_out',
      loginUrl: '/auth/login',
    });
  });
});

describe('ending one', () => {
  test('of the user’s own is 204 without a body, and ends it as revoked at once [ASVS-7.5.2, ASVS-7.4.1]', async () => {
    const user = newUser();
    const [browser, other, third] = [await signedIn(user), await signedIn(user), await signedIn(user)];
    const response = await remove(browser, await handleOf(other));
    expect([response.status, await response.text()]).toEqual([204, '']);
    expectOwnHeaders(headersOf(response.headers));
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await other.session()).toEqual(revoked);
    const late = await other.api('/auth/session/extend', { method: 'POST' });
    expectProblem(await read(late), 401, 'session_ended', { reason: 'revoked', loginUrl: '/auth/login' });
    expect((await third.session()).status).toBe('active');
    expect((await listOf(browser)).map(({ handle }) => handle).sort()).toEqual(
      [await handleOf(browser), await handleOf(third)].sort(),
    );
  });

  test('and the current one is possible, and clears no cookie', async () => {
    const browser = await signedIn(newUser());
    const response = await remove(browser, await handleOf(browser));
    expect([response.status, response.headers.getSetCookie()]).toEqual([204, []]);
    expect(await browser.session()).toEqual(revoked);
  });

  test('a second time is 404', async () => {
    const user = newUser();
    const [browser, other] = [await signedIn(user), await signedIn(user)];
    const handle = await handleOf(other);
    expect((await remove(browser, handle)).status).toBe(204);
    expectProblem(await read(await remove(browser, handle)), 404, 'not_found');
  });

  test('by a handle from before a change of role is 404, and the session lives', async () => {
    const user = newUser();
    const [browser, other] = [await signedIn(user), await signedIn(user)];
    const handle = await handleOf(other);
    await other.api('/auth/session/role', {
      method: 'PUT',
      body: '{"roleId":"900000000701"}',
      headers: { 'content-type': 'application/json' },
    });
    expectProblem(await read(await remove(browser, handle)), 404, 'not_found');
    expect((await other.session()).status).toBe('active');
  });

  test('of another user’s is 404 and ends nothing, just as nobody’s [ASVS-7.5.2]', async () => {
    const [browser, victim] = [await signedIn(newUser()), await signedIn(newUser())];
    const handle = await handleOf(victim);
    const [theirs, nobodys] = [
      await read(await remove(browser, handle)),
      await read(await remove(browser, handle.split('').reverse().join(''))),
    ];
    expectProblem(theirs, 404, 'not_found');
    expectProblem(nobodys, 404, 'not_found');
    const withoutReference = ({ body }: { body: string }): unknown => ({
      ...(JSON.parse(body) as object),
      reference: '',
    });
    expect(withoutReference(theirs)).toEqual(withoutReference(nobodys));
    expect((await victim.session()).status).toBe('active');
  });

  const raw = (browser: Browser, target: string): Promise<RawResponse> =>
    rawRequest(rig.bff.baseUrl, target, {
      method: 'DELETE',
      headers: [
        ['Cookie', `${sessionCookie}=${browser.cookies.get(sessionCookie) ?? ''}`],
        ['X-CSRF', '1'],
      ],
    });

  test.each([
    '',
    'x',
    '*',
    '%2a',
    '.',
    '..',
    '%2e%2e',
    'constructor',
    '__proto__',
    '%00',
    'HANDLE/',
    'HANDLE/x',
    'HANDLE%2f',
    'HANDLE%2fx',
    '%2fHANDLE',
    'HANDLE%00',
    'HANDLE%20',
    'HANDLE;x',
    'HANDLE.json',
    './HANDLE',
    'x/../HANDLE',
    'x'.repeat(2_000),
  ])('by an odd address ends nothing: %j', async (segment) => {
    const [browser, other] = await twoSessions();
    const target = `${path}/${segment.replace('HANDLE', await handleOf(other))}`;
    expectProblem(await raw(browser, target), 404, 'not_found');
    expect((await browser.session()).status).toBe('active');
    expect((await other.session()).status).toBe('active');
  });

  test('without a session is 401', async () => {
    const victim = await signedIn(newUser());
    const response = await remove(rig.browser(), await handleOf(victim));
    expectProblem(await read(response), 401, 'session_required', { loginUrl: '/auth/login' });
    expect((await victim.session()).status).toBe('active');
  });

  test('by several at once ends it, and each of them learns that it is over or not there', async () => {
    const user = newUser();
    const [browser, other] = [await signedIn(user), await signedIn(user)];
    const handle = await handleOf(other);
    const responses = await Promise.all(Array.from({ length: 6 }, () => remove(browser, handle)));
    const statuses = responses.map(({ status }) => status);
    expect(statuses).toContain(204);
    expect(statuses.filter((status) => status !== 204 && status !== 404)).toEqual([]);
    expect(await other.session()).toEqual(revoked);
  });
});

describe.each([
  ['GET', () => path],
  ['DELETE', (handle: string) => `${path}/${handle}`],
] as const)('the guards of %s', (method, target) => {
  test.each<[string, Record<string, string>]>([
    ['without X-CSRF', { 'x-csrf': '' }],
    ['with another X-CSRF', { 'x-csrf': '0' }],
    ['from another origin', { origin: 'https://evil.example' }],
    ['from the origin null', { origin: 'null' }],
    ['fetched from another site', { 'sec-fetch-site': 'cross-site' }],
    ['fetched from a sibling', { 'sec-fetch-site': 'same-site' }],
    ['fetched by the address bar', { 'sec-fetch-site': 'none' }],
  ])('refuse a request %s, and nothing ends [B-09, B-11]', async (_, headers) => {
    const [browser, other] = await twoSessions();
    const response = await browser.api(target(await handleOf(other)), { method, headers });
    expectProblem(await read(response), 403, 'csrf_rejected');
    expect((await other.session()).status).toBe('active');
  });

  test('refuse a page that means another session: 409, and nothing ends', async () => {
    const [browser, other] = await twoSessions();
    const handle = await handleOf(other);
    for (const expected of [handle, 'nobody', '']) {
      const response = await browser.api(target(handle), { method, headers: { 'x-session': expected } });
      expectProblem(await read(response), 409, 'session_changed');
    }
    expect((await other.session()).status).toBe('active');
  });

  test('serve a page that means this one', async () => {
    const user = newUser();
    const [browser, other] = [await signedIn(user), await signedIn(user)];
    const headers = { 'x-session': await handleOf(browser) };
    const response = await browser.api(target(await handleOf(other)), { method, headers });
    expect(response.status).toBe(method === 'GET' ? 200 : 204);
  });

  test('refuse a session cookie that comes twice', async () => {
    const [browser] = await twoSessions();
    const cookie = `${sessionCookie}=${browser.cookies.get(sessionCookie) ?? ''}`;
    const response = await rawRequest(rig.bff.baseUrl, target(await handleOf(browser)), {
      method,
      headers: [
        ['Cookie', `${cookie}; ${cookie}`],
        ['X-CSRF', '1'],
      ],
    });
    expectProblem(response, 400, 'invalid_request');
    expect((await browser.session()).status).toBe('active');
  });
});

describe('methods', () => {
  test.each(
    ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].flatMap((method) => [
      ...(method === 'GET' ? [] : [[method, path, 'GET'] as const]),
      ...(method === 'DELETE' ? [] : [[method, `${path}/x`, 'DELETE'] as const]),
    ]),
  )('%s %s is 405 and says %s is allowed [B-16]', async (method, target, allowed) => {
    const response = await rawRequest(rig.bff.baseUrl, target, { method, headers: [['X-CSRF', '1']] });
    expect(response.headers.allow).toBe(allowed);
    expectProblem(response, 405, 'method_not_allowed');
  });
});
