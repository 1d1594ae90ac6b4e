/** `GET /auth/login`: what it takes, what it sends to CIS2, what it leaves in the browser. */
import { describe, expect, test } from '@jest/globals';
import { sessionCookie, signInCookie } from '../support/browser.ts';
import { rawRequest } from '../support/raw-http.ts';
import { clientId, useSharedRig } from '../support/rig.ts';
import { expectOwnHeaders, expectProblem, expectSignedIn, headersOf, read } from './expectations.ts';

const rig = useSharedRig();

const everyParameter = [
  'acr_values',
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'prompt',
  'redirect_uri',
  'response_type',
  'scope',
  'state',
];

describe('the authorisation request', () => {
  test('goes to the authorisation endpoint with exactly what the contract lists [B-02, S-07, S-10, CIS2-SES-002]', async () => {
    const { response, request, location } = await rig.browser().login();
    expect(response.status).toBe(302);
    expect(location.startsWith(`${rig.provider.issuer}/authorize?`)).toBe(true);
    expect([...request.keys()].sort()).toEqual(everyParameter);
    expect(Object.fromEntries(request)).toEqual({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: `${rig.bff.baseUrl}/auth/callback`,
      scope: expect.stringMatching(/^openid( [a-z]+)*$/),
      state: expect.stringMatching(/^[\w-]{60,}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      acr_values: 'AAL3_ANY',
      prompt: 'login',
    });
    expectOwnHeaders(headersOf(response.headers));
    expect(await response.text()).toBe('');
  });

  test.each([
    ['AAL3_ANY'],
    ['AAL3_IOS'],
    ['AAL3_FIDO2'],
    ['AAL3_N3_SMARTCARD'],
    ['AAL3_CIS2_SMARTCARD'],
    ['AAL3_SMARTCARD'],
  ])('acr=%s asks for that and for proof of presence [CIS2-SES-002]', async (acr) => {
    const { request } = await rig.browser().login(`?acr=${acr}`);
    expect(request.get('acr_values')).toBe(acr);
    expect(request.get('prompt')).toBe('login');
    expect([...request.keys()].sort()).toEqual(everyParameter);
  });

  test.each([
    ['a lower level', 'AAL2_ANY'],
    ['a lower level among others', 'AAL2_OR_AAL3_ANY'],
    ['the lowest level', 'AAL1_USERPASS'],
    ['one method of a lower level', 'AAL2_TOTP'],
    ['a level that is not there', 'AAL4_ANY'],
    ['another case', 'aal3_any'],
    ['two at once', 'AAL3_ANY AAL1_USERPASS'],
    ['a space', 'AAL3_ANY '],
    ['nothing', ''],
    ['a number', '3'],
    ['a name every object has', 'constructor'],
    ['another name every object has', '__proto__'],
  ])('acr with %s is 400', async (_, acr) => {
    const { response } = await rig.browser().login(`?acr=${encodeURIComponent(acr)}`);
    expectProblem(await read(response), 400, 'invalid_request');
  });

  test.each([
    ['select', 'selectedrole', 'changedrole'],
    ['change', 'changedrole', 'selectedrole'],
  ])('role=%s adds the scope %s and not the other', async (role, added, other) => {
    const ordinary = (await rig.browser().login()).request.get('scope')?.split(' ') ?? [];
    const { request } = await rig.browser().login(`?role=${role}`);
    const scopes = request.get('scope')?.split(' ') ?? [];
    expect(scopes.filter((scope) => scope === added)).toHaveLength(1);
    expect(scopes).not.toContain(other);
    expect(scopes.filter((scope) => scope !== added)).toEqual(ordinary.filter((scope) => scope !== added));
    expect(request.get('prompt')).toBe('login');
  });

  test('reauth=1 asks for proof of presence', async () => {
    const { request } = await rig.browser().login('?reauth=1');
    expect(request.get('prompt')).toBe('login');
    expect([...request.keys()].sort()).toEqual(everyParameter);
  });

  test.each([
    ['role=none'],
    ['role='],
    ['role=SELECT'],
    ['role=select,change'],
    ['reauth=0'],
    ['reauth='],
    ['reauth=true'],
  ])('%s is 400: a value that the parameter does not have', async (query) => {
    expectProblem(await read((await rig.browser().login(`?${query}`)).response), 400, 'invalid_request');
  });

  test.each([
    ['returnTo', 'returnTo=/a&returnTo=/b'],
    ['returnTo, the same twice', 'returnTo=/a&returnTo=/a'],
    ['acr', 'acr=AAL3_ANY&acr=AAL3_IOS'],
    ['role', 'role=select&role=change'],
    ['reauth', 'reauth=1&reauth=1'],
  ])('%s more than once is 400', async (_, query) => {
    expectProblem(await read((await rig.browser().login(`?${query}`)).response), 400, 'invalid_request');
  });

  test('anything else in the query is ignored and never reaches CIS2', async () => {
    const canary = 'canary-7d1f';
    const { prompt, ...others } = Object.fromEntries(
      [
        ...everyParameter,
        ...['max_age', 'response_mode', 'login_hint', 'id_token_hint', 'ui_locales', 'display', 'claims'],
        ...['request', 'request_uri', 'resource', 'registration', 'iss', 'Acr', 'returnto', 'return_to', 'x'],
      ].map((name) => [name, canary]),
    );
    const query = new URLSearchParams({ ...others, prompt: 'none', [canary]: '1' }).toString();
    const browser = rig.browser();
    const { response, request, location } = await browser.login(`?${query}`);
    expect([response.status, prompt]).toEqual([302, canary]);
    expect(location).not.toContain(canary);
    expect([...request.keys()].sort()).toEqual(everyParameter);
    expect(Object.fromEntries(request)).toMatchObject({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: `${rig.bff.baseUrl}/auth/callback`,
      code_challenge_method: 'S256',
      acr_values: 'AAL3_ANY',
      prompt: 'login',
    });
    const landed = await browser.callback(rig.provider.authorise(location));
    expect(landed.headers.get('location')).toBe(`${rig.bff.baseUrl}/`);
  });

  test('returnTo cannot smuggle parameters into the request, and CIS2 cannot read it', async () => {
    const returnTo = '/ward?x=1&client_id=evil&scope=everything&acr_values=AAL1_USERPASS#&prompt=none';
    const { request, location } = await rig.browser().login(`?returnTo=${encodeURIComponent(returnTo)}`);
    expect([...request.keys()].sort()).toEqual(everyParameter);
    expect(request.get('client_id')).toBe(clientId);
    const state = Buffer.from(request.get('state') ?? '', 'base64url');
    for (const text of [location, state.toString('latin1')]) {
      expect(text).not.toContain('ward');
      expect(text).not.toContain('everything');
    }
  });

  test('state, nonce and challenge are new every time, in one browser and in many [S-03, ASVS-11.5.1]', async () => {
    const one = rig.browser();
    const seen = { state: new Set<string>(), nonce: new Set<string>(), code_challenge: new Set<string>() };
    const logins = 200;
    for (let number = 0; number < logins; number += 1) {
      const { request } = await (number % 2 === 0 ? one : rig.browser()).login();
      for (const [name, values] of Object.entries(seen)) values.add(request.get(name) ?? '');
    }
    expect(Object.values(seen).map(({ size }) => size)).toEqual([logins, logins, logins]);
    const all = Object.values(seen).flatMap((values) => [...values]);
    expect(new Set(all).size).toBe(3 * logins);
  });
});

describe('the redirect address comes from configuration [S-12, ASVS-4.1.3]', () => {
  const evil = 'evil.example';
  test('never from Host: one that is not ours is refused', async () => {
    const response = await rawRequest(rig.bff.baseUrl, '/auth/login', { headers: [['Host', evil]] });
    expect(response.status).toBe(404);
    expect(JSON.stringify(response)).not.toContain('evil');
  });

  test.each([
    ['X-Forwarded-Host', [['X-Forwarded-Host', evil]]],
    [
      'X-Forwarded-Proto and port',
      [
        ['X-Forwarded-Proto', 'http'],
        ['X-Forwarded-Port', '8443'],
      ],
    ],
    ['X-Forwarded-Server', [['X-Forwarded-Server', evil]]],
    ['X-Forwarded-Prefix', [['X-Forwarded-Prefix', '/evil']]],
    ['Forwarded', [['Forwarded', `for=1.2.3.4;host=${evil};proto=http`]]],
    ['X-Original-URL', [['X-Original-URL', `https://${evil}/auth/login`]]],
    ['X-Rewrite-URL', [['X-Rewrite-URL', '/evil']]],
    ['X-Original-Host', [['X-Original-Host', evil]]],
    ['CloudFront-Forwarded-Proto', [['CloudFront-Forwarded-Proto', 'http']]],
    [
      'Origin and Referer',
      [
        ['Origin', `https://${evil}`],
        ['Referer', `https://${evil}/x`],
      ],
    ],
  ] as [string, [string, string][]][])('never from %s', async (_, headers) => {
    const response = await rawRequest(rig.bff.baseUrl, '/auth/login', { headers });
    expect(response.status).toBe(302);
    const location = new URL(response.headers.location ?? '');
    expect(location.searchParams.get('redirect_uri')).toBe(`${rig.bff.baseUrl}/auth/callback`);
    expect(JSON.stringify(response)).not.toContain('evil');
  });
});

describe('the sign-in cookie', () => {
  test('has the attributes of the contract and nothing else [B-06, B-07, ASVS-3.3.2, ASVS-3.3.3]', async () => {
    const { response } = await rig.browser().login();
    expect(response.headers.getSetCookie()).toHaveLength(1);
    const [pair, ...attributes] = (response.headers.getSetCookie()[0] ?? '').split('; ');
    expect(pair).toMatch(new RegExp(`^${signInCookie}=[A-Za-z0-9_-]{43}$`));
    expect(signInCookie.startsWith('__Host-Http-')).toBe(true);
    expect(attributes.sort()).toEqual(['HttpOnly', 'Max-Age=600', 'Path=/', 'SameSite=Lax', 'Secure']);
  });

  test('is sent again, the same, by every login of one browser, and is one cookie of one size [ASVS-3.3.5]', async () => {
    const browser = rig.browser();
    const lines = new Set<string>();
    for (const query of [
      '',
      '?returnTo=/ward',
      `?returnTo=/${'x'.repeat(1000)}`,
      '?acr=AAL3_IOS',
      '?role=select',
    ]) {
      const { response } = await browser.login(query);
      expect(response.status).toBe(302);
      for (const line of response.headers.getSetCookie()) lines.add(line);
    }
    for (let tab = 0; tab < 45; tab += 1) {
      for (const line of (await browser.login()).response.headers.getSetCookie()) lines.add(line);
    }
    expect([...lines]).toHaveLength(1);
    expect([...lines][0]).toContain('Max-Age=600');
    expect([...browser.cookies.keys()]).toEqual([signInCookie]);
  });

  test('is another one in another browser', async () => {
    const [one, other] = [rig.browser(), rig.browser()];
    await one.login();
    await other.login();
    expect(one.cookies.get(signInCookie)).not.toBe(other.cookies.get(signInCookie));
  });

  test.each([
    ['too short', 'A'.repeat(42)],
    ['too long', 'A'.repeat(44)],
    ['in another alphabet', '+/'.repeat(21) + 'A'],
    ['not canonical', `${'A'.repeat(42)}B`],
    ['quoted', `"${'A'.repeat(43)}"`],
    ['empty', ''],
  ])('with a value that is %s is not taken over', async (_, value) => {
    const response = await rawRequest(rig.bff.baseUrl, '/auth/login', {
      headers: [['Cookie', `${signInCookie}=${value}`]],
    });
    expect(response.status).toBe(302);
    const fresh = /^[^=]+=([\w-]{43});/.exec(response.headers['set-cookie']?.[0] ?? '')?.[1];
    expect(fresh).toBeDefined();
    expect(fresh).not.toBe(value);
  });

  test('that comes twice is not taken over: one of the two is somebody else’s', async () => {
    const values = ['A'.repeat(43), `${'C'.repeat(42)}E`];
    const response = await rawRequest(rig.bff.baseUrl, '/auth/login', {
      headers: [['Cookie', values.map((value) => `${signInCookie}=${value}`).join('; ')]],
    });
    const fresh = /^[^=]+=([\w-]{43});/.exec(response.headers['set-cookie']?.[0] ?? '')?.[1] ?? '';
    expect(fresh).not.toBe('');
    expect(values).not.toContain(fresh);
  });
});

describe('returnTo is at most 1,024 bytes of decoded UTF-8', () => {
  test.each([
    ['1,024 letters', `/${'x'.repeat(1023)}`],
    ['1,023 bytes in letters of two', `/${'é'.repeat(511)}`],
    ['1,024 bytes in letters of three', `/${'€'.repeat(341)}`],
    ['1,021 bytes in letters of four', `/${'🙂'.repeat(255)}`],
  ])('%s arrive', async (_, returnTo) => {
    const browser = rig.browser();
    const landed = await browser.signIn(rig.provider, `?returnTo=${encodeURIComponent(returnTo)}`);
    await expectSignedIn(browser, landed);
    expect(decodeURI(landed.headers.get('location') ?? '')).toBe(rig.bff.baseUrl + returnTo);
  });

  test.each([
    ['1,025 letters', `/${'x'.repeat(1024)}`],
    ['1,025 bytes in letters of two', `/${'é'.repeat(512)}`],
    ['1,027 bytes in letters of three', `/${'€'.repeat(342)}`],
    ['1,025 bytes in letters of four', `/${'🙂'.repeat(256)}`],
    ['a query that is too long', `/?${'x'.repeat(1023)}`],
    ['5 KB', `/${'x'.repeat(5000)}`],
  ])('%s are 400 [ASVS-4.2.5]', async (_, returnTo) => {
    const { response } = await rig.browser().login(`?returnTo=${encodeURIComponent(returnTo)}`);
    expectProblem(await read(response), 400, 'invalid_request');
  });
});

test('a login that is refused sets no cookie and leaves the session alone', async () => {
  const browser = rig.browser();
  const { handle } = await expectSignedIn(browser, await browser.signIn(rig.provider));
  const cookie = browser.cookies.get(sessionCookie);
  for (const query of ['?acr=AAL1_USERPASS', '?returnTo=//evil.example', '?role=x']) {
    const { response } = await browser.login(query);
    expectProblem(await read(response), 400, 'invalid_request');
  }
  expect(browser.cookies.get(sessionCookie)).toBe(cookie);
  expect((await browser.session()).handle).toBe(handle);
});
