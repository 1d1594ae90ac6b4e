import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { authorizationErrors, faultyEndpoints } from '../../local/cis2-simulator/effects.ts';
import { Browser, callbackOf, codeOf, redirectUri, startBench, type Bench } from './client.ts';
import {
  eventually,
  controlPanel,
  controlPanelState,
  signInFully,
  userInfo,
} from './control-panel-client.ts';

let bench: Bench;
let panel: string;
let origin: string;
beforeAll(async () => {
  bench = await startBench();
  ({ panel } = bench.simulator);
  ({ origin } = new URL(panel));
});
afterEach(() => controlPanel(bench, 'reset'));
afterAll(() => bench.close());

const gp = '900000000001';

/** A request with exactly these headers: `fetch` would add some of its own. */
const send = (method: string, path: string, headers: Record<string, string>, body = ''): Promise<number> =>
  new Promise((resolve, reject) => {
    request(new URL(path, origin), { method, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end(body);
  });

describe('The control panel', () => {
  const json = { 'content-type': 'application/json' };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const own = () => ({ origin, 'sec-fetch-site': 'same-origin' });

  test.each([
    ['its own page', () => own(), true],
    ['its own page, in a browser without Sec-Fetch-Site', () => ({ origin }), true],
    ['its own page, where only Sec-Fetch-Site says so', () => ({ 'sec-fetch-site': 'same-origin' }), true],
    ['a program that says X-Control-Panel: 1', () => ({ 'x-control-panel': '1' }), true],
    ['a program that does not', () => ({}), false],
    ['a program that says X-Control-Panel: 0', () => ({ 'x-control-panel': '0' }), false],
    ['another site', () => ({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }), false],
    [
      'another site with X-Control-Panel',
      () => ({ origin: 'https://evil.example', 'x-control-panel': '1' }),
      false,
    ],
    [
      'another port of this machine',
      () => ({ origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }),
      false,
    ],
    ['a page without an origin', () => ({ origin: 'null', 'sec-fetch-site': 'same-origin' }), false],
    ['a link somebody typed', () => ({ 'sec-fetch-site': 'none' }), false],
    ['its own page as another site sees it', () => ({ origin, 'sec-fetch-site': 'cross-site' }), false],
  ])('takes commands of %s: as it should', async (_whom, headers, taken) => {
    const skew = '{"skewSeconds":7}';
    expect(await send('POST', '/control-panel/api/clock', { ...json, ...headers() }, skew)).toBe(
      taken ? 200 : 403,
    );
    expect((await controlPanelState(bench)).clock.skewSeconds).toBe(taken ? 7 : 0);
    await controlPanel(bench, 'reset');
    expect(await send('POST', '/control-panel/clock', { ...form, ...headers() }, 'skewSeconds=7')).toBe(
      taken ? 303 : 403,
    );
    expect((await controlPanelState(bench)).clock.skewSeconds).toBe(taken ? 7 : 0);
  });

  test('is not to be looked at by another site, nor under another name', async () => {
    for (const path of ['/control-panel', '/control-panel/api/state']) {
      expect(await send('GET', path, {})).toBe(200);
      expect(await send('GET', path, { 'sec-fetch-site': 'none' })).toBe(200);
      expect(await send('GET', path, { 'sec-fetch-site': 'cross-site' })).toBe(403);
      expect(await send('GET', path, { origin: 'https://evil.example' })).toBe(403);
      expect(await send('GET', path, { host: 'evil.example' })).toBe(404);
    }
    expect(
      await send('POST', '/control-panel/api/reset', {
        ...json,
        'x-control-panel': '1',
        host: 'evil.example',
      }),
    ).toBe(404);
    const response = await fetch(panel);
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('knows its own paths and methods and no others', async () => {
    const headers = { ...json, 'x-control-panel': '1' };
    expect(await send('POST', '/control-panel/api/made-up', headers)).toBe(404);
    expect(await send('POST', '/control-panel/api/constructor', headers)).toBe(404);
    expect(await send('POST', '/control-panel/made-up', headers)).toBe(404);
    expect(await send('GET', '/control-panel/api/reset', headers)).toBe(405);
    expect(await send('GET', '/control-panel/reset', headers)).toBe(405);
    expect(await send('POST', '/control-panel', headers)).toBe(405);
    expect(await send('POST', '/control-panel/api/state', headers)).toBe(405);
  });

  test.each([
    ['pull', {}, 'session or uid is missing.'],
    ['pull', { uid: 1 }, 'uid must be a string.'],
    ['rotate', { withdraw: 'perhaps' }, 'withdraw must be true or false.'],
    ['fault', { kind: 'reset' }, 'endpoint is missing.'],
    ['fault', { endpoint: 'elsewhere', kind: 'reset' }, 'endpoint must be one of'],
    ['fault', { endpoint: 'token' }, 'kind is missing.'],
    ['fault', { endpoint: 'token', kind: 'slow' }, 'milliseconds is missing.'],
    ['fault', { endpoint: 'token', kind: 'status', status: 99 }, 'status must be a whole number'],
    ['fault', { endpoint: 'token', kind: 'status', status: 503.5 }, 'status must be a whole number'],
    ['fault', { endpoint: 'token', kind: 'reset', times: 0 }, 'times must be a whole number'],
    ['levels', {}, 'authentication or identity is missing.'],
    ['claim', { in: 'idToken', value: 1 }, 'name is missing.'],
    ['claim', { name: 'sid', value: 1 }, 'in is missing.'],
    ['claim', { in: 'idToken', name: 'sid' }, 'Either value (or text) or drop must be given.'],
    ['claim', { in: 'idToken', name: 'sid', drop: true, value: 1 }, 'Either value (or text) or drop'],
    ['authorization-error', { error: 'made_up' }, 'error must be one of'],
    ['clock', { skewSeconds: 'soon' }, 'skewSeconds must be a whole number'],
    ['clock', {}, 'skewSeconds is missing.'],
  ])('refuses %s with %j, says why and changes nothing', async (command, input, reason) => {
    const before = await controlPanelState(bench);
    const { status, body } = await controlPanel(bench, command, input);
    expect(status).toBe(400);
    expect(body.error?.slice(0, reason.length)).toBe(reason);
    expect(await controlPanelState(bench)).toEqual(before);
  });

  test.each([
    ['is no JSON', '{', 'application/json'],
    ['is no object', '[]', 'application/json'],
    ['is not said to be JSON', '{}', 'text/plain'],
  ])('refuses a body that %s', async (_what, body, type) => {
    const status = await send(
      'POST',
      '/control-panel/api/reset',
      { 'x-control-panel': '1', 'content-type': type },
      body,
    );
    expect(status).toBe(400);
  });

  test('shows what is going on without a token or a secret in it', async () => {
    const { idToken, accessToken, claims } = await signInFully(bench, new Browser(bench), gp);
    const state = await controlPanelState(bench);
    expect(state.sessions.at(-1)).toMatchObject({
      uid: gp,
      name: 'Amara Okafor',
      sid: claims['sid'],
      clients: ['test-client'],
    });
    for (const secret of [idToken, accessToken]) expect(JSON.stringify(state)).not.toContain(secret);
    await controlPanel(bench, 'pull', { uid: gp });
    expect(JSON.stringify(await controlPanelState(bench))).not.toContain('eyJ');
  });
});

describe('A rotation of the provider’s keys', () => {
  const published = async () =>
    ((await (await fetch(bench.as.jwks_uri ?? '')).json()) as { keys: { kid: string }[] }).keys.map(
      ({ kid }) => kid,
    );
  const verifies = (token: string) =>
    jwtVerify(token, createRemoteJWKSet(new URL(bench.as.jwks_uri ?? ''))).then(
      () => true,
      () => false,
    );

  test('publishes a new key just before it signs with it, and keeps the old ones', async () => {
    const before = await published();
    const old = await signInFully(bench, new Browser(bench), gp);
    await controlPanel(bench, 'rotate');
    const { idToken } = await signInFully(bench, new Browser(bench), gp);
    const { kid } = decodeProtectedHeader(idToken);
    expect(before).not.toContain(kid);
    expect(await published()).toEqual([kid, ...before]);
    expect([await verifies(idToken), await verifies(old.idToken)]).toEqual([true, true]);
  });

  test('can withdraw every key before it at once', async () => {
    const old = await signInFully(bench, new Browser(bench), gp);
    await controlPanel(bench, 'rotate', { withdraw: true });
    const { idToken } = await signInFully(bench, new Browser(bench), gp);
    expect(await published()).toEqual([decodeProtectedHeader(idToken).kid]);
    expect([await verifies(idToken), await verifies(old.idToken)]).toEqual([true, false]);
    const { keys } = await controlPanelState(bench);
    expect(keys.filter(({ signing }) => signing)).toHaveLength(1);
    expect(keys.filter(({ published: isThere }) => isThere)).toHaveLength(1);
  });

  test('leaves ID tokens good as hints for signing out', async () => {
    const { idToken } = await signInFully(bench, new Browser(bench), gp);
    await controlPanel(bench, 'rotate', { withdraw: true });
    const url = `${bench.as.end_session_endpoint ?? ''}?id_token_hint=${idToken}`;
    expect((await fetch(url)).status).toBe(204);
  });
});

describe('An endpoint with a fault', () => {
  const ask: Record<(typeof faultyEndpoints)[number], () => Promise<Response>> = {
    discovery: () => fetch(`${bench.simulator.issuer}/.well-known/openid-configuration`),
    keys: () => fetch(bench.as.jwks_uri ?? ''),
    authorize: () => new Browser(bench).authorize(),
    token: () => fetch(bench.as.token_endpoint ?? '', { method: 'POST', body: new URLSearchParams() }),
    userinfo: () => fetch(bench.as.userinfo_endpoint ?? ''),
    endSession: () => fetch(bench.as.end_session_endpoint ?? ''),
  };
  const statusOf = async (asking: Promise<Response>) => (await asking).status;

  test.each(faultyEndpoints)(
    '(%s) responds with a status, cuts the connection, sends HTML, or is late',
    async (endpoint) => {
      const usual = await statusOf(ask[endpoint]());

      await controlPanel(bench, 'fault', { endpoint, kind: 'status', status: 503 });
      expect([await statusOf(ask[endpoint]()), await statusOf(ask[endpoint]())]).toEqual([503, 503]);
      for (const other of faultyEndpoints.filter((name) => name !== endpoint)) {
        expect(await statusOf(ask[other]())).not.toBe(503);
      }

      await controlPanel(bench, 'fault', { endpoint, kind: 'reset' });
      await expect(ask[endpoint]()).rejects.toThrow('fetch failed');

      await controlPanel(bench, 'fault', { endpoint, kind: 'html' });
      const page = await ask[endpoint]();
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      expect(await page.text()).toContain('Maintenance');

      await controlPanel(bench, 'fault', { endpoint, kind: 'slow', milliseconds: 300 });
      const began = performance.now();
      expect(await statusOf(ask[endpoint]())).toBe(usual);
      expect(performance.now() - began).toBeGreaterThan(290);

      await controlPanel(bench, 'fault', { endpoint, kind: 'off' });
      expect(await statusOf(ask[endpoint]())).toBe(usual);
    },
  );

  test('works again after as many requests as were wanted', async () => {
    await controlPanel(bench, 'fault', { endpoint: 'keys', kind: 'status', status: 500, times: 2 });
    expect((await controlPanelState(bench)).faults).toEqual([
      { endpoint: 'keys', kind: 'status', status: 500, remaining: 2 },
    ]);
    const statuses = [];
    for (let asked = 0; asked < 3; asked += 1) statuses.push(await statusOf(ask.keys()));
    expect(statuses).toEqual([500, 500, 200]);
    expect((await controlPanelState(bench)).faults).toEqual([]);
  });

  test('holds nobody up when the simulator ends', async () => {
    const other = await startBench();
    await controlPanel(other, 'fault', { endpoint: 'keys', kind: 'slow', milliseconds: 60_000 });
    const asked = fetch(other.as.jwks_uri ?? '').catch(() => 'cut');
    await eventually(async () => (await controlPanelState(other)).faults.length === 1);
    await other.close();
    expect(await asked).toBe('cut');
  });
});

describe('The next sign-ins', () => {
  test('carry other assurance levels, in whatever shape', async () => {
    for (const [given, claim] of [
      ['2', '2'],
      [1, 1],
      ['high', 'high'],
      ['missing', undefined],
    ] as const) {
      await controlPanel(bench, 'levels', { authentication: given, identity: given });
      const { claims, accessToken } = await signInFully(bench, new Browser(bench), gp);
      expect(claims['authentication_assurance_level']).toBe(claim);
      expect(claims['id_assurance_level']).toBe(claim);
      expect((await userInfo(bench, accessToken))['idassurancelevel']).toBe(claim);
    }
    await controlPanel(bench, 'reset');
    const { claims } = await signInFully(bench, new Browser(bench), gp);
    expect(claims['authentication_assurance_level']).toBe('3');
  });

  test('have any claim of the ID token or of UserInfo dropped or put in place', async () => {
    await controlPanel(bench, 'claim', { in: 'idToken', name: 'sid', drop: true });
    await controlPanel(bench, 'claim', { in: 'idToken', name: 'amr', value: ['A', 'B'] });
    await controlPanel(bench, 'claim', { in: 'idToken', name: 'extra', text: '{"a":1}' });
    await controlPanel(bench, 'claim', { in: 'idToken', name: 'acr', value: '' });
    await controlPanel(bench, 'claim', { in: 'userInfo', name: 'sub', text: 'somebody else' });
    await controlPanel(bench, 'claim', { in: 'userInfo', name: 'title', value: null });
    const { claims, accessToken } = await signInFully(bench, new Browser(bench), gp);
    expect(claims).not.toHaveProperty('sid');
    expect(claims).toMatchObject({ amr: ['A', 'B'], extra: { a: 1 }, acr: '', sub: gp });
    expect(await userInfo(bench, accessToken)).toMatchObject({ sub: 'somebody else', title: null });

    await controlPanel(bench, 'claim', { in: 'userInfo', name: 'sub', restore: true });
    const next = await signInFully(bench, new Browser(bench), gp);
    expect(next.claims).not.toHaveProperty('sid');
    expect((await userInfo(bench, next.accessToken))['sub']).toBe(gp);
  });

  test('are changed as often as was wanted, each whole from its ID token to its UserInfo', async () => {
    await controlPanel(bench, 'levels', { identity: '1', times: 1 });
    const first = await signInFully(bench, new Browser(bench), gp);
    const second = await signInFully(bench, new Browser(bench), gp);
    expect([first.claims['id_assurance_level'], second.claims['id_assurance_level']]).toEqual(['1', '3']);
    expect((await userInfo(bench, first.accessToken))['idassurancelevel']).toBe('1');
    expect((await userInfo(bench, second.accessToken))['idassurancelevel']).toBe('3');
  });

  test.each(authorizationErrors)('can get %s in response, once', async (error) => {
    await controlPanel(bench, 'authorization-error', { error });
    const browser = new Browser(bench);
    const response = await browser.authorize({ state: 'st' });
    if (error === 'no_parameters') expect(response.headers.get('location')).toBe(redirectUri);
    else expect(Object.fromEntries(callbackOf(response))).toEqual({ error, state: 'st' });
    expect((await browser.authorize()).status).toBe(200);
  });

  test('can get an error in response until it is switched off', async () => {
    await controlPanel(bench, 'authorization-error', { error: 'server_error', times: 3 });
    expect(callbackOf(await new Browser(bench).authorize()).get('error')).toBe('server_error');
    expect((await controlPanelState(bench)).authorizationError).toEqual({
      error: 'server_error',
      remaining: 2,
    });
    await controlPanel(bench, 'authorization-error', { error: 'off' });
    expect((await new Browser(bench).authorize()).status).toBe(200);
  });
});

describe('The simulator’s clock', () => {
  test.each([600, -600])(
    'can be wrong by %i s in its tokens and its checks, and nothing of its memory is lost',
    async (skew) => {
      const browser = new Browser(bench);
      const page = await browser.authorize();
      await controlPanel(bench, 'clock', { skewSeconds: skew });
      const real = Math.floor(Date.now() / 1_000);
      const code = codeOf(callbackOf(await browser.submit(page, { uid: gp })));
      const assertion = (at: number) => bench.assertion({ claims: { iat: at, exp: at + 60 } });
      // An assertion with the right time is refused by a server with the wrong one.
      const refused = await bench.tokenRequest({ code, client_assertion: await assertion(real) });
      expect(refused.status).toBe(401);
      const response = await bench.tokenRequest({ code, client_assertion: await assertion(real + skew) });
      const { id_token: idToken } = (await response.json()) as { id_token: string };
      const claims = decodeJwt(idToken);
      for (const time of [claims.iat, claims['auth_time']]) {
        expect(Math.abs(Number(time) - real - skew)).toBeLessThan(10);
      }
    },
  );
});

describe('The control panel', () => {
  const submit = async (command: string, fields: Record<string, string>) => {
    const response = await fetch(new URL(`/control-panel/${command}`, panel), {
      method: 'POST',
      redirect: 'manual',
      headers: { origin, 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams(fields),
    });
    expect([response.status, response.headers.get('location')]).toEqual([303, '/control-panel']);
    return (await fetch(panel)).text();
  };

  test('is forms alone, and says that it is not the NHS', async () => {
    const response = await fetch(panel);
    const page = await response.text();
    expect(page).toContain('This is not the NHS.');
    expect(page).not.toMatch(/<script|\son[a-z]+=|style=/);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    // Without a referrer a browser would send its forms with `Origin: null`.
    expect(response.headers.get('referrer-policy')).toBe('same-origin');
    for (const command of Object.keys({
      logout: 1,
      rotate: 1,
      fault: 1,
      levels: 1,
      claim: 1,
      clock: 1,
      reset: 1,
    })) {
      expect(page).toContain(`action="/control-panel/${command}"`);
    }
  });

  test('pulls the smartcard of somebody on it and says once what each client responded', async () => {
    await signInFully(bench, new Browser(bench), gp);
    const session = (await controlPanelState(bench)).sessions.at(-1);
    expect(await (await fetch(panel)).text()).toContain(`value="${session?.id ?? ''}"`);
    const after = await submit('pull', { session: session?.id ?? '' });
    expect(after).toContain('The smartcard of Amara Okafor was pulled. 1 logout token was sent.');
    expect(after).toContain('what the client says');
    expect(await (await fetch(panel)).text()).not.toContain('was pulled');
  });

  test('shows who signed in last first, in the list and in the choice of a session', async () => {
    const [earlier, later] = ['900000000004', '900000000009'];
    for (const uid of [earlier, later]) await signInFully(bench, new Browser(bench), uid);
    const page = await (await fetch(panel)).text();
    const [list = '', choice = ''] = page.split('id="logout"');
    for (const part of [list, choice]) {
      expect(part.indexOf('Ines Duarte')).toBeGreaterThan(-1);
      expect(part.indexOf('Devika Shah')).toBeGreaterThan(part.indexOf('Ines Duarte'));
    }
  });

  test('leaves empty fields alone, and takes numbers as they are typed', async () => {
    const fields = { endpoint: 'token', kind: 'slow', milliseconds: ' 20 ', status: '503', times: '' };
    expect(await submit('fault', fields)).toContain(
      'The token endpoint: 20 ms late, until it is switched off.',
    );
    expect((await controlPanelState(bench)).faults).toEqual([
      { endpoint: 'token', kind: 'slow', milliseconds: 20, remaining: null },
    ]);
    await submit('claim', { in: 'idToken', name: 'sid', text: '', drop: 'true', times: '2' });
    await submit('claim', { in: 'userInfo', name: 'title', text: '["Dr"]', times: '' });
    expect((await controlPanelState(bench)).claims).toEqual([
      { in: 'idToken', name: 'sid', drop: true, remaining: 2 },
      { in: 'userInfo', name: 'title', value: ['Dr'], remaining: null },
    ]);
  });

  test('says what was wrong with a form', async () => {
    const page = await submit('clock', { skewSeconds: 'soon' });
    expect(page).toContain('skewSeconds must be a whole number');
    expect(page).toContain('role="alert"');
  });

  test('has what was typed on it as text', async () => {
    const page = await submit('claim', {
      in: 'idToken',
      name: '<b>x</b>',
      text: '<script>alert(1)</script>',
    });
    expect(page).not.toMatch(/<script|<b>/);
  });

  test('switches everything off at once', async () => {
    await submit('levels', { authentication: 'missing', identity: '' });
    await submit('authorization-error', { error: 'server_error', times: '5' });
    await submit('fault', { endpoint: 'keys', kind: 'html' });
    await submit('clock', { skewSeconds: '-30' });
    await submit('reset', {});
    expect(await controlPanelState(bench)).toMatchObject({
      faults: [],
      claims: [],
      authorizationError: null,
      clock: { skewSeconds: 0 },
      deliveries: [],
    });
  });
});
