import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** A request, independent of the gateway. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** The route's path variables, by name; empty until the route is found. */
  readonly pathVariables: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  /** Lower-case name → value; a repeated header is joined by commas. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** `name=value` pairs, unchanged, duplicates included. */
  readonly cookies: readonly string[];
  readonly body: Buffer;
  /** Names this request in every log line, in `X-Request-Id`, and on error pages. Never taken from the caller. */
  readonly reference: string;
}

/** Whether a browser navigates to a page (Fetch Metadata Request Headers). */
export const isNavigation = ({ headers }: HttpRequest): boolean =>
  headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';

const referenceAlphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Sixty random bits that can be read out on a telephone: `7K3M-9QX2-HABW`. */
export function newReference(): string {
  // Node draws random bytes for many UUIDs at once. These groups of one are random bytes and nothing else (RFC 9562 section 5.4).
  const [first = '', second = '', , , last = ''] = randomUUID().split('-');
  const bytes = Buffer.from(first + second + last, 'hex');
  const letters = Array.from(bytes, (byte) => referenceAlphabet[byte % 32]).join('');
  return `${letters.slice(0, 4)}-${letters.slice(4, 8)}-${letters.slice(8)}`;
}

/** Reads an API Gateway event of payload format 2.0. */
export function readRequest(event: APIGatewayProxyEventV2): HttpRequest {
  return {
    method: event.requestContext.http.method,
    path: event.rawPath,
    pathVariables: {},
    // `URLSearchParams` drops a leading question mark, which could be part of a name.
    query: new URLSearchParams(`?${event.rawQueryString}`),
    headers: event.headers,
    cookies: event.cookies ?? [],
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
    reference: newReference(),
  };
}
