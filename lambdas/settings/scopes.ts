import { refuse, type Rule } from './rule.ts';

export const scope: Rule<string> = (value) =>
  /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(value) &&
  value.split(' ').includes('openid')
    ? value
    : refuse('scopes with single spaces between them, openid among them', value);

/** CIS2's requirement that an app asks for no more than it uses. */
export const scopesRequirement = 'NHS CIA SC Req 003';

/** What the app makes use of. */
const usedScopes = ['openid', 'profile', 'nhsperson', 'nationalrbacaccess', 'associatedorgs', 'selectedrole'];

/** The scopes that are asked for and never used: CIS2's assessors will have them removed. */
export const unneededScopes = (value: string): string[] =>
  value.split(' ').filter((asked) => !usedScopes.includes(asked));
