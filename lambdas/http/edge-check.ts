/** Whether a request came through the edge, with its firewall: the edge adds a header that only it and the functions know. */
import { hash, timingSafeEqual } from 'node:crypto';
import { Problem } from './problem.ts';

export interface EdgeCheck {
  /** Reads the values, so that no request has to wait for it. */
  readonly prepare: () => Promise<unknown>;
  /**
   * Compares in constant time. On a value that is not known, the values are read again, at most once a minute.
   *
   * @throws Problem `keys_unavailable` while no value could ever be read
   */
  readonly passes: (value: string | undefined) => Promise<boolean>;
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');
const secondsBetweenReads = 60;

/**
 * @param load - reads the values that the edge may send: the current one, and the previous one while the edge changes over
 * @param clock - seconds
 */
export function edgeCheck(
  load: () => Promise<readonly string[]>,
  clock: () => number = () => performance.now() / 1_000,
): EdgeCheck {
  let known: readonly Buffer[] = [];
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;

  const read = (): Promise<void> =>
    (reading ??= load()
      .then((values) => {
        known = values.map(digest);
      })
      .finally(() => {
        readAt = clock();
        reading = undefined;
      }));
  const isKnown = (value: string): boolean => {
    const given = digest(value);
    // Every one is compared, so that time tells nothing of which.
    return known.map((one) => timingSafeEqual(one, given)).includes(true);
  };

  return {
    prepare: read,
    passes: async (value = '') => {
      if (isKnown(value)) return true;
      if (known.length === 0) {
        await read().catch((cause: unknown) => {
          throw new Problem('keys_unavailable', { cause });
        });
      } else if (clock() - readAt >= secondsBetweenReads) {
        // What is known stays good while it cannot be read again.
        await read().catch(() => undefined);
      }
      return isKnown(value);
    },
  };
}
