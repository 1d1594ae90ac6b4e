/**
 * The transitions of a session: every write of a `core` item, each with its condition. If the condition fails, nothing changes.
 *
 * @throws StoreUnavailable from every function, when nothing is known
 */
import type { EpochSeconds } from '../common/index.ts';
import type { SealedContent } from './sealed-content.ts';
import { newHandle, type SessionCredential } from './credential.ts';
import { StoreUnavailable } from './errors.ts';
import {
  numberAttribute,
  providerSessionIndexKey,
  secretHash,
  sessionKey,
  readString,
  userIndexKey,
  type Item,
} from './items.ts';
import { settleAll } from './parallel.ts';
import { removeFromIndex } from './session-index.ts';
import { alive, formerSecrets, matchesSecret, type EndReason, type SessionMatch } from './state.ts';
import type { StoreOptions } from './store.ts';
import { put, remove, update, type Expression } from './table.ts';

export interface NewItems {
  readonly core: Item;
  readonly profile: Item;
  readonly tokens: Item;
}

/**
 * Sign-in: writes the items of a new session unless they exist. The SDK may repeat a put whose response was lost: that may
 * repeat its own write, but never undo an end.
 */
export async function begin(options: StoreOptions, { core, profile, tokens }: NewItems): Promise<void> {
  const putWhereNone = (item: Item, own: Expression) =>
    put(options, item, { ...own, expression: `attribute_not_exists(pk) OR (${own.expression})` });
  const { secretHash: own, state } = core;
  if (own === undefined || state === undefined) throw new TypeError('not a whole session');
  const putBeside = (item: Item) =>
    putWhereNone(item, {
      expression: '#sealed = :sealed',
      values: { ':sealed': item['sealed'] ?? { NULL: true } },
    });
  const written = await settleAll([
    putWhereNone(core, {
      expression: 'secretHash = :own AND #state = :alive',
      values: { ':own': own, ':alive': state },
    }),
    putBeside(profile),
    putBeside(tokens),
  ]);
  if (written.includes(false)) throw new StoreUnavailable('a new session’s items are there already');
}

const activity = 'lastActiveAt = :now, idleAt = :now + idleSeconds';

/** User activity, in a live session of this cookie and handle. @returns core after it */
export const extend = (
  options: StoreOptions,
  credential: SessionCredential,
  handle: string | undefined,
): Promise<Item | undefined> =>
  update(
    options,
    sessionKey(credential.key, 'core'),
    { expression: `SET ${activity}` },
    alive(options, { credential, handle }),
    'ALL_NEW',
  );

/** The cookies of this many earlier role changes are recognised as replaced. */
const maxFormerSecrets = 5;

/**
 * Role change, in a live session of this cookie and handle: at every moment exactly one secret opens the session, and it opens
 * this role.
 *
 * @returns core after it
 */
export const changeRole = (
  options: StoreOptions,
  { credential, handle, core }: { credential: SessionCredential; handle: string | undefined; core: Item },
  next: SessionCredential,
  sealed: Pick<SealedContent, 'wrappedKey' | 'roleId'>,
): Promise<Item | undefined> => {
  const former = [secretHash(credential.secret), ...formerSecrets(core)].slice(0, maxFormerSecrets);
  return update(
    options,
    sessionKey(credential.key, 'core'),
    {
      expression: `SET secretHash = :next, formerSecrets = :former, wrappedKey = :wrappedKey,
        #role = :role, handle = :newHandle, ${activity}`,
      values: {
        ':next': { S: secretHash(next.secret) },
        ':former': { L: former.map((hash) => ({ S: hash })) },
        ':wrappedKey': { B: sealed.wrappedKey },
        ':role': { B: sealed.roleId },
        ':newHandle': { S: newHandle() },
      },
    },
    alive(options, { credential, handle }),
    'ALL_NEW',
  );
};

/** How many other sessions the user had when a session began, while it lives. */
export async function recordOtherSessions(options: StoreOptions, key: string, others: number): Promise<void> {
  await update(
    options,
    sessionKey(key, 'core'),
    { expression: 'SET otherSessions = :others', values: { ':others': numberAttribute(others) } },
    alive(options),
  );
}

/**
 * Calls to APIs, in a live session of this cookie: adds them to the count, in a new window where `since` is undefined, and
 * writes the idle clock where that is due. The idle clock is written even if another instance has begun a window meanwhile.
 *
 * @param counted.since - the start of the window that the calls are added to
 * @param counted.windowAgo - one window before now
 */
export async function recordCalls(
  options: StoreOptions,
  credential: SessionCredential,
  {
    calls,
    since,
    windowAgo,
    idleDue,
  }: { calls: number; since: EpochSeconds | undefined; windowAgo: EpochSeconds; idleDue: boolean },
): Promise<boolean> {
  const count =
    since === undefined
      ? 'callsSince = :now, calls = :calls'
      : 'calls = if_not_exists(calls, :none) + :calls';
  const live = alive(options, { credential });
  const latest = idleDue
    ? 'lastActiveAt <= :latest'
    : '(attribute_not_exists(callsSince) OR callsSince <= :latest)';
  const updated = await update(
    options,
    sessionKey(credential.key, 'core'),
    {
      expression: `SET ${count}${idleDue ? `, ${activity}` : ''}`,
      values: {
        ':calls': numberAttribute(calls),
        ...(since === undefined ? {} : { ':none': numberAttribute(0) }),
      },
    },
    {
      ...live,
      expression: `${live.expression} AND ${latest}`,
      values: { ...live.values, ':latest': numberAttribute(idleDue ? windowAgo : (since ?? windowAgo)) },
    },
  );
  return updated !== undefined;
}

/**
 * Connection for events, of a live session of this cookie, which is notified of the end of the session. Not user activity.
 */
export async function connectEvents(
  options: StoreOptions,
  credential: SessionCredential,
  connectionId: string,
): Promise<boolean> {
  const updated = await update(
    options,
    sessionKey(credential.key, 'core'),
    { expression: 'SET eventsConnection = :connection', values: { ':connection': { S: connectionId } } },
    alive(options, { credential }),
  );
  return updated !== undefined;
}

/** End: of a live session that matches. @returns core before it */
export const end = (
  options: StoreOptions,
  key: string,
  reason: EndReason,
  match?: SessionMatch,
): Promise<Item | undefined> => endWhere(options, key, reason, alive(options, match));

const notEnded = {
  expression: '#state = :alive',
  values: { ':alive': { S: 'alive' } },
};

/** End by CIS2: of a session that is not marked as ended, even if it has expired. */
export const endByProvider = (options: StoreOptions, key: string): Promise<Item | undefined> =>
  endWhere(options, key, 'provider_logout', notEnded);

/**
 * End by an operator, of the same sessions.
 *
 * @param begunBy - if given, only of a session that began no later
 */
export const endByOperator = (
  options: StoreOptions,
  key: string,
  begunBy: EpochSeconds | undefined,
): Promise<Item | undefined> =>
  endWhere(
    options,
    key,
    'revoked',
    begunBy === undefined
      ? notEnded
      : {
          ...notEnded,
          expression: `${notEnded.expression} AND signedInAt <= :begunBy`,
          values: { ...notEnded.values, ':begunBy': numberAttribute(begunBy) },
        },
  );

/** End by expiry: of a session that has not been active since `core` was read. @returns core before it */
export const endByTime = (
  options: StoreOptions,
  key: string,
  core: Item,
  reason: EndReason,
): Promise<Item | undefined> =>
  endWhere(options, key, reason, {
    ...notEnded,
    expression: `${notEnded.expression} AND lastActiveAt = :seen`,
    values: { ...notEnded.values, ':seen': core['lastActiveAt'] ?? { NULL: true } },
  });

/**
 * The same, when the holder of the cookie sees the expiry: it then stays ended, even if clocks or settings change. A failed
 * write is left to the next request.
 */
export async function recordExpiry(
  options: StoreOptions,
  credential: SessionCredential,
  core: Item | undefined,
  state: { readonly status: string; readonly reason?: EndReason },
): Promise<Item | undefined> {
  if (core === undefined || state.reason === undefined) return undefined;
  if (!matchesSecret(credential, core) || readString(core['state']) !== 'alive') return undefined;
  return endByTime(options, credential.key, core, state.reason).catch(() => undefined);
}

/** Deletes the wrapped key, so that the remaining content of the session cannot be opened. */
const endWhere = (
  options: StoreOptions,
  key: string,
  reason: EndReason,
  condition: Expression,
): Promise<Item | undefined> =>
  update(
    options,
    sessionKey(key, 'core'),
    {
      expression: 'SET #state = :ended, reason = :reason, endedAt = :now REMOVE wrappedKey, #role',
      values: {
        ':now': numberAttribute(options.clock()),
        ':ended': { S: 'ended' },
        ':reason': { S: reason },
      },
    },
    condition,
    'ALL_OLD',
  );

/** A session that was alive until now. */
export interface EndedSession {
  /** The keyed hash that the table has the person under. */
  readonly person: string | undefined;
}

/**
 * Removes the remaining items and index entries of an ended session; those that fail are removed by a later write of the index
 * or by the TTL. This comes after the end, so an index may list an ended session, but never misses a live one.
 *
 * @param ended - core before its end; undefined when it was not ended
 * @returns false when it was not ended
 */
export async function cleanUpAfterEnd(
  options: StoreOptions,
  key: string,
  ended: Item | undefined,
): Promise<false | EndedSession> {
  if (ended === undefined) return false;
  const user = readString(ended['userHash']);
  const providerSession = readString(ended['providerSessionHash']);
  await Promise.allSettled([
    remove(options, sessionKey(key, 'profile')),
    user !== undefined && removeFromIndex(options, userIndexKey(user), [key]),
    providerSession !== undefined &&
      removeFromIndex(options, providerSessionIndexKey(providerSession), [key]),
  ]);
  return { person: user };
}

/** Ends a live session that matches, and cleans up after it. @returns false when there is none */
export const endAndCleanUp = async (
  options: StoreOptions,
  key: string,
  reason: EndReason,
  match?: SessionMatch,
): Promise<false | EndedSession> => cleanUpAfterEnd(options, key, await end(options, key, reason, match));
