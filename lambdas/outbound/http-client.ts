/** HTTP requests to other services, over connections that are kept open between them. */
import type { Agent as PlainAgent, IncomingMessage } from 'node:http';
import type { Agent as SecureAgent } from 'node:https';
import type { LookupFunction } from 'node:net';
import { readBounded } from '../common/index.ts';

// An import would read every member of these modules, and one of them loads another HTTP client at start.
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

export interface OutboundRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for a method without a body. */
  readonly body: Buffer | undefined;
}

/** `pooled`: an open connection, if there is one. It may have been closed while idle. */
export type Connection = 'pooled' | 'new';

/** The connection was lost, or could not be made, before a byte of a response came. The cause is the network's error. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** The connection was lost after a response had begun. The cause is the network's error. */
export class ResponseTruncated extends Error {
  override readonly name = 'ResponseTruncated';
}

const keepAlive = { keepAlive: true, scheduling: 'lifo', maxFreeSockets: 16 } as const;

export interface HttpClientOptions {
  /** Resolves the host names of connections. @default as Node does */
  readonly lookupFor?: ((url: URL) => LookupFunction) | undefined;
  /** How long an idle connection stays open, in milliseconds. @default no limit */
  readonly maxIdleMs?: number;
}

const lostCodes: readonly (string | undefined)[] = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'];

export type HttpClient = ReturnType<typeof createHttpClient>;

export function createHttpClient({ lookupFor, maxIdleMs }: HttpClientOptions = {}) {
  const pooled = { ...keepAlive, ...(maxIdleMs === undefined ? {} : { timeout: maxIdleMs }) };
  // Created at the first use, to keep the start fast.
  let plain: PlainAgent | undefined;
  let secure: SecureAgent | undefined;
  const agentFor = (url: URL): PlainAgent | SecureAgent =>
    url.protocol === 'https:' ? (secure ??= new https.Agent(pooled)) : (plain ??= new http.Agent(pooled));

  return {
    /**
     * @param options.signal - aborts the request, also while the response is read
     * @param read - makes the result from the response; it must read the whole body
     * @throws ConnectionLost, ResponseTruncated, Node's own error (`HPE_…` for invalid HTTP), or what `read` throws. The
     *   connection is then closed
     */
    send: <T>(
      { url, method, headers, body }: OutboundRequest,
      { connection, signal }: { readonly connection: Connection; readonly signal: AbortSignal },
      read: (response: IncomingMessage) => Promise<T>,
    ): Promise<T> =>
      new Promise((resolve, reject) => {
        const request = (url.protocol === 'https:' ? https : http).request(url, {
          method,
          headers: {
            ...headers,
            ...(body === undefined ? {} : { 'content-length': String(body.length) }),
          },
          agent: connection === 'pooled' ? agentFor(url) : false,
          ...(lookupFor && { lookup: lookupFor(url) }),
          signal,
        });
        let responseBegan = false;
        const responseBegins = (): void => {
          responseBegan = true;
        };
        const fail = (error: Error): void => {
          reject(error);
          request.destroy();
        };
        request.on('error', (cause: NodeJS.ErrnoException) => {
          if (!lostCodes.includes(cause.code)) fail(cause);
          else if (responseBegan)
            fail(new ResponseTruncated('the connection was lost within an answer', { cause }));
          else fail(new ConnectionLost('the connection was lost before an answer', { cause }));
        });
        request.on('socket', (socket) => socket.once('data', responseBegins));
        // We never ask for another protocol.
        request.on('upgrade', (_response, socket) => {
          socket.destroy();
          fail(Object.assign(new Error('another protocol'), { code: 'HPE_UPGRADE' }));
        });
        request.on('response', (response) => {
          responseBegins();
          read(response).then(resolve, fail);
        });
        request.end(body);
      }),

    /** Closes idle connections. */
    close(): void {
      plain?.destroy();
      secure?.destroy();
    },
  };
}

const codeOf = (cause: unknown): string | undefined => (cause as NodeJS.ErrnoException | undefined)?.code;

/**
 * Tries on a pooled connection, and once more on a new one if it was lost before the response began. Not on another
 * pooled one: several may have been closed together.
 */
export async function retryIfLost<T>(attempt: (connection: Connection) => Promise<T>): Promise<T> {
  try {
    return await attempt('pooled');
  } catch (error) {
    // A retry would be refused too.
    if (!(error instanceof ConnectionLost) || codeOf(error.cause) === 'ECONNREFUSED') throw error;
    return attempt('new');
  }
}

/** The whole body. @throws TooLarge, or Node's own error when it ends too soon */
export async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const body = await readBounded(response, maxBytes);
  if (!response.complete) throw new Error('the body ended too soon');
  return body;
}
