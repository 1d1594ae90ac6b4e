import type { EpochSeconds } from '../common/index.ts';

/** How many calls this instance has made for a session in a window. */
export interface CallCount {
  /** When the window is over, in seconds since the epoch. */
  readonly until: EpochSeconds;
  /** Calls that are not in the table yet. */
  unwritten: number;
}

/** More sessions than one instance can serve in a window: it handles one call at a time. */
const maxSessions = 1_000;

/**
 * The counts of the sessions that an instance serves, by session key. It keeps the most recently used
 * sessions only.
 */
export class CallCounts {
  readonly #counts = new Map<string, CallCount>();

  /**
   * The session's count at this moment.
   *
   * @param until - the end of a new window, if there is no current one
   */
  of(key: string, now: EpochSeconds, until: EpochSeconds): CallCount {
    const found = this.#counts.get(key);
    const count = found !== undefined && found.until > now ? found : { until, unwritten: 0 };
    // Moved to the end: the least recently used is removed first.
    this.#counts.delete(key);
    this.#counts.set(key, count);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > maxSessions && oldest !== undefined) this.#counts.delete(oldest);
    return count;
  }
}
