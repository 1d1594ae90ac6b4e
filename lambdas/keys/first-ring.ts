import { asCurrent, asNext, kmsKeysOf } from './changes.ts';
import { settlePublished, type KeyManagerPorts } from './ring-state.ts';
import { writeRing, type Ring } from './ring.ts';
import { currentLabel } from './vault.ts';

/**
 * The version of the first ring. It is the same in every installation, so that of two calls that both find the secret
 * empty only one can fill it.
 */
const firstVersionId = 'cis2-bff-first-ring-of-signing-keys';

/**
 * Fills a secret that has never had a value, and publishes what belongs to it. Keys that exist stay.
 *
 * @returns the ring that stands, and whether this call made it
 * @throws KeysUnavailable
 */
export async function ensureRing(
  ports: KeyManagerPorts,
): Promise<{ ring: Ring; isNew: boolean; differed: boolean }> {
  const isNew = (await ports.vault.current()) === undefined && (await makeRing(ports));
  const { state, differed } = await settlePublished(ports);
  return { ring: state.current.ring, isNew, differed };
}

async function makeRing({ vault, keyMaker, clock }: KeyManagerPorts): Promise<boolean> {
  const [current, next] = await Promise.all([keyMaker.make(), keyMaker.make()]);
  const ring = { keys: [asCurrent(current, clock()), asNext(next)], toDestroy: [], draft: null };
  let isStored: boolean;
  try {
    isStored = await vault.put(firstVersionId, writeRing(ring), currentLabel);
  } catch (error) {
    // The answer to a write that was done may have been lost.
    if ((await vault.current()) === undefined) throw error;
    return true;
  }
  // Another call was first: nobody uses what this one has made.
  if (!isStored) for (const keyArn of kmsKeysOf(ring)) await keyMaker.destroy(keyArn);
  return isStored;
}
