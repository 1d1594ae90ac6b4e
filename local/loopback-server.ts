import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { codeOf } from './errors.ts';

export interface LoopbackServer {
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string;
  close(): void;
}

export interface LoopbackAnswer {
  readonly status: number;
  readonly body: string | Buffer;
  readonly headers?: http.OutgoingHttpHeaders;
  /** No answer after all: the connection is cut. */
  readonly reset?: true;
}

/**
 * Starts a server that only this machine reaches, on any free port unless one is asked for.
 *
 * @param handle - gets the whole body; what it throws becomes a bare 500
 * @param options.fallbackToFreePort - take any free port when `port` is in use, instead of failing
 * @throws the socket's error when the port cannot be had
 */
export async function startLoopbackServer(
  handle: (request: http.IncomingMessage, body: string) => Promise<LoopbackAnswer>,
  options: { readonly port?: number; readonly fallbackToFreePort?: boolean } = {},
): Promise<LoopbackServer> {
  const server = http.createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const answer = await handle(request, Buffer.concat(chunks).toString());
      if (answer.reset === true) {
        response.socket?.resetAndDestroy();
        return;
      }
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    })().catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  // Callers keep their connections: closing an idle one would race with its next use.
  server.keepAliveTimeout = 0;
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  try {
    await listen(options.port ?? 0);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || options.fallbackToFreePort !== true) throw error;
    await listen(0);
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
