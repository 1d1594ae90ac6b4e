import {
  after,
  preciseClock,
  type EpochSeconds,
  type HealthcareWorker,
  type PreciseClock,
} from '../common/index.ts';
import { openDataKey, openProfile, openRole } from './content.ts';
import { roleKeyOf, type SessionCredential } from './credential.ts';
import { all, unlessConditionFails } from './dynamo.ts';
import { markEndedByTime } from './ending.ts';
import { count, epochSeconds, number, sessionKey, text, type Item, type TokenAudience } from './items.ts';
import { alive, holds, standingOf, type NotActive, type Standing } from './state.ts';
import { getItem, update, warmUp, type StoreOptions } from './store.ts';
import { sessionTokens, type SessionTokens } from './tokens.ts';

/** What a call to another service needs of the session it is made for. */
export interface ProxyUse {
  /** The session that the caller means, where it says so. */
  readonly handle: string | undefined;
  /** Whether the call counts as user activity. */
  readonly activity: boolean;
  /** Whether who the person is must be known. */
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
  /** Undefined unless it was asked for. */
  readonly worker: HealthcareWorker | undefined;
  readonly tokens: SessionTokens;
}

/** What a proxied call may do to the session it is made for. */
export interface ProxyStore {
  /** Opens the connection, so that the first request need not. */
  warmUp(): Promise<void>;
  /**
   * Opens a session for one call, and counts the call: one round trip, and one more at most once in a window. A call that
   * opens no session counts for nothing.
   *
   * @returns `other_session` when the session is not the one that is meant; `rate_limited` when it has had its calls
   */
  open(
    credential: SessionCredential,
    use: ProxyUse,
  ): Promise<
    | { readonly status: 'active'; readonly session: ProxySession }
    | { readonly status: 'other_session' }
    | { readonly status: 'rate_limited'; readonly retryAfterSeconds: number }
    | NotActive
  >;
}

export interface ProxyStoreOptions extends StoreOptions {
  /** How many calls a session may make in a window of a minute, or of a fifteenth of the idle limit if that is less. */
  readonly callsPerWindow: number;
  readonly preciseClock?: PreciseClock;
}

/** @throws StoreUnavailable from every method, when nothing is known */
export function createProxyStore(options: ProxyStoreOptions): ProxyStore {
  return {
    warmUp: () => warmUp(options),
    open: (credential, use) => open(options, credential, use),
  };
}

const maxWindowSeconds = 60;
/** How long calls are counted together, and how often the idle clock is written at most, in seconds. */
const windowOf = (idleSeconds: number): number =>
  Math.max(1, Math.min(maxWindowSeconds, Math.floor(idleSeconds / 15)));

async function open(
  options: ProxyStoreOptions,
  credential: SessionCredential,
  use: ProxyUse,
): ReturnType<ProxyStore['open']> {
  const { key } = credential;
  const now = options.clock();
  const [counted, item, profile] = await all([
    countCall(options, credential, use.handle, now),
    use.audience === undefined ? nothing : getItem(options, sessionKey(key, `token#${use.audience}`)),
    use.profile ? getItem(options, sessionKey(key, 'profile')) : nothing,
  ]);
  if (counted === undefined) return refusal(options, credential, use.handle);
  const standing = standingOf(options, credential, counted);
  if (standing.status !== 'alive') return standing;
  const { core, times, handle } = standing;

  const windowSeconds = windowOf(times.limits.idleSeconds);
  const windowEndsAt = after(epochSeconds(core['callsSince']) ?? (0 as EpochSeconds), windowSeconds);
  const windowOver = windowEndsAt <= now;
  if (!windowOver && count(core['calls']) > options.callsPerWindow) {
    return { status: 'rate_limited', retryAfterSeconds: windowEndsAt - now };
  }
  const idleDue = use.activity && after(times.lastActiveAt, windowSeconds) <= now;
  if (windowOver || idleDue) {
    await beginWindow(options, credential, { now, windowSeconds, windowOver, idleDue });
  }

  const dataKey = openDataKey(key, credential.secret, core);
  const roleId = dataKey && openRole(key, roleKeyOf(credential), core);
  const worker = dataKey && use.profile ? openProfile(key, dataKey, profile?.['sealed']?.B) : undefined;
  if (dataKey === undefined || roleId === undefined || (use.profile && worker === undefined)) {
    return { status: 'unknown', unreadable: 'content' };
  }
  const tokens = sessionTokens({ preciseClock, ...options }, key, dataKey, {
    core,
    audience: use.audience,
    item,
  });
  return { status: 'active', session: { handle, roleId, signedInAt: times.signedInAt, worker, tokens } };
}

const nothing = Promise.resolve(undefined);

/** Counts the call where the session lives and is the one meant. @returns core, as it is then */
async function countCall(
  options: StoreOptions,
  credential: SessionCredential,
  handle: string | undefined,
  now: EpochSeconds,
): Promise<Item | undefined> {
  const { expression, names, values } = alive(options, now, { credential, handle });
  const counted = await unlessConditionFails(
    update(options, sessionKey(credential.key, 'core'), {
      UpdateExpression: 'SET calls = if_not_exists(calls, :none) + :one',
      ConditionExpression: expression,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: { ...values, ':none': number(0), ':one': number(1) },
      ReturnValues: 'ALL_NEW',
    }),
  );
  return counted === undefined ? undefined : (counted.Attributes ?? {});
}

/**
 * Begins a window with this call, and writes the idle clock, where they are due. Of calls at the same time one does; a few
 * that the others counted go uncounted.
 */
async function beginWindow(
  options: StoreOptions,
  credential: SessionCredential,
  due: { now: EpochSeconds; windowSeconds: number; windowOver: boolean; idleDue: boolean },
): Promise<void> {
  const { expression, names, values } = alive(options, due.now, { credential });
  await unlessConditionFails(
    update(options, sessionKey(credential.key, 'core'), {
      UpdateExpression: `SET ${[
        ...(due.idleDue ? ['lastActiveAt = :now, idleAt = :now + idleSeconds'] : []),
        ...(due.windowOver ? ['callsSince = :now, calls = :one'] : []),
      ].join(', ')}`,
      ConditionExpression: `${expression} AND ${
        due.idleDue ? 'lastActiveAt <= :due' : '(attribute_not_exists(callsSince) OR callsSince <= :due)'
      }`,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: {
        ...values,
        ':due': number(after(due.now, -due.windowSeconds)),
        ...(due.windowOver ? { ':one': number(1) } : {}),
      },
    }),
  );
}

/** Why there was no call to count. Told once that it is over, a session stays over, as at every other read. */
async function refusal(
  options: StoreOptions,
  credential: SessionCredential,
  handle: string | undefined,
): Promise<{ status: 'other_session' } | NotActive> {
  const core = await getItem(options, sessionKey(credential.key, 'core'));
  const standing: Standing = standingOf(options, credential, core);
  if (standing.status === 'alive') {
    return handle !== undefined && handle !== standing.handle
      ? { status: 'other_session' }
      : { status: 'unknown', unreadable: 'core' };
  }
  if (
    core !== undefined &&
    standing.status === 'ended' &&
    holds(credential, core) &&
    text(core['state']) === 'alive'
  ) {
    await markEndedByTime(options, credential.key, core, standing.reason).catch(() => undefined);
  }
  return standing;
}
