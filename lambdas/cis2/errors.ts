import { BffError } from '../common/index.ts';

/** CIS2 could not be reached in time, answered 5xx, or gave metadata or keys that cannot be used. */
export class ProviderUnavailable extends BffError {
  override readonly name = 'ProviderUnavailable';
  readonly code = 'provider_unavailable';
}

/** Why a sign-in gets no session: what CIS2 answered, not a fault of ours. */
export type SignInRefusal =
  | 'access_denied'
  | 'login_expired'
  | 'response_invalid'
  | 'provider_logout'
  | 'assurance_insufficient'
  | 'provider_error';

/** A sign-in that must not lead to a session. `check` names the rule that failed, in our own words, for the log. */
export class SignInRefused extends BffError {
  override readonly name = 'SignInRefused';
  readonly code: SignInRefusal;
  readonly check: string;

  constructor(code: SignInRefusal, check: string, cause?: unknown) {
    super(`sign-in refused: ${check}`, { cause });
    this.code = code;
    this.check = check;
  }
}
