import { ExpiringMap, type Clock } from '../cis2-simulator/expiring-map.ts';
import type { JwksCache } from './jwks-cache.ts';
import { Unreachable } from './jwks-cache.ts';
import { checks, decode, isSigned, noMatchingKey } from './jwt.ts';
import { badRequest, TokenError } from './token-error.ts';

/** An application, as a team registers it with the platform. */
export interface Application {
  /** Its `client_id`. */
  readonly apiKey: string;
  readonly apiSecret: string;
  /** Where it publishes the public halves of its signing keys; absent: none has been registered. */
  readonly jwksUri?: string;
  /** The assurance levels that its products are for, as scopes name them (default `aal3` and `aal2`). */
  readonly products?: readonly AssuranceLevel[];
}

type AssuranceLevel = 'aal1' | 'aal2' | 'aal3';

const field = 'client_assertion';
const algorithms = ['RS512'];

/** Five minutes, and the clock allowance. */
const maxLifetimeSeconds = 310;
const rememberedSeconds = 30 * 86_400;

/** Returns the application that an assertion comes from; throws TokenError when it does not prove it. */
export type AssertionCheck = (assertion: string) => Promise<{ application: Application; kid: string }>;

/**
 * Checks client assertions (RFC 7523 section 3) with the platform's strictness, order and wording. From the unknown
 * API key on, the order is this simulator's own: key, audience, registration, key set, `kid`, signature. A `jti` counts
 * as used as soon as it has been looked at.
 *
 * @param tokenUrl - the only accepted `aud`, compared as a string
 * @param keySets - the applications' keys: by URL, and never fetched again for an unknown `kid`
 */
export function createAssertionCheck(
  applications: ReadonlyMap<string, Application>,
  tokenUrl: string,
  keySets: JwksCache,
  now: Clock,
): AssertionCheck {
  const usedIds = new ExpiringMap<true>(rememberedSeconds, now);

  const rememberId = (apiKey: string, jti: unknown): void => {
    if (jti === undefined) throw badRequest(`Missing 'jti' claim in ${field} JWT`);
    if (typeof jti !== 'string' || jti === '') {
      throw badRequest(`Invalid 'jti' claim in ${field} JWT - must be a unique string value such as a GUID`);
    }
    const id = JSON.stringify([apiKey, jti]);
    if (usedIds.get(id) !== undefined) throw badRequest(`Non-unique 'jti' claim in ${field} JWT`);
    usedIds.set(id, true);
  };

  const keysOf = async ({ jwksUri }: Application) => {
    if (jwksUri === undefined) {
      throw new TokenError(
        403,
        'public_key error',
        'You need to register a public key to use this authentication method - please contact support to configure',
      );
    }
    try {
      return (await keySets.get(jwksUri)).keys;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      throw new TokenError(
        403,
        'public_key error',
        "The JWKS endpoint, for your client_assertion can't be reached",
      );
    }
  };

  return async (assertion) => {
    const jwt = decode(assertion, field);
    const { iss, sub, aud, jti } = jwt.claims;
    const check = checks(jwt, field, now);
    check.algorithm(algorithms);
    check.notExpired();
    check.kid();
    check.typ();
    const exp = check.exp();
    if (typeof iss !== 'string' || iss !== sub) {
      throw badRequest(`Missing or non-matching 'iss'/'sub' claims in ${field} JWT`);
    }
    rememberId(iss, jti);
    if (exp - now() > maxLifetimeSeconds) {
      throw badRequest(`Invalid 'exp' claim in ${field} JWT - more than 5 minutes in future`);
    }

    const application = applications.get(iss);
    if (application === undefined) {
      throw new TokenError(401, 'invalid_request', `Invalid 'iss'/'sub' claims in ${field} JWT`);
    }
    if (aud !== tokenUrl) {
      throw new TokenError(401, 'invalid_request', `Missing or invalid 'aud' claim in ${field} JWT`);
    }
    if (!(await isSigned(jwt, await keysOf(application), algorithms))) throw noMatchingKey(field);
    return { application, kid: String(jwt.header['kid']) };
  };
}
