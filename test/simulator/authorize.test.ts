import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { personas } from '../../local/cis2-simulator/personas.ts';
import { Browser, callbackOf, clientId, codeOf, redirectUri, startBench, type Bench } from './client.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.close());

/** As text stands in markup. */
const escaped = (text: string): string => text.replaceAll('"', '&quot;').replaceAll("'", '&#39;');

const challenge = 'A'.repeat(43);

describe('The sign-in page', () => {
  test('offers every person with what that person is for', async () => {
    const page = await (await new Browser(bench).authorize()).text();
    for (const { uid, name, summary } of personas) {
      expect(page).toContain(`value="${uid}"`);
      expect(page).toContain(escaped(name));
      expect(page).toContain(escaped(summary));
    }
    expect(bench.simulator.personas.map(({ uid }) => uid)).toEqual(personas.map(({ uid }) => uid));
  });

  test('says who cannot satisfy the level that the app asked for', async () => {
    const mark = 'Not what the app asked for';
    const strict = await (await new Browser(bench).authorize({ acr_values: 'AAL3_ANY' })).text();
    expect(strict.split(mark)).toHaveLength(4);
    const lenient = await (await new Browser(bench).authorize({ acr_values: 'AAL2_OR_AAL3_ANY' })).text();
    expect(lenient.split(mark)).toHaveLength(2);
    const password = await (await new Browser(bench).authorize({ acr_values: 'AAL1_USERPASS' })).text();
    expect(password.split(mark)).toHaveLength(personas.length);
  });

  test('forbids everything but its own stylesheet and the way back to the app', async () => {
    const { headers } = await new Browser(bench).authorize();
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; img-src data:; form-action 'self' http://localhost:*; " +
        "base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('has a stylesheet that fetches nothing from another host', async () => {
    const page = await (await new Browser(bench).authorize()).text();
    const href = /rel="stylesheet" href="([^"]+)"/.exec(page)?.[1] ?? '';
    const response = await fetch(new URL(href, bench.simulator.issuer));
    expect(response.headers.get('content-type')).toBe('text/css; charset=utf-8');
    const css = await response.text();
    expect(css).toContain('.nhsuk-button');
    expect(css).toContain('.simulator-person');
    expect(css).not.toMatch(/@font-face|@import|url\(\s*["']?(https?:)?\/\//);
  });

  test('sends access_denied and the state back when the person cancels', async () => {
    const browser = new Browser(bench);
    const callback = callbackOf(
      await browser.submit(await browser.authorize({ state: 'st 1&x' }), { cancel: 'yes' }),
    );
    expect(callback.get('error')).toBe('access_denied');
    expect(callback.get('state')).toBe('st 1&x');
    expect(callback.has('code')).toBe(false);
  });

  test('signs nobody in for an unknown person, an unknown page or a page older than ten minutes', async () => {
    const browser = new Browser(bench);
    const refused = (response: Response) => {
      expect(response.status).toBe(400);
      expect(response.headers.has('location')).toBe(false);
      expect(response.headers.has('set-cookie')).toBe(false);
    };
    refused(await browser.submit(await browser.authorize(), { uid: '900000009999' }));
    refused(await browser.submit(await browser.authorize(), { uid: '900000000001', interaction: 'made-up' }));
    const page = await browser.authorize();
    bench.clock.ahead = 601;
    try {
      refused(await browser.submit(page, { uid: '900000000001' }));
    } finally {
      bench.clock.ahead = 0;
    }
  });
});

describe('An authorisation request that cannot be trusted', () => {
  test.each([
    ['an unknown client', { client_id: 'somebody-else' }],
    ['no client', { client_id: undefined }],
    ['no redirect URI', { redirect_uri: undefined }],
    ['another redirect URI', { redirect_uri: 'https://evil.example/callback' }],
    ['a redirect URI with a query added', { redirect_uri: `${redirectUri}?x=1` }],
    ['a redirect URI with a trailing slash', { redirect_uri: `${redirectUri}/` }],
    ['a redirect URI in other letters', { redirect_uri: redirectUri.replace('localhost', 'LOCALHOST') }],
  ])('gets a page and no redirect: %s', async (_what, parameters) => {
    const response = await new Browser(bench).authorize(parameters);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.has('location')).toBe(false);
  });

  test('gets a page and no redirect when the redirect URI is sent twice', async () => {
    const query = new URLSearchParams({ client_id: clientId, response_type: 'code', scope: 'openid' });
    query.append('redirect_uri', redirectUri);
    query.append('redirect_uri', 'https://evil.example/');
    const url = `${bench.as.authorization_endpoint ?? ''}?${query.toString()}`;
    const response = await new Browser(bench).open(url);
    expect(response.status).toBe(400);
    expect(response.headers.has('location')).toBe(false);
  });

  test('has nothing of what was sent on the page', async () => {
    const response = await new Browser(bench).authorize({
      redirect_uri: 'https://x/<script>alert(1)</script>',
    });
    expect(await response.text()).not.toContain('script');
  });
});

describe('An authorisation request with a fault', () => {
  test.each([
    ['unsupported_response_type', { response_type: 'token' }],
    ['unsupported_response_type', { response_type: undefined }],
    ['invalid_request', { response_mode: 'fragment' }],
    ['invalid_scope', { scope: undefined }],
    ['invalid_scope', { scope: 'profile' }],
    ['invalid_scope', { scope: 'openid everything' }],
    ['invalid_request', { acr_values: 'AAL4_ANY' }],
    ['invalid_request', { acr_values: 'AAL3_ANY constructor' }],
    ['invalid_request', { prompt: 'sometimes' }],
    ['invalid_request', { max_age: '-1' }],
    ['invalid_request', { max_age: '5 minutes' }],
    ['invalid_request', { code_challenge: challenge }],
    ['invalid_request', { code_challenge: challenge, code_challenge_method: 'plain' }],
    ['invalid_request', { code_challenge: 'short', code_challenge_method: 'S256' }],
    ['invalid_request', { code_challenge_method: 'S256' }],
    ['request_not_supported', { request: 'eyJ' }],
    ['request_uri_not_supported', { request_uri: 'https://x.example/' }],
  ])('goes back with %s and the state for %j', async (error, parameters) => {
    const callback = callbackOf(await new Browser(bench).authorize({ state: 's1', ...parameters }));
    expect(callback.get('error')).toBe(error);
    expect(callback.get('state')).toBe('s1');
    expect(callback.has('code')).toBe(false);
  });

  test('goes back with invalid_request when a parameter is sent twice', async () => {
    const query = new URLSearchParams({
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
    });
    query.append('scope', 'openid');
    query.append('scope', 'openid profile');
    const url = `${bench.as.authorization_endpoint ?? ''}?${query.toString()}`;
    const callback = callbackOf(await new Browser(bench).open(url));
    expect(callback.get('error')).toBe('invalid_request');
  });
});

describe('A person who has signed in before', () => {
  const isAsked = async (response: Promise<Response>) => (await response).status === 200;

  const claimsOf = async (callback: URLSearchParams) => {
    const response = await bench.tokenRequest({ code: codeOf(callback) });
    const { id_token: idToken } = (await response.json()) as { id_token: string };
    return decodeJwt(idToken);
  };

  test('is not asked again, and keeps the CIS2 session and the time of its sign-in', async () => {
    const browser = new Browser(bench);
    const first = await claimsOf(await browser.signIn('900000000004'));
    bench.clock.ahead = 30;
    try {
      const callback = callbackOf(await browser.authorize({ state: 'again' }));
      expect(callback.get('state')).toBe('again');
      const { sub, sid, auth_time } = await claimsOf(callback);
      expect({ sub, sid, auth_time }).toEqual({
        sub: first.sub,
        sid: first['sid'],
        auth_time: first['auth_time'],
      });
      expect(callbackOf(await browser.authorize({ prompt: 'none' })).has('code')).toBe(true);
    } finally {
      bench.clock.ahead = 0;
    }
  });

  test('gets a new CIS2 session by signing in again', async () => {
    const browser = new Browser(bench);
    const first = await claimsOf(await browser.signIn('900000000004'));
    const second = await claimsOf(await browser.signIn('900000000004', { prompt: 'login' }));
    expect(second['sid']).not.toBe(first['sid']);
  });

  test('is always asked with prompt=login', async () => {
    const browser = new Browser(bench);
    await browser.signIn('900000000004');
    expect(await isAsked(browser.authorize({ prompt: 'login' }))).toBe(true);
  });

  test('is asked once max_age has passed', async () => {
    const browser = new Browser(bench);
    await browser.signIn('900000000004');
    expect(await isAsked(browser.authorize({ max_age: '300' }))).toBe(false);
    expect(await isAsked(browser.authorize({ max_age: '0' }))).toBe(true);
    bench.clock.ahead = 301;
    try {
      expect(await isAsked(browser.authorize({ max_age: '300' }))).toBe(true);
      expect(await isAsked(browser.authorize())).toBe(false);
    } finally {
      bench.clock.ahead = 0;
    }
  });

  test('is asked when the earlier sign-in was weaker than what is wanted now', async () => {
    const browser = new Browser(bench);
    await browser.signIn('900000000006', { acr_values: 'AAL2_OR_AAL3_ANY' });
    expect(await isAsked(browser.authorize({ acr_values: 'AAL2_OR_AAL3_ANY' }))).toBe(false);
    expect(await isAsked(browser.authorize({ acr_values: 'AAL3_ANY' }))).toBe(true);
  });

  test('is asked again after the session has been ended at CIS2', async () => {
    const browser = new Browser(bench);
    const tokens = await bench.tokenRequest({ code: codeOf(await browser.signIn('900000000004')) });
    const { id_token: idToken } = (await tokens.json()) as { id_token: string };
    const end = (query: Record<string, string>) =>
      fetch(`${bench.as.end_session_endpoint ?? ''}?${new URLSearchParams(query).toString()}`);
    expect((await end({ id_token_hint: `${idToken}x` })).status).toBe(400);
    expect(await isAsked(browser.authorize())).toBe(false);
    expect((await end({ id_token_hint: idToken })).status).toBe(204);
    expect(await isAsked(browser.authorize())).toBe(true);
  });

  test('is somebody else to another browser, where prompt=none gives login_required', async () => {
    const callback = callbackOf(await new Browser(bench).authorize({ prompt: 'none', state: 's' }));
    expect(Object.fromEntries(callback)).toEqual({ error: 'login_required', state: 's' });
  });
});
