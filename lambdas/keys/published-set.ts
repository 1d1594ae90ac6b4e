import { GetItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KeysUnavailable, publicJwk, type PublicJwk, type Ring } from './ring.ts';

/** A JWK Set (RFC 7517 section 5) of public keys only. */
export interface PublishedSet {
  readonly keys: readonly PublicJwk[];
}

const key = { pk: { S: 'jwks' } };

/** Writes the public halves of a ring to where they are served from. */
export async function publish(client: DynamoDBClient, table: string, ring: Ring): Promise<void> {
  const set: PublishedSet = { keys: ring.map((entry) => publicJwk(entry.publicJwk)) };
  await client.send(
    new PutItemCommand({ TableName: table, Item: { ...key, set: { S: JSON.stringify(set) } } }),
  );
}

/**
 * The set as it is served.
 *
 * @throws KeysUnavailable when it cannot be read or is empty: a provider would cache an empty set, and refuse every
 *   sign-in for as long
 */
export async function loadPublishedSet(client: DynamoDBClient, table: string): Promise<PublishedSet> {
  let keys: unknown;
  try {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }),
    );
    keys = (JSON.parse(Item?.['set']?.S ?? '{}') as { keys?: unknown }).keys;
  } catch (cause) {
    throw new KeysUnavailable('the published keys could not be read', { cause });
  }
  if (!Array.isArray(keys) || keys.length === 0) throw new KeysUnavailable('no keys are published');
  return { keys: keys.map(publicJwk) };
}
