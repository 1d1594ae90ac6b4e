import { BatchGetItemCommand, DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { setTimeout as pause } from 'node:timers/promises';
import type { EpochSeconds } from '../common/index.ts';
import { all, available, partsOf, unlessConditionFails } from './dynamo.ts';
import { StoreUnavailable } from './errors.ts';
import { number, providerSessionIndexKey, sessionKey, text, userIndexKey, type Item } from './items.ts';
import { forget } from './session-index.ts';
import { alive, lifeOf, type Condition, type EndReason, type Meant } from './state.ts';
import { update, type Bound, type StoreOptions } from './store.ts';

/**
 * Marks a session ended where the condition holds, and drops its wrapped key; nothing can open its content after that,
 * whatever is left lying.
 *
 * @returns the item as it was; undefined when the condition did not hold
 * @throws StoreUnavailable
 */
export async function endWhere(
  options: StoreOptions,
  key: string,
  reason: EndReason,
  { expression, names, values }: Condition,
  bound: Bound = {},
): Promise<Item | undefined> {
  const ended = await unlessConditionFails(
    update(
      options,
      sessionKey(key, 'core'),
      {
        UpdateExpression: 'SET #state = :ended, reason = :reason, endedAt = :now REMOVE wrappedKey, #role',
        ConditionExpression: expression,
        ExpressionAttributeNames: { ...names, '#role': 'role' },
        ExpressionAttributeValues: {
          ':now': number(options.clock()),
          ...values,
          ':ended': { S: 'ended' },
          ':reason': { S: reason },
        },
        ReturnValues: 'ALL_OLD',
      },
      bound,
    ),
  );
  return ended === undefined ? undefined : (ended.Attributes ?? {});
}

/**
 * Ends whatever is not ended yet, even what only another clock or setting would take for living.
 *
 * @param begunBy - where given, only what began no later
 * @returns the item as it was, of a session that lived
 */
export async function endWhatLives(
  options: StoreOptions,
  key: string,
  reason: EndReason,
  { begunBy, bound }: { begunBy?: EpochSeconds | undefined; bound?: Bound },
): Promise<Item | undefined> {
  const condition = {
    expression: `#state = :alive${begunBy === undefined ? '' : ' AND signedInAt <= :begunBy'}`,
    names: { '#state': 'state' },
    values: { ':alive': { S: 'alive' }, ...(begunBy === undefined ? {} : { ':begunBy': number(begunBy) }) },
  };
  const core = await endWhere(options, key, reason, condition, bound);
  const life = core && lifeOf(options, core);
  return life !== undefined && 'expiry' in life ? core : undefined;
}

/** Ends a live session, and leaves the rest of it to the index's next write and the TTL: one round trip. */
export async function endByKey(
  options: StoreOptions,
  key: string,
  reason: EndReason,
  { meant, bound }: { meant?: Meant; bound?: Bound } = {},
): Promise<boolean> {
  const condition = alive(options, options.clock(), meant);
  return (await endWhere(options, key, reason, condition, bound)) !== undefined;
}

/** A session that was alive until now. */
export interface EndedSession {
  /** The keyed hash that the table has the person under. */
  readonly person: string | undefined;
}

/**
 * Ends a live session and clears away what is left of it. The indexes are told last: they may name a session that is
 * over, never miss one that lives.
 */
export async function endAndClear(
  options: StoreOptions,
  key: string,
  reason: EndReason,
  { meant, bound }: { meant?: Meant; bound?: Bound } = {},
): Promise<false | EndedSession> {
  const condition = alive(options, options.clock(), meant);
  return clearAfter(options, key, await endWhere(options, key, reason, condition, bound), bound);
}

/**
 * Writes down an end that time has brought, unless the session turns out to have been active since.
 *
 * @returns the item as it was; undefined when nothing was written
 */
export function markEndedByTime(
  options: StoreOptions,
  key: string,
  core: Item,
  reason: EndReason,
  bound?: Bound,
): Promise<Item | undefined> {
  const condition = {
    expression: '#state = :alive AND lastActiveAt = :seen',
    names: { '#state': 'state' },
    values: { ':alive': { S: 'alive' }, ':seen': core['lastActiveAt'] ?? { NULL: true } },
  };
  return endWhere(options, key, reason, condition, bound);
}

/** Writes down an end that time has brought, and clears away what is left of the session. */
export async function endByTime(
  options: StoreOptions,
  key: string,
  core: Item,
  reason: EndReason,
  bound?: Bound,
): Promise<false | EndedSession> {
  return clearAfter(options, key, await markEndedByTime(options, key, core, reason, bound), bound);
}

async function clearAfter(
  options: StoreOptions,
  key: string,
  ended: Item | undefined,
  bound: Bound | undefined,
): Promise<false | EndedSession> {
  if (ended === undefined) return false;
  const { client, table } = options;
  const user = text(ended['userHash']);
  const providerSession = text(ended['providerSessionHash']);
  // The session is over already; what is cleared away here would otherwise be cleared by the next write or the TTL.
  await Promise.allSettled([
    client.send(new DeleteItemCommand({ TableName: table, Key: sessionKey(key, 'profile') }), bound ?? {}),
    ...(user === undefined ? [] : [forget(options, userIndexKey(user), [key], bound)]),
    ...(providerSession === undefined
      ? []
      : [forget(options, providerSessionIndexKey(providerSession), [key], bound)]),
  ]);
  return { person: user };
}

/** DynamoDB reads no more at once. */
const readAtOnce = 100;
/** What DynamoDB leaves unread is asked for again after these pauses, in milliseconds. */
const pausesMs = [50, 150];

/** The core items of these sessions, by session key. @throws StoreUnavailable */
export async function coresOf(
  options: StoreOptions,
  sessions: readonly string[],
  bound: Bound = {},
): Promise<ReadonlyMap<string, Item>> {
  const parts = await all(
    partsOf(sessions, readAtOnce).map((part) =>
      readItems(
        options,
        part.map((key) => sessionKey(key, 'core')),
        bound,
      ),
    ),
  );
  return new Map(parts.flat().map((core) => [(text(core['pk']) ?? '').replace('session#', ''), core]));
}

async function readItems(
  options: StoreOptions,
  keys: readonly Item[],
  bound: Bound,
  [pauseMs, ...others]: readonly number[] = pausesMs,
): Promise<readonly Item[]> {
  const { client, table } = options;
  const { Responses, UnprocessedKeys } = await available(
    client.send(
      new BatchGetItemCommand({ RequestItems: { [table]: { Keys: [...keys], ConsistentRead: true } } }),
      bound,
    ),
  );
  const read = Responses?.[table] ?? [];
  const unread = UnprocessedKeys?.[table]?.Keys ?? [];
  if (unread.length === 0) return read;
  if (pauseMs === undefined) throw new StoreUnavailable('unprocessed keys');
  await available(pause(pauseMs, undefined, bound.abortSignal ? { signal: bound.abortSignal } : {}));
  return [...read, ...(await readItems(options, unread, bound, others))];
}
