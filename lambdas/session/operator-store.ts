import type { EpochSeconds, PreciseClock } from '../common/index.ts';
import { identifierHash, type IdentifyingStoreOptions } from './identifiers.ts';
import { numberAttribute, readString, userIndexKey, type Item, type SessionItem } from './items.ts';
import { mapParallel } from './parallel.ts';
import { markEnded, readIndex } from './session-index.ts';
import { describeSession, type ListedSession } from './session-store.ts';
import { wasAlive } from './state.ts';
import { getCores } from './store.ts';
import { scanKeys } from './table.ts';
import { endByOperator } from './transitions.ts';

/** What an operator may do: list and end the sessions of any user. */
export interface OperatorStore {
  /** A user's live sessions, the most recently used first, and the keyed hash of the user. */
  list(
    user: readonly string[],
  ): Promise<{ readonly person: string; readonly sessions: readonly ListedSession[] }>;
  /** Ends all sessions of a user, and the sign-ins in progress. @returns the number of live sessions that ended */
  endOfUser(user: readonly string[]): Promise<{ readonly person: string; readonly ended: number }>;
  /**
   * Ends the sessions of all users that began no later than `begunBy`, within `milliseconds`. Ended sessions are skipped, so
   * it can be restarted at any time.
   *
   * @param cursor - the position of an earlier call
   * @returns how many live sessions were ended, and the next cursor; undefined when all are done
   */
  endOfEverybody(
    begunBy: EpochSeconds,
    cursor: string | undefined,
    milliseconds: number,
  ): Promise<{ readonly ended: number; readonly cursor: string | undefined }>;
}

/** @throws StoreUnavailable, IdentifierKeyUnavailable from every method */
export function createOperatorStore(
  options: IdentifyingStoreOptions & { readonly preciseClock: PreciseClock },
): OperatorStore {
  const hashOf = async (user: readonly string[]): Promise<string> =>
    identifierHash(await options.identifierKey(), 'user', user);
  return {
    list: async (user) => {
      const person = await hashOf(user);
      const entries = await readIndex(options, userIndexKey(person));
      const cores = await getCores(
        options,
        entries.map(({ key }) => key),
      );
      const sessions = [...cores.values()].flatMap((core) =>
        readString(core['userHash']) === person ? (describeSession(options, core, false) ?? []) : [],
      );
      return { person, sessions: sessions.toSorted((one, other) => other.lastActiveAt - one.lastActiveAt) };
    },
    endOfUser: async (user) => {
      const person = await hashOf(user);
      // The mark first, as for a logout by CIS2: a sign-in that is not on the list finds it.
      const entries = await markEnded(options, userIndexKey(person), 'endedAt', options.preciseClock());
      return {
        person,
        ended: await endAll(
          options,
          entries.map(({ key }) => key),
        ),
      };
    },
    endOfEverybody: (begunBy, cursor, milliseconds) => endOfEverybody(options, begunBy, cursor, milliseconds),
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

async function endOfEverybody(
  options: IdentifyingStoreOptions,
  begunBy: EpochSeconds,
  from: string | undefined,
  milliseconds: number,
): ReturnType<OperatorStore['endOfEverybody']> {
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
  let position = from === undefined ? undefined : readCursor(from);
  do {
    const { keys, last } = await scanKeys(options, alive, position);
    ended += await endAll(
      options,
      keys.map((key) => key.replace('session#', '')),
      begunBy,
    );
    position = last;
  } while (position !== undefined && performance.now() - startedAt < milliseconds);
  return {
    ended,
    cursor: position && `${readString(position['pk']) ?? ''} ${readString(position['sk']) ?? ''}`,
  };
}

const readCursor = (cursor: string): Item => {
  const [pk = '', sk = ''] = cursor.split(' ');
  return { pk: { S: pk }, sk: { S: sk } };
};
