import { after, type EpochMilliseconds } from '../common/index.ts';
import { StoreUnavailable } from './errors.ts';
import { identifierHash, type IdentifyingStoreOptions } from './identifiers.ts';
import {
  format,
  logoutTokenKey,
  epochMilliseconds,
  number,
  providerSessionIndexKey,
  text,
  userIndexKey,
} from './items.ts';
import { all, forEach } from './parallel.ts';
import { markEnded, type IndexEntry } from './session-index.ts';
import { wasAlive } from './state.ts';
import { warmUp, type StoreOptions } from './store.ts';
import { get, putOnce } from './table.ts';
import { endByProvider } from './transitions.ts';

/** Whom a logout by CIS2 names: at least one of the two. */
export interface Logout {
  /** Names the logout token. */
  readonly tokenId: readonly string[];
  /** Names the user: all their sessions, or, with `providerSession`, those for which CIS2 named no session of its own. */
  readonly user: readonly string[] | undefined;
  /** Names CIS2's own session: every session that belongs to it. */
  readonly providerSession: readonly string[] | undefined;
  /** When it came: it ends the user's sign-ins that began no later. */
  readonly arrivedAt: EpochMilliseconds;
}

/** What a logout by CIS2 may do to the sessions: end them. */
export interface LogoutStore {
  /** Opens the connection, so that the first request need not. */
  warmUp(): Promise<void>;
  /**
   * Ends the sessions that a logout names, and the sign-ins under way that began before it arrived. The same token again
   * finishes what is unfinished and ends nothing that began since (OpenID Connect Back-Channel Logout 1.0, section 2.7).
   *
   * @param deadline - when it comes first, the logout has failed
   * @returns how many live sessions were ended, whether the token had been here before, and the keyed hash that the table
   *   has the person under, where that is known
   * @throws StoreUnavailable, IdentifierKeyUnavailable unless everything that the logout names is over
   */
  logOut(logout: Logout, deadline: AbortSignal): Promise<LoggedOut>;
}

interface LoggedOut {
  readonly ended: number;
  readonly repeated: boolean;
  readonly person: string | undefined;
}

/** A logout token is stored for this many seconds: far longer than one is accepted for. */
const tokenRetentionSeconds = 3_600;

export function createLogoutStore(options: IdentifyingStoreOptions): LogoutStore {
  return {
    warmUp: () => warmUp(options),
    logOut: (logout, deadline) => logOut({ ...options, deadline }, logout),
  };
}

/*
 * The mark comes first and gives the list: a sign-in that is not on the list meets the mark. The indexes are not updated
 * with what has ended, which would be one write of a large item for each session: a sign-in removes it when its index is full.
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
  const [ofUser, ofProviderSession] = await all([
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
  const ended = (await forEach(named, (entry) => endByProvider(options, entry.key))).filter((core) =>
    wasAlive(options, core),
  );
  return { ended: ended.length, repeated, person: person ?? text(ended[0]?.['userHash']) };
}

/**
 * When this token first arrived. A repetition counts from then, so that it ends no session that began since.
 */
async function arrival(
  options: StoreOptions,
  tokenHash: string,
  now: EpochMilliseconds,
): Promise<{ arrivedAt: EpochMilliseconds; repeated: boolean }> {
  const key = logoutTokenKey(tokenHash);
  const item = {
    ...key,
    format: number(format),
    arrivedAt: number(now),
    ttl: number(after(options.clock(), tokenRetentionSeconds)),
  };
  if (await putOnce(options, item)) return { arrivedAt: now, repeated: false };
  const arrivedAt = epochMilliseconds((await get(options, key))?.['arrivedAt']);
  if (arrivedAt === undefined) throw new StoreUnavailable('a logout token without its time');
  return { arrivedAt, repeated: true };
}
