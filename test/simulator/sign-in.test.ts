import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { personas, type Persona } from '../../local/cis2-simulator/personas.ts';
import {
  Browser,
  clientId,
  codeOf,
  everyScope,
  insecure,
  redirectUri,
  startBench,
  type Bench,
} from './client.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.close());

const halfHash = (value: string) =>
  createHash('sha256').update(value).digest().subarray(0, 16).toString('base64url');

/** A whole sign-in with a certified client library, which makes every check it knows. */
async function signInWithLibrary(uid: string, parameters: Record<string, string> = {}) {
  const { as } = bench;
  const client: oauth.Client = { client_id: clientId };
  const authentication = oauth.PrivateKeyJwt(
    { key: bench.privateKey, kid: bench.kid },
    {
      [oauth.modifyAssertion]: (_header, payload) => {
        payload.aud = as.token_endpoint ?? '';
      },
    },
  );
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const verifier = oauth.generateRandomCodeVerifier();
  const callback = await new Browser(bench).signIn(uid, {
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    acr_values: 'AAL3_ANY',
    prompt: 'login',
    ...parameters,
  });
  const checked = oauth.validateAuthResponse(as, client, callback, state);
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    authentication,
    checked,
    redirectUri,
    verifier,
    insecure,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  const info = await oauth.processUserInfoResponse(
    as,
    client,
    uid,
    await oauth.userInfoRequest(as, client, tokens.access_token, insecure),
  );
  const keys = createRemoteJWKSet(new URL(as.jwks_uri ?? ''));
  const { payload } = await jwtVerify(tokens.id_token ?? '', keys, { algorithms: ['RS256'] });
  return { tokens, info, claims: payload, code: checked.get('code') ?? '', state };
}

/** The persona's own claim, unless that is what it has wrong. */
const unlessWrong = (persona: Persona, name: string, usual: unknown): unknown => {
  const wrong = persona.wrong?.idToken ?? {};
  return Object.hasOwn(wrong, name) ? wrong[name] : usual;
};

describe('A sign-in from end to end', () => {
  test.each(personas.map((persona) => [persona.name, persona] as const))(
    'passes every check of a certified client for %s',
    async (_name, persona) => {
      const { claims, info } = await signInWithLibrary(persona.uid);
      const level = (value: number) => (persona.levelsAs === 'string' ? String(value) : value);
      expect(claims.sub).toBe(persona.uid);
      expect(info.sub).toBe(persona.uid);
      for (const [name, usual] of [
        ['authentication_assurance_level', level(persona.authenticator.level)],
        ['id_assurance_level', level(persona.identityAssuranceLevel)],
        ['amr', [persona.authenticator.amr]],
        ['selected_roleid', persona.roleInAgent ?? persona.roles[0]?.person_roleid ?? ''],
      ] as const) {
        expect([name, claims[name]]).toEqual([name, unlessWrong(persona, name, usual)]);
      }
    },
  );

  test('gives a token response in the shape of CIS2, without a refresh token', async () => {
    const callback = await new Browser(bench).signIn('900000000001');
    const response = await bench.tokenRequest({ code: codeOf(callback) });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({
      access_token: expect.stringMatching(/^eyJ/),
      scope: everyScope,
      id_token: expect.stringMatching(/^eyJ/),
      token_type: 'Bearer',
      expires_in: 3599,
    });
  });

  test('gives the ID token exactly the claims that CIS2 sends', async () => {
    const { tokens, claims, code, state } = await signInWithLibrary('900000000001');
    const iat = claims.iat ?? 0;
    expect(claims).toEqual({
      iss: bench.simulator.issuer,
      sub: '900000000001',
      subname: '900000000001',
      aud: clientId,
      azp: clientId,
      iat: expect.any(Number),
      exp: iat + 3600,
      auth_time: expect.any(Number),
      nonce: expect.any(String),
      at_hash: halfHash(tokens.access_token),
      c_hash: halfHash(code),
      s_hash: halfHash(state),
      acr: 'AAL3_ANY',
      amr: ['N3_SMARTCARD'],
      authentication_assurance_level: '3',
      id_assurance_level: '3',
      selected_roleid: '900000000777',
      sid: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      jti: expect.any(String),
      auditTrackingId: expect.any(String),
      tokenName: 'id_token',
      tokenType: 'JWTToken',
      realm: '/NHSIdentity/Healthcare',
      'org.forgerock.openidconnect.ops': expect.any(String),
    });
    expect(iat - Number(claims['auth_time'])).toBeLessThan(10);
  });

  test('signs with a key whose name has to be escaped in a URL', async () => {
    const { tokens } = await signInWithLibrary('900000000001');
    const header = decodeProtectedHeader(tokens.id_token ?? '');
    expect(header).toEqual({ typ: 'JWT', alg: 'RS256', kid: expect.any(String) });
    for (const character of '/+=') expect(header.kid).toContain(character);
  });

  test('leaves out nonce and s_hash when the request had neither nonce nor state', async () => {
    const callback = await new Browser(bench).signIn('900000000001');
    expect(callback.has('state')).toBe(false);
    const response = await bench.tokenRequest({ code: codeOf(callback) });
    const { id_token: idToken } = (await response.json()) as { id_token: string };
    const { payload } = await jwtVerify(idToken, createRemoteJWKSet(new URL(bench.as.jwks_uri ?? '')));
    expect(payload).not.toHaveProperty('nonce');
    expect(payload).not.toHaveProperty('s_hash');
  });

  test('never raises the level of a weaker sign-in to what was asked', async () => {
    const { claims } = await signInWithLibrary('900000000006', { acr_values: 'AAL3_ANY' });
    expect(claims).toMatchObject({ authentication_assurance_level: '2', amr: ['TOTP'], acr: 'AAL2_ANY' });
  });

  test('returns the acr value that was asked for when the person satisfies it', async () => {
    const { claims } = await signInWithLibrary('900000000006', { acr_values: 'AAL2_OR_AAL3_ANY' });
    expect(claims['acr']).toBe('AAL2_OR_AAL3_ANY');
  });

  test('names a selected role only when role selection was asked for', async () => {
    const without = await signInWithLibrary('900000000001', { scope: 'openid nationalrbacaccess' });
    expect(without.claims).not.toHaveProperty('selected_roleid');
    const nurse = await signInWithLibrary('900000000002', { scope: 'openid selectedrole' });
    expect(nurse.claims['selected_roleid']).toBe('900000000702');
    const locum = await signInWithLibrary('900000000005', { scope: 'openid selectedrole' });
    expect(locum.claims['selected_roleid']).toBe('');
  });
});

describe('UserInfo', () => {
  const infoOf = async (uid: string, scope: string): Promise<Record<string, unknown>> =>
    (await signInWithLibrary(uid, { scope })).info;

  test.each([
    ['openid', ['sub']],
    ['openid profile', ['family_name', 'given_name', 'name', 'sub', 'uid']],
    ['openid email', ['email', 'sub']],
    ['openid nhsperson', ['display_name', 'idassurancelevel', 'initials', 'nhsid_useruid', 'sub', 'title']],
    ['openid nationalrbacaccess', ['nhsid_nrbac_roles', 'sub']],
    ['openid associatedorgs', ['nhsid_user_orgs', 'sub']],
    ['openid organisationalmemberships', ['nhsid_org_memberships', 'nhsid_org_roles', 'sub']],
    ['openid professionalmemberships', ['gdc_id', 'gmc_id', 'gmp_id', 'nmc_id', 'sub']],
    ['openid selectedrole', ['selected_roleid', 'sub']],
  ])('for "%s" holds %j and nothing else', async (scope, names) => {
    expect(Object.keys(await infoOf('900000000001', scope)).sort()).toEqual(names);
  });

  test('gives the roles as a list, in the claim names of CIS2', async () => {
    const info = await infoOf('900000000001', 'openid nationalrbacaccess associatedorgs');
    expect(info['nhsid_nrbac_roles']).toEqual([
      expect.objectContaining({
        person_roleid: '900000000777',
        org_code: 'A9A5A',
        role_code: 'S8000:G8000:R8000',
        role_name: '"Clinical":"Clinical Provision":"Clinical Practitioner Access Role"',
        activity_codes: ['B0420', 'B0428'],
      }),
    ]);
    expect(info['nhsid_user_orgs']).toEqual([{ org_name: 'EXAMPLE HEALTH CENTRE', org_code: 'A9A5A' }]);
  });

  test('gives one person’s only role as a bare object', async () => {
    const info = await infoOf('900000000009', 'openid nationalrbacaccess');
    expect(info['nhsid_nrbac_roles']).toMatchObject({ person_roleid: '900000000761' });
    expect(Array.isArray(info['nhsid_nrbac_roles'])).toBe(false);
  });

  test('gives a person without roles an empty list', async () => {
    expect(await infoOf('900000000005', 'openid nationalrbacaccess')).toMatchObject({
      nhsid_nrbac_roles: [],
    });
  });

  test('leaves out the names that CIS2 does not have', async () => {
    const scope = 'openid profile nhsperson email';
    expect(await infoOf('900000000008', scope)).toEqual({
      sub: '900000000008',
      uid: '900000000008',
      nhsid_useruid: '900000000008',
      idassurancelevel: '3',
      name: 'Thandar',
      given_name: '',
      family_name: 'Thandar',
    });
    expect(await infoOf('900000000010', scope)).toEqual({
      sub: '900000000010',
      uid: '900000000010',
      nhsid_useruid: '900000000010',
      idassurancelevel: '3',
    });
  });

  test.each([
    ['no token', {}],
    ['a token of nobody', { authorization: 'Bearer eyJhbGciOiJSUzI1NiJ9.e30.AAAA' }],
    ['another scheme', { authorization: 'Basic dXNlcjpwYXNz' }],
  ])('refuses %s', async (_what, headers) => {
    const response = await fetch(bench.as.userinfo_endpoint ?? '', { headers });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    expect(await response.json()).toMatchObject({ error: 'invalid_token' });
  });

  test('refuses an ID token and an access token older than an hour', async () => {
    const { tokens } = await signInWithLibrary('900000000001');
    const ask = (token: string) =>
      fetch(bench.as.userinfo_endpoint ?? '', { headers: { authorization: `Bearer ${token}` } });
    expect((await ask(tokens.id_token ?? '')).status).toBe(401);
    expect((await ask(tokens.access_token)).status).toBe(200);
    bench.clock.ahead = 3_601;
    try {
      expect((await ask(tokens.access_token)).status).toBe(401);
    } finally {
      bench.clock.ahead = 0;
    }
  });
});
