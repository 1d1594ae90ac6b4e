import { toRfc3339, type EpochSeconds } from '../common/index.ts';
import { KeysUnavailable } from './errors.ts';
import type { KeyManagerPorts } from './key-change.ts';
import { currentLabel, type KeySecret } from './key-secret.ts';
import { publishedSince } from './published-keys.ts';
import type { PublishedKeys, PublishedRecord, Purpose, RotationResult } from './published-keys.ts';
import { keysToPublish } from './ring-changes.ts';
import type { KeyFacts, KeyStorage, Place } from './ring.ts';

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
  readonly lastRotation: (Omit<RotationResult, 'at'> & { readonly at: string }) | null;
  readonly publishedEqualsRing: boolean;
  readonly leadSeconds: number;
  /** Where new keys are made: the setting KEY_CUSTODY. */
  readonly custody: KeyStorage;
}

export interface StatusPorts extends Pick<KeyManagerPorts, 'purpose' | 'leadSeconds' | 'wait'> {
  readonly keySecret: Pick<KeySecret, 'describe'>;
  readonly published: Pick<PublishedKeys, 'read' | 'lastRotation'>;
  readonly storage: KeyStorage;
}

export const rfc3339OrNull = (instant: EpochSeconds | null): string | null =>
  instant === null ? null : toRfc3339(instant);

export const keyViews = (
  keys: readonly KeyFacts[],
  record: PublishedRecord | undefined,
): readonly KeyView[] =>
  (['previous', 'current', 'next'] as const).flatMap((place) =>
    keys
      .filter((key) => key.place === place)
      .map(({ kid, createdAt, signingSince }) => ({
        kid,
        place,
        createdAt: toRfc3339(createdAt),
        signingSince: rfc3339OrNull(signingSince),
        publishedSince: rfc3339OrNull(publishedSince(record, kid) ?? null),
      })),
  );

/** Maximum number of reads while the record does not have the current ring yet. */
const maxTries = 5;

/**
 * The state of the keys, from public facts only: the published record has them for every ring that can be current, and
 * the labels in Secrets Manager name the current version.
 *
 * @throws KeysUnavailable
 */
export async function readStatus(ports: StatusPorts): Promise<Status> {
  for (let tries = 1; ; tries += 1) {
    const { labels, nextRotationAt } = await ports.keySecret.describe();
    const { record } = await ports.published.read();
    const current = labels.get(currentLabel);
    const ring = current === undefined ? undefined : record?.rings[current];
    if (record !== undefined && ring !== undefined) {
      const labelled = new Set(labels.values());
      const drafts = Object.entries(record.rings).flatMap(([versionId, draft]) =>
        draft.basedOn === current && labelled.has(versionId) ? [draft] : [],
      );
      const last = await ports.published.lastRotation();
      const published = new Set(record.keys.map(({ kid }) => kid));
      const wanted = keysToPublish(ring, drafts);
      return {
        ok: true,
        purpose: ports.purpose,
        keys: keyViews(ring.keys, record),
        nextRotationAt: rfc3339OrNull(nextRotationAt),
        lastRotation: last === undefined ? null : { ...last, at: toRfc3339(last.at) },
        publishedEqualsRing:
          wanted.length === published.size &&
          wanted.every(({ kid }) => record.since[kid] && published.has(kid)),
        leadSeconds: ports.leadSeconds,
        custody: ports.storage,
      };
    }
    if (tries === maxTries) {
      throw new KeysUnavailable('the record of what is published does not have the ring that is current');
    }
    await ports.wait(1);
  }
}
