/** What the tokens that CIS2 signs have in common: their algorithm and their times. */
import { asEpochSeconds, type EpochSeconds } from '../common/index.ts';

/** CIS2 signs with this and nothing else, whatever its metadata lists. */
export const signingAlgorithm = 'RS256';

/** What reads and verifies JWTs. It is loaded beside the first keys, not as a function starts. */
export const loadJwtReader = () => import('./signed-jwt.ts');

/** Allowed difference between CIS2's clock and ours, in seconds. */
export const clockSkewSeconds = 60;

/** What happened longer ago is not recent, in seconds. */
export const recentSeconds = 300;

/**
 * A NumericDate (RFC 7519 section 2), which may have a fraction.
 *
 * @returns the whole second it lies in; undefined for what is no sane instant
 */
export const numericDate = (claim: unknown): EpochSeconds | undefined =>
  typeof claim === 'number' ? asEpochSeconds(Math.floor(claim)) : undefined;

/**
 * When something happened, if that was within the last five minutes, give or take the clocks' difference.
 *
 * @param claim - an instant that a token states
 * @returns undefined for what is no instant, lies in the future, or is older
 */
export function recentInstant(claim: unknown, now: EpochSeconds): EpochSeconds | undefined {
  const instant = numericDate(claim);
  if (instant === undefined || instant > now + clockSkewSeconds) return undefined;
  return instant < now - recentSeconds - clockSkewSeconds ? undefined : instant;
}
