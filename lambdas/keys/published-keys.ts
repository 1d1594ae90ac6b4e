import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  type AttributeValue,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { randomUUID } from 'node:crypto';
import { after, asEpochSeconds, isObject, parseJson, type EpochSeconds } from '../common/index.ts';
import { KeysUnavailable } from './errors.ts';
import { publicJwk, readKeyFacts, signingAlgorithm } from './ring.ts';
import type { KeyFacts, PublicJwk, Ring } from './ring.ts';

/** Who accepts a ring's keys. */
export const purposes = ['cis2', 'api-platform'] as const;
export type Purpose = (typeof purposes)[number];

/** A JWK Set (RFC 7517 section 5) of public keys only. */
export interface PublishedSet {
  readonly keys: readonly PublicJwk[];
}

/** The public facts about a ring. */
export interface RingFacts {
  readonly keys: readonly KeyFacts[];
  /** The version of the secret it was made from; null for the first one. */
  readonly basedOn: string | null;
}

/** The published keys, and the public facts about their rings. */
export interface PublishedRecord {
  readonly keys: readonly PublicJwk[];
  /** Kid → since when it has been in the set without a gap. */
  readonly since: Readonly<Record<string, EpochSeconds>>;
  /** When the very first set was published; null when that is not known. */
  readonly firstAt: EpochSeconds | null;
  /** Version of the secret → its ring: the current one, and every draft that may replace it. */
  readonly rings: Readonly<Record<string, RingFacts>>;
}

/** How a ring's last rotation ended. */
export interface RotationResult {
  /** The `ClientRequestToken` it was started with. */
  readonly token: string;
  readonly at: EpochSeconds;
  readonly result: 'done' | 'failed';
  /** Why it failed. */
  readonly code?: string;
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

/** The JSON in an attribute; undefined when there is none. */
const parse = (attribute: AttributeValue | undefined): unknown => parseJson(attribute?.S ?? '');

const entriesOf = (value: unknown): [string, unknown][] => Object.entries(isObject(value) ? value : {});
const listIn = (value: unknown, name: string): unknown[] =>
  isObject(value) && Array.isArray(value[name]) ? value[name] : [];

/** The current and the next key: a set with fewer is incomplete. */
const minKeys = 2;

/**
 * The set as it is served.
 *
 * @throws KeysUnavailable when it cannot be read or is incomplete: a provider would cache it, and refuse every sign-in
 *   meanwhile
 */
export async function loadPublishedSet(
  client: DynamoDBClient,
  table: string,
  purpose: Purpose,
): Promise<PublishedSet> {
  const item = await getItem(client, table, setKey(purpose));
  const keys = listIn(parse(item?.['set']), 'keys').map(wholeKey);
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

/** The store of the JWK Set of one ring, and of the result of its last rotation. All methods throw KeysUnavailable. */
export type PublishedKeys = ReturnType<typeof createPublishedKeys>;

export function createPublishedKeys(client: DynamoDBClient, table: string, purpose: Purpose) {
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
    /** Undefined until the first publication. `revision` identifies the record that was read. */
    async read(): Promise<{ record: PublishedRecord | undefined; revision: string | undefined }> {
      const item = await getItem(client, table, setKey(purpose));
      return { record: item && readRecord(item), revision: item?.['revision']?.S };
    },

    /** @returns false when the record has changed since `revision` was read */
    replace(
      { keys, since, firstAt, rings }: PublishedRecord,
      revision: string | undefined,
    ): Promise<boolean> {
      return put(
        {
          ...setKey(purpose),
          set: { S: JSON.stringify({ keys: keys.map(publicJwk) } satisfies PublishedSet) },
          since: { S: JSON.stringify(since) },
          rings: { S: JSON.stringify(rings) },
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

    async lastRotation(): Promise<RotationResult | undefined> {
      const found = parse((await getItem(client, table, rotationKey(purpose)))?.['last']);
      return isRotationResult(found) ? found : undefined;
    },

    async recordRotation(last: RotationResult): Promise<void> {
      await put({ ...rotationKey(purpose), last: { S: JSON.stringify(last) } });
    },
  };
}

/** Invalid parts count as not published; the next write replaces them. */
const readRecord = (item: Item): PublishedRecord => ({
  keys: listIn(parse(item['set']), 'keys').flatMap((key) => {
    try {
      return [wholeKey(key)];
    } catch {
      return [];
    }
  }),
  since: Object.fromEntries(
    entriesOf(parse(item['since'])).filter(
      (entry): entry is [string, EpochSeconds] => asEpochSeconds(entry[1]) !== undefined,
    ),
  ),
  firstAt: asEpochSeconds(Number(item['firstAt']?.N)) ?? null,
  rings: Object.fromEntries(
    entriesOf(parse(item['rings'])).flatMap(([versionId, ring]) => {
      const keys = listIn(ring, 'keys').flatMap((key) => readKeyFacts(key) ?? []);
      const basedOn = isObject(ring) && typeof ring['basedOn'] === 'string' ? ring['basedOn'] : null;
      return keys.length < minKeys ? [] : [[versionId, { keys, basedOn }]];
    }),
  ),
});

const isRotationResult = (value: unknown): value is RotationResult =>
  isObject(value) &&
  typeof value['token'] === 'string' &&
  asEpochSeconds(value['at']) !== undefined &&
  (value['result'] === 'done' || value['result'] === 'failed') &&
  (value['code'] === undefined || typeof value['code'] === 'string');

/** Since when a key has been published without a gap; undefined when it is not. */
export const publishedSince = (record: PublishedRecord | undefined, kid: string): EpochSeconds | undefined =>
  record?.keys.some((key) => key.kid === kid) === true ? record.since[kid] : undefined;

/** Whether a key is in every set that can be cached: it is in the first set, and the ring has never changed. */
export const isOfFirstSet = (record: PublishedRecord | undefined, ring: Ring, kid: string): boolean => {
  const since = publishedSince(record, kid);
  return ring.draft === null && since !== undefined && since === record?.firstAt;
};

/** When all caches of up to `seconds` have a key; undefined while it is not published. */
export function knownFrom(
  record: PublishedRecord | undefined,
  ring: Ring,
  kid: string,
  seconds: number,
): EpochSeconds | undefined {
  const since = publishedSince(record, kid);
  if (since === undefined || isOfFirstSet(record, ring, kid)) return since;
  return after(since, seconds);
}
