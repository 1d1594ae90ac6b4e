/** `GET /auth/callback`: what ends a sign-in well, and what each way of ending badly leaves behind. */
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  codeVerifierOf,
  newAttempt,
  nonceOf,
  sealState,
  type SignInAttempt,
} from '../../lambdas/cis2/index.ts';
import { Secret, type EpochMilliseconds } from '../../lambdas/common/index.ts';
import { probeCode } from '../../lambdas/probe-code.ts';
import { Browser, sessionCookie, signInCookie } from '../support/browser.ts';
import { subject } from '../support/provider.ts';
import { rawRequest } from '../support/raw-http.ts';
import { useSharedRig } from '../support/rig.ts';
import { expectFailure, expectRefused, expectSignedIn } from './expectations.ts';
import { logoutToken, postLogout } from './logout-tokens.ts';

const rig = useSharedRig();

const now = (): EpochMilliseconds => Date.now() as EpochMilliseconds;

const secretOf = (browser: Browser): Secret<Buffer> =>
  new Secret(Buffer.from(browser.cookies.get(signInCookie) ?? '', 'base64url'));

/** A state as the browser's owner could make it: they know their own sign-in cookie. */
function forgedState(browser: Browser, changes: Partial<SignInAttempt> = {}): string {
  const attempt = newAttempt({
    startedAt: now(),
    returnTo: '/',
    requiredAal: 0,
    replaces: null,
    presenceDemanded: false,
  });
  return sealState(secretOf(browser), { ...attempt, ...changes });
}

/** What CIS2 responds to a whole attempt of the owner's own making. */
async function forgedAttempt(
  browser: Browser,
  changes: Partial<SignInAttempt>,
): Promise<Record<string, string>> {
  const url = new URL((await browser.login()).location);
  const secret = secretOf(browser);
  const id = randomBytes(16).toString('base64url');
  const challenge = createHash('sha256').update(codeVerifierOf(secret, id)).digest('base64url');
  url.searchParams.set('state', forgedState(browser, { id, ...changes }));
  url.searchParams.set('nonce', nonceOf(secret, id));
  url.searchParams.set('code_challenge', challenge);
  return rig.provider.authorise(url.href);
}

/** Starts a sign-in and lets CIS2 agree to it. */
async function begin(browser: Browser, query = ''): Promise<{ code: string; state: string }> {
  return rig.provider.authorise((await browser.login(query)).location);
}

describe('login_expired [S-02, ASVS-10.1.2, ASVS-10.2.1, CIS2-IDT]', () => {
  /** Refused, and decided before CIS2 was called. */
  async function expectExpired(attempt: (browser: Browser) => Promise<Response>): Promise<void> {
    let before = 0;
    await expectRefused(rig, 'login_expired', async (browser) => {
      await browser.login();
      before = rig.provider.requests.length;
      return attempt(browser);
    });
    expect(rig.provider.requests.slice(before).map(({ endpoint }) => endpoint)).toEqual([]);
  }

  test('a callback without state', async () => {
    await expectExpired(async (browser) => browser.callback({ code: (await begin(browser)).code }));
  });

  test('a callback with an empty state', async () => {
    await expectExpired(async (browser) => browser.callback({ ...(await begin(browser)), state: '' }));
  });

  test('a callback with two states, the right one first', async () => {
    await expectExpired(async (browser) => {
      const { code, state } = await begin(browser);
      return browser.request(`/auth/callback?code=${code}&state=${state}&state=x`);
    });
  });

  test('a callback with the right state twice', async () => {
    await expectExpired(async (browser) => {
      const { code, state } = await begin(browser);
      return browser.request(`/auth/callback?code=${code}&state=${state}&state=${state}`);
    });
  });

  const flip = (state: string, at: number): string => {
    const bytes = Buffer.from(state, 'base64url');
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return bytes.toString('base64url');
  };
  // Every byte and every character, and what else an owner can seal: see the unit test of an attempt.
  test.each<[string, (state: string) => string]>([
    ['a byte altered', (state) => flip(state, 40)],
    ['its last character gone', (state) => state.slice(0, -1)],
    ['something behind it', (state) => `${state}AAAA`],
    ['other words in its place', () => 'state'],
    ['5 KB in its place', () => 'A'.repeat(5000)],
    ['a NUL in its place', () => '\0'],
  ])('a state with %s', async (_, alter) => {
    await expectExpired(async (browser) => {
      const { code, state } = await begin(browser);
      return browser.callback({ code, state: alter(state) });
    });
  });

  test('a state that was made for another browser', async () => {
    const victim = rig.browser();
    const stolen = await begin(victim);
    await expectExpired((browser) => browser.callback(stolen));
    // It is still good where it was made.
    await expectSignedIn(victim, await victim.callback(stolen));
  });

  test('a state in a browser that has no sign-in cookie', async () => {
    const response = await rig.browser().callback(await begin(rig.browser()));
    await expectFailure(rig, response, 'login_expired');
  });

  test.each([
    ['gone', (): [string, string][] => []],
    ['there twice', (own: string): [string, string][] => [['Cookie', `${own}; ${own}`]]],
    [
      'there twice with another value first',
      (own: string): [string, string][] => [['Cookie', `${signInCookie}=${'A'.repeat(43)}; ${own}`]],
    ],
    ['empty', (): [string, string][] => [['Cookie', `${signInCookie}=`]]],
    ['cut short', (own: string): [string, string][] => [['Cookie', own.slice(0, -1)]]],
    ['of another name', (own: string): [string, string][] => [['Cookie', own.toLowerCase()]]],
    ['without its prefix', (own: string): [string, string][] => [['Cookie', own.slice('__Host-'.length)]]],
  ])('a sign-in cookie that is %s', async (_, cookie) => {
    const browser = rig.browser();
    const { code, state } = await begin(browser);
    const before = rig.provider.requests.length;
    const own = `${signInCookie}=${browser.cookies.get(signInCookie) ?? ''}`;
    const response = await rawRequest(rig.bff.baseUrl, `/auth/callback?code=${code}&state=${state}`, {
      headers: cookie(own),
    });
    expect(response.status).toBe(303);
    expect(response.headers.location).toMatch(/\/sign-in-error\?code=login_expired&reference=[^&]+$/);
    expect(response.headers['set-cookie']).toBeUndefined();
    expect(rig.provider.requests).toHaveLength(before);
    await expectSignedIn(browser, await browser.callback({ code, state }));
  });

  test.each([
    ['10 minutes old', 600],
    ['10 minutes and a second old', 601],
    ['a day old', 86_400],
    ['from the future', -120],
  ])('a state that is %s', async (_, age) => {
    await expectExpired((browser) =>
      browser.callback({
        code: 'x',
        state: forgedState(browser, { startedAt: (now() - age * 1_000) as EpochMilliseconds }),
      }),
    );
  });

  test('a state that is nearly 10 minutes old is not among them', async () => {
    const browser = rig.browser();
    const startedAt = (now() - 590_000) as EpochMilliseconds;
    const landed = await browser.callback(await forgedAttempt(browser, { startedAt, returnTo: '/late' }));
    expect(landed.headers.get('location')).toBe(`${rig.bff.baseUrl}/late`);
    await expectSignedIn(browser, landed);
  });

  test('a state whose owner wrote a later start into it does not outlive a logout that came meanwhile', async () => {
    const browser = rig.browser();
    const startedAt = (now() + 4_000) as EpochMilliseconds;
    const parameters = await forgedAttempt(browser, { startedAt });
    rig.provider.during = async (endpoint) => {
      if (endpoint !== 'userinfo') return;
      const response = await postLogout(rig.bff.baseUrl, await logoutToken(rig.provider, { sub: subject }));
      expect(response.status).toBe(200);
    };
    expect(Browser.failure(await browser.callback(parameters))?.code).toBe('provider_logout');
    expect(await browser.session()).toEqual({ status: 'anonymous' });
  });

  test.each<[string, Partial<Record<keyof SignInAttempt, unknown>>]>([
    ['another origin to land on', { returnTo: 'https://evil.example/' }],
    ['a foreign address to land on that looks like a path', { returnTo: '//evil.example/' }],
    ['one that only parses to a foreign address', { returnTo: '/x/..//evil.example' }],
    ['a level that does not exist', { requiredAal: 4 }],
  ])('a state its owner sealed with %s', async (_, changes) => {
    await expectExpired((browser) =>
      browser.callback({ code: 'x', state: forgedState(browser, changes as Partial<SignInAttempt>) }),
    );
  });

  test('a state that was used already, though the code is new', async () => {
    const browser = rig.browser();
    const { location } = await browser.login();
    const first = rig.provider.authorise(location);
    await expectSignedIn(browser, await browser.callback(first));
    const before = rig.provider.requests.length;
    const { handle } = await browser.session();
    await expectFailure(rig, await browser.callback(rig.provider.authorise(location)), 'login_expired');
    await expectFailure(rig, await browser.callback(first), 'login_expired');
    expect(rig.provider.requests).toHaveLength(before);
    expect(await browser.session()).toMatchObject({ status: 'active', handle });
  });

  test('a state that was used already by an attempt that failed', async () => {
    const browser = rig.browser();
    const { location } = await browser.login();
    const { state } = rig.provider.authorise(location);
    await expectFailure(rig, await browser.callback({ error: 'access_denied', state }), 'access_denied');
    const before = rig.provider.requests.length;
    await expectFailure(rig, await browser.callback(rig.provider.authorise(location)), 'login_expired');
    expect(rig.provider.requests).toHaveLength(before);
  });

  test('all but one of ten callbacks at once with one state', async () => {
    const browser = rig.browser();
    const returned = await begin(browser);
    const before = rig.provider.asked('token').length;
    const responses = await Promise.all(Array.from({ length: 10 }, () => browser.callback(returned)));
    const codes = responses.map((response) => Browser.failure(response)?.code ?? 'signed in');
    expect(codes.sort()).toEqual([...Array.from({ length: 9 }, () => 'login_expired'), 'signed in']);
    expect(rig.provider.asked('token')).toHaveLength(before + 1);
  });

  test('an error from CIS2 with a state that is not this browser’s', async () => {
    await expectExpired((browser) => browser.callback({ error: 'access_denied', state: 'x' }));
  });

  test('nothing at all in the query', async () => {
    await expectExpired((browser) => browser.request('/auth/callback'));
  });
});

describe('any number of tabs at once', () => {
  test('each finishes its own sign-in, in any order, and lands where it meant to', async () => {
    const browser = rig.browser();
    const tabs: { code: string; state: string }[] = [];
    for (let tab = 0; tab < 6; tab += 1) tabs.push(await begin(browser, `?returnTo=/tab/${String(tab)}`));
    for (const tab of [3, 0, 5, 1, 4, 2]) {
      const landed = await browser.callback(tabs[tab] ?? {});
      expect(landed.headers.get('location')).toBe(`${rig.bff.baseUrl}/tab/${String(tab)}`);
      await expectSignedIn(browser, landed);
    }
  });

  test('a code of one tab is worth nothing with the state of another [S-05]', async () => {
    await expectRefused(rig, 'response_invalid', async (browser) => {
      const [one, other] = [await begin(browser), await begin(browser)];
      return browser.callback({ code: one.code, state: other.state });
    });
  });

  test('a code of another person’s is worth nothing in one’s own callback [S-05]', async () => {
    const { code } = await begin(rig.browser());
    await expectRefused(rig, 'response_invalid', async (browser) =>
      browser.callback({ code, state: (await begin(browser)).state }),
    );
  });
});

describe('response_invalid before the code is exchanged', () => {
  test.each<[string, (returned: { code: string; state: string }) => string]>([
    ['neither code nor error', ({ state }) => `state=${state}`],
    ['an empty code', ({ state }) => `state=${state}&code=`],
    ['an empty error', ({ state }) => `state=${state}&error=`],
    ['two codes', ({ code, state }) => `state=${state}&code=${code}&code=x`],
    ['the code twice', ({ code, state }) => `state=${state}&code=${code}&code=${code}`],
    ['another issuer’s name', ({ code, state }) => `state=${state}&code=${code}&iss=https://evil.example`],
    [
      'the issuer’s name with a slash too many',
      ({ code, state }) => `state=${state}&code=${code}&iss=${encodeURIComponent(`${rig.provider.issuer}/`)}`,
    ],
    ['two names', ({ code, state }) => `state=${state}&code=${code}&iss=a&iss=b`],
    ['an ID token in the address', ({ code, state }) => `state=${state}&code=${code}&id_token=a.b.c`],
    ['an access token in the address', ({ code, state }) => `state=${state}&code=${code}&token=abc`],
    ['a signed response of another kind', ({ code, state }) => `state=${state}&code=${code}&response=a.b.c`],
  ])('a response with %s', async (_, query) => {
    const before = rig.provider.asked('token').length;
    await expectRefused(rig, 'response_invalid', async (browser) =>
      browser.request(`/auth/callback?${query(await begin(browser))}`),
    );
    expect(rig.provider.asked('token')).toHaveLength(before);
  });

  test('a response that names the right issuer is taken', async () => {
    const browser = rig.browser();
    const landed = await browser.callback({ ...(await begin(browser)), iss: rig.provider.issuer });
    await expectSignedIn(browser, landed);
  });

  test('a response with more parameters than we know is taken', async () => {
    const browser = rig.browser();
    const landed = await browser.callback({
      ...(await begin(browser)),
      client_id: 'x',
      session_state: 'y',
      scope: 'z',
    });
    expect(landed.headers.get('location')).toBe(`${rig.bff.baseUrl}/`);
    await expectSignedIn(browser, landed);
  });
});

describe('response_invalid at the exchange', () => {
  test('a code that CIS2 refuses; it is offered once and never again', async () => {
    await expectRefused(rig, 'response_invalid', async (browser) =>
      browser.callback({ code: 'never-given', state: (await begin(browser)).state }),
    );
    expect(rig.provider.asked('token').filter(({ form }) => form['code'] === 'never-given')).toHaveLength(1);
  });

  test.each([
    ['an empty ID token', { id_token: '' }],
    ['an ID token that is none', { id_token: 'not.a.token' }],
    ['an ID token that is a list', { id_token: ['a.b.c'] }],
    ['no access token', { access_token: undefined }],
    ['an access token that is a number', { access_token: 7 }],
    ['a token type that is null', { token_type: null }],
    ['an access token that is null', { access_token: null }],
    ['an access token that is no text for a header', { access_token: 'line\nend' }],
    ['an ID token that is null', { id_token: null }],
  ])('a token response with %s', async (_, changes) => {
    await expectRefused(rig, 'response_invalid', (browser) => {
      rig.provider.tokenResponse = changes;
      return browser.signIn(rig.provider);
    });
  });
});

describe('response_invalid for an ID token [CIS2-IDT]', () => {
  test.each(['logout+jwt', ''])('that is a JWT of another kind: %j [ASVS-9.2.2]', async (typ) => {
    await expectRefused(rig, 'response_invalid', (browser) => {
      rig.provider.header = { typ };
      return browser.signIn(rig.provider);
    });
  });

  // `null` is in conformance/provider-shapes, and the unit tests have all of them for the other claims.
  const oddClaims = ['iss', 'exp', 'nonce'].flatMap((claim) =>
    [true, {}, [], '', 'NaN'].map((value): [string, string, (at: number) => unknown] => [
      claim,
      JSON.stringify(value),
      () => value,
    ]),
  );
  const wrongClaims: [string, string, (at: number) => unknown][] = [
    ['iss', 'missing', () => undefined],
    ['iss', 'another issuer', () => 'https://evil.example'],
    ['iss', 'with a slash behind it', () => `${rig.provider.issuer}/`],
    ['iss', 'in another case', () => rig.provider.issuer.toUpperCase()],
    ['iss', 'without its path', () => rig.provider.origin],
    ['iss', 'in a list', () => [rig.provider.issuer]],
    ['aud', 'missing', () => undefined],
    ['aud', 'another client', () => 'another-client'],
    ['aud', 'a list of others', () => ['another-client', 'a-third']],
    ['aud', 'a list of us and a stranger', () => ['rp.example.apps', 'a-stranger']],
    ['aud', 'a list of a stranger and us', () => ['a-stranger', 'rp.example.apps']],
    ['aud', 'a list in a list', () => [['rp.example.apps']]],
    ['aud', 'us with a space', () => 'rp.example.apps '],
    ['azp', 'another client', () => 'another-client'],
    ['azp', 'in a list', () => ['rp.example.apps']],
    ['exp', 'missing', () => undefined],
    ['exp', 'two minutes ago', (at) => at - 120],
    ['exp', 'a text', (at) => String(at + 3600)],
    ['exp', 'in a list', (at) => [at + 3600]],
    ['exp', 'negative', () => -1],
    ['iat', 'missing', () => undefined],
    ['iat', 'ten minutes ahead', (at) => at + 600],
    ['iat', 'two minutes ahead', (at) => at + 120],
    ['iat', 'ten minutes ago', (at) => at - 600],
    ['iat', 'a text', (at) => String(at)],
    ['iat', 'in a list', (at) => [at]],
    ['iat', 'zero', () => 0],
    ['iat', 'milliseconds', (at) => at * 1000],
    ['auth_time', 'missing', () => undefined],
    ['auth_time', '361 seconds ago', (at) => at - 361],
    ['auth_time', 'a day ago', (at) => at - 86_400],
    ['auth_time', '65 seconds ahead', (at) => at + 65],
    ['auth_time', 'a text', (at) => String(at)],
    ['auth_time', 'in a list', (at) => [at]],
    ['auth_time', 'zero', () => 0],
    ['auth_time', 'negative', (at) => -at],
    ['auth_time', 'milliseconds', (at) => at * 1000],
    ['nbf', 'ten minutes ahead', (at) => at + 600],
    ['nonce', 'missing', () => undefined],
    ['nonce', 'another', () => 'another-nonce'],
    ['nonce', 'of other case', () => 'A'.repeat(43)],
    ['at_hash', 'wrong', () => 'A'.repeat(22)],
    ['at_hash', 'empty', () => ''],
    ['at_hash', 'in a list', () => ['x']],
    ['at_hash', 'too long', () => 'A'.repeat(43)],
    ['sub', 'missing', () => undefined],
    ['sub', 'a number', () => Number(subject)],
    ['sub', 'in a list', () => [subject]],
    ['sub', 'with a space', () => `${subject} `],
    ['sub', 'with a line end', () => `${subject}\n`],
    ['sub', 'too long', () => '9'.repeat(256)],
  ];
  /** Each claim by the requirement that speaks of it. */
  const shows: Readonly<Record<string, string>> = {
    iss: 'O-01',
    aud: 'O-02, ASVS-9.2.3, ASVS-9.2.4, ASVS-10.5.4',
    azp: 'O-03',
    exp: 'O-05, ASVS-9.2.1',
    iat: 'O-05, ASVS-9.2.1',
    auth_time: 'O-08, CIS2-SES-003, ASVS-6.8.4',
    nbf: 'ASVS-9.2.1',
    nonce: 'O-06, ASVS-10.5.1',
    at_hash: 'O-09',
    sub: 'CIS2-IDT',
  };
  const wrong = [...wrongClaims, ...oddClaims].map(
    ([claim, kind, make]) => [claim, kind, shows[claim] ?? '', make] as const,
  );
  test.each(wrong)('%s: %s [%s]', async (claim, _, __, make) => {
    await expectRefused(rig, 'response_invalid', (browser) => {
      rig.provider.claims = ({ now: at }) => ({ [claim]: make(at) });
      if (claim === 'sub') {
        // UserInfo agrees, so that only the ID token's own rules are left to refuse it.
        const value = make(0);
        rig.provider.userInfo = { sub: value, uid: value };
      }
      return browser.signIn(rig.provider);
    });
  });

  test('nonce: of another attempt of the same browser [O-06, ASVS-10.5.1]', async () => {
    await expectRefused(rig, 'response_invalid', async (browser) => {
      const { request } = await browser.login();
      rig.provider.claims = () => ({ nonce: request.get('nonce') });
      return browser.signIn(rig.provider);
    });
  });

  test('at_hash: of another access token [O-09]', async () => {
    await expectRefused(rig, 'response_invalid', (browser) => {
      rig.provider.tokenResponse = { access_token: 'another-token' };
      return browser.signIn(rig.provider);
    });
  });

  test.each<[string, (at: number) => Record<string, unknown>]>([
    ['aud as a list of us alone', () => ({ aud: ['rp.example.apps'] })],
    ['no azp', () => ({ azp: undefined })],
    ['no at_hash', () => ({ at_hash: undefined })],
    ['no sid', () => ({ sid: undefined })],
    ['no amr', () => ({ amr: undefined })],
    ['no acr', () => ({ acr: undefined })],
    ['auth_time within the five minutes', (at) => ({ auth_time: at - 295 })],
    ['auth_time within the skew beyond them', (at) => ({ auth_time: at - 350 })],
    ['a clock 50 seconds ahead of ours', (at) => ({ iat: at + 50, auth_time: at + 49 })],
    ['a clock 50 seconds behind ours', (at) => ({ iat: at - 50, auth_time: at - 51 })],
    [
      'claims that we do not know',
      () => ({ subname: 'x', 'org.forgerock.openidconnect.ops': 'y', realm: '/z' }),
    ],
  ])('not for one with %s', async (_, claims) => {
    rig.provider.claims = ({ now: at }) => claims(at);
    const browser = rig.browser();
    await expectSignedIn(browser, await browser.signIn(rig.provider));
  });
});

describe('response_invalid for UserInfo [CIS2-UI-001, O-10]', () => {
  test.each([
    ['of somebody else', '900000000999'],
    ['without sub', undefined],
    ['with sub null', null],
    ['with an empty sub', ''],
    ['with sub in a list', [subject]],
    ['with sub as a number', Number(subject)],
  ])('%s', async (_, sub) => {
    await expectRefused(rig, 'response_invalid', (browser) => {
      rig.provider.userInfo = { sub };
      return browser.signIn(rig.provider);
    });
  });
});

describe('CIS2 says no [O-12]', () => {
  test('access_denied: the person or CIS2 declined', async () => {
    await expectRefused(rig, 'access_denied', async (browser) =>
      browser.callback({ error: 'access_denied', state: (await begin(browser)).state }),
    );
  });

  test.each([
    'login_required',
    'interaction_required',
    'consent_required',
    'invalid_scope',
    'unauthorized_client',
    'server_error',
    'temporarily_unavailable',
    'ACCESS_DENIED',
    'access_denied ',
    'something new',
    '<script>alert(1)</script>',
    'x'.repeat(2000),
    '\r\nSet-Cookie: a=b',
  ])('provider_error: %j', async (error) => {
    const before = rig.provider.asked('token').length;
    await expectRefused(rig, 'provider_error', async (browser) =>
      browser.callback({ error, state: (await begin(browser)).state }),
    );
    expect(rig.provider.asked('token')).toHaveLength(before);
  });

  test('an error beside a code is an error', async () => {
    const before = rig.provider.asked('token').length;
    await expectRefused(rig, 'provider_error', async (browser) =>
      browser.callback({ ...(await begin(browser)), error: 'server_error' }),
    );
    expect(rig.provider.asked('token')).toHaveLength(before);
  });
});

describe('nothing that CIS2 or the caller sent is echoed [O-12, ASVS-16.5.1]', () => {
  const canary = 'canary-3b9a';
  const query = {
    error_description: `${canary} <b>`,
    error_uri: `https://${canary}.example/`,
    iss: canary,
    [canary]: canary,
  };
  test.each<[string, Record<string, string>, boolean]>([
    ['access_denied', { error: 'access_denied', ...query, iss: '' }, true],
    ['provider_error', { error: canary, ...query, iss: '' }, true],
    ['response_invalid', { code: canary, ...query }, true],
    ['response_invalid', { code: canary }, true],
    ['login_expired', { code: canary, state: canary, ...query }, false],
    ['login_expired', { error: canary, state: canary, ...query }, false],
  ])('with %s', async (code, parameters, withState) => {
    const browser = rig.browser();
    const { state } = await begin(browser, `?returnTo=/${canary}`);
    const response = await rawRequest(
      rig.bff.baseUrl,
      `/auth/callback?${new URLSearchParams({ ...parameters, ...(withState ? { state } : {}) }).toString()}`,
      {
        headers: [
          ['Cookie', `${signInCookie}=${browser.cookies.get(signInCookie) ?? ''}; other=${canary}`],
          ['X-Request-Id', canary],
          ['User-Agent', canary],
          ['Referer', `https://${canary}.example/`],
          ['X-Forwarded-Host', `${canary}.example`],
        ],
      },
    );
    expect(response.status).toBe(303);
    expect(response.headers.location).toMatch(new RegExp(`/sign-in-error\\?code=${code}&reference=[^&]+$`));
    const text = JSON.stringify(response);
    expect(text).not.toContain(canary);
    expect(text).not.toContain(state);
  });

  test('with what the token and UserInfo endpoints responded', async () => {
    for (const endpoint of ['token', 'userinfo'] as const) {
      rig.provider.faults.set(endpoint, {
        kind: 'body',
        status: 400,
        body: JSON.stringify({ error: 'invalid_grant', error_description: canary, error_uri: canary }),
      });
      const browser = rig.browser();
      const response = await browser.signIn(rig.provider);
      await expectFailure(rig, response, 'response_invalid');
      expect(JSON.stringify([...response.headers])).not.toContain(canary);
      rig.provider.behave();
    }
  });
});

describe('a sign-in that doctor completes with its own code', () => {
  /** What is logged and counted of a sign-in with this code, when the token endpoint answers with that error. */
  async function loggedOf(code: string, error: string): Promise<Record<string, unknown>> {
    rig.provider.faults.set('token', { kind: 'body', status: 400, body: JSON.stringify({ error }) });
    const browser = rig.browser();
    const { state } = await begin(browser);
    const reference = await expectFailure(
      rig,
      await browser.callback({ code, state, iss: rig.provider.issuer }),
      'response_invalid',
    );
    rig.provider.behave();
    const entries = await rig.bff.entriesFor(reference);
    const events = entries.map(({ event }) => event);
    const request = entries.find(({ event }) => event === 'request');
    return {
      event: events.find((event) => String(event).startsWith('sign_in_')),
      counted: request?.['SignInFailed'],
    };
  }

  test('is not counted as failed when CIS2 refuses the code', async () => {
    expect(await loggedOf(probeCode, 'invalid_grant')).toEqual({ event: 'sign_in_probed' });
  });

  test('is counted when it fails for anything else, and so is any other code that CIS2 refuses', async () => {
    const failed = { event: 'sign_in_failed', counted: 1 };
    expect(await loggedOf(probeCode, 'invalid_client')).toEqual(failed);
    expect(await loggedOf('another', 'invalid_grant')).toEqual(failed);
  });
});

describe('the audit trail names the person of a failed sign-in', () => {
  /** What the trail says of a sign-in: which event, with which code, of which person. */
  async function trailOf(response: Response): Promise<Record<string, unknown> | undefined> {
    const entries = await rig.bff.entriesFor(response.headers.get('x-request-id') ?? '');
    const found = entries.find(({ event }) => event === 'sign_in_completed' || event === 'sign_in_failed');
    return found && { event: found['event'], code: found['code'], person: found['person'] };
  }

  test('whose ID token and UserInfo hold, as it names them when they get in', async () => {
    const claims = { sub: '555000000181', uid: '555000000181' };
    rig.provider.claims = () => claims;
    rig.provider.userInfo = claims;
    const completed = await trailOf(await rig.browser().signIn(rig.provider));
    expect(completed).toEqual({
      event: 'sign_in_completed',
      code: undefined,
      person: expect.stringMatching(/^[\w-]{43}$/),
    });
    rig.provider.claims = () => ({ ...claims, authentication_assurance_level: '1' });
    rig.provider.userInfo = claims;
    expect(await trailOf(await rig.browser().signIn(rig.provider))).toEqual({
      event: 'sign_in_failed',
      code: 'assurance_insufficient',
      person: completed?.['person'],
    });
  });

  test('and nobody where UserInfo does not hold', async () => {
    rig.provider.userInfo = { sub: '555000000182' };
    expect(await trailOf(await rig.browser().signIn(rig.provider))).toEqual({
      event: 'sign_in_failed',
      code: 'response_invalid',
      person: undefined,
    });
  });
});

describe('the reference a person is shown', () => {
  test('finds the log entry that says why [ASVS-16.3.1]', async () => {
    rig.provider.claims = () => ({ nonce: 'another' });
    const browser = rig.browser();
    const reference = await expectFailure(rig, await browser.signIn(rig.provider), 'response_invalid');
    const entries = await rig.bff.entriesFor(reference);
    expect(entries).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          event: 'sign_in_failed',
          code: 'response_invalid',
          check: expect.stringMatching(/.+/),
        }),
        expect.objectContaining({ event: 'request', route: 'GET /auth/callback', status: 303 }),
      ]),
    );
  });

  test('is another for every failure', async () => {
    const references = new Set<string>();
    for (let number = 0; number < 20; number += 1) {
      references.add(await expectFailure(rig, await rig.browser().callback({}), 'login_expired'));
    }
    expect(references.size).toBe(20);
  });
});

describe('success', () => {
  test('replaces the session whose cookie came with the login; the old cookie is dead at once [ASVS-7.2.4]', async () => {
    const browser = rig.browser();
    const first = await expectSignedIn(browser, await browser.signIn(rig.provider));
    const old = rig.browser();
    old.cookies.set(sessionCookie, browser.cookies.get(sessionCookie) ?? '');
    const second = await expectSignedIn(browser, await browser.signIn(rig.provider));
    expect(second.handle).not.toBe(first.handle);
    expect(browser.cookies.get(sessionCookie)).not.toBe(old.cookies.get(sessionCookie));
    expect(await old.session()).toEqual({ status: 'ended', reason: 'replaced' });
    const extended = await old.api('/auth/session/extend', { method: 'POST' });
    expect(extended.status).toBe(401);
    expect(await extended.json()).toMatchObject({ code: 'session_ended', reason: 'replaced' });
    expect((await browser.session()).status).toBe('active');
  });

  test('leaves the old session alive until the new one is there', async () => {
    const browser = rig.browser();
    const { handle } = await expectSignedIn(browser, await browser.signIn(rig.provider));
    const returned = await begin(browser);
    expect(await browser.session()).toMatchObject({ status: 'active', handle });
    await expectSignedIn(browser, await browser.callback(returned));
  });

  test('replaces the session also when another person signs in', async () => {
    const browser = rig.browser();
    await expectSignedIn(browser, await browser.signIn(rig.provider));
    const old = rig.browser();
    old.cookies.set(sessionCookie, browser.cookies.get(sessionCookie) ?? '');
    rig.provider.claims = () => ({ sub: '900000000222' });
    rig.provider.userInfo = { sub: '900000000222' };
    const { user } = await expectSignedIn(browser, await browser.signIn(rig.provider));
    expect(user['uid']).toBe('900000000222');
    expect(await old.session()).toEqual({ status: 'ended', reason: 'replaced' });
  });

  test('leaves a session that came with no login alone', async () => {
    const [one, other] = [rig.browser(), rig.browser()];
    const { handle } = await expectSignedIn(one, await one.signIn(rig.provider));
    await expectSignedIn(other, await other.signIn(rig.provider));
    expect(await one.session()).toMatchObject({ status: 'active', handle });
  });

  test('does not adopt a session cookie that was planted before it [ASVS-7.2.4, C-02]', async () => {
    const browser = rig.browser();
    const planted = Buffer.alloc(64, 7).toString('base64url');
    browser.cookies.set(sessionCookie, planted);
    await expectSignedIn(browser, await browser.signIn(rig.provider));
    expect(browser.cookies.get(sessionCookie)).not.toBe(planted);
    const thief = rig.browser();
    thief.cookies.set(sessionCookie, planted);
    expect(await thief.session()).toEqual({ status: 'anonymous' });
  });

  test('sets the session cookie and nothing else, and leaves the sign-in cookie as it is [B-05, B-06, B-07, S-11, ASVS-3.3.2, ASVS-3.3.3, ASVS-14.2.1, C-01, C-04]', async () => {
    const browser = rig.browser();
    const returned = await begin(browser);
    const cookie = browser.cookies.get(signInCookie);
    const landed = await browser.callback(returned);
    const [line = '', ...others] = landed.headers.getSetCookie();
    expect(others).toEqual([]);
    const [pair, ...attributes] = line.split('; ');
    expect(pair).toMatch(new RegExp(`^${sessionCookie}=[A-Za-z0-9_-]{86}$`));
    expect(sessionCookie.startsWith('__Host-Http-')).toBe(true);
    expect(attributes.sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Strict', 'Secure']);
    expect(browser.cookies.get(signInCookie)).toBe(cookie);
    const { code, state } = returned;
    expect(landed.headers.get('location')).toBe(`${rig.bff.baseUrl}/`);
    expect(JSON.stringify([...landed.headers])).not.toContain(code);
    expect(JSON.stringify([...landed.headers])).not.toContain(state);
  });

  test('gives 512 random bits each time [B-08, ASVS-7.2.2, ASVS-7.2.3, ASVS-11.5.1]', async () => {
    const values = new Set<string>();
    for (let number = 0; number < 15; number += 1) {
      const browser = rig.browser();
      await browser.signIn(rig.provider);
      const bytes = Buffer.from(browser.cookies.get(sessionCookie) ?? '', 'base64url');
      expect(bytes).toHaveLength(64);
      for (let start = 0; start < 64; start += 16)
        values.add(bytes.subarray(start, start + 16).toString('hex'));
    }
    expect(values.size).toBe(60);
  });
});
