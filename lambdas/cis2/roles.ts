/** Which roles of a person are accepted, and which one a session starts with. */
import type { Role } from '../common/index.ts';
import { acceptsRole, demandsRole, type RolePolicy } from '../settings/index.ts';
import { readNumericId, type Claims } from './claims.ts';
import { SignInRefused, type RoleRefusal } from './errors.ts';

/**
 * @param roles - every role the person holds
 * @param contradictory - roles that CIS2 states more than once with different rights, as each statement has them
 * @throws SignInRefused `role_required` when the app needs a role and accepts none of these
 */
export function checkRoles(roles: readonly Role[], policy: RolePolicy, contradictory: readonly Role[]): void {
  if (!demandsRole(policy) || roles.some((role) => acceptsRole(policy, role))) return;
  const stated = [...roles, ...contradictory];
  const reason = ((): RoleRefusal => {
    if (stated.length === 0) return 'no_role';
    if (contradictory.some((role) => acceptsRole(policy, role))) return 'contradictory';
    return stated.some((role) => acceptsRole(policy, role, 'organisations')) ? 'organisation' : 'role';
  })();
  throw new SignInRefused('role_required', `accepted roles: ${reason}`, { reason });
}

/**
 * The role the person works in: the one CIS2 says was selected, if it is theirs; the only one that is accepted, if CIS2
 * named none of theirs; else the one they had chosen before, if it is accepted; else none until they choose. Never "the
 * first one": the order of roles has no meaning. Nor is a selected role that is not accepted replaced by another without
 * the knowledge of the person.
 *
 * @param former - the role chosen in the session that this sign-in replaces
 */
export function chosenRole(
  roles: readonly Role[],
  policy: RolePolicy,
  idToken: Claims,
  userInfo: Claims,
  former?: string,
): string | null {
  const selected = readNumericId(idToken['selected_roleid']) ?? readNumericId(userInfo['selected_roleid']);
  const named = roles.find(({ roleId }) => roleId === selected);
  const accepted = (named === undefined ? roles : [named]).filter((role) => acceptsRole(policy, role));
  const [chosen] = accepted.length === 1 ? accepted : accepted.filter(({ roleId }) => roleId === former);
  return chosen?.roleId ?? null;
}
