/**
 * The assurance policy: which sign-ins are strong enough (NHS CIA ACR Req 001, SC Req 002). It checks the levels that CIS2
 * states, never `acr`, which repeats the request, and anybody can edit a request in the address bar. A missing or invalid
 * level is refused.
 */
import type { Claims } from './claims.ts';
import { SignInRefused } from './errors.ts';

export interface AssurancePolicy {
  /** Minimum authentication assurance level, 1 to 3. */
  readonly minimumAal: number;
  /** Minimum identity assurance level, 0 to 3. */
  readonly minimumIal: number;
}

/** CIS2 writes a level as a number or a string; any other type is invalid. */
export function readLevel(claim: unknown): number | undefined {
  if (typeof claim === 'number') return [0, 1, 2, 3].includes(claim) ? claim : undefined;
  return typeof claim === 'string' && /^[0-3]$/.test(claim) ? Number(claim) : undefined;
}

/** The ID token and UserInfo spell the identity level differently, and either may state it. */
const identityClaims = ['id_assurance_level', 'idassurancelevel'] as const;

/**
 * @param idToken - claims of the verified ID token
 * @param userInfo - claims of UserInfo for the same subject
 * @param policy - the required levels, those of a step-up included
 * @returns the levels, if they are high enough
 * @throws SignInRefused `assurance_insufficient`
 */
export function checkAssurance(
  idToken: Claims,
  userInfo: Claims,
  policy: AssurancePolicy,
): { authentication: number; identity: number } {
  const authentication = readLevel(idToken['authentication_assurance_level']);
  if (authentication === undefined || !(authentication >= policy.minimumAal)) {
    throw new SignInRefused('assurance_insufficient', 'authentication_assurance_level');
  }
  const stated = [idToken, userInfo].flatMap((claims) =>
    identityClaims.filter((name) => Object.hasOwn(claims, name)).map((name) => readLevel(claims[name])),
  );
  // Where the sources disagree, the lowest counts; one invalid value refuses all.
  const identity = stated.includes(undefined) ? NaN : Math.min(...stated.map(Number));
  if (!Number.isFinite(identity) || !(identity >= policy.minimumIal)) {
    throw new SignInRefused('assurance_insufficient', 'id_assurance_level');
  }
  return { authentication, identity };
}
