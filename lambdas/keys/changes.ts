/** How a ring turns into the next one: pure, so that every rule about it can be read and tried in one place. */
import type { EpochSeconds } from '../common/index.ts';
import { keyAt, KeysUnavailable, type PrivateHalf, type PublicJwk, type Ring, type RingKey } from './ring.ts';

/** A key that stands nowhere yet. */
export interface NewKey {
  readonly kid: string;
  readonly createdAt: EpochSeconds;
  readonly publicJwk: PublicJwk;
  readonly privateHalf: PrivateHalf;
}

/** A changed ring's keys, and what of KMS is not needed any more. */
export type Changed = Pick<Ring, 'keys' | 'toDestroy'>;

export const asCurrent = (key: NewKey | RingKey, now: EpochSeconds): RingKey => ({
  ...key,
  place: 'current',
  signingSince: now,
});
export const asNext = (key: NewKey): RingKey => ({ ...key, place: 'next', signingSince: null });

/** A key that stands in a ring, as one that stands nowhere. */
export function newKeyOf({ kid, createdAt, publicJwk, privateHalf }: RingKey): NewKey {
  if (privateHalf === null) throw new KeysUnavailable('a key that cannot sign any more comes nowhere');
  return { kid, createdAt, publicJwk, privateHalf };
}

/** A retired key goes on verifying what it has signed; what could sign is gone. */
const asPrevious = (key: RingKey): RingKey => ({ ...key, place: 'previous', privateHalf: null });

/** The keys in KMS that a ring's private halves are. */
export const kmsKeysOf = ({ keys }: Pick<Ring, 'keys'>): readonly string[] =>
  keys.flatMap(({ privateHalf }) => (privateHalf?.custody === 'kms' ? [privateHalf.keyArn] : []));
const inKms = (key: RingKey): readonly string[] => kmsKeysOf({ keys: [key] });

const previousOf = ({ keys }: Ring): readonly RingKey[] => keys.filter(({ place }) => place === 'previous');

/** One ordinary step: `next` signs from `now` on, `current` is retired, `previous` is forgotten, `newKey` comes next. */
export function rotated(ring: Ring, newKey: NewKey, now: EpochSeconds): Changed {
  const retired = keyAt(ring, 'current');
  return {
    keys: [asPrevious(retired), asCurrent(keyAt(ring, 'next'), now), asNext(newKey)],
    toDestroy: inKms(retired),
  };
}

/**
 * The emergency: as a step, but every key that has signed is nowhere afterwards. Not `previous` either: it may be the one
 * that was lost, and what it signed has expired within minutes of its last signature.
 */
export function promoted(ring: Ring, newKey: NewKey, now: EpochSeconds): Changed {
  return {
    keys: [asCurrent(keyAt(ring, 'next'), now), asNext(newKey)],
    toDestroy: inKms(keyAt(ring, 'current')),
  };
}

/**
 * Takes a key in that was made elsewhere. As `next` it takes the place of one that has never signed; as `current` it
 * signs from `now` on, the current key is retired, and `next` stays.
 */
export function withImported(ring: Ring, key: NewKey, place: 'next' | 'current', now: EpochSeconds): Changed {
  const [current, next] = [keyAt(ring, 'current'), keyAt(ring, 'next')];
  return place === 'next'
    ? { keys: [...previousOf(ring), current, asNext(key)], toDestroy: inKms(next) }
    : { keys: [asPrevious(current), asCurrent(key, now), next], toDestroy: inKms(current) };
}

/**
 * The keys that must be published while drafts may take this ring's place: whichever of them signs next, now or after a
 * draft has won, everybody can verify it.
 */
export function publishedKeysOf(ring: Ring, drafts: readonly Ring[]): readonly PublicJwk[] {
  const signing = [keyAt(ring, 'current'), keyAt(ring, 'next')];
  const wanted = drafts.length === 0 ? ring.keys : [...signing, ...drafts.flatMap(({ keys }) => keys)];
  return [...new Map(wanted.map(({ kid, publicJwk }) => [kid, publicJwk])).values()];
}
