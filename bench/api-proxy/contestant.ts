/** One way to stand between a page and an upstream, as a server in a process of its own. */
import { randomUUID } from 'node:crypto';
import { Agent, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { decodedPath, httpApiEvent, httpApiResponse } from '../../local/edge/http-api-event.ts';
import { createLoopbackServer, listenOnLoopback } from '../../local/loopback-server.ts';
import type { Contestant } from './messages.ts';
import { proxyBundle } from '../../test/support/proxy-bundle.ts';

const { name, upstream } = JSON.parse(process.argv[2] ?? '') as Contestant;
const prefix = '/api/pds';

/** What the two others do of the BFF's work: the guard, the headers there and back. No session, no role, no real token. */
const isOurs = (headers: IncomingHttpHeaders): boolean =>
  headers['x-csrf'] === '1' && headers['sec-fetch-site'] === 'same-origin';
const sentHeaders = (headers: IncomingHttpHeaders): Record<string, string> => ({
  accept: headers.accept ?? 'application/fhir+json',
  authorization: 'Bearer a-token-that-is-always-the-same',
  'nhsd-session-urid': '900000000701',
  'x-request-id': randomUUID(),
  'x-correlation-id': randomUUID(),
});
const passedBack = ['content-type', 'etag', 'last-modified', 'retry-after', 'content-encoding'];
const ownHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

const listeners: Readonly<Record<string, () => Promise<RequestListener>>> = {
  fetch: () =>
    Promise.resolve((request, response) => {
      void (async () => {
        if (!isOurs(request.headers)) return response.writeHead(403).end();
        const result = await fetch(upstream + (request.url ?? '').slice(prefix.length), {
          headers: sentHeaders(request.headers),
          redirect: 'manual',
          signal: AbortSignal.timeout(20_000),
        });
        const body = Buffer.from(await result.arrayBuffer());
        response.writeHead(result.status, {
          ...Object.fromEntries(
            passedBack.flatMap((header) => {
              const value = result.headers.get(header);
              return value === null ? [] : [[header, value]];
            }),
          ),
          ...ownHeaders,
          'content-length': body.length,
        });
        return response.end(body);
      })();
    }),

  'http-proxy-middleware': () => {
    const middleware = createProxyMiddleware({
      target: upstream,
      agent: new Agent({ keepAlive: true }),
      pathRewrite: (path) => path.slice(prefix.length),
      proxyTimeout: 20_000,
      on: {
        proxyReq: (outgoing, request) => {
          for (const header of outgoing.getHeaderNames()) {
            if (header !== 'host' && header !== 'connection') outgoing.removeHeader(header);
          }
          for (const [header, value] of Object.entries(sentHeaders(request.headers))) {
            outgoing.setHeader(header, value);
          }
        },
        proxyRes: (result) => {
          for (const header of Object.keys(result.headers)) {
            if (!passedBack.includes(header) && header !== 'content-length') {
              Reflect.deleteProperty(result.headers, header);
            }
          }
          Object.assign(result.headers, ownHeaders);
        },
      },
    });
    return Promise.resolve((request, response) => {
      if (!isOurs(request.headers)) response.writeHead(403).end();
      else void middleware(request, response, () => undefined);
    });
  },

  bff: async () => {
    const proxy = proxyBundle();
    const { handler } = (await import(proxy.file)) as {
      handler: (event: APIGatewayProxyEventV2, context: object) => Promise<unknown>;
    };
    proxy.remove();
    const api = { id: 'bench', domainName: 'bench.example' };
    const route = { routeKey: `ANY ${prefix}/{proxy+}`, pathParameters: {} };
    return (request, response) => {
      void (async () => {
        const { method = '', url: target = '', rawHeaders } = request;
        const event = httpApiEvent(
          { method, target, rawHeaders, body: Buffer.alloc(0), sourceIp: '127.0.0.1' },
          decodedPath(target) ?? '',
          route,
          api,
        );
        const result = httpApiResponse(JSON.stringify(await handler(event, {})));
        response.writeHead(result?.status ?? 500, result?.headers);
        response.end(result?.body);
      })();
    };
  },
};

const listener = await listeners[name]?.();
const server = createLoopbackServer(listener);
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.send?.(`http://127.0.0.1:${String(await listenOnLoopback(server))}`);
// Whoever measures is gone, so there is nothing left to do.
process.on('disconnect', () => process.exit());
