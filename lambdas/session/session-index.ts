/**
 * Which sessions a user has, and which one CIS2 session has: two items with one attribute for each session, written with
 * conditions. Not a global secondary index, which would lag behind: a logout must find every session there is.
 *
 * A logout leaves an end mark, in milliseconds, before it ends what an item lists:
 *
 * - `endedAt` on a CIS2 session's item: that session is over for good, and nothing can be listed there any more;
 * - `endedAt` on a user's item: sign-ins begun at or before that moment are over;
 * - `endedWithoutSidAt` on a user's item: the same, for sign-ins of which CIS2 did not say which session they belong to.
 *
 * An item may name sessions that are over; a sign-in removes some of them when the index is full.
 */
import { after, type EpochSeconds, type EpochMilliseconds } from '../common/index.ts';
import {
  format,
  epochSeconds,
  epochMilliseconds,
  number,
  providerSessionIndexKey,
  userIndexKey,
  type Item,
} from './items.ts';
import type { StoreOptions } from './store.ts';
import { get, update, type Expression } from './table.ts';

const entryPrefix = 's#';

export interface IndexEntry {
  readonly key: string;
  /** When the sign-in began, in milliseconds; 0 where the entry does not say, which every logout is later than. */
  readonly begunAt: number;
  /** A moment well after the session's absolute limit; undefined where the entry does not say. */
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
            begunAt: epochMilliseconds(entry?.['begunAt']) ?? 0,
            until: epochSeconds(entry?.['until']),
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
      names: { '#entry': entryPrefix + entry.key, '#format': 'format', '#ttl': 'ttl' },
      values: {
        ':entry': {
          M: {
            begunAt: number(entry.begunAt),
            until: number(entry.until),
            providerSession: { BOOL: entry.hasProviderSession },
          },
        },
        ':format': number(format),
        ':ttl': number(entry.until),
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
    values: { ':begunAt': number(entry.begunAt) },
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

/** What an index item lists at this moment. @throws StoreUnavailable */
export const readIndex = async (options: StoreOptions, index: Item): Promise<readonly IndexEntry[]> =>
  indexEntries(await get(options, index));

/** How long an end mark is stored, in seconds: longer than any session lives, so that no list goes before its time. */
const minMarkSeconds = 172_800;

/**
 * Leaves an end mark on an index item, which need not be there yet. A mark never moves back.
 *
 * @returns what the item lists as it is marked: whatever comes to be listed after that meets the mark
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
      expression: 'SET #mark = :endedAt, #format = :format, #ttl = :ttl',
      names: { '#mark': mark, '#format': 'format', '#ttl': 'ttl' },
      values: {
        ':endedAt': number(endedAt),
        ':format': number(format),
        ':ttl': number(after(options.clock(), minMarkSeconds)),
      },
    },
    { expression: 'attribute_not_exists(#mark) OR #mark <= :endedAt' },
    'ALL_NEW',
  );
  return marked === undefined ? readIndex(options, index) : indexEntries(marked);
}

/** DynamoDB takes expressions of 4 KB at most, and an index may list five hundred sessions. */
const maxRemovedAtOnce = 100;

/**
 * Removes sessions that are over for good, in one write: the first hundred of them, where there are more. An item that is
 * gone is not made again.
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
