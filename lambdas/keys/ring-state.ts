/** What stands in the secret right now, and the published set that belongs to it. */
import { after, type Clock, type EpochSeconds, type Secret } from '../common/index.ts';
import { kmsKeysOf, publishedKeysOf } from './changes.ts';
import { ChangeRefused } from './errors.ts';
import type {
  FetchJwks,
  KeyMaker,
  PublishedKeys,
  PublishedRecord,
  Purpose,
  SignerOf,
  Vault,
} from './ports.ts';
import { keyAt, KeysUnavailable, readRing, type PublicJwk, type Ring } from './ring.ts';

export interface KeyManagerPorts {
  /** The ring's own purpose. */
  readonly purpose: Purpose;
  /** Everybody whom its keys prove us to. */
  readonly trustedBy: readonly Purpose[];
  readonly vault: Vault;
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
/** What was current before: it holds a private half that is to be in no labelled version. */
const previousLabel = 'AWSPREVIOUS';
/** Drafts of operators' changes: each has a label of its own, so that none is lost to another. */
const draftLabelPrefix = 'CIS2BFF_DRAFT_';
export const draftLabelFor = (versionId: string): string => `${draftLabelPrefix}${versionId}`;

/** Longer than any call of the function lasts: a draft of an operator’s that is older was left behind. */
const draftLifeSeconds = 300;

export interface StoredRing {
  readonly versionId: string;
  readonly ring: Ring;
}

/** A label that has no use any more, and the draft behind it that will never win. */
interface SpentLabel {
  readonly label: string;
  readonly versionId: string;
  readonly abandoned: Ring | undefined;
}

export interface RingState {
  readonly current: StoredRing;
  /** The rotation's draft, if it may take the current ring's place. */
  readonly pending: StoredRing | undefined;
  /** Every draft that may, that one among them. */
  readonly drafts: readonly StoredRing[];
  readonly spent: readonly SpentLabel[];
  readonly nextRotationAt: EpochSeconds | null;
}

/**
 * Reads the drafts first and the current ring last. So a draft that takes the ring's place meanwhile is seen as one or as
 * the other, and never as neither.
 *
 * @throws KeysUnavailable when the secret cannot be reached, or holds no ring
 */
export async function readState({ vault, clock }: KeyManagerPorts): Promise<RingState> {
  const { labels, nextRotationAt } = await vault.describe();
  const labelled = [...labels].filter(
    ([label]) => label === pendingLabel || label.startsWith(draftLabelPrefix),
  );
  const candidates = await Promise.all(
    labelled.map(async ([label, versionId]) => ({ label, versionId, found: await vault.version(versionId) })),
  );
  const current = await readCurrent(vault);
  const now = clock();

  const drafts = new Map<string, StoredRing>();
  const previous = labels.get(previousLabel);
  const spent: SpentLabel[] =
    previous === undefined ? [] : [{ label: previousLabel, versionId: previous, abandoned: undefined }];
  for (const { label, versionId, found } of candidates) {
    // Secrets Manager names the version of a rotation that starts before it has a value.
    if (found === undefined) continue;
    const ring = versionId === current.versionId ? undefined : readDraft(found.text);
    if (ring !== undefined && mayWin(ring, label, current, now)) drafts.set(label, { versionId, ring });
    else spent.push({ label, versionId, abandoned: ring });
  }
  return {
    current,
    pending: drafts.get(pendingLabel),
    drafts: [...drafts.values()],
    spent,
    nextRotationAt,
  };
}

function mayWin({ draft }: Ring, label: string, current: StoredRing, now: EpochSeconds): boolean {
  if (draft?.basedOn !== current.versionId) return false;
  return label === pendingLabel || now <= after(draft.at, draftLifeSeconds);
}

async function readCurrent(vault: Vault): Promise<StoredRing> {
  const found = await vault.current();
  if (found === undefined) throw new KeysUnavailable('there are no signing keys yet');
  return { versionId: found.versionId, ring: readRing(found.text) };
}

/** A draft that cannot be read is none. */
function readDraft(text: Secret): Ring | undefined {
  try {
    return readRing(text);
  } catch {
    return undefined;
  }
}

/**
 * Takes away the labels that have no use any more, so that none is left on a version that holds a retired private half,
 * and has the keys in KMS deleted that were made for drafts which will never win.
 *
 * @throws KeysUnavailable
 */
export async function tidyLabels(
  { vault, keyMaker }: Pick<KeyManagerPorts, 'vault' | 'keyMaker'>,
  { current, drafts, spent }: RingState,
): Promise<void> {
  // A key that was just retired has a time of its own.
  const used = new Set([
    ...current.ring.toDestroy,
    ...[current, ...drafts].flatMap(({ ring }) => kmsKeysOf(ring)),
  ]);
  for (const { label, versionId, abandoned } of spent) {
    const unused = abandoned === undefined ? [] : kmsKeysOf(abandoned).filter((keyArn) => !used.has(keyArn));
    // The label remembers what KMS would not delete, for the next time.
    if ((await destroyAll(keyMaker, unused)).length === 0) await vault.removeLabel(label, versionId);
  }
}

/** @returns those that could not be scheduled for deletion: KMS being away must not keep a ring from moving */
async function destroyAll(
  keyMaker: Pick<KeyMaker, 'destroy'>,
  keyArns: readonly string[],
): Promise<readonly string[]> {
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

/** How often a write of the published set is tried while others write it too. */
const settleTries = 10;
/** Between two looks at a secret that does not show yet what was done to it. */
const lagSeconds = 1;

export interface Settled {
  readonly state: RingState;
  readonly record: PublishedRecord;
  /** Whether something else was published before. */
  readonly differed: boolean;
}

/**
 * Publishes what belongs to the ring and its drafts. A write holds only if nobody has written since the record was read,
 * which was before the secret was; what is published is read again afterwards, together with the secret. So an older set
 * never replaces a newer one, and the key that signs is in every set.
 *
 * Secrets Manager may answer with what stood there a moment ago, so what the caller has just done there is told, not read.
 *
 * @param options.draft - a draft that the caller has stored. Its keys are published even if they are already, so that
 *   whoever looked before it was made and has not written yet has to look again
 * @param options.movedFrom - the version that the caller has moved AWSCURRENT away from
 * @throws KeysUnavailable when the secret or the record cannot be reached
 * @throws ChangeRefused `busy` when others keep writing, or the secret does not show the move
 */
export async function settlePublished(
  ports: KeyManagerPorts,
  { draft, movedFrom }: { draft?: StoredRing; movedFrom?: string } = {},
): Promise<Settled> {
  let differed = false;
  let toWrite = draft !== undefined;
  for (let tries = 0; tries < settleTries; tries += 1) {
    const { record, revision } = await ports.published.read();
    const state = withDraft(await readState(ports), draft);
    if (state.current.versionId === movedFrom) {
      await ports.wait(lagSeconds);
      continue;
    }
    const wanted = wantedKeys(state);
    const isRight = isWhole(record, wanted);
    if (isRight && !toWrite) return { state, record, differed };
    differed ||= !isRight;
    if (await ports.published.replace(nextRecord(record, wanted, state, ports.clock()), revision)) {
      toWrite = false;
    }
  }
  throw new ChangeRefused('busy', 'Others are changing the keys at this moment. Try again in a minute.');
}

/** A draft that does not show yet stands beside those that do. */
function withDraft(state: RingState, draft: StoredRing | undefined): RingState {
  const isMissing =
    draft?.ring.draft?.basedOn === state.current.versionId &&
    state.drafts.every(({ versionId }) => versionId !== draft.versionId);
  return isMissing ? { ...state, drafts: [...state.drafts, draft] } : state;
}

const wantedKeys = ({ current, drafts }: RingState): readonly PublicJwk[] =>
  publishedKeysOf(
    current.ring,
    drafts.map(({ ring }) => ring),
  );

/** Whether what is published is what belongs to the ring and its drafts. */
export const isPublishedRight = (record: PublishedRecord | undefined, state: RingState): boolean =>
  isWhole(record, wantedKeys(state));

/** The keys, and since when each is there: a key that nobody knows this of could never be let sign. */
const isWhole = (
  record: PublishedRecord | undefined,
  wanted: readonly PublicJwk[],
): record is PublishedRecord =>
  record !== undefined &&
  sameKeys(record.keys, wanted) &&
  wanted.every(({ kid }) => record.since[kid] !== undefined);

function sameKeys(some: readonly PublicJwk[], others: readonly PublicJwk[]): boolean {
  const spelled = (keys: readonly PublicJwk[]): string =>
    keys
      .map(({ kid, n, e }) => `${kid} ${n} ${e}`)
      .sort()
      .join('\n');
  return spelled(some) === spelled(others);
}

function nextRecord(
  before: PublishedRecord | undefined,
  keys: readonly PublicJwk[],
  { current }: RingState,
  now: EpochSeconds,
): PublishedRecord {
  const sinceBefore = (kid: string): EpochSeconds | undefined =>
    before?.keys.some((key) => key.kid === kid) === true ? before.since[kid] : undefined;
  // A ring that was ever changed was published before, even where nobody remembers it.
  const isFirst = before === undefined && current.ring.draft === null;
  return {
    keys,
    since: Object.fromEntries(keys.map(({ kid }) => [kid, sinceBefore(kid) ?? now])),
    firstAt: isFirst ? now : (before?.firstAt ?? null),
  };
}

/** Since when a key has been published without a gap; undefined when it is not. */
export const publishedSince = (record: PublishedRecord | undefined, kid: string): EpochSeconds | undefined =>
  record?.keys.some((key) => key.kid === kid) === true ? record.since[kid] : undefined;

/** Whether a key is in every set that anybody can have kept: it came with the very first, and the ring never changed. */
export const isOfFirstSet = (
  record: PublishedRecord | undefined,
  { draft }: Pick<Ring, 'draft'>,
  kid: string,
): boolean => {
  const since = publishedSince(record, kid);
  return draft === null && since !== undefined && since === record?.firstAt;
};

/**
 * From when on everybody knows a key of the ring who keeps a set for `seconds` at most; undefined while it is not
 * published.
 */
export function knownFrom(
  record: PublishedRecord | undefined,
  ring: Pick<Ring, 'draft'>,
  kid: string,
  seconds: number,
): EpochSeconds | undefined {
  const since = publishedSince(record, kid);
  if (since === undefined) return undefined;
  return isOfFirstSet(record, ring, kid) ? since : after(since, seconds);
}

/** A key that has been retired signs nowhere any more once every function has read the ring again. */
const retiredForSeconds = 7_200;

/**
 * Has the keys in KMS deleted that sign no more. A key that was retired in the ordinary way has some time yet: functions
 * keep the ring for up to an hour, and a draft may be half an hour old when it wins.
 *
 * @param options.atOnce - gives them no time: they are compromised
 * @returns those that are still to be deleted
 */
export async function destroyRetired(
  { keyMaker, clock }: { keyMaker: KeyMaker; clock: Clock },
  ring: Ring,
  { atOnce = false }: { atOnce?: boolean } = {},
): Promise<readonly string[]> {
  const since = keyAt(ring, 'current').signingSince;
  const isTime = atOnce || since === null || clock() >= after(since, retiredForSeconds);
  return isTime ? destroyAll(keyMaker, ring.toDestroy) : ring.toDestroy;
}
