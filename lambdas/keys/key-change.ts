/**
 * The steps of every change of the keys: draft, publish, verify, swap, settle. Secrets Manager calls a rotation step by step;
 * an operator's change takes all steps in one call. Each step can be repeated, and can be interrupted at any point.
 */
import { after, BffError, type Clock, type EpochSeconds, type Secret } from '../common/index.ts';
import { maxKeySetDelaySeconds } from '../key-set-cache.ts';
import { ChangeRefused, KeysUnavailable } from './errors.ts';
import type { KeySecret } from './key-secret.ts';
import type { KeyMaker } from './key-maker.ts';
import { publishedSince } from './published-keys.ts';
import type { PublishedKeys, PublishedRecord, Purpose, RingFacts } from './published-keys.ts';
import { keysToPublish, kmsKeysOf } from './ring-changes.ts';
import { keyAt, readRing, writeRing, type PublicJwk, type Ring, type RingKey } from './ring.ts';
import { verifyServed, type FetchJwks } from './served-set.ts';
import type { SignerOf } from './signer.ts';

export interface KeyManagerPorts {
  /** The ring's own purpose. */
  readonly purpose: Purpose;
  /** Who accepts its keys. */
  readonly trustedBy: readonly Purpose[];
  readonly keySecret: KeySecret;
  readonly published: PublishedKeys;
  readonly keyMaker: KeyMaker;
  readonly signerOf: SignerOf;
  readonly fetchJwks: FetchJwks;
  /** How long a key must have been published before a rotation lets it sign. */
  readonly leadSeconds: number;
  readonly clock: Clock;
  /** A new, unique version id. */
  readonly newVersionId: () => string;
  readonly wait: (seconds: number) => Promise<void>;
}

/** The draft of a rotation. */
export const pendingLabel = 'AWSPENDING';
/** The former ring: it holds a private half that must not be in a labelled version. */
const previousLabel = 'AWSPREVIOUS';
/** Each draft of an operator's change has a label of its own, so that none replaces another. */
const draftLabelPrefix = 'CIS2BFF_DRAFT_';

/** Longer than any call of the function: an older draft of an operator's change was abandoned. */
const draftLifetimeSeconds = 300;

export interface StoredRing {
  readonly versionId: string;
  readonly ring: Ring;
}

/** A label that is no longer used, and its draft, which can no longer become current. */
interface UnusedLabel {
  readonly label: string;
  readonly versionId: string;
  readonly abandoned: Ring | undefined;
}

export interface RingState {
  readonly current: StoredRing;
  /** The draft of the rotation, if it may replace the current ring. */
  readonly pending: StoredRing | undefined;
  /** Every draft that may replace it, including that one. */
  readonly drafts: readonly StoredRing[];
  readonly unusedLabels: readonly UnusedLabel[];
  readonly nextRotationAt: EpochSeconds | null;
}

/**
 * Reads the drafts first and the current ring last. So a draft that replaces the ring meanwhile is seen as a draft or as
 * the ring, never as neither.
 *
 * @throws KeysUnavailable when the secret cannot be reached, or holds no ring
 */
export async function readState({ keySecret, clock }: KeyManagerPorts): Promise<RingState> {
  const { labels, nextRotationAt } = await keySecret.describe();
  const candidates = await Promise.all(
    [...labels]
      .filter(([label]) => label === pendingLabel || label.startsWith(draftLabelPrefix))
      .map(async ([label, versionId]) => ({ label, versionId, found: await keySecret.version(versionId) })),
  );
  const found = await keySecret.current();
  if (found === undefined) throw new KeysUnavailable('there are no signing keys yet');
  const current = { versionId: found.versionId, ring: readRing(found.text) };

  const drafts = new Map<string, StoredRing>();
  const previous = labels.get(previousLabel);
  const unusedLabels: UnusedLabel[] =
    previous === undefined ? [] : [{ label: previousLabel, versionId: previous, abandoned: undefined }];
  for (const { label, versionId, found: draft } of candidates) {
    // Secrets Manager lists the version of a new rotation before it has a value.
    if (draft === undefined) continue;
    const ring = versionId === current.versionId ? undefined : readDraftRing(draft.text);
    if (ring !== undefined && mayWin(ring, label, current, clock())) drafts.set(label, { versionId, ring });
    else unusedLabels.push({ label, versionId, abandoned: ring });
  }
  const pending = drafts.get(pendingLabel);
  return { current, pending, drafts: [...drafts.values()], unusedLabels, nextRotationAt };
}

/** Undefined for a draft that cannot be read. */
function readDraftRing(text: Secret): Ring | undefined {
  try {
    return readRing(text);
  } catch {
    return undefined;
  }
}

const mayWin = ({ draft }: Ring, label: string, current: StoredRing, now: EpochSeconds): boolean =>
  draft?.basedOn === current.versionId &&
  (label === pendingLabel || now <= after(draft.at, draftLifetimeSeconds));

/** Draft: the ring that is to replace the current one. Keys in KMS that it no longer has are deleted later. */
export async function draftRing(
  ports: KeyManagerPorts,
  { current }: RingState,
  keys: readonly RingKey[],
  rotation: string | null,
): Promise<Ring> {
  const inUse = kmsKeysOf(keys);
  const retired = kmsKeysOf(current.ring.keys).filter((keyArn) => !inUse.includes(keyArn));
  return {
    keys,
    toDestroy: [...(await destroyRetired(ports, current.ring)), ...retired],
    draft: { basedOn: current.versionId, rotation, at: ports.clock() },
  };
}

/** How often a write of the published set is tried while others write it too. */
const maxSettleTries = 10;
/** Pause between two reads of a secret that does not show a change yet. */
const lagSeconds = 1;

export interface Settled {
  readonly state: RingState;
  readonly record: PublishedRecord;
  /** Whether other keys were published before. */
  readonly differed: boolean;
}

/**
 * Publish, and settle: publishes the keys of the ring and its drafts, and removes unused labels. The record is read before
 * the secret, and a write fails if the record has changed since; then both are read again. So an older set never replaces a
 * newer one, and the key that signs is in every set.
 *
 * Secrets Manager is eventually consistent, so the caller's own last change is passed in and not read.
 *
 * @param known.draft - a draft that the caller has stored. The record is written even if it has its keys already, so that
 *   a concurrent call that read the secret earlier has to read it again before it can write
 * @param known.movedFrom - the version that the caller has moved AWSCURRENT away from
 * @throws KeysUnavailable when the secret or the record cannot be reached
 * @throws ChangeRefused `busy` when others keep writing, or the secret does not show the move
 */
export async function settle(
  ports: KeyManagerPorts,
  { draft, movedFrom }: { draft?: StoredRing; movedFrom?: string } = {},
): Promise<Settled> {
  let differed = false;
  let mustWrite = draft !== undefined;
  for (let tries = 0; tries < maxSettleTries; tries += 1) {
    const { record, revision } = await ports.published.read();
    const state = withDraft(await readState(ports), draft);
    if (state.current.versionId === movedFrom) {
      await ports.wait(lagSeconds);
      continue;
    }
    const wanted = wantedRecord(record, state, ports.clock());
    const isRight = record !== undefined && isSame(keysIn(record), keysIn(wanted));
    differed ||= !isRight;
    if (isRight && !mustWrite && isSame(ringsIn(record), ringsIn(wanted))) {
      await tidyLabels(ports, state);
      return { state, record, differed };
    }
    if (await ports.published.replace(wanted, revision)) mustWrite = false;
  }
  throw new ChangeRefused('busy', 'Others are changing the keys at this moment. Try again in a minute.');
}

/** Adds a draft that Secrets Manager does not show yet. */
function withDraft(state: RingState, draft: StoredRing | undefined): RingState {
  const isMissing =
    draft?.ring.draft?.basedOn === state.current.versionId &&
    state.drafts.every(({ versionId }) => versionId !== draft.versionId);
  return isMissing ? { ...state, drafts: [...state.drafts, draft] } : state;
}

function wantedRecord(
  before: PublishedRecord | undefined,
  { current, drafts }: RingState,
  now: EpochSeconds,
): PublishedRecord {
  const wanted = keysToPublish(
    current.ring,
    drafts.map(({ ring }) => ring),
  );
  const keys = wanted.map(({ publicJwk }) => publicJwk);
  // A ring that has been changed was published before, even without a record.
  const isFirst = before === undefined && current.ring.draft === null;
  return {
    keys,
    since: Object.fromEntries(keys.map(({ kid }) => [kid, publishedSince(before, kid) ?? now])),
    firstAt: isFirst ? now : (before?.firstAt ?? null),
    rings: Object.fromEntries([current, ...drafts].map(({ versionId, ring }) => [versionId, factsOf(ring)])),
  };
}

/** Copies members by name, so that no part of a private half gets into the record. */
const factsOf = ({ keys, draft }: Ring): RingFacts => ({
  keys: keys.map(({ kid, place, createdAt, signingSince }) => ({ kid, place, createdAt, signingSince })),
  basedOn: draft?.basedOn ?? null,
});

/** The keys with their times of publication: a key without one could never become current. */
const keysIn = ({ keys, since }: PublishedRecord): readonly string[] =>
  keys.map(({ kid, n, e }: PublicJwk) => `${kid} ${n} ${e} ${String(since[kid])}`);
const ringsIn = ({ rings }: PublishedRecord): readonly string[] =>
  Object.entries(rings).map((ring) => JSON.stringify(ring));
const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  JSON.stringify([...some].sort()) === JSON.stringify([...others].sort());

/**
 * Swap: moves AWSCURRENT to a draft, if it is still on the ring that the draft was made from, and settles.
 *
 * @param options.isCompromised - the keys that the new ring does not have any more are deleted in KMS at once
 * @returns the keys that KMS still has to delete; undefined when another change came first, and nothing has moved
 * @throws KeysUnavailable
 */
export async function swap(
  ports: KeyManagerPorts,
  { current }: RingState,
  to: string,
  { isCompromised = false } = {},
): Promise<(Settled & { readonly toDestroy: readonly string[] }) | undefined> {
  // Also false when the response to an earlier try was lost: then the ring has moved.
  const hasMoved =
    (await ports.keySecret.moveCurrent(current.versionId, to)) ||
    (await readState(ports)).current.versionId === to;
  if (!hasMoved) {
    await settle(ports);
    return undefined;
  }
  try {
    const settled = await settle(ports, { movedFrom: current.versionId });
    const toDestroy = await destroyRetired(ports, settled.state.current.ring, { isCompromised });
    return { ...settled, toDestroy };
  } catch (cause) {
    // A change that was made must not be reported as refused, because the operator would repeat it.
    throw new KeysUnavailable(
      'the keys have moved, but what they leave behind could not be put right: the published set may still hold a key that was withdrawn',
      { cause },
    );
  }
}

/**
 * An operator's change: all the steps, one after the other. In an emergency it neither waits for the served set nor
 * stops when that set is wrong: a compromised key must be withdrawn.
 *
 * @returns the change, and notices for the operator about problems
 * @throws ChangeRefused `busy`, `published_set_…`, `signature_unverified`: nothing was changed
 * @throws KeysUnavailable
 */
export async function changeRing(
  ports: KeyManagerPorts,
  state: RingState,
  keys: readonly RingKey[],
  { isEmergency }: { isEmergency: boolean },
): Promise<Settled & { readonly notices: readonly string[] }> {
  const versionId = ports.newVersionId();
  const label = draftLabelPrefix + versionId;
  const ring = await draftRing(ports, state, keys, null);
  await ports.keySecret.put(versionId, writeRing(ring), label);
  await settle(ports, { draft: { versionId, ring } });

  const signing = keyAt(ring, 'current');
  const notices: string[] = [];
  try {
    if (isEmergency) await verifyServed(ports, [signing], 0);
    else await verifyServed(ports, [signing, ...keys], maxKeySetDelaySeconds);
  } catch (error) {
    const isBroken = !(error instanceof BffError) || error.code === 'signature_unverified';
    if (!isEmergency || isBroken) {
      await tidyLabels(ports, { ...state, unusedLabels: [{ label, versionId, abandoned: ring }] });
      await settle(ports);
      if (!(error instanceof ChangeRefused)) throw error;
      throw new ChangeRefused(error.code, `${error.message} Nothing was changed.`, { cause: error });
    }
    notices.push(
      `The key that signs now could not be verified beforehand: ${error.message} Check a sign-in.`,
    );
  }

  const done = await swap(ports, state, versionId, { isCompromised: isEmergency });
  if (done === undefined) {
    throw new ChangeRefused(
      'busy',
      'The keys were changed by somebody else at this moment. Check them, and try again.',
    );
  }
  if (isEmergency && done.toDestroy.length > 0) {
    notices.push(
      `KMS did not take the withdrawn key for deletion, so whoever may use it can still sign with it: disable it in KMS now (${done.toDestroy.join(', ')}).`,
    );
  }
  return { ...done, notices };
}

/**
 * Removes unused labels, so that no labelled version holds a retired private half, and has the KMS keys of abandoned drafts
 * deleted.
 *
 * @throws KeysUnavailable
 */
async function tidyLabels(ports: KeyManagerPorts, state: RingState): Promise<void> {
  const { current, drafts, unusedLabels } = state;
  for (const { label, versionId, abandoned } of unusedLabels) {
    const remaining =
      abandoned === undefined
        ? []
        : await destroyUnused(ports, abandoned, [current.ring, ...drafts.map(({ ring }) => ring)]);
    // The label stays while KMS has keys of the draft, so that the next call tries again.
    if (remaining.length === 0) await ports.keySecret.removeLabel(label, versionId);
  }
}

/** Has the keys in KMS deleted that only an abandoned draft has. @returns those that could not be deleted */
export async function destroyUnused(
  ports: KeyManagerPorts,
  abandoned: Ring,
  used: readonly Ring[],
): Promise<readonly string[]> {
  // A key that was just retired is deleted later, see destroyRetired.
  const inUse = used.flatMap(({ keys, toDestroy }) => [...kmsKeysOf(keys), ...toDestroy]);
  return destroyAll(
    ports.keyMaker,
    kmsKeysOf(abandoned.keys).filter((keyArn) => !inUse.includes(keyArn)),
  );
}

/** After this time every function has read the ring again, and a retired key signs nowhere. */
const retiredForSeconds = 7_200;

/**
 * Has retired keys in KMS deleted. One that was retired by a rotation is kept for a while: functions cache the ring for
 * up to an hour, and a draft may be half an hour old when it becomes current.
 *
 * @param options.isCompromised - deletes them at once
 * @returns those that are still to be deleted
 */
export async function destroyRetired(
  { keyMaker, clock }: KeyManagerPorts,
  ring: Ring,
  { isCompromised = false } = {},
): Promise<readonly string[]> {
  const since = keyAt(ring, 'current').signingSince;
  const isTime = isCompromised || since === null || clock() >= after(since, retiredForSeconds);
  return isTime ? destroyAll(keyMaker, ring.toDestroy) : ring.toDestroy;
}

/** @returns those that could not be deleted: an unavailable KMS must not block a change of the ring */
async function destroyAll(keyMaker: KeyMaker, keyArns: readonly string[]): Promise<readonly string[]> {
  const remaining: string[] = [];
  for (const keyArn of keyArns) {
    try {
      await keyMaker.destroy(keyArn);
    } catch (error) {
      if (!(error instanceof KeysUnavailable)) throw error;
      remaining.push(keyArn);
    }
  }
  return remaining;
}
