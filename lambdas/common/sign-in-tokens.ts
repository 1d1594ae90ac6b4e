import type { Secret } from './secret.ts';
import type { EpochSeconds } from './time.ts';

/** What CIS2 issued at a sign-in, to be used on the person's behalf. */
export interface SignInTokens {
  /** Unchanged, to be exchanged for another service's tokens. */
  readonly idToken: Secret;
  readonly idTokenExpiresAt: EpochSeconds;
  readonly accessToken: Secret;
  /** Undefined where CIS2 does not say. */
  readonly accessTokenExpiresAt: EpochSeconds | undefined;
}
