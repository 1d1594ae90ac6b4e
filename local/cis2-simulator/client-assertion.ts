import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import { ExpiringMap, type Clock } from './expiring-map.ts';

/** A registration at the simulator, as a team agrees it with CIS2. */
export interface ClientRegistration {
  readonly clientId: string;
  /** Compared character by character. */
  readonly redirectUris: readonly string[];
  /** Where the client publishes the public halves of its signing keys. */
  readonly jwksUri: string;
}

/** Why a client was not let in. The reason is for the simulator's log only: CIS2 tells the client nothing. */
export class ClientRefused extends Error {
  override readonly name = 'ClientRefused';
}

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** CIS2 refuses an assertion that expires later than this, in seconds from now. */
const longestLifetimeSeconds = 30 * 60;
const clockSkewSeconds = 5;

/** Answers the client of a valid assertion; throws ClientRefused for any other. */
export type ClientAuthenticator = (form: URLSearchParams) => Promise<ClientRegistration>;

/** What went wrong, in words that repeat nothing of the assertion. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWKSNoMatchingKey) return 'no published key has this kid';
  if (error instanceof errors.JWKSTimeout) return 'the client’s JWKS did not answer in time';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature is wrong';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the algorithm is not RS512';
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `claim ${error.claim} is missing or wrong`;
  if (error instanceof errors.JOSEError) return `${error.code} (assertion or JWKS)`;
  return 'the client’s JWKS could not be fetched';
}

const refuse = (reason: string): never => {
  throw new ClientRefused(reason);
};

/**
 * Checks `private_key_jwt` (RFC 7523 section 3) as strictly as CIS2 does.
 *
 * A client's keys are fetched from its JWKS URL, kept for an hour, and fetched again for an unknown `kid` at most once
 * a minute: a key that is used before it is published, or withdrawn while it is still in use, fails here too.
 *
 * @param tokenEndpoint - the only accepted `aud`, compared as a string
 */
export function createClientAuthenticator(
  clients: readonly ClientRegistration[],
  tokenEndpoint: string,
  clock: Clock,
): ClientAuthenticator {
  const known = new Map<string, { registration: ClientRegistration; keys: JWTVerifyGetKey }>();
  for (const registration of clients) {
    const keys = createRemoteJWKSet(new URL(registration.jwksUri), {
      cacheMaxAge: 60 * 60 * 1_000,
      cooldownDuration: 60 * 1_000,
      timeoutDuration: 5_000,
    });
    known.set(registration.clientId, { registration, keys });
  }
  const usedIds = new ExpiringMap<true>(longestLifetimeSeconds + clockSkewSeconds, clock);

  function checkClaims(claims: JWTPayload, clientId: string): void {
    const now = clock();
    const { aud, exp, iat, jti } = claims;
    const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
    if (audience !== tokenEndpoint) refuse('aud is not the token endpoint');
    if (exp === undefined || exp - now > longestLifetimeSeconds) refuse('exp is more than 30 minutes ahead');
    if (iat !== undefined && iat > now + clockSkewSeconds) refuse('iat lies in the future');
    if (typeof jti !== 'string' || jti === '') return refuse('jti is missing');
    const id = JSON.stringify([clientId, jti]);
    if (usedIds.get(id) !== undefined) refuse('jti was used before');
    usedIds.set(id, true);
  }

  return async (form) => {
    if (form.has('client_secret')) refuse('a client secret was sent');
    if (form.get('client_assertion_type') !== assertionType)
      refuse('client_assertion_type is missing or wrong');
    const assertion = form.get('client_assertion') ?? refuse('client_assertion is missing');
    let kid: unknown;
    let clientId = '';
    try {
      kid = decodeProtectedHeader(assertion).kid;
      // Only to find the keys; nothing is believed before the signature has been checked.
      const claims: unknown = JSON.parse(
        Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString('utf8'),
      );
      if (
        typeof claims === 'object' &&
        claims !== null &&
        'iss' in claims &&
        typeof claims.iss === 'string'
      ) {
        clientId = claims.iss;
      }
    } catch {
      refuse('not a JWT');
    }
    if (typeof kid !== 'string' || kid === '') refuse('kid is missing');
    const client = known.get(clientId) ?? refuse('iss is not a known client');
    if (form.has('client_id') && form.get('client_id') !== clientId)
      refuse('client_id is not the assertion’s iss');

    let claims: JWTPayload;
    try {
      const verified = await jwtVerify(assertion, client.keys, {
        algorithms: ['RS512'],
        issuer: clientId,
        subject: clientId,
        requiredClaims: ['aud', 'exp', 'jti'],
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(clock() * 1_000),
      });
      claims = verified.payload;
    } catch (error) {
      throw new ClientRefused(reasonOf(error));
    }
    checkClaims(claims, clientId);
    return client.registration;
  };
}
