/** How we prove to CIS2 who we are, at a provider that writes its metadata in an unusual but lawful way. */
import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  jwtVerify,
  type JSONWebKeySet,
  type JWTPayload,
} from 'jose';
import { clientId, useRig } from '../support/rig.ts';
import { expectFailure, expectSignedIn } from './expectations.ts';

/** The same place for whoever parses it, other characters for whoever compares it. */
const oddSpelling = (origin: string, issuer: string): string =>
  issuer.replace(origin, `${origin}/x/..`) + '/./access_token';

const rig = useRig({}, (provider) => {
  provider.metadata = {
    token_endpoint: oddSpelling(provider.origin, provider.issuer),
    authorization_response_iss_parameter_supported: true,
  };
});

async function exchange(query = '') {
  const browser = rig.browser();
  const { location, request } = await browser.login(query);
  const returned = rig.provider.authorise(location);
  const landed = await browser.callback({ ...returned, iss: rig.provider.issuer });
  await expectSignedIn(browser, landed);
  const recorded = rig.provider.asked('token').filter(({ form }) => form['code'] === returned.code);
  expect(recorded).toHaveLength(1);
  const form = recorded[0]?.form ?? {};
  return { form, headers: recorded[0]?.headers ?? {}, method: recorded[0]?.method, request, ...returned };
}

const publishedKeys = async (): Promise<JSONWebKeySet> =>
  (await (await fetch(`${rig.bff.baseUrl}/auth/jwks.json`)).json()) as JSONWebKeySet;

describe('the client assertion', () => {
  test('is what CIS2 asks for, to the letter [B-01, B-25, S-06, CIS2-PKJ]', async () => {
    const before = Math.floor(Date.now() / 1000);
    const { form } = await exchange();
    const after = Math.ceil(Date.now() / 1000);
    expect(form['client_assertion_type']).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    const assertion = form['client_assertion'] ?? '';

    const keys = await publishedKeys();
    const { kid, ...header } = decodeProtectedHeader(assertion);
    expect(header).toEqual({ alg: 'RS512', typ: 'JWT' });
    expect(keys.keys.map((key) => key.kid)).toContain(kid);

    const { payload } = await jwtVerify(assertion, createLocalJWKSet(keys), { algorithms: ['RS512'] });
    const { iat = 0, exp = 0, nbf = iat, jti, ...claims } = payload;
    expect(claims).toEqual({
      iss: clientId,
      sub: clientId,
      // Byte for byte as in the metadata: neither the issuer nor a tidied spelling.
      aud: oddSpelling(rig.provider.origin, rig.provider.issuer),
    });
    expect(jti).toMatch(/^.{16,}$/);
    expect(Number.isInteger(iat) && Number.isInteger(exp)).toBe(true);
    expect(iat).toBeGreaterThanOrEqual(before);
    expect(iat).toBeLessThanOrEqual(after);
    expect(nbf).toBeLessThanOrEqual(iat);
    expect(exp - iat).toBeGreaterThan(30);
    expect(exp - iat).toBeLessThanOrEqual(300);
  });

  test('is a fresh one every time [S-06, CIS2-PKJ]', async () => {
    const assertions: JWTPayload[] = [];
    const keys = createLocalJWKSet(await publishedKeys());
    for (let number = 0; number < 10; number += 1) {
      const { form } = await exchange();
      assertions.push((await jwtVerify(form['client_assertion'] ?? '', keys)).payload);
    }
    expect(new Set(assertions.map(({ jti }) => jti)).size).toBe(assertions.length);
  });

  test('is the only authentication: no secret, no header [B-01, CIS2-PKJ]', async () => {
    const { form, headers, method } = await exchange();
    expect(method).toBe('POST');
    expect(headers['content-type']).toMatch(/^application\/x-www-form-urlencoded\b/);
    expect(headers.authorization).toBeUndefined();
    expect(headers.cookie).toBeUndefined();
    expect(Object.keys(form).sort()).toEqual(
      expect.arrayContaining([
        'client_assertion',
        'client_assertion_type',
        'code',
        'code_verifier',
        'grant_type',
      ]),
    );
    expect(Object.keys(form)).not.toContain('client_secret');
  });
});

describe('the code exchange', () => {
  test('names the same redirect address, and proves by PKCE who asked [B-02, S-03, S-07]', async () => {
    const { form, request, code } = await exchange('?returnTo=/x');
    expect(form).toMatchObject({
      grant_type: 'authorization_code',
      code,
      redirect_uri: request.get('redirect_uri'),
    });
    expect(form['code_verifier']).toMatch(/^[A-Za-z0-9._~-]{43,128}$/);
    expect(
      createHash('sha256')
        .update(form['code_verifier'] ?? '')
        .digest('base64url'),
    ).toBe(request.get('code_challenge'));
  });

  test('has another verifier for every attempt, and none that anybody saw before [S-03]', async () => {
    const [one, other] = [await exchange(), await exchange()];
    expect(one.form['code_verifier']).not.toBe(other.form['code_verifier']);
    for (const { form, request } of [one, other]) {
      expect([...request.values()].join(' ')).not.toContain(form['code_verifier']);
    }
  });

  test('is followed by one call to UserInfo, with the access token in its header and nowhere else', async () => {
    const before = rig.provider.asked('userinfo').length;
    await exchange();
    const calls = rig.provider.asked('userinfo').slice(before);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.method).toBe('GET');
    expect(calls[0]?.headers.authorization).toMatch(/^Bearer access-[\w-]+$/);
    expect(calls[0]?.form).toEqual({});
  });
});

describe('a provider that promises to name itself in its response (RFC 9207) [S-04, ASVS-10.2.2]', () => {
  test.each([
    ['missing', undefined],
    ['empty', ''],
    ['another’s', 'https://evil.example'],
  ])('is not believed when the name is %s, and gets no code', async (_, iss) => {
    const browser = rig.browser();
    const returned = rig.provider.authorise((await browser.login()).location);
    const before = rig.provider.requests.length;
    const response = await browser.callback({ ...returned, ...(iss === undefined ? {} : { iss }) });
    await expectFailure(rig, response, 'response_invalid');
    expect(rig.provider.requests).toHaveLength(before);
    expect(await browser.session()).toEqual({ status: 'anonymous' });
  });
});
