/** The usable members of a token response (RFC 6749 section 5.1). */
import { withoutNulls } from '../common/index.ts';
import type { Claims } from './claims.ts';

/** An optional member, which is ignored if it is invalid. */
export type IgnorableMember = 'expires_in' | 'refresh_token' | 'refresh_token_expires_in' | 'scope';

/** A time in seconds, as a number or as text. */
const isSeconds = (value: unknown): boolean =>
  typeof value === 'number' ? value >= 0 : typeof value === 'string' && /^\d{1,15}(?:\.\d+)?$/.test(value);
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

const isUsable: Readonly<Record<IgnorableMember, (value: unknown) => boolean>> = {
  expires_in: isSeconds,
  refresh_token: isText,
  refresh_token_expires_in: (value) => isSeconds(value) && Number(value) > 0,
  scope: (value) => typeof value === 'string',
};
const dispensable = Object.keys(isUsable) as IgnorableMember[];

/**
 * @param body - of a token response
 * @returns the usable members, and the names of the invalid optional ones: an access token is used even if these are
 *   invalid
 */
export function usableMembers(body: Claims): { members: Claims; odd: readonly IgnorableMember[] } {
  const members = withoutNulls(body);
  const odd = dispensable.filter((name) => name in members && !isUsable[name](members[name]));
  return {
    members: Object.fromEntries(
      Object.entries(members).filter(([name]) => !odd.some((other) => other === name)),
    ),
    odd,
  };
}
