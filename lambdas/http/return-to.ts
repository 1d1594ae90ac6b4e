import { isBffPath } from '../routes.ts';

const maxReturnToBytes = 1024;

/**
 * Where to land after sign-in: a page on our own origin and nothing else (RFC 9700 sections 2.1 and 4.11), so no route of
 * ours either. The result is the output of the WHATWG parser, never the given text.
 *
 * @param value - untrusted text
 * @param baseUrl - our origin
 * @returns path, query and fragment, beginning with exactly one `/`; undefined when `value` is anything else
 */
export const parseReturnTo = (value: string, baseUrl: string): string | undefined =>
  Buffer.byteLength(value) > maxReturnToBytes ? undefined : parseOwnPath(value, baseUrl);

/** As {@link parseReturnTo}, without the length limit: its results are escaped and may be longer. */
export function parseOwnPath(value: string, baseUrl: string): string | undefined {
  // The parser would drop tabs and line ends silently, so they are refused first.
  if (!/^\/(?![/\\])/.test(value) || /\p{Cc}/u.test(value)) return undefined;
  if (!URL.canParse(value, baseUrl)) return undefined;
  const url = new URL(value, baseUrl);
  if (url.origin !== baseUrl || url.username !== '' || url.password !== '') return undefined;
  // `/x/..//evil.example` parses to this origin, but its path alone would be another host's address.
  if (url.pathname.startsWith('//') || isBffPath(url.pathname)) return undefined;
  return url.pathname + url.search + url.hash;
}
