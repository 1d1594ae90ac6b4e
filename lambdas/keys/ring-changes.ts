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
 * The emergency: a rotation after which no key that has signed is left. Not `previous` either: it may be the one that was
 * lost, and what it signed has expired within minutes of its last signature.
 */
export const promoted = (ring: Ring, newKey: NewKey, now: EpochSeconds): readonly RingKey[] =>
  rotated(ring, newKey, now).filter(({ place }) => place !== 'previous');

/** Takes an imported key in: as `next` it replaces a key that has never signed, as `current` it retires the current one. */
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
 * The keys that must be published while drafts may replace this ring: whichever of them signs next, before or after a
 * draft has won, everybody can verify it.
 */
export function keysToPublish<Key extends KeyFacts>(
  ring: { readonly keys: readonly Key[] },
  drafts: readonly { readonly keys: readonly Key[] }[],
): readonly Key[] {
  const signing = ring.keys.filter(({ place }) => place !== 'previous');
  const wanted = drafts.length === 0 ? ring.keys : [...signing, ...drafts.flatMap(({ keys }) => keys)];
  return [...new Map(wanted.map((key) => [key.kid, key])).values()];
}
