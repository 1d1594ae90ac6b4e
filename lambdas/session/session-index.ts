/**
 * Which sessions a user has, and which one CIS2 session has: two items with one attribute for each session, written with
 * conditions. Not a global secondary index, which would lag behind: a logout must find every session there is.
 *
 * A logout leaves an end mark before it ends what an item lists:
 *
 * - `endedAt` on a CIS2 session's item: that session is over for good, and nothing can be listed there any more;
 * - `endedAt` on a user's item: sign-ins begun at or before that moment are over;
 * - `endedWithoutSidAt` on a user's item: the same, for sign-ins of which CIS2 did not say which session they belong to.
 */
import { UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EpochSeconds } from '../common/index.ts';
import { unlessConditionFails } from './dynamo.ts';
import { format, instant, number, providerSessionIndexKey, userIndexKey, type Item } from './items.ts';

const entryPrefix = 's#';

export interface IndexEntry {
  readonly key: string;
  readonly signedInAt: number;
}

/** The sessions an index item lists. */
const indexEntries = (item: Item | undefined): IndexEntry[] =>
  Object.entries(item ?? {}).flatMap(([name, { M: entry }]) =>
    name.startsWith(entryPrefix)
      ? [{ key: name.slice(entryPrefix.length), signedInAt: instant(entry?.['signedInAt']) ?? 0 }]
      : [],
  );

export interface NewEntry {
  readonly key: string;
  readonly signedInAt: EpochSeconds;
  /** When the sign-in began: a logout of the user that is no older ends it. */
  readonly begunAt: EpochSeconds;
  /** Whether CIS2 said which of its sessions this one belongs to. */
  readonly hasProviderSession: boolean;
  readonly ttl: EpochSeconds;
}

/** What a call to the store may take. */
export interface Bound {
  readonly abortSignal?: AbortSignal;
}

export interface SessionIndex {
  /** @returns every session of the user now; undefined when a logout has ended this sign-in already */
  listForUser(userHash: string, entry: NewEntry, bound: Bound): Promise<IndexEntry[] | undefined>;
  /** @returns false when a logout has ended the CIS2 session already */
  listForProviderSession(providerSessionHash: string, entry: NewEntry, bound: Bound): Promise<boolean>;
  /** Forgets sessions that have been ended. An item that is gone is not made again. */
  forget(index: Item, sessions: readonly string[], bound?: Bound): Promise<void>;
}

export function createSessionIndex(client: DynamoDBClient, TableName: string): SessionIndex {
  const list = (index: Item, entry: NewEntry, condition: string, values: Item, bound: Bound) =>
    unlessConditionFails(
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: index,
          UpdateExpression: 'SET #entry = :entry, #format = :format, #ttl = :ttl',
          ConditionExpression: condition,
          ExpressionAttributeNames: {
            '#entry': entryPrefix + entry.key,
            '#format': 'format',
            '#ttl': 'ttl',
          },
          ExpressionAttributeValues: {
            ':entry': {
              M: {
                signedInAt: number(entry.signedInAt),
                providerSession: { BOOL: entry.hasProviderSession },
              },
            },
            ':format': number(format),
            ':ttl': number(entry.ttl),
            ...values,
          },
          ReturnValues: 'ALL_NEW',
        }),
        bound,
      ),
    );
  const olderThanSignIn = (mark: string): string => `(attribute_not_exists(${mark}) OR ${mark} < :begunAt)`;

  return {
    async listForUser(userHash, entry, bound) {
      const marks = ['endedAt', ...(entry.hasProviderSession ? [] : ['endedWithoutSidAt'])];
      const condition = marks.map(olderThanSignIn).join(' AND ');
      const values = { ':begunAt': number(entry.begunAt) };
      const listed = await list(userIndexKey(userHash), entry, condition, values, bound);
      return listed === undefined ? undefined : indexEntries(listed.Attributes);
    },

    async listForProviderSession(providerSessionHash, entry, bound) {
      const index = providerSessionIndexKey(providerSessionHash);
      return (await list(index, entry, 'attribute_not_exists(endedAt)', {}, bound)) !== undefined;
    },

    async forget(index, sessions, bound = {}) {
      if (sessions.length === 0) return;
      await unlessConditionFails(
        client.send(
          new UpdateItemCommand({
            TableName,
            Key: index,
            UpdateExpression: `REMOVE ${sessions.map((_, position) => `#s${String(position)}`).join(', ')}`,
            ConditionExpression: 'attribute_exists(pk)',
            ExpressionAttributeNames: Object.fromEntries(
              sessions.map((session, position) => [`#s${String(position)}`, entryPrefix + session]),
            ),
          }),
          bound,
        ),
      );
    },
  };
}
