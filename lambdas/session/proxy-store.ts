import {
  after,
  preciseClock,
  type EpochSeconds,
  type HealthcareWorker,
  type PreciseClock,
} from '../common/index.ts';
import { CallCounts, type CallCount } from './call-counts.ts';
import { openDataKey, openProfile, openRole } from './sealed-content.ts';
import { roleKeyOf, type SessionCredential } from './credential.ts';
import { readCount, readEpochSeconds, type Item, type SessionItem, type TokenAudience } from './items.ts';
import { checkCredential, type NotActive } from './state.ts';
import { getSessionItems, warmUp, type StoreOptions } from './store.ts';
import { createSessionTokens, type SessionTokens } from './tokens.ts';
import { recordExpiry, recordCalls } from './transitions.ts';

/** What a call to another service needs of the session it is made for. */
export interface ProxyUse {
  /** The handle of the expected session, if given. */
  readonly handle: string | undefined;
  /** Whether the call counts as user activity. */
  readonly activity: boolean;
  /** Whether the profile of the person is needed. */
  readonly profile: boolean;
  /** Whose token the call carries. */
  readonly audience: TokenAudience | undefined;
}

/** A live session, as far as a proxied call needs it. */
export interface ProxySession {
  readonly handle: string;
  /** The id of the role that the person works in; null until one is chosen. */
  readonly roleId: string | null;
  readonly signedInAt: EpochSeconds;
  /** Undefined unless requested. */
  readonly worker: HealthcareWorker | undefined;
  readonly tokens: SessionTokens;
}

export interface ProxyStoreOptions extends StoreOptions {
  /** How many calls a session may make in a window of a minute, or of a fifteenth of the idle limit if that is less. */
  readonly callsPerWindow: number;
  readonly preciseClock?: PreciseClock;
}

/** What a proxied call may do to the session it is made for. */
export type ProxyStore = ReturnType<typeof createProxyStore>;

type Opened =
  | { readonly status: 'active'; readonly session: ProxySession }
  | { readonly status: 'other_session' }
  | { readonly status: 'rate_limited'; readonly retryAfterSeconds: number }
  | NotActive;

/** @throws StoreUnavailable from every method, when nothing is known */
export function createProxyStore(options: ProxyStoreOptions) {
  const counts = new CallCounts();
  return {
    /** Opens the connection, so that the first request need not. */
    warmUp: () => warmUp(options),

    /**
     * Opens a session for one call, and counts the call: one consistent read, and a write where the idle clock is due or
     * enough calls are uncounted in the table. A call that opens no session counts for nothing.
     *
     * @returns `other_session` when the session is not the expected one; `rate_limited` when its calls are used up
     */
    open: (credential: SessionCredential, use: ProxyUse) => open(options, counts, credential, use),
  };
}

const maxWindowSeconds = 60;
/**
 * An instance counts the calls of a session in memory, and adds them to the table with the next write of the idle clock, or
 * when they reach this part of the limit. So a session with calls on N instances makes at most N parts more than its limit
 * in a window, and one more if an instance begins a window just after another has written.
 */
const unwrittenPart = 1 / 5;
const maxUnwritten = (callsPerWindow: number): number =>
  Math.max(1, Math.floor(callsPerWindow * unwrittenPart));

/** The window of the call count, and the minimum interval between writes of the idle clock, in seconds. */
const windowOf = (idleSeconds: number): number =>
  Math.max(1, Math.min(maxWindowSeconds, Math.floor(idleSeconds / 15)));

async function open(
  options: ProxyStoreOptions,
  counts: CallCounts,
  credential: SessionCredential,
  use: ProxyUse,
): Promise<Opened> {
  const { key } = credential;
  const now = options.clock();
  const item = await getSessionItems(options, key, lastItem(use));
  const checked = checkCredential(options, credential, item('core'));
  if (checked.status !== 'alive') {
    await recordExpiry(options, credential, item('core'), checked);
    return checked;
  }
  const { core, times, handle } = checked;
  if (use.handle !== undefined && use.handle !== handle) return { status: 'other_session' };

  const windowSeconds = windowOf(times.limits.idleSeconds);
  const written = writtenCalls(core, windowSeconds, now);
  const counted = counts.of(key, now, written?.until ?? after(now, windowSeconds));
  if ((written?.calls ?? 0) + counted.unwritten >= options.callsPerWindow) {
    const until = Math.max(counted.until, written?.until ?? 0);
    return { status: 'rate_limited', retryAfterSeconds: until - now };
  }
  counted.unwritten += 1;
  const idleDue = use.activity && after(times.lastActiveAt, windowSeconds) <= now;
  if (idleDue || counted.unwritten >= maxUnwritten(options.callsPerWindow)) {
    const windowAgo = after(now, -windowSeconds);
    await flushCalls(options, credential, counted, { since: written?.since, windowAgo, idleDue });
  }

  const dataKey = openDataKey(key, credential.secret, core);
  const roleId = dataKey && openRole(key, roleKeyOf(credential), core);
  const worker =
    dataKey && use.profile ? openProfile(key, dataKey, item('profile')?.['sealed']?.B) : undefined;
  if (dataKey === undefined || roleId === undefined || (use.profile && worker === undefined)) {
    return { status: 'unknown', unreadable: 'content' };
  }
  const tokens = createSessionTokens(
    { preciseClock, ...options },
    { key, dataKey },
    {
      core,
      audience: use.audience,
      item: use.audience && item(`token#${use.audience}`),
    },
  );
  return { status: 'active', session: { handle, roleId, signedInAt: times.signedInAt, worker, tokens } };
}

/** The last item of the session that a call needs, in the order of sort keys. */
const lastItem = ({ audience, profile }: ProxyUse): SessionItem => {
  if (audience !== undefined) return `token#${audience}`;
  return profile ? 'profile' : 'core';
};

/** The calls that the table has counted. */
interface WrittenCalls {
  readonly calls: number;
  readonly since: EpochSeconds;
  /** When their window is over. */
  readonly until: EpochSeconds;
}

/** Undefined when the window in the table is over, or there is none. */
function writtenCalls(core: Item, windowSeconds: number, now: EpochSeconds): WrittenCalls | undefined {
  const since = readEpochSeconds(core['callsSince']);
  if (since === undefined) return undefined;
  const until = after(since, windowSeconds);
  return until <= now ? undefined : { calls: readCount(core['calls']), since, until };
}

/**
 * Adds this instance's count to the table. Of several instances at the same time one succeeds; the others keep their counts for the
 * next write. The count is kept too when the response is lost: calls that were written then count twice.
 */
async function flushCalls(
  options: StoreOptions,
  credential: SessionCredential,
  counted: CallCount,
  window: { since: EpochSeconds | undefined; windowAgo: EpochSeconds; idleDue: boolean },
): Promise<void> {
  const calls = counted.unwritten;
  // A concurrent call must not write them again.
  counted.unwritten = 0;
  let done = false;
  try {
    done = await recordCalls(options, credential, { calls, ...window });
  } finally {
    if (!done) counted.unwritten += calls;
  }
}
