import type { EpochSeconds, PreciseClock } from '../common/index.ts';
import { identifierHash, type IdentifyingStoreOptions } from './identifiers.ts';
import { numberAttribute, readString, userIndexKey, type Item, type SessionItem } from './items.ts';
import { mapParallel } from './parallel.ts';
import { markEnded } from './session-index.ts';
import { liveSessions } from './session-store.ts';
import { wasAlive } from './state.ts';
import { scanKeys } from './table.ts';
import { endByOperator } from './transitions.ts';

/** What an operator may do: list and end the sessions of any user. */
export type OperatorStore = ReturnType<typeof createOperatorStore>;

/** @throws StoreUnavailable, IdentifierKeyUnavailable from every method */
export function createOperatorStore(
  options: IdentifyingStoreOptions & { readonly preciseClock: PreciseClock },
) {
  const hashOf = async (user: readonly string[]): Promise<string> =>
    identifierHash(await options.identifierKey(), 'user', user);
  return {
    /** A user's live sessions, the most recently used first, and the keyed hash of the user. */
    async list(user: readonly string[]) {
      const person = await hashOf(user);
      return { person, sessions: await liveSessions(options, person) };
    },

    /** Ends all sessions of a user, and the sign-ins in progress. @returns the number of live sessions that ended */
    async endOfUser(user: readonly string[]) {
      const person = await hashOf(user);
      // The mark first, as for a logout by CIS2: a sign-in that is not on the list finds it.
      const entries = await markEnded(options, userIndexKey(person), 'endedAt', options.preciseClock());
      const keys = entries.map(({ key }) => key);
      return { person, ended: await endAll(options, keys) };
    },

    /**
     * Ends the sessions of all users that began no later than `begunBy`, within `milliseconds`. Ended sessions are skipped, so
     * it can be restarted at any time.
     *
     * @param cursor - the position of an earlier call
     * @returns how many live sessions were ended, and the next cursor; undefined when all are done
     */
    async endOfEverybody(begunBy: EpochSeconds, cursor: string | undefined, milliseconds: number) {
      const startedAt = performance.now();
      const alive = {
        expression: 'sk = :core AND #state = :alive AND signedInAt <= :begunBy',
        values: {
          ':core': { S: 'core' satisfies SessionItem },
          ':alive': { S: 'alive' },
          ':begunBy': numberAttribute(begunBy),
        },
      };
      let ended = 0;
      let position = cursor === undefined ? undefined : readCursor(cursor);
      do {
        const page = await scanKeys(options, alive, position);
        const keys = page.keys.map((key) => key.replace('session#', ''));
        ended += await endAll(options, keys, begunBy);
        position = page.last;
      } while (position !== undefined && performance.now() - startedAt < milliseconds);
      return { ended, cursor: position && writeCursor(position) };
    },
  };
}

async function endAll(
  options: IdentifyingStoreOptions,
  keys: readonly string[],
  begunBy?: EpochSeconds,
): Promise<number> {
  const ended = await mapParallel(keys, (key) => endByOperator(options, key, begunBy));
  return ended.filter((core) => wasAlive(options, core)).length;
}

const writeCursor = ({ pk, sk }: Item): string => `${readString(pk) ?? ''} ${readString(sk) ?? ''}`;

const readCursor = (cursor: string): Item => {
  const [pk = '', sk = ''] = cursor.split(' ');
  return { pk: { S: pk }, sk: { S: sk } };
};
