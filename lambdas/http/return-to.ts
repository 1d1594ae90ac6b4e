import { isBffPath } from '../routes.ts';

const maxReturnToBytes = 1024;

/**
 * Where to land after sign-in: a page on our own origin and nothing else (RFC 9700 sections 2.1 and 4.11), so no route of
 * ours either. What comes back is what the WHATWG parser understood, never the text that was given.
 *
 * @param value - untrusted text
 * @param baseUrl - our origin
 * @returns path, query and fragment, beginning with exactly one `/`; undefined when `value` is anything else
 */
export const parseReturnTo = (value: string, baseUrl: string): string | undefined =>
  Buffer.byteLength(value) > maxReturnToBytes ? undefined : parseOwnPath(value, baseUrl);

/** As {@link parseReturnTo}, of any length: what it gave once may be longer, escaped, and is still one of our paths. */
export function parseOwnPath(value: string, baseUrl: string): string | undefined {
  // The parser would drop tabs and line ends in silence, so they are refused before it runs.
  if (!/^\/(?![/\\])/.test(value) || /\p{Cc}/u.test(value)) return undefined;
  if (!URL.canParse(value, baseUrl)) return undefined;
  const url = new URL(value, baseUrl);
  if (url.origin !== baseUrl || url.username !== '' || url.password !== '') return undefined;
  // `/x/..//evil.example` parses to this origin, but its path alone would be another host's address.
  if (url.pathname.startsWith('//') || isBffPath(url.pathname)) return undefined;
  return url.pathname + url.search + url.hash;
}
