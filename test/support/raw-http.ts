/** A request in the very bytes a test wants: any method, repeated headers, a target that no URL parser has touched. */
import { connect } from 'node:net';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { fieldsOf, recordExchange } from './exchanges.ts';

export interface RawResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/**
 * @param baseUrl - only its host and port are used
 * @param target - path and query as they stand in the request line
 * @param options.headers - name and value pairs, in order, duplicates included
 * @param options.encoding - how the response's bytes become text; with `latin1` they can be had back
 */
export function rawRequest(
  baseUrl: string,
  target: string,
  options: {
    method?: string;
    headers?: readonly (readonly [string, string])[];
    body?: string;
    encoding?: BufferEncoding;
  } = {},
): Promise<RawResponse> {
  const { hostname, port, host } = new URL(baseUrl);
  const given = options.headers ?? [];
  const has = (name: string): boolean => given.some(([header]) => header.toLowerCase() === name);
  const headers = [
    ...(has('host') ? [] : [['Host', host] as const]),
    ...given,
    ...(options.body === undefined || has('content-length')
      ? []
      : [['Content-Length', String(Buffer.byteLength(options.body))] as const]),
  ];
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        hostname,
        port,
        path: target,
        method: options.method ?? 'GET',
        headers: headers.flat(),
        setHost: false,
        agent: false,
      },
      (response) => {
        let body = '';
        response.setEncoding(options.encoding ?? 'utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('end', () => {
          recordExchange(
            'product',
            { method: options.method ?? 'GET', target, headers: given, body: options.body ?? '' },
            { status: response.statusCode ?? 0, headers: fieldsOf(response.headers), body },
          );
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

/**
 * The same for what no client library would send: every byte as it is given, on a socket of its own.
 *
 * @param lines - request line and header fields
 */
export async function rawBytesRequest(
  baseUrl: string,
  lines: readonly string[],
  body = '',
): Promise<{ readonly status: number; readonly text: string }> {
  const { hostname, port } = new URL(baseUrl);
  const socket = connect(Number(port), hostname);
  socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`, 'latin1');
  const received = Buffer.concat((await socket.toArray()) as Buffer[]).toString('latin1');
  // What only says that it goes on is not the response.
  const text = received.replace(/^HTTP\/1\.1 1\d\d [^]*?\r\n\r\n/, '');
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
}
