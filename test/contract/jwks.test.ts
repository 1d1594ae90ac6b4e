/** `GET /auth/jwks.json`: our public signing keys. */
import { expect, test } from '@jest/globals';
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import { rawRequest } from '../support/raw-http.ts';
import { useSharedRig } from '../support/rig.ts';
import { expectOwnHeaders, expectSignedIn, headersOf } from './expectations.ts';

const rig = useSharedRig();

async function jwks(): Promise<{ response: Response; keys: JWK[] }> {
  const response = await fetch(`${rig.bff.baseUrl}/auth/jwks.json`);
  return { response, keys: ((await response.clone().json()) as { keys: JWK[] }).keys };
}

test('is a JWK set that may be cached for an hour, for whoever asks', async () => {
  const { response } = await jwks();
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json');
  expectOwnHeaders(headersOf(response.headers), 'public, max-age=3600');
  expect(response.headers.getSetCookie()).toEqual([]);
  expect(Object.keys((await response.json()) as object)).toEqual(['keys']);
});

test('every key is a public RS512 signing key, named by its thumbprint, and no more than that [S-06]', async () => {
  const { keys } = await jwks();
  expect(keys.length).toBeGreaterThanOrEqual(2);
  for (const key of keys) {
    expect(key).toEqual({
      kty: 'RSA',
      n: expect.stringMatching(/^[\w-]+$/),
      e: 'AQAB',
      kid: await calculateJwkThumbprint(key),
      use: 'sig',
      alg: 'RS512',
    });
    expect(Buffer.from(key.n ?? '', 'base64url').length * 8).toBeGreaterThanOrEqual(2048);
    await importJWK(key, 'RS512');
  }
  expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
});

test('no private member is anywhere in it', async () => {
  const { response } = await jwks();
  const text = await response.text();
  for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
    expect(text).not.toContain(`"${member}":`);
});

test('lists the key that signs and the next one: there before it is needed', async () => {
  const { keys } = await jwks();
  const browser = rig.browser();
  await expectSignedIn(browser, await browser.signIn(rig.provider));
  const { kid } = decodeProtectedHeader(rig.provider.asked('token').at(-1)?.form['client_assertion'] ?? '');
  const kids = keys.map((key) => key.kid);
  expect(kids).toContain(kid);
  expect(kids.filter((other) => other !== kid)).toHaveLength(1);
});

test('is the same whatever the caller sends', async () => {
  const plain = await rawRequest(rig.bff.baseUrl, '/auth/jwks.json');
  const other = await rawRequest(rig.bff.baseUrl, '/auth/jwks.json?kid=x&keys=', {
    headers: [
      ['Origin', 'https://evil.example'],
      ['Sec-Fetch-Site', 'cross-site'],
      ['Accept', 'text/html'],
      ['Cookie', '__Host-Http-session=x; __Host-Http-session=y'],
    ],
  });
  expect([other.status, other.body]).toEqual([200, plain.body]);
});
