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
