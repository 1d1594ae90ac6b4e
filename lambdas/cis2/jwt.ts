/** What the tokens that CIS2 signs have in common: their algorithm and their times. */
import { asEpochSeconds, type EpochSeconds } from '../common/index.ts';

/** The only algorithm that CIS2 signs with, whatever its metadata lists. */
export const signingAlgorithm = 'RS256';

/** Reads and verifies JWTs. It is loaded together with the first keys, not at start. */
export const loadJwtReader = () => import('./signed-jwt.ts');

/** Allowed difference between CIS2's clock and ours, in seconds. */
export const clockSkewSeconds = 60;

/** Maximum age of a recent instant, in seconds. */
export const recentSeconds = 300;

/**
 * A NumericDate (RFC 7519 section 2), which may have a fraction.
 *
 * @returns the whole second of it; undefined for an invalid instant
 */
export const numericDate = (claim: unknown): EpochSeconds | undefined =>
  typeof claim === 'number' ? asEpochSeconds(Math.floor(claim)) : undefined;

/**
 * When something happened, if that was within the last five minutes, with the allowed difference of the clocks.
 *
 * @param claim - an instant that a token states
 * @returns undefined for an invalid instant, one in the future, or an older one
 */
export function recentInstant(claim: unknown, now: EpochSeconds): EpochSeconds | undefined {
  const instant = numericDate(claim);
  if (instant === undefined || instant > now + clockSkewSeconds) return undefined;
  return instant < now - recentSeconds - clockSkewSeconds ? undefined : instant;
}

/** Whether the audience is this client alone: we trust no other (OpenID Connect Core 3.1.3.7(3)). */
export const isOnlyAudience = (claim: unknown, clientId: string): boolean =>
  claim === clientId || (Array.isArray(claim) && claim.length === 1 && claim[0] === clientId);
