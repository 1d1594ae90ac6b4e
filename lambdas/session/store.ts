/** What the stores of sign-in, session, API call and logout share. Each has only what its function may do to the table. */
import type { Clock } from '../common/index.ts';
import { sessionKey, readString, type Item, type SessionItem } from './items.ts';
import type { SessionLimits } from './expiry.ts';
import { batchGet, get, query, type Table } from './table.ts';

export interface StoreOptions extends Table {
  readonly limits: SessionLimits;
  readonly clock: Clock;
}

/** Opens the connection, so that the first request need not. @throws StoreUnavailable */
export async function warmUp(options: StoreOptions): Promise<void> {
  await get(options, { pk: { S: 'warm-up' }, sk: { S: 'none' } });
}

/**
 * Items of a session in one consistent read: from `core` to `last`, in the order of sort keys.
 *
 * @returns gives an item by its name; undefined for a missing one
 * @throws StoreUnavailable
 */
export async function getSessionItems(
  options: StoreOptions,
  key: string,
  last: SessionItem,
): Promise<(name: SessionItem) => Item | undefined> {
  const items = await query(options, `session#${key}`, 'core' satisfies SessionItem, last);
  return (name) => items.find((item) => readString(item['sk']) === name);
}

/** The core items of these sessions, by session key. @throws StoreUnavailable */
export async function getCores(
  options: StoreOptions,
  sessions: readonly { readonly key: string }[],
): Promise<ReadonlyMap<string, Item>> {
  const cores = await batchGet(
    options,
    sessions.map(({ key }) => sessionKey(key, 'core')),
  );
  return new Map(cores.map((core) => [(readString(core['pk']) ?? '').replace('session#', ''), core]));
}
