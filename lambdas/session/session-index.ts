/**
 * The sessions of a user, and those of a CIS2 session: two items with one attribute for each session, written with
 * conditions. Not a global secondary index, which is eventually consistent: a logout must find every session.
 *
 * A logout leaves an end mark, in milliseconds, before it ends what an item lists:
 *
 * - `endedAt` on a CIS2 session's item: that session has ended, and no more sessions can be added;
 * - `endedAt` on a user's item: sign-ins that began at or before that time have ended;
 * - `endedWithoutSidAt` on a user's item: the same, for sign-ins without a CIS2 session.
 *
 * An item may list sessions that have ended; a sign-in removes some of them when the index is full.
 */
import { after, type EpochSeconds, type EpochMilliseconds } from '../common/index.ts';
import {
  format,
  readEpochSeconds,
  readEpochMilliseconds,
  numberAttribute,
  providerSessionIndexKey,
  userIndexKey,
  type Item,
} from './items.ts';
import type { StoreOptions } from './store.ts';
import { get, update, type Expression } from './table.ts';

const entryPrefix = 's#';

export interface IndexEntry {
  readonly key: string;
  /** When the sign-in began, in milliseconds; 0 if the entry does not say, which is earlier than every logout. */
  readonly begunAt: number;
  /** A time well after the absolute limit of the session; undefined if the entry does not say. */
  readonly until: EpochSeconds | undefined;
  /** Whether CIS2 said which of its sessions this one belongs to. */
  readonly hasProviderSession: boolean;
}

/** The sessions an index item lists. */
const indexEntries = (item: Item | undefined): IndexEntry[] =>
  Object.entries(item ?? {}).flatMap(([name, { M: entry }]) =>
    name.startsWith(entryPrefix)
      ? [
          {
            key: name.slice(entryPrefix.length),
            begunAt: readEpochMilliseconds(entry?.['begunAt']) ?? 0,
            until: readEpochSeconds(entry?.['until']),
            hasProviderSession: entry?.['providerSession']?.BOOL === true,
          },
        ]
      : [],
  );

export interface NewEntry {
  readonly key: string;
  /** When the sign-in began: a logout of the user that is no older ends it. */
  readonly begunAt: EpochMilliseconds;
  /** Whether CIS2 said which of its sessions this one belongs to. */
  readonly hasProviderSession: boolean;
  /** A moment well after the session's absolute limit, until which it is listed at least. */
  readonly until: EpochSeconds;
}

const add = (options: StoreOptions, index: Item, entry: NewEntry, condition: Expression) =>
  update(
    options,
    index,
    {
      expression: 'SET #entry = :entry, #format = :format, #ttl = :ttl',
      names: { '#entry': entryPrefix + entry.key },
      values: {
        ':entry': {
          M: {
            begunAt: numberAttribute(entry.begunAt),
            until: numberAttribute(entry.until),
            providerSession: { BOOL: entry.hasProviderSession },
          },
        },
        ':format': numberAttribute(format),
        ':ttl': numberAttribute(entry.until),
      },
    },
    condition,
    'ALL_NEW',
  );

const olderThanSignIn = (mark: string): string => `(attribute_not_exists(${mark}) OR ${mark} < :begunAt)`;

/**
 * Adds a session to its user's.
 *
 * @returns every session of the user now; undefined when a logout has ended this sign-in already
 * @throws StoreUnavailable
 */
export async function addToUserIndex(
  options: StoreOptions,
  userHash: string,
  entry: NewEntry,
): Promise<readonly IndexEntry[] | undefined> {
  const marks = ['endedAt', ...(entry.hasProviderSession ? [] : ['endedWithoutSidAt'])];
  const index = await add(options, userIndexKey(userHash), entry, {
    expression: marks.map(olderThanSignIn).join(' AND '),
    values: { ':begunAt': numberAttribute(entry.begunAt) },
  });
  return index && indexEntries(index);
}

/**
 * Adds a session to those of its CIS2 session.
 *
 * @returns false when a logout has ended the CIS2 session already
 * @throws StoreUnavailable
 */
export async function addToProviderSessionIndex(
  options: StoreOptions,
  providerSessionHash: string,
  entry: NewEntry,
): Promise<boolean> {
  const index = providerSessionIndexKey(providerSessionHash);
  return (await add(options, index, entry, { expression: 'attribute_not_exists(endedAt)' })) !== undefined;
}

/** The sessions that an index item lists. @throws StoreUnavailable */
export const readIndex = async (options: StoreOptions, index: Item): Promise<readonly IndexEntry[]> =>
  indexEntries(await get(options, index));

/** How long an end mark is stored, in seconds: longer than any session lives, so that DynamoDB does not delete a list too early. */
const minMarkSeconds = 172_800;

/**
 * Sets an end mark on an index item, which may not exist yet. A mark is never set to an earlier time.
 *
 * @returns the sessions listed at that time: a session that is added later finds the mark
 * @throws StoreUnavailable
 */
export async function markEnded(
  options: StoreOptions,
  index: Item,
  mark: 'endedAt' | 'endedWithoutSidAt',
  endedAt: EpochMilliseconds,
): Promise<readonly IndexEntry[]> {
  const marked = await update(
    options,
    index,
    {
      expression: `SET ${mark} = :endedAt, #format = :format, #ttl = :ttl`,
      values: {
        ':endedAt': numberAttribute(endedAt),
        ':format': numberAttribute(format),
        ':ttl': numberAttribute(after(options.clock(), minMarkSeconds)),
      },
    },
    { expression: `attribute_not_exists(${mark}) OR ${mark} <= :endedAt` },
    'ALL_NEW',
  );
  return marked === undefined ? readIndex(options, index) : indexEntries(marked);
}

/** DynamoDB takes expressions of 4 KB at most, and an index may list five hundred sessions. */
const maxRemovedAtOnce = 100;

/**
 * Removes ended sessions in one write, at most the first hundred. An item that was deleted is not created again.
 *
 * @throws StoreUnavailable
 */
export async function removeFromIndex(
  options: StoreOptions,
  index: Item,
  sessions: readonly string[],
): Promise<void> {
  const names = sessions
    .slice(0, maxRemovedAtOnce)
    .map((session, position) => [`#s${String(position)}`, entryPrefix + session] as const);
  if (names.length === 0) return;
  await update(
    options,
    index,
    { expression: `REMOVE ${names.map(([name]) => name).join(', ')}`, names: Object.fromEntries(names) },
    { expression: 'attribute_exists(pk)' },
  );
}
