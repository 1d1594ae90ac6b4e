/** Servers that do not hold up the end of the tests. */
import type { Server } from 'node:http';

/** Lets this process end while the server listens. Call it before the first connection. */
export function unref(server: Server): void {
  server.unref();
  server.on('connection', (socket) => socket.unref());
}
