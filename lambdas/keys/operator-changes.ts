/** The changes of an operator: the preview, the effect on those who have cached our keys, and the result. */
import { after, toRfc3339, toText, type EpochSeconds } from '../common/index.ts';
import {
  apiPlatformKeySetCacheSeconds,
  cis2KeySetCacheSeconds,
  maxKeySetDelaySeconds,
} from '../key-set-cache.ts';
import { ChangeRefused } from './errors.ts';
import { changeRing, readState, type KeyManagerPorts, type RingState } from './key-change.ts';
import { importedKey } from './private-key.ts';
import {
  isOfFirstSet,
  knownFrom,
  publishedSince,
  type PublishedRecord,
  type Purpose,
} from './published-keys.ts';
import { promoted, rotated, withImported, type NewKey } from './ring-changes.ts';
import { keyAt, type Ring, type RingKey } from './ring.ts';
import { requireLeadTime } from './rotation.ts';
import { keyViews, rfc3339OrNull, type KeyView } from './status.ts';
import { durationInWords } from './duration-in-words.ts';

export interface Change {
  readonly ok: true;
  readonly dryRun: boolean;
  readonly before: readonly KeyView[];
  readonly after: readonly KeyView[];
  readonly nextRotationAt: string | null;
  /** Sentences for a person. */
  readonly notices: readonly string[];
  /** When a platform that caches a set for an hour knows the key that signs now. */
  readonly gapEndsAt?: string;
}

interface RingSnapshot {
  readonly state: RingState;
  readonly record: PublishedRecord | undefined;
}

/** The record first, as it must not be newer than the ring. */
async function readSnapshot(ports: KeyManagerPorts): Promise<RingSnapshot> {
  const { record } = await ports.published.read();
  return { state: await readState(ports), record };
}

/** After this time each knows a published key: its own cache time plus that of both caches of CloudFront. */
const knownAfterSeconds = {
  'api-platform': maxKeySetDelaySeconds + apiPlatformKeySetCacheSeconds,
  cis2: maxKeySetDelaySeconds + cis2KeySetCacheSeconds,
} as const satisfies Record<Purpose, number>;

/** Stands in for the key that a dry run does not make. */
const unmadeKey = (ring: Ring, now: EpochSeconds): NewKey => ({
  ...keyAt(ring, 'next'),
  kid: '(new)',
  createdAt: now,
});

async function makeChange(
  ports: KeyManagerPorts,
  before: RingSnapshot,
  keys: readonly RingKey[],
  options: { dryRun: boolean; notices: readonly string[]; gapEndsAt?: string; isEmergency: boolean },
): Promise<Change> {
  const { isEmergency, ...about } = options;
  const done = about.dryRun ? undefined : await changeRing(ports, before.state, keys, { isEmergency });
  const givenUp = before.state.pending === undefined ? [] : ['The rotation that is under way is given up.'];
  const notices = [...about.notices, ...givenUp, ...(done?.notices ?? [])];
  return describeChange(before, done ?? { ...before, keys }, { ...about, notices });
}

/** @param after.keys - those of the ring, unless it is not changed */
const describeChange = (
  before: RingSnapshot,
  after: RingSnapshot & { readonly keys?: readonly RingKey[] },
  about: Pick<Change, 'dryRun' | 'notices' | 'gapEndsAt'>,
): Change => ({
  ok: true,
  ...about,
  before: keyViews(before.state.current.ring.keys, before.record),
  after: keyViews(after.keys ?? after.state.current.ring.keys, after.record),
  nextRotationAt: rfc3339OrNull(after.state.nextRotationAt),
});

/**
 * What a rotation would do now.
 *
 * @throws ChangeRefused `lead_time_not_met`
 * @throws KeysUnavailable
 */
export async function previewRotation(ports: KeyManagerPorts): Promise<Change> {
  const { state, record } = await readSnapshot(ports);
  requireLeadTime(ports, state, record);
  const { current, pending } = state;
  const now = ports.clock();
  const keys = pending?.ring.keys ?? rotated(current.ring, unmadeKey(current.ring, now), now);
  const notice =
    pending === undefined
      ? publishedFor(current.ring, record, now)
      : 'An earlier rotation was not finished: its new key is used.';
  return describeChange({ state, record }, { keys, record, state }, { dryRun: true, notices: [notice] });
}

/**
 * The emergency change: `next` signs at once, and every key that has signed leaves the ring and the published set.
 *
 * @throws ChangeRefused `busy`, `signature_unverified`
 * @throws KeysUnavailable
 */
export async function promote(ports: KeyManagerPorts, { dryRun }: { dryRun: boolean }): Promise<Change> {
  const snapshot = await readSnapshot(ports);
  const { state, record } = snapshot;
  const { ring } = state.current;
  const now = ports.clock();
  const [compromised, coming] = [keyAt(ring, 'current'), keyAt(ring, 'next')];
  const platformSeconds = knownAfterSeconds['api-platform'];
  const known = knownFrom(record, ring, coming.kid, platformSeconds) ?? after(now, platformSeconds);
  const newKey = dryRun ? unmadeKey(ring, now) : await ports.keyMaker.make();
  return makeChange(ports, snapshot, promoted(ring, newKey, now), {
    dryRun,
    notices: [
      publishedFor(ring, record, now),
      ...mayNotKnow(ports, record, ring, coming.kid),
      `The current key ${compromised.kid} is withdrawn, and the previous one if there is one: whoever reads our keys again refuses them.`,
    ],
    gapEndsAt: toRfc3339(known > now ? known : now),
    isEmergency: true,
  });
}

/**
 * Imports an existing private key, as `next` or to sign at once.
 *
 * @param request.jwk - a private RSA key
 * @param request.kid - its name; RFC 7638 thumbprint by default
 * @throws ChangeRefused `key_unusable`, `key_known`, `custody_kms`, `busy`, `published_set_…`, `signature_unverified`
 * @throws KeysUnavailable
 */
export async function importKey(
  ports: KeyManagerPorts,
  { jwk, kid, now: signsNow, dryRun }: { jwk: unknown; kid: unknown; now: boolean; dryRun: boolean },
): Promise<Change> {
  if (ports.keyMaker.storage === 'kms') {
    throw new ChangeRefused(
      'custody_kms',
      'Private keys are made in KMS here and never leave it, so none can be imported.',
    );
  }
  const key = await importedKey(jwk, kid, ports.clock);
  const snapshot = await readSnapshot(ports);
  const { ring } = snapshot.state.current;
  if (ring.keys.some((known) => known.kid === key.kid || known.publicJwk.n === key.publicJwk.n)) {
    throw new ChangeRefused('key_known', 'The ring has this key, or one of this name, already.');
  }
  const keys = withImported(ring, key, signsNow ? 'current' : 'next', ports.clock());
  const notices = signsNow
    ? [`The key ${key.kid} signs at once.`, ...mayNotKnow(ports, snapshot.record, ring, key.kid)]
    : [
        `The key ${key.kid} comes next. A rotation lets it sign once it has been published for ${durationInWords(ports.leadSeconds)}.`,
        `It replaces ${keyAt(ring, 'next').kid}, which has never signed.`,
      ];
  return makeChange(ports, snapshot, keys, { dryRun, notices, isEmergency: false });
}

function publishedFor(ring: Ring, record: PublishedRecord | undefined, now: EpochSeconds): string {
  const { kid } = keyAt(ring, 'next');
  const since = publishedSince(record, kid);
  if (since === undefined) return `The next key ${kid} is not published yet.`;
  const first = isOfFirstSet(record, ring, kid) ? ', as long as any of our keys' : '';
  return `The next key ${kid} has been published for ${durationInWords(now - since)}${first}.`;
}

/** Who may have cached a set without this key, and until when. */
function mayNotKnow(
  { trustedBy, clock }: KeyManagerPorts,
  record: PublishedRecord | undefined,
  ring: Ring,
  kid: string,
): readonly string[] {
  const now = clock();
  const sentences = {
    'api-platform': (until: string) =>
      `The API platform caches our keys for an hour and does not read them again for one it does not know: until ${until} it may refuse us.`,
    cis2: (until: string) =>
      `How long CIS2 caches our keys is not known. Until it has read them again it may refuse sign-ins: count on that until ${until}.`,
  } as const satisfies Record<Purpose, (until: string) => string>;
  return (['api-platform', 'cis2'] as const).flatMap((whom) => {
    const seconds = knownAfterSeconds[whom];
    const from = knownFrom(record, ring, kid, seconds) ?? after(now, seconds);
    return trustedBy.includes(whom) && from > now ? [sentences[whom](toText(from))] : [];
  });
}
