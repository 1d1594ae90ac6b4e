/** What the stores of sign-in, session, API call and logout share. Each is given only what its function may do to the table. */
import type { Clock } from '../common/index.ts';
import { sessionKey, text, type Item, type SessionItem } from './items.ts';
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
 * Items of a session as they are at this moment, in one read: core, and those whose names follow it up to `last` in order.
 *
 * @returns gives an item by its name; undefined for one that is not there
 * @throws StoreUnavailable
 */
export async function getSessionItems(
  options: StoreOptions,
  key: string,
  last: SessionItem,
): Promise<(name: SessionItem) => Item | undefined> {
  const items = await query(options, `session#${key}`, 'core' satisfies SessionItem, last);
  return (name) => items.find((item) => text(item['sk']) === name);
}

/** The core items of these sessions, by session key. @throws StoreUnavailable */
export async function getCores(
  options: StoreOptions,
  sessions: readonly string[],
): Promise<ReadonlyMap<string, Item>> {
  const cores = await batchGet(
    options,
    sessions.map((key) => sessionKey(key, 'core')),
  );
  return new Map(cores.map((core) => [(text(core['pk']) ?? '').replace('session#', ''), core]));
}
