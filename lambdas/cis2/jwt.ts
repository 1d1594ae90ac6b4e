/** What the tokens that CIS2 signs have in common: their algorithm, their times, and where their keys come from. */
import { asEpochSeconds, type EpochSeconds } from '../common/index.ts';
import type { Jwks, Provider } from './provider.ts';

/** CIS2 signs with this and nothing else, whatever its metadata lists. */
export const signingAlgorithm = 'RS256';

/** Allowed difference between CIS2's clock and ours, in seconds. */
export const skewSeconds = 60;

/** What happened longer ago is not recent, in seconds. */
export const recentSeconds = 300;

/**
 * When something happened, if that was within the last five minutes, give or take the clocks' difference.
 *
 * @param claim - an instant that a token states
 * @returns undefined for what is no instant, lies in the future, or is older
 */
export function recentInstant(claim: unknown, now: EpochSeconds): EpochSeconds | undefined {
  const instant = asEpochSeconds(claim);
  if (instant === undefined || instant > now + skewSeconds) return undefined;
  return instant < now - recentSeconds - skewSeconds ? undefined : instant;
}

/**
 * Verifies a signature with CIS2's keys. A key we do not know is asked for once, at once; a flood of unknown keys is
 * not.
 *
 * @param verifyWith - throws when no key of the set verifies
 * @param isUnknownKey - whether what it threw means that the key may be a new one
 * @throws ProviderUnavailable, and whatever `verifyWith` throws
 */
export async function verifyWithKeysOf(
  provider: Provider,
  {
    verifyWith,
    isUnknownKey,
  }: { verifyWith: (jwks: Jwks) => Promise<unknown>; isUnknownKey: (error: unknown) => boolean },
  signal: AbortSignal,
): Promise<void> {
  try {
    await verifyWith(await provider.keys(signal));
  } catch (error) {
    if (!isUnknownKey(error)) throw error;
    const jwks = await provider.keysAgain(signal);
    if (jwks === undefined) throw error;
    await verifyWith(jwks).catch((stillUnknown: unknown) => {
      if (isUnknownKey(stillUnknown)) provider.keysAgainWasInVain();
      throw stillUnknown;
    });
  }
}
