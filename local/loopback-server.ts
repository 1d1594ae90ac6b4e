/** Every listener of a local run is made here, so that none is reached from another machine or by a page of another site. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { codeOf } from './errors.ts';

export interface Access {
  /** Host names that a server accepts besides loopback's own, in lower case. */
  readonly hosts?: readonly string[];
  /** Whether another port in `Host` is refused. It tells nothing where a proxy on this machine may stand in front. */
  readonly ownPortOnly?: true;
  /**
   * Who may call besides programs: nobody (a browser's request is refused), pages of the server's own origin, or whoever
   * the server itself lets in.
   */
  readonly browsers: 'none' | 'same-origin' | 'server-decides';
}

/** The status of each. */
const refusals = { 'two hosts': 400, 'foreign host': 404, 'foreign origin': 403, browser: 403 } as const;
export type Refusal = keyof typeof refusals;

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]'];

/** A host and a port. A port may have leading zeros: that is how a simulator spells one that URL parsers change. */
const hostPattern = /^([a-z0-9._-]+|\[[0-9a-f:]+\])(?::(\d{1,8}))?$/;

/**
 * Why a request is refused before anything looks at it. A page of another site can reach a loopback port, directly or
 * under a name of its own that it points here (DNS rebinding): the first is seen by `Origin` and `Sec-Fetch-Site`, the
 * second by `Host`.
 */
export function refusalOf(
  request: http.IncomingMessage,
  { hosts = [], ownPortOnly, browsers }: Access,
): Refusal | undefined {
  // Which of two would count is not ours to guess.
  if ((request.headersDistinct['host']?.length ?? 0) > 1) return 'two hosts';
  const { host = '', origin, 'sec-fetch-site': site } = request.headers;
  const [, name = '', port = '80'] = hostPattern.exec(host.toLowerCase()) ?? [];
  if (![...loopbackNames, ...hosts].includes(name)) return 'foreign host';
  if (ownPortOnly === true && Number(port) !== request.socket.localPort) return 'foreign host';
  if (browsers === 'none' && (origin !== undefined || site !== undefined)) return 'browser';
  if (browsers === 'same-origin' && origin !== undefined && origin !== new URL(`http://${host}`).origin) {
    return 'foreign origin';
  }
  return undefined;
}

/** Only bounds the parser: what imitates a service of AWS has a smaller limit, and refuses in the service's words. */
const maxHeaderBytes = 262_144;

/** Makes a server for `listenOnLoopback`. */
export function createLoopbackServer(listener?: http.RequestListener): http.Server {
  const server = http.createServer({ maxHeaderSize: maxHeaderBytes }, listener);
  // Beyond a count the parser would drop headers without a word, and a guard would not see them.
  server.maxHeadersCount = 0;
  // Callers keep their connections: closing an idle one would race with its next use.
  server.keepAliveTimeout = 0;
  return server;
}

/** Puts a check in front of everything that a server does. */
export function guardServer(server: http.Server, access: Access): void {
  const listeners = server.listeners('request') as http.RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    const refusal = refusalOf(request, access);
    if (refusal === undefined) {
      for (const listener of listeners) listener(request, response);
      return;
    }
    request.resume();
    response.writeHead(refusals[refusal], {
      'content-type': 'application/json',
      connection: 'close',
    });
    response.end(JSON.stringify({ message: `Refused: ${refusal}.` }));
  });
}

/**
 * Takes a port of this machine's own.
 *
 * @param options.port - 0 or absent takes any free one
 * @param options.fallbackToFreePort - take any free port when `port` is in use, instead of failing
 * @returns the port
 * @throws the socket's error when the port cannot be had
 */
export async function listenOnLoopback(
  server: http.Server,
  options: { port?: number; address?: '127.0.0.1' | '::1'; fallbackToFreePort?: boolean } = {},
): Promise<number> {
  const { port = 0, address = '127.0.0.1', fallbackToFreePort = false } = options;
  const listen = (wanted: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port: wanted, exclusive: true }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await listen(port);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || !fallbackToFreePort) throw error;
    await listen(0);
  }
  return (server.address() as AddressInfo).port;
}

export const closeServer = (server: http.Server): void => {
  server.close();
  server.closeAllConnections();
};

/**
 * The whole body of a request.
 *
 * @returns undefined when it is longer than `maxBytes`
 */
export async function readBody(message: http.IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (Number(message.headers['content-length'] ?? 0) > maxBytes) {
    // What still comes is read and dropped: a client in the middle of sending would miss the response.
    message.resume();
    return undefined;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return length <= maxBytes ? Buffer.concat(chunks) : undefined;
}

export interface LoopbackServer {
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string;
  close(): void;
}

export interface LoopbackResponse {
  readonly status: number;
  readonly body: string | Buffer;
  readonly headers?: http.OutgoingHttpHeaders;
  /** No response after all: the connection is cut. */
  readonly reset?: true;
}

/** The maximum size of a call's body, in bytes: Lambda takes six megabytes, and no other service as much. */
const maxBodyBytes = 8_388_608;

/**
 * Starts a server for programs on this machine, on any free port unless one is asked for. Browsers are refused.
 *
 * @param handle - gets the whole body; what it throws becomes a bare 500
 * @param options - as for `listenOnLoopback`
 * @throws the socket's error when the port cannot be had
 */
export async function startLoopbackServer(
  handle: (request: http.IncomingMessage, body: string) => Promise<LoopbackResponse>,
  options: { readonly port?: number; readonly fallbackToFreePort?: boolean } = {},
): Promise<LoopbackServer> {
  const server = createLoopbackServer((request, response) => {
    void (async () => {
      const body = await readBody(request, maxBodyBytes);
      const result: LoopbackResponse =
        body === undefined ? { status: 413, body: '' } : await handle(request, body.toString());
      if (result.reset === true) {
        response.socket?.resetAndDestroy();
        return;
      }
      response.writeHead(result.status, result.headers);
      response.end(result.body);
    })().catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  guardServer(server, { browsers: 'none' });
  const port = await listenOnLoopback(server, options);
  return {
    url: `http://127.0.0.1:${String(port)}`,
    close: () => {
      closeServer(server);
    },
  };
}
