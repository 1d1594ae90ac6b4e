import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '../errors.ts';
import { gatewayMessage, headerPairs, type GatewayRequest } from './http-api-event.ts';
import { isLoopback } from '../../lambdas/settings/index.ts';
import type { Spa, SpaResponse } from './spa.ts';

/**
 * A development server (Vite's, say) in place of built files: its pages and its WebSocket on the one origin, with the
 * response headers of a deployment.
 */

/** Headers of one connection, and those that are no business of a page's server. */
const notForwarded = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['x-forwarded-host', 'origin', 'cookie', 'authorization', 'accept-encoding', 'content-length', 'expect'],
]);

const notReturned =
  /^(?:connection|keep-alive|transfer-encoding|content-length|set-cookie|access-control-.*)$/;

/** How long a request waits for the development server, in milliseconds: it may be compiling. */
const maxWait = 60_000;

/** How often a server that does not respond yet is tried again, in milliseconds. */
const retryEvery = 300;

const executable = /^(?:module|importmap|speculationrules|(?:text|application)\/(?:java|ecma)script)?$/i;
const attribute = (attributes: string, name: string): string | undefined =>
  new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i')
    .exec(attributes)
    ?.slice(1)
    .find(Boolean);

/** The source expression of what stands between two tags (CSP Level 3 section 8.3). */
const hashOf = (text: string): string =>
  `'sha256-${createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('base64')}'`;

interface InlineSources {
  readonly script: readonly string[];
  readonly style: readonly string[];
}

/** Source expressions for a document's inline scripts and style sheets. */
export function inlineSources(document: string): InlineSources {
  const script = [...document.matchAll(/<script\b([^>]*)>([^]*?)<\/script\s*>/gi)].flatMap(
    ([, attributes = '', text = '']) =>
      attribute(attributes, 'src') === undefined && executable.test(attribute(attributes, 'type') ?? '')
        ? [hashOf(text)]
        : [],
  );
  const style = [...document.matchAll(/<style\b[^>]*>([^]*?)<\/style\s*>/gi)].map(([, text = '']) =>
    hashOf(text),
  );
  return { script: [...new Set(script)], style: [...new Set(style)] };
}

/** A Content-Security-Policy that lets in more scripts and style sheets, and nothing else. */
export function extendPolicy(policy: string, { script, style }: InlineSources): string {
  const directives = policy.split(';').map((directive) => directive.trim().split(/\s+/));
  const sourcesOf = (name: string): readonly string[] | undefined =>
    directives.find(([found]) => found?.toLowerCase() === name)?.slice(1);
  const changed = new Map<string, readonly string[]>();
  for (const [name, added] of [
    ['script-src', script],
    ['style-src', style],
  ] as const) {
    const before = sourcesOf(name) ?? sourcesOf('default-src') ?? [];
    if (added.length > 0)
      changed.set(name, [name, ...before.filter((source) => source !== "'none'"), ...added]);
  }
  return [...directives.filter(([name = '']) => !changed.has(name.toLowerCase())), ...changed.values()]
    .map((directive) => directive.join(' '))
    .join('; ');
}

export class DevelopmentServer implements Spa {
  readonly #url: URL;
  readonly #say: (line: string) => void;
  /** What was said of the page's policy last. */
  #said = '';

  /** @param say - gets a line where the page needs more than the policy of a deployment lets in */
  constructor(url: URL, say: (line: string) => void) {
    this.#url = url;
    this.#say = say;
  }

  /** Resolves when the server responds. Says once that it is waited for. */
  async waitUntilReachable(signal: AbortSignal): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const failure = await this.#send('/', 'HEAD', {}).then(
        (response) => void response.destroy(),
        (error: unknown) => reasonOf(error),
      );
      if (failure === undefined) {
        if (tries > 0) this.#say(`the development server ${this.#url.origin} is up`);
        return;
      }
      if (tries === 0) this.#say(`waiting for the development server ${this.#url.origin} (${failure}) …`);
      await sleep(retryEvery, undefined, { signal });
    }
  }

  /** Its own routing decides what a path is; only a page that it does not know is the app's document. */
  async get(request: GatewayRequest, uri: string): Promise<SpaResponse> {
    const headers = this.#headers(request.rawHeaders);
    const wantsPage = /\btext\/html\b/.test(headers['accept'] ?? '');
    if (wantsPage) {
      // A document that the browser has already would come with the policy of another one.
      delete headers['if-none-match'];
      delete headers['if-modified-since'];
    }
    try {
      let response = await this.#send(request.target, request.method, headers);
      if (wantsPage && response.statusCode === 404 && uri === '/index.html') {
        response.destroy();
        response = await this.#send('/', request.method, headers);
      }
      return await this.#respond(response);
    } catch (error) {
      const failure = gatewayMessage(502, '');
      return {
        ...failure,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: Buffer.from(`The development server ${this.#url.origin} does not answer: ${reasonOf(error)}\n`),
      };
    }
  }

  /** Passes a WebSocket on, whose opening handshake the caller has checked. */
  upgrade(message: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    const request = this.#request(message.url ?? '/', 'GET', {
      ...this.#headers(message.rawHeaders),
      connection: 'Upgrade',
      upgrade: message.headers.upgrade ?? 'websocket',
      ...(message.headers.origin === undefined ? {} : { origin: this.#url.origin }),
    });
    const end = (): void => {
      request.destroy();
      socket.destroy();
    };
    socket.on('error', end).on('close', end);
    request.on('error', end);
    request.on('response', end);
    request.on('upgrade', (response, upstream, rest) => {
      const fields = headerPairs(response.rawHeaders).map((pair) => pair.join(': '));
      socket.write(['HTTP/1.1 101 Switching Protocols', ...fields, '', ''].join('\r\n'));
      socket.write(rest);
      upstream.write(head);
      upstream.on('error', end).on('close', end);
      upstream.pipe(socket).pipe(upstream);
    });
    request.end();
  }

  #headers(rawHeaders: readonly string[]): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const [sentName, value] of headerPairs(rawHeaders)) {
      const name = sentName.toLowerCase();
      if (name === 'host') headers['x-forwarded-host'] = value;
      else if (!notForwarded.has(name)) headers[name] = value;
    }
    return headers;
  }

  #request(target: string, method: string, headers: Record<string, string>): http.ClientRequest {
    const { protocol } = this.#url;
    const send = protocol === 'https:' ? https.request : http.request;
    return send(this.#url, {
      path: target,
      method,
      headers: { ...headers, host: this.#url.host },
      agent: false,
      // The certificate of a development server on this machine is its own.
      ...(protocol === 'https:' && isLoopback(this.#url) ? { rejectUnauthorized: false } : {}),
    });
  }

  #send(target: string, method: string, headers: Record<string, string>): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = this.#request(target, method, headers);
      const timer = setTimeout(() => {
        request.destroy(new Error(`no answer within ${String(maxWait / 1000)} s`));
      }, maxWait);
      request.on('response', (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      request.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      request.end();
    });
  }

  async #respond(response: http.IncomingMessage): Promise<SpaResponse> {
    const headers = Object.fromEntries(
      Object.entries(response.headers).filter(([name]) => !notReturned.test(name)),
    );
    const status = response.statusCode ?? 502;
    if (!/^text\/html\b/i.test(response.headers['content-type'] ?? '')) {
      return { status, headers: this.#onOneOrigin(headers), body: response };
    }
    delete headers['etag'];
    delete headers['last-modified'];
    const { document, nonce } = withNonce((await buffer(response)).toString());
    const found = inlineSources(document);
    this.#sayPolicy(found);
    const sources = { script: found.script, style: [...found.style, `'nonce-${nonce}'`] };
    return {
      status,
      headers: this.#onOneOrigin(headers),
      body: Buffer.from(document),
      contentSecurityPolicy: (policy) => extendPolicy(policy, sources),
    };
  }

  /** A redirect stays on the one origin. */
  #onOneOrigin(headers: http.OutgoingHttpHeaders): http.OutgoingHttpHeaders {
    const { location } = headers;
    const { origin } = this.#url;
    return typeof location === 'string' && location.startsWith(`${origin}/`)
      ? { ...headers, location: location.slice(origin.length) }
      : headers;
  }

  #sayPolicy({ script, style }: InlineSources): void {
    const inline = [...script, ...style].join(' ');
    if (inline === this.#said) return;
    this.#said = inline;
    if (inline === '') return;
    this.#say(
      `in development only, the page's Content-Security-Policy lets in inline code of the development server: ${inline}`,
    );
  }
}

/**
 * A document with a nonce for the style sheets that a development server's script adds to it: Vite's client takes it from
 * this element.
 */
function withNonce(document: string): { readonly document: string; readonly nonce: string } {
  const [element = ''] = /<meta\b[^>]*\bproperty\s*=\s*["']?csp-nonce\b[^>]*>/i.exec(document) ?? [];
  const given = attribute(element, 'nonce') ?? '';
  if (/^[A-Za-z0-9+/_=-]+$/.test(given)) return { document, nonce: given };
  const nonce = randomBytes(16).toString('base64url');
  const meta = `<meta property="csp-nonce" nonce="${nonce}">`;
  const [head] = /<head\b[^>]*>/i.exec(document) ?? [];
  return {
    document: head === undefined ? `${meta}${document}` : document.replace(head, () => head + meta),
    nonce,
  };
}
