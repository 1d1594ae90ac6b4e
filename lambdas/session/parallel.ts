/** Waits for all, so that nothing is still being written when the first failure is thrown. */
export const settleAll = async <T extends readonly unknown[]>(work: {
  [Index in keyof T]: Promise<T[Index]>;
}): Promise<T> => {
  await Promise.allSettled(work);
  return Promise.all(work);
};

/** Below the maximum number of connections of the SDK. */
const maxParallel = 40;

/** Maps each element, a limited number at a time. All are tried before the first failure is thrown. */
export async function mapParallel<T, R>(
  list: readonly T[],
  work: (element: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: Promise<R>[] = [];
  const elements = list.entries();
  const worker = async (): Promise<void> => {
    for (const [position, element] of elements) {
      const result = work(element);
      results[position] = result;
      await Promise.allSettled([result]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxParallel, list.length) }, worker));
  return Promise.all(results);
}
