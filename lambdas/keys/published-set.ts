import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  type AttributeValue,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { randomUUID } from 'node:crypto';
import { asEpochSeconds, type EpochSeconds } from '../common/index.ts';
import type { PublishedKeys, PublishedRecord, Purpose, RotationResult } from './ports.ts';
import { KeysUnavailable, publicJwk, signingAlgorithm, type PublicJwk } from './ring.ts';

/** A JWK Set (RFC 7517 section 5) of public keys only. */
export interface PublishedSet {
  readonly keys: readonly PublicJwk[];
}

type Item = Record<string, AttributeValue>;

const setKey = (purpose: Purpose): Item => ({ pk: { S: `jwks#${purpose}` } });
const rotationKey = (purpose: Purpose): Item => ({ pk: { S: `rotation#${purpose}` } });

async function getItem(client: DynamoDBClient, table: string, key: Item): Promise<Item | undefined> {
  try {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }),
    );
    return Item;
  } catch (cause) {
    throw new KeysUnavailable('the published keys could not be read', { cause });
  }
}

function parse(attribute: AttributeValue | undefined): unknown {
  try {
    return JSON.parse(attribute?.S ?? '');
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The key that signs and the one that comes next: a set with fewer is not all of it. */
const minKeys = 2;

/**
 * The set as it is served.
 *
 * @throws KeysUnavailable when it cannot be read or is not whole: a provider would cache what it gets, and refuse every
 *   sign-in for as long
 */
export async function loadPublishedSet(
  client: DynamoDBClient,
  table: string,
  purpose: Purpose,
): Promise<PublishedSet> {
  const set = parse((await getItem(client, table, setKey(purpose)))?.['set']);
  const keys = isObject(set) && Array.isArray(set['keys']) ? set['keys'].map(wholeKey) : [];
  if (keys.length < minKeys || new Set(keys.map(({ kid }) => kid)).size !== keys.length) {
    throw new KeysUnavailable('the published keys are not a whole set');
  }
  return { keys };
}

function wholeKey(value: unknown): PublicJwk {
  const key = publicJwk(value);
  const { use, alg } = value as Record<string, unknown>;
  if (use !== 'sig' || alg !== signingAlgorithm || [key.n, key.e, key.kid].includes('')) {
    throw new KeysUnavailable('a published key lacks a member');
  }
  return key;
}

/** The published set of one ring, and the memory of its last rotation, in DynamoDB. */
export function createPublishedKeys(client: DynamoDBClient, table: string, purpose: Purpose): PublishedKeys {
  const put = async (item: Item, condition: object = {}): Promise<boolean> => {
    try {
      await client.send(new PutItemCommand({ TableName: table, Item: item, ...condition }));
      return true;
    } catch (cause) {
      if (cause instanceof ConditionalCheckFailedException) return false;
      throw new KeysUnavailable('the published keys could not be written', { cause });
    }
  };

  return {
    async read() {
      const item = await getItem(client, table, setKey(purpose));
      if (item === undefined) return { record: undefined, revision: undefined };
      return { record: readRecord(item), revision: item['revision']?.S };
    },

    replace({ keys, since, firstAt }, revision) {
      return put(
        {
          ...setKey(purpose),
          set: { S: JSON.stringify({ keys: keys.map(publicJwk) } satisfies PublishedSet) },
          since: { S: JSON.stringify(since) },
          ...(firstAt === null ? {} : { firstAt: { N: String(firstAt) } }),
          revision: { S: randomUUID() },
        },
        revision === undefined
          ? { ConditionExpression: 'attribute_not_exists(revision)' }
          : {
              ConditionExpression: 'revision = :revision',
              ExpressionAttributeValues: { ':revision': { S: revision } },
            },
      );
    },

    async lastRotation() {
      const found = parse((await getItem(client, table, rotationKey(purpose)))?.['last']);
      return isRotationResult(found) ? found : undefined;
    },

    async recordRotation(last) {
      await put({ ...rotationKey(purpose), last: { S: JSON.stringify(last) } });
    },
  };
}

/** What of an item can be made out; what cannot is as good as not published, and is put right by the next write. */
function readRecord(item: Item): PublishedRecord {
  const set = parse(item['set']);
  const since = parse(item['since']);
  return {
    keys: isObject(set) && Array.isArray(set['keys']) ? set['keys'].flatMap(keyIfWhole) : [],
    since: Object.fromEntries(
      Object.entries(isObject(since) ? since : {}).filter(
        (entry): entry is [string, EpochSeconds] => asEpochSeconds(entry[1]) !== undefined,
      ),
    ),
    firstAt: asEpochSeconds(Number(item['firstAt']?.N)) ?? null,
  };
}

function keyIfWhole(value: unknown): PublicJwk[] {
  try {
    return [wholeKey(value)];
  } catch {
    return [];
  }
}

const isRotationResult = (value: unknown): value is RotationResult =>
  isObject(value) &&
  typeof value['token'] === 'string' &&
  asEpochSeconds(value['at']) !== undefined &&
  (value['result'] === 'done' || value['result'] === 'failed') &&
  (value['code'] === undefined || typeof value['code'] === 'string');
