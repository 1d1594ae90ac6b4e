import {
  after,
  withDeadline,
  type EpochSeconds,
  type HealthcareWorker,
  type EpochMilliseconds,
  type SignInTokens,
} from '../common/index.ts';
import { openRole, sealContent } from './sealed-content.ts';
import {
  newCredential,
  newHandle,
  parseReplacement,
  replacementHash,
  roleKeyOf,
  type SessionCredential,
} from './credential.ts';
import { identifierHash, type IdentifyingStoreOptions } from './identifiers.ts';
import {
  attemptKey,
  format,
  numberAttribute,
  secretHash,
  sessionKey,
  readString,
  userIndexKey,
  type Item,
} from './items.ts';
import { settleAll, mapParallel } from './parallel.ts';
import {
  addToProviderSessionIndex,
  addToUserIndex,
  removeFromIndex,
  type IndexEntry,
} from './session-index.ts';
import { livenessOf, ttlOf } from './state.ts';
import { getCores, warmUp, type StoreOptions } from './store.ts';
import { putOnce } from './table.ts';
import { begin, end, endAndCleanUp, endByTime, recordOtherSessions, type NewItems } from './transitions.ts';

/** The data of a new session. */
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
  /** The session to replace, as `replacementOf` names it. */
  readonly replaces: string | undefined;
  /** Maximum number of live sessions of a user, this one included; the oldest are ended. */
  readonly sessionsPerUser: number;
  /** Whether to store how many other live sessions the user had when it began. */
  readonly reportOthers: boolean;
}

interface CreatedSession {
  readonly credential: SessionCredential;
  /** How many sessions were ended as `replaced`: the replaced one, and the oldest beyond the limit. */
  readonly ended: number;
  /** The keyed hash that the table has the person under. */
  readonly person: string;
}

/** The role chosen in the session that a sign-in replaces. */
interface ReplacedRole {
  readonly roleId: string;
  /** Whether that session is this user's. @throws IdentifierKeyUnavailable */
  isOf(user: readonly string[]): Promise<boolean>;
}

/** What a sign-in may do. */
export type SignInStore = ReturnType<typeof createSignInStore>;

/** The last writes of a sign-in, or those that undo it, have this many milliseconds beyond its deadline. */
const maxFinalMs = 1_200;
const withFinalDeadline = <T>(
  options: StoreOptions,
  step: (options: StoreOptions) => Promise<T>,
): Promise<T> => withDeadline(maxFinalMs, (deadline) => step({ ...options, deadline }));

/** @throws StoreUnavailable from every method, when nothing is known */
export function createSignInStore(options: IdentifyingStoreOptions) {
  return {
    /** Opens the connection, so that the first request need not. */
    warmUp: () => warmUp(options),

    /**
     * True for the first callback of an attempt, false for every other.
     *
     * @throws StoreUnavailable, IdentifierKeyUnavailable: without the key no session can be made
     */
    async spendAttempt(attemptId: string, validForSeconds: number): Promise<boolean> {
      const item = {
        ...attemptKey(attemptId),
        format: numberAttribute(format),
        ttl: numberAttribute(after(options.clock(), validForSeconds)),
      };
      const [isFirst] = await settleAll([putOnce(options, item), options.identifierKey()]);
      return isFirst;
    },

    /**
     * The role chosen in the session to replace, as `replacementOf` names it; undefined when there is none, or the session
     * has ended.
     */
    async replacedRole(replaces: string, deadline: AbortSignal): Promise<ReplacedRole | undefined> {
      const replaced = parseReplacement(replaces);
      if (replaced === undefined) return undefined;
      const { key, roleKey } = replaced;
      const core = (await getCores({ ...options, deadline }, [replaced])).get(key);
      const liveness = core && livenessOf(options, core);
      if (core === undefined || liveness === undefined || !('expiry' in liveness)) return undefined;
      // It can be opened only with the key from the session's cookie, and only in an unchanged item.
      const roleId = openRole(key, roleKey, core) ?? undefined;
      const isOf: ReplacedRole['isOf'] = async (user) =>
        readString(core['userHash']) === identifierHash(await options.identifierKey(), 'user', user);
      return roleId === undefined ? undefined : { roleId, isOf };
    },

    /**
     * Writes a new session; `provider_logout` when CIS2 has ended it already. The session is only alive if everything is
     * written before `deadline`, and only then are other sessions ended.
     */
    create: (session: NewSession, deadline: AbortSignal) =>
      create({ ...options, deadline }, session, deadline),
  };
}

/*
 *   this sign-in:   core + profile + tokens ──► indexes, unless they carry an end mark that counts ──► cookie
 *   CIS2's logout:                     end mark on the index ──► ends every session the index lists
 *
 * Whichever reaches the index first: a session is either listed when the logout reads the list, or the sign-in finds the
 * mark and ends its session.
 */
async function create(
  options: IdentifyingStoreOptions,
  session: NewSession,
  deadline: AbortSignal,
): Promise<CreatedSession | 'provider_logout'> {
  const credential = newCredential();
  const { key } = credential;
  const identifierKey = await options.identifierKey();
  const user = identifierHash(identifierKey, 'user', session.user);
  const providerSession =
    session.providerSession && identifierHash(identifierKey, 'provider-session', session.providerSession);
  const replaced = session.replaces === undefined ? undefined : parseReplacement(session.replaces);
  const now = options.clock();
  try {
    await begin(options, newItems(options, session, credential, { user, providerSession }, now));
    const entry = {
      key,
      begunAt: session.begunAt,
      hasProviderSession: providerSession !== undefined,
      until: ttlOf(options, now),
    };
    const [ofUser, ofProviderSession] = await settleAll([
      addToUserIndex(options, user, entry),
      providerSession === undefined
        ? Promise.resolve(true)
        : addToProviderSessionIndex(options, providerSession, entry),
    ]);
    if (ofUser === undefined || !ofProviderSession) {
      await withFinalDeadline(options, (last) => endAndCleanUp(last, key, 'provider_logout'));
      return 'provider_logout';
    }
    deadline.throwIfAborted();
    const others = ofUser.filter((listed) => listed.key !== key);
    const staying = others.filter((listed) => listed.key !== replaced?.key);
    const endSurplusOf = (listed: readonly IndexEntry[]): Promise<number> =>
      endSurplus(options, key, userIndexKey(user), listed, session);
    const surplusEnded = await endSurplusOf(staying);
    // Last, so that a failed sign-in does not end the former session. Once begun, the deadline does not interrupt it,
    // because it cannot be undone.
    deadline.throwIfAborted();
    const replacedEnded =
      replaced !== undefined &&
      (await withFinalDeadline(options, (last) =>
        end(last, replaced.key, 'replaced', { replacementHash: replaced.hash }),
      )) !== undefined;
    // Without its proof it has not ended, and counts like any other: a browser can forge its own state.
    const counted = !replacedEnded && others.length > staying.length ? await endSurplusOf(others) : 0;
    return { credential, ended: surplusEnded + Number(replacedEnded) + counted, person: user };
  } catch (error) {
    await withFinalDeadline(options, (last) => end(last, key, 'revoked')).catch(() => undefined);
    throw error;
  }
}

function newItems(
  options: StoreOptions,
  session: NewSession,
  credential: SessionCredential,
  { user, providerSession }: { user: string; providerSession: string | undefined },
  now: EpochSeconds,
): NewItems {
  const { idleSeconds, absoluteSeconds } = options.limits;
  const { key, secret } = credential;
  const core: Item = {
    ...sessionKey(key, 'core'),
    format: numberAttribute(format),
    state: { S: 'alive' },
    signedInAt: numberAttribute(now),
    lastActiveAt: numberAttribute(now),
    idleSeconds: numberAttribute(idleSeconds),
    idleAt: numberAttribute(after(now, idleSeconds)),
    absoluteSeconds: numberAttribute(absoluteSeconds),
    absoluteAt: numberAttribute(after(now, absoluteSeconds)),
    handle: { S: newHandle() },
    device: { S: session.device },
    secretHash: { S: secretHash(secret) },
    replacementHash: { S: replacementHash(roleKeyOf(credential)) },
    userHash: { S: user },
    ...(providerSession === undefined ? {} : { providerSessionHash: { S: providerSession } }),
    callsSince: numberAttribute(now),
    ttl: numberAttribute(ttlOf(options, now)),
  };
  const content = sealContent(credential, core, session);
  const beside = (item: 'profile' | 'token#cis2', sealed: Buffer): Item => ({
    ...sessionKey(key, item),
    format: numberAttribute(format),
    sealed: { B: sealed },
    ttl: numberAttribute(ttlOf(options, now)),
  });
  return {
    core: { ...core, wrappedKey: { B: content.wrappedKey }, role: { B: content.roleId } },
    profile: beside('profile', content.profile),
    tokens: beside('token#cis2', content.tokens),
  };
}

/**
 * Ends the oldest other sessions of a user beyond the limit, and removes some ended sessions from the index. Stores how many
 * are left, if requested.
 *
 * @returns how many were ended
 */
async function endSurplus(
  options: StoreOptions,
  key: string,
  userIndex: Item,
  others: readonly IndexEntry[],
  { sessionsPerUser, reportOthers }: NewSession,
): Promise<number> {
  const now = options.clock();
  const expired = others.filter(({ until }) => until !== undefined && until <= now);
  const listed = others.filter((entry) => !expired.includes(entry));
  const mustCount = listed.length >= sessionsPerUser || (reportOthers && listed.length > 0);
  if (!mustCount && others.length < sessionsPerUser) return 0;
  const { over, living } = await sortByLiveness(options, mustCount ? listed : []);
  const surplus = Math.max(0, living.length + 1 - sessionsPerUser);
  const left = living.slice(surplus).filter(({ is }) => is === 'alive').length;
  await settleAll([
    removeFromIndex(options, userIndex, [...expired.map((entry) => entry.key), ...over]),
    // Not done for a session that has ended meanwhile.
    reportOthers && left > 0 ? recordOtherSessions(options, key, left) : Promise.resolve(),
  ]);
  // Last: if one of the other writes fails, the sign-in fails without ending a session.
  const ended = await mapParallel(living.slice(0, surplus), (session) =>
    endAndCleanUp(options, session.key, 'replaced'),
  );
  return ended.filter(Boolean).length;
}

/** `unreadable`: counts as alive. `timed out`: without its end in the table. */
interface SeenSession {
  readonly key: string;
  readonly is: 'alive' | 'unreadable' | 'timed out' | 'over';
}

/** How many expired sessions a sign-in marks as ended at most. The others are left to later sign-ins, or to a read. */
const maxEndsInPassing = 5;

/**
 * Which of these sessions have ended, and which are alive, the oldest first. An expired session is first marked as ended in
 * the table. One that cannot be read counts as alive: a session that could be alive is never removed from the index.
 */
async function sortByLiveness(
  options: StoreOptions,
  listed: readonly IndexEntry[],
): Promise<{ over: readonly string[]; living: readonly SeenSession[] }> {
  const oldestFirst = listed.toSorted(
    (left, right) => left.begunAt - right.begunAt || (left.key < right.key ? -1 : 1),
  );
  const cores = await getCores(options, oldestFirst);
  let ends = 0;
  const seen = await mapParallel(oldestFirst, async ({ key }): Promise<SeenSession> => {
    const core = cores.get(key);
    if (core === undefined) return { key, is: 'over' };
    const liveness = livenessOf(options, core);
    if (liveness === undefined) return { key, is: 'unreadable' };
    if ('expiry' in liveness) return { key, is: 'alive' };
    if (liveness.written) return { key, is: 'over' };
    ends += 1;
    if (ends > maxEndsInPassing) return { key, is: 'timed out' };
    const ended = await endByTime(options, key, core, liveness.reason);
    return { key, is: ended === undefined ? 'alive' : 'over' };
  });
  return {
    over: seen.filter(({ is }) => is === 'over').map(({ key }) => key),
    living: seen.filter(({ is }) => is === 'alive' || is === 'unreadable'),
  };
}
