/** One call to an upstream, over connections of our own keeping: bounded in time and size, whole or not at all. */
import type { Agent as PlainAgent, IncomingMessage } from 'node:http';
import type { Agent as SecureAgent } from 'node:https';
import type { LookupFunction } from 'node:net';
import { BffError } from '../common/index.ts';
import { guardedLookup } from './addresses.ts';
import type { Method } from './definition.ts';

// An import would read every member of these modules, and one of them loads a whole HTTP client as the function starts.
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

/** What an upstream did that cannot be passed on. */
export type UpstreamFault =
  /** A connection could not be had, or was lost before an answer. */
  | 'connection'
  /** The configured name leads to an address that no upstream can have. */
  | 'address'
  | 'malformed'
  /** An answer stopped before its end, or did not say where that is. */
  | 'cut'
  | 'too_large'
  | 'redirect'
  | 'server_error'
  | 'status'
  /** A header that is to be passed on came twice or is no plain text. */
  | 'header'
  /** The upstream refuses our access token, a fresh one too. */
  | 'token_refused';

/** An answer that is not passed on. The fault is for the log. */
export class UpstreamInvalid extends BffError {
  override readonly name = 'UpstreamInvalid';
  readonly code = 'upstream_invalid';
  readonly fault: UpstreamFault;

  constructor(fault: UpstreamFault, cause?: unknown) {
    super(`the upstream's answer is of no use: ${fault}`, { cause });
    this.fault = fault;
  }
}

/** No whole answer in time. */
export class UpstreamTimeout extends BffError {
  override readonly name = 'UpstreamTimeout';
  readonly code = 'upstream_timeout';

  constructor() {
    super('the upstream did not answer in time');
  }
}

/** The connection went before an answer came: the one failure after which the same call can do no harm again. */
class ConnectionLost extends Error {}

export interface UpstreamCall {
  readonly method: Method;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where the method has none. */
  readonly body: Buffer | undefined;
}

export interface UpstreamAnswer {
  readonly status: number;
  /** Lower-case name → every value that came. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** The bytes as they came, compressed or not. */
  readonly body: Buffer;
}

export interface UpstreamClient {
  /**
   * @param milliseconds - for everything, another try included
   * @param onTry - told before each
   * @throws UpstreamTimeout, UpstreamInvalid
   */
  send(call: UpstreamCall, milliseconds: number, onTry?: () => void): Promise<UpstreamAnswer>;
  /** Lets go of idle connections. */
  close(): void;
}

/** Base64 makes a third more of it, and Lambda answers with 6 MB at most. */
export const maxAnswerBytes = 4 * 1024 * 1024;

const keptConnections = { keepAlive: true, scheduling: 'lifo', maxFreeSockets: 16 } as const;

/**
 * A client with connections that are kept open between calls.
 *
 * Only a `GET` travels on one of these: when it turns out to have died while it was idle, the call is made once more. After
 * a lost write nobody could say whether it was done, so it gets a connection that is certainly alive.
 *
 * @param lookupFor - resolves names for connections to a URL's host
 */
export function createUpstreamClient(
  lookupFor: (url: URL) => LookupFunction = guardedLookup,
): UpstreamClient {
  // Made when they are first used: a start that calls nobody should not pay for them.
  let plain: PlainAgent | undefined;
  let secure: SecureAgent | undefined;
  const agentFor = (url: URL): PlainAgent | SecureAgent =>
    url.protocol === 'https:'
      ? (secure ??= new https.Agent(keptConnections))
      : (plain ??= new http.Agent(keptConnections));

  const sendOnce = (call: UpstreamCall, milliseconds: number, reuse: boolean): Promise<UpstreamAnswer> =>
    new Promise((resolve, reject) => {
      const { url, method, body } = call;
      const request = (url.protocol === 'https:' ? https : http).request(url, {
        method,
        headers: {
          ...call.headers,
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
        },
        agent: reuse ? agentFor(url) : false,
        lookup: lookupFor(url),
      });
      let answered = false;
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        outcome();
      };
      const fail = (error: Error): void => {
        settle(() => reject(error));
        request.destroy();
      };
      const timer = setTimeout(() => fail(new UpstreamTimeout()), Math.max(0, milliseconds));
      request.on('error', (error) => fail(faultOf(error, answered)));
      // Nobody asked to speak another protocol.
      request.on('upgrade', (_response, socket) => {
        socket.destroy();
        fail(new UpstreamInvalid('malformed'));
      });
      request.on('response', (response) => {
        answered = true;
        readAnswer(response).then((answer) => settle(() => resolve(answer)), fail);
      });
      request.end(body);
    });

  return {
    async send(call, milliseconds, onTry = () => undefined) {
      const deadline = performance.now() + milliseconds;
      const again = call.method === 'GET';
      try {
        onTry();
        return await sendOnce(call, milliseconds, again);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        if (!again) throw new UpstreamInvalid('connection', error.cause);
      }
      try {
        onTry();
        return await sendOnce(call, deadline - performance.now(), false);
      } catch (error) {
        throw error instanceof ConnectionLost ? new UpstreamInvalid('connection', error.cause) : error;
      }
    },
    close() {
      plain?.destroy();
      secure?.destroy();
    },
  };
}

const lostCodes = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'];

function faultOf(error: NodeJS.ErrnoException, answered: boolean): Error {
  const code = error.code ?? '';
  if (code.startsWith('HPE_')) return new UpstreamInvalid('malformed', error);
  if (answered) return new UpstreamInvalid('cut', error);
  if (lostCodes.includes(code)) return new ConnectionLost('connection lost', { cause: error });
  return new UpstreamInvalid(code === 'EADDRREFUSED' ? 'address' : 'connection', error);
}

/** What the status alone decides. */
function faultOfStatus(status: number): UpstreamFault | undefined {
  if (status >= 500 && status <= 599) return 'server_error';
  if (status >= 300 && status <= 399 && status !== 304) return 'redirect';
  return status >= 200 && status <= 499 ? undefined : 'status';
}

/** A body that ends when the connection does cannot be told from one that was cut. */
const saysItsEnd = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] === undefined
    ? headers['content-length'] !== undefined
    : headers['transfer-encoding'].toLowerCase() === 'chunked';

async function readAnswer(response: IncomingMessage): Promise<UpstreamAnswer> {
  const status = response.statusCode ?? 0;
  const fault = faultOfStatus(status);
  if (fault !== undefined) throw new UpstreamInvalid(fault);
  const bodiless = status === 204 || status === 205 || status === 304;
  if (!bodiless && !saysItsEnd(response)) throw new UpstreamInvalid('cut');
  if (Number(response.headers['content-length'] ?? 0) > maxAnswerBytes && !bodiless) {
    throw new UpstreamInvalid('too_large');
  }
  const body = await readBody(response);
  return { status, headers: valuesOf(response.rawHeaders), body: bodiless ? Buffer.alloc(0) : body };
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxAnswerBytes) throw new UpstreamInvalid('too_large');
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof UpstreamInvalid ? error : new UpstreamInvalid('cut', error);
  }
  if (!response.complete) throw new UpstreamInvalid('cut');
  return Buffer.concat(chunks, size);
}

function valuesOf(rawHeaders: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    values.set(name, [...(values.get(name) ?? []), rawHeaders[index + 1] ?? '']);
  }
  return values;
}
