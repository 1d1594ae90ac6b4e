import { LogoutTokenRefused, type LogoutToken, type LogoutTokenVerifier } from '../cis2/index.ts';
import { withDeadline, type PreciseClock } from '../common/index.ts';
import { Problem, type HttpRequest, type HttpResponse, type RouteHandler } from '../http/index.ts';
import type { LogoutStore } from '../session/index.ts';
import type { Logger } from '../telemetry/index.ts';

export interface BackchannelLogoutDependencies {
  readonly verifier: LogoutTokenVerifier;
  readonly sessions: LogoutStore;
  readonly clock: PreciseClock;
}

/** Time limit for fetching keys and ending sessions: CIS2 gets a response even if something is unavailable. */
const maxMs = 8_000;
/** Of that, time limit for the verification, so that enough is left for the store. */
const maxVerificationMs = 4_500;

/**
 * `POST /auth/backchannel-logout` (OpenID Connect Back-Channel Logout 1.0 section 2.5): CIS2 ends a session, or all
 * sessions of a user. The response is 200 only once all of them have ended; CIS2 is not known to retry.
 */
export const backchannelLogout =
  ({ verifier, sessions, clock }: BackchannelLogoutDependencies): RouteHandler =>
  async (request, log) => {
    try {
      return await withDeadline(maxMs, (deadline) =>
        logOut({ verifier, sessions, clock }, request, log, deadline),
      );
    } catch (error) {
      // A refusal is not our failure.
      if (!(error instanceof Problem)) log.measure('BackchannelLogoutFailed');
      throw error;
    }
  };

async function logOut(
  { verifier, sessions, clock }: BackchannelLogoutDependencies,
  request: HttpRequest,
  log: Logger,
  deadline: AbortSignal,
): Promise<HttpResponse> {
  const arrivedAt = clock();
  const { issuer, tokenId, subject, providerSessionId } = await readLogoutToken(verifier, request, log);
  const { ended, repeated, person } = await sessions.logOut(
    {
      // The subject is part of it: another logout under a used id is not a repetition.
      tokenId: [issuer, tokenId, subject ?? '', providerSessionId ?? ''],
      user: subject === undefined ? undefined : [issuer, subject],
      providerSession: providerSessionId === undefined ? undefined : [issuer, providerSessionId],
      arrivedAt,
    },
    deadline,
  );
  const by = [providerSessionId && 'sid', subject && 'sub'].filter((name) => name !== undefined).join('+');
  log('backchannel_logout', { person, by, ended, repeated });
  return { status: 200 };
}

async function readLogoutToken(
  verifier: LogoutTokenVerifier,
  request: HttpRequest,
  log: Logger,
): Promise<LogoutToken> {
  try {
    const token = onlyToken(request);
    return await withDeadline(maxVerificationMs, (signal) => verifier.verify(token, signal));
  } catch (error) {
    if (!(error instanceof LogoutTokenRefused)) throw error;
    log('logout_token_refused', { check: error.check });
    throw new Problem('invalid_request');
  }
}

/** The token, once in the body. Other members are ignored; a token in the query would be in logs on the way. */
function onlyToken({ body }: HttpRequest): string {
  const [token, ...others] = new URLSearchParams(body.toString()).getAll('logout_token');
  if (token === undefined || token === '') throw new LogoutTokenRefused('missing');
  if (others.length > 0) throw new LogoutTokenRefused('repeated');
  return token;
}
