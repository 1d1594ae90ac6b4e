import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  json as plainJson,
  requestOf,
  withHeaders,
  type HttpResponse,
  type Request,
} from '../control-panel/http.ts';
import { readBody } from '../loopback-server.ts';

const maxBodyBytes = 64 * 1024;

/** A body larger than a sign-in could ever need. */
export class BodyTooLarge extends Error {}

/**
 * Reads a request whole.
 *
 * @throws BodyTooLarge above 64 KiB
 */
export async function readRequest(message: IncomingMessage): Promise<Request> {
  const bytes = await readBody(message, maxBodyBytes);
  if (bytes === undefined) throw new BodyTooLarge();
  return requestOf(message, bytes.toString('utf8'));
}

export function writeResponse(response: ServerResponse, result: HttpResponse): void {
  if (result.reset === true) {
    response.socket?.resetAndDestroy();
    return;
  }
  response.writeHead(result.status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...result.headers,
  });
  response.end(result.body);
}

/** JSON as CIS2 labels it. */
export const json = (status: number, body: unknown, outcome: string): HttpResponse =>
  withHeaders(plainJson(status, body, outcome), { 'content-type': 'application/json;charset=UTF-8' });

/** An OAuth error response (RFC 6749 section 5.2), its members in the order CIS2 sends them. */
export const oauthError = (
  status: number,
  error: string,
  description: string,
  outcome: string,
): HttpResponse => json(status, { error_description: description, error }, outcome);

export const redirect = (
  location: string,
  outcome: string,
  headers: Record<string, string> = {},
): HttpResponse => ({
  status: 302,
  headers: { location, ...headers },
  body: '',
  outcome,
});

/** What CIS2's load balancer says to what it does not know. */
export function notFound(): HttpResponse {
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  return { status: 404, headers, body: 'default backend - 404', outcome: 'no such host or path' };
}

/** A page of another site has sent a browser here by something else than a link. */
export const forbidden = (why: string): HttpResponse => ({
  status: 403,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: `Refused: ${why}.`,
  outcome: why,
});

/** The name of a parameter that was sent more than once, which OAuth forbids (RFC 6749 section 3.1). */
export const repeatedParameter = (parameters: URLSearchParams): string | undefined =>
  [...new Set(parameters.keys())].find((name) => parameters.getAll(name).length > 1);

/** The value of a cookie; undefined when it was not sent. */
export function readCookie(request: Request, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [key, ...value] = pair.trim().split('=');
    if (key === name) return value.join('=');
  }
  return undefined;
}
