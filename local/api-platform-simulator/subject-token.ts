import { isObject } from '../../lambdas/common/json.ts';
import type { Clock } from '../cis2-simulator/expiring-map.ts';
import { fetchDocument, Unreachable, type JwksCache } from './jwks-cache.ts';
import { checks, decode, isSigned, noMatchingKey, type DecodedJwt } from './jwt.ts';
import { badRequest, TokenError } from './token-error.ts';

/** What an ID token says of its person, as far as the platform's APIs ask. */
export interface Subject {
  readonly uid: string;
  /** `authentication_assurance_level` as text. */
  readonly aal: string;
  /** `person_roleid` of every role in `nhsid_nrbac_roles`; empty when the token does not list them. */
  readonly roles: readonly string[];
  /** `selected_roleid`, where one was selected. */
  readonly selectedRoleId: string | undefined;
}

const field = 'subject_token';
const algorithms = ['RS256', 'RS512'];

/** A list of one role has been met as the bare role. */
function roleIdsOf(claim: unknown): string[] {
  const roles: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  return roles.flatMap((role) =>
    isObject(role) && typeof role['person_roleid'] === 'string' ? [role['person_roleid']] : [],
  );
}

function subjectOf({ claims }: DecodedJwt): Subject {
  const { sub, authentication_assurance_level: level, selected_roleid: selected } = claims;
  if (typeof sub !== 'string' || sub === '') {
    throw new TokenError(400, 'unknown_error', 'The subject_token names nobody');
  }
  return {
    uid: sub,
    // CIS2 has sent it both as text and as a number.
    aal: typeof level === 'string' || typeof level === 'number' ? String(level) : '',
    roles: roleIdsOf(claims['nhsid_nrbac_roles']),
    selectedRoleId: typeof selected === 'string' && selected !== '' ? selected : undefined,
  };
}

/**
 * Checks CIS2's ID tokens with the platform's strictness and wording. `aud` has to be there and is not compared.
 *
 * @param keySets - the provider's keys, fetched again for an unknown `kid`
 */
export function createSubjectCheck(issuer: string, keySets: JwksCache, now: Clock) {
  let jwksUri: string | undefined;

  const discover = async (): Promise<string> => {
    const document = await fetchDocument(`${issuer}/.well-known/openid-configuration`);
    if (isObject(document) && typeof document['jwks_uri'] === 'string') return document['jwks_uri'];
    throw new Unreachable('the discovery document has no jwks_uri');
  };

  const isSignedByProvider = async (jwt: DecodedJwt): Promise<boolean> => {
    jwksUri ??= await discover();
    const { keys, fresh } = await keySets.get(jwksUri);
    if (await isSigned(jwt, keys, algorithms)) return true;
    return !fresh && isSigned(jwt, await keySets.fetch(jwksUri), algorithms);
  };

  return async (token: string): Promise<Subject> => {
    const jwt = decode(token, field);
    const { iss, aud } = jwt.claims;
    const check = checks(jwt, field, now);
    check.kid();
    check.typ();
    check.algorithm(algorithms);
    check.exp();
    check.notExpired();
    if (iss === undefined) throw badRequest(`Missing 'iss' claim in ${field} JWT`);
    if (iss !== issuer) throw badRequest(`Missing or non-matching 'iss' claim in ${field} JWT`);
    if (aud === undefined) throw badRequest(`Missing 'aud' claim in ${field} JWT`);
    try {
      if (!(await isSignedByProvider(jwt))) throw noMatchingKey(field);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      throw new TokenError(500, 'unknown_error', 'The keys of the issuer could not be had');
    }
    return subjectOf(jwt);
  };
}
