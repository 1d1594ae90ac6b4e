/**
 * Which sessions a user has, and which one CIS2 session has: two items with one attribute for each session, written with
 * conditions. Not a global secondary index, which would lag behind: a logout must find every session there is.
 */
import { UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EpochSeconds } from '../common/index.ts';
import { available, unlessConditionFails } from './dynamo.ts';
import { format, instant, number, type Item } from './items.ts';

const entryPrefix = 's#';
export interface IndexEntry {
  readonly key: string;
  readonly signedInAt: number;
  readonly expiresAt: number;
}

/** The sessions an index item lists. */
const indexEntries = (item: Item | undefined): IndexEntry[] =>
  Object.entries(item ?? {}).flatMap(([name, { M: entry }]) =>
    name.startsWith(entryPrefix)
      ? [
          {
            key: name.slice(entryPrefix.length),
            signedInAt: instant(entry?.['signedInAt']) ?? 0,
            expiresAt: instant(entry?.['expiresAt']) ?? 0,
          },
        ]
      : [],
  );

export interface NewEntry extends IndexEntry {
  /** Whether CIS2 said which of its sessions this one belongs to. */
  readonly hasProviderSession: boolean;
  readonly ttl: EpochSeconds;
}

export interface SessionIndex {
  /**
   * Lists a session, unless the index carries an end mark at or after `issuedAt`.
   *
   * @returns every session the index lists now; undefined when the mark stands in the way
   */
  list(index: Item, entry: NewEntry, issuedAt: EpochSeconds): Promise<IndexEntry[] | undefined>;
  /** Forgets sessions that are over. */
  forget(index: Item, sessions: readonly string[]): Promise<void>;
}

export function createSessionIndex(client: DynamoDBClient, TableName: string): SessionIndex {
  return {
    async list(index, entry, issuedAt) {
      const listed = await unlessConditionFails(
        client.send(
          new UpdateItemCommand({
            TableName,
            Key: index,
            UpdateExpression: 'SET #entry = :entry, #format = :format, #ttl = :ttl',
            ConditionExpression: 'attribute_not_exists(endedAt) OR endedAt < :issuedAt',
            ExpressionAttributeNames: {
              '#entry': entryPrefix + entry.key,
              '#format': 'format',
              '#ttl': 'ttl',
            },
            ExpressionAttributeValues: {
              ':entry': {
                M: {
                  signedInAt: number(entry.signedInAt),
                  expiresAt: number(entry.expiresAt),
                  providerSession: { BOOL: entry.hasProviderSession },
                },
              },
              ':format': number(format),
              ':ttl': number(entry.ttl),
              ':issuedAt': number(issuedAt),
            },
            ReturnValues: 'ALL_NEW',
          }),
        ),
      );
      return listed === undefined ? undefined : indexEntries(listed.Attributes);
    },

    async forget(index, sessions) {
      if (sessions.length === 0) return;
      await available(
        client.send(
          new UpdateItemCommand({
            TableName,
            Key: index,
            UpdateExpression: `REMOVE ${sessions.map((_, position) => `#s${String(position)}`).join(', ')}`,
            ExpressionAttributeNames: Object.fromEntries(
              sessions.map((session, position) => [`#s${String(position)}`, entryPrefix + session]),
            ),
          }),
        ),
      );
    },
  };
}
