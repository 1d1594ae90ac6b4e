import { randomBytes, randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { accountId } from '../aws/template.ts';

/**
 * What an HTTP API makes of a request for its function, and of the function's result for the client: payload format
 * version 2.0.
 */

export interface GatewayRequest {
  readonly method: string;
  /** The request target as it came: path and query, still encoded. */
  readonly target: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly sourceIp: string;
}

/** Raw headers, each name with its value. */
export const headerPairs = (rawHeaders: readonly string[]): [name: string, value: string][] =>
  Array.from({ length: Math.floor(rawHeaders.length / 2) }, (_, index) => [
    rawHeaders[2 * index] ?? '',
    rawHeaders[2 * index + 1] ?? '',
  ]);

export interface GatewayResponse {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

export interface MatchedRoute {
  readonly routeKey: string;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/** Headers that belong to one connection, and those that the gateway writes itself. */
const replaced = new Set([
  'connection',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-amzn-trace-id',
  'x-forwarded-port',
  'x-forwarded-proto',
]);

/** Only these bodies reach a function as text. All others do in base64, forms and bodies without a type among them. */
const textTypes = /^(?:text\/[^;]*|application\/(?:json|javascript|xml))\s*(?:;|$)/i;

/**
 * The path of a request target as an HTTP API sees it: percent-decoded once, and cut at a question mark that comes
 * out of it.
 *
 * @returns undefined for a path that cannot be decoded
 */
export function decodedPath(target: string): string | undefined {
  try {
    return decodeURIComponent(target.split('?', 1)[0] ?? '').split('?', 1)[0];
  } catch {
    return undefined;
  }
}

const rawQuery = (target: string): string => {
  const start = target.indexOf('?');
  return start < 0 ? '' : target.slice(start + 1);
};

/** `12/Mar/2020:19:03:58 +0000` */
const accessLogTime = (at: Date): string => {
  const [, , month] = at.toUTCString().split(' ');
  const two = (value: number): string => String(value).padStart(2, '0');
  return (
    `${two(at.getUTCDate())}/${month ?? ''}/${String(at.getUTCFullYear())}` +
    `:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`
  );
};

/**
 * The event for a function behind an HTTP API.
 *
 * @param path - as `decodedPath` gives it
 * @param api - the API's own identity; CloudFront calls it by this name, so the browser's `Host` never gets here
 */
export function httpApiEvent(
  request: GatewayRequest,
  path: string,
  route: MatchedRoute,
  api: { readonly id: string; readonly domainName: string },
): APIGatewayProxyEventV2 {
  // Without a prototype: a caller may send a header or a parameter named `constructor`.
  const headers = Object.create(null) as Record<string, string>;
  const cookies: string[] = [];
  for (const [sentName, value] of headerPairs(request.rawHeaders)) {
    const name = sentName.toLowerCase();
    if (name === 'cookie')
      cookies.push(
        ...value
          .split(';')
          .map((cookie) => cookie.trim())
          .filter(Boolean),
      );
    if (replaced.has(name)) continue;
    const earlier = headers[name];
    headers[name] = earlier === undefined ? value : `${earlier},${value}`;
  }
  const { 'x-forwarded-for': forwardedFor } = headers;
  headers['host'] = api.domainName;
  headers['x-amzn-trace-id'] =
    `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`;
  headers['x-forwarded-for'] =
    forwardedFor === undefined ? request.sourceIp : `${forwardedFor}, ${request.sourceIp}`;
  headers['x-forwarded-port'] = '443';
  headers['x-forwarded-proto'] = 'https';

  const query = Object.create(null) as Record<string, string>;
  for (const [name, value] of new URLSearchParams(rawQuery(request.target))) {
    const earlier = query[name];
    query[name] = earlier === undefined ? value : `${earlier},${value}`;
  }

  const isText = textTypes.test(headers['content-type'] ?? '');
  const now = new Date();
  return {
    version: '2.0',
    routeKey: route.routeKey,
    rawPath: path,
    rawQueryString: rawQuery(request.target),
    ...(cookies.length === 0 ? {} : { cookies }),
    headers,
    ...(Object.keys(query).length === 0 ? {} : { queryStringParameters: query }),
    requestContext: {
      accountId,
      apiId: api.id,
      domainName: api.domainName,
      domainPrefix: api.domainName.split('.', 1)[0] ?? '',
      http: {
        method: request.method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp: request.sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: route.routeKey,
      stage: '$default',
      time: accessLogTime(now),
      timeEpoch: now.getTime(),
    },
    ...(Object.keys(route.pathParameters).length === 0 ? {} : { pathParameters: route.pathParameters }),
    ...(request.body.length === 0 ? {} : { body: request.body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: request.body.length > 0 && !isText,
  };
}

/** A response that the gateway makes by itself. */
export const gatewayMessage = (status: number, message: string): GatewayResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify({ message })),
});

/** Headers of a result that the gateway decides about itself. */
const notPassedOn = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade']);

/**
 * The response for the client. A result without `statusCode` is a JSON body by itself.
 *
 * @param payload - a function's result, as JSON
 * @returns undefined when the result is not one that an HTTP API takes
 */
export function httpApiResponse(payload: string): GatewayResponse | undefined {
  const result = JSON.parse(payload) as unknown;
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) {
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(payload) };
  }
  const { statusCode, headers, cookies, body, isBase64Encoded } = result as Record<string, unknown>;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) return undefined;
  if (body !== undefined && body !== null && typeof body !== 'string') return undefined;
  if (
    cookies !== undefined &&
    !(Array.isArray(cookies) && cookies.every((cookie) => typeof cookie === 'string'))
  ) {
    return undefined;
  }
  const passed: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) return undefined;
    if (!notPassedOn.has(name.toLowerCase())) passed[name.toLowerCase()] = String(value);
  }
  if (Array.isArray(cookies) && cookies.length > 0) passed['set-cookie'] = cookies;
  if (body !== undefined && body !== null && body !== '')
    passed['content-type'] ??= 'text/plain;charset=UTF-8';
  return {
    status,
    headers: passed,
    body: Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}
