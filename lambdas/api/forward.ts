/** A call with the user's token, and once more with a fresh one where the upstream refuses it. */
import type { Secret } from '../common/index.ts';
import {
  UpstreamInvalid,
  UpstreamTimeout,
  type UpstreamResponse,
  type UpstreamCall,
  type UpstreamClient,
} from './upstream.ts';

/** What happened to a call, for the log: filled in step by step, so that a failed call has it too. */
export interface Trace {
  /** Requests sent to the upstream. */
  tries: number;
  /** Milliseconds spent on the upstream, and on getting a token. */
  upstreamMs: number;
  tokenMs: number;
  upstreamStatus: number | undefined;
  /** Whether the upstream refused the first token. */
  refreshed: boolean;
}

export const newTrace = (): Trace => ({
  tries: 0,
  upstreamMs: 0,
  tokenMs: 0,
  upstreamStatus: undefined,
  refreshed: false,
});

/**
 * @param options.call - the call as it is sent with this token
 * @param options.tokens - gives the access token within the given time; with a refused one, a fresh one.
 *   Undefined if none is sent
 * @param options.upstreamMs - maximum time for the upstream, all tries together
 * @param options.totalMs - maximum time for everything
 * @throws UpstreamTimeout, UpstreamInvalid, and whatever `tokens` throws
 */
export async function forward<Token extends { readonly value: Secret }>(options: {
  client: UpstreamClient;
  call: (accessToken: Secret | undefined) => UpstreamCall;
  tokens: ((milliseconds: number, refused: Token | undefined) => Promise<Token>) | undefined;
  upstreamMs: number;
  totalMs: number;
  trace: Trace;
}): Promise<UpstreamResponse> {
  const { client, tokens, trace } = options;
  const startedAt = performance.now();
  const totalLeft = (): number => options.totalMs - (performance.now() - startedAt);

  const send = async (token: Token | undefined): Promise<UpstreamResponse> => {
    const sentAt = performance.now();
    const left = Math.min(options.upstreamMs - trace.upstreamMs, totalLeft());
    if (left <= 0) throw new UpstreamTimeout();
    try {
      const response = await client.send(options.call(token?.value), left, () => (trace.tries += 1));
      trace.upstreamStatus = response.status;
      return response;
    } finally {
      trace.upstreamMs += performance.now() - sentAt;
    }
  };
  const tokenAfter = async (refused: Token | undefined): Promise<Token | undefined> => {
    const askedAt = performance.now();
    try {
      return await tokens?.(totalLeft(), refused);
    } finally {
      trace.tokenMs += performance.now() - askedAt;
    }
  };

  const token = await tokenAfter(undefined);
  const response = await send(token);
  // A browser would take the upstream's 401 for the end of our session. A refused request can be repeated safely.
  if (response.status !== 401) return response;
  if (token === undefined) throw new UpstreamInvalid('token_refused');
  trace.refreshed = true;
  const second = await send(await tokenAfter(token));
  if (second.status === 401) throw new UpstreamInvalid('token_refused');
  return second;
}
