/** The checks on an ID token that the library leaves to a relying party. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IDToken } from 'oauth4webapi';
import { isUid, type EpochMilliseconds, type EpochSeconds } from '../common/index.ts';
import { SignInRefused } from './errors.ts';
import { clockSkewSeconds, isOnlyAudience, recentInstant } from './jwt.ts';

export interface IdTokenFacts {
  readonly subject: string;
  /** CIS2's own session, if it names one. */
  readonly providerSessionId: string | undefined;
  readonly authenticatedAt: EpochSeconds;
  readonly methods: readonly string[];
}

/**
 * @param claims - of an ID token whose signature, `iss`, `aud`, `exp` and `nonce` have been checked; no member is `null`
 * @param expected.authenticatedSince - where presence was demanded: when the attempt to sign in began
 * @throws SignInRefused `response_invalid`
 */
export function checkIdToken(
  claims: IDToken,
  expected: {
    clientId: string;
    accessToken: string;
    now: EpochSeconds;
    authenticatedSince: EpochMilliseconds | undefined;
  },
): IdTokenFacts {
  const { clientId, accessToken, now, authenticatedSince } = expected;
  if (!isOnlyAudience(claims.aud, clientId)) refuse('aud');
  if (claims.azp !== undefined && claims.azp !== clientId) refuse('azp');
  if (!isUid(claims.sub)) refuse('sub');

  if (recentInstant(claims.iat, now) === undefined) refuse('iat');
  // The person proved their presence no more than five minutes ago (NHS CIA Ses Req 003).
  const authenticatedAt = recentInstant(claims.auth_time, now) ?? refuse('auth_time');
  const earliest =
    authenticatedSince === undefined ? 0 : Math.floor(authenticatedSince / 1_000) - clockSkewSeconds;
  if (authenticatedAt < earliest) refuse('auth_time before the attempt');

  if (claims['at_hash'] !== undefined && !isHashOf(claims['at_hash'], accessToken)) refuse('at_hash');

  const sid: unknown = claims['sid'];
  if (sid !== undefined && typeof sid !== 'string') refuse('sid');
  const methods: readonly unknown[] = Array.isArray(claims.amr) ? claims.amr : [claims.amr];
  return {
    subject: claims.sub,
    providerSessionId: typeof sid === 'string' && sid !== '' ? sid : undefined,
    authenticatedAt,
    methods: methods.filter((method): method is string => typeof method === 'string' && method !== ''),
  };
}

const refuse = (claim: string): never => {
  throw new SignInRefused('response_invalid', `id_token ${claim}`);
};

/** `at_hash` (OpenID Connect Core 3.1.3.6): the left half of the access token's SHA-256. */
function isHashOf(hash: unknown, accessToken: string): boolean {
  const expected = createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
  return (
    typeof hash === 'string' &&
    hash.length === expected.length &&
    timingSafeEqual(Buffer.from(hash), Buffer.from(expected))
  );
}
