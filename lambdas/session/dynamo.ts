import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { randomBytes } from 'node:crypto';
import { StoreUnavailable } from './errors.ts';
import type { Item } from './items.ts';
import type { Bound, StoreOptions } from './store.ts';

/** The write's answer; undefined when its condition did not hold. @throws StoreUnavailable */
export const unlessConditionFails = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw new StoreUnavailable(error);
  }
};

/**
 * Puts an item where none is. The SDK may send a put again whose answer was lost: whoever wrote the item may write it once
 * more.
 *
 * @returns false when somebody else's is there
 * @throws StoreUnavailable
 */
export const putOnce = async (
  { client, table }: StoreOptions,
  item: Item,
  bound?: Bound,
): Promise<boolean> => {
  const writer = randomBytes(16).toString('base64url');
  const put = await unlessConditionFails(
    client.send(
      new PutItemCommand({
        TableName: table,
        Item: { ...item, writer: { S: writer } },
        ConditionExpression: 'attribute_not_exists(pk) OR writer = :writer',
        ExpressionAttributeValues: { ':writer': { S: writer } },
      }),
      bound,
    ),
  );
  return put !== undefined;
};

/** @throws StoreUnavailable for whatever else went wrong */
export const available = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    throw new StoreUnavailable(error);
  }
};

/** Waits for all, so that nothing is still being written when the first failure is told. */
export const all = async <T extends readonly unknown[]>(work: {
  [Index in keyof T]: Promise<T[Index]>;
}): Promise<T> => {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
};

/** Stays below the number of connections that the SDK opens at most. */
const sideBySide = 40;

/** Does this to each, so many at a time. Every one is tried before the first failure is told. */
export const forEach = async <T, R>(
  list: readonly T[],
  work: (element: T) => Promise<R>,
): Promise<readonly R[]> => {
  const results: Promise<R>[] = [];
  const elements = list.entries();
  const worker = async (): Promise<void> => {
    for (const [position, element] of elements) {
      const result = work(element);
      results[position] = result;
      await Promise.allSettled([result]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(sideBySide, list.length) }, worker));
  return Promise.all(results);
};

/** A list in parts of at most `size`. */
export const partsOf = <T>(list: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, part) =>
    list.slice(part * size, (part + 1) * size),
  );
