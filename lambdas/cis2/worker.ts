/** From CIS2's claims to who the person is. Every optional claim may be missing, empty, or not what it should be. */
import { isDeepStrictEqual } from 'node:util';
import type { Role, User } from '../common/index.ts';

type Claims = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const longestText = 200;

/** Text for people: no control characters, none that turn the direction of writing, and of bounded length. */
const nonEmpty = (value: unknown): string | null => {
  if (typeof value !== 'string') return null;
  const plain = value.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, ' ').trim();
  return plain === '' ? null : plain.slice(0, longestText).toWellFormed();
};

/** An identifier or a code, exactly as it came; anything that cannot be one is none. */
const code = (value: unknown): string | null =>
  typeof value === 'string' && /^[\x21-\x7e]{1,64}$/.test(value.trim()) ? value.trim() : null;

/** A list; CIS2 has been seen to send a list of one as the bare thing. */
const list = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

const codes = (value: unknown): string[] => list(value).flatMap((entry) => code(entry) ?? []);

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

/** Roles that lack a code, and different roles under one id, are no roles: they grant nothing. */
export function readRoles(userInfo: Claims): Role[] {
  const organisations = new Map<string, string>();
  for (const claim of ['nhsid_org_memberships', 'nhsid_user_orgs']) {
    for (const organisation of list(userInfo[claim]).filter(isObject)) {
      const orgCode = code(organisation['org_code']);
      const name = nonEmpty(organisation['org_name']);
      if (orgCode !== null && name !== null) organisations.set(orgCode, name);
    }
  }
  const roles = new Map<string, Role>();
  const ambiguous = new Set<string>();
  for (const claim of list(userInfo['nhsid_nrbac_roles']).filter(isObject)) {
    const roleId = code(claim['person_roleid']);
    const roleCode = code(claim['role_code']);
    const orgCode = code(claim['org_code']);
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
    const same = roles.get(roleId);
    if (same !== undefined && !isDeepStrictEqual(same, role)) ambiguous.add(roleId);
    roles.set(roleId, role);
  }
  return [...roles.values()].filter(({ roleId }) => !ambiguous.has(roleId));
}

/** `"Group":"Staff group":"Role"`, the quotation marks being part of it: the role. Anything else stays as it is. */
function readRoleName(text: string): string {
  const inner = /^"(.*)"$/s.exec(text)?.[1];
  return nonEmpty(inner?.split('":"').at(-1)) ?? text;
}

/**
 * The role the person works in: the one CIS2 says was selected, if it is theirs; the only one they have; else none
 * until they choose. Never "the first one": the order of roles means nothing.
 */
export function chosenRole(roles: readonly Role[], idToken: Claims, userInfo: Claims): string | null {
  const selected = code(idToken['selected_roleid']) ?? code(userInfo['selected_roleid']);
  const named = roles.find(({ roleId }) => roleId === selected);
  const only = roles.length === 1 ? roles[0] : undefined;
  return (named ?? only)?.roleId ?? null;
}
