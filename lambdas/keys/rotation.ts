/** An ordinary rotation: the steps of a change, as Secrets Manager asks for them. */
import { after, toText, type EpochSeconds } from '../common/index.ts';
import { maxKeySetDelaySeconds } from '../key-set-cache.ts';
import { ChangeRefused } from './errors.ts';
import { destroyUnused, draftRing, pendingLabel, readState, settle, swap } from './key-change.ts';
import type { KeyManagerPorts, RingState, StoredRing } from './key-change.ts';
import { knownFrom, type PublishedRecord } from './published-keys.ts';
import { rotated } from './ring-changes.ts';
import { keyAt, writeRing, type Ring } from './ring.ts';
import { verifyServed } from './served-set.ts';
import { durationInWords } from './duration-in-words.ts';

/** An older draft is made again with the same keys, because it holds the time when its key begins to sign. */
const draftFreshSeconds = 1_800;

const isFinished = ({ current }: RingState, token: string): boolean =>
  current.ring.draft?.rotation === token || current.versionId === token;

function isFreshDraft(pending: StoredRing | undefined, token: string, now: EpochSeconds): boolean {
  const draft = pending?.ring.draft;
  return draft?.rotation === token && now <= after(draft.at, draftFreshSeconds);
}

/** @throws ChangeRefused `lead_time_not_met` when a cached set may lack the next key */
export function requireLeadTime(
  { leadSeconds, clock }: KeyManagerPorts,
  { current: { ring } }: RingState,
  record: PublishedRecord | undefined,
): void {
  const from = knownFrom(record, ring, keyAt(ring, 'next').kid, leadSeconds);
  // A rotation first publishes a missing key: then the time counts from now.
  if ((from ?? after(clock(), leadSeconds)) <= clock()) return;
  const lead = durationInWords(leadSeconds);
  throw new ChangeRefused(
    'lead_time_not_met',
    from === undefined
      ? `The next key is not published. The hourly check sees to that, and ${lead} later it can sign: check the keys again in an hour. In an emergency, promote it.`
      : `The next key has not been published for ${lead} yet: it can sign from ${toText(from)}. Whoever has cached our published keys would refuse it. Rotate then; in an emergency, promote it.`,
  );
}

const stale = (): ChangeRefused =>
  new ChangeRefused('draft_stale', 'The keys were changed while this rotation ran. Rotate once more.');

/** @throws ChangeRefused `draft_stale` when the ring has changed since the draft was made; `draft_missing` */
function requireDraft({ pending, unusedLabels }: RingState): StoredRing {
  if (pending !== undefined) return pending;
  if (unusedLabels.some(({ label }) => label === pendingLabel)) throw stale();
  throw new ChangeRefused('draft_missing', 'This rotation has no draft. Rotate once more.');
}

/** Secrets Manager's names of the steps, in order. */
export const rotationSteps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
export type RotationStep = (typeof rotationSteps)[number];

/**
 * Takes a step of a rotation. Each can be repeated.
 *
 * @param token - the rotation's ClientRequestToken
 * @returns the ring that signs now, after the last step
 * @throws ChangeRefused, KeysUnavailable when it could not be taken
 */
export async function takeRotationStep(
  ports: KeyManagerPorts,
  step: RotationStep,
  token: string,
): Promise<Ring | undefined> {
  if (step === 'createSecret') await draft(ports, token);
  else if (step === 'setSecret') await publish(ports, token);
  else if (step === 'testSecret') await verify(ports);
  else return finish(ports, token);
  return undefined;
}

/** Continues with the draft of an earlier unfinished rotation. */
async function draft(ports: KeyManagerPorts, token: string): Promise<void> {
  const { state, record } = await settle(ports);
  if (isFinished(state, token) || isFreshDraft(state.pending, token, ports.clock())) return;
  requireLeadTime(ports, state, record);
  const newKey = state.pending ? keyAt(state.pending.ring, 'next') : await ports.keyMaker.make();
  const { ring: current } = state.current;
  const ring = await draftRing(ports, state, rotated(current, newKey, ports.clock()), token);
  if (await ports.keySecret.put(token, writeRing(ring), pendingLabel)) return;
  // The version exists: from a concurrent call of this rotation, or from an older one.
  const { pending } = await readState(ports);
  if (pending && isFreshDraft(pending, token, ports.clock())) {
    await destroyUnused(ports, ring, [current, pending.ring]);
  } else await ports.keySecret.put(ports.newVersionId(), writeRing(ring), pendingLabel);
}

async function publish(ports: KeyManagerPorts, token: string): Promise<void> {
  const { state } = await settle(ports);
  if (!isFinished(state, token)) requireDraft(state);
}

/** Without a draft it is only a test call of Secrets Manager, as when a schedule is set. */
async function verify(ports: KeyManagerPorts): Promise<void> {
  const { pending } = await readState(ports);
  if (pending === undefined) return;
  const { keys } = pending.ring;
  await verifyServed(ports, [keyAt(pending.ring, 'current'), ...keys], maxKeySetDelaySeconds);
}

async function finish(ports: KeyManagerPorts, token: string): Promise<Ring> {
  let { state } = await settle(ports);
  if (!isFinished(state, token)) {
    const done = await swap(ports, state, requireDraft(state).versionId);
    if (done === undefined) throw stale();
    ({ state } = done);
  }
  await ports.published.recordRotation({ token, at: ports.clock(), result: 'done' });
  return state.current.ring;
}
