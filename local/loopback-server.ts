import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LoopbackServer {
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string;
  close(): void;
}

/**
 * Starts a server that only this machine reaches, on any free port.
 *
 * @param handle - gets the whole body; what it throws becomes a bare 500
 */
export async function startLoopbackServer(
  handle: (
    request: http.IncomingMessage,
    body: string,
  ) => Promise<{ status: number; body: string; headers?: http.OutgoingHttpHeaders }>,
): Promise<LoopbackServer> {
  const server = http.createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const answer = await handle(request, Buffer.concat(chunks).toString());
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    })().catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  // Callers keep their connections: closing an idle one would race with its next use.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
