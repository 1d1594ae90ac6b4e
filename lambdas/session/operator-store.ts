import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { EpochSeconds, PreciseClock } from '../common/index.ts';
import { available, forEach } from './dynamo.ts';
import { coresOf, endWhatLives } from './ending.ts';
import { identifierHash, type IdentifyingStoreOptions } from './identifiers.ts';
import { number, text, userIndexKey, type Item, type SessionItem } from './items.ts';
import { listedIn, markEnded } from './session-index.ts';
import { describeSession, type ListedSession } from './session-store.ts';

/** What an operator may do to anybody's sessions: see that they are there, and end them. */
export interface OperatorStore {
  /** A user's live sessions, the one used last first, and the keyed hash that the table has the user under. */
  list(
    user: readonly string[],
  ): Promise<{ readonly person: string; readonly sessions: readonly ListedSession[] }>;
  /** Ends all of a user's sessions, and the sign-ins under way. @returns how many live sessions that were */
  endOfUser(user: readonly string[]): Promise<{ readonly person: string; readonly ended: number }>;
  /**
   * Ends everybody's sessions that began no later than `begunBy`, as far as `milliseconds` suffice. What has ended already is
   * passed by, so it can be begun anew at any time.
   *
   * @param cursor - where an earlier call stopped
   * @returns how many live sessions were ended, and where to go on; no cursor when all are done
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
      const entries = await listedIn(options, userIndexKey(person));
      const cores = await coresOf(
        options,
        entries.map(({ key }) => key),
      );
      const sessions = [...cores.values()].flatMap((core) =>
        text(core['userHash']) === person ? (describeSession(options, core, false) ?? []) : [],
      );
      return { person, sessions: sessions.toSorted((one, other) => other.lastActiveAt - one.lastActiveAt) };
    },
    endOfUser: async (user) => {
      const person = await hashOf(user);
      // The mark first, as for a logout of CIS2's: a sign-in that is not on the list meets it.
      const entries = await markEnded(options, userIndexKey(person), 'endedAt', options.preciseClock(), {});
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
  const ended = await forEach(keys, (key) => endWhatLives(options, key, 'revoked', { begunBy }));
  return ended.filter((core) => core !== undefined).length;
}

async function endOfEverybody(
  options: IdentifyingStoreOptions,
  begunBy: EpochSeconds,
  from: string | undefined,
  milliseconds: number,
): ReturnType<OperatorStore['endOfEverybody']> {
  const { client, table } = options;
  const startedAt = performance.now();
  let ended = 0;
  let position = from === undefined ? undefined : readCursor(from);
  do {
    const { Items = [], LastEvaluatedKey } = await available(
      client.send(
        new ScanCommand({
          TableName: table,
          ConsistentRead: true,
          ExclusiveStartKey: position,
          // The function's right to scan is for these attributes, and asks that the call says so.
          Select: 'SPECIFIC_ATTRIBUTES',
          ProjectionExpression: 'pk',
          FilterExpression: 'sk = :core AND #state = :alive AND signedInAt <= :begunBy',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: {
            ':core': { S: 'core' satisfies SessionItem },
            ':alive': { S: 'alive' },
            ':begunBy': number(begunBy),
          },
        }),
      ),
    );
    const keys = Items.map(({ pk }) => (text(pk) ?? '').replace('session#', ''));
    ended += await endAll(options, keys, begunBy);
    position = LastEvaluatedKey;
  } while (position !== undefined && performance.now() - startedAt < milliseconds);
  return { ended, cursor: position && `${text(position['pk']) ?? ''} ${text(position['sk']) ?? ''}` };
}

const readCursor = (cursor: string): Item => {
  const [pk = '', sk = ''] = cursor.split(' ');
  return { pk: { S: pk }, sk: { S: sk } };
};
