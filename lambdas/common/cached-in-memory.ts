import type { Clock, EpochSeconds } from './time.ts';

/** After a failed read, the cached value is used for this many seconds before the next try. */
const retrySeconds = 30;

interface CacheOptions<T, Signal> {
  /** Reads the value. @param signal - aborts when the caller stops waiting */
  readonly read: (signal: Signal) => Promise<T>;
  /** How long a value is used before it is read again, in seconds. */
  readonly cacheSeconds: number;
  /** Maximum age of a value that is used because it cannot be read again, in seconds. @default no maximum */
  readonly maxAgeSeconds?: number;
  readonly clock: Clock;
  /** Called when a value is used for longer than `cacheSeconds`, because reading it again failed. */
  readonly onStale: (error: unknown, ageSeconds: number) => void;
}

/** Caches a value in memory. Parallel callers share one read; when it cannot be read again, the cached one stays in use. */
export function createCache<T, Signal extends AbortSignal | undefined>(options: CacheOptions<T, Signal>) {
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
    /** The value, read again. @throws what `read` throws */
    refresh,

    /**
     * The value. It is read again at once if `isRefused` is true for the cached one, because it may have changed.
     *
     * @throws what `read` throws when there is no usable value
     */
    async get(signal: Signal, isRefused?: (value: T) => boolean): Promise<T> {
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

/** The `get` of a cache that is read without an abort signal. */
export function cachedInMemory<T>(
  options: CacheOptions<T, undefined>,
): (isRefused?: (value: T) => boolean) => Promise<T> {
  const cache = createCache(options);
  return (isRefused) => cache.get(undefined, isRefused);
}
