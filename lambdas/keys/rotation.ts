/** An ordinary rotation, in the four steps that Secrets Manager asks for. Each can be repeated, and be cut off anywhere. */
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { after, toRfc3339, type EpochSeconds } from '../common/index.ts';
import { kmsKeysOf, newKeyOf, rotated, type NewKey } from './changes.ts';
import { inWords } from './durations.ts';
import { RotationFailed } from './errors.ts';
import type { PublishedRecord } from './ports.ts';
import {
  destroyRetired,
  knownFrom,
  pendingLabel,
  readState,
  settlePublished,
  tidyLabels,
  type KeyManagerPorts,
  type RingState,
  type StoredRing,
} from './ring-state.ts';
import { keyAt, signingAlgorithm, writeRing, type Ring } from './ring.ts';

export const rotationSteps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
export type RotationStep = (typeof rotationSteps)[number];

/** A draft that is older is made again, with the same keys: the times in it say when a key began to sign. */
const draftFreshSeconds = 1_800;

/** Whether this rotation has done its work: asked for again, there is nothing left to do. */
const isFinished = ({ current }: RingState, token: string): boolean =>
  current.ring.draft?.rotation === token || current.versionId === token;

/**
 * createSecret: drafts the next ring. A draft that an earlier try left is gone on with.
 *
 * @param token - the rotation's `ClientRequestToken`, and the new version's id unless that is taken
 * @throws RotationFailed `not_seasoned`, before anything is made
 * @throws KeysUnavailable
 */
export async function draftRotation(ports: KeyManagerPorts, token: string): Promise<void> {
  const { state, record } = await settlePublished(ports);
  await tidyLabels(ports, state);
  if (isFinished(state, token) || isOwnDraft(state.pending, token, ports.clock())) return;
  requireSeasoned(ports, state, record);
  const unfinished = state.pending && keyAt(state.pending.ring, 'next');
  const newKey = unfinished === undefined ? await ports.keyMaker.make() : newKeyOf(unfinished);
  const ring = await rotatedRing(ports, state, newKey, token);
  if (await ports.vault.put(token, writeRing(ring), pendingLabel)) return;

  // The version exists: another call of this very rotation was first, or it is what is left of an older one.
  const { pending } = await readState(ports);
  if (pending !== undefined && isOwnDraft(pending, token, ports.clock())) {
    // Both have the key that comes next now as their current one; only the new key of this draft is used by nobody.
    const used = [state.current.ring, pending.ring].flatMap(kmsKeysOf);
    for (const keyArn of kmsKeysOf(ring)) if (!used.includes(keyArn)) await ports.keyMaker.destroy(keyArn);
    return;
  }
  await ports.vault.put(ports.newVersionId(), writeRing(ring), pendingLabel);
}

function isOwnDraft(pending: StoredRing | undefined, token: string, now: EpochSeconds): boolean {
  const draft = pending?.ring.draft;
  return draft?.rotation === token && now <= after(draft.at, draftFreshSeconds);
}

async function rotatedRing(
  ports: KeyManagerPorts,
  { current }: RingState,
  newKey: NewKey,
  token: string,
): Promise<Ring> {
  const now = ports.clock();
  const changed = rotated(current.ring, newKey, now);
  const remaining = await destroyRetired(ports, current.ring);
  return {
    keys: changed.keys,
    toDestroy: [...remaining, ...changed.toDestroy],
    draft: { basedOn: current.versionId, rotation: token, at: now },
  };
}

/** @throws RotationFailed `not_seasoned` when there may be somebody who keeps a set without the next key */
export function requireSeasoned(
  { leadSeconds, clock }: Pick<KeyManagerPorts, 'leadSeconds' | 'clock'>,
  { current }: Pick<RingState, 'current'>,
  record: PublishedRecord | undefined,
): void {
  const from = knownFrom(record, current.ring, keyAt(current.ring, 'next').kid, leadSeconds);
  // A rotation begins with publishing what is not: then it counts from now.
  if ((from ?? after(clock(), leadSeconds)) <= clock()) return;
  const lead = inWords(leadSeconds);
  throw new RotationFailed(
    'not_seasoned',
    from === undefined
      ? `The next key is not published. The hourly check sees to that, and ${lead} later it can sign: look at the keys again in an hour. In an emergency, promote it.`
      : `The next key has not been published for ${lead} yet: it can sign from ${toRfc3339(from)}. Whoever keeps our published keys would refuse it. Rotate then; in an emergency, promote it.`,
  );
}

/**
 * setSecret: publishes every key that signs now or will after the last step.
 *
 * @throws RotationFailed `draft_missing`, `draft_stale`
 * @throws KeysUnavailable
 */
export async function publishDraft(ports: KeyManagerPorts, token: string): Promise<void> {
  const { state } = await settlePublished(ports);
  if (!isFinished(state, token)) await requireDraft(ports, state);
}

/** A draft that the ring has moved away from loses its label, so that the next rotation begins anew. */
async function requireDraft(ports: KeyManagerPorts, state: RingState): Promise<StoredRing> {
  if (state.pending !== undefined) return state.pending;
  if (!state.spent.some(({ label }) => label === pendingLabel)) {
    throw new RotationFailed('draft_missing', 'This rotation has no draft. Rotate once more.');
  }
  return giveUp(ports, state);
}

async function giveUp(ports: KeyManagerPorts, state: RingState): Promise<never> {
  await tidyLabels(ports, state);
  throw new RotationFailed(
    'draft_stale',
    'The keys were changed while this rotation ran, and it is given up. Rotate once more.',
  );
}

/** The edge may serve the set of a minute ago. */
const maxPollSeconds = 75;
const pollSeconds = 5;
const maxFetchMs = 5_000;

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * testSecret: reads the published set as CIS2 does, and verifies with it what the key that comes signs.
 *
 * @throws RotationFailed `published_set_unreachable`, `published_set_incomplete`, `published_set_unsafe`,
 *   `signature_unverified`, `draft_missing`, `draft_stale`: nothing has moved
 * @throws KeysUnavailable
 */
export async function testDraft(ports: KeyManagerPorts, token: string): Promise<void> {
  const state = await readState(ports);
  if (await isTriedOut(ports, state, token)) return;
  const { ring } = isFinished(state, token) ? state.current : await requireDraft(ports, state);
  const set = await completeSet(ports, ring);
  const signer = await ports.signerOf(keyAt(ring, 'current'));
  const now = ports.clock();
  const audience = 'urn:cis2-bff:rotation-test';
  const signed = await signer.sign({ clientId: 'cis2-bff', audience, lifeSeconds: 60 });
  try {
    await jwtVerify(signed, createLocalJWKSet(set), {
      algorithms: [signingAlgorithm],
      audience,
      currentDate: new Date(now * 1000),
    });
  } catch (cause) {
    throw new RotationFailed(
      'signature_unverified',
      'What the key that comes signs does not verify with the published set. Nothing was changed.',
      { cause },
    );
  }
}

/**
 * Whether Secrets Manager only tries the function out, as it does when a schedule is set and nothing shall rotate at once:
 * it asks for this step alone, and the version that it names holds a copy of the ring, or nothing yet, and never a draft.
 */
async function isTriedOut(
  { vault }: KeyManagerPorts,
  { current, pending, spent }: RingState,
  token: string,
): Promise<boolean> {
  if (pending !== undefined || current.versionId === token) return false;
  const named = spent.find(({ label, versionId }) => label === pendingLabel && versionId === token);
  if (named !== undefined) return named.abandoned !== undefined && named.abandoned.draft?.rotation !== token;
  return (await vault.version(token)) === undefined;
}

/** Waits for all keys of a ring to be served. */
async function completeSet(ports: KeyManagerPorts, ring: Ring): Promise<JSONWebKeySet> {
  const until = after(ports.clock(), maxPollSeconds);
  for (let tries = 1; ; tries += 1) {
    try {
      const set = await ports.fetchJwks(AbortSignal.timeout(maxFetchMs));
      requireKeys(set, ring);
      return set;
    } catch (error) {
      const isFinal = !(error instanceof RotationFailed) || error.code === 'published_set_unsafe';
      if (isFinal || tries > maxPollSeconds / pollSeconds || ports.clock() >= until) throw error;
    }
    await ports.wait(pollSeconds);
  }
}

function requireKeys(set: unknown, ring: Ring): asserts set is JSONWebKeySet {
  const keys: unknown = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined;
  if (!Array.isArray(keys)) {
    throw new RotationFailed(
      'published_set_unreachable',
      'What is served as our published keys is no JWK Set.',
    );
  }
  const served = keys.filter(
    (key): key is Record<string, unknown> => typeof key === 'object' && key !== null,
  );
  if (served.some((key) => privateMembers.some((member) => Object.hasOwn(key, member)))) {
    throw new RotationFailed(
      'published_set_unsafe',
      'A key is served with a private member. Treat it as compromised. Nothing was changed.',
    );
  }
  const missing = ring.keys.filter(
    ({ kid, publicJwk: { n, e } }) =>
      !served.some((key) => key['kid'] === kid && key['n'] === n && key['e'] === e),
  );
  if (missing.length > 0) {
    throw new RotationFailed(
      'published_set_incomplete',
      `The published set as it is served lacks ${missing.map(({ kid }) => kid).join(', ')}. Nothing was changed.`,
    );
  }
}

/**
 * finishSecret: moves AWSCURRENT to the draft, if the ring still is the one that it was made from. Then no label is left
 * on any version that holds the retired private half: no caller that asks by label gets it, and Secrets Manager deletes
 * versions without labels by itself, in its own time. A retired key in KMS is deleted there by a later check.
 *
 * @throws RotationFailed `draft_missing`, `draft_stale`: nothing has moved
 * @throws KeysUnavailable
 */
export async function finishRotation(ports: KeyManagerPorts, token: string): Promise<Ring> {
  const { state } = await settlePublished(ports);
  let movedFrom: string | undefined;
  if (!isFinished(state, token)) {
    const { versionId } = await requireDraft(ports, state);
    // Refused, too, when another call of this rotation was first, or the answer to an earlier try was lost.
    if (!(await ports.vault.moveCurrent(state.current.versionId, versionId))) {
      const now = await readState(ports);
      if (now.current.versionId !== versionId) await giveUp(ports, now);
    }
    movedFrom = state.current.versionId;
  }
  const settled = await settlePublished(ports, movedFrom === undefined ? {} : { movedFrom });
  await tidyLabels(ports, settled.state);
  await destroyRetired(ports, settled.state.current.ring);
  await ports.published.recordRotation({ token, at: ports.clock(), result: 'done' });
  return settled.state.current.ring;
}
