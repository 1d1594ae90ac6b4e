/**
 * The tokens that a session has for another service, and the lease under which they are changed: one item.
 *
 *   generation    the number of the lease under which the tokens were stored, and under which they are sealed
 *   sealed        the tokens; missing where there are none
 *   fence         the number of the latest lease, which is over once the generation equals it
 *   leaseUntil    when that lease is over at the latest, in milliseconds
 *   leaseHolder   the holder of the lease; without one, the service has failed and is not called until then
 *
 * A refresh token works once, so only the holder of a lease uses it. Taking a lease and storing tokens are transactions that
 * check `core`: neither succeeds for an ended session, so a late token is not stored. Tokens replace only those of an
 * earlier lease.
 */
import { randomBytes } from 'node:crypto';
import { BffError, type PreciseClock, type Secret, type SignInTokens } from '../common/index.ts';
import { openIssuedTokens, openSignInTokens, sealIssuedTokens, type IssuedTokens } from './sealed-content.ts';
import {
  readCount,
  format,
  readEpochSeconds,
  readEpochMilliseconds,
  numberAttribute,
  sessionKey,
  readString,
  type Item,
  type TokenAudience,
} from './items.ts';
import { alive, livenessOf, ttlOf, type NotActive } from './state.ts';
import { getSessionItems, type StoreOptions } from './store.ts';
import { get, update, updateChecking, type Expression } from './table.ts';

/** Services whose tokens are exchanged and refreshed, by one call at a time. */
export type LeasedAudience = Exclude<TokenAudience, 'cis2'>;

/** The session has ended during the request. `state` says why, if known. */
export class SessionGone extends BffError {
  override readonly name = 'SessionGone';
  readonly code = 'session_ended';
  readonly state: NotActive;

  constructor(state: NotActive) {
    super('the session is over');
    this.state = state;
  }
}

/** The tokens of a session for a service, as they were read. */
export interface TokenView {
  /** Grows with every change; 0 when there has never been one. */
  readonly generation: number;
  readonly tokens: IssuedTokens | undefined;
  /** How long the service is not called after a failure, in milliseconds. */
  readonly backOffMs: number;
  /** The number of the latest lease; 0 when there has never been one. */
  readonly fence: number;
  /** When that lease is over at the latest, in milliseconds since the epoch; 0 when it was released. */
  readonly leaseUntil: number;
}

/** How long a lease lasts, in milliseconds: longer than a token call may take, shorter than a function may run. */
export const leaseMs = 12_000;

export interface TokenOptions extends StoreOptions {
  readonly preciseClock: PreciseClock;
}

/** A session, and the key that opens what it contains. */
interface OpenedSession {
  readonly key: string;
  readonly dataKey: Secret<Buffer>;
}

const tokensKey = ({ key }: OpenedSession, audience: TokenAudience): Item =>
  sessionKey(key, `token#${audience}`);

/** A session's tokens. It holds the key that opens them for the time of the request. */
export type SessionTokens = ReturnType<typeof createSessionTokens>;

/** @param read - what was read as the session was opened: its core, and an item of its tokens */
export function createSessionTokens(
  options: TokenOptions,
  session: OpenedSession,
  read: {
    readonly core: Item;
    readonly audience: TokenAudience | undefined;
    readonly item: Item | undefined;
  },
) {
  const { key, dataKey } = session;
  return {
    /** Names the session within an instance; cannot be used as a cookie. */
    session: key,

    /** The tokens of the sign-in; undefined when the session has none. @throws StoreUnavailable */
    async signIn(): Promise<SignInTokens | undefined> {
      const item = read.audience === 'cis2' ? read.item : await get(options, tokensKey(session, 'cis2'));
      return openSignInTokens(key, dataKey, item?.['sealed']?.B);
    },

    /** The tokens that were read when the session was opened; none for another service. */
    seen: (audience: LeasedAudience): TokenView =>
      viewOf(options, session, audience, read.audience === audience ? read.item : undefined),

    /** @throws StoreUnavailable, SessionGone */
    async read(audience: LeasedAudience): Promise<TokenView> {
      const item = await getSessionItems(options, key, `token#${audience}`);
      const core = item('core');
      if (core === undefined) throw new SessionGone({ status: 'unknown' });
      const liveness = livenessOf(options, core);
      if (liveness === undefined) throw new SessionGone({ status: 'unknown', unreadable: 'core' });
      if ('reason' in liveness) throw new SessionGone({ status: 'ended', reason: liveness.reason });
      return viewOf(options, session, audience, item(`token#${audience}`));
    },

    /**
     * Takes the lease; undefined when another has it, when anything has changed since `view`, or when the session has ended.
     *
     * @throws StoreUnavailable
     */
    async lease(audience: LeasedAudience, view: TokenView): Promise<TokenLease | undefined> {
      const now = options.preciseClock();
      if (view.fence > view.generation && view.leaseUntil > now) return undefined;
      const fence = Math.max(view.fence, view.generation) + 1;
      const signedInAt = readEpochSeconds(read.core['signedInAt']) ?? options.clock();
      const seen = [
        unchanged('generation', view.generation),
        unchanged('fence', view.fence),
        unchanged('leaseUntil', view.leaseUntil),
      ];
      const change = {
        expression:
          'SET #fence = :fence, #leaseUntil = :until, #leaseHolder = :holder, #format = :format, #ttl = :ttl',
        values: {
          ':fence': numberAttribute(fence),
          ':until': numberAttribute(now + leaseMs),
          ':holder': { S: randomBytes(9).toString('base64url') },
          ':format': numberAttribute(format),
          ':ttl': numberAttribute(ttlOf(options, signedInAt)),
        },
      };
      const condition = {
        // The lease may be ours already, when the SDK repeats a write whose response was lost.
        expression: `#leaseHolder = :holder OR (${seen.map(({ expression }) => expression).join(' AND ')})`,
        values: Object.assign({}, ...seen.map(({ values }) => values)) as Item,
      };
      const taken = await updateWhileAlive(options, session, audience, change, condition);
      return taken ? createTokenLease(options, session, audience, fence) : undefined;
    },
  };
}

const unchanged = (name: string, seen: number): Expression =>
  seen === 0
    ? { expression: `attribute_not_exists(#${name})` }
    : { expression: `#${name} = :${name}Seen`, values: { [`:${name}Seen`]: numberAttribute(seen) } };

function viewOf(
  options: TokenOptions,
  { key, dataKey }: OpenedSession,
  audience: LeasedAudience,
  item: Item | undefined,
): TokenView {
  const generation = readCount(item?.['generation']);
  const fence = readCount(item?.['fence']);
  const leaseUntil = readEpochMilliseconds(item?.['leaseUntil']) ?? 0;
  const backsOff = fence > generation && readString(item?.['leaseHolder']) === undefined;
  return {
    generation,
    fence,
    leaseUntil,
    tokens: openIssuedTokens(key, dataKey, audience, generation, item?.['sealed']?.B),
    backOffMs: backsOff ? Math.max(0, leaseUntil - options.preciseClock()) : 0,
  };
}

const updateWhileAlive = (
  options: TokenOptions,
  session: OpenedSession,
  audience: LeasedAudience,
  change: Expression,
  condition: Expression,
): Promise<boolean> =>
  updateChecking(options, tokensKey(session, audience), change, condition, {
    key: sessionKey(session.key, 'core'),
    condition: alive(options),
  });

/** The right to change a session's tokens for a service. */
export type TokenLease = ReturnType<typeof createTokenLease>;

const createTokenLease = (
  options: TokenOptions,
  session: OpenedSession,
  audience: LeasedAudience,
  fence: number,
) => ({
  /**
   * Stores tokens, or undefined for none, and releases the lease.
   *
   * @returns their generation; false, with nothing stored, when the session has ended or a later lease has stored others
   * @throws StoreUnavailable
   */
  async store(tokens: IssuedTokens | undefined): Promise<number | false> {
    const sealed = tokens && sealIssuedTokens(session.key, session.dataKey, audience, fence, tokens);
    const change = {
      expression: `SET #generation = :fence ${sealed === undefined ? 'REMOVE #sealed' : ', #sealed = :sealed'}`,
      values: { ':fence': numberAttribute(fence), ...(sealed && { ':sealed': { B: sealed } }) },
    };
    // The generation may be there already, when the SDK repeats a write whose response was lost.
    const condition = { expression: 'attribute_not_exists(#generation) OR #generation <= :fence' };
    return (await updateWhileAlive(options, session, audience, change, condition)) && fence;
  },

  /** Releases the lease, and blocks the next one for a time. If that fails, the lease expires. */
  async release(backOffMs = 0): Promise<void> {
    const change: Expression =
      backOffMs === 0
        ? { expression: 'REMOVE #leaseUntil, #leaseHolder' }
        : {
            expression: 'SET #leaseUntil = :until REMOVE #leaseHolder',
            values: { ':until': numberAttribute(options.preciseClock() + backOffMs) },
          };
    const condition = { expression: '#fence = :fence', values: { ':fence': numberAttribute(fence) } };
    await update(options, tokensKey(session, audience), change, condition).catch(() => undefined);
  },
});
