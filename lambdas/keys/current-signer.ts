import { cachedInMemory, type AssertionSigner, type Clock } from '../common/index.ts';
import { KeyRetired, KeysUnavailable } from './errors.ts';
import { keyAt, type Ring } from './ring.ts';
import type { SignerOf } from './signer.ts';

/**
 * Signs with the ring's current key, cached in memory. Parallel callers share one load; when the ring cannot be read again,
 * the cached key stays in use. When KMS refuses a retired key, the ring is read again and its current key signs.
 *
 * @param options.load - reads the ring
 * @param options.cacheSeconds - how long a key is used before the ring is read again
 * @param options.onStale - called when a key is used for longer, because the ring could not be read again
 * @returns gives the signer. With the kid of a refused key it reads the ring again at once, if that key is still the cached
 *   one. It throws KeysUnavailable when there is no key
 */
export function currentSigner(options: {
  load: () => Promise<Ring | undefined>;
  signerOf: SignerOf;
  cacheSeconds: number;
  clock: Clock;
  onStale: (error: unknown) => void;
}): (refusedKid?: string) => Promise<AssertionSigner> {
  let latest: AssertionSigner | undefined;
  const cached = cachedInMemory({
    ...options,
    read: async () => {
      const ring = await options.load();
      if (ring === undefined) throw new KeysUnavailable('there are no signing keys yet');
      const current = keyAt(ring, 'current');
      // Importing a key is slow, so a key that has not changed is not imported again.
      return (latest = latest?.kid === current.kid ? latest : await options.signerOf(current));
    },
  });
  const signerNow = (refusedKid?: string): Promise<AssertionSigner> =>
    cached(refusedKid === undefined ? undefined : ({ kid }) => kid === refusedKid);

  return async (refusedKid) => {
    const signer = await signerNow(refusedKid);
    return {
      kid: signer.kid,
      sign: async (request) => {
        try {
          return await signer.sign(request);
        } catch (error) {
          if (!(error instanceof KeyRetired)) throw error;
          const next = await signerNow(signer.kid);
          if (next.kid === signer.kid) throw error;
          return next.sign(request);
        }
      },
    };
  };
}
