import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { StoreUnavailable } from './errors.ts';

/** The write's answer; undefined when its condition did not hold. @throws StoreUnavailable */
export const unlessConditionFails = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw new StoreUnavailable(error);
  }
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
