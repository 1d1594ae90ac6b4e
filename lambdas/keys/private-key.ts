/** Private keys for the ring: new ones, and imported ones. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { createPrivateKey, sign, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import { isKid, isObject, Secret, type Clock } from '../common/index.ts';
import { ChangeRefused } from './errors.ts';
import type { NewKey } from './ring-changes.ts';
import { publicJwk, signingAlgorithm } from './ring.ts';

/** Makes a key of `bits` bits whose private half is for the secret: 0.1 s for 2048, up to 1 s for 4096 on one core. */
export async function newSecretKey(bits: number, clock: Clock): Promise<NewKey> {
  const { privateKey } = await generateKeyPair(signingAlgorithm, { modulusLength: bits, extractable: true });
  return keyOfJwk(await exportJWK(privateKey), clock);
}

/** A private JWK as a key for the ring. @param kid - its name; RFC 7638 thumbprint by default */
export async function keyOfJwk(privateJwk: JWK, clock: Clock, kid?: string): Promise<NewKey> {
  const jwk = { ...privateJwk, kid: kid ?? (await calculateJwkThumbprint(privateJwk)) };
  const privateHalf = { storage: 'secret', jwk: new Secret<JWK>(jwk) } as const;
  return { kid: jwk.kid, createdAt: clock(), publicJwk: publicJwk(jwk), privateHalf };
}

/** A key in KMS as a key for the ring. */
export async function keyOfKms(keyArn: string, jwk: JWK, clock: Clock): Promise<NewKey> {
  const kid = await calculateJwkThumbprint(jwk);
  const privateHalf = { storage: 'kms', keyArn } as const;
  return { kid, createdAt: clock(), publicJwk: publicJwk({ ...jwk, kid }), privateHalf };
}

const minBits = 2_048;
/** Signing with a larger key would delay a sign-in too much. */
const maxBits = 8_192;

/** The message never quotes the key. */
const unusable = (message: string): ChangeRefused => new ChangeRefused('key_unusable', message);

/**
 * An imported private key, for the ring.
 *
 * @param jwk - a private RSA key (RFC 7518 section 6.3) of 2,048 to 8,192 bits; other members are dropped
 * @param kid - its name; RFC 7638 thumbprint by default
 * @throws ChangeRefused `key_unusable` when it is not such a key, or not one that can sign
 */
export async function importedKey(jwk: unknown, kid: unknown, clock: Clock): Promise<NewKey> {
  if (kid !== undefined && !isKid(kid)) {
    throw unusable('A key’s name is 1 to 128 of A–Z, a–z, 0–9 and ._~-.');
  }
  return keyOfJwk(privateRsaJwk(jwk), clock, kid);
}

function privateRsaJwk(jwk: unknown): JWK {
  if (!isObject(jwk)) throw unusable('The key is not a JWK.');
  const { kty, n, e, d, p, q, dp, dq, qi } = jwk;
  if (kty !== 'RSA') throw unusable('The key is not an RSA key.');
  if (d === undefined) throw unusable('The key is a public key: only a private one can sign.');
  const members = { n, e, d, p, q, dp, dq, qi };
  const wrong = Object.entries(members).find(([, value]) => !isBase64Url(value));
  if (wrong !== undefined) throw unusable(`The key’s member “${wrong[0]}” is missing or not base64url.`);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: { kty, ...(members as JWK) }, format: 'jwk' });
  } catch {
    throw unusable('The key’s members are not an RSA private key.');
  }
  const { modulusLength: bits = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (bits < minBits || bits > maxBits) {
    throw unusable(`The key has ${String(bits)} bits; it needs ${String(minBits)} to ${String(maxBits)}.`);
  }
  if (publicExponent < 3n || publicExponent % 2n === 0n) {
    throw unusable('The key’s public exponent is not an odd number above 1.');
  }
  const canonical = key.export({ format: 'jwk' });
  if (!belongTogether(canonical) || !signsAndVerifies(key, canonical)) {
    throw unusable('The key’s members do not belong together.');
  }
  return canonical;
}

const isBase64Url = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9_-]{1,1400}$/.test(value);

/** OpenSSL does not check that the members match (RFC 8017 section 3.2), and may sign more slowly if they do not. */
function belongTogether(jwk: JWK): boolean {
  const number = (name: 'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi'): bigint =>
    BigInt(`0x0${Buffer.from(jwk[name] ?? '', 'base64url').toString('hex')}`);
  const [n, e, d, p, q] = [number('n'), number('e'), number('d'), number('p'), number('q')];
  return (
    p > 2n &&
    q > 2n &&
    p * q === n &&
    [d, number('dp')].every((exponent) => (e * exponent) % (p - 1n) === 1n) &&
    [d, number('dq')].every((exponent) => (e * exponent) % (q - 1n) === 1n) &&
    (q * number('qi')) % p === 1n
  );
}

function signsAndVerifies(key: KeyObject, { n, e }: JWK): boolean {
  const probe = Buffer.from('cis2-bff');
  try {
    const publicHalf = { kty: 'RSA', n, e } as JsonWebKey;
    return verify('sha512', probe, { key: publicHalf, format: 'jwk' }, sign('sha512', probe, key));
  } catch {
    return false;
  }
}
