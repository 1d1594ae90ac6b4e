/** What an operator, and the hourly check, ask of a ring. */
import { after, toRfc3339, type EpochSeconds } from '../common/index.ts';
import { newKeyOf, promoted, rotated, withImported, type Changed, type NewKey } from './changes.ts';
import { inWords } from './durations.ts';
import { ChangeRefused } from './errors.ts';
import { importedKey } from './imported-key.ts';
import type { PublishedRecord, Purpose, RotationResult } from './ports.ts';
import {
  destroyRetired,
  draftLabelFor,
  isOfFirstSet,
  isPublishedRight,
  knownFrom,
  publishedSince,
  readState,
  settlePublished,
  tidyLabels,
  type KeyManagerPorts,
  type RingState,
} from './ring-state.ts';
import {
  keyAt,
  KeysUnavailable,
  writeRing,
  type Custody,
  type Place,
  type Ring,
  type RingKey,
} from './ring.ts';
import { requireSeasoned } from './rotation.ts';

/** A key as an operator sees it. Every instant is RFC 3339. */
export interface KeyView {
  readonly kid: string;
  readonly place: Place;
  readonly createdAt: string;
  readonly signingSince: string | null;
  readonly publishedSince: string | null;
}

export interface Status {
  readonly ok: true;
  readonly purpose: Purpose;
  /** Previous, current, next. */
  readonly keys: readonly KeyView[];
  readonly nextRotationAt: string | null;
  readonly lastRotation: {
    readonly token: string;
    readonly at: string;
    readonly result: RotationResult['result'];
    readonly code?: string;
  } | null;
  readonly publishedEqualsRing: boolean;
  readonly leadSeconds: number;
  /** Where new keys are made. */
  readonly custody: Custody;
}

export interface Change {
  readonly ok: true;
  readonly dryRun: boolean;
  readonly before: readonly KeyView[];
  readonly after: readonly KeyView[];
  readonly nextRotationAt: string | null;
  /** Sentences for a person. */
  readonly notices: readonly string[];
  /** When a platform that keeps a set for an hour has certainly seen the key that signs now. */
  readonly gapEndsAt?: string;
}

/** The edge may hand out the set of a minute ago, to be kept from then on. */
const edgeKeepsSeconds = 60;
/** How long the API platform keeps a set; it does not ask again for a key that it does not know. */
const platformKeepsSeconds = 3_600 + edgeKeepsSeconds;
/** CIS2 does not say how long it keeps a set; a day is the least that is safe to think. */
const cis2KeepsSeconds = 86_400 + edgeKeepsSeconds;

const views = ({ keys }: Pick<Ring, 'keys'>, record: PublishedRecord | undefined): readonly KeyView[] =>
  (['previous', 'current', 'next'] as const).flatMap((place) =>
    keys.filter((key) => key.place === place).map((key) => view(key, record)),
  );

const view = (
  { kid, place, createdAt, signingSince }: RingKey,
  record: PublishedRecord | undefined,
): KeyView => ({
  kid,
  place,
  createdAt: toRfc3339(createdAt),
  signingSince: rfc3339OrNull(signingSince),
  publishedSince: rfc3339OrNull(publishedSince(record, kid) ?? null),
});

const rfc3339OrNull = (instant: EpochSeconds | null): string | null =>
  instant === null ? null : toRfc3339(instant);

const look = async (
  ports: KeyManagerPorts,
): Promise<{ state: RingState; record: PublishedRecord | undefined }> => {
  const { record } = await ports.published.read();
  return { state: await readState(ports), record };
};

/** How the ring stands. @throws KeysUnavailable */
export async function status(ports: KeyManagerPorts): Promise<Status> {
  const { state, record } = await look(ports);
  const last = await ports.published.lastRotation();
  return {
    ok: true,
    purpose: ports.purpose,
    keys: views(state.current.ring, record),
    nextRotationAt: rfc3339OrNull(state.nextRotationAt),
    lastRotation: last === undefined ? null : { ...last, at: toRfc3339(last.at) },
    publishedEqualsRing: isPublishedRight(record, state),
    leadSeconds: ports.leadSeconds,
    custody: ports.keyMaker.custody,
  };
}

/** Stands in for the key that a dry run does not make. */
const newKeyView = (now: EpochSeconds): KeyView => ({
  kid: '(new)',
  place: 'next',
  createdAt: toRfc3339(now),
  signingSince: null,
  publishedSince: null,
});

/** A change as it would be, with a key that is not made yet: whatever stands in for it as `next` is left out. */
const viewsWithNewKey = (
  changed: Changed,
  record: PublishedRecord | undefined,
  now: EpochSeconds,
): readonly KeyView[] => [...views(changed, record).filter(({ place }) => place !== 'next'), newKeyView(now)];

/**
 * What a rotation would do now.
 *
 * @throws RotationFailed `not_seasoned`
 * @throws KeysUnavailable
 */
export async function wouldRotate(ports: KeyManagerPorts): Promise<Change> {
  const { state, record } = await look(ports);
  requireSeasoned(ports, state, record);
  const now = ports.clock();
  const { ring } = state.current;
  const changed = rotated(ring, newKeyOf(keyAt(ring, 'next')), now);
  return {
    ok: true,
    dryRun: true,
    before: views(ring, record),
    after:
      state.pending === undefined ? viewsWithNewKey(changed, record, now) : views(state.pending.ring, record),
    nextRotationAt: rfc3339OrNull(state.nextRotationAt),
    notices:
      state.pending === undefined
        ? [publishedFor(ring, record, now)]
        : ['An earlier rotation was not finished: its new key is gone on with.'],
  };
}

function publishedFor(ring: Ring, record: PublishedRecord | undefined, now: EpochSeconds): string {
  const { kid } = keyAt(ring, 'next');
  const since = publishedSince(record, kid);
  if (since === undefined) return `The next key ${kid} is not published yet.`;
  const first = isOfFirstSet(record, ring, kid) ? ', as long as any of our keys' : '';
  return `The next key ${kid} has been published for ${inWords(now - since)}${first}.`;
}

/** Who may keep a set without this key, and until when. */
function mayNotKnow(
  { trustedBy, clock }: KeyManagerPorts,
  record: PublishedRecord | undefined,
  ring: Ring,
  kid: string,
): readonly string[] {
  const now = clock();
  const until = (seconds: number): EpochSeconds | undefined => {
    const from = knownFrom(record, ring, kid, seconds) ?? after(now, seconds);
    return from > now ? from : undefined;
  };
  const platform = trustedBy.includes('api-platform') ? until(platformKeepsSeconds) : undefined;
  const cis2 = trustedBy.includes('cis2') ? until(cis2KeepsSeconds) : undefined;
  return [
    ...(platform === undefined
      ? []
      : [
          `The API platform keeps our keys for an hour and does not ask again for one it does not know: until ${toRfc3339(platform)} it may refuse us.`,
        ]),
    ...(cis2 === undefined
      ? []
      : [
          `How long CIS2 keeps our keys is not known. Until it has fetched them again it may refuse sign-ins: count on that until ${toRfc3339(cis2)}.`,
        ]),
  ];
}

/**
 * The emergency: `next` signs at once, and every key that has signed is nowhere afterwards.
 *
 * @throws ChangeRefused `busy`
 * @throws KeysUnavailable
 */
export async function promote(ports: KeyManagerPorts, { dryRun }: { dryRun: boolean }): Promise<Change> {
  const { state, record } = await look(ports);
  const now = ports.clock();
  const { ring } = state.current;
  const [compromised, coming] = [keyAt(ring, 'current'), keyAt(ring, 'next')];
  const known = knownFrom(record, ring, coming.kid, platformKeepsSeconds) ?? after(now, platformKeepsSeconds);
  const notices = [
    publishedFor(ring, record, now),
    ...mayNotKnow(ports, record, ring, coming.kid),
    `The current key ${compromised.kid} is withdrawn, and the previous one if there is one: whoever fetches our keys again refuses them.`,
    ...givenUp(state),
  ];
  const gapEndsAt = toRfc3339(known > now ? known : now);
  const about = { before: views(ring, record), notices, gapEndsAt };
  if (dryRun) {
    const changed = promoted(ring, newKeyOf(coming), now);
    return answer(state, { ...about, dryRun, after: viewsWithNewKey(changed, record, now) });
  }
  const newKey = await ports.keyMaker.make();
  const done = await replaceRing(ports, state, promoted(ring, newKey, now), { compromised: true });
  return answer(done.state, {
    ...about,
    notices: [...notices, ...notDestroyed(done.toDestroy)],
    dryRun,
    after: views(done.state.current.ring, done.record),
  });
}

const notDestroyed = (keyArns: readonly string[]): readonly string[] =>
  keyArns.length === 0
    ? []
    : [
        `KMS did not take the withdrawn key for deletion, so whoever may use it can still sign with it: disable it in KMS now (${keyArns.join(', ')}).`,
      ];

const givenUp = ({ pending }: RingState): readonly string[] =>
  pending === undefined ? [] : ['The rotation that is under way is given up.'];

const answer = ({ nextRotationAt }: RingState, change: Omit<Change, 'ok' | 'nextRotationAt'>): Change => ({
  ok: true,
  ...change,
  nextRotationAt: rfc3339OrNull(nextRotationAt),
});

/**
 * Takes an existing private key in, as `next` or to sign at once.
 *
 * @param request.jwk - a private RSA key
 * @param request.kid - its name; RFC 7638 thumbprint unless told otherwise
 * @throws ChangeRefused `key_unusable`, `key_known`, `custody_kms`, `busy`
 * @throws KeysUnavailable
 */
export async function importKey(
  ports: KeyManagerPorts,
  request: { jwk: unknown; kid: unknown; now: boolean; dryRun: boolean },
): Promise<Change> {
  if (ports.keyMaker.custody === 'kms') {
    throw new ChangeRefused(
      'custody_kms',
      'Private keys are made in KMS here and never leave it, so none can be taken in.',
    );
  }
  const key = await importedKey(request.jwk, request.kid, ports.clock);
  const { state, record } = await look(ports);
  const { ring } = state.current;
  if (ring.keys.some(({ kid, publicJwk: { n } }) => kid === key.kid || n === key.publicJwk.n)) {
    throw new ChangeRefused('key_known', 'This key, or one of its name, stands in the ring already.');
  }
  const changed = withImported(ring, key, request.now ? 'current' : 'next', ports.clock());
  const about = {
    dryRun: request.dryRun,
    before: views(ring, record),
    notices: [...importNotices(ports, state, record, key, request.now), ...givenUp(state)],
  };
  if (request.dryRun) return answer(state, { ...about, after: views(changed, record) });
  const done = await replaceRing(ports, state, changed);
  return answer(done.state, { ...about, after: views(done.state.current.ring, done.record) });
}

function importNotices(
  ports: KeyManagerPorts,
  { current: { ring } }: RingState,
  record: PublishedRecord | undefined,
  { kid }: NewKey,
  now: boolean,
): readonly string[] {
  return now
    ? [`The key ${kid} signs at once.`, ...mayNotKnow(ports, record, ring, kid)]
    : [
        `The key ${kid} comes next. A rotation lets it sign once it has been published for ${inWords(ports.leadSeconds)}.`,
        `It takes the place of ${keyAt(ring, 'next').kid}, which has never signed.`,
      ];
}

/**
 * Puts a changed ring in the place of the one that was read, if that still is the current one: first everything is
 * published that may sign, then the ring moves in one step, then what signs no more is withdrawn.
 */
async function replaceRing(
  ports: KeyManagerPorts,
  { current }: RingState,
  changed: Changed,
  { compromised = false }: { compromised?: boolean } = {},
): Promise<{ state: RingState; record: PublishedRecord; toDestroy: readonly string[] }> {
  const versionId = ports.newVersionId();
  const ring: Ring = {
    keys: changed.keys,
    toDestroy: [...current.ring.toDestroy, ...changed.toDestroy],
    draft: { basedOn: current.versionId, rotation: null, at: ports.clock() },
  };
  await ports.vault.put(versionId, writeRing(ring), draftLabelFor(versionId));
  await settlePublished(ports, { draft: { versionId, ring } });
  // Refused, too, when the answer to an earlier try was lost: then the ring has moved.
  const hasMoved =
    (await ports.vault.moveCurrent(current.versionId, versionId)) ||
    (await readState(ports)).current.versionId === versionId;
  const { state, record } = await settleAfter(ports, hasMoved ? current.versionId : undefined);
  if (!hasMoved) {
    throw new ChangeRefused(
      'busy',
      'The keys were changed by somebody else at this moment. Look at them, and try again.',
    );
  }
  const toDestroy = await destroyRetired(ports, state.current.ring, { atOnce: compromised });
  return { state, record, toDestroy };
}

/** Whoever hears that a change failed makes it once more: one that has been made must not be told as refused. */
async function settleAfter(
  ports: KeyManagerPorts,
  movedFrom: string | undefined,
): Promise<{ state: RingState; record: PublishedRecord }> {
  try {
    const settled = await settlePublished(ports, movedFrom === undefined ? {} : { movedFrom });
    await tidyLabels(ports, settled.state);
    return settled;
  } catch (cause) {
    if (movedFrom === undefined) throw cause;
    throw new KeysUnavailable(
      'the keys have moved, but what they leave behind could not be put right: the published set may still hold a key that was withdrawn',
      { cause },
    );
  }
}

export interface CheckResult {
  readonly kids: readonly string[];
  /** Whether something else was published than belongs to the ring, before it was put right. */
  readonly differed: boolean;
  readonly signingKeyAgeSeconds: number;
  /** Null while no rotation is scheduled. */
  readonly secondsToNextRotation: number | null;
}

/**
 * Puts right what an accident left: what is published, labels, and keys in KMS that sign no more.
 *
 * @throws KeysUnavailable
 */
export async function check(ports: KeyManagerPorts): Promise<CheckResult> {
  const { state, differed } = await settlePublished(ports);
  await tidyLabels(ports, state);
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
