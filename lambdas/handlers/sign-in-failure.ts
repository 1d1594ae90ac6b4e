import { ProviderUnavailable, SignInRefused } from '../cis2/index.ts';
import { redirectToErrorPage, type HttpRequest, type HttpResponse } from '../http/index.ts';
import type { Settings } from '../settings/index.ts';
import { logFailure, type Logger } from '../telemetry/index.ts';

/**
 * Where a person lands whose sign-in failed: the app's page for it, with a code and the reference that finds the log
 * entry. No session, no session cookie, and nothing in the address that anybody sent us.
 *
 * @param person - the keyed hash of who it is, where CIS2 has said so
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
  if (error instanceof SignInRefused) log('sign_in_failed', { person, code, check: error.check });
  else {
    // What is said of CIS2 is in our own words; other messages may hold anything.
    logFailure(log, error, error instanceof ProviderUnavailable ? error.message : undefined);
    log('sign_in_failed', { person, code });
  }
  const reason = error instanceof SignInRefused ? error.reason : undefined;
  return redirectToErrorPage(
    { baseUrl: settings.BASE_URL, signInErrorPath: settings.SIGN_IN_ERROR_PATH },
    { code, reference: request.reference, ...(reason === undefined ? {} : { reason }) },
  );
}
