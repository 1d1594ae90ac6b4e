import { createHash, randomBytes } from 'node:crypto';
import {
  calculateJwkThumbprint,
  compactVerify,
  decodeJwt,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type JWK,
  type JWTPayload,
} from 'jose';

/** The simulator's own signing key: RS256, what CIS2 signs ID tokens with unless asked otherwise. */
export interface Signer {
  readonly publicJwk: JWK;
  sign(claims: JWTPayload): Promise<string>;
  /** The claims of a token that this key signed, whether or not it has expired; undefined for anything else. */
  verify(token: string): Promise<JWTPayload | undefined>;
}

/**
 * CIS2 names its keys in plain base64, with `/`, `+` and `=`: a client that puts a `kid` into a URL or a path unescaped
 * must be found out here. So the name is a digest of the key's thumbprint that has all three.
 */
async function keyId(publicJwk: JWK): Promise<string> {
  const thumbprint = await calculateJwkThumbprint(publicJwk);
  for (let attempt = 0; ; attempt += 1) {
    const name = createHash('sha256')
      .update(`${thumbprint}.${String(attempt)}`)
      .digest('base64');
    if (name.includes('/') && name.includes('+')) return name;
  }
}

export async function createSigner(): Promise<Signer> {
  const alg = 'RS256';
  const { publicKey, privateKey } = await generateKeyPair(alg, { modulusLength: 2048 });
  const jwk = await exportJWK(publicKey);
  const kid = await keyId(jwk);
  return {
    publicJwk: { ...jwk, kid, use: 'sig', alg },
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ typ: 'JWT', kid, alg }).sign(privateKey),
    verify: (token) =>
      compactVerify(token, publicKey, { algorithms: [alg] }).then(
        () => decodeJwt(token),
        () => undefined,
      ),
  };
}

/** An unguessable value of 256 bits in base64url. */
export const randomValue = (): string => randomBytes(32).toString('base64url');

/** Left half of the SHA-256, for `at_hash`, `c_hash` and `s_hash` (OpenID Connect Core 3.1.3.6 and 3.3.2.11). */
export const halfHash = (value: string): string =>
  createHash('sha256').update(value, 'ascii').digest().subarray(0, 16).toString('base64url');
