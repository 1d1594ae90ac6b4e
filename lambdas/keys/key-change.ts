/**
 * The one way in which the keys change: draft, publish, verify, swap, settle. A rotation takes these steps when Secrets
 * Manager asks for them, an operator's change takes them one after the other. Each can be repeated, and be cut off anywhere.
 */
import { after, BffError, type Clock, type EpochSeconds, type Secret } from '../common/index.ts';
import { maxKeySetDelaySeconds } from '../key-set-cache.ts';
import { ChangeRefused, KeysUnavailable } from './errors.ts';
import type { KeySecret } from './key-secret.ts';
import type { KeyMaker, SignerOf } from './key-storage.ts';
import type { PublishedKeys, PublishedRecord, Purpose, RingFacts } from './published-keys.ts';
import { keysToPublish, kmsKeysOf } from './ring-changes.ts';
import { keyAt, readRing, writeRing, type PublicJwk, type Ring, type RingKey } from './ring.ts';
import { verifyServed, type FetchJwks } from './served-set.ts';

export interface KeyManagerPorts {
  /** The ring's own purpose. */
  readonly purpose: Purpose;
  /** Everybody whom its keys prove us to. */
  readonly trustedBy: readonly Purpose[];
  readonly keySecret: KeySecret;
  readonly published: PublishedKeys;
  readonly keyMaker: KeyMaker;
  readonly signerOf: SignerOf;
  readonly fetchJwks: FetchJwks;
  /** How long a key must have been published before a rotation lets it sign. */
  readonly leadSeconds: number;
  readonly clock: Clock;
  /** A name for a new version that no version has. */
  readonly newVersionId: () => string;
  readonly wait: (seconds: number) => Promise<void>;
}

/** The draft of a rotation. */
export const pendingLabel = 'AWSPENDING';
/** What was current before: it holds a private half that must not be in a labelled version. */
const previousLabel = 'AWSPREVIOUS';
/** Each draft of an operator's change has a label of its own, so that none is lost to another. */
const draftLabelPrefix = 'CIS2BFF_DRAFT_';

/** Longer than any call of the function lasts: an operator's draft that is older was left behind. */
const draftLifetimeSeconds = 300;

export interface StoredRing {
  readonly versionId: string;
  readonly ring: Ring;
}

/** A label that is of no use any more, and the draft behind it that can never win. */
interface UnusedLabel {
  readonly label: string;
  readonly versionId: string;
  readonly abandoned: Ring | undefined;
}

export interface RingState {
  readonly current: StoredRing;
  /** The rotation's draft, if it may replace the current ring. */
  readonly pending: StoredRing | undefined;
  /** Every draft that may, that one included. */
  readonly drafts: readonly StoredRing[];
  readonly unusedLabels: readonly UnusedLabel[];
  readonly nextRotationAt: EpochSeconds | null;
}

/**
 * Reads the drafts first and the current ring last. So a draft that replaces the ring meanwhile is seen as one or as the
 * other, and never as neither.
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
    // Secrets Manager names the version of a rotation that starts before it has a value.
    if (draft === undefined) continue;
    const ring = versionId === current.versionId ? undefined : readDraft(draft.text);
    if (ring !== undefined && mayWin(ring, label, current, clock())) drafts.set(label, { versionId, ring });
    else unusedLabels.push({ label, versionId, abandoned: ring });
  }
  const pending = drafts.get(pendingLabel);
  return { current, pending, drafts: [...drafts.values()], unusedLabels, nextRotationAt };
}

/** A draft that cannot be read is none. */
function readDraft(text: Secret): Ring | undefined {
  try {
    return readRing(text);
  } catch {
    return undefined;
  }
}

const mayWin = ({ draft }: Ring, label: string, current: StoredRing, now: EpochSeconds): boolean =>
  draft?.basedOn === current.versionId &&
  (label === pendingLabel || now <= after(draft.at, draftLifetimeSeconds));

/** Draft: the ring that is to replace the current one. Keys in KMS that it does not have are deleted some time later. */
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
/** Between two reads of a secret that does not show yet what was done to it. */
const lagSeconds = 1;

export interface Settled {
  readonly state: RingState;
  readonly record: PublishedRecord;
  /** Whether other keys were published before. */
  readonly differed: boolean;
}

/**
 * Publish, and settle: publishes what belongs to the ring and its drafts, and tidies the labels. A write holds only if
 * nobody has written since the record was read, which was before the secret was read; both are read again afterwards. So an
 * older set never replaces a newer one, and the key that signs is in every set.
 *
 * Secrets Manager may show what was there a moment ago, so what the caller has just done there is given and not read.
 *
 * @param known.draft - a draft that the caller has stored. The record is written even if it has its keys already, so that
 *   whoever read the secret before and has not written yet has to read it again
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
  const sinceBefore = (kid: string): EpochSeconds | undefined =>
    before?.keys.some((key) => key.kid === kid) === true ? before.since[kid] : undefined;
  // A ring that was ever changed was published before, even where no record says so.
  const isFirst = before === undefined && current.ring.draft === null;
  return {
    keys,
    since: Object.fromEntries(keys.map(({ kid }) => [kid, sinceBefore(kid) ?? now])),
    firstAt: isFirst ? now : (before?.firstAt ?? null),
    rings: Object.fromEntries([current, ...drafts].map(({ versionId, ring }) => [versionId, factsOf(ring)])),
  };
}

/** Built of the members by name: nothing of a private half may get into the record. */
const factsOf = ({ keys, draft }: Ring): RingFacts => ({
  keys: keys.map(({ kid, place, createdAt, signingSince }) => ({ kid, place, createdAt, signingSince })),
  basedOn: draft?.basedOn ?? null,
});

/** The keys, and since when each is there: a key of which this is not known could never be let sign. */
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
 * @returns what is left for KMS to delete; undefined when another change was first, and nothing has moved
 * @throws KeysUnavailable
 */
export async function swap(
  ports: KeyManagerPorts,
  { current }: RingState,
  to: string,
  { isCompromised = false } = {},
): Promise<(Settled & { readonly toDestroy: readonly string[] }) | undefined> {
  // Refused, too, when the response to an earlier try was lost: then the ring has moved.
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
    // Whoever hears that a change failed makes it once more: one that was made must not be reported as refused.
    throw new KeysUnavailable(
      'the keys have moved, but what they leave behind could not be put right: the published set may still hold a key that was withdrawn',
      { cause },
    );
  }
}

/**
 * An operator's change: all the steps, one after the other. In an emergency it does not wait for the served set, and a set
 * that is not right does not stop it: a compromised key must go.
 *
 * @returns what has changed, and sentences about what was not right
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
 * Takes unused labels away, so that no labelled version holds a retired private half, and has the keys in KMS deleted that
 * were made for abandoned drafts.
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
    // The label keeps what KMS would not delete, for the next time.
    if (remaining.length === 0) await ports.keySecret.removeLabel(label, versionId);
  }
}

/** Has the keys in KMS deleted that only an abandoned draft has. @returns those that KMS would not delete */
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

/** A retired key signs nowhere any more once every function has read the ring again. */
const retiredForSeconds = 7_200;

/**
 * Has retired keys in KMS deleted. One that was retired in the ordinary way has some time yet: functions cache the ring for
 * up to an hour, and a draft may be half an hour old when it wins.
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

/** @returns those that KMS would not delete: KMS being away must not keep a ring from moving */
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
