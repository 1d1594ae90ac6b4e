/** Which roles a person can work in. */
// Not through index.ts: these types are in the package, and must not need those of Node.js.
import type { Role } from '../common/healthcare-worker.ts';
import { isObject, parseJson } from '../common/json.ts';
import { refuse, plainText, type Rule } from './rule.ts';

/**
 * Accepts a role that matches every given list. A list matches when it has a code of the role; an organisation is named by
 * its ODS code.
 */
export interface RoleRule {
  readonly activityCodes?: readonly string[];
  readonly jobRoleCodes?: readonly string[];
  readonly organisations?: readonly string[];
  readonly workgroups?: readonly string[];
}

/**
 * Which roles can be worked in. `optional`: any, and a person who has none may sign in; `any`: any, and a sign-in needs
 * one; rules: a sign-in needs a role that one of them accepts.
 */
export type RolePolicy = 'optional' | 'any' | readonly RoleRule[];

/** The codes of a role that each list of a rule is compared with. */
const codesOfRole = {
  activityCodes: (role) => role.activityCodes,
  jobRoleCodes: (role) => (role.jobRoleCode === null ? [] : [role.jobRoleCode]),
  organisations: (role) => [role.orgCode],
  workgroups: (role) => role.workgroupCodes,
} as const satisfies Record<keyof RoleRule, (role: Role) => readonly string[]>;

type RuleList = keyof typeof codesOfRole;
const ruleLists = Object.keys(codesOfRole) as RuleList[];
const isRuleList = (name: string): name is RuleList => Object.hasOwn(codesOfRole, name);

/**
 * Whether a role can be worked in.
 *
 * @param apartFrom - a list that counts as matching, to find out whether it is the only reason for a refusal
 */
export const acceptsRole = (policy: RolePolicy, role: Role, apartFrom?: RuleList): boolean =>
  typeof policy === 'string' ||
  policy.some((rule) =>
    ruleLists.every((name) => {
      const wanted = rule[name];
      return (
        name === apartFrom ||
        wanted === undefined ||
        codesOfRole[name](role).some((code) => wanted.includes(code))
      );
    }),
  );

/** Whether a sign-in needs a role that is accepted. */
export const demandsRole = (policy: RolePolicy): boolean => policy !== 'optional';

/** Lambda gives a function 4 KB for all its settings together: this leaves half of it. */
const maxRoleRules = 2_000;

const isCodes = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((code) => typeof code === 'string' && /^[\x21-\x7e]{1,64}$/.test(code));

const isRoleRule = (value: unknown): value is RoleRule => {
  if (!isObject(value)) return false;
  const lists = Object.entries(value);
  return lists.length > 0 && lists.every(([name, codes]) => isRuleList(name) && isCodes(codes));
};

/** A misspelt rule must not silently accept more roles or none: every member must be known and not empty. */
export const rolePolicy: Rule<RolePolicy> = (value) => {
  if (value === 'optional' || value === 'any') return value;
  if (value.length > maxRoleRules) {
    refuse(`no longer than ${String(maxRoleRules)} characters`, `${value.slice(0, 40)}…`);
  }
  const parsed = parseJson(plainText(value));
  if (parsed === undefined) return refuse('optional, any, or rules as a JSON list', value);
  return Array.isArray(parsed) && parsed.length > 0 && parsed.every(isRoleRule)
    ? parsed
    : refuse(`a list of rules, each of one or more of ${ruleLists.join(', ')}, each a list of codes`, value);
};
