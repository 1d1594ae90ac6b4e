/** Logout tokens of OpenID Connect Back-Channel Logout 1.0, by which CIS2 ends sessions. */
import { isObject, type Clock, type EpochSeconds } from '../common/index.ts';
import type { Claims } from './claims.ts';
import { LogoutTokenRefused, ProviderUnavailable } from './errors.ts';
import { clockSkewSeconds, isOnlyAudience, loadJwtReader, numericDate, recentInstant } from './jwt.ts';
import { createProvider, type Provider, type ProviderOptions } from './provider.ts';

export interface LogoutToken {
  readonly issuer: string;
  readonly tokenId: string;
  /** Whose sessions end; with `providerSessionId`, whose session that is. At least one of the two is set. */
  readonly subject?: string;
  /** CIS2's own session, the `sid` of the ID tokens it led to. */
  readonly providerSessionId?: string;
}

const eventName = 'http://schemas.openid.net/event/backchannel-logout';

/** CIS2's product follows a draft that names no type; `logout+jwt` is what the standard recommends. */
const types = ['JWT', 'LOGOUT+JWT'];

const maxTokenId = 255;

/** Keys that cannot be read are requested this often in a minute without a pause, then with pauses. */
const triesAMinute = 3;
const pauseSeconds = 5;

export type LogoutTokenVerifier = ReturnType<typeof createLogoutTokenVerifier>;

export function createLogoutTokenVerifier(options: ProviderOptions & { readonly clientId: string }) {
  const { issuer, clientId, clock } = options;
  const provider = withPauses(createProvider(options), clock);
  return {
    /** Reads CIS2's keys, so that the first token need not wait for them. @throws ProviderUnavailable */
    async prepare(signal: AbortSignal): Promise<void> {
      await Promise.all([provider.keys(signal), loadJwtReader()]);
    },

    /**
     * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.6). The checks that need no key come first,
     * so that a forged token causes no call to CIS2; the signature is checked last, and nothing is trusted before it.
     *
     * @throws LogoutTokenRefused naming the check that failed; ProviderUnavailable when CIS2's keys cannot be read, or may
     *   not be requested at this moment
     */
    async verify(token: string, signal: AbortSignal): Promise<LogoutToken> {
      const { readJwt, verifySignature } = await loadJwtReader();
      const jwt = readJwt(token, types, refuse);
      const believed = checkClaims(jwt.claims, { issuer, clientId, now: clock() });
      const verdict = await verifySignature(jwt, provider, signal);
      // A temporary error, so that CIS2 may send it again: a refusal would be final.
      if (verdict === 'rate limited')
        throw new ProviderUnavailable('an unknown key was asked for a moment ago');
      if (verdict !== 'good') refuse(verdict);
      return believed;
    },
  };
}

/**
 * Anybody can send a logout token: a flood of them must not overload CIS2 while it restarts, nor may each wait for a
 * response that does not come. Cached keys stay in use.
 */
function withPauses(provider: Provider, clock: Clock): Provider {
  let failures: readonly EpochSeconds[] = [];
  let known = false;

  const ask = async <T>(work: () => Promise<T>): Promise<T> => {
    const now = clock();
    failures = failures.filter((failedAt) => now < failedAt + 60);
    const last = failures.at(-1);
    if (failures.length >= triesAMinute && last !== undefined && now < last + pauseSeconds) {
      throw new ProviderUnavailable('CIS2’s keys could not be read a moment ago');
    }
    try {
      return await work();
    } catch (error) {
      failures = [...failures, clock()];
      throw error;
    }
  };

  return {
    ...provider,
    async keys(signal) {
      if (!known) {
        const jwks = await ask(() => provider.keys(signal));
        known = true;
        return jwks;
      }
      return provider.keys(signal).catch((error: unknown) => {
        // The cached keys have become too old.
        known = false;
        throw error;
      });
    },
    refetchKeys: (signal) => ask(() => provider.refetchKeys(signal)),
  };
}

const refuse = (check: string, cause?: unknown): never => {
  throw new LogoutTokenRefused(check, cause);
};

function checkClaims(
  claims: Claims,
  expected: { issuer: string; clientId: string; now: EpochSeconds },
): LogoutToken {
  const { issuer, clientId, now } = expected;
  // Byte for byte: `:443` is part of the issuer.
  if (claims['iss'] !== issuer) refuse('iss');
  if (!isOnlyAudience(claims['aud'], clientId)) refuse('aud');
  if (recentInstant(claims['iat'], now) === undefined) refuse('iat');
  // CIS2 may omit these two.
  if (claims['exp'] !== undefined) {
    const expiresAt = numericDate(claims['exp']) ?? refuse('exp');
    if (now >= expiresAt + clockSkewSeconds) refuse('exp');
  }
  if (claims['nbf'] !== undefined) {
    const notBefore = numericDate(claims['nbf']) ?? refuse('nbf');
    if (now < notBefore - clockSkewSeconds) refuse('nbf');
  }
  const event = isObject(claims['events']) ? claims['events'][eventName] : undefined;
  if (!isObject(event)) refuse('events');
  // An ID token has a nonce: it must not pass as a logout token.
  if (Object.hasOwn(claims, 'nonce')) refuse('nonce');
  const { jti: tokenId } = claims;
  if (typeof tokenId !== 'string' || tokenId === '' || tokenId.length > maxTokenId) return refuse('jti');
  const subject = optionalText(claims, 'sub');
  const providerSessionId = optionalText(claims, 'sid');
  if (subject === undefined && providerSessionId === undefined) refuse('sub or sid');
  return {
    issuer,
    tokenId,
    ...(subject === undefined ? {} : { subject }),
    ...(providerSessionId === undefined ? {} : { providerSessionId }),
  };
}

/** CIS2 is known to send an empty claim instead of none. */
function optionalText(claims: Claims, name: 'sub' | 'sid'): string | undefined {
  const value = claims[name];
  if (value === undefined || value === '') return undefined;
  return typeof value === 'string' ? value : refuse(name);
}
