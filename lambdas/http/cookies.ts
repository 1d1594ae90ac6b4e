import { cookieNames } from '../cookie-names.ts';

/**
 * The cookies of requests and responses. Both carry the `__Host-Http-` prefix: a browser takes them only from a secure response's
 * header, for this very host and every path, and hides them from scripts (RFC 6265bis, cookie name prefixes).
 */
const cookies = {
  session: { name: cookieNames.session, attributes: 'Path=/; Secure; HttpOnly; SameSite=Strict' },
  signIn: { name: cookieNames.signIn, attributes: 'Path=/; Secure; HttpOnly; SameSite=Lax' },
} as const;

export type CookieName = keyof typeof cookies;

/**
 * Every value the request carries for a cookie. More than one means that another party has added one; a caller must
 * refuse that, not choose.
 *
 * Names are compared exactly, except for the space before a pair. A browser protects the prefix of the stored name:
 * ignoring other white space here would accept names that it does not protect.
 */
export function readCookie(name: CookieName, pairs: readonly string[]): string[] {
  const start = `${cookies[name].name}=`;
  return pairs
    .map((pair) => pair.replace(/^[ \t]+/, ''))
    .flatMap((pair) => (pair.startsWith(start) ? [pair.slice(start.length)] : []));
}

/** A `Set-Cookie` value. Without `maxAgeSeconds` the cookie goes when the browser does. */
export const setCookie = (name: CookieName, value: string, maxAgeSeconds?: number): string =>
  `${cookies[name].name}=${value}; ${cookies[name].attributes}` +
  (maxAgeSeconds === undefined ? '' : `; Max-Age=${String(maxAgeSeconds)}`);

/** A `Set-Cookie` value that removes the cookie: the same attributes as it was set with. */
export const clearCookie = (name: CookieName): string => setCookie(name, '', 0);
