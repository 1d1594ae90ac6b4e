/** What the stores of sign-in, session and logout share. Each is given only what its function may do to the table. */
import {
  GetItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { Clock } from '../common/index.ts';
import { available } from './dynamo.ts';
import { text, type Item, type SessionItem } from './items.ts';
import type { SessionLimits } from './limits.ts';
import { query, type Table } from './table.ts';

export interface StoreOptions extends Table {
  readonly limits: SessionLimits;
  readonly clock: Clock;
}

/** What a call to the store may take. */
export interface Bound {
  readonly abortSignal?: AbortSignal;
}

/** Opens the connection, so that the first request need not. @throws StoreUnavailable */
export async function warmUp({ client, table }: StoreOptions): Promise<void> {
  await available(
    client.send(new GetItemCommand({ TableName: table, Key: { pk: { S: 'warm-up' }, sk: { S: 'none' } } })),
  );
}

/** One item as it is at this moment. @throws StoreUnavailable */
export async function getItem({ client, table }: StoreOptions, key: Item): Promise<Item | undefined> {
  const { Item } = await available(
    client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true })),
  );
  return Item;
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

export function update(
  { client, table }: StoreOptions,
  key: Item,
  input: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
  bound?: Bound,
): Promise<UpdateItemCommandOutput> {
  return client.send(new UpdateItemCommand({ TableName: table, Key: key, ...input }), bound);
}
