import { after, type EpochMilliseconds } from '../common/index.ts';
import { StoreUnavailable } from './errors.ts';
import { identifierHash, type IdentifyingStoreOptions } from './identifiers.ts';
import {
  format,
  logoutTokenKey,
  readEpochMilliseconds,
  numberAttribute,
  providerSessionIndexKey,
  readString,
  userIndexKey,
} from './items.ts';
import { settleAll, mapParallel } from './parallel.ts';
import { markEnded, type IndexEntry } from './session-index.ts';
import { wasAlive } from './state.ts';
import { warmUp, type StoreOptions } from './store.ts';
import { get, putOnce } from './table.ts';
import { endByProvider } from './transitions.ts';

/** A logout by CIS2: of the user, the CIS2 session, or both. */
export interface Logout {
  /** Names the logout token. */
  readonly tokenId: readonly string[];
  /** Names the user: all their sessions, or, with `providerSession`, those for which CIS2 named no session of its own. */
  readonly user: readonly string[] | undefined;
  /** Names CIS2's own session: every session that belongs to it. */
  readonly providerSession: readonly string[] | undefined;
  /** When it arrived: it ends the user's sign-ins that began no later. */
  readonly arrivedAt: EpochMilliseconds;
}

interface LoggedOut {
  readonly ended: number;
  readonly repeated: boolean;
  readonly person: string | undefined;
}

/** A logout token is stored for this many seconds: far longer than one is accepted for. */
const tokenRetentionSeconds = 3_600;

/** What the function for logouts by CIS2 may do. */
export type LogoutStore = ReturnType<typeof createLogoutStore>;

export const createLogoutStore = (options: IdentifyingStoreOptions) => ({
  /** Opens the connection, so that the first request need not. */
  warmUp: () => warmUp(options),

  /**
   * Ends the sessions that a logout names, and the sign-ins under way that began before it arrived. A repeated token
   * finishes the logout, and ends no session that began since (OpenID Connect Back-Channel Logout 1.0, section 2.7).
   *
   * @param deadline - the logout fails when it aborts
   * @returns how many live sessions were ended, whether the token is repeated, and the keyed hash of the person, if
   *   known
   * @throws StoreUnavailable, IdentifierKeyUnavailable unless all sessions that the logout names have ended
   */
  logOut: (logout: Logout, deadline: AbortSignal) => logOut({ ...options, deadline }, logout),
});

/*
 * The mark comes first and gives the list: a sign-in that is not on the list finds the mark. Ended sessions are not removed
 * from the indexes, which would be one write of a large item for each: a sign-in removes them when its index is full.
 */
async function logOut(
  options: IdentifyingStoreOptions,
  { tokenId, user, providerSession, arrivedAt: now }: Logout,
): Promise<LoggedOut> {
  if (user === undefined && providerSession === undefined) throw new TypeError('a logout of nobody');
  const key = await options.identifierKey();
  const tokenHash = identifierHash(key, 'logout-token', tokenId);
  const { arrivedAt, repeated } = await arrival(options, tokenHash, now);
  const none = Promise.resolve<readonly IndexEntry[]>([]);
  const mark = providerSession === undefined ? 'endedAt' : 'endedWithoutSidAt';
  const person = user && identifierHash(key, 'user', user);
  const [ofUser, ofProviderSession] = await settleAll([
    person === undefined ? none : markEnded(options, userIndexKey(person), mark, arrivedAt),
    providerSession === undefined
      ? none
      : markEnded(
          options,
          providerSessionIndexKey(identifierHash(key, 'provider-session', providerSession)),
          'endedAt',
          arrivedAt,
        ),
  ]);
  const named = [
    ...ofProviderSession,
    ...ofUser.filter(
      ({ begunAt, hasProviderSession }) =>
        begunAt <= arrivedAt && (providerSession === undefined || !hasProviderSession),
    ),
  ];
  const ended = (await mapParallel(named, (entry) => endByProvider(options, entry.key))).filter((core) =>
    wasAlive(options, core),
  );
  return { ended: ended.length, repeated, person: person ?? readString(ended[0]?.['userHash']) };
}

/**
 * When this token first arrived. A repetition uses the same time, so that it ends no session that began since.
 */
async function arrival(
  options: StoreOptions,
  tokenHash: string,
  now: EpochMilliseconds,
): Promise<{ arrivedAt: EpochMilliseconds; repeated: boolean }> {
  const key = logoutTokenKey(tokenHash);
  const item = {
    ...key,
    format: numberAttribute(format),
    arrivedAt: numberAttribute(now),
    ttl: numberAttribute(after(options.clock(), tokenRetentionSeconds)),
  };
  if (await putOnce(options, item)) return { arrivedAt: now, repeated: false };
  const arrivedAt = readEpochMilliseconds((await get(options, key))?.['arrivedAt']);
  if (arrivedAt === undefined) throw new StoreUnavailable('a logout token without its time');
  return { arrivedAt, repeated: true };
}
