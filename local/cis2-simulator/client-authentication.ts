import { createHash, timingSafeEqual } from 'node:crypto';
import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import type { ClientRegistration, SigningAlgorithm } from './clients.ts';
import { ExpiringMap, type Clock } from './expiring-map.ts';

/** Why a client was not let in. The reason is for the simulator's log only: CIS2 tells the client nothing. */
export class ClientRefused extends Error {
  override readonly name = 'ClientRefused';
  readonly code = 'invalid_client';
  /** What the client is sent. */
  readonly description: string;

  constructor(reason: string, description = 'JWT is not valid') {
    super(reason);
    this.description = description;
  }
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** CIS2 refuses an assertion that expires later than this, in seconds from now. */
const maxLifetimeSeconds = 30 * 60;
const clockSkewSeconds = 5;

/** Returns the client that a token request comes from; throws ClientRefused when it does not prove itself. */
export type ClientAuthenticator = (form: URLSearchParams) => Promise<ClientRegistration>;

interface KnownClient {
  readonly registration: ClientRegistration;
  /** Its published keys, of a client that signs. */
  readonly signing?: { readonly keys: JWTVerifyGetKey; readonly algorithm: SigningAlgorithm };
}

/** What went wrong, in words that repeat nothing of the assertion. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWKSNoMatchingKey) return 'no published key has this kid';
  if (error instanceof errors.JWKSTimeout) return 'the client’s JWKS did not answer in time';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature is wrong';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the algorithm is not the one registered';
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `claim ${error.claim} is missing or wrong`;
  if (error instanceof errors.JOSEError) return `${error.code} (assertion or JWKS)`;
  return 'the client’s JWKS could not be fetched';
}

const refuse = (reason: string): never => {
  throw new ClientRefused(reason);
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function known(registration: ClientRegistration, keyRefetchSeconds: number): KnownClient {
  if (registration.jwksUri === undefined) return { registration };
  const keys = createRemoteJWKSet(new URL(registration.jwksUri), {
    cacheMaxAge: 60 * 60 * 1_000,
    cooldownDuration: keyRefetchSeconds * 1_000,
    timeoutDuration: 5_000,
  });
  return { registration, signing: { keys, algorithm: registration.signingAlgorithm ?? 'RS512' } };
}

/** The key's name and the issuer that an assertion claims; nothing is believed before the signature has been checked. */
function claimedBy(assertion: string): { kid: unknown; issuer: unknown } {
  try {
    return { kid: decodeProtectedHeader(assertion).kid, issuer: decodeJwt(assertion).iss };
  } catch {
    return refuse('not a JWT');
  }
}

/**
 * Checks a client as strictly as CIS2 does: by the method it is registered for, and by no other.
 *
 * `private_key_jwt` (RFC 7523 section 3): a client's keys are fetched from its JWKS URL, cached for an hour, and fetched
 * again for an unknown `kid`, but not soon after: a key that is used before it is published, or withdrawn while it is
 * still in use, fails here too. `client_secret_post`: RFC 6749 section 2.3.1, in the form.
 *
 * @param tokenEndpoint - the only accepted `aud`, compared as a string
 * @param now - what the simulator takes the time to be
 * @param clock - what a used `jti` is remembered by
 * @param keyRefetchSeconds - how long after a fetch an unknown `kid` leads to no other
 */
export function createClientAuthenticator(
  clients: readonly ClientRegistration[],
  tokenEndpoint: string,
  now: Clock,
  clock: Clock,
  keyRefetchSeconds: number,
): ClientAuthenticator {
  const byId = new Map(
    clients.map((registration) => [registration.clientId, known(registration, keyRefetchSeconds)]),
  );
  const usedIds = new ExpiringMap<true>(maxLifetimeSeconds + clockSkewSeconds, clock);

  function checkClaims(claims: JWTPayload, clientId: string): void {
    const { aud, exp, iat, jti } = claims;
    const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
    if (audience !== tokenEndpoint) refuse('aud is not the token endpoint');
    if (exp === undefined || exp - now() > maxLifetimeSeconds) refuse('exp is more than 30 minutes ahead');
    if (iat !== undefined && iat > now() + clockSkewSeconds) refuse('iat lies in the future');
    if (typeof jti !== 'string' || jti === '') return refuse('jti is missing');
    const id = JSON.stringify([clientId, jti]);
    if (usedIds.get(id) !== undefined) refuse('jti was used before');
    usedIds.set(id, true);
  }

  async function byAssertion(form: URLSearchParams): Promise<ClientRegistration> {
    if (form.get('client_assertion_type') !== assertionType)
      refuse('client_assertion_type is missing or wrong');
    const assertion = form.get('client_assertion') ?? refuse('client_assertion is missing');
    const { kid, issuer: clientId } = claimedBy(assertion);
    if (typeof kid !== 'string' || kid === '') refuse('kid is missing');
    if (typeof clientId !== 'string') return refuse('iss is not a known client');
    const client = byId.get(clientId) ?? refuse('iss is not a known client');
    const { keys, algorithm } = client.signing ?? refuse('the client is registered for client_secret_post');
    if (form.has('client_id') && form.get('client_id') !== clientId)
      refuse('client_id is not the assertion’s iss');

    let claims: JWTPayload;
    try {
      const verified = await jwtVerify(assertion, keys, {
        algorithms: [algorithm],
        issuer: clientId,
        subject: clientId,
        requiredClaims: ['aud', 'exp', 'jti'],
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(now() * 1_000),
      });
      claims = verified.payload;
    } catch (error) {
      throw new ClientRefused(reasonOf(error));
    }
    checkClaims(claims, clientId);
    return client.registration;
  }

  function bySecret(form: URLSearchParams): ClientRegistration {
    const client = byId.get(form.get('client_id') ?? '');
    const expected = client?.registration.clientSecret;
    const given = form.get('client_secret') ?? '';
    const matches = expected !== undefined && timingSafeEqual(digest(given), digest(expected));
    if (client !== undefined && matches) return client.registration;
    const reason =
      client === undefined
        ? 'client_id is not a known client'
        : expected === undefined
          ? 'the client is registered for private_key_jwt'
          : 'the client secret is wrong';
    throw new ClientRefused(reason, 'Client authentication failed');
  }

  return async (form) => {
    const assertion = form.has('client_assertion') || form.has('client_assertion_type');
    if (form.has('client_secret') && assertion) refuse('a client secret was sent with an assertion');
    return form.has('client_secret') ? bySecret(form) : byAssertion(form);
  };
}
