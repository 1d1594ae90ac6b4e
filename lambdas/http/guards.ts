import type { Route } from '../routes.ts';
import { Problem } from './problem.ts';
import type { HttpRequest } from './request.ts';

const maxBody = 16 * 1024;

/**
 * Each check alone stops a cross-site request (RFC 10017 section 6.1.3.3; OWASP ASVS 5.0 3.5.1 to 3.5.3); all are
 * applied.
 *
 * @returns the name of the guard that refuses, or undefined
 */
export function crossSiteRefusal(request: HttpRequest, baseOrigin: string): string | undefined {
  const { 'x-csrf': csrf, origin, 'sec-fetch-site': site } = request.headers;
  // A repeated header is joined by a comma, so it is not "1" either.
  if (csrf !== '1') return 'x-csrf';
  if (origin !== undefined && origin !== baseOrigin) return 'origin';
  if (site !== undefined && site !== 'same-origin') return 'sec-fetch-site';
  return undefined;
}

/**
 * @throws Problem `payload_too_large`, or `unsupported_media_type` for a body of another type than the route asks for:
 *   the types that a form can send need no preflight. A route for a form refuses another type without a body too
 */
export function checkBody(request: HttpRequest, route: Route): void {
  if (request.body.length > maxBody) throw new Problem('payload_too_large');
  const given = request.headers['content-type'];
  const isJson = route.body === 'application/json';
  if (request.body.length === 0 && (given === undefined || isJson)) return;
  const mediaType = isJson
    ? acceptedMediaType(given, ['application/json'])
    : given?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== route.body) throw new Problem('unsupported_media_type');
}

/** What a proxied route takes as a body. */
export interface BodyRule {
  /** Media types, in lower case and without parameters. */
  readonly types: readonly string[];
  readonly maxBytes: number;
}

/** JSON and XML are UTF-8 by default; another charset would be read wrongly by the upstream. */
const utf8Parameter = /^\s*charset\s*=\s*"?utf-8"?\s*$/i;

/** @returns the one of `types` that a `Content-Type` names; undefined for any other, and for one with other parameters */
export function acceptedMediaType(
  contentType: string | undefined,
  types: readonly string[],
): string | undefined {
  const [mediaType = '', ...parameters] = (contentType ?? '').split(';');
  const accepted = types.find((type) => type === mediaType.trim().toLowerCase());
  return parameters.every((parameter) => utf8Parameter.test(parameter)) ? accepted : undefined;
}

/**
 * @param rule - undefined for a route that takes no body
 * @throws Problem `payload_too_large`, or `unsupported_media_type`, also for a body on a route without one
 */
export function checkProxiedBody(request: HttpRequest, rule: BodyRule | undefined): void {
  const { length } = request.body;
  if (rule === undefined) {
    if (length > 0) throw new Problem('unsupported_media_type');
    return;
  }
  if (length > rule.maxBytes) throw new Problem('payload_too_large');
  if (acceptedMediaType(request.headers['content-type'], rule.types) === undefined) {
    throw new Problem('unsupported_media_type');
  }
}
