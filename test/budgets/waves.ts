import type { AwsProxy } from '../support/aws.ts';

/** Longer than a busy machine takes from the first of several calls to the last. */
const momentMs = 100;

/**
 * Does something, and sees how often it waits for the store: every call is held until no other has joined it for a moment,
 * so that calls made side by side are one wave.
 *
 * @returns what it gave, and the calls of each wave, each with the items it is about
 */
export async function wavesOf<Result>(
  store: AwsProxy,
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly waves: readonly (readonly string[])[] }> {
  const waves: string[][] = [];
  let wave: { call: string; release: () => void }[] = [];
  let timer: NodeJS.Timeout | undefined;
  store.reset();
  store.judge = (call) =>
    new Promise((resolve) => {
      wave.push({
        call: `${call.operation} ${call.items.join(', ').replace(/#[^|]*/, '')}`,
        release: () => {
          resolve('pass');
        },
      });
      clearTimeout(timer);
      timer = setTimeout(() => {
        const whole = wave;
        wave = [];
        waves.push(whole.map(({ call: name }) => name));
        for (const { release } of whole) release();
      }, momentMs);
    });
  const result = await work();
  store.reset();
  return { result, waves };
}
