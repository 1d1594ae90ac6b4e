import type { IncomingMessage } from 'node:http';
import type { Agent } from 'node:https';
import { ProviderUnavailable, SignInRefused } from './errors.ts';

// An import would read every member of these modules, and one of them loads a whole HTTP client as the function starts.
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

/** No answer of CIS2's that we use comes near this: sixty roles are 25 KB. */
const maxAnswerBytes = 512 * 1024;
/** The longest one call may take; a whole callback has its own limit beside it. */
const maxCallMs = 4_000;
/** An idle connection is closed after this long: one that a firewall forgot without a word would cost a whole time-out. */
const maxIdleMs = 4_000;

interface FetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const pooled = { keepAlive: true, scheduling: 'lifo', timeout: maxIdleMs } as const;
let secureAgent: Agent | undefined;
let plainAgent: InstanceType<typeof http.Agent> | undefined;

/** What a call to CIS2 tells of it. */
export interface ProviderCall {
  readonly milliseconds: number;
  /** No answer that could be used: none in time, a 5xx or a 429. */
  readonly failed: boolean;
  /** How far CIS2's clock is ahead of ours, in seconds, by the Date of its answer; NaN where it has none. */
  readonly clockDifference: number;
}

/** The connection closed before a byte of an answer came, as one that died while it was idle does. */
class ConnectionLost extends Error {}

const lostCodes = ['ECONNRESET', 'EPIPE'];

/** @param reuse - whether an idle connection may serve; otherwise a new one is made */
const send = (
  url: URL,
  { method, headers, body }: FetchInit,
  { signal, reuse }: { signal: AbortSignal; reuse: boolean },
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const options = { method, headers, signal };
    const request =
      url.protocol === 'https:'
        ? https.request(url, { ...options, agent: reuse && (secureAgent ??= new https.Agent(pooled)) })
        : http.request(url, { ...options, agent: reuse && (plainAgent ??= new http.Agent(pooled)) });
    let readBefore = 0;
    request.on('socket', (socket) => {
      readBefore = socket.bytesRead;
    });
    request.on('response', resolve);
    request.on('error', (cause: NodeJS.ErrnoException) => {
      const unanswered = (request.socket?.bytesRead ?? 0) === readBefore;
      const lost = unanswered && lostCodes.includes(cause.code ?? '');
      reject(lost ? new ConnectionLost('connection lost', { cause }) : cause);
    });
    request.end(body instanceof URLSearchParams ? body.toString() : undefined);
  });

/**
 * `fetch` for talking to CIS2: bounded in time and size, follows no redirect, and tells "could not be had" from
 * "was wrong". When the connection is lost before a byte of an answer has come, the request is sent once more over a new
 * one: others that are idle may be dead as well.
 *
 * @param signal - the time left for the whole job
 * @param onResend - told before a request is sent once more; the first may have arrived all the same
 * @param onCall - told of the call when it is over
 * @throws ProviderUnavailable when no whole answer comes in time, or a 5xx or 429 does
 * @throws SignInRefused `response_invalid` when the answer is larger than any that can be right
 */
export const providerFetch =
  (signal: AbortSignal, onResend?: () => void, onCall?: (call: ProviderCall) => void) =>
  async (address: string, init: FetchInit): Promise<Response> => {
    const url = new URL(address);
    const time = AbortSignal.any([signal, AbortSignal.timeout(maxCallMs)]);
    const sentAt = performance.now();
    let clockDifference = NaN;
    let failed = false;
    try {
      const response = await send(url, init, { signal: time, reuse: true }).catch((error: unknown) => {
        if (!(error instanceof ConnectionLost)) throw error;
        onResend?.();
        return send(url, init, { signal: time, reuse: false });
      });
      clockDifference = aheadOfUs(response);
      return await readResponse(response);
    } catch (error) {
      failed = !(error instanceof SignInRefused);
      if (error instanceof SignInRefused || error instanceof ProviderUnavailable) throw error;
      const cause = error instanceof ConnectionLost ? error.cause : error;
      throw new ProviderUnavailable('CIS2 could not be reached in time', { cause });
    } finally {
      onCall?.({ milliseconds: performance.now() - sentAt, failed, clockDifference });
    }
  };

/** `Date` (RFC 9110 section 6.6.1) has whole seconds, so its middle is meant. An answer out of a cache says nothing. */
const aheadOfUs = ({ headers: { date = '', age } }: IncomingMessage): number =>
  age === undefined ? (Date.parse(date) + 500 - Date.now()) / 1_000 : NaN;

/** The headers that are read of an answer. */
const readHeaders = ['content-type', 'www-authenticate'] as const;

async function readResponse(response: IncomingMessage): Promise<Response> {
  const { statusCode: status = 0 } = response;
  if (status >= 500 || status === 429) {
    response.destroy();
    throw new ProviderUnavailable(`CIS2 answered ${String(status)}`);
  }
  const body = await readBounded(response);
  const headers = new Headers();
  for (const name of readHeaders) {
    const value = response.headers[name];
    if (value !== undefined) headers.set(name, value);
  }
  return new Response([204, 205, 304].includes(status) ? null : body, { status, headers });
}

async function readBounded(response: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new SignInRefused('response_invalid', 'answer too large');
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}
