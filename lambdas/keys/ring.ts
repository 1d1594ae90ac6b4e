import type { JWK } from 'jose';
import { Secret, asEpochSeconds, isObject, parseJson, type EpochSeconds } from '../common/index.ts';
import { KeysUnavailable } from './errors.ts';

/** The algorithm that the client is registered with at CIS2. */
export const signingAlgorithm = 'RS512';

/** `next` is published and does not sign yet, `current` signs, `previous` has signed and is still published. */
const places = ['previous', 'current', 'next'] as const;
export type Place = (typeof places)[number];

/** The public facts about a key. */
export interface KeyFacts {
  /** RFC 7638 thumbprint, unless the key was imported under another name. */
  readonly kid: string;
  readonly place: Place;
  readonly createdAt: EpochSeconds;
  /** Null while it has not signed. */
  readonly signingSince: EpochSeconds | null;
}

export interface RingKey extends KeyFacts {
  readonly publicJwk: PublicJwk;
  /** Null once the key no longer signs. */
  readonly privateHalf: PrivateHalf | null;
}

/** Where a private half is: in the ring itself, or in KMS, which never exports it. */
type PrivateHalf =
  | { readonly storage: 'secret'; readonly jwk: Secret<JWK> }
  | { readonly storage: 'kms'; readonly keyArn: string };
export type KeyStorage = PrivateHalf['storage'];

export interface Ring {
  readonly keys: readonly RingKey[];
  /** Keys in KMS that no longer sign and are to be deleted. */
  readonly toDestroy: readonly string[];
  /** What this ring was made from; null for the first one. */
  readonly draft: Draft | null;
}

/** A ring is drafted from the current one, and can replace that one only. */
interface Draft {
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

const ringFormat = 1;

/** The public part of a JWK. Copies the public members by name, so that no private member is published. */
export function publicJwk(jwk: unknown): PublicJwk {
  if (!isObject(jwk)) throw new KeysUnavailable('a key is not a JWK');
  const { kty, n, e, kid } = jwk;
  if (kty !== 'RSA' || typeof n !== 'string' || typeof e !== 'string' || typeof kid !== 'string') {
    throw new KeysUnavailable('a key is not an RSA JWK with a kid');
  }
  return { kty, n, e, kid, use: 'sig', alg: signingAlgorithm };
}

/** @throws KeysUnavailable when it could not be read again */
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
  return half.storage === 'secret' ? { privateJwk: half.jwk.expose() } : { kmsKeyArn: half.keyArn };
};

/**
 * Reads a ring, whole or not at all.
 *
 * @throws KeysUnavailable for another format, an unknown place, a repeated place, name or key, or a key whose private half does
 *   not fit its place
 */
export function readRing(text: Secret): Ring {
  const value = parseJson(text.expose());
  if (value === undefined) throw new KeysUnavailable('the signing keys are not JSON');
  if (!isObject(value) || value['format'] !== ringFormat || !Array.isArray(value['keys'])) {
    throw new KeysUnavailable('the signing keys are not a ring of a known format');
  }
  const keys = value['keys'].map(readRingKey);
  const ring = { keys, toDestroy: readToDestroy(value['toDestroy']), draft: readDraftOrigin(value['draft']) };
  keyAt(ring, 'current');
  keyAt(ring, 'next');
  for (const different of [
    keys.map(({ place }) => place),
    keys.map(({ kid }) => kid),
    keys.map(({ publicJwk: { n } }) => n),
  ]) {
    if (new Set(different).size !== keys.length) throw new KeysUnavailable('two keys are the same');
  }
  return ring;
}

/** @returns undefined when it does not hold the facts about a key */
export function readKeyFacts(value: unknown): KeyFacts | undefined {
  if (!isObject(value)) return undefined;
  const { kid } = value;
  const place = places.find((known) => known === value['place']);
  const createdAt = asEpochSeconds(value['createdAt']);
  const signingSince = value['signingSince'] === null ? null : asEpochSeconds(value['signingSince']);
  if (typeof kid !== 'string' || place === undefined || createdAt === undefined) return undefined;
  if (signingSince === undefined || (place === 'next') !== (signingSince === null)) return undefined;
  return { kid, place, createdAt, signingSince };
}

function readRingKey(value: unknown): RingKey {
  const facts = readKeyFacts(value);
  if (facts === undefined || !isObject(value))
    throw new KeysUnavailable('a key lacks its kid, place or times');
  const shared = publicJwk(value['publicJwk']);
  const privateHalf = readPrivateHalf(value, shared);
  if (facts.kid !== shared.kid || (facts.place === 'previous') !== (privateHalf === null)) {
    throw new KeysUnavailable(`the ${facts.place} key has halves that are not its own`);
  }
  return { ...facts, publicJwk: shared, privateHalf };
}

function readPrivateHalf(value: Record<string, unknown>, shared: PublicJwk): PrivateHalf | null {
  const { privateJwk, kmsKeyArn } = value;
  if (privateJwk === undefined && kmsKeyArn === undefined) return null;
  if (privateJwk === undefined && isKmsKeyArn(kmsKeyArn)) return { storage: 'kms', keyArn: kmsKeyArn };
  if (kmsKeyArn === undefined && isObject(privateJwk)) {
    const { d, n } = privateJwk;
    if (typeof d === 'string' && n === shared.n) return { storage: 'secret', jwk: new Secret(privateJwk) };
  }
  throw new KeysUnavailable('a private half is neither the private JWK of its key nor the ARN of a KMS key');
}

const isKmsKeyArn = (value: unknown): value is string =>
  typeof value === 'string' && /^arn:[a-z0-9-]+:kms:[a-z0-9-]*:\d{12}:key\/[A-Za-z0-9-]{1,128}$/.test(value);

function readToDestroy(value: unknown = []): readonly string[] {
  if (Array.isArray(value) && value.every(isKmsKeyArn)) return value;
  throw new KeysUnavailable('the keys to destroy are not ARNs of KMS keys');
}

function readDraftOrigin(value: unknown): Draft | null {
  if (value === undefined) return null;
  const { basedOn, rotation, at } = isObject(value) ? value : {};
  const madeAt = asEpochSeconds(at);
  const isNamed = (text: unknown): text is string => typeof text === 'string' && text !== '';
  if (isNamed(basedOn) && madeAt !== undefined && (rotation === null || isNamed(rotation))) {
    return { basedOn, rotation, at: madeAt };
  }
  throw new KeysUnavailable('what the ring was made from lacks its version, rotation or time');
}

/** @throws KeysUnavailable when there is no key in that place */
export function keyAt(ring: Pick<Ring, 'keys'>, place: Place): RingKey {
  const key = ring.keys.find((candidate) => candidate.place === place);
  if (key === undefined) throw new KeysUnavailable(`no ${place} signing key`);
  return key;
}
