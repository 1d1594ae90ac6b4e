/** `POST /auth/backchannel-logout`: what a logout token ends, and which tokens end nothing. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createHmac, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { sessionCookie, type Browser } from '../support/browser.ts';
import { providerKey, type ProviderKey } from '../support/provider.ts';
import { rawRequest } from '../support/raw-http.ts';
import { clientId, useRig, useSharedRig, type Rig } from '../support/rig.ts';
import { signedWithPublicKey, unsigned } from '../conformance/tokens.ts';
import { expectFailure, expectOwnHeaders, expectProblem, expectSignedIn, headersOf } from './expectations.ts';
import {
  formType,
  logoutClaims,
  logoutEvent,
  logoutPath,
  logoutToken,
  newUser,
  postForm,
  postLogout,
  signLogout,
  signsIn,
} from './logout-tokens.ts';

const rig = useSharedRig();

const loggedOut = { status: 'ended', reason: 'provider_logout' };

const now = (): number => Math.floor(Date.now() / 1000);
const newSid = (): string => `sid/${randomUUID()}+=`;

async function signedIn(user: string, sid: string | undefined, where: Rig = rig): Promise<Browser> {
  signsIn(where.provider, user, sid);
  const browser = where.browser();
  await expectSignedIn(browser, await browser.signIn(where.provider));
  where.provider.behave();
  return browser;
}

/** Claims whose times are made when they are used, not when the table of tests is read: these may be minutes apart. */
const atOnce = (claims: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [
      name,
      typeof value === 'function' ? (value as () => unknown)() : value,
    ]),
  );

/** A token that is believed, whatever it ends. */
async function expectDone(token: string, where: Rig = rig): Promise<void> {
  const response = await postLogout(where.bff.baseUrl, token);
  expect([response.status, response.body]).toEqual([200, '']);
  expectOwnHeaders(response.headers);
  expect(response.headers['set-cookie']).toBeUndefined();
}

/** A logout with a fresh token of these claims. */
const logOut = async (claims: Record<string, unknown>, where: Rig = rig): Promise<void> =>
  expectDone(await logoutToken(where.provider, claims), where);

const statusOf = async (browser: Browser): Promise<unknown> => (await browser.session()).status;

describe('what a logout token ends', () => {
  test('a sid ends that session of CIS2’s and no other, of the same person or of others [L-08, L-11, CIS2-BCL]', async () => {
    const [user, other, sid] = [newUser(), newUser(), newSid()];
    const named = await signedIn(user, sid);
    const elsewhere = await signedIn(user, newSid());
    const somebody = await signedIn(other, newSid());
    await logOut({ sub: user, sid });
    expect(await named.session()).toEqual(loggedOut);
    expect(await statusOf(elsewhere)).toBe('active');
    expect(await statusOf(somebody)).toBe('active');
    const extended = await named.api('/auth/session/extend', { method: 'POST' });
    expect([extended.status, await extended.json()]).toEqual([
      401,
      expect.objectContaining({ code: 'session_ended', reason: 'provider_logout' }),
    ]);
  });

  test('a sid ends every session that began in that session of CIS2’s', async () => {
    const [user, sid] = [newUser(), newSid()];
    const browsers = [await signedIn(user, sid), await signedIn(user, sid), await signedIn(user, sid)];
    await logOut({ sub: undefined, sid });
    for (const browser of browsers) expect(await browser.session()).toEqual(loggedOut);
  });

  test('a sub alone ends all of the user’s sessions and nobody else’s [L-08, ASVS-7.4.2]', async () => {
    const [user, other] = [newUser(), newUser()];
    const browsers = [
      await signedIn(user, newSid()),
      await signedIn(user, newSid()),
      await signedIn(user, undefined),
    ];
    const somebody = await signedIn(other, newSid());
    await logOut({ sub: user });
    for (const browser of browsers) expect(await browser.session()).toEqual(loggedOut);
    expect(await statusOf(somebody)).toBe('active');
  });

  test('a sid with a sub ends also those of the user’s sessions for which CIS2 gave no sid [L-08]', async () => {
    const [user, other, sid] = [newUser(), newUser(), newSid()];
    const named = await signedIn(user, sid);
    const without = await signedIn(user, undefined);
    const elsewhere = await signedIn(user, newSid());
    const somebody = await signedIn(other, undefined);
    await logOut({ sub: user, sid });
    expect(await named.session()).toEqual(loggedOut);
    expect(await without.session()).toEqual(loggedOut);
    expect(await statusOf(elsewhere)).toBe('active');
    expect(await statusOf(somebody)).toBe('active');
  });

  test('a sid alone leaves a session for which CIS2 gave no sid', async () => {
    const [user, sid] = [newUser(), newSid()];
    const without = await signedIn(user, undefined);
    const named = await signedIn(user, sid);
    await logOut({ sub: undefined, sid });
    expect(await named.session()).toEqual(loggedOut);
    expect(await statusOf(without)).toBe('active');
  });

  test.each<[string, Record<string, unknown>]>([
    ['an empty sid beside a sub', { sid: '' }],
    ['an empty sub beside a sid', { sub: '' }],
  ])('%s counts as none', async (_, empty) => {
    const [user, sid] = [newUser(), newSid()];
    const browser = await signedIn(user, sid);
    await logOut({ sub: user, sid, ...empty });
    expect(await browser.session()).toEqual(loggedOut);
  });

  test('what no session belongs to is 200 all the same [L-07, L-09]', async () => {
    const user = newUser();
    const browser = await signedIn(user, newSid());
    await logOut({ sub: newUser(), sid: newSid() });
    await logOut({ sub: newUser() });
    await logOut({ sub: undefined, sid: newSid() });
    await logOut({ sub: undefined, sid: 'constructor' });
    expect(await statusOf(browser)).toBe('active');
  });

  test('a session that its user has ended keeps its own reason [L-09]', async () => {
    const [user, sid] = [newUser(), newSid()];
    const browser = await signedIn(user, sid);
    const cookie = browser.cookies.get(sessionCookie) ?? '';
    await browser.api('/auth/logout', { method: 'POST' });
    await logOut({ sub: user, sid });
    await logOut({ sub: user });
    browser.cookies.set(sessionCookie, cookie);
    expect(await browser.session()).toEqual({ status: 'ended', reason: 'signed_out' });
  });

  test('a session of CIS2’s that has ended is over for good: a sign-in that still names it fails', async () => {
    const [user, sid] = [newUser(), newSid()];
    await logOut({ sub: undefined, sid });
    signsIn(rig.provider, user, sid);
    const browser = rig.browser();
    await expectFailure(rig, await browser.signIn(rig.provider), 'provider_logout');
    expect(await browser.session()).toEqual({ status: 'anonymous' });
  });

  test('a sign-in begun before a logout of its user, and finished after it, fails; the next one works at once', async () => {
    const user = newUser();
    const browser = rig.browser();
    const { location } = await browser.login();
    await logOut({ sub: user });
    signsIn(rig.provider, user, newSid());
    await expectFailure(rig, await browser.callback(rig.provider.authorise(location)), 'provider_logout');
    expect(await browser.session()).toEqual({ status: 'anonymous' });
    await signedIn(user, newSid());
  });

  test.each(['sub', 'sid and sub'])(
    'the same token again is 200 and does not end a session begun since (by %s) [L-06]',
    async (by) => {
      const [user, sid] = [newUser(), by === 'sub' ? undefined : newSid()];
      const before = await signedIn(user, undefined);
      const token = await logoutToken(rig.provider, { sub: user, sid });
      await expectDone(token);
      expect(await before.session()).toEqual(loggedOut);
      const since = await signedIn(user, undefined);
      await expectDone(token);
      await expectDone(token);
      expect(await statusOf(since)).toBe('active');
      // Another token does.
      await logOut({ sub: user, sid });
      expect(await since.session()).toEqual(loggedOut);
    },
  );

  test('another person’s logout under the same jti is no repetition', async () => {
    const [user, jti] = [newUser(), randomUUID()];
    await logOut({ sub: newUser(), jti });
    const browser = await signedIn(user, newSid());
    await logOut({ sub: user, jti });
    expect(await browser.session()).toEqual(loggedOut);
  });

  test('the same token twice at once ends the session, and both are 200', async () => {
    const [user, sid] = [newUser(), newSid()];
    const browser = await signedIn(user, sid);
    const token = await logoutToken(rig.provider, { sub: user, sid });
    await Promise.all([expectDone(token), expectDone(token), expectDone(token)]);
    expect(await browser.session()).toEqual(loggedOut);
  });

  test('a session ended so is listed nowhere, and its cookie does nothing [ASVS-7.4.1]', async () => {
    const [user, sid] = [newUser(), newSid()];
    const ended = await signedIn(user, sid);
    const other = await signedIn(user, newSid());
    await logOut({ sub: user, sid });
    const { sessions } = (await (await other.api('/auth/sessions')).json()) as { sessions: unknown[] };
    expect(sessions).toHaveLength(1);
    for (const [method, path, body] of [
      ['POST', '/auth/session/extend', undefined],
      ['PUT', '/auth/session/role', '{"roleId":"900000000701"}'],
      ['GET', '/auth/sessions', undefined],
    ] as const) {
      const response = await ended.api(path, {
        method,
        ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
      });
      expect([path, response.status, response.headers.getSetCookie()]).toEqual([path, 401, []]);
    }
    expect(await ended.session()).toEqual(loggedOut);
  });
});

describe('which tokens are believed', () => {
  let browser: Browser;
  const [user, sid] = [newUser(), newSid()];
  const otherKeys = {} as Record<'RS512' | 'PS256' | 'ES256', ProviderKey>;
  let stranger: ProviderKey;
  beforeAll(async () => {
    for (const name of ['RS512', 'PS256', 'ES256'] as const) otherKeys[name] = await providerKey(name);
    stranger = await providerKey();
    // Published, so that nothing but their algorithm speaks against them.
    rig.provider.published = [
      rig.provider.signing.publicJwk,
      ...Object.values(otherKeys).map(({ publicJwk }) => publicJwk),
    ];
    browser = await signedIn(user, sid);
  });

  const good = (changes: Record<string, unknown> = {}): Record<string, unknown> =>
    logoutClaims(rig.provider, { sub: user, sid, ...changes });

  async function expectRefused(token: string): Promise<void> {
    expectProblem(await postLogout(rig.bff.baseUrl, token), 400, 'invalid_request');
    expect(await statusOf(browser)).toBe('active');
  }

  test.each<[string, Record<string, unknown>]>([
    ['without iss', { iss: undefined }],
    ['with another iss', { iss: 'https://other.example/' }],
    ['with an empty iss', { iss: '' }],
    ['with a list for iss', { iss: ['https://other.example/'] }],
    ['without aud', { aud: undefined }],
    ['for another client', { aud: 'another-client' }],
    ['for our name in another case', { aud: clientId.toUpperCase() }],
    ['for nobody', { aud: [] }],
    ['for another client in a list', { aud: ['another-client'] }],
    ['for us and a stranger', { aud: [clientId, 'another-client'] }],
    ['for an empty name', { aud: '' }],
    ['without iat', { iat: undefined }],
    ['with an iat that is a text', { iat: () => String(now()) }],
    ['with an iat that is null', { iat: null }],
    ['of an hour ago', { iat: () => now() - 3_600 }],
    ['of longer ago than 300 s and the skew', { iat: () => now() - 375 }],
    ['of the time to come', { iat: () => now() + 120 }],
    ['in milliseconds', { iat: Date.now() }],
    ['that has expired', { exp: () => now() - 90 }],
    ['with an exp that is a text', { exp: () => String(now() + 90) }],
    ['that is not valid yet', { nbf: () => now() + 120 }],
  ])('a token %s is refused [L-02]', async (_, changes) => {
    await expectRefused(await signLogout(good(atOnce(changes)), rig.provider.signing));
  });

  test('an issuer that a URL parser takes for ours is refused [L-02]', async () => {
    const { issuer, origin } = rig.provider;
    for (const iss of [
      `${issuer}/`,
      issuer.replace('http:', 'HTTP:'),
      issuer.replace(origin, `${origin}/x/..`),
      `${issuer} `,
      issuer.toUpperCase(),
    ]) {
      await expectRefused(await signLogout(good({ iss }), rig.provider.signing));
    }
  });

  test.each<[string, Record<string, unknown>]>([
    ['neither sub nor sid', { sub: undefined, sid: undefined }],
    ['sub and sid empty', { sub: '', sid: '' }],
    ['sub null and no sid', { sub: null, sid: undefined }],
    ['a number for sub', { sub: Number(user) }],
    ['a number for sid', { sid: 7 }],
    ['a list for sid', { sid: [sid] }],
    ['an object for sub', { sub: { user } }],
  ])('a token with %s is refused [L-03]', async (_, changes) => {
    await expectRefused(await signLogout(good(changes), rig.provider.signing));
  });

  test.each<[string, unknown]>([
    ['not there', undefined],
    ['null', null],
    ['a text', logoutEvent],
    ['a list', [logoutEvent]],
    ['empty', {}],
    ['another event', { 'http://schemas.openid.net/event/other': {} }],
    ['the event in another case', { [logoutEvent.toUpperCase()]: {} }],
    ['the event as a text', { [logoutEvent]: 'x' }],
    ['the event as null', { [logoutEvent]: null }],
    ['the event as a list', { [logoutEvent]: [] }],
    ['the event as true', { [logoutEvent]: true }],
  ])('a token whose events is %s is refused [L-04]', async (_, events) => {
    await expectRefused(await signLogout(good({ events }), rig.provider.signing));
  });

  test.each<[string, unknown]>([
    ['a text', 'n-0S6'],
    ['an empty text', ''],
    ['false', false],
  ])('a token with a nonce is refused, be it %s [L-05]', async (_, nonce) => {
    await expectRefused(await signLogout(good({ nonce }), rig.provider.signing));
  });

  test('an ID token in its place is refused [L-05]', async () => {
    let idToken = '';
    signsIn(rig.provider, user, sid);
    rig.provider.idToken = async (claims, key) => (idToken = await signLogout(claims, key));
    const other = rig.browser();
    await expectSignedIn(other, await other.signIn(rig.provider));
    expect(idToken.split('.')).toHaveLength(3);
    await expectRefused(idToken);
  });

  test.each<[string, unknown]>([
    ['missing', undefined],
    ['empty', ''],
    ['null', null],
    ['a number', 7],
    ['a list', ['x']],
  ])('a token whose jti is %s is refused [L-06]', async (_, jti) => {
    await expectRefused(await signLogout(good({ jti }), rig.provider.signing));
  });

  test.each<[string, () => Promise<string> | string]>([
    ['without an algorithm', () => unsigned(good())],
    ['without an algorithm, oddly written', () => unsigned(good(), 'nOnE')],
    [
      'with HS256 and the public key for a secret',
      () => signedWithPublicKey(good(), rig.provider.signing, 'pem'),
    ],
    [
      'with HS256 and the modulus for a secret',
      () => signedWithPublicKey(good(), rig.provider.signing, 'modulus'),
    ],
    ['with RS512', () => signLogout(good(), otherKeys.RS512, {}, 'RS512')],
    ['with PS256', () => signLogout(good(), otherKeys.PS256, {}, 'PS256')],
    ['with ES256', () => signLogout(good(), otherKeys.ES256, {}, 'ES256')],
    [
      'by a stranger under a name of CIS2’s',
      () => signLogout(good(), { ...stranger, kid: rig.provider.signing.kid }),
    ],
    ['with a critical extension', () => signedWithCritical(good(), rig.provider.signing)],
  ])('a token signed %s is refused [L-01]', async (_, make) => {
    await expectRefused(await make());
  });

  test('a token by a key that CIS2 does not publish is refused, and in the minute after it undecided [L-01]', async () => {
    await expectRefused(await signLogout(good(), stranger));
    for (const header of [{}, { kid: undefined }, { jwk: stranger.publicJwk }]) {
      const token = await signLogout(good(), stranger, header);
      expectProblem(await postLogout(rig.bff.baseUrl, token), 503, 'provider_unavailable');
      expect(await statusOf(browser)).toBe('active');
    }
  });

  test('a token with a signature of other claims is refused [L-01]', async () => {
    const [header = '', , signature = ''] = (
      await signLogout(good({ sid: newSid() }), rig.provider.signing)
    ).split('.');
    const payload = Buffer.from(JSON.stringify(good())).toString('base64url');
    await expectRefused(`${header}.${payload}.${signature}`);
    await expectRefused(`${header}.${payload}.`);
  });

  test.each(['at+jwt', 'id_token+jwt', 'secevent+jwt', 'logout', ''])(
    'a token of type %j is refused [L-01, ASVS-10.5.5]',
    async (typ) => {
      await expectRefused(await signLogout(good(), rig.provider.signing, { typ }));
    },
  );

  test.each(['', ' ', 'x', 'a.b', 'a.b.c', 'a.b.c.d.e', '..', '{"payload":"x"}', 'null', '\u0000', 'é.é.é'])(
    'what is no token is refused: %j [L-01]',
    async (text) => {
      await expectRefused(text);
    },
  );

  test('a token whose payload is no object is refused', async () => {
    const part = (text: string): string => Buffer.from(text).toString('base64url');
    for (const payload of ['[]', '"x"', 'null', '7', '{', '']) {
      await expectRefused(`${part('{"alg":"RS256","typ":"JWT"}')}.${part(payload)}.${part('x')}`);
    }
  });

  test('a refusal tells nothing of the token, and finds the log entry by its reference', async () => {
    const token = await signLogout(good({ aud: 'another-client' }), rig.provider.signing);
    const { body } = await postLogout(rig.bff.baseUrl, token);
    for (const secret of [user, sid, 'another-client', token]) expect(body).not.toContain(secret);
    const { reference } = JSON.parse(body) as { reference: string };
    const entries = await rig.bff.entriesFor(reference);
    expect(entries).toContainEqual(expect.objectContaining({ event: 'logout_token_refused' }));
    for (const secret of [user, sid, 'another-client', token]) {
      expect(JSON.stringify(entries)).not.toContain(secret);
    }
  });

  test('after all that the session is alive, and a good token ends it', async () => {
    expect(await statusOf(browser)).toBe('active');
    await expectDone(await signLogout(good(), rig.provider.signing));
    expect(await browser.session()).toEqual(loggedOut);
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['without exp', { exp: undefined }, {}],
    ['with an exp to come', { exp: () => now() + 600 }, {}],
    ['with an exp passed by less than the skew', { exp: () => now() - 30 }, {}],
    ['of nearly 300 s ago', { iat: () => now() - 290 }, {}],
    ['of 300 s and less than the skew ago', { iat: () => now() - 330 }, {}],
    ['of a clock that is a little fast', { iat: () => now() + 30 }, {}],
    ['for us alone in a list', { aud: [clientId] }, {}],
    ['with a claim that nobody knows', { 'urn:example:claim': { a: 1 } }, {}],
    ['with a second event', { events: { [logoutEvent]: {}, 'urn:example:event': {} } }, {}],
    ['with something in the event', { events: { [logoutEvent]: { reason: 'card' } } }, {}],
    ['of no type', {}, { typ: undefined }],
    ['of type logout+jwt', {}, { typ: 'logout+jwt' }],
    ['of type jwt in small letters', {}, { typ: 'jwt' }],
    ['without a key’s name, of a key of CIS2’s', {}, { kid: undefined }],
  ])('a token %s is believed', async (_, claims, header) => {
    const [person, session] = [newUser(), newSid()];
    const named = await signedIn(person, session);
    await expectDone(
      await logoutToken(rig.provider, { sub: person, sid: session, ...atOnce(claims) }, header),
    );
    expect(await named.session()).toEqual(loggedOut);
  });
});

/** A token that asks for an extension nobody knows. `jose` would not sign it without being told the name. */
const signedWithCritical = (claims: Record<string, unknown>, key: ProviderKey): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: key.kid, crit: ['urn:example:ext'], 'urn:example:ext': 1 })
    .sign(key.privateKey, { crit: { 'urn:example:ext': true } });

describe('the request', () => {
  const [user, sid] = [newUser(), newSid()];
  const token = (): Promise<string> => logoutToken(rig.provider, { sub: user, sid });
  const form = async (): Promise<string> => new URLSearchParams({ logout_token: await token() }).toString();

  test.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])(
    '%s is 405 and ends nothing [L-07]',
    async (method) => {
      const browser = await signedIn(user, newSid());
      const response = await rawRequest(rig.bff.baseUrl, `${logoutPath}?${await form()}`, { method });
      expect([response.status, response.headers.allow]).toEqual([405, 'POST']);
      expectOwnHeaders(response.headers);
      expect(await statusOf(browser)).toBe('active');
    },
  );

  test.each([
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/jwt',
    'application/logout+jwt',
    undefined,
  ])('a body of type %s is 415 and ends nothing [L-07]', async (type) => {
    const session = newSid();
    const browser = await signedIn(user, session);
    const text = await logoutToken(rig.provider, { sub: user, sid: session });
    const body =
      type === 'application/json' ? JSON.stringify({ logout_token: text }) : `logout_token=${text}`;
    const response = await postForm(
      rig.bff.baseUrl,
      body,
      type === undefined ? [] : [['Content-Type', type]],
    );
    expectProblem(response, 415, 'unsupported_media_type');
    expect(await statusOf(browser)).toBe('active');
  });

  test.each([`${formType}; charset=utf-8`, `${formType};charset=UTF-8`, 'Application/X-WWW-Form-Urlencoded'])(
    'a body of type %s is served [L-07]',
    async (type) => {
      const response = await postForm(rig.bff.baseUrl, await form(), [['Content-Type', type]]);
      expect([response.status, response.body]).toEqual([200, '']);
    },
  );

  test('a token in the query alone is 400 and ends nothing', async () => {
    const session = newSid();
    const browser = await signedIn(user, session);
    const query = `logout_token=${await logoutToken(rig.provider, { sub: user, sid: session })}`;
    for (const body of ['', 'x=1']) {
      const response = await postForm(
        rig.bff.baseUrl,
        body,
        [['Content-Type', formType]],
        `${logoutPath}?${query}`,
      );
      expectProblem(response, 400, 'invalid_request');
    }
    expect(await statusOf(browser)).toBe('active');
  });

  test('a token that comes twice is 400 and ends nothing, be it the same or another', async () => {
    const session = newSid();
    const browser = await signedIn(user, session);
    const one = await logoutToken(rig.provider, { sub: user, sid: session });
    for (const two of [one, await token(), 'x', '']) {
      const response = await postForm(rig.bff.baseUrl, `logout_token=${one}&logout_token=${two}`);
      expectProblem(response, 400, 'invalid_request');
    }
    expect(await statusOf(browser)).toBe('active');
  });

  test.each(['', 'x=1', 'logout_token', 'logout_token=', 'Logout_Token=x', '&&=&'])(
    'a form without a token is 400: %j',
    async (body) => {
      expectProblem(await postForm(rig.bff.baseUrl, body), 400, 'invalid_request');
    },
  );

  test('other fields are ignored [L-11]', async () => {
    const session = newSid();
    const browser = await signedIn(user, session);
    const text = await logoutToken(rig.provider, { sub: user, sid: session });
    const response = await postForm(rig.bff.baseUrl, `a=1&a=2&logout_token=${text}&__proto__=x&sid=other`);
    expect(response.status).toBe(200);
    expect(await browser.session()).toEqual(loggedOut);
  });

  test('more than 16 KiB is 413 and ends nothing; just under it is read [L-11]', async () => {
    const session = newSid();
    const browser = await signedIn(user, session);
    const body = `logout_token=${await logoutToken(rig.provider, { sub: user, sid: session })}&x=`;
    const padded = (size: number): string => body + 'x'.repeat(size - body.length);
    expectProblem(await postForm(rig.bff.baseUrl, padded(16_385)), 413, 'payload_too_large');
    expectProblem(await postForm(rig.bff.baseUrl, padded(200_000)), 413, 'payload_too_large');
    expect(await statusOf(browser)).toBe('active');
    expect((await postForm(rig.bff.baseUrl, padded(16_384))).status).toBe(200);
    expect(await browser.session()).toEqual(loggedOut);
  });

  test('no cookie, no header and no origin matters: the token alone does [L-11]', async () => {
    const session = newSid();
    const browser = await signedIn(user, session);
    const bystander = await signedIn(newUser(), newSid());
    const cookie = bystander.cookies.get(sessionCookie) ?? '';
    const response = await postForm(
      rig.bff.baseUrl,
      `logout_token=${await logoutToken(rig.provider, { sub: user, sid: session })}`,
      [
        ['Content-Type', formType],
        ['Cookie', `${sessionCookie}=${cookie}; ${sessionCookie}=nonsense`],
        ['Origin', 'https://evil.example'],
        ['Sec-Fetch-Site', 'cross-site'],
        ['X-CSRF', '0'],
        ['X-Session', 'nobody'],
      ],
    );
    expect([response.status, response.headers['set-cookie']]).toEqual([200, undefined]);
    expect(await browser.session()).toEqual(loggedOut);
    expect(await statusOf(bystander)).toBe('active');
  });

  test('the right cookie and header without a token end nothing', async () => {
    const browser = await signedIn(user, newSid());
    const response = await browser.api(logoutPath, {
      method: 'POST',
      body: 'x=1',
      headers: { 'content-type': formType },
    });
    expect(response.status).toBe(400);
    expectOwnHeaders(headersOf(response.headers));
    expect(await statusOf(browser)).toBe('active');
  });
});

describe('CIS2’s keys', () => {
  // More sessions than one read or one write of the store takes at once.
  const sessions = 105;
  let away = true;
  const own = useRig(
    {},
    (provider) => {
      if (away) provider.faults.set('jwks', { kind: 'status', status: 500 });
    },
    { SESSIONS_PER_USER: String(sessions) },
  );

  test('that cannot be had make it 503, with a time to try again; and the same token works when they are back', async () => {
    const token = await logoutToken(own.provider, { sid: newSid() });
    const response = await postLogout(own.bff.baseUrl, token);
    expectProblem(response, 503, 'provider_unavailable');
    expect(response.headers['retry-after']).toMatch(/^[1-9]\d*$/);
    away = false;
    own.provider.faults.clear();
    await expectDone(token, own);
  });

  test('that change are asked for once more, and only once', async () => {
    const { provider } = own;
    const asked = (): number => provider.asked('jwks').length;
    const [first, second] = [newSid(), newSid()];
    const browser = await signedIn(newUser(), first, own);
    await logOut({ sub: undefined, sid: newSid() }, own);
    const before = asked();

    const fresh = await providerKey();
    const old = provider.signing;
    provider.published = [old.publicJwk, fresh.publicJwk];
    provider.signing = fresh;
    await logOut({ sub: undefined, sid: first }, own);
    expect(await browser.session()).toEqual(loggedOut);
    expect(asked()).toBe(before + 1);

    await logOut({ sub: undefined, sid: second }, own);
    const byOld = await signLogout(logoutClaims(provider, { sid: second }), old);
    await expectDone(byOld, own);
    expect(asked()).toBe(before + 1);
  });

  test('a thousand bad tokens cost one call at the most, none is believed, and a good token still works [L-12, O-13, ASVS-10.5.5]', async () => {
    const { provider, bff } = own;
    const [user, sid] = [newUser(), newSid()];
    const browser = await signedIn(user, sid, own);
    await logOut({ sub: undefined, sid: newSid() }, own);
    const before = provider.asked('jwks').length;

    const stranger = await providerKey();
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const good = logoutClaims(provider, { sub: user, sid });
    const signedByStranger = await signLogout(good, stranger);
    const makers: ((number: number) => string)[] = [
      (number) => createHmac('sha256', 'x').update(String(number)).digest('base64url'),
      (number) => `${part({ alg: 'RS256', kid: String(number) })}.${String(number)}.x`,
      (number) =>
        `${part({ alg: 'RS256', kid: `unknown-${String(number)}` })}.${part(good)}.${'A'.repeat(342)}`,
      (number) =>
        `${part({ alg: 'RS256', kid: provider.signing.kid })}.${part({ ...good, jti: String(number) })}.${'A'.repeat(342)}`,
      (number) => `${part({ alg: 'none', kid: String(number) })}.${part(good)}.`,
      () => signedByStranger,
    ];
    const statuses = new Map<number, number>();
    const startedAt = performance.now();
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let number = next++; number < 1_000; number = next++) {
        const made = makers[number % makers.length]?.(number) ?? '';
        const response = await fetch(`${bff.baseUrl}${logoutPath}`, {
          method: 'POST',
          headers: { 'content-type': formType },
          body: `logout_token=${made}`,
        });
        await response.arrayBuffer();
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    const seconds = (performance.now() - startedAt) / 1000;
    process.stdout.write(`1,000 bad logout tokens: ${seconds.toFixed(1)} s\n`);
    // Two makers in six name a key that nobody knows: whether it is new is asked once a minute.
    expect([...statuses.keys()].sort()).toEqual([400, 503]);
    expect(statuses.get(503)).toBeLessThanOrEqual(1_000 / 3 + 1);
    expect(provider.asked('jwks').length - before).toBeLessThanOrEqual(1 + Math.floor(seconds / 60));
    expect(await statusOf(browser)).toBe('active');

    await expectDone(await signLogout({ ...good, iat: now() }, provider.signing), own);
    expect(await browser.session()).toEqual(loggedOut);
  }, 180_000);

  test('a user with more than a hundred sessions has none when the response is there [L-08]', async () => {
    const user = newUser();
    signsIn(own.provider, user, undefined);
    const browsers = Array.from({ length: sessions }, () => own.browser());
    for (let start = 0; start < browsers.length; start += 10) {
      const landed = await Promise.all(
        browsers.slice(start, start + 10).map((browser) => browser.signIn(own.provider)),
      );
      expect(
        new Set(landed.map(({ status, headers }) => `${String(status)} ${headers.get('location') ?? ''}`)),
      ).toEqual(new Set([`303 ${own.bff.baseUrl}/`]));
    }
    const startedAt = performance.now();
    await logOut({ sub: user }, own);
    process.stdout.write(
      `${String(sessions)} sessions ended in ${String(Math.round(performance.now() - startedAt))} ms\n`,
    );
    const states = await Promise.all(browsers.map((browser) => browser.session()));
    expect(new Set(states.map((state) => JSON.stringify(state)))).toEqual(
      new Set([JSON.stringify(loggedOut)]),
    );
  }, 180_000);
});
