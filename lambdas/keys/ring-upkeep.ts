/** The first ring, and the hourly check. */
import { destroyRetired, settle, type KeyManagerPorts, type Settled } from './key-change.ts';
import { currentLabel } from './key-secret.ts';
import { asCurrent, asNext, kmsKeysOf } from './ring-changes.ts';
import { keyAt, writeRing } from './ring.ts';

/**
 * The version of the first ring. A constant, so that only one of two concurrent calls can fill an empty secret.
 */
const firstVersionId = 'cis2-bff-first-ring-of-signing-keys';

/**
 * Makes the first ring in a secret without a value, and publishes the keys. Existing keys stay.
 *
 * @returns the ring, and whether this call made it
 * @throws KeysUnavailable
 */
export async function ensureRing(ports: KeyManagerPorts): Promise<Settled & { readonly isNew: boolean }> {
  const isNew = (await ports.keySecret.current()) === undefined && (await makeRing(ports));
  return { ...(await settle(ports)), isNew };
}

async function makeRing({ keySecret, keyMaker, clock }: KeyManagerPorts): Promise<boolean> {
  const [current, next] = await Promise.all([keyMaker.make(), keyMaker.make()]);
  const ring = { keys: [asCurrent(current, clock()), asNext(next)], toDestroy: [], draft: null };
  let isStored: boolean;
  try {
    isStored = await keySecret.put(firstVersionId, writeRing(ring), currentLabel);
  } catch (error) {
    // The response to a write that was done may have been lost.
    if ((await keySecret.current()) === undefined) throw error;
    return true;
  }
  // Another call came first: the keys of this one are not used.
  if (!isStored) for (const keyArn of kmsKeysOf(ring.keys)) await keyMaker.destroy(keyArn);
  return isStored;
}

export interface CheckResult {
  readonly kids: readonly string[];
  /** Whether the published keys differed from the ring, before they were corrected. */
  readonly differed: boolean;
  readonly signingKeyAgeSeconds: number;
  /** Null while no rotation is scheduled. */
  readonly secondsToNextRotation: number | null;
}

/**
 * Corrects the published keys, the labels, and the retired keys in KMS.
 *
 * @throws KeysUnavailable
 */
export async function checkRing(ports: KeyManagerPorts): Promise<CheckResult> {
  const { state, differed } = await settle(ports);
  const { ring } = state.current;
  await destroyRetired(ports, ring);
  const now = ports.clock();
  const { signingSince, createdAt } = keyAt(ring, 'current');
  return {
    kids: ring.keys.map(({ kid }) => kid),
    differed,
    signingKeyAgeSeconds: now - (signingSince ?? createdAt),
    secondsToNextRotation: state.nextRotationAt === null ? null : state.nextRotationAt - now,
  };
}
