/** What names a key or a user: printable ASCII without spaces. */

const isWord = (value: unknown, maxLength: number): value is string =>
  typeof value === 'string' && value.length <= maxLength && /^[\x21-\x7e]+$/.test(value);

/** The name of a key of ours. */
export const isKid = (value: unknown): value is string => isWord(value, 128);

/** The name of a user at CIS2 (OpenID Connect Core section 2: 255 characters at most). */
export const isUid = (value: unknown): value is string => isWord(value, 255);
