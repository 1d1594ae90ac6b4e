/** Turns an error of the OpenID library into a refusal whose check may be logged, because it is made of our words only. */
import * as oauth from 'oauth4webapi';
import { knownError } from './error-codes.ts';
import { SignInRefused } from './errors.ts';

/** Members that the messages of the library name, always in quotation marks; the messages hold no outside data. */
const members = [
  'access_token',
  'token_type',
  'expires_in',
  'id_token',
  'auth_time',
  'nonce',
  'aud',
  'azp',
  'iss',
  'sub',
  'exp',
  'iat',
  'nbf',
  'alg',
  'crit',
  'state',
  'code',
  'error',
];

/** The codes of the library for errors that concern no single member. */
const checks: Readonly<Record<string, string>> = {
  [oauth.RESPONSE_IS_NOT_CONFORM]: 'status',
  [oauth.RESPONSE_IS_NOT_JSON]: 'content type',
  [oauth.PARSE_ERROR]: 'JSON',
  [oauth.WWW_AUTHENTICATE_CHALLENGE]: 'challenge',
};

function checkOf(step: string, { message, code }: Error & { code?: string }): string {
  const member = members.find((name) => new RegExp(`["\`]${name}["\`]`).test(message));
  const ofIdToken = step === 'token response' && /\bJWT\b|ID Token/.test(message);
  return `${ofIdToken ? 'id_token' : step} ${member ?? checks[code ?? ''] ?? 'form'}`;
}

/**
 * @param step - names the response that was read
 * @returns a refusal if the response failed a check of the library; any other error unchanged
 */
export function refusal(step: string, error: unknown): unknown {
  if (error instanceof oauth.AuthorizationResponseError) {
    const code = error.error === 'access_denied' ? 'access_denied' : 'provider_error';
    return new SignInRefused(code, `authorisation error ${knownError(error.error)}`);
  }
  if (error instanceof oauth.ResponseBodyError) {
    return new SignInRefused('response_invalid', `${step}: error ${knownError(error.error)}`, {
      cause: error,
    });
  }
  if (
    error instanceof oauth.OperationProcessingError ||
    error instanceof oauth.UnsupportedOperationError ||
    error instanceof oauth.WWWAuthenticateChallengeError
  ) {
    return new SignInRefused('response_invalid', checkOf(step, error), { cause: error });
  }
  return error;
}
