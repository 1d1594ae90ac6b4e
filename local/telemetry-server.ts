import { forbidden, notFound, writeResponse } from './cis2-simulator/http.ts';
import { stylesheet } from './cis2-simulator/layout.ts';
import { paths } from './cis2-simulator/metadata.ts';
import { telemetryPage } from './cis2-simulator/telemetry-page.ts';
import { mayRead } from './control-panel/api.ts';
import type { HttpResponse } from './control-panel/http.ts';
import { telemetryPath } from './control-panel/path.ts';
import { closeServer, createLoopbackServer, guardServer, listenOnLoopback } from './loopback-server.ts';
import type { Telemetry } from './telemetry.ts';

/**
 * Serves the page with the metrics and the audit trail of a run that has no simulator of CIS2 to serve it.
 *
 * @param port - any free one, where it is in use
 * @throws the socket's error when no port can be had
 */
export async function startTelemetryServer(
  telemetry: () => Telemetry,
  port: number,
): Promise<{ readonly page: string; close(): void }> {
  const pages: Readonly<Record<string, () => HttpResponse>> = {
    [telemetryPath]: () => telemetryPage(telemetry(), { hasControlPanel: false }),
    [paths.stylesheet]: stylesheet,
  };
  const server = createLoopbackServer((message, response) => {
    const path = (message.url ?? '').split('?', 1)[0] ?? '';
    const page = message.method === 'GET' && Object.hasOwn(pages, path) ? pages[path] : undefined;
    message.resume();
    writeResponse(
      response,
      page === undefined ? notFound() : mayRead(message) ? page() : forbidden('a request of another site'),
    );
  });
  guardServer(server, { ownPortOnly: true, browsers: 'same-origin' });
  const taken = await listenOnLoopback(server, { port, fallbackToFreePort: true });
  return {
    page: `http://127.0.0.1:${String(taken)}${telemetryPath}`,
    close: () => {
      closeServer(server);
    },
  };
}
