import type { EpochSeconds } from './time.ts';

/** The signed-in person, independent of the form of CIS2’s claims. */
export interface HealthcareWorker {
  readonly user: User;
  readonly assurance: Assurance;
  /** Every role the person holds; their order means nothing. */
  readonly roles: readonly Role[];
  /** Encrypts the person's unsaved work in their browser: 256 bits, base64url. The same in each of their sessions. */
  readonly draftKey?: string;
}

export interface User {
  /** The twelve-digit NHS user id. */
  readonly uid: string;
  /** Never empty: the user id if CIS2 has no name. */
  readonly name: string;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly title: string | null;
}

interface Assurance {
  /** Authentication assurance level, 1 to 3. */
  readonly authentication: number;
  /** Identity assurance level, 0 to 3. */
  readonly identity: number;
  /** Authentication methods, as CIS2 names them. */
  readonly methods: readonly string[];
  readonly authenticatedAt: EpochSeconds;
}

export interface Role {
  readonly roleId: string;
  /** `S…:G…:R…`. */
  readonly roleCode: string;
  /** The `R` part of the role code. */
  readonly jobRoleCode: string | null;
  readonly roleName: string;
  readonly orgCode: string;
  readonly orgName: string | null;
  readonly activityCodes: readonly string[];
  readonly workgroupCodes: readonly string[];
}
