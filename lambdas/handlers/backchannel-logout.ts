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

/** What fetching keys and ending sessions may take together: CIS2 gets a response, whatever is away. */
const maxMs = 8_000;
/** Of that, what is left for the store when CIS2's keys are slow to come. */
const maxVerificationMs = 4_500;

/**
 * `POST /auth/backchannel-logout` (OpenID Connect Back-Channel Logout 1.0 section 2.5): CIS2 says that a session, or
 * everything a person has open, is over. It answers 200 only once nothing of that lives; CIS2 is not known to ask twice.
 */
export const backchannelLogout =
  ({ verifier, sessions, clock }: BackchannelLogoutDependencies): RouteHandler =>
  async (request, log) => {
    try {
      return await withDeadline(maxMs, (deadline) =>
        logOut({ verifier, sessions, clock }, request, log, deadline),
      );
    } catch (error) {
      // What is refused is no failure of ours.
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
      // Whom it names is part of it: another logout under an id that was used before is no repetition.
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

/** In the body, once. What else is in the form is let be; a token in the query would stand in logs on its way. */
function onlyToken({ body }: HttpRequest): string {
  const [token, ...others] = new URLSearchParams(body.toString()).getAll('logout_token');
  if (token === undefined || token === '') throw new LogoutTokenRefused('missing');
  if (others.length > 0) throw new LogoutTokenRefused('repeated');
  return token;
}
