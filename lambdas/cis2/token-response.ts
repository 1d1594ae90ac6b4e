/** What is used of a token response (RFC 6749 section 5.1). */
import { withoutNulls } from '../common/index.ts';
import type { Claims } from './claims.ts';

/** A member that a sign-in can do without. */
export type OddMember = 'expires_in' | 'refresh_token' | 'refresh_token_expires_in' | 'scope';

/** A time in seconds, which some write as text. */
const isSeconds = (value: unknown): boolean =>
  typeof value === 'number' ? value >= 0 : typeof value === 'string' && /^\d{1,15}(?:\.\d+)?$/.test(value);
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

const isUsable: Readonly<Record<OddMember, (value: unknown) => boolean>> = {
  expires_in: isSeconds,
  refresh_token: isText,
  refresh_token_expires_in: (value) => isSeconds(value) && Number(value) > 0,
  scope: (value) => typeof value === 'string',
};
const dispensable = Object.keys(isUsable) as OddMember[];

/**
 * @param body - of a token response
 * @returns the members that count, and the names of those that are odd and can be done without: an access token that came
 *   is used, whatever stands beside it
 */
export function usableMembers(body: Claims): { members: Claims; odd: readonly OddMember[] } {
  const members = withoutNulls(body);
  const odd = dispensable.filter((name) => name in members && !isUsable[name](members[name]));
  return {
    members: Object.fromEntries(
      Object.entries(members).filter(([name]) => !odd.some((other) => other === name)),
    ),
    odd,
  };
}
