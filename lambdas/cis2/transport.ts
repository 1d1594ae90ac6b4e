import { ProviderUnavailable, SignInRefused } from './errors.ts';

/** No answer of CIS2's that we use comes near this: sixty roles are 25 KB. */
const maxAnswerBytes = 512 * 1024;
/** The longest one call may take; a whole callback has its own limit beside it. */
const maxCallMs = 4_000;

type FetchInit = Omit<RequestInit, 'body' | 'signal'> & { body?: unknown; signal?: unknown };

/**
 * `fetch` for talking to CIS2: bounded in time and size, follows no redirect, and tells "could not be had" from
 * "was wrong".
 *
 * @param signal - the time left for the whole job
 * @throws ProviderUnavailable when no whole answer comes in time, or a 5xx or 429 does
 * @throws SignInRefused `response_invalid` when the answer is larger than any that can be right
 */
export const providerFetch =
  (signal: AbortSignal) =>
  async (url: string, init: FetchInit): Promise<Response> => {
    let response: Response;
    let body: Uint8Array<ArrayBuffer>;
    try {
      response = await fetch(url, {
        ...(init as RequestInit),
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(maxCallMs)]),
      });
      if (response.status >= 500 || response.status === 429) {
        await response.body?.cancel();
        throw new ProviderUnavailable(`CIS2 answered ${String(response.status)}`);
      }
      body = await readBounded(response);
    } catch (cause) {
      if (cause instanceof SignInRefused || cause instanceof ProviderUnavailable) throw cause;
      throw new ProviderUnavailable('CIS2 could not be reached in time', { cause });
    }
    const empty = [204, 205, 304].includes(response.status);
    return new Response(empty ? null : body, { status: response.status, headers: response.headers });
  };

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new SignInRefused('response_invalid', 'answer too large');
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}
