/** `/api/pds/…`: whose call is forwarded, and what stands in the way of everybody else's. */
import { describe, expect, test } from '@jest/globals';
import { defaultCallsPerWindow } from '../../infra/parts/rate-limits.ts';
import { sessionCookie, type Browser } from '../support/browser.ts';
import {
  chooseRole,
  patchPatient,
  patientPath,
  roleIds,
  sessionOf,
  twoRoles,
  useProxyRig,
} from '../support/proxy-rig.ts';
import { rawRequest } from '../support/raw-http.ts';
import { expectOwnHeaders, expectProblem, headersOf, read } from './expectations.ts';

const rig = useProxyRig();

const expectNobodyAsked = (): void => {
  expect(rig.upstream.calls).toEqual([]);
  expect(rig.platform.calls).toEqual([]);
};

describe('the guards of a proxied call, each alone [B-09, B-11, ASVS-3.5.1]', () => {
  const cookieOf = (browser: Browser): string =>
    `${sessionCookie}=${browser.cookies.get(sessionCookie) ?? ''}`;
  const good = (): [string, string][] => [
    ['X-CSRF', '1'],
    ['Origin', rig.bff.baseUrl],
    ['Sec-Fetch-Site', 'same-origin'],
  ];
  const send = async (browser: Browser, headers: [string, string][]) =>
    rawRequest(rig.bff.baseUrl, patientPath, { headers: [['Cookie', cookieOf(browser)], ...headers] });

  test.each<[string, string, readonly string[]]>([
    ['no X-CSRF', 'X-CSRF', []],
    ['another X-CSRF', 'X-CSRF', ['0']],
    ['X-CSRF twice', 'X-CSRF', ['1', '1']],
    ['another origin', 'Origin', ['https://evil.example']],
    ['the origin null', 'Origin', ['null']],
    ['another site', 'Sec-Fetch-Site', ['cross-site']],
    ['another origin of the same site', 'Sec-Fetch-Site', ['same-site']],
    ['an address bar', 'Sec-Fetch-Site', ['none']],
  ])('%s is 403', async (_, name, values) => {
    const others = good().filter(([other]) => other !== name);
    const response = await send(await rig.signedIn(), [
      ...others,
      ...values.map((value): [string, string] => [name, value]),
    ]);
    expectProblem(response, 403, 'csrf_rejected');
    expectNobodyAsked();
  });

  test('without Origin and Sec-Fetch-Site, as old browsers send it, a call goes through', async () => {
    expect((await send(await rig.signedIn(), [['X-CSRF', '1']])).status).toBe(200);
  });

  test('the session cookie twice is 400', async () => {
    const browser = await rig.signedIn();
    const twice = `${cookieOf(browser)}; ${cookieOf(browser)}`;
    const response = await rawRequest(rig.bff.baseUrl, patientPath, {
      headers: [['Cookie', twice], ...good()],
    });
    expectProblem(response, 400, 'invalid_request');
    expectNobodyAsked();
  });
});

describe('a call without a live session', () => {
  test('that never was is 401, and says where to sign in', async () => {
    expectProblem(await read(await rig.browser().api(patientPath)), 401, 'session_required', {
      loginUrl: '/auth/login',
    });
    expectNobodyAsked();
  });

  test('that is forged is 401 and writes nothing', async () => {
    const browser = rig.browser();
    browser.cookies.set(sessionCookie, Buffer.alloc(64, 7).toString('base64url'));
    const before = await rig.tables.items();
    expectProblem(await read(await browser.api(patientPath)), 401, 'session_required', {
      loginUrl: '/auth/login',
    });
    expect(await rig.tables.items()).toEqual(before);
    expectNobodyAsked();
  });

  test('that was signed out is 401, and says so', async () => {
    const browser = await rig.signedIn();
    const cookie = browser.cookies.get(sessionCookie) ?? '';
    await browser.api('/auth/logout', { method: 'POST' });
    browser.cookies.set(sessionCookie, cookie);
    expectProblem(await read(await browser.api(patientPath)), 401, 'session_ended', {
      reason: 'signed_out',
      loginUrl: '/auth/login',
    });
    expectNobodyAsked();
  });

  test('that has been idle for too long is 401, and says so', async () => {
    const browser = await rig.signedIn();
    await rig.age(browser, 'lastActiveAt', 901);
    expectProblem(await read(await browser.api(patientPath)), 401, 'session_ended', {
      reason: 'idle',
      loginUrl: '/auth/login',
    });
    expectNobodyAsked();
  });

  test('that is another than X-Session means is 409, and counts for nothing', async () => {
    const browser = await rig.signedIn();
    const { handle } = await browser.session();
    expect((await browser.api(patientPath, { headers: { 'x-session': handle } })).status).toBe(200);
    const before = await rig.core(browser);
    const response = await read(await browser.api(patientPath, { headers: { 'x-session': `${handle}x` } }));
    expectProblem(response, 409, 'session_changed');
    expect(rig.upstream.calls).toHaveLength(1);
    expect(await rig.core(browser)).toEqual(before);
  });

  test('is reported before what else is wrong with it, but not before what no session could do', async () => {
    const browser = rig.browser();
    expect((await browser.api('/api/pds/Patient?x=1')).status).toBe(400);
    expect((await browser.api('/api/pds/Nothing')).status).toBe(404);
    expect((await patchPatient(browser)).status).toBe(401);
  });
});

describe('a call needs a role', () => {
  test('that has been chosen: without one it is 403, and with one the upstream gets it', async () => {
    rig.provider.userInfo = twoRoles;
    const browser = await rig.signedIn();
    expect((await browser.session()).role).toBeNull();
    expectProblem(await read(await browser.api(patientPath)), 403, 'role_required');
    expectNobodyAsked();
    for (const roleId of [roleIds[1], roleIds[0]]) {
      expect((await chooseRole(browser, roleId)).status).toBe(200);
      expect((await browser.api(patientPath)).status).toBe(200);
      expect(rig.upstream.calls.at(-1)?.headers['nhsd-session-urid']).toBe(roleId);
    }
  });
});

describe('a change needs an authentication of the last five minutes', () => {
  /** Somebody who signs in now by single sign-on, and proved who they are so many seconds ago. */
  const authenticated = (secondsAgo: number): Promise<Browser> => {
    rig.provider.claims = ({ now }) => ({ auth_time: now - secondsAgo });
    return rig.signedIn();
  };

  test('an older one is 401 and says how to go on; reading goes on as before [ASVS-7.5.1, ASVS-7.5.3]', async () => {
    const browser = await authenticated(305);
    expectProblem(await read(await patchPatient(browser)), 401, 'step_up_required', {
      reauth: true,
      loginUrl: '/auth/login?reauth=1',
    });
    expectNobodyAsked();
    expect((await browser.api(patientPath)).status).toBe(200);
    expect((await browser.session()).status).toBe('active');
  });

  test('and after the sign-in that it asks for, it goes through', async () => {
    const browser = await authenticated(305);
    const refusal = (await (await patchPatient(browser)).json()) as { loginUrl: string };
    const { location, request } = await browser.login(new URL(refusal.loginUrl, rig.bff.baseUrl).search);
    expect(request.get('prompt')).toBe('login');
    rig.provider.claims = () => ({});
    await browser.callback(rig.provider.authorise(location));
    expect((await patchPatient(browser)).status).toBe(200);
  });

  test('almost five minutes are not too long', async () => {
    // A few seconds are left for the request itself.
    const browser = await authenticated(290);
    expect((await patchPatient(browser)).status).toBe(200);
  });
});

describe('a call is user activity', () => {
  const lastActive = async (browser: Browser): Promise<number> =>
    Number((await rig.core(browser))['lastActiveAt']?.N);

  test('and moves the idle clock on, once a minute at most', async () => {
    const browser = await rig.signedIn();
    await rig.age(browser, 'lastActiveAt', 120);
    const before = await lastActive(browser);
    expect((await browser.api(patientPath)).status).toBe(200);
    const after = await lastActive(browser);
    expect(after - before).toBeGreaterThanOrEqual(120);
    rig.store.reset();
    expect((await browser.api(patientPath)).status).toBe(200);
    expect(rig.store.calls.map(({ operation }) => operation)).toEqual(['Query']);
    expect(await lastActive(browser)).toBe(after);
  });

  test('unless it says X-Background: 1', async () => {
    const browser = await rig.signedIn();
    await rig.age(browser, 'lastActiveAt', 120);
    const before = await lastActive(browser);
    expect((await browser.api(patientPath, { headers: { 'x-background': '1' } })).status).toBe(200);
    expect(await lastActive(browser)).toBe(before);
    expect((await browser.api(patientPath, { headers: { 'x-background': '0' } })).status).toBe(200);
    expect(await lastActive(browser)).toBeGreaterThan(before);
  });
});

describe('a session that calls too often', () => {
  test('is 429 with a time to wait; other sessions are not touched, nor is this one', async () => {
    const [browser, other] = [await rig.signedIn(), await rig.signedIn()];
    const left = 5;
    await rig.tables.put({
      ...(await rig.core(browser)),
      calls: { N: String(defaultCallsPerWindow - left) },
    });
    for (let call = 0; call < left; call += 1) {
      expect((await browser.api(patientPath)).status).toBe(200);
    }
    const response = await read(await browser.api(patientPath));
    expectProblem(response, 429, 'rate_limited');
    const wait = Number(response.headers['retry-after']);
    expect(wait).toBeGreaterThanOrEqual(1);
    expect(wait).toBeLessThanOrEqual(60);
    expect(rig.upstream.calls).toHaveLength(left);
    expect((await other.api(patientPath)).status).toBe(200);
    expect((await sessionOf(browser)).status).toBe('active');
  });
});

describe('a response to a proxied call', () => {
  test('sets no cookie and lets no other origin in, whichever it is [B-12]', async () => {
    const browser = await rig.signedIn();
    const responses = [
      await browser.api(patientPath),
      await browser.api('/api/pds/Nothing'),
      await browser.api(patientPath, { method: 'DELETE' }),
      await browser.api(patientPath, { headers: { origin: 'https://evil.example' } }),
      await browser.request(patientPath, {
        method: 'OPTIONS',
        headers: { origin: 'https://evil.example', 'access-control-request-method': 'PATCH' },
      }),
    ];
    for (const { headers } of responses) {
      expectOwnHeaders(headersOf(headers));
      expect(headers.getSetCookie()).toEqual([]);
    }
  });
});
