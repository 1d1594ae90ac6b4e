import type { Clock, EpochSeconds } from '../common/index.ts';
import type { AssertionSigner } from './assertion.ts';
import type { SignerOf } from './ports.ts';
import { KeyRetired, keyAt, KeysUnavailable, type Ring } from './ring.ts';

interface Loaded {
  readonly signer: AssertionSigner;
  readonly readAt: EpochSeconds;
}

/** After the keys could not be read again, how long the one in memory serves before the next try, in seconds. */
const retrySeconds = 30;

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
  let loaded: Loaded | undefined;
  let nextTry = 0;
  let loading: Promise<Loaded> | undefined;

  const load = async (): Promise<Loaded> => {
    const ring = await options.load();
    if (ring === undefined) throw new KeysUnavailable('there are no signing keys yet');
    const current = keyAt(ring, 'current');
    // Importing is the dear part; a key that has not changed is not imported again.
    const signer = loaded?.signer.kid === current.kid ? loaded.signer : await options.signerOf(current);
    return (loaded = { signer, readAt: options.clock() });
  };

  const signerNow = async (refusedKid?: string): Promise<AssertionSigner> => {
    const now = options.clock();
    if (loaded !== undefined) {
      const isFresh = loaded.signer.kid !== refusedKid && now < loaded.readAt + options.cacheSeconds;
      if (isFresh || now < nextTry) return loaded.signer;
    }
    try {
      // A read under way may have begun before the ring moved: only what is read from now on answers a refusal.
      if (refusedKid !== undefined && loading !== undefined) {
        const { signer } = await loading;
        if (signer.kid !== refusedKid) return signer;
      }
      loading ??= load().finally(() => {
        loading = undefined;
      });
      return (await loading).signer;
    } catch (error) {
      if (loaded === undefined) throw error;
      nextTry = now + Math.min(retrySeconds, options.cacheSeconds);
      options.onStale(error);
      return loaded.signer;
    }
  };

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
