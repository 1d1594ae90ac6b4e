import type { JWK } from 'jose';
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
  /** RFC 7638 thumbprint, unless the key was brought in under a name of its own. */
  readonly kid: string;
  readonly place: Place;
  readonly createdAt: EpochSeconds;
  /** Since when it signs; null when it has not yet. */
  readonly signingSince: EpochSeconds | null;
  readonly publicJwk: PublicJwk;
  /** Where the private half is; null once the key is not to sign any more. */
  readonly privateHalf: PrivateHalf | null;
}

/** The two ways a private half is kept: in the ring itself, or in KMS, which never gives it away. */
export type PrivateHalf =
  | { readonly custody: 'secret'; readonly jwk: Secret<JWK> }
  | { readonly custody: 'kms'; readonly keyArn: string };
export type Custody = PrivateHalf['custody'];

export interface Ring {
  readonly keys: readonly RingKey[];
  /** Keys in KMS that sign no more and are to be deleted there. */
  readonly toDestroy: readonly string[];
  /** What this ring was made of; null for the first one. */
  readonly draft: Draft | null;
}

/** A ring is drafted from another and takes its place only while that one is the current one. */
export interface Draft {
  /** The version of the secret it was made from. */
  readonly basedOn: string;
  /** The rotation it was made for; null for an operator's change. */
  readonly rotation: string | null;
  readonly at: EpochSeconds;
}

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
  override readonly name: string = 'KeysUnavailable';
  readonly code = 'keys_unavailable';
}

/** A key that was read a while ago and cannot sign any more: the ring has moved. */
export class KeyRetired extends KeysUnavailable {
  override readonly name = 'KeyRetired';
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

/** @throws KeysUnavailable when it would not be read again: what is written keeps every rule that reading asks for */
export function writeRing(ring: Ring): Secret {
  const text = new Secret(
    JSON.stringify({
      format: ringFormat,
      keys: ring.keys.map(({ privateHalf, ...key }) => ({ ...key, ...writePrivateHalf(privateHalf) })),
      ...(ring.toDestroy.length === 0 ? {} : { toDestroy: ring.toDestroy }),
      ...(ring.draft === null ? {} : { draft: ring.draft }),
    }),
  );
  readRing(text);
  return text;
}

const writePrivateHalf = (half: PrivateHalf | null) => {
  if (half === null) return {};
  return half.custody === 'secret' ? { privateJwk: half.jwk.expose() } : { kmsKeyArn: half.keyArn };
};

/**
 * Reads a ring, whole or not at all.
 *
 * @throws KeysUnavailable when it is not one: another format, an unknown place, a place or a name taken twice, a key
 *   without what its place needs or with more
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
  const keys = value['keys'].map(readRingKey);
  const ring = { keys, toDestroy: readToDestroy(value['toDestroy']), draft: readDraft(value['draft']) };
  keyAt(ring, 'current');
  keyAt(ring, 'next');
  for (const [what, found] of [
    ['place', keys.map(({ place }) => place)],
    ['name', keys.map(({ kid }) => kid)],
    ['key', keys.map(({ publicJwk: { n } }) => n)],
  ] as const) {
    if (new Set(found).size !== keys.length) throw new KeysUnavailable(`two keys have one ${what}`);
  }
  return ring;
}

function readRingKey(value: unknown): RingKey {
  if (!isObject(value)) throw new KeysUnavailable('a key is not an object');
  const { kid, place } = value;
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
  if ((place === 'next') !== (signingSince === null)) {
    throw new KeysUnavailable(`the ${String(place)} key has the signing time of another place`);
  }
  const privateHalf = readPrivateHalf(value, shared);
  if ((place === 'previous') !== (privateHalf === null)) {
    throw new KeysUnavailable(`the ${String(place)} key has a private half too many or lacks one`);
  }
  return {
    kid: shared.kid,
    place: place as Place,
    createdAt,
    signingSince,
    publicJwk: shared,
    privateHalf,
  };
}

function readPrivateHalf(value: Record<string, unknown>, shared: PublicJwk): PrivateHalf | null {
  const { privateJwk, kmsKeyArn } = value;
  if (privateJwk !== undefined && kmsKeyArn !== undefined) {
    throw new KeysUnavailable('a private half lies in two places');
  }
  if (kmsKeyArn !== undefined) {
    if (!isKmsKeyArn(kmsKeyArn)) throw new KeysUnavailable('a private half is not the ARN of a KMS key');
    return { custody: 'kms', keyArn: kmsKeyArn };
  }
  if (privateJwk === undefined) return null;
  if (!isObject(privateJwk) || typeof privateJwk['d'] !== 'string' || privateJwk['n'] !== shared.n) {
    throw new KeysUnavailable('a private half is not the private JWK of its key');
  }
  return { custody: 'secret', jwk: new Secret(privateJwk) };
}

const isKmsKeyArn = (value: unknown): value is string =>
  typeof value === 'string' && /^arn:[a-z0-9-]+:kms:[a-z0-9-]*:\d{12}:key\/[A-Za-z0-9-]{1,128}$/.test(value);

function readToDestroy(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isKmsKeyArn)) {
    throw new KeysUnavailable('the keys to destroy are not ARNs of KMS keys');
  }
  return value;
}

function readDraft(value: unknown): Draft | null {
  if (value === undefined) return null;
  if (!isObject(value)) throw new KeysUnavailable('what the ring was made of is not an object');
  const { basedOn, rotation } = value;
  const at = asEpochSeconds(value['at']);
  if (typeof basedOn !== 'string' || basedOn === '' || at === undefined) {
    throw new KeysUnavailable('what the ring was made of lacks its version or time');
  }
  if (rotation !== null && (typeof rotation !== 'string' || rotation === '')) {
    throw new KeysUnavailable('the rotation that the ring was made for has no name');
  }
  return { basedOn, rotation, at };
}

/** @throws KeysUnavailable when no key stands there */
export function keyAt(ring: Pick<Ring, 'keys'>, place: Place): RingKey {
  const key = ring.keys.find((candidate) => candidate.place === place);
  if (key === undefined) throw new KeysUnavailable(`no ${place} signing key`);
  return key;
}
