import { BffError } from '../../common/index.ts';

/**
 * Why a token endpoint issued no tokens: its error code if it is one of these, or what else went wrong. Other text of the
 * sender is never logged.
 */
export const tokenErrors = [
  'invalid_grant',
  'invalid_client',
  'invalid_request',
  'unauthorized_client',
  'invalid_scope',
  'unsupported_grant_type',
  'public_key error',
  'unknown_error',
] as const;
export type TokenError =
  | (typeof tokenErrors)[number]
  | 'another_error'
  /** Its quota is used up. */
  | 'rate_limited'
  | 'server_error'
  /** No whole response in time. */
  | 'unreachable'
  /** An invalid response. */
  | 'malformed'
  /** Another call was to get the tokens, and did not in time. */
  | 'waited'
  /** It failed a moment ago. */
  | 'backing_off';

/** When a client may try again, unless the platform says otherwise. */
const defaultRetryAfterSeconds = 5;

/** No token is available just now. The session stays as it is. */
export class TokenUnavailable extends BffError {
  override readonly name = 'TokenUnavailable';
  readonly code = 'provider_unavailable';
  readonly error: TokenError;
  readonly retryAfterSeconds: number;
  /** Whether our assertion was refused because of its key. */
  readonly keyRefused: boolean;

  constructor(
    error: TokenError,
    {
      retryAfterSeconds = defaultRetryAfterSeconds,
      keyRefused = false,
    }: { retryAfterSeconds?: number; keyRefused?: boolean } = {},
  ) {
    // Without a cause: the error of a library may hold the response, with tokens in it.
    super(`no token: ${error}`);
    this.error = error;
    this.retryAfterSeconds = retryAfterSeconds;
    this.keyRefused = keyRefused;
  }
}

/** The user has to sign in again. */
export class StepUpRequired extends BffError {
  override readonly name = 'StepUpRequired';
  readonly code = 'step_up_required';

  constructor() {
    super('the session has nothing left to get a token with');
  }
}

/** The application's own credentials could not be read. */
export class ApplicationUnavailable extends BffError {
  override readonly name = 'ApplicationUnavailable';
  readonly code = 'keys_unavailable';
}
