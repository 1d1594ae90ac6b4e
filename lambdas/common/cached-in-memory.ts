import type { Clock, EpochSeconds } from './time.ts';

/** After a value could not be read again, how long the one in memory serves before the next try, in seconds. */
const retrySeconds = 30;

/**
 * Keeps a value in memory. Parallel callers share one read; when it cannot be read again, the one in memory goes on serving.
 *
 * @param options.read - gets the value from where it lies
 * @param options.cacheSeconds - how long it is used before it is read again
 * @param options.onStale - told when it is used beyond that, because reading it again failed
 * @returns gives the value. Told which values were refused, it reads again at once if it still holds one of them, for there
 *   may be another by now. It throws what `read` throws when there is no value at all
 */
export function cachedInMemory<T>(options: {
  readonly read: () => Promise<T>;
  readonly cacheSeconds: number;
  readonly clock: Clock;
  readonly onStale: (error: unknown) => void;
}): (isRefused?: (value: T) => boolean) => Promise<T> {
  let kept: { readonly value: T; readonly readAt: EpochSeconds } | undefined;
  let nextTry = 0;
  let reading: Promise<T> | undefined;

  const read = async (): Promise<T> => {
    const value = await options.read();
    kept = { value, readAt: options.clock() };
    return value;
  };

  return async (isRefused) => {
    const now = options.clock();
    if (kept !== undefined) {
      const isFresh = isRefused?.(kept.value) !== true && now < kept.readAt + options.cacheSeconds;
      if (isFresh || now < nextTry) return kept.value;
    }
    try {
      // A read under way may have begun before the refusal: then only what is read from now on answers it.
      if (isRefused !== undefined && reading !== undefined) {
        const value = await reading;
        if (!isRefused(value)) return value;
      }
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return await reading;
    } catch (error) {
      if (kept === undefined) throw error;
      nextTry = now + Math.min(retrySeconds, options.cacheSeconds);
      options.onStale(error);
      return kept.value;
    }
  };
}
