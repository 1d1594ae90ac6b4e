/** The request to an upstream: built from checked values only, so that no other part of the browser's request is passed on. */
import { createHash } from 'node:crypto';
import type { Secret } from '../common/index.ts';
import type { ApiRoute } from './api-routes.ts';
import { accepts } from './value-rules.ts';

/** A query as it was accepted: names and values in the order they came. */
export type AcceptedQuery = readonly (readonly [name: string, value: string])[];

/** @returns undefined when a parameter is not listed, has an invalid value, or is repeated too often */
export function acceptQuery(route: ApiRoute, query: URLSearchParams): AcceptedQuery | undefined {
  const accepted = [...query];
  const times = new Map<string, number>();
  for (const [name, value] of accepted) {
    const rule = Object.hasOwn(route.query, name) ? route.query[name] : undefined;
    const count = (times.get(name) ?? 0) + 1;
    if (rule === undefined || count > (rule.maxCount ?? 1) || !accepts(rule, value)) return undefined;
    times.set(name, count);
  }
  return accepted;
}

/** Whether a path parameter may have this value. */
export const acceptsParameter = (route: ApiRoute, name: string, value: string): boolean => {
  const rule = Object.hasOwn(route.parameters, name) ? route.parameters[name] : undefined;
  return rule !== undefined && accepts(rule, value);
};

/**
 * The address of a call.
 *
 * @param base - an upstream's base URL as the settings hold it: no query, no fragment, no slash at its end
 * @throws TypeError when the parsed URL differs from the path that was built under this base
 */
export function upstreamUrl(
  base: string,
  route: ApiRoute,
  pathVariables: Readonly<Record<string, string | undefined>>,
  query: AcceptedQuery,
): URL {
  const segments = route.upstreamPath.split('/').map((segment) => {
    const name = /^\{([a-zA-Z]+)\}$/.exec(segment)?.[1];
    if (name === undefined) return segment;
    const value = pathVariables[name] ?? '';
    if (!acceptsParameter(route, name, value)) throw new TypeError('a path parameter was never accepted');
    return encodeURIComponent(value);
  });
  const search = query
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
  const { origin, pathname } = new URL(base);
  const path = (pathname === '/' ? '' : pathname) + segments.join('/');
  const url = new URL(`${origin}${path}${search === '' ? '' : `?${search}`}`);
  // The parsed URL is compared, so that a dot segment or another host is found here.
  if (url.origin !== origin || url.pathname !== path || url.username !== '' || url.hash !== '') {
    throw new TypeError('an upstream address came out as another');
  }
  return url;
}

const plainHeaderValue = /^[\x21-\x7e](?:[\x20-\x7e]{0,510}[\x21-\x7e])?$/;

/** The listed headers of the request; undefined when one has a value that is not plain text. */
export function acceptHeaders(
  route: ApiRoute,
  headers: RequestHeaders,
): Readonly<Record<string, string>> | undefined {
  const accepted: Record<string, string> = {};
  for (const name of route.requestHeaders) {
    const value = headers[name];
    if (value === undefined) continue;
    if (!plainHeaderValue.test(value)) return undefined;
    accepted[name] = value;
  }
  return accepted;
}

/** The headers of a request: lower-case name → value. */
type RequestHeaders = Readonly<Record<string, string | undefined>>;

/** The first media type that the client accepts and the upstream has, else the first of the upstream. */
function acceptedType({ accept }: ApiRoute, wanted: string | undefined): string {
  const asked = (wanted ?? '').split(',').map((range) => (range.split(';')[0] ?? '').trim().toLowerCase());
  return asked.find((type) => accept.includes(type)) ?? accept[0] ?? '*/*';
}

const plainEncodings =
  /^[a-z0-9*-]{1,20}(?:;q=[0-9.]{1,5})?(?: ?, ?[a-z0-9*-]{1,20}(?:;q=[0-9.]{1,5})?){0,9}$/i;

/** The browser names the encodings, because bodies are passed through unchanged. */
const acceptedEncoding = (wanted: string | undefined): string | undefined =>
  wanted !== undefined && plainEncodings.test(wanted) ? wanted : undefined;

/**
 * A UUID that groups the calls of a session at an upstream and reveals nothing about the session (RFC 9562 section 5.8).
 *
 * @param handle - the session's handle, which cannot be derived from the result
 */
function correlationId(handle: string): string {
  const bytes = createHash('sha256').update(`cis2-bff correlation ${handle}`).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/**
 * Every header of a call but those that HTTP itself needs.
 *
 * @param accepted - the listed headers of the request
 * @param call.handle - the session's
 * @param call.roleId - the role the user works in
 */
export function upstreamHeaders(
  route: ApiRoute,
  headers: RequestHeaders,
  accepted: Readonly<Record<string, string>>,
  call: {
    readonly requestId: string;
    readonly handle: string;
    readonly roleId: string | null;
    readonly contentType: string | undefined;
  },
  accessToken: Secret | undefined,
): Record<string, string> {
  const encoding = acceptedEncoding(headers['accept-encoding']);
  return {
    ...accepted,
    accept: acceptedType(route, headers['accept']),
    ...(encoding === undefined ? {} : { 'accept-encoding': encoding }),
    ...(call.contentType === undefined ? {} : { 'content-type': call.contentType }),
    'x-request-id': call.requestId,
    'x-correlation-id': correlationId(call.handle),
    ...(call.roleId === null ? {} : { 'nhsd-session-urid': call.roleId }),
    ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken.expose()}` }),
  };
}
