import { RotationFailed } from './errors.ts';
import type { FetchJwks } from './ports.ts';

/** Three keys of 4,096 bits are 3 KB. */
const maxKeySetBytes = 64 * 1024;

/** Every read has a connection of its own: one that was kept open may have died between two steps of a rotation. */
const get = (url: string, signal: AbortSignal): Promise<Response> =>
  fetch(url, { redirect: 'error', signal, headers: { connection: 'close' } });

/**
 * Reads a JWK Set from where it is served, as a provider does: no redirect is followed, and only JSON is taken. Once more
 * when the connection was lost before an answer.
 */
export const fetchJwks =
  (url: string): FetchJwks =>
  async (signal) => {
    try {
      const response = await get(url, signal).catch(() => get(url, signal));
      if (response.status !== 200) {
        await response.body?.cancel();
        throw unreachable(`answered ${String(response.status)}`);
      }
      return JSON.parse(await boundedText(response)) as unknown;
    } catch (cause) {
      throw cause instanceof RotationFailed ? cause : unreachable('gave no answer of use', cause);
    }
  };

const unreachable = (what: string, cause?: unknown): RotationFailed =>
  new RotationFailed(
    'published_set_unreachable',
    `The address that serves our published keys ${what}. Nothing was changed.`,
    { cause },
  );

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxKeySetBytes) throw unreachable('gave more than a set of keys');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
