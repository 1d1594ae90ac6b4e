import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { behaviourFor, withPolicy } from './cloudfront.ts';
import type { Behaviour, Distribution } from './cloudfront.ts';
import { reasonOf, StartError } from './errors.ts';
import { headersTooLong, maxBodyBytes } from './http-api.ts';
import type { HttpApi } from './http-api.ts';
import { gatewayMessage } from './http-api-event.ts';
import type { GatewayRequest, GatewayResponse } from './http-api-event.ts';
import type { LogSink } from './log.ts';
import { spaFile } from './spa.ts';

/** What stands behind the front: it is put in place when all of it is there. */
export interface Site {
  readonly distribution: Distribution;
  readonly api: HttpApi;
  /** Folder of the built single-page app. */
  readonly spaRoot: string;
}

/** The one origin of a local run, on loopback. */
export class HttpFront {
  readonly #servers: http.Server[] = [];
  readonly #log: LogSink;
  readonly #site: Promise<Site>;
  #open: (site: Site) => void = () => undefined;

  constructor(log: LogSink) {
    this.#log = log;
    this.#site = new Promise((resolve) => (this.#open = resolve));
  }

  /**
   * Takes the port. Requests that come before `serve` wait for it.
   *
   * @param port - 0 takes any free one
   * @returns the port
   * @throws StartError when another program has the port
   */
  async listen(port: number): Promise<number> {
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
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
  }

  #listen(host: string, port: number): Promise<number | undefined> {
    // The gateway's own limit on headers is smaller and answers in its own words; this one only bounds the parser.
    const server = http.createServer({ maxHeaderSize: 262_144 }, (request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        // Who has gone away in the middle of a request needs no answer.
        if (response.destroyed) return;
        this.#log.entry('error', 'front_failed', { error: reasonOf(error) });
        if (!response.headersSent) send(response, gatewayMessage(500, 'Internal Server Error'));
        else response.destroy();
      });
    });
    // Beyond a count the parser would drop headers without a word, and a guard would not see them.
    server.maxHeadersCount = 0;
    server.keepAliveTimeout = 75_000;
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') resolve(undefined);
        else if (error.code === 'EADDRINUSE') {
          reject(
            new StartError(`port ${String(port)} is in use: end what uses it, or choose another with --port`),
          );
        } else reject(new StartError(`cannot listen on port ${String(port)}: ${reasonOf(error)}`));
      });
      server.listen({ host, port, exclusive: true }, () => {
        this.#servers.push(server);
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const site = await this.#site;
    const target = message.url ?? '';
    const head = {
      method: message.method ?? 'GET',
      target,
      rawHeaders: message.rawHeaders,
      sourceIp: (message.socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, ''),
    };
    if (!target.startsWith('/')) {
      send(response, gatewayMessage(400, 'Bad Request'));
      return;
    }
    const behaviour = behaviourFor(site.distribution, target);
    const body = behaviour.origin === 'api' ? await readBody(message) : Buffer.alloc(0);
    const answer =
      body === undefined
        ? gatewayMessage(413, 'Request Entity Too Large')
        : await answerOf(site, behaviour, { ...head, body }, message.headers['if-none-match']);
    send(response, { ...answer, headers: withPolicy(answer.headers, behaviour.headers) });
  }
}

async function answerOf(
  site: Site,
  behaviour: Behaviour,
  request: GatewayRequest,
  ifNoneMatch: string | undefined,
): Promise<GatewayResponse> {
  if (behaviour.origin === 'spa' && request.method !== 'GET' && request.method !== 'HEAD') {
    const refusal = gatewayMessage(405, 'Method Not Allowed');
    return { ...refusal, headers: { ...refusal.headers, allow: 'GET, HEAD' } };
  }
  const [path = '/', ...query] = request.target.split('?');
  const seen = (await behaviour.viewerRequest?.(request)) ?? { uri: path };
  if (!('uri' in seen)) return seen;
  if (behaviour.origin === 'spa') return spaFile(site.spaRoot, seen.uri, ifNoneMatch);
  const forwarded = { ...request, target: [seen.uri, ...query].join('?') };
  return headersTooLong(forwarded)
    ? gatewayMessage(431, 'Request Header Fields Too Large')
    : site.api.handle(forwarded);
}

/** The whole body, or undefined when it is longer than the gateway takes. */
async function readBody(message: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(message.headers['content-length'] ?? 0) > maxBodyBytes) {
    // What still comes is read and dropped: a client in the middle of sending would miss the answer.
    message.resume();
    return undefined;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= maxBodyBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return length <= maxBodyBytes ? Buffer.concat(chunks) : undefined;
}

function send(response: ServerResponse, { status, headers, body }: GatewayResponse): void {
  response.writeHead(status, {
    ...headers,
    ...(status === 204 || status === 304 ? {} : { 'content-length': body.length }),
  });
  response.end(body);
}
