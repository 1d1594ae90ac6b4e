import { BffError } from '../common/index.ts';

/** CIS2 could not be reached in time, answered 5xx, or gave metadata or keys that cannot be used. */
export class ProviderUnavailable extends BffError {
  override readonly name = 'ProviderUnavailable';
  readonly code = 'provider_unavailable';
}

/** Why a sign-in gets no session: the response of CIS2, not our failure. */
export type SignInRefusal =
  | 'access_denied'
  | 'login_expired'
  | 'response_invalid'
  | 'provider_logout'
  | 'assurance_insufficient'
  | 'role_required'
  | 'provider_error';

/**
 * Why no role is accepted: the person has none, none for what they do, one but not in such an organisation, or one that
 * CIS2 states twice with different rights.
 */
export type RoleRefusal = 'no_role' | 'role' | 'organisation' | 'contradictory';

/** A sign-in that must not lead to a session. `check` names the failed rule, in our words, for the log. */
export class SignInRefused extends BffError {
  override readonly name = 'SignInRefused';
  readonly code: SignInRefusal;
  readonly check: string;
  /** With `role_required`: what the person may know. */
  readonly reason: RoleRefusal | undefined;

  constructor(
    code: SignInRefusal,
    check: string,
    { cause, reason }: { cause?: unknown; reason?: RoleRefusal } = {},
  ) {
    super(`sign-in refused: ${check}`, { cause });
    this.code = code;
    this.check = check;
    this.reason = reason;
  }
}

/** A logout token that must end nothing. `check` names the rule that failed, in our own words, for the log. */
export class LogoutTokenRefused extends BffError {
  override readonly name = 'LogoutTokenRefused';
  readonly code = 'invalid_request';
  readonly check: string;

  constructor(check: string, cause?: unknown) {
    super(`logout token refused: ${check}`, { cause });
    this.check = check;
  }
}
