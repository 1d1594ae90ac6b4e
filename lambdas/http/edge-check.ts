/** Whether a request came through the edge, with its firewall: the edge adds a header with a secret value. */
import { hash, timingSafeEqual } from 'node:crypto';
import { Problem } from './problem.ts';

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');
const secondsBetweenReads = 60;

export type EdgeCheck = ReturnType<typeof edgeCheck>;

/**
 * @param load - reads the values that the edge may send: the current one, and the previous one while the edge changes over
 * @param clock - seconds
 */
export function edgeCheck(
  load: () => Promise<readonly string[]>,
  clock: () => number = () => performance.now() / 1_000,
) {
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
    // All are compared, so that the time does not depend on which one matches.
    return known.map((one) => timingSafeEqual(one, given)).includes(true);
  };

  return {
    /** Reads the values, so that no request has to wait for them. */
    prepare: read,

    /**
     * Compares in constant time. For an unknown value the values are read again, at most once a minute.
     *
     * @throws Problem `keys_unavailable` until a value could be read
     */
    passes: async (value = ''): Promise<boolean> => {
      if (isKnown(value)) return true;
      if (known.length === 0) {
        await read().catch((cause: unknown) => {
          throw new Problem('keys_unavailable', { cause });
        });
      } else if (clock() - readAt >= secondsBetweenReads) {
        // The known values stay valid while they cannot be read again.
        await read().catch(() => undefined);
      }
      return isKnown(value);
    },
  };
}
