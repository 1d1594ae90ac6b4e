import { refuse, type Rule } from './rule.ts';

export const scope: Rule<string> = (value) =>
  /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(value) &&
  value.split(' ').includes('openid')
    ? value
    : refuse('scopes with single spaces between them, openid among them', value);

/** CIS2's requirement that an app asks for no more than it uses. */
export const scopesRequirement = 'NHS CIA SC Req 003';

/** The scopes that the app uses. */
const usedScopes = ['openid', 'profile', 'nhsperson', 'nationalrbacaccess', 'associatedorgs', 'selectedrole'];

/** The requested scopes that are never used: CIS2's assessors require their removal. */
export const unneededScopes = (value: string): string[] =>
  value.split(' ').filter((asked) => !usedScopes.includes(asked));
