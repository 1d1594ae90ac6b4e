import type http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, type Duplex } from 'node:stream';
import { behaviourFor, maxRequestBytes, originRequest, withHeaders, withPolicy } from './cloudfront.ts';
import type { Behaviour, Distribution } from './cloudfront.ts';
import { codeOf, reasonOf, StartError } from '../errors.ts';
import { headBytes, maxBodyBytes, maxHeaderBytes } from './http-api.ts';
import type { HttpApi } from './http-api.ts';
import { gatewayMessage } from './http-api-event.ts';
import type { GatewayRequest, GatewayResponse } from './http-api-event.ts';
import type { LogSink } from '../cli/log.ts';
import {
  closeServer,
  createLoopbackServer,
  guardServer,
  listenOnLoopback,
  readBody,
  refusalOf,
} from '../loopback-server.ts';
import { PageOrigins } from './page-origins.ts';
import { refuse, type SessionEvents } from './session-events.ts';
import type { Spa, SpaResponse } from './spa.ts';

/** What stands behind the front: it is put in place when all of it is there. */
export interface Site {
  readonly distribution: Distribution;
  readonly api: HttpApi;
  /** Where pages listen for the end of their session; those that come are refused where there is nothing to listen to. */
  readonly events?: SessionEvents | undefined;
  /** What the edge adds to requests to the API. */
  readonly originHeaders?: readonly (readonly [name: string, value: string])[];
  readonly spa: Spa;
  /** The origin that browsers use. */
  readonly baseUrl: string;
}

/** The one origin of a local run, on loopback. */
export class HttpFront {
  readonly #servers: http.Server[] = [];
  readonly #log: LogSink;
  readonly #hosts: readonly string[];
  readonly #site: Promise<Site>;
  #open: (site: Site) => void = () => undefined;
  #pageOrigins: PageOrigins | undefined;

  /** @param hosts - names that browsers use for it, besides loopback's own */
  constructor(log: LogSink, hosts: readonly string[] = []) {
    this.#log = log;
    this.#hosts = hosts;
    this.#site = new Promise((resolve) => (this.#open = resolve));
  }

  /**
   * Takes the port. Requests that come before `serve` wait for it.
   *
   * @param port - 0 takes any free one
   * @returns the port
   * @throws StartError when another program has the port
   */
  async takePort(port: number): Promise<number> {
    const taken = await this.#listen('127.0.0.1', port);
    if (taken === undefined) throw new StartError('this machine has no loopback address 127.0.0.1');
    // Browsers may look localhost up as ::1 first; a machine without IPv6 does without.
    await this.#listen('::1', taken);
    return taken;
  }

  serve(site: Site): void {
    this.#open(site);
  }

  close(): void {
    this.#servers.forEach(closeServer);
  }

  async #listen(address: '127.0.0.1' | '::1', port: number): Promise<number | undefined> {
    const server = createLoopbackServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        // Who has gone away in the middle of a request needs no response.
        if (response.destroyed) return;
        this.#log.entry('error', 'front_failed', { error: reasonOf(error) });
        if (!response.headersSent) send(response, gatewayMessage(500, 'Internal Server Error'));
        else response.destroy();
      });
    });
    // What a page may ask for is for the functions to say, as it is deployed.
    guardServer(server, { hosts: this.#hosts, browsers: 'server-decides' });
    server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
      // From here on Node.js leaves its errors to us, and one that nobody handles ends the process.
      socket.on('error', () => socket.destroy());
      void this.#upgrade(message, socket, head).catch(() => {
        socket.destroy();
      });
    });
    server.keepAliveTimeout = 75_000;
    try {
      const taken = await listenOnLoopback(server, { address, port });
      this.#servers.push(server);
      return taken;
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return undefined;
      throw new StartError(
        code === 'EADDRINUSE'
          ? `port ${String(port)} is in use: end what uses it, or choose another with --port`
          : `cannot listen on port ${String(port)}: ${reasonOf(error)}`,
      );
    }
  }

  /** A WebSocket of the page's own server. A page of another site could open one too: its `Origin` says so. */
  async #upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const site = await this.#site;
    const { origin, host = '' } = message.headers;
    const isForeignHost =
      refusalOf(message, { hosts: this.#hosts, browsers: 'server-decides' }) !== undefined;
    const isForeign =
      isForeignHost || (origin !== undefined && origin !== site.baseUrl && origin !== `http://${host}`);
    const { spa, distribution } = site;
    const behaviour = behaviourFor(distribution, message.url ?? '');
    if (behaviour.origin === 'events' && !isForeignHost) {
      await listen(site, behaviour, message, socket, head);
    } else if (!isForeign && spa.upgrade !== undefined && behaviour.origin === 'spa') {
      spa.upgrade(message, socket, head);
    } else {
      refuse(socket, isForeign ? 403 : 400);
    }
  }

  /** Only our functions' responses know of the page's address: the page's own paths are not theirs to redirect. */
  async #respond(site: Site, behaviour: Behaviour, request: GatewayRequest): Promise<SpaResponse> {
    if (behaviour.origin === 'spa') return responseOf(site, behaviour, request);
    this.#pageOrigins ??= new PageOrigins(site.baseUrl);
    return this.#pageOrigins.through(request, (stripped) => responseOf(site, behaviour, stripped));
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const site = await this.#site;
    const target = message.url ?? '';
    const head = headOf(message);
    const behaviour = behaviourFor(site.distribution, target);
    const body = behaviour.origin === 'api' ? await readBody(message, maxBodyBytes) : Buffer.alloc(0);
    const result: SpaResponse = !target.startsWith('/')
      ? gatewayMessage(400, 'Bad Request')
      : body === undefined
        ? gatewayMessage(413, 'Request Entity Too Large')
        : await this.#respond(site, behaviour, { ...head, body });
    const headers = withPolicy(result.headers, behaviour.headers);
    const policy = headers['content-security-policy'];
    if (typeof policy === 'string' && result.contentSecurityPolicy !== undefined) {
      headers['content-security-policy'] = result.contentSecurityPolicy(policy);
    }
    send(response, { ...result, headers });
  }
}

const headOf = (message: IncomingMessage): Omit<GatewayRequest, 'body'> => ({
  method: message.method ?? 'GET',
  target: message.url ?? '',
  rawHeaders: message.rawHeaders,
  sourceIp: (message.socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, ''),
});

/** A WebSocket to one of our own paths. What is refused is for its function to say, as it is deployed. */
async function listen(
  site: Site,
  behaviour: Behaviour,
  message: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const request = { ...headOf(message), body: Buffer.alloc(0) };
  const passed = await passedOn(site, behaviour, request);
  if (site.events === undefined) refuse(socket, 503);
  else if ('status' in passed) refuse(socket, passed.status);
  else await site.events.upgrade(passed, message, socket, head);
}

async function responseOf(site: Site, behaviour: Behaviour, request: GatewayRequest): Promise<SpaResponse> {
  if (behaviour.origin === 'spa' && request.method !== 'GET' && request.method !== 'HEAD') {
    const refusal = gatewayMessage(405, 'Method Not Allowed');
    return { ...refusal, headers: { ...refusal.headers, allow: 'GET, HEAD' } };
  }
  // A WebSocket API has no response for what is no WebSocket.
  if (behaviour.origin === 'events') return gatewayMessage(403, 'Forbidden');
  const passed = await passedOn(site, behaviour, request);
  if ('status' in passed) return passed;
  return behaviour.origin === 'spa' ? site.spa.get(request, pathOf(passed.target)) : site.api.handle(passed);
}

const pathOf = (target: string): string => target.split('?', 1)[0] ?? '/';

/** A request as the edge passes it on, or the edge's own response. */
async function passedOn(
  site: Site,
  behaviour: Behaviour,
  request: GatewayRequest,
): Promise<GatewayRequest | GatewayResponse> {
  if (headBytes(request) > maxRequestBytes) return gatewayMessage(431, 'Request Header Fields Too Large');
  const [path = '/', ...query] = request.target.split('?');
  const seen = (await behaviour.viewerRequest?.(request)) ?? { uri: path };
  if (!('uri' in seen)) return seen;
  const rewritten = { ...request, target: [seen.uri, ...query].join('?') };
  if (behaviour.origin === 'spa') return rewritten;
  const forwarded = originRequest(rewritten, behaviour);
  return headBytes(forwarded) > maxHeaderBytes
    ? gatewayMessage(431, 'Request Header Fields Too Large')
    : withHeaders(forwarded, site.originHeaders ?? []);
}

function send(response: ServerResponse, { status, headers, body }: SpaResponse): void {
  if (!Buffer.isBuffer(body)) {
    response.writeHead(status, headers);
    // Whoever has gone away, or a file that breaks off, ends the other side too.
    pipeline(body, response, () => undefined);
    return;
  }
  response.writeHead(status, {
    ...headers,
    ...(status === 204 || status === 304 ? {} : { 'content-length': body.length }),
  });
  response.end(body);
}
