/** Whole seconds since the Unix epoch: the unit of time inside. */
export type EpochSeconds = number & { readonly __unit: 'epoch seconds' };

/** What the time is. Passed in wherever time matters, so that a test can set it. */
export type Clock = () => EpochSeconds;

export const systemClock: Clock = () => Math.floor(Date.now() / 1000) as EpochSeconds;

/** `seconds` later than `instant` (earlier when negative). */
export const after = (instant: EpochSeconds, seconds: number): EpochSeconds =>
  (instant + seconds) as EpochSeconds;

/** A number that came from outside, as an instant; undefined for anything but whole, sane epoch seconds. */
export const asEpochSeconds = (value: unknown): EpochSeconds | undefined =>
  isWholeBelow(100_000_000_000, value) ? (value as EpochSeconds) : undefined;

const isWholeBelow = (limit: number, value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value < limit;

/**
 * Whole milliseconds since the Unix epoch: only where the order of two events matters. A logout and the next sign-in can
 * happen within one second.
 */
export type EpochMilliseconds = number & { readonly __unit: 'epoch milliseconds' };

/** What the time is, to the millisecond. */
export type PreciseClock = () => EpochMilliseconds;

export const preciseClock: PreciseClock = () => Date.now() as EpochMilliseconds;

/** A number that came from outside, as a moment; undefined for anything but whole, sane epoch milliseconds. */
export const asEpochMilliseconds = (value: unknown): EpochMilliseconds | undefined =>
  isWholeBelow(100_000_000_000_000, value) ? (value as EpochMilliseconds) : undefined;

/** For a person: `2026-11-30 01:40:57 UTC`. */
export const toText = (instant: EpochSeconds): string =>
  `${toRfc3339(instant).slice(0, 19).replace('T', ' ')} UTC`;

/** RFC 3339 in UTC with milliseconds: the form of every time in responses. */
export const toRfc3339 = (instant: EpochSeconds): string => new Date(instant * 1000).toISOString();
