import { randomUUID } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { organisationIdOf, type ClaimChanges, type Persona } from './personas.ts';
import type { Scope } from './metadata.ts';
import { halfHash, randomValue } from './signer.ts';

export const tokenLifetimeSeconds = 3_600;

/** One sign-in, as the tokens tell of it. */
export interface Authentication {
  readonly persona: Persona;
  /** Seconds since the epoch. */
  readonly authTime: number;
  /** CIS2's name for the browser session. */
  readonly sid: string;
  /** `selected_roleid`; empty when there is none to select. Only stated where role selection was asked for. */
  readonly selectedRoleId: string;
}

/** Whether a request makes CIS2 run its role selection. */
export const asksForRole = (scopes: readonly Scope[]): boolean =>
  scopes.includes('selectedrole') || scopes.includes('changedrole');

/**
 * The `acr` that was satisfied: the first one asked for that this person's authenticator is, else what it really is.
 * The level is never raised to what was asked.
 */
export const satisfiedAcr = ({ authenticator }: Persona, asked: readonly string[]): string =>
  asked.find((value) => authenticator.satisfies.includes(value)) ?? authenticator.satisfies[0];

interface IdTokenInput extends Authentication {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly Scope[];
  readonly acrValues: readonly string[];
  readonly nonce: string | undefined;
  readonly state: string | undefined;
  readonly code: string;
  readonly accessToken: string;
  /** Seconds since the epoch. */
  readonly now: number;
}

/**
 * Claims as they are sent, with what is wrong on purpose.
 *
 * @param changes - `undefined` takes a claim out
 */
export const changed = (claims: JWTPayload, changes: ClaimChanges): JWTPayload => {
  const all: JWTPayload = { ...claims, ...changes };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
};

/** Changes to claims that are there anyway: what a person has wrong adds nothing that was not asked for. */
const amongThose = (changes: ClaimChanges, claims: JWTPayload): ClaimChanges =>
  Object.fromEntries(Object.entries(changes).filter(([name]) => Object.hasOwn(claims, name)));

/** Claims of an ID token (OpenID Connect Core section 2, with the claims CIS2 adds). */
export function idTokenClaims(input: IdTokenInput): JWTPayload {
  const { persona, now } = input;
  const level = (value: number) => (persona.levelsAs === 'string' ? String(value) : value);
  const claims = {
    iss: input.issuer,
    sub: persona.uid,
    subname: persona.uid,
    aud: input.clientId,
    azp: input.clientId,
    iat: now,
    exp: now + tokenLifetimeSeconds,
    auth_time: input.authTime,
    ...(input.nonce === undefined ? {} : { nonce: input.nonce }),
    at_hash: halfHash(input.accessToken),
    c_hash: halfHash(input.code),
    ...(input.state === undefined ? {} : { s_hash: halfHash(input.state) }),
    acr: satisfiedAcr(persona, input.acrValues),
    amr: [persona.authenticator.amr],
    authentication_assurance_level: level(persona.authenticator.level),
    id_assurance_level: level(persona.identityAssuranceLevel),
    ...(asksForRole(input.scopes) ? { selected_roleid: input.selectedRoleId } : {}),
    sid: input.sid,
    jti: randomUUID(),
    auditTrackingId: `${randomUUID()}-${String(now % 100_000)}`,
    tokenName: 'id_token',
    tokenType: 'JWTToken',
    realm: '/NHSIdentity/Healthcare',
    'org.forgerock.openidconnect.ops': randomValue(),
  };
  return changed(claims, amongThose(persona.wrong?.idToken ?? {}, claims));
}

/** Claims of an access token. It is a JWT of CIS2's own, without `aud`: clients treat it as opaque. */
export const accessTokenClaims = (
  issuer: string,
  { persona, authTime }: Authentication,
  scopes: readonly Scope[],
  now: number,
): JWTPayload => ({
  iss: issuer,
  sub: persona.uid,
  iat: now,
  exp: now + tokenLifetimeSeconds,
  auth_time: authTime,
  scope: [...scopes],
  jti: randomValue(),
  tokenName: 'access_token',
  token_type: 'Bearer',
  realm: '/NHSIdentity/Healthcare',
});

/** What each scope adds to UserInfo (OpenID Connect Core section 5.3). */
const userInfoByScope: Record<Scope, (persona: Persona, selectedRoleId: string) => JWTPayload> = {
  openid: ({ uid }) => ({ sub: uid }),
  profile: ({ uid, profile }) => ({ uid, ...profile }),
  email: ({ email }) => (email === undefined ? {} : { email }),
  nhsperson: ({ uid, person, identityAssuranceLevel }) => ({
    nhsid_useruid: uid,
    ...person,
    // Not the ID token's spelling, and always a string.
    idassurancelevel: String(identityAssuranceLevel),
  }),
  nationalrbacaccess: ({ roles, rolesAs }) => ({
    nhsid_nrbac_roles: rolesAs === 'bare object' ? roles[0] : roles,
  }),
  associatedorgs: ({ organisations }) => ({ nhsid_user_orgs: organisations }),
  organisationalmemberships: ({ organisations }) => {
    const memberships = organisations.map(({ org_name, org_code }) => ({
      person_orgid: organisationIdOf(org_code),
      org_name,
      org_code,
    }));
    return { nhsid_org_memberships: memberships, nhsid_org_roles: memberships };
  },
  professionalmemberships: ({ registrations }) => registrations,
  selectedrole: (_persona, selectedRoleId) => ({ selected_roleid: selectedRoleId }),
  changedrole: (_persona, selectedRoleId) => ({ selected_roleid: selectedRoleId }),
};

/** The UserInfo response for what was granted, and no more. */
export function userInfoClaims(
  { persona, selectedRoleId }: Authentication,
  scopes: readonly Scope[],
): JWTPayload {
  const claims: JWTPayload = Object.fromEntries(
    scopes.flatMap((scope) => Object.entries(userInfoByScope[scope](persona, selectedRoleId))),
  );
  return changed(claims, amongThose(persona.wrong?.userInfo ?? {}, claims));
}
