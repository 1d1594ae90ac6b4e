import { cachedInMemory, type Clock } from '../common/index.ts';
import type { AssertionSigner } from './assertion.ts';
import type { SignerOf } from './ports.ts';
import { KeyRetired, keyAt, KeysUnavailable, type Ring } from './ring.ts';

/**
 * What signs with the ring's current key, kept in memory. Parallel callers share one load; when the keys cannot be read
 * again, the one in memory goes on signing. A key that KMS will not sign with any more has the ring read again, and what
 * stands there signs in its place.
 *
 * @param options.load - reads the ring
 * @param options.cacheSeconds - how long a key is used before it is read again
 * @param options.onStale - told when a key is used beyond that, because reading it again failed
 * @returns gives the signer; told the name of a key that was refused, it reads the ring again at once if it still holds
 *   that one, for the ring may have moved. It throws KeysUnavailable when there is no key
 */
export function currentSigner(options: {
  load: () => Promise<Ring | undefined>;
  signerOf: SignerOf;
  cacheSeconds: number;
  clock: Clock;
  onStale: (error: unknown) => void;
}): (refusedKid?: string) => Promise<AssertionSigner> {
  let latest: AssertionSigner | undefined;
  const kept = cachedInMemory({
    ...options,
    read: async () => {
      const ring = await options.load();
      if (ring === undefined) throw new KeysUnavailable('there are no signing keys yet');
      const current = keyAt(ring, 'current');
      // Importing is the dear part; a key that has not changed is not imported again.
      return (latest = latest?.kid === current.kid ? latest : await options.signerOf(current));
    },
  });
  const signerNow = (refusedKid?: string): Promise<AssertionSigner> =>
    kept(refusedKid === undefined ? undefined : ({ kid }) => kid === refusedKid);

  const followingTheRing = (signer: AssertionSigner): AssertionSigner => ({
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
  });

  return async (refusedKid) => followingTheRing(await signerNow(refusedKid));
}
