import type { JWK } from 'jose';
import { createPrivateKey, sign, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { Clock } from '../common/index.ts';
import type { NewKey } from './changes.ts';
import { ChangeRefused } from './errors.ts';
import { keyOfJwk } from './new-key.ts';

const minBits = 2_048;
/** Signing with a larger one takes longer than a person signing in should wait. */
const maxBits = 8_192;

const unusable = (message: string): ChangeRefused => new ChangeRefused('key_unusable', message);

/**
 * A private key that was made elsewhere, for the ring. What is refused is said in words, never by quoting it.
 *
 * @param jwk - a private RSA key (RFC 7518 section 6.3) of 2,048 to 8,192 bits
 * @param kid - its name; RFC 7638 thumbprint unless told otherwise
 * @throws ChangeRefused `key_unusable` when it is not such a key, or not one that can sign
 */
export async function importedKey(jwk: unknown, kid: unknown, clock: Clock): Promise<NewKey> {
  if (kid !== undefined && !isKid(kid)) {
    throw unusable('A key’s name is 1 to 128 printable ASCII characters without spaces.');
  }
  return keyOfJwk(privateRsaJwk(jwk), clock, kid);
}

const isKid = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x21-\x7e]{1,128}$/.test(value);

/** The key in its one canonical spelling, whatever else stood beside its members. */
function privateRsaJwk(jwk: unknown): JWK {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw unusable('The key is not a JWK.');
  const { kty, n, e, d, p, q, dp, dq, qi } = jwk as Record<string, unknown>;
  if (kty !== 'RSA') throw unusable('The key is not an RSA key.');
  if (d === undefined) throw unusable('The key is a public key: only a private one can sign.');
  const members = { n, e, d, p, q, dp, dq, qi };
  const wrong = Object.entries(members).find(([, value]) => !isBase64Url(value));
  if (wrong !== undefined) throw unusable(`The key’s member “${wrong[0]}” is missing or not base64url.`);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: { kty, ...(members as JWK) }, format: 'jwk' });
  } catch {
    // Without the cause: it may quote a member.
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

/** OpenSSL takes members in without asking whether they fit (RFC 8017 section 3.2), and may sign in a slower way instead. */
function belongTogether(jwk: JWK): boolean {
  const number = (name: 'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi'): bigint =>
    BigInt(`0x0${Buffer.from(jwk[name] ?? '', 'base64url').toString('hex')}`);
  const [n, e, p, q] = [number('n'), number('e'), number('p'), number('q')];
  return (
    p > 2n &&
    q > 2n &&
    p * q === n &&
    [number('d'), number('dp')].every((exponent) => (e * exponent) % (p - 1n) === 1n) &&
    [number('d'), number('dq')].every((exponent) => (e * exponent) % (q - 1n) === 1n) &&
    (q * number('qi')) % p === 1n
  );
}

/** Whether what it signs can be verified with its public half. */
function signsAndVerifies(key: KeyObject, { n, e }: JWK): boolean {
  const probe = Buffer.from('cis2-bff');
  try {
    const signature = sign('sha512', probe, key);
    const publicHalf = { kty: 'RSA', n, e } as JsonWebKey;
    return verify('sha512', probe, { key: publicHalf, format: 'jwk' }, signature);
  } catch {
    return false;
  }
}
