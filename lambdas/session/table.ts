/**
 * The sessions table: one function for each kind of call. The time limit of a call is part of the given table, and a condition
 * that fails is a result, not an error.
 *
 * @throws StoreUnavailable from every function, when nothing is known
 */
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { StoreUnavailable } from './errors.ts';
import type { Item } from './items.ts';
import { settleAll } from './parallel.ts';

export interface Table {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Aborts every call. */
  readonly deadline?: AbortSignal;
}

/** A condition or a change. `#name` in it is the attribute `name`, unless `names` says otherwise. */
export interface Expression {
  readonly expression: string;
  readonly names?: Readonly<Record<string, string>>;
  /** Values that the other expression of a call uses may be here; DynamoDB refuses unused ones. */
  readonly values?: Item;
}

/** Pauses before a call is retried because the item is in another transaction, in milliseconds. */
const conflictPausesMs = [20, 60, 180];
/** The maximum of DynamoDB. */
const batchSize = 100;
/** Pauses before the unprocessed keys of a batch are read again, in milliseconds. */
const batchPausesMs = [50, 150];

const reasonsOf = (error: unknown): readonly (string | undefined)[] => {
  const { name, CancellationReasons } = error as { name?: string } & Pick<
    TransactionCanceledException,
    'CancellationReasons'
  >;
  return CancellationReasons?.map(({ Code }) => Code) ?? [name];
};
const conditionFailed = (error: unknown): boolean =>
  reasonsOf(error).some((reason) => /^ConditionalCheckFailed(?:Exception)?$/.test(reason ?? ''));
const conflicts = (error: unknown): boolean =>
  reasonsOf(error).some((reason) => /^TransactionConflict(?:Exception)?$/.test(reason ?? ''));

const wait = async (ms: number, { deadline }: Table): Promise<void> => {
  await pause(ms, undefined, deadline && { signal: deadline });
};

/** @returns undefined when a condition failed */
async function send<T>(
  table: Table,
  call: (options: { abortSignal: AbortSignal } | undefined) => Promise<T>,
): Promise<T | undefined> {
  const options = table.deadline && { abortSignal: table.deadline };
  try {
    for (const pauseMs of conflictPausesMs) {
      try {
        return await call(options);
      } catch (error) {
        if (!conflicts(error) || conditionFailed(error)) throw error;
        await wait(pauseMs, table);
      }
    }
    return await call(options);
  } catch (error) {
    if (conditionFailed(error)) return undefined;
    throw new StoreUnavailable(error);
  }
}

/** DynamoDB refuses empty lists of names and values. */
const unlessEmpty = <T extends object>(terms: T): T | undefined =>
  Object.keys(terms).length === 0 ? undefined : terms;

/** The names and values of these. */
const termsOf = (...expressions: readonly Expression[]) => ({
  ExpressionAttributeNames: unlessEmpty(
    Object.fromEntries(
      expressions.flatMap(({ expression, names }) =>
        (expression.match(/#\w+/g) ?? []).map((name) => [name, names?.[name] ?? name.slice(1)] as const),
      ),
    ),
  ),
  ExpressionAttributeValues: unlessEmpty(
    Object.assign({}, ...expressions.map(({ values }) => values)) as Item,
  ),
});

/** One item, by a consistent read. */
export async function get(table: Table, key: Item): Promise<Item | undefined> {
  const input = { TableName: table.tableName, Key: key, ConsistentRead: true };
  return (await send(table, (options) => table.client.send(new GetItemCommand(input), options)))?.Item;
}

/** Items of one partition with sort keys in a range, in one consistent read. */
export async function query(table: Table, pk: string, first: string, last: string): Promise<readonly Item[]> {
  const input = {
    TableName: table.tableName,
    ConsistentRead: true,
    KeyConditionExpression: 'pk = :pk AND sk BETWEEN :first AND :last',
    ExpressionAttributeValues: { ':pk': { S: pk }, ':first': { S: first }, ':last': { S: last } },
  };
  return (await send(table, (options) => table.client.send(new QueryCommand(input), options)))?.Items ?? [];
}

/**
 * One page of the keys of all items that match a filter.
 *
 * @param from - the end of the previous page
 * @returns their partition keys, and the start of the next page; undefined at the end
 */
export async function scanKeys(
  table: Table,
  filter: Expression,
  from: Item | undefined,
): Promise<{ readonly keys: readonly string[]; readonly last: Item | undefined }> {
  const input = {
    TableName: table.tableName,
    ConsistentRead: true,
    ExclusiveStartKey: from,
    // The policy permits a scan of some attributes only, and requires that the call selects them.
    Select: 'SPECIFIC_ATTRIBUTES' as const,
    ProjectionExpression: 'pk',
    FilterExpression: filter.expression,
    ...termsOf(filter),
  };
  const page = await send(table, (options) => table.client.send(new ScanCommand(input), options));
  return { keys: (page?.Items ?? []).flatMap(({ pk }) => pk?.S ?? []), last: page?.LastEvaluatedKey };
}

/** Items by consistent reads, in no order; missing ones are left out. */
export async function batchGet(table: Table, keys: readonly Item[]): Promise<readonly Item[]> {
  const parts = Array.from({ length: Math.ceil(keys.length / batchSize) }, (_, part) =>
    batchOf(table, keys.slice(part * batchSize, (part + 1) * batchSize), batchPausesMs),
  );
  return (await settleAll(parts)).flat();
}

async function batchOf(
  table: Table,
  keys: readonly Item[],
  [pauseMs, ...pausesMs]: readonly number[],
): Promise<readonly Item[]> {
  const input = { RequestItems: { [table.tableName]: { Keys: [...keys], ConsistentRead: true } } };
  const read = await send(table, (options) => table.client.send(new BatchGetItemCommand(input), options));
  const found = read?.Responses?.[table.tableName] ?? [];
  const unread = read?.UnprocessedKeys?.[table.tableName]?.Keys ?? [];
  if (unread.length === 0) return found;
  if (pauseMs === undefined) throw new StoreUnavailable('unprocessed keys');
  await send(table, () => wait(pauseMs, table));
  return [...found, ...(await batchOf(table, unread, pausesMs))];
}

/** @returns false when the condition did not hold, and nothing was written */
export async function put(table: Table, item: Item, condition: Expression): Promise<boolean> {
  const input = {
    TableName: table.tableName,
    Item: item,
    ConditionExpression: condition.expression,
    ...termsOf(condition),
  };
  return (
    (await send(table, (options) => table.client.send(new PutItemCommand(input), options))) !== undefined
  );
}

/**
 * Puts an item unless there is one. The SDK may repeat a put whose response was lost, so the same writer may write it
 * again.
 *
 * @returns false when there is one of another writer
 */
export function putOnce(table: Table, item: Item): Promise<boolean> {
  const writer = { S: randomBytes(16).toString('base64url') };
  const condition = {
    expression: 'attribute_not_exists(pk) OR writer = :writer',
    values: { ':writer': writer },
  };
  return put(table, { ...item, writer }, condition);
}

/** @returns the item after it, or before it (`ALL_OLD`); undefined when the condition did not hold, and nothing was changed */
export async function update(
  table: Table,
  key: Item,
  change: Expression,
  condition: Expression,
  returned: 'ALL_NEW' | 'ALL_OLD' | 'NONE' = 'NONE',
): Promise<Item | undefined> {
  const input = { ...updateOf(table, key, change, condition), ReturnValues: returned };
  const updated = await send(table, (options) => table.client.send(new UpdateItemCommand(input), options));
  return updated && (updated.Attributes ?? {});
}

const updateOf = ({ tableName }: Table, key: Item, change: Expression, condition: Expression) => ({
  TableName: tableName,
  Key: key,
  UpdateExpression: change.expression,
  ConditionExpression: condition.expression,
  ...termsOf(change, condition),
});

/**
 * The same in one transaction with a check of another item.
 *
 * @returns false when one of the conditions did not hold, and nothing was changed
 */
export async function updateChecking(
  table: Table,
  key: Item,
  change: Expression,
  condition: Expression,
  other: { readonly key: Item; readonly condition: Expression },
): Promise<boolean> {
  const check = {
    TableName: table.tableName,
    Key: other.key,
    ConditionExpression: other.condition.expression,
    ...termsOf(other.condition),
  };
  const input = {
    TransactItems: [{ ConditionCheck: check }, { Update: updateOf(table, key, change, condition) }],
  };
  const written = await send(table, (options) =>
    table.client.send(new TransactWriteItemsCommand(input), options),
  );
  return written !== undefined;
}

/** Removes an item, where it is there. */
export async function remove(table: Table, key: Item): Promise<void> {
  const input = { TableName: table.tableName, Key: key };
  await send(table, (options) => table.client.send(new DeleteItemCommand(input), options));
}
