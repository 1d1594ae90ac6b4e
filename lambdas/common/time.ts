/** Whole seconds since the Unix epoch: the one unit of time inside. */
export type EpochSeconds = number & { readonly __unit: 'epoch seconds' };

/** What the time is. Handed in wherever time matters, so that a test can own it. */
export type Clock = () => EpochSeconds;

export const systemClock: Clock = () => Math.floor(Date.now() / 1000) as EpochSeconds;

/** `seconds` later than `instant` (earlier when negative). */
export const after = (instant: EpochSeconds, seconds: number): EpochSeconds =>
  (instant + seconds) as EpochSeconds;

/** A number that came from outside, as an instant; undefined for anything but whole, sane epoch seconds. */
export const asEpochSeconds = (value: unknown): EpochSeconds | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value < 100_000_000_000
    ? (value as EpochSeconds)
    : undefined;

/** RFC 3339 in UTC with milliseconds, as the outside sees every instant. */
export const toRfc3339 = (instant: EpochSeconds): string => new Date(instant * 1000).toISOString();
