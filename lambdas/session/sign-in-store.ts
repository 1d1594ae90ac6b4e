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
  number,
  secretHash,
  sessionKey,
  text,
  userIndexKey,
  type Item,
} from './items.ts';
import { all, forEach } from './parallel.ts';
import {
  addToProviderSessionIndex,
  addToUserIndex,
  removeFromIndex,
  type IndexEntry,
} from './session-index.ts';
import { livenessOf, ttlOf } from './state.ts';
import { getCores, warmUp, type StoreOptions } from './store.ts';
import { putOnce } from './table.ts';
import { begin, clearAfter, end, endByTime, recordOthers, type NewItems } from './transitions.ts';

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

interface CreatedSession {
  readonly credential: SessionCredential;
  /** How many sessions ended as `replaced` for it: the one it took the place of, and the oldest of too many. */
  readonly ended: number;
  /** The keyed hash that the table has the person under. */
  readonly person: string;
}

/** The role chosen in the session that a sign-in takes the place of. */
interface ReplacedRole {
  readonly roleId: string;
  /** Whether that session is this user's. @throws IdentifierKeyUnavailable */
  isOf(user: readonly string[]): Promise<boolean>;
}

/** What signing in may do to the sessions. */
export interface SignInStore {
  /** Opens the connection, so that the first request need not. */
  warmUp(): Promise<void>;
  /**
   * True the first time an attempt comes back, and never again.
   *
   * @throws StoreUnavailable, IdentifierKeyUnavailable: without the key no session can be made
   */
  spendAttempt(attemptId: string, validForSeconds: number): Promise<boolean>;
  /**
   * The role chosen in the session that a sign-in takes the place of, as `replacementOf` names it; undefined when there is
   * none, or that session is over.
   */
  replacedRole(replaces: string, deadline: AbortSignal): Promise<ReplacedRole | undefined>;
  /**
   * Writes a new session; `provider_logout` when CIS2 has ended it already. Nothing of it lives unless all is written
   * before `deadline`, and only then does a session end for it.
   */
  create(session: NewSession, deadline: AbortSignal): Promise<CreatedSession | 'provider_logout'>;
}

/** The last writes of a sign-in, or those that undo it, have this many milliseconds beyond its deadline. */
const maxFinalMs = 1_200;
const withFinalDeadline = <T>(
  options: StoreOptions,
  step: (options: StoreOptions) => Promise<T>,
): Promise<T> => withDeadline(maxFinalMs, (deadline) => step({ ...options, deadline }));

/** @throws StoreUnavailable from every method, when nothing is known */
export function createSignInStore(options: IdentifyingStoreOptions): SignInStore {
  return {
    warmUp: () => warmUp(options),
    spendAttempt: (attemptId, validForSeconds) => spendAttempt(options, attemptId, validForSeconds),
    replacedRole: (replaces, deadline) => replacedRole({ ...options, deadline }, replaces),
    create: (session, deadline) => create({ ...options, deadline }, session, deadline),
  };
}

async function spendAttempt(
  options: IdentifyingStoreOptions,
  attemptId: string,
  validForSeconds: number,
): Promise<boolean> {
  const item = {
    ...attemptKey(attemptId),
    format: number(format),
    ttl: number(after(options.clock(), validForSeconds)),
  };
  const [isFirst] = await all([putOnce(options, item), options.identifierKey()]);
  return isFirst;
}

async function replacedRole(
  options: IdentifyingStoreOptions,
  replaces: string,
): Promise<ReplacedRole | undefined> {
  const replaced = parseReplacement(replaces);
  if (replaced === undefined) return undefined;
  const { key, roleKey } = replaced;
  const core = (await getCores(options, [key])).get(key);
  const liveness = core && livenessOf(options, core);
  if (core === undefined || liveness === undefined || !('expiry' in liveness)) return undefined;
  // It opens only for who has the session's cookie, and only in the item as it was written.
  const roleId = openRole(key, roleKey, core) ?? undefined;
  const isOf: ReplacedRole['isOf'] = async (user) =>
    text(core['userHash']) === identifierHash(await options.identifierKey(), 'user', user);
  return roleId === undefined ? undefined : { roleId, isOf };
}

/*
 *   this sign-in:   core + profile + tokens ──► indexes, unless they carry an end mark that counts ──► cookie
 *   CIS2's logout:                     end mark on the index ──► ends every session the index lists
 *
 * Whichever reaches the index first, one sees the other: a session is either listed when the logout reads the list, or
 * it meets the mark and ends itself.
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
    await begin(options, newItems(options, { session, credential, user, providerSession, now }));
    const entry = {
      key,
      begunAt: session.begunAt,
      hasProviderSession: providerSession !== undefined,
      until: ttlOf(options, now),
    };
    const [ofUser, ofProviderSession] = await all([
      addToUserIndex(options, user, entry),
      providerSession === undefined
        ? Promise.resolve(true)
        : addToProviderSessionIndex(options, providerSession, entry),
    ]);
    if (ofUser === undefined || !ofProviderSession) {
      await withFinalDeadline(options, async (last) =>
        clearAfter(last, key, await end(last, key, 'provider_logout')),
      );
      return 'provider_logout';
    }
    deadline.throwIfAborted();
    const others = ofUser.filter((listed) => listed.key !== key);
    const staying = others.filter((listed) => listed.key !== replaced?.key);
    const endSurplusOf = (listed: readonly IndexEntry[]): Promise<number> =>
      endSurplus(options, key, userIndexKey(user), listed, session);
    const surplusEnded = await endSurplusOf(staying);
    // Last, and only once all else holds: a sign-in that fails leaves the session before it alone. Once begun, the
    // deadline does not cut it short, for it cannot be taken back.
    deadline.throwIfAborted();
    const replacedEnded =
      replaced !== undefined &&
      (await withFinalDeadline(options, (last) =>
        end(last, replaced.key, 'replaced', { replacementHash: replaced.hash }),
      )) !== undefined;
    // Named without its proof it has not ended, and counts like any other: a state is its own browser's to forge.
    const counted = !replacedEnded && others.length > staying.length ? await endSurplusOf(others) : 0;
    return { credential, ended: surplusEnded + Number(replacedEnded) + counted, person: user };
  } catch (error) {
    await withFinalDeadline(options, (last) => end(last, key, 'revoked')).catch(() => undefined);
    throw error;
  }
}

function newItems(
  options: StoreOptions,
  {
    session,
    credential,
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
  const { key, secret } = credential;
  const core: Item = {
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
    replacementHash: { S: replacementHash(roleKeyOf(credential)) },
    userHash: { S: user },
    ...(providerSession === undefined ? {} : { providerSessionHash: { S: providerSession } }),
    callsSince: number(now),
    ttl: number(ttlOf(options, now)),
  };
  const content = sealContent(credential, core, session);
  const beside = (item: 'profile' | 'token#cis2', sealed: Buffer): Item => ({
    ...sessionKey(key, item),
    format: number(format),
    sealed: { B: sealed },
    ttl: number(ttlOf(options, now)),
  });
  return {
    core: { ...core, wrappedKey: { B: content.wrappedKey }, role: { B: content.roleId } },
    profile: beside('profile', content.profile),
    tokens: beside('token#cis2', content.tokens),
  };
}

/**
 * Ends the oldest of a user's other sessions, so that no more than the limit are alive with the new one, and removes some of those
 * that are over from the index. Writes down how many are left, where that is asked for.
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
  const left = living.slice(surplus).filter(({ understood }) => understood).length;
  await all([
    removeFromIndex(options, userIndex, [...expired.map((entry) => entry.key), ...over]),
    // Not for a session that has ended meanwhile.
    reportOthers && left > 0 ? recordOthers(options, key, left) : Promise.resolve(),
  ]);
  // Last: when one of the others fails, the sign-in does, and no session has ended for it.
  const ended = await forEach(living.slice(0, surplus), (session) =>
    end(options, session.key, 'replaced').then((core) => clearAfter(options, session.key, core)),
  );
  return ended.filter(Boolean).length;
}

interface LivingSession {
  readonly key: string;
  readonly understood: boolean;
}

/** How many ends by time a sign-in writes down in passing. The others are left to the next ones, or to a read. */
const maxEndsInPassing = 5;

/**
 * Which of these sessions are over for good, and which live, the oldest first; what time has ended, and nobody has written
 * down, is neither. It is written down before an index forgets it, and what cannot be understood counts as living: an
 * index never forgets a session that could still be alive.
 */
async function sortByLiveness(
  options: StoreOptions,
  listed: readonly IndexEntry[],
): Promise<{ over: readonly string[]; living: readonly LivingSession[] }> {
  const oldestFirst = listed
    .toSorted((left, right) => left.begunAt - right.begunAt || (left.key < right.key ? -1 : 1))
    .map((entry) => entry.key);
  const cores = await getCores(options, oldestFirst);
  let ends = 0;
  const seen = await forEach(oldestFirst, async (key) => {
    const core = cores.get(key);
    if (core === undefined) return { key, is: 'over', understood: true };
    const liveness = livenessOf(options, core);
    if (liveness === undefined) return { key, is: 'living', understood: false };
    if ('expiry' in liveness) return { key, is: 'living', understood: true };
    if (liveness.written) return { key, is: 'over', understood: true };
    ends += 1;
    if (ends > maxEndsInPassing) return { key, is: 'timed out', understood: true };
    const ended = await endByTime(options, key, core, liveness.reason);
    return { key, is: ended === undefined ? 'living' : 'over', understood: true };
  });
  return {
    over: seen.filter(({ is }) => is === 'over').map(({ key }) => key),
    living: seen.filter(({ is }) => is === 'living'),
  };
}
