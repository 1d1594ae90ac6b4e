/** Reads the person and their roles from CIS2's claims. */
import { isDeepStrictEqual } from 'node:util';
import { isObject, type Role, type User } from '../common/index.ts';
import { readCode, readNumericId, type Claims } from './claims.ts';

const maxText = 200;

/** Text for people: no control characters, none that turn the direction of writing, and of bounded length. */
const nonEmpty = (value: unknown): string | null => {
  if (typeof value !== 'string') return null;
  const plain = value.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, ' ').trim();
  return plain === '' ? null : plain.slice(0, maxText).toWellFormed();
};

/** A list; CIS2 is known to send a list of one as the single value. */
const list = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

const codes = (value: unknown): string[] => list(value).flatMap((entry) => readCode(entry) ?? []);

/** @param subject - the ID token's `sub`: the NHS user id */
export function readUser(subject: string, userInfo: Claims): User {
  const givenName = nonEmpty(userInfo['given_name']);
  const familyName = nonEmpty(userInfo['family_name']);
  const fullName = [givenName, familyName].filter((part) => part !== null).join(' ');
  return {
    uid: subject,
    name: nonEmpty(userInfo['display_name']) ?? nonEmpty(fullName) ?? nonEmpty(userInfo['name']) ?? subject,
    givenName,
    familyName,
    title: nonEmpty(userInfo['title']),
  };
}

/** What two statements of one role must agree on. Order and repetition of codes have no meaning. */
const rightsOf = ({ roleCode, orgCode, activityCodes, workgroupCodes }: Role) => [
  roleCode,
  orgCode,
  new Set(activityCodes),
  new Set(workgroupCodes),
];

/**
 * @returns the roles, and the statements of those that are stated with different rights under one id. A role that lacks a
 *   code, and a contradictory one, grants nothing
 */
export function readRoles(userInfo: Claims): { roles: Role[]; contradictory: Role[] } {
  const organisations = new Map<string, string>();
  for (const claim of ['nhsid_org_memberships', 'nhsid_user_orgs']) {
    for (const organisation of list(userInfo[claim]).filter(isObject)) {
      const orgCode = readCode(organisation['org_code']);
      const name = nonEmpty(organisation['org_name']);
      if (orgCode !== null && name !== null) organisations.set(orgCode, name);
    }
  }
  const stated = new Map<string, Role[]>();
  for (const claim of list(userInfo['nhsid_nrbac_roles']).filter(isObject)) {
    const roleId = readNumericId(claim['person_roleid']);
    const roleCode = readCode(claim['role_code']);
    const orgCode = readCode(claim['org_code']);
    if (roleId === null || roleCode === null || orgCode === null) continue;
    const role: Role = {
      roleId,
      roleCode,
      jobRoleCode: roleCode.split(':').findLast((part) => /^R\d+$/.test(part)) ?? null,
      roleName: readRoleName(nonEmpty(claim['role_name']) ?? roleCode),
      orgCode,
      orgName: organisations.get(orgCode) ?? null,
      activityCodes: codes(claim['activity_codes']),
      workgroupCodes: codes(claim['workgroups_codes']),
    };
    const same = (other: Role): boolean => isDeepStrictEqual(rightsOf(other), rightsOf(role));
    const others = stated.get(roleId) ?? [];
    if (!others.some(same)) stated.set(roleId, [...others, role]);
  }
  const all = [...stated.values()];
  return {
    roles: all.filter(({ length }) => length === 1).flat(),
    contradictory: all.filter(({ length }) => length > 1).flat(),
  };
}

/** `"Group":"Staff group":"Role"`, the quotation marks being part of it: the role. Anything else stays as it is. */
function readRoleName(text: string): string {
  const inner = /^"(.*)"$/s.exec(text)?.[1];
  return nonEmpty(inner?.split('":"').at(-1)) ?? text;
}
