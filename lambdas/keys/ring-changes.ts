/** How the keys of a ring change, without side effects. */
import type { EpochSeconds } from '../common/index.ts';
import { keyAt, type KeyFacts, type Ring, type RingKey } from './ring.ts';

/** A key that has no place yet. */
export type NewKey = Omit<RingKey, 'place' | 'signingSince'>;

export const asCurrent = (key: NewKey, now: EpochSeconds): RingKey => ({
  ...key,
  place: 'current',
  signingSince: now,
});
export const asNext = (key: NewKey): RingKey => ({ ...key, place: 'next', signingSince: null });
const asPrevious = (key: RingKey): RingKey => ({ ...key, place: 'previous', privateHalf: null });

/** An ordinary rotation: every key moves one place, and `newKey` becomes `next`. */
export const rotated = (ring: Ring, newKey: NewKey, now: EpochSeconds): readonly RingKey[] => [
  asPrevious(keyAt(ring, 'current')),
  asCurrent(keyAt(ring, 'next'), now),
  asNext(newKey),
];

/**
 * The emergency change: a rotation that removes every key that has signed. Also `previous`, which may be the compromised one;
 * its assertions expired within minutes of its last signature.
 */
export const promoted = (ring: Ring, newKey: NewKey, now: EpochSeconds): readonly RingKey[] =>
  rotated(ring, newKey, now).filter(({ place }) => place !== 'previous');

/** Adds an imported key: as `next` it replaces a key that has never signed, as `current` it retires the current one. */
export function withImported(
  ring: Ring,
  key: NewKey,
  place: 'next' | 'current',
  now: EpochSeconds,
): readonly RingKey[] {
  if (place === 'next') return [...ring.keys.filter((other) => other.place !== 'next'), asNext(key)];
  return [asPrevious(keyAt(ring, 'current')), asCurrent(key, now), keyAt(ring, 'next')];
}

/** The keys in KMS that hold private halves of these. */
export const kmsKeysOf = (keys: readonly RingKey[]): readonly string[] =>
  keys.flatMap(({ privateHalf }) => (privateHalf?.storage === 'kms' ? [privateHalf.keyArn] : []));

/**
 * The keys that must be published while drafts may replace this ring, so that any key that may sign next can be verified.
 */
export function keysToPublish<Key extends KeyFacts>(
  ring: { readonly keys: readonly Key[] },
  drafts: readonly { readonly keys: readonly Key[] }[],
): readonly Key[] {
  const signing = ring.keys.filter(({ place }) => place !== 'previous');
  const wanted = drafts.length === 0 ? ring.keys : [...signing, ...drafts.flatMap(({ keys }) => keys)];
  return [...new Map(wanted.map((key) => [key.kid, key])).values()];
}
