import type { Clock, EpochSeconds } from './time.ts';

/** After a value could not be read again, how long the one in memory serves before the next try, in seconds. */
const retrySeconds = 30;

export interface CacheOptions<T, Signal> {
  /** Gets the value from where it lies. @param signal - how long the caller waits, where it says so */
  readonly read: (signal: Signal) => Promise<T>;
  /** How long a value is used before it is read again, in seconds. */
  readonly cacheSeconds: number;
  /** How old a value may be that serves because it cannot be read again, in seconds; any age unless it is said. */
  readonly maxAgeSeconds?: number;
  readonly clock: Clock;
  /** Called when a value is used beyond its time, because reading it again failed. */
  readonly onStale: (error: unknown, ageSeconds: number) => void;
}

export interface Cache<T, Signal> {
  /**
   * The value. Where `isRefused` says of the one in memory that it was refused, it is read again at once, for there may be
   * another by now.
   *
   * @throws what `read` throws when there is no value that can serve
   */
  get(signal: Signal, isRefused?: (value: T) => boolean): Promise<T>;
  /** The value, read again. @throws what `read` throws */
  refresh(signal: Signal): Promise<T>;
}

/** Caches a value in memory. Parallel callers share one read; when it cannot be read again, the one in memory goes on serving. */
export function createCache<T, Signal extends AbortSignal | undefined>(
  options: CacheOptions<T, Signal>,
): Cache<T, Signal> {
  const { cacheSeconds, maxAgeSeconds = Infinity, clock } = options;
  let cached: { readonly value: T; readonly readAt: EpochSeconds } | undefined;
  let nextTry = 0;
  let reading: Promise<T> | undefined;

  const read = async (signal: Signal): Promise<T> => {
    const value = await options.read(signal);
    cached = { value, readAt: clock() };
    return value;
  };
  const refresh = (signal: Signal): Promise<T> =>
    (reading ??= read(signal).finally(() => {
      reading = undefined;
    }));

  return {
    refresh,
    async get(signal, isRefused) {
      const now = clock();
      const usable = cached !== undefined && now < cached.readAt + maxAgeSeconds ? cached : undefined;
      if (usable !== undefined) {
        const isFresh = isRefused?.(usable.value) !== true && now < usable.readAt + cacheSeconds;
        if (isFresh || now < nextTry) return usable.value;
      }
      try {
        // A read under way may have begun before the refusal: only a read that begins now takes it into account.
        if (isRefused !== undefined && reading !== undefined) {
          const value = await reading;
          if (!isRefused(value)) return value;
        }
        return await refresh(signal);
      } catch (error) {
        if (usable === undefined) throw error;
        nextTry = now + Math.min(retrySeconds, cacheSeconds);
        options.onStale(error, now - usable.readAt);
        return usable.value;
      }
    },
  };
}

/** The `get` of a cache whose value is read without a time limit of the caller's. */
export function cachedInMemory<T>(
  options: CacheOptions<T, undefined>,
): (isRefused?: (value: T) => boolean) => Promise<T> {
  const cache = createCache(options);
  return (isRefused) => cache.get(undefined, isRefused);
}
