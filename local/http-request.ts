import { once } from 'node:events';
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { readBody } from './loopback-server.ts';

const maxBytes = 1_048_576;

/**
 * Sends one request on a connection of its own. It follows no redirect.
 *
 * @param options.seconds - how long the whole response may take. @default 5
 * @throws Error in one line, when no response comes, or one that is too long
 */
export async function requestText(
  url: string,
  options: { method?: string; headers: OutgoingHttpHeaders; body?: string; seconds?: number },
): Promise<{ status: number; body: string }> {
  const { method, headers, body, seconds = 5 } = options;
  const signal = AbortSignal.timeout(seconds * 1_000);
  const send = url.startsWith('https:') ? https.request : http.request;
  const request = send(url, { method, headers, signal, agent: false });
  // Also once the response has begun, where nobody waits for it here.
  request.on('error', () => undefined);
  request.end(body);
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const bytes = await readBody(response, maxBytes);
    if (bytes === undefined) throw new Error('the response is too long');
    return { status: response.statusCode ?? 0, body: bytes.toString() };
  } catch (error) {
    throw signal.aborted ? new Error(`no answer within ${String(seconds)} s`) : error;
  }
}
