import type { webcrypto } from 'node:crypto';
import type { Clock, EpochSeconds } from '../common/index.ts';
import { importPrivateKey, keyAt, KeysUnavailable, type Ring } from './ring.ts';

/** A private key that can sign, and the name it is published under. */
export interface SigningKey {
  readonly kid: string;
  readonly key: webcrypto.CryptoKey;
}

interface LoadedKey extends SigningKey {
  readonly readAt: EpochSeconds;
}

/** How long after a read its key is not read again because somebody refused it, in seconds. */
const refusedAgainSeconds = 5;

/** After the keys could not be read again, how long the one in memory serves before the next try, in seconds. */
const retrySeconds = 30;

/**
 * The ring's current key, kept in memory. Parallel callers share one load; when the keys cannot be read again, the one
 * in memory goes on signing.
 *
 * @param options.load - reads the ring
 * @param options.cacheSeconds - how long a key is used before it is read again
 * @param options.onStale - told when a key is used beyond that, because reading it again failed
 * @returns gives the key; told the name of a key that was refused, it reads the ring again at once if it still holds that
 *   one, for the ring may have moved. It throws KeysUnavailable when there is no key
 */
export function currentSigningKey(options: {
  load: () => Promise<Ring | undefined>;
  cacheSeconds: number;
  clock: Clock;
  onStale: (error: unknown) => void;
}): (refusedKid?: string) => Promise<SigningKey> {
  let loaded: LoadedKey | undefined;
  let nextTry = 0;
  let loading: Promise<LoadedKey> | undefined;

  const load = async (): Promise<LoadedKey> => {
    const ring = await options.load();
    if (ring === undefined) throw new KeysUnavailable('there are no signing keys yet');
    const current = keyAt(ring, 'current');
    // Importing is the dear part; a key that has not changed is not imported again.
    const key = loaded?.kid === current.kid ? loaded.key : await importPrivateKey(current);
    return (loaded = { kid: current.kid, key, readAt: options.clock() });
  };

  return async (refusedKid) => {
    const now = options.clock();
    if (loaded !== undefined) {
      const keptSeconds = loaded.kid === refusedKid ? refusedAgainSeconds : options.cacheSeconds;
      const isFresh = now < loaded.readAt + Math.min(keptSeconds, options.cacheSeconds);
      if (isFresh || now < nextTry) return loaded;
    }
    try {
      return await (loading ??= load().finally(() => {
        loading = undefined;
      }));
    } catch (error) {
      if (loaded === undefined) throw error;
      nextTry = now + Math.min(retrySeconds, options.cacheSeconds);
      options.onStale(error);
      return loaded;
    }
  };
}
