/** The part of an upstream's response that the browser gets: status, body and a few headers. */
import type { ApiRoute } from './api-routes.ts';
import { UpstreamInvalid, type UpstreamResponse } from './upstream.ts';

const passedBack = ['content-type', 'etag', 'last-modified', 'retry-after', 'content-encoding'] as const;

const plainValue = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;

/** Seconds to wait when an upstream limits the rate without saying for how long. */
const defaultRetryAfter = '5';
const isRetryAfter = (value: string): boolean =>
  /^\d{1,6}$/.test(value) ||
  (/^[A-Z][a-z]{2}, .{20,30} GMT$/.test(value) && !Number.isNaN(Date.parse(value)));

/** @throws UpstreamInvalid `header` for a header that is repeated or not plain text */
function onlyValue(response: UpstreamResponse, name: string): string | undefined {
  const values = response.headers.get(name) ?? [];
  const [value] = values;
  if (value === undefined || (values.length === 1 && value === '')) return undefined;
  if (values.length > 1 || !plainValue.test(value)) throw new UpstreamInvalid('header');
  return value;
}

/**
 * @param base - the upstream's base URL
 * @param url - the address that was called
 * @throws UpstreamInvalid `header`
 */
export function passedHeaders(
  response: UpstreamResponse,
  route: ApiRoute,
  base: string,
  url: URL,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of [...passedBack, ...route.responseHeaders]) {
    const value = onlyValue(response, name);
    if (value !== undefined) headers[name] = value;
  }
  // Without a type it is treated as bytes (RFC 9110 section 8.3); the gateway would set a text type.
  if (response.body.length > 0) headers['content-type'] ??= 'application/octet-stream';
  if (!isRetryAfter(headers['retry-after'] ?? '')) delete headers['retry-after'];
  if (response.status === 429) headers['retry-after'] ??= defaultRetryAfter;
  const location = ownLocation(onlyValue(response, 'location'), route.upstream, base, url);
  if (location !== undefined) headers['location'] = location;
  return headers;
}

/** Our path for an address on the same upstream; undefined for any other. */
function ownLocation(
  value: string | undefined,
  upstream: string,
  base: string,
  called: URL,
): string | undefined {
  if (value === undefined || !URL.canParse(value, called.href)) return undefined;
  const target = new URL(value, called);
  const { origin, pathname } = new URL(base);
  const prefix = pathname === '/' ? '' : pathname;
  if (target.origin !== origin || target.username !== '' || target.password !== '') return undefined;
  if (!target.pathname.startsWith(`${prefix}/`)) return undefined;
  return `/api/${upstream}${target.pathname.slice(prefix.length)}${target.search}`;
}
