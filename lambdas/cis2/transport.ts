import type { IncomingMessage } from 'node:http';
import { TooLarge, withDeadline } from '../common/index.ts';
import {
  ResponseTruncated,
  ConnectionLost,
  createHttpClient,
  fetchRequest,
  retryIfLost,
  readBody,
  type Connection,
  type FetchInit,
} from '../outbound/index.ts';
import { ProviderUnavailable, SignInRefused } from './errors.ts';

/** Far more than any response of CIS2 that we use: sixty roles are 25 KB. */
const maxResponseBytes = 512 * 1024;
/** One call; a whole callback has its own limit. */
const maxCallMs = 4_000;
/** An idle connection is closed after this long: one that a firewall has dropped silently would cost a whole time-out. */
const maxIdleMs = 4_000;

const client = createHttpClient({ maxIdleMs });

/** The measurements of a call to CIS2. */
export interface ProviderCall {
  readonly milliseconds: number;
  /** No response that could be used: none in time, a 5xx or a 429. */
  readonly failed: boolean;
  /** How far CIS2's clock is ahead of ours, in seconds, by the Date of its response; NaN without one. */
  readonly clockDifference: number;
}

/**
 * `fetch` for calls to CIS2: limited in time and size, follows no redirect, and distinguishes "could not be reached" from
 * "invalid response". When the connection is lost before the response began, the request is sent once more on a new one:
 * other idle connections may be lost too.
 *
 * @param signal - the time limit of the whole request
 * @param onResend - called before a request is sent again; the first may have arrived
 * @param onCall - called when the call is over
 * @throws ProviderUnavailable when no whole response comes in time, or a 5xx or 429 does
 * @throws SignInRefused `response_invalid` when the response is larger than any that can be right
 */
export const providerFetch =
  (signal: AbortSignal, onResend?: () => void, onCall?: (call: ProviderCall) => void) =>
  async (address: string, init: FetchInit): Promise<Response> => {
    const request = fetchRequest(address, init);
    const sentAt = performance.now();
    let clockDifference = NaN;
    let failed = false;
    try {
      const attempts = (time: AbortSignal) =>
        retryIfLost((connection: Connection) => {
          if (connection === 'new') onResend?.();
          return client.send(request, { connection, signal: time }, (response) => {
            clockDifference = aheadOfUs(response);
            return readResponse(response);
          });
        });
      return await withDeadline(maxCallMs, attempts, signal);
    } catch (error) {
      failed = !(error instanceof TooLarge);
      if (error instanceof ProviderUnavailable) throw error;
      if (error instanceof TooLarge) throw new SignInRefused('response_invalid', 'answer too large');
      const isOurs = error instanceof ConnectionLost || error instanceof ResponseTruncated;
      throw new ProviderUnavailable('CIS2 could not be reached in time', {
        cause: isOurs ? error.cause : error,
      });
    } finally {
      onCall?.({ milliseconds: performance.now() - sentAt, failed, clockDifference });
    }
  };

/** `Date` (RFC 9110 section 6.6.1) has whole seconds, so its middle is meant. A cached response is not measured. */
const aheadOfUs = ({ headers: { date = '', age } }: IncomingMessage): number =>
  age === undefined ? (Date.parse(date) + 500 - Date.now()) / 1_000 : NaN;

/** The headers that are read of a response. */
const readHeaders = ['content-type', 'www-authenticate'] as const;

async function readResponse(response: IncomingMessage): Promise<Response> {
  const { statusCode: status = 0 } = response;
  if (status >= 500 || status === 429) throw new ProviderUnavailable(`CIS2 answered ${String(status)}`);
  const body = await readBody(response, maxResponseBytes);
  const headers = new Headers();
  for (const name of readHeaders) {
    const value = response.headers[name];
    if (value !== undefined) headers.set(name, value);
  }
  return new Response([204, 205, 304].includes(status) ? null : Uint8Array.from(body), { status, headers });
}
