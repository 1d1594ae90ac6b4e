import { setTimeout as timer } from 'node:timers/promises';
import {
  after,
  untilAborted,
  withDeadline,
  type Clock,
  type EpochSeconds,
  type Secret,
} from '../../common/index.ts';
import {
  SessionGone,
  type IssuedTokens,
  type LeasedAudience,
  type ProxySession,
  type SessionTokens,
  type TokenLease,
  type TokenView,
} from '../../session/index.ts';
import { StepUpRequired, TokenUnavailable, type TokenError } from './errors.ts';
import {
  createTokenEndpoint,
  type TokenEndpoint,
  type TokenEndpointOptions,
  type TokenMember,
} from './token-endpoint.ts';

/** A token for a service, and its generation. */
export interface AccessToken {
  readonly value: Secret;
  readonly generation: number;
}

/** Logs what happens to the tokens of a user. */
type TokenLog = (
  event:
    | 'token_exchanged'
    | 'token_refreshed'
    | 'token_refused'
    | 'token_response_ignored_members'
    | 'lease_waited',
  fields: {
    readonly audience: LeasedAudience;
    readonly waitedMs?: number;
    readonly error?: TokenError;
    readonly ignored?: readonly TokenMember[];
  },
) => void;

interface Options {
  readonly endpoint: TokenEndpoint;
  readonly clock: Clock;
  readonly log: TokenLog;
  /** From 0 up to 1. */
  readonly random?: () => number;
  /** Resolves after so many milliseconds, or when there is no time left. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export type UserTokens = ReturnType<typeof userTokensFrom>;

/** A user's tokens for the API platform and for CIS2 itself. */
export const createUserTokens = (options: TokenEndpointOptions & Omit<Options, 'endpoint'>): UserTokens =>
  userTokensFrom({
    ...options,
    endpoint: createTokenEndpoint({
      ...options,
      onIgnored: (ignored) =>
        options.log('token_response_ignored_members', { audience: 'api-platform', ignored }),
    }),
  });

/** A renewal that runs in this instance for one session and service; gives undefined when another instance has the lease. */
interface PendingRenewal {
  readonly result: Promise<AccessToken | undefined>;
  readonly beganAt: number;
}

/** Time limit of all token calls under one lease, in milliseconds: less than a lease lasts. */
const maxTokenCallMs = 8_000;
/** An older renewal is ignored, in milliseconds: the instance was frozen meanwhile. */
const maxPendingMs = 12_000;

export function userTokensFrom(options: Options) {
  /** By session and service; an entry goes as soon as it is settled. */
  const pending = new Map<string, PendingRenewal>();
  const request = (tokens: SessionTokens, audience: LeasedAudience): TokenRequest => {
    const name = `${audience} ${tokens.session}`;
    return {
      tokens,
      audience,
      beganAt: performance.now(),
      underWay: () => {
        const renewal = pending.get(name);
        return renewal && performance.now() - renewal.beganAt < maxPendingMs ? renewal.result : undefined;
      },
      begin: (work) => {
        const renewal: PendingRenewal = {
          beganAt: performance.now(),
          result: work().finally(() => {
            if (pending.get(name) === renewal) pending.delete(name);
          }),
        };
        pending.set(name, renewal);
        // The error goes to those who wait; there may be none.
        renewal.result.catch(() => undefined);
        return renewal.result;
      },
    };
  };
  return {
    /**
     * The access token that a call for this session carries.
     *
     * @param signal - how long the call can wait for it
     * @param refused - a token that the service has just refused: another is requested, unless there is one already
     * @throws TokenUnavailable when none is available just now; the session stays as it is
     * @throws StepUpRequired when the user has to sign in again
     * @throws SessionGone when the session has ended meanwhile
     * @throws StoreUnavailable
     */
    forCall: (
      session: Pick<ProxySession, 'tokens'>,
      audience: 'cis2' | LeasedAudience,
      signal: AbortSignal,
      refused?: AccessToken,
    ): Promise<AccessToken> =>
      audience === 'cis2'
        ? ofSignIn(options, session.tokens, refused)
        : ofService(options, request(session.tokens, audience), signal, refused),
  };
}

interface TokenRequest {
  readonly tokens: SessionTokens;
  readonly audience: LeasedAudience;
  readonly beganAt: number;
  readonly underWay: () => Promise<AccessToken | undefined> | undefined;
  readonly begin: (work: () => Promise<AccessToken | undefined>) => Promise<AccessToken | undefined>;
}

/** A token is not sent in its last seconds, because it may expire on the way. */
const marginSeconds = 10;
/** In the last minute of a token, or its last fifth, some call renews it early. */
const renewalSeconds = 60;

const lifetimeOf = ({ issuedAt, expiresAt }: IssuedTokens): number => expiresAt - issuedAt;
const usableUntil = (tokens: IssuedTokens): EpochSeconds =>
  after(tokens.expiresAt, -Math.min(marginSeconds, Math.floor(lifetimeOf(tokens) / 10)));
const isUsable = (tokens: IssuedTokens, now: EpochSeconds): boolean => now < usableUntil(tokens);

/** CIS2's own access token, which only a sign-in renews. */
async function ofSignIn(
  { clock }: Options,
  tokens: SessionTokens,
  refused: AccessToken | undefined,
): Promise<AccessToken> {
  const signIn = await tokens.signIn();
  const expiresAt = signIn?.accessTokenExpiresAt;
  const isOver = expiresAt !== undefined && after(expiresAt, -marginSeconds) <= clock();
  if (signIn === undefined || isOver || refused !== undefined) throw new StepUpRequired();
  return { value: signIn.accessToken, generation: 0 };
}

/** Pauses between reads of the tokens while another call renews them, in milliseconds, without the jitter. */
const pausesMs = { first: 50, max: 400 };

/** A token for a service: the present one while it can be used, else one that this call or another gets. */
async function ofService(
  options: Options,
  request: TokenRequest,
  signal: AbortSignal,
  refused: AccessToken | undefined,
): Promise<AccessToken> {
  const { clock, log, random = Math.random, pause = pauseFor } = options;
  const { tokens, audience } = request;
  const isRefused = ({ generation }: { generation: number }) => generation === refused?.generation;
  const read = () => untilAborted(signal, () => tokens.read(audience), noTimeLeft);
  const renewal = (present: TokenView, usable?: AccessToken) =>
    untilAborted(
      signal,
      () => request.underWay() ?? request.begin(() => renew(options, request, present, usable)),
      noTimeLeft,
    );
  let view = refused === undefined ? tokens.seen(audience) : await read();
  for (let pauseMs = pausesMs.first; ; pauseMs = Math.min(2 * pauseMs, pausesMs.max)) {
    if (view.tokens !== undefined && !isRefused(view) && isUsable(view.tokens, clock())) {
      const token = { value: view.tokens.accessToken, generation: view.generation };
      const isLeft =
        !isDue(view.tokens, clock(), random) || view.backOffMs > 0 || request.underWay() !== undefined;
      return isLeft ? token : renewEarly(token, renewal(view, token), read);
    }
    if (request.underWay() === undefined && view.backOffMs > 0) {
      throw new TokenUnavailable('backing_off', { retryAfterSeconds: Math.ceil(view.backOffMs / 1_000) });
    }
    const renewed = await renewal(view);
    if (renewed !== undefined && !isRefused(renewed)) return renewed;
    await pause(pauseMs * (0.5 + random()), signal);
    if (signal.aborted) throw new TokenUnavailable('waited');
    view = await read();
    if (view.tokens !== undefined && !isRefused(view)) {
      log('lease_waited', { audience, waitedMs: elapsed(request) });
    }
  }
}

/** @returns the token that can still be used, unless its renewal gives another. @throws SessionGone */
async function renewEarly(
  token: AccessToken,
  renewal: Promise<AccessToken | undefined>,
  read: () => Promise<unknown>,
): Promise<AccessToken> {
  try {
    const renewed = await renewal;
    if (renewed !== undefined) return renewed;
    // Another has the lease, or the session has ended: then this throws.
    await read();
  } catch (error) {
    if (error instanceof SessionGone) throw error;
  }
  return token;
}

const elapsed = ({ beganAt }: TokenRequest): number => Math.round(performance.now() - beganAt);

/** Whether this call renews the token early: more likely the less time is left. */
const isDue = (tokens: IssuedTokens, now: EpochSeconds, random: () => number): boolean =>
  usableUntil(tokens) - now < random() * Math.min(renewalSeconds, lifetimeOf(tokens) / 5);

const pauseFor = (ms: number, signal: AbortSignal): Promise<void> =>
  timer(ms, undefined, { signal }).catch(() => undefined);

const noTimeLeft = (): never => {
  throw new TokenUnavailable('waited');
};

/** After a failure the platform is not called for this long, in milliseconds; longer if it asks for it. */
const backOffAfterFailureMs = 1_000;
const maxBackOffMs = 30_000;

const backOffAfter = (error: unknown): number => {
  if (!(error instanceof TokenUnavailable)) return 0;
  return error.error === 'rate_limited'
    ? Math.min(error.retryAfterSeconds * 1_000, maxBackOffMs)
    : backOffAfterFailureMs;
};

/**
 * Gets other tokens than those of `view`.
 *
 * @param usable - the access token of `view` while it can be used; returned where there is nothing to renew it with
 * @returns undefined when another has the lease, the tokens are others already, or the session is over
 */
async function renew(
  options: Options,
  request: TokenRequest,
  view: TokenView,
  usable: AccessToken | undefined,
): Promise<AccessToken | undefined> {
  const lease = await request.tokens.lease(request.audience, view);
  if (lease === undefined) return undefined;
  try {
    return await withDeadline(maxTokenCallMs, (deadline) =>
      renewUnder(lease, options, request, { view, usable }, deadline),
    );
  } catch (error) {
    await lease.release(backOffAfter(error));
    throw error;
  }
}

async function renewUnder(
  lease: TokenLease,
  { endpoint, clock, log }: Options,
  request: TokenRequest,
  { view, usable }: { view: TokenView; usable: AccessToken | undefined },
  deadline: AbortSignal,
): Promise<AccessToken | undefined> {
  const { tokens, audience } = request;

  const asked = async (work: Promise<IssuedTokens>): Promise<IssuedTokens> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof TokenUnavailable) log('token_refused', { audience, error: error.error });
      throw error;
    }
  };
  const store = async (issued: IssuedTokens): Promise<AccessToken | undefined> => {
    const generation = await lease.store(issued);
    return generation === false ? undefined : { value: issued.accessToken, generation };
  };

  const refreshToken = view.tokens && usableRefreshToken(view.tokens, clock());
  if (refreshToken !== undefined) {
    const fields = { audience, waitedMs: elapsed(request) };
    try {
      const issued = await asked(endpoint.refresh(refreshToken, deadline));
      log('token_refreshed', fields);
      return await store(issued);
    } catch (error) {
      if (!(error instanceof TokenUnavailable && error.error === 'invalid_grant')) throw error;
      // Used already: by the holder of an earlier lease, which may have stored the result since, or by one whose response was lost.
      const later = await tokens.read(audience);
      if (later.generation > view.generation && later.tokens && isUsable(later.tokens, clock())) {
        await lease.release();
        return { value: later.tokens.accessToken, generation: later.generation };
      }
    }
  }

  const signIn = await tokens.signIn();
  if (signIn === undefined || after(signIn.idTokenExpiresAt, -idTokenMarginSeconds) <= clock()) {
    if (usable !== undefined) {
      // It serves until it expires; the pause keeps every call until then from trying again.
      await lease.release(backOffAfterFailureMs);
      return usable;
    }
    await lease.store(undefined);
    throw new StepUpRequired();
  }
  const fields = { audience, waitedMs: elapsed(request) };
  const issued = await asked(endpoint.exchange(signIn.idToken, deadline));
  log('token_exchanged', fields);
  return store(issued);
}

/** The platform's clock may be ahead of ours, in seconds. */
const idTokenMarginSeconds = 30;

const usableRefreshToken = (
  { refreshToken, refreshTokenExpiresAt }: IssuedTokens,
  now: EpochSeconds,
): Secret | undefined =>
  refreshTokenExpiresAt === undefined || now < refreshTokenExpiresAt ? refreshToken : undefined;
