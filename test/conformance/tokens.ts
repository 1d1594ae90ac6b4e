/** ID tokens that a provider must never be believed for. */
import { createHmac, createPublicKey } from 'node:crypto';
import { exportSPKI, importJWK, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import type { ProviderKey } from '../support/provider.ts';

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export const signed = (
  claims: JWTPayload,
  key: ProviderKey,
  header: Record<string, unknown> = {},
): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ typ: 'JWT', kid: key.kid, ...header, alg: 'RS256' })
    .sign(key.privateKey);

/** `alg: none` (RFC 7515 appendix A.5). */
export const unsigned = (claims: JWTPayload, alg = 'none'): string =>
  `${part({ typ: 'JWT', alg })}.${part(claims)}.`;

/** A real signature with one bit of it turned. */
export async function withBrokenSignature(claims: JWTPayload, key: ProviderKey): Promise<string> {
  const [header = '', payload = '', signature = ''] = (await signed(claims, key)).split('.');
  const bytes = Buffer.from(signature, 'base64url');
  bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
  return [header, payload, bytes.toString('base64url')].join('.');
}

/** Good for other claims than it carries. */
export async function withOtherClaims(claims: JWTPayload, key: ProviderKey): Promise<string> {
  const [header = '', , signature = ''] = (await signed(claims, key)).split('.');
  return [header, part({ ...claims, sub: '900000000999' }), signature].join('.');
}

/** HMAC with what everybody knows, the public key, in each of the forms an attacker would try. */
export async function signedWithPublicKey(
  claims: JWTPayload,
  key: ProviderKey,
  form: 'pem' | 'der' | 'modulus' | 'jwk',
): Promise<string> {
  const publicKey = (await importJWK(key.publicJwk, 'RS256', { extractable: true })) as CryptoKey;
  const pem = await exportSPKI(publicKey);
  const secret = {
    pem: Buffer.from(pem),
    der: createPublicKey(pem).export({ type: 'spki', format: 'der' }),
    modulus: Buffer.from(key.publicJwk.n ?? '', 'base64url'),
    jwk: Buffer.from(JSON.stringify(key.publicJwk)),
  }[form];
  const input = `${part({ typ: 'JWT', kid: key.kid, alg: 'HS256' })}.${part(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}
