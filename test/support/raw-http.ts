/** A request in the very bytes a test wants: any method, repeated headers, a target that no URL parser has touched. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { fieldsOf, recordExchange } from './exchanges.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/**
 * @param baseUrl - only its host and port are used
 * @param target - path and query as they stand in the request line
 * @param options.headers - name and value pairs, in order, duplicates included
 */
export function rawRequest(
  baseUrl: string,
  target: string,
  options: { method?: string; headers?: readonly (readonly [string, string])[]; body?: string } = {},
): Promise<RawAnswer> {
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
        response.setEncoding('utf8');
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
