import type { JWK } from 'jose';
import type { webcrypto } from 'node:crypto';
import { BffError, Secret, asEpochSeconds, type EpochSeconds } from '../common/index.ts';

/** The one algorithm we sign with; it is what the client is registered with at CIS2. */
export const signingAlgorithm = 'RS512';

/**
 * Where a key stands in the ring. `next` is published and not used yet, `current` signs, `previous` has signed and is
 * still published, without its private half.
 */
export type Place = 'previous' | 'current' | 'next';
const places: readonly unknown[] = ['previous', 'current', 'next'] satisfies Place[];

export interface RingKey {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  readonly place: Place;
  readonly createdAt: EpochSeconds;
  /** Since when it signs; null when it has not yet. */
  readonly signingSince: EpochSeconds | null;
  readonly publicJwk: PublicJwk;
  readonly privateJwk: Secret<JWK> | null;
}

export type Ring = readonly RingKey[];

/** A key as CIS2 and the API platform read it. */
export interface PublicJwk {
  readonly kty: 'RSA';
  readonly n: string;
  readonly e: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: typeof signingAlgorithm;
}

/** The keys could not be had, or are not a ring. */
export class KeysUnavailable extends BffError {
  override readonly name = 'KeysUnavailable';
  readonly code = 'keys_unavailable';
}

const ringFormat = 1;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What of a JWK may be published. Built of the public members by name, so a private one cannot slip through. */
export function publicJwk(jwk: unknown): PublicJwk {
  if (!isObject(jwk)) throw new KeysUnavailable('a key is not a JWK');
  const { kty, n, e, kid } = jwk;
  if (kty !== 'RSA' || typeof n !== 'string' || typeof e !== 'string' || typeof kid !== 'string') {
    throw new KeysUnavailable('a key is not an RSA JWK with a kid');
  }
  return { kty, n, e, kid, use: 'sig', alg: signingAlgorithm };
}

/** The ring as it lies in the secret. */
export const writeRing = (ring: Ring): Secret =>
  new Secret(
    JSON.stringify({
      format: ringFormat,
      keys: ring.map(({ privateJwk, ...key }) => ({
        ...key,
        ...(privateJwk === null ? {} : { privateJwk: privateJwk.expose() }),
      })),
    }),
  );

/**
 * Reads a ring, whole or not at all.
 *
 * @throws KeysUnavailable when it is not one: another format, an unknown place, a place taken twice, a key without the
 *   half its place needs
 */
export function readRing(text: Secret): Ring {
  let value: unknown;
  try {
    value = JSON.parse(text.expose());
  } catch {
    // Without the cause: a parser's message quotes what it read.
    throw new KeysUnavailable('the signing keys are not JSON');
  }
  if (!isObject(value) || value['format'] !== ringFormat || !Array.isArray(value['keys'])) {
    throw new KeysUnavailable('the signing keys are not a ring of a known format');
  }
  const ring = value['keys'].map(readRingKey);
  for (const place of ['current', 'next'] as const) {
    if (keyAt(ring, place).privateJwk === null)
      throw new KeysUnavailable(`the ${place} key has no private half`);
  }
  if (new Set(ring.map(({ place }) => place)).size !== ring.length) {
    throw new KeysUnavailable('two keys stand in one place');
  }
  return ring;
}

function readRingKey(value: unknown): RingKey {
  if (!isObject(value)) throw new KeysUnavailable('a key is not an object');
  const { kid, place, privateJwk } = value;
  const createdAt = asEpochSeconds(value['createdAt']);
  const signingSince = value['signingSince'] === null ? null : asEpochSeconds(value['signingSince']);
  const shared = publicJwk(value['publicJwk']);
  if (
    !places.includes(place) ||
    kid !== shared.kid ||
    createdAt === undefined ||
    signingSince === undefined
  ) {
    throw new KeysUnavailable('a key lacks its kid, place or times');
  }
  if (privateJwk !== undefined && (!isObject(privateJwk) || typeof privateJwk['d'] !== 'string')) {
    throw new KeysUnavailable('a private half is not a private JWK');
  }
  return {
    kid: shared.kid,
    place: place as Place,
    createdAt,
    signingSince,
    publicJwk: shared,
    privateJwk: privateJwk === undefined ? null : new Secret(privateJwk),
  };
}

/** @throws KeysUnavailable when no key stands there */
export function keyAt(ring: Ring, place: Place): RingKey {
  const key = ring.find((candidate) => candidate.place === place);
  if (key === undefined) throw new KeysUnavailable(`no ${place} signing key`);
  return key;
}

/** The private key, ready to sign. */
export async function importPrivateKey(key: RingKey): Promise<webcrypto.CryptoKey> {
  if (key.privateJwk === null) throw new KeysUnavailable(`the ${key.place} key cannot sign`);
  try {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' };
    return await crypto.subtle.importKey(
      'jwk',
      key.privateJwk.expose() as webcrypto.JsonWebKey,
      algorithm,
      false,
      ['sign'],
    );
  } catch (cause) {
    throw new KeysUnavailable('the private key cannot be imported', { cause });
  }
}
