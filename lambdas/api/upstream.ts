/** One call to an upstream: limited in time and size; an incomplete response is an error. */
import type { IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { BffError, TooLarge, withDeadline } from '../common/index.ts';
import {
  ResponseTruncated,
  ConnectionLost,
  createHttpClient,
  guardedLookup,
  retryIfLost,
  readBody,
  type OutboundRequest,
} from '../outbound/index.ts';
import type { Method } from './manifest-types.ts';

/** Why a response is not passed on. */
export type UpstreamFault =
  /** A connection could not be made, or was lost before a response. */
  | 'connection'
  /** The configured name resolves to an address that is not permitted. */
  | 'address'
  | 'malformed'
  /** A response stopped before its end, or did not state its length. */
  | 'cut'
  | 'too_large'
  | 'redirect'
  | 'server_error'
  | 'status'
  /** A header to be passed on is repeated or not plain text. */
  | 'header'
  /** The upstream refuses our access token, a fresh one too. */
  | 'token_refused';

/** A response that is not passed on. The fault is for the log. */
export class UpstreamInvalid extends BffError {
  override readonly name = 'UpstreamInvalid';
  readonly code = 'upstream_invalid';
  readonly fault: UpstreamFault;

  constructor(fault: UpstreamFault, cause?: unknown) {
    super(`the upstream's answer is of no use: ${fault}`, { cause });
    this.fault = fault;
  }
}

/** No whole response in time. */
export class UpstreamTimeout extends BffError {
  override readonly name = 'UpstreamTimeout';
  readonly code = 'upstream_timeout';

  constructor() {
    super('the upstream did not answer in time');
  }
}

export interface UpstreamCall extends OutboundRequest {
  readonly method: Method;
}

export interface UpstreamResponse {
  readonly status: number;
  /** Lower-case name → every value that came. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** The bytes as they came, compressed or not. */
  readonly body: Buffer;
}

/** Base64 adds a third, and Lambda returns at most 6 MB. */
const maxResponseBytes = 4 * 1024 * 1024;

/**
 * A client with connections that are kept open between calls.
 *
 * Only a `GET` uses them: if the connection was closed while idle, the call is repeated. Nobody can know whether a lost write
 * was done, so a write is sent once, on a new connection.
 *
 * @param lookupFor - resolves names for connections to a URL's host
 */
export type UpstreamClient = ReturnType<typeof createUpstreamClient>;

export function createUpstreamClient(lookupFor: (url: URL) => LookupFunction = guardedLookup) {
  const client = createHttpClient({ lookupFor });
  return {
    /**
     * @param milliseconds - for everything, another try included
     * @param onTry - called before each
     * @throws UpstreamTimeout, UpstreamInvalid
     */
    send: (
      call: UpstreamCall,
      milliseconds: number,
      onTry: () => void = () => undefined,
    ): Promise<UpstreamResponse> =>
      withDeadline(milliseconds, async (signal) => {
        const attempt = (connection: 'pooled' | 'new'): Promise<UpstreamResponse> => {
          onTry();
          return client.send(call, { connection, signal }, readResponse);
        };
        try {
          return await (call.method === 'GET' ? retryIfLost(attempt) : attempt('new'));
        } catch (error) {
          throw signal.aborted ? new UpstreamTimeout() : faultOf(error);
        }
      }),

    /** Closes idle connections. */
    close: () => client.close(),
  };
}

function faultOf(error: unknown): Error {
  if (error instanceof UpstreamInvalid) return error;
  if (error instanceof ConnectionLost) return new UpstreamInvalid('connection', error.cause);
  if (error instanceof ResponseTruncated) return new UpstreamInvalid('cut', error.cause);
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code.startsWith('HPE_')) return new UpstreamInvalid('malformed', error);
  return new UpstreamInvalid(code === 'EADDRREFUSED' ? 'address' : 'connection', error);
}

/** The fault that the status alone shows. */
function faultOfStatus(status: number): UpstreamFault | undefined {
  if (status >= 500 && status <= 599) return 'server_error';
  if (status >= 300 && status <= 399 && status !== 304) return 'redirect';
  return status >= 200 && status <= 499 ? undefined : 'status';
}

/** A body without a stated length cannot be distinguished from one that was cut off. */
const saysItsEnd = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] === undefined
    ? headers['content-length'] !== undefined
    : headers['transfer-encoding'].toLowerCase() === 'chunked';

async function readResponse(response: IncomingMessage): Promise<UpstreamResponse> {
  const status = response.statusCode ?? 0;
  const fault = faultOfStatus(status);
  if (fault !== undefined) throw new UpstreamInvalid(fault);
  const bodiless = status === 204 || status === 205 || status === 304;
  if (!bodiless && !saysItsEnd(response)) throw new UpstreamInvalid('cut');
  if (Number(response.headers['content-length'] ?? 0) > maxResponseBytes && !bodiless) {
    throw new UpstreamInvalid('too_large');
  }
  const body = await wholeBody(response);
  return { status, headers: valuesOf(response.rawHeaders), body: bodiless ? Buffer.alloc(0) : body };
}

async function wholeBody(response: IncomingMessage): Promise<Buffer> {
  try {
    return await readBody(response, maxResponseBytes);
  } catch (error) {
    throw new UpstreamInvalid(error instanceof TooLarge ? 'too_large' : 'cut', error);
  }
}

function valuesOf(rawHeaders: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    values.set(name, [...(values.get(name) ?? []), rawHeaders[index + 1] ?? '']);
  }
  return values;
}
