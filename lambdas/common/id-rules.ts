/** What names a key or a user. */

/** The name of a key of ours: no character needs an escape in an address or a page. */
export const isKid = (value: unknown): value is string =>
  typeof value === 'string' && /^[\w.~-]{1,128}$/.test(value);

/** The name of a user at CIS2: printable ASCII without spaces (OpenID Connect Core section 2: 255 characters at most). */
export const isUid = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value);
