/** What providers may rightly respond with, and what they must not, each through a whole sign-in or logout. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { CompactEncrypt, type JWK, type JWTPayload } from 'jose';
import { expectProblem, expectRefused, expectSignedIn } from '../contract/expectations.ts';
import { logoutClaims, logoutToken, postLogout, signLogout, signsIn } from '../contract/logout-tokens.ts';
import { Browser } from '../support/browser.ts';
import { oneRole, providerKey, subject, type ProviderKey } from '../support/provider.ts';
import { clientId, useRig } from '../support/rig.ts';
import { signed, signedWithPublicKey, unsigned, withBrokenSignature } from './tokens.ts';

const rig = useRig({}, (provider) => {
  provider.published = [provider.signing.publicJwk];
});
const stranger = await providerKey();
const seconds = (): number => Math.floor(Date.now() / 1000);

/** Signs in, and gives the session. */
async function signIn(query = '') {
  const browser = rig.browser();
  const response = await browser.callback(rig.provider.authorise((await browser.login(query)).location));
  return expectSignedIn(browser, response);
}

/** Refused; gives the check that the log names. */
async function refusedBy(prepare: () => void | Promise<void>, query = ''): Promise<unknown> {
  const reference = await expectRefused(rig, 'response_invalid', async (browser) => {
    await prepare();
    return browser.callback(rig.provider.authorise((await browser.login(query)).location));
  });
  const entries = await rig.bff.entriesFor(reference);
  return entries.find(({ event }) => event === 'sign_in_failed')?.['check'];
}

const userInfoClaims = (changes: Record<string, unknown> = {}): JWTPayload => ({
  iss: rig.provider.issuer,
  aud: clientId,
  sub: subject,
  display_name: 'Signed Person',
  idassurancelevel: '3',
  nhsid_nrbac_roles: [oneRole],
  ...changes,
});
const setUserInfoBody = (body: string, contentType = 'application/jwt'): void => {
  rig.provider.metadata = { userinfo_signing_alg_values_supported: ['RS256', 'HS256', 'none', 'ES256'] };
  rig.provider.faults.set('userinfo', { kind: 'body', contentType, body });
};

describe('UserInfo as a JWT', () => {
  const [claims, setBody] = [userInfoClaims, setUserInfoBody];
  const jwt = 'application/jwt';
  test.each<[string, string, () => Promise<string>]>([
    ['signed by CIS2', jwt, () => signed(claims(), rig.provider.signing)],
    ['of no type', jwt, () => signed(claims(), rig.provider.signing, { typ: undefined })],
    ['for us among others', jwt, () => signed(claims({ aud: ['other', clientId] }), rig.provider.signing)],
    [
      'with times that have fractions',
      jwt,
      () => signed(claims({ iat: seconds() - 0.5, exp: seconds() + 60.5 }), rig.provider.signing),
    ],
    [
      'with members that are null',
      jwt,
      () => signed(claims({ exp: null, nbf: null, iat: null, title: null }), rig.provider.signing),
    ],
    [
      'with a parameter behind its content type',
      'Application/JWT; charset=utf-8',
      () => signed(claims(), rig.provider.signing),
    ],
  ])('%s is believed', async (_, contentType, make) => {
    setBody(await make(), contentType);
    expect(await signIn()).toMatchObject({
      user: { name: 'Signed Person' },
      role: { roleId: oneRole.person_roleid },
    });
  });

  test('signed by a key that is new is believed, once that has been asked for', async () => {
    const fresh = await providerKey();
    rig.provider.published = [rig.provider.signing.publicJwk, fresh.publicJwk];
    setBody(await signed(claims(), fresh));
    expect(await signIn()).toMatchObject({ user: { name: 'Signed Person' } });
  });

  const encrypted = async (inner: string, key: ProviderKey): Promise<string> =>
    new CompactEncrypt(Buffer.from(inner))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: key.kid, cty: 'JWT' })
      .encrypt({ ...key.publicJwk, alg: 'RSA-OAEP-256', use: 'enc' });

  test.each<[string, (key: ProviderKey) => Promise<string>, string]>([
    [
      'by a stranger under CIS2’s name',
      (key) => signed(claims(), { ...stranger, kid: key.kid }),
      'userinfo signature',
    ],
    ['with an altered signature', (key) => withBrokenSignature(claims(), key), 'userinfo signature'],
    [
      'with the signature of other claims',
      async (key) => {
        const [header = '', , signature = ''] = (await signed(claims(), key)).split('.');
        const [, forged = ''] = (await signed(claims({ nhsid_nrbac_roles: [] }), key)).split('.');
        return [header, forged, signature].join('.');
      },
      'userinfo signature',
    ],
    ['with HS256 and the public key', (key) => signedWithPublicKey(claims(), key, 'pem'), 'userinfo alg'],
    ['by nobody', () => Promise.resolve(unsigned(claims())), 'userinfo alg'],
    ['and encrypted', async (key) => encrypted(await signed(claims(), key), key), 'userinfo form'],
    ['without iss', (key) => signed(claims({ iss: undefined }), key), 'userinfo iss'],
    ['with iss null', (key) => signed(claims({ iss: null }), key), 'userinfo iss'],
    ['by another issuer', (key) => signed(claims({ iss: 'https://evil.example' }), key), 'userinfo iss'],
    ['without aud', (key) => signed(claims({ aud: undefined }), key), 'userinfo aud'],
    ['for others', (key) => signed(claims({ aud: ['other', 'another'] }), key), 'userinfo aud'],
    ['about somebody else', (key) => signed(claims({ sub: '900000000999' }), key), 'userinfo sub'],
    ['about nobody', (key) => signed(claims({ sub: undefined }), key), 'userinfo sub'],
    ['that has expired', (key) => signed(claims({ exp: seconds() - 600 }), key), 'userinfo exp'],
    ['as a logout token', (key) => signed(claims(), key, { typ: 'logout+jwt' }), 'userinfo typ'],
    ['as no JWT', () => Promise.resolve(JSON.stringify(claims())), 'userinfo form'],
    ['as nothing', () => Promise.resolve(''), 'userinfo form'],
  ])('signed %s is refused', async (_, make, check) => {
    const body = await make(rig.provider.signing);
    expect(await refusedBy(() => setBody(body))).toBe(check);
  });

  test.each(['application/json', 'application/jose', 'text/plain', 'application/jwt+json'])(
    'sent as %s is refused, whoever signed it',
    async (contentType) => {
      const body = await signed(claims(), rig.provider.signing);
      expect(await refusedBy(() => setBody(body, contentType))).toMatch(/^userinfo (?:content type|JSON)$/);
    },
  );

  test('is not what plain UserInfo has to be, whatever the metadata says', async () => {
    rig.provider.metadata = { userinfo_signing_alg_values_supported: ['RS256'] };
    expect(await signIn()).toMatchObject({ user: { name: 'Odalys Fernsby' } });
  });
});

describe('a sign-in that demands presence', () => {
  test.each(['?reauth=1', '?acr=AAL3_ANY', '?role=select', '?role=change'])(
    'by %s refuses who authenticated before it began',
    async (query) => {
      const authenticated = (ago: number) => {
        rig.provider.claims = ({ now }) => ({ auth_time: now - ago });
      };
      for (const ago of [305, 70]) {
        expect(await refusedBy(() => authenticated(ago), query)).toBe(
          'id_token auth_time before the attempt',
        );
      }
      authenticated(50);
      await signIn(query);
    },
  );

  test('is not every sign-in: single sign-on of the last five minutes will do elsewhere', async () => {
    rig.provider.claims = ({ now }) => ({ auth_time: now - 305 });
    await signIn();
  });
});

describe('connections that died while they were idle', () => {
  test('lose no sign-in and no logout, however many there are', async () => {
    rig.provider.connectionLife = 1;
    const sid = `sid-${randomUUID()}`;
    signsIn(rig.provider, subject, sid);
    const browsers: Browser[] = [];
    for (let count = 0; count < 10; count += 1) {
      const browser = rig.browser();
      await expectSignedIn(browser, await browser.signIn(rig.provider));
      browsers.push(browser);
    }
    // A key that the function for it has never seen, so that it has to ask.
    const fresh = await providerKey();
    rig.provider.published = [rig.provider.signing.publicJwk, fresh.publicJwk];
    const logout = await signLogout(logoutClaims(rig.provider, { sid }), fresh);
    expect((await postLogout(rig.bff.baseUrl, logout)).status).toBe(200);
    for (const browser of browsers) expect((await browser.session()).status).toBe('ended');
  });

  test('cost a code one more exchange, and where the first had been done, the sign-in as before', async () => {
    const before = rig.provider.asked('token').length;
    const browser = rig.browser();
    const parameters = rig.provider.authorise((await browser.login()).location);
    rig.provider.faults.set('token', { kind: 'lost' });
    expect(Browser.failure(await browser.callback(parameters))?.code).toBe('provider_unavailable');
    const asked = rig.provider.asked('token').slice(before);
    expect(asked.map(({ form }) => form['code'])).toEqual([parameters.code, parameters.code]);
  });

  test('cost UserInfo one more call', async () => {
    rig.provider.faults.set('userinfo', { kind: 'lost' });
    await signIn();
  });
});

describe('times with a fraction and members that are null', () => {
  test.each<[string, (at: number) => Record<string, unknown>]>([
    [
      'times with fractions',
      (at) => ({ iat: at - 0.5, exp: at + 600.17, auth_time: at - 1.25, nbf: at - 0.75 }),
    ],
    [
      'optional members that are null',
      () => ({ azp: null, at_hash: null, sid: null, amr: null, acr: null, nbf: null }),
    ],
    ['one of two identity levels null', () => ({ id_assurance_level: null })],
  ])('in an ID token: %s', async (_, make) => {
    rig.provider.claims = ({ now }) => make(now);
    await signIn();
  });

  test.each(['iss', 'sub', 'aud', 'exp', 'iat', 'auth_time', 'nonce'])(
    'what an ID token must have is required where it is null, and named: %s',
    async (claim) => {
      const check = await refusedBy(() => {
        rig.provider.claims = () => ({ [claim]: null });
      });
      expect(check).toBe(`id_token ${claim}`);
    },
  );

  test('in UserInfo: members that are null, in roles too', async () => {
    rig.provider.userInfo = {
      title: null,
      selected_roleid: null,
      idassurancelevel: null,
      nhsid_user_orgs: null,
      nhsid_nrbac_roles: [
        null,
        { ...oneRole, activity_codes: null, workgroups_codes: null, role_name: null },
      ],
    };
    expect(await signIn()).toMatchObject({ role: { roleId: oneRole.person_roleid, activityCodes: [] } });
  });

  test.each<[string, (at: number) => Record<string, unknown>]>([
    ['times with fractions', (at) => ({ iat: at + 0.17, exp: at + 120.5, nbf: at - 0.25 })],
    ['optional members that are null', () => ({ sub: null, exp: null, nbf: null, nonce: null })],
  ])('in a logout token: %s', async (_, make) => {
    const sid = `sid-${randomUUID()}`;
    signsIn(rig.provider, subject, sid);
    const browser = rig.browser();
    await expectSignedIn(browser, await browser.signIn(rig.provider));
    const token = await logoutToken(rig.provider, { sid, ...make(seconds()) });
    expect((await postLogout(rig.bff.baseUrl, token)).status).toBe(200);
    expect(await browser.session()).toEqual({ status: 'ended', reason: 'provider_logout' });
  });

  test.each(['iss', 'aud', 'iat', 'jti', 'events'])(
    'what a logout token must have is required where it is null: %s',
    async (claim) => {
      const token = await logoutToken(rig.provider, { [claim]: null });
      expectProblem(await postLogout(rig.bff.baseUrl, token), 400, 'invalid_request');
    },
  );
});

describe('a token response', () => {
  test.each<[Record<string, unknown>, string[]]>([
    [{ refresh_token: null, scope: null, refresh_token_expires_in: null, expires_in: null }, []],
    [{ refresh_token: 'a-refresh-token', refresh_token_expires_in: '43199' }, []],
    [{ refresh_token: 'a-refresh-token', refresh_token_expires_in: '0' }, ['refresh_token_expires_in']],
    [{ refresh_token: 'a-refresh-token', refresh_token_expires_in: '' }, ['refresh_token_expires_in']],
    [{ refresh_token: '', refresh_token_expires_in: 0 }, ['refresh_token', 'refresh_token_expires_in']],
    [{ refresh_token: ['x'], scope: ['openid'] }, ['refresh_token', 'scope']],
    [{ expires_in: 'long' }, ['expires_in']],
    [{ expires_in: '' }, ['expires_in']],
    [{ expires_in: -1 }, ['expires_in']],
    [{ expires_in: [] }, ['expires_in']],
    [{ expires_in: '599' }, []],
    [{ token_type: 'bEARER' }, []],
    [{ extra: { deep: null } }, []],
  ])('with %j signs in, and the log names what was odd', async (changes, members) => {
    const before = rig.bff.log.length;
    rig.provider.tokenResponse = changes;
    await signIn();
    const odd = rig.bff.log.slice(before).filter(({ event }) => event === 'token_response_ignored_members');
    expect(odd.map((entry) => entry['ignored'])).toEqual(members.length === 0 ? [] : [members]);
  });

  test('with an access token of 9 KB signs in, and the token reaches UserInfo', async () => {
    const access_token = 'a'.repeat(9 * 1024);
    rig.provider.tokenResponse = { access_token };
    rig.provider.claims = () => ({ at_hash: undefined });
    await signIn();
    expect(rig.provider.asked('userinfo').at(-1)?.headers.authorization).toBe(`Bearer ${access_token}`);
  });

  test.each<[string, () => void, string]>([
    [
      'no token type',
      () => (rig.provider.tokenResponse = { token_type: undefined }),
      'token response token_type',
    ],
    [
      'another token type',
      () => (rig.provider.tokenResponse = { token_type: 'mac' }),
      'token response token_type',
    ],
    [
      'the type DPoP',
      () => (rig.provider.tokenResponse = { token_type: 'DPoP' }),
      'token response token_type',
    ],
    ['no ID token', () => (rig.provider.tokenResponse = { id_token: undefined }), 'token response id_token'],
    [
      'no access token',
      () => (rig.provider.tokenResponse = { access_token: '' }),
      'token response access_token',
    ],
    ['an ID token of two parts', () => (rig.provider.tokenResponse = { id_token: 'a.b' }), 'id_token form'],
    [
      'an ID token of another algorithm',
      () => (rig.provider.idToken = (claims, key) => signedWithPublicKey(claims, key, 'pem')),
      'id_token alg',
    ],
    ['an ID token of another type', () => (rig.provider.header = { typ: 'at+jwt' }), 'id_token typ'],
    [
      'an ID token without auth_time',
      () => (rig.provider.claims = () => ({ auth_time: undefined })),
      'id_token auth_time',
    ],
    [
      'an ID token with another nonce',
      () => (rig.provider.claims = () => ({ nonce: 'VALUE-FROM-OUTSIDE' })),
      'id_token nonce',
    ],
    [
      'an ID token for another',
      () => (rig.provider.claims = () => ({ aud: 'VALUE-FROM-OUTSIDE' })),
      'id_token aud',
    ],
    [
      'an ID token by another',
      () => (rig.provider.claims = () => ({ iss: 'VALUE-FROM-OUTSIDE' })),
      'id_token iss',
    ],
    [
      'an ID token of another access token',
      () => (rig.provider.claims = () => ({ at_hash: 'x' })),
      'id_token at_hash',
    ],
    ['an ID token that has expired', () => (rig.provider.claims = () => ({ exp: 1 })), 'id_token exp'],
    [
      'an ID token that is not valid yet',
      () => (rig.provider.claims = ({ now }) => ({ nbf: now + 600 })),
      'id_token nbf',
    ],
    ['HTML', () => rig.provider.faults.set('token', { kind: 'html' }), 'token response content type'],
    [
      'no JSON',
      () => rig.provider.faults.set('token', { kind: 'body', body: '{VALUE-FROM-OUTSIDE' }),
      'token response JSON',
    ],
    [
      'status 404',
      () => rig.provider.faults.set('token', { kind: 'status', status: 404 }),
      'token response: error server_error',
    ],
    [
      'an error of its own',
      () =>
        rig.provider.faults.set('token', {
          kind: 'body',
          status: 400,
          body: '{"error":"VALUE-FROM-OUTSIDE"}',
        }),
      'token response: error of an unknown kind',
    ],
  ])('with %s is refused, and the log says which check failed', async (_, prepare, check) => {
    expect(await refusedBy(prepare)).toBe(check);
    expect(rig.bff.output).not.toContain('VALUE-FROM-OUTSIDE');
  });
});

describe('a key set', () => {
  test.each<[string, (jwk: JWK) => unknown[]]>([
    ['that lists its key twice', (jwk) => [jwk, jwk]],
    ['with null, a text and a number', (jwk) => [null, 'key', 7, jwk]],
    [
      'with keys that are none',
      (jwk) => [{}, { kty: 'RSA' }, { kty: 'RSA', kid: jwk.kid, n: 7, e: null }, jwk],
    ],
    ['with two keys under one name', (jwk) => [{ ...stranger.publicJwk, kid: jwk.kid }, jwk]],
    [
      'with two keys under one name and no algorithm',
      (jwk) => [
        { ...stranger.publicJwk, kid: jwk.kid, alg: undefined },
        { ...jwk, alg: undefined },
      ],
    ],
  ])('%s signs in and signs out', async (_, publish) => {
    // A new key, so that both functions ask for the set.
    const fresh = await providerKey();
    const former = rig.provider.signing;
    rig.provider.signing = fresh;
    rig.provider.published = publish(fresh.publicJwk) as JWK[];
    try {
      const sid = `sid-${randomUUID()}`;
      signsIn(rig.provider, subject, sid);
      const browser = rig.browser();
      await expectSignedIn(browser, await browser.signIn(rig.provider));
      expect((await postLogout(rig.bff.baseUrl, await logoutToken(rig.provider, { sid }))).status).toBe(200);
      expect((await browser.session()).status).toBe('ended');
    } finally {
      rig.provider.signing = former;
    }
  });
});

describe('roles', () => {
  test('stated twice in another order, and with ids that are numbers, are there', async () => {
    const { person_roleid, activity_codes } = oneRole;
    rig.provider.userInfo = {
      nhsid_nrbac_roles: [
        { ...oneRole, person_roleid: Number(person_roleid) },
        { ...oneRole, activity_codes: activity_codes.toReversed() },
      ],
    };
    const { roles, role } = await signIn();
    expect(roles).toHaveLength(1);
    expect(role).toMatchObject({ roleId: person_roleid });
  });
});

/** The last: for a minute after it these functions ask for no keys. */
describe('a key that CIS2 does not publish', () => {
  test('verifies no UserInfo', async () => {
    const body = await signed(userInfoClaims(), stranger);
    expect(await refusedBy(() => setUserInfoBody(body))).toBe('userinfo key');
    rig.provider.behave();
    expect(await refusedBy(() => setUserInfoBody(body))).toBe('userinfo rate limited');
  });

  test('is asked for once for a logout token; tokens that name it in the next minute may come again', async () => {
    const token = await signLogout(logoutClaims(rig.provider), stranger);
    const first = await postLogout(rig.bff.baseUrl, token);
    expectProblem(first, 400, 'invalid_request');
    const again = await postLogout(rig.bff.baseUrl, token);
    expectProblem(again, 503, 'provider_unavailable');
    expect(again.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  });
});
