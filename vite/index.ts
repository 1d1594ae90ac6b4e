/** `cis2-bff/vite`: Vite's development server as one origin with a BFF that runs on this machine. */
import type { IncomingMessage } from 'node:http';
import type { Connect, HttpProxy, Logger, Plugin } from 'vite';

export interface BffPluginOptions {
  /**
   * Address of the running BFF.
   * @default - the environment variable `BFF_URL`, else `http://localhost:3000`
   */
  readonly url?: string;
}

/** The prefixes that the BFF serves; everything else is the page's, and Vite serves it. */
const prefixes = ['/auth', '/api'];

/**
 * Sends `/auth` and `/api` to a running `npx cis2-bff dev`, so that `vite` serves the page with hot reload on one origin
 * with it. Sign-in comes back to Vite's address. It does nothing in a build.
 *
 * @throws TypeError when `url` is not an http or https URL of an origin
 *
 * @example
 * // vite.config.ts
 * import { bff } from 'cis2-bff/vite';
 * export default defineConfig({ plugins: [bff()] });
 */
export function bff(options: BffPluginOptions = {}): Plugin {
  const target = originOf(options.url ?? process.env['BFF_URL'] ?? 'http://localhost:3000');
  const message = `No BFF answers at ${target.origin}. Start it: npx cis2-bff dev`;
  let logger: Logger | undefined;
  const tellOnce = (): void => logger?.warnOnce(message);
  return {
    name: 'cis2-bff',
    apply: 'serve',
    config: () => ({
      server: {
        proxy: Object.fromEntries(
          prefixes.map((prefix) => [
            `^${prefix}(?:/|\\?|$)`,
            {
              ...{ target: target.origin, changeOrigin: true, ws: true },
              configure: configureFor(target, message, tellOnce),
            },
          ]),
        ),
      },
    }),
    configResolved: (config) => {
      ({ logger } = config);
    },
    configureServer: (server) => {
      server.middlewares.use(sameHostOnly(target));
    },
  };
}

function originOf(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.href !== `${parsed.origin}/`) {
    throw new TypeError(`url must be an origin such as http://localhost:3000, got ${JSON.stringify(url)}`);
  }
  return parsed;
}

const schemeOf = ({ socket }: IncomingMessage): string => ('encrypted' in socket ? 'https' : 'http');
const pageOrigin = (request: IncomingMessage): string =>
  `${schemeOf(request)}://${request.headers.host ?? ''}`;

const configureFor =
  (target: URL, message: string, tellOnce: () => void) =>
  (proxy: HttpProxy.ProxyServer): void => {
    proxy.on('proxyReq', (request, incoming) => {
      // The BFF takes requests of its own origin alone. Only Vite's own is put in its place: another stays what it is, and
      // is refused.
      if (incoming.headers.origin === pageOrigin(incoming)) request.setHeader('origin', target.origin);
      // Where the browser is, so that redirects into the app come back to it.
      request.setHeader('x-forwarded-host', incoming.headers.host ?? '');
      request.setHeader('x-forwarded-proto', schemeOf(incoming));
    });
    proxy.on('proxyReqWs', (request, incoming) => {
      if (incoming.headers.origin === pageOrigin(incoming)) request.setHeader('origin', target.origin);
    });
    proxy.on('error', (_error, _request, response) => {
      tellOnce();
      if (!('writeHead' in response) || response.headersSent) {
        response.end();
        return;
      }
      response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '5' });
      response.end(JSON.stringify({ message }));
    });
  };

/** Cookies belong to a host name, whatever its port: a page on 127.0.0.1 would lose those of a BFF on localhost. */
const sameHostOnly =
  (target: URL): Connect.NextHandleFunction =>
  (request, response, next) => {
    const origin = pageOrigin(request);
    const page = URL.canParse(origin) ? new URL(origin) : undefined;
    // Where another server has the browser, `cis2-bff dev --spa` say, the host name is its own.
    const isForwarded = request.headers['x-forwarded-host'] !== undefined;
    const isPage =
      request.headers['sec-fetch-dest'] === 'document' && request.method === 'GET' && !isForwarded;
    if (!isPage || page === undefined || page.hostname === target.hostname || !isLoopback(page)) {
      next();
      return;
    }
    page.hostname = target.hostname;
    response.writeHead(307, { location: page.origin + (request.url ?? '/') });
    response.end();
  };

const isLoopback = ({ hostname }: URL): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
