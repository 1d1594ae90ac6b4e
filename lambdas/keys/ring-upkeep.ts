/** The first ring, and the hourly check. */
import { destroyRetired, settle, type KeyManagerPorts, type Settled } from './key-change.ts';
import { currentLabel } from './key-secret.ts';
import { asCurrent, asNext, kmsKeysOf } from './ring-changes.ts';
import { keyAt, writeRing } from './ring.ts';

/**
 * The version of the first ring. It is the same in every installation, so that of two calls that both find the secret
 * empty only one can fill it.
 */
const firstVersionId = 'cis2-bff-first-ring-of-signing-keys';

/**
 * Fills a secret that has never had a value, and publishes what belongs to it. Keys that exist stay.
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
  // Another call was first: nobody uses what this one has made.
  if (!isStored) for (const keyArn of kmsKeysOf(ring.keys)) await keyMaker.destroy(keyArn);
  return isStored;
}

export interface CheckResult {
  readonly kids: readonly string[];
  /** Whether other keys were published than belong to the ring, before it was put right. */
  readonly differed: boolean;
  readonly signingKeyAgeSeconds: number;
  /** Null while no rotation is scheduled. */
  readonly secondsToNextRotation: number | null;
}

/**
 * Repairs what an accident left: what is published, labels, and retired keys in KMS.
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
