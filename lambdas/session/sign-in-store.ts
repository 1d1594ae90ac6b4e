import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  after,
  type EpochSeconds,
  type HealthcareWorker,
  type EpochMilliseconds,
  type SignInTokens,
} from '../common/index.ts';
import { sealContent } from './content.ts';
import {
  newCredential,
  newHandle,
  parseReplacement,
  replacementHash,
  type SessionCredential,
} from './credential.ts';
import { all, available, forEach, putOnce, unlessConditionFails } from './dynamo.ts';
import { coresOf, endAndClear, endByKey, endByTime } from './ending.ts';
import {
  attemptKey,
  format,
  indexHash,
  number,
  secretHash,
  sessionKey,
  userIndexKey,
  type Item,
} from './items.ts';
import { forget, listForProviderSession, listForUser, type IndexEntry } from './session-index.ts';
import { alive, lifeOf, ttlOf } from './state.ts';
import { update, warmUp, type Bound, type StoreOptions } from './store.ts';

/** Everything a sign-in brings for its session. */
export interface NewSession {
  readonly worker: HealthcareWorker;
  readonly roleId: string | null;
  /** What CIS2 issued for the person. */
  readonly tokens: SignInTokens;
  readonly device: string;
  /** Names the user across sessions. */
  readonly user: readonly string[];
  /** Names CIS2's own session, where CIS2 says which it is. */
  readonly providerSession: readonly string[] | undefined;
  /** When this sign-in began: a logout of the user that is no older ends it. */
  readonly begunAt: EpochMilliseconds;
  /** The session that this one takes the place of, as `replacementOf` names it. */
  readonly replaces: string | undefined;
  /** Live sessions a user may have, this one included; the oldest end when there would be more. */
  readonly sessionsPerUser: number;
  /** Whether the session remembers how many other live sessions the user had when it began. */
  readonly reportOthers: boolean;
}

export interface CreatedSession {
  readonly credential: SessionCredential;
  /** How many sessions ended as `replaced` for it: the one it took the place of, and the oldest of too many. */
  readonly ended: number;
}

/** What signing in may do to the sessions. */
export interface SignInStore {
  /** Opens the connection, so that the first request need not. */
  warmUp(): Promise<void>;
  /** True the first time an attempt comes back, and never again. */
  spendAttempt(attemptId: string, validForSeconds: number): Promise<boolean>;
  /**
   * Writes a new session; `provider_logout` when CIS2 has ended it already. Nothing of it lives unless all is written
   * before `deadline`, and only then does a session end for it.
   */
  create(session: NewSession, deadline: AbortSignal): Promise<CreatedSession | 'provider_logout'>;
}

/** What a sign-in does at its end, or to take back what it wrote, has this many milliseconds beyond its deadline. */
const maxLastStepMs = 1_200;
const lastStep = (): Bound => ({ abortSignal: AbortSignal.timeout(maxLastStepMs) });

/** @throws StoreUnavailable from every method, when nothing is known */
export function createSignInStore(options: StoreOptions): SignInStore {
  return {
    warmUp: () => warmUp(options),
    spendAttempt: (attemptId, validForSeconds) => spendAttempt(options, attemptId, validForSeconds),
    create: (session, deadline) => create(options, session, deadline),
  };
}

const spendAttempt = (options: StoreOptions, attemptId: string, validForSeconds: number): Promise<boolean> =>
  putOnce(options, {
    ...attemptKey(attemptId),
    format: number(format),
    ttl: number(after(options.clock(), validForSeconds)),
  });

/*
 *   this sign-in:   core + profile + tokens ──► indexes, unless they carry an end mark that counts ──► cookie
 *   CIS2's logout:                     end mark on the index ──► ends every session the index lists
 *
 * Whichever reaches the index first, one sees the other: a session is either listed when the logout reads the list, or
 * it meets the mark and ends itself.
 */
async function create(
  options: StoreOptions,
  session: NewSession,
  deadline: AbortSignal,
): Promise<CreatedSession | 'provider_logout'> {
  const bound = { abortSignal: deadline };
  const credential = newCredential();
  const { key } = credential;
  const user = indexHash(...session.user);
  const providerSession = session.providerSession && indexHash(...session.providerSession);
  const replaced = session.replaces === undefined ? undefined : parseReplacement(session.replaces);
  const now = options.clock();
  try {
    await putNew(options, newItems(options, { session, credential, user, providerSession, now }), bound);
    const entry = {
      key,
      signedInAt: now,
      begunAt: session.begunAt,
      hasProviderSession: providerSession !== undefined,
      ttl: ttlOf(options, now),
    };
    const [ofUser, ofProviderSession] = await all([
      listForUser(options, user, entry, bound),
      providerSession === undefined
        ? Promise.resolve(true)
        : listForProviderSession(options, providerSession, entry, bound),
    ]);
    if (ofUser === undefined || !ofProviderSession) {
      await endAndClear(options, key, 'provider_logout', { bound: lastStep() });
      return 'provider_logout';
    }
    deadline.throwIfAborted();
    const others = ofUser.filter((listed) => listed.key !== key);
    const staying = others.filter((listed) => listed.key !== replaced?.key);
    const makeRoomAmong = (listed: readonly IndexEntry[]): Promise<number> =>
      makeRoom(options, key, userIndexKey(user), listed, session, bound);
    const crowdedOut = await makeRoomAmong(staying);
    // Last, and only once all else holds: a sign-in that fails leaves the session before it alone. Once begun, the
    // deadline does not cut it short, for it cannot be taken back.
    deadline.throwIfAborted();
    const inItsPlace =
      replaced !== undefined &&
      (await endByKey(options, replaced.key, 'replaced', {
        meant: { replacementHash: replaced.hash },
        bound: lastStep(),
      }));
    // Named without its proof it has not ended, and counts like any other: a state is its own browser's to forge.
    const counted = !inItsPlace && others.length > staying.length ? await makeRoomAmong(others) : 0;
    return { credential, ended: crowdedOut + Number(inItsPlace) + counted };
  } catch (error) {
    await endByKey(options, key, 'revoked', { bound: lastStep() }).catch(() => undefined);
    throw error;
  }
}

interface NewItems {
  readonly core: Item;
  readonly profile: Item;
  readonly tokens: Item;
}

function newItems(
  options: StoreOptions,
  {
    session,
    credential: { key, reference, secret },
    user,
    providerSession,
    now,
  }: {
    session: NewSession;
    credential: SessionCredential;
    user: string;
    providerSession: string | undefined;
    now: EpochSeconds;
  },
): NewItems {
  const { idleSeconds, absoluteSeconds } = options.limits;
  const content = sealContent(key, secret, session);
  const beside = (item: 'profile' | 'token#cis2', sealed: Buffer): Item => ({
    ...sessionKey(key, item),
    format: number(format),
    sealed: { B: sealed },
    ttl: number(ttlOf(options, now)),
  });
  return {
    core: {
      ...sessionKey(key, 'core'),
      format: number(format),
      state: { S: 'alive' },
      signedInAt: number(now),
      lastActiveAt: number(now),
      idleSeconds: number(idleSeconds),
      idleAt: number(after(now, idleSeconds)),
      absoluteSeconds: number(absoluteSeconds),
      absoluteAt: number(after(now, absoluteSeconds)),
      handle: { S: newHandle() },
      device: { S: session.device },
      secretHash: { S: secretHash(secret) },
      replacementHash: { S: replacementHash(reference) },
      wrappedKey: { B: content.wrappedKey },
      role: { B: content.roleId },
      userHash: { S: user },
      ...(providerSession === undefined ? {} : { providerSessionHash: { S: providerSession } }),
      callsSince: number(now),
      ttl: number(ttlOf(options, now)),
    },
    profile: beside('profile', content.profile),
    tokens: beside('token#cis2', content.tokens),
  };
}

/**
 * Writes a new session's items. The SDK may send a put again whose answer was lost: it may find its own work, but never
 * undo an end.
 */
async function putNew(
  { client, table }: StoreOptions,
  { core, profile, tokens }: NewItems,
  bound: Bound,
): Promise<void> {
  const put = (item: Item, condition: string, names: Record<string, string>, values: Item) =>
    available(
      client.send(
        new PutItemCommand({
          TableName: table,
          Item: item,
          ConditionExpression: `attribute_not_exists(pk) OR (${condition})`,
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: values,
        }),
        bound,
      ),
    );
  const { secretHash: own, state } = core;
  if (own === undefined || state === undefined) throw new TypeError('not a whole session');
  const putBeside = (item: Item) =>
    put(item, '#sealed = :sealed', { '#sealed': 'sealed' }, { ':sealed': item['sealed'] ?? { NULL: true } });
  await all([
    put(
      core,
      'secretHash = :own AND #state = :alive',
      { '#state': 'state' },
      { ':own': own, ':alive': state },
    ),
    putBeside(profile),
    putBeside(tokens),
  ]);
}

/**
 * Ends the oldest of a user's other sessions until there is room for the new one, and forgets those that are over.
 * Writes down how many are left, where that is asked for.
 *
 * @returns how many were ended
 */
async function makeRoom(
  options: StoreOptions,
  key: string,
  userIndex: Item,
  others: readonly IndexEntry[],
  { sessionsPerUser, reportOthers }: NewSession,
  bound: Bound,
): Promise<number> {
  const crowded = others.length >= sessionsPerUser;
  if (!crowded && !(reportOthers && others.length > 0)) return 0;
  const { over, living } = await lookAt(options, others, bound);
  const surplus = Math.max(0, living.length + 1 - sessionsPerUser);
  const left = living.slice(surplus).filter(({ understood }) => understood).length;
  await all([
    forget(options, userIndex, over, bound),
    reportOthers && left > 0 ? rememberOthers(options, key, left, bound) : Promise.resolve(),
  ]);
  // Last: when one of the others fails, the sign-in does, and no session has ended for it.
  const ended = await forEach(living.slice(0, surplus), (session) =>
    endAndClear(options, session.key, 'replaced', { bound }),
  );
  return ended.filter(Boolean).length;
}

interface LivingSession {
  readonly key: string;
  readonly understood: boolean;
}

/**
 * Which of these sessions are over, and which live, the oldest first. What time has ended is written down as ended
 * before it counts as over, and what cannot be understood counts as living: an index never forgets a session that could
 * still be alive.
 */
async function lookAt(
  options: StoreOptions,
  listed: readonly IndexEntry[],
  bound: Bound,
): Promise<{ over: readonly string[]; living: readonly LivingSession[] }> {
  const oldestFirst = listed
    .toSorted((left, right) => left.signedInAt - right.signedInAt)
    .map((entry) => entry.key);
  const cores = await coresOf(options, oldestFirst, bound);
  const seen = await forEach(oldestFirst, async (key) => {
    const core = cores.get(key);
    if (core === undefined) return { key, over: true, understood: true };
    const life = lifeOf(options, core);
    if (life === undefined) return { key, over: false, understood: false };
    if ('expiry' in life) return { key, over: false, understood: true };
    const over = life.written || (await endByTime(options, key, core, life.reason, bound));
    return { key, over, understood: true };
  });
  return {
    over: seen.filter(({ over }) => over).map(({ key }) => key),
    living: seen.filter(({ over }) => !over),
  };
}

/** A session that has ended meanwhile has nobody left to tell. */
async function rememberOthers(
  options: StoreOptions,
  key: string,
  others: number,
  bound: Bound,
): Promise<void> {
  const { expression, names, values } = alive(options, options.clock());
  await unlessConditionFails(
    update(
      options,
      sessionKey(key, 'core'),
      {
        UpdateExpression: 'SET otherSessions = :others',
        ConditionExpression: expression,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: { ...values, ':others': number(others) },
      },
      bound,
    ),
  );
}
