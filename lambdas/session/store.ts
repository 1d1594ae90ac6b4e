/** What the stores of sign-in, session and logout share. Each is given only what its function may do to the table. */
import {
  GetItemCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type UpdateItemCommandInput,
  type UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import type { Clock } from '../common/index.ts';
import { available } from './dynamo.ts';
import type { Item } from './items.ts';
import type { SessionLimits } from './limits.ts';

export interface StoreOptions {
  readonly client: DynamoDBClient;
  readonly table: string;
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

export function update(
  { client, table }: StoreOptions,
  key: Item,
  input: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>,
  bound?: Bound,
): Promise<UpdateItemCommandOutput> {
  return client.send(new UpdateItemCommand({ TableName: table, Key: key, ...input }), bound);
}
