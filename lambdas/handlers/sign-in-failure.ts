import { ProviderUnavailable, SignInRefused } from '../cis2/index.ts';
import { redirectToErrorPage, type HttpRequest, type HttpResponse } from '../http/index.ts';
import type { Settings } from '../settings/index.ts';
import { probeCode } from '../probe-code.ts';
import { logFailure, type Logger } from '../telemetry/index.ts';

const codeRefused = 'token response: error invalid_grant';

/** Any other failure of a probe is a fault that people meet too. */
const isProbe = ({ query }: HttpRequest, error: unknown): boolean =>
  error instanceof SignInRefused && error.check === codeRefused && query.get('code') === probeCode;

/**
 * The redirect after a failed sign-in: to the error page of the app, with a code and the reference of the log entry. No
 * session, no session cookie, and no received data in the address.
 *
 * @param person - the keyed hash of the user, if CIS2 has named one
 */
export function signInFailure(
  settings: Settings<'BASE_URL' | 'SIGN_IN_ERROR_PATH'>,
  request: HttpRequest,
  log: Logger,
  error: unknown,
  person?: string,
): HttpResponse {
  const refused = error instanceof SignInRefused || error instanceof ProviderUnavailable;
  const code = refused ? error.code : 'internal_error';
  if (isProbe(request, error)) log('sign_in_probed', { check: codeRefused });
  else if (error instanceof SignInRefused) log('sign_in_failed', { person, code, check: error.check });
  else {
    // Messages about CIS2 are in our words; other messages may hold any data.
    logFailure(log, error, error instanceof ProviderUnavailable ? error.message : undefined);
    log('sign_in_failed', { person, code });
  }
  const reason = error instanceof SignInRefused ? error.reason : undefined;
  return redirectToErrorPage(
    { baseUrl: settings.BASE_URL, signInErrorPath: settings.SIGN_IN_ERROR_PATH },
    { code, reference: request.reference, ...(reason === undefined ? {} : { reason }) },
  );
}
