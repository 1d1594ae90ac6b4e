/** A store that gives the responses of the embedded one again, without its work. */
import { createLoopbackServer, closeServer, listenOnLoopback } from '../../local/loopback-server.ts';

/** A call as the store got it. */
export interface StoreCall {
  readonly operation: string;
  readonly body: string;
}

interface StoredResponse {
  readonly at: number;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/**
 * @param options.keyOf - calls with the same key get the same response
 * @param options.mayReplay - whether this call may get an earlier response, of that age
 * @param options.onPassed - is told which calls the embedded store got
 */
export async function startReplayingStore(
  embedded: string,
  options: {
    keyOf: (call: StoreCall) => string;
    mayReplay: (call: StoreCall & { readonly path: string; readonly ageMs: number }) => boolean;
    onPassed?: (call: StoreCall) => void;
  },
): Promise<{ url: string; close: () => void }> {
  const responses = new Map<string, StoredResponse>();
  const server = createLoopbackServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await request.toArray()).toString();
      const call = { operation: String(request.headers['x-amz-target']).split('.').at(-1) ?? '', body };
      const key = options.keyOf(call);
      let stored = responses.get(key);
      if (
        stored === undefined ||
        !options.mayReplay({ ...call, path: request.url ?? '/', ageMs: performance.now() - stored.at })
      ) {
        const passedHeaders = ['authorization', 'content-type', 'x-amz-date', 'x-amz-target'];
        const result = await fetch(embedded, {
          method: 'POST',
          headers: Object.fromEntries(passedHeaders.map((name) => [name, String(request.headers[name])])),
          body,
        });
        stored = {
          at: performance.now(),
          status: result.status,
          headers: Object.fromEntries(
            ['content-type', 'x-amz-crc32'].map((name) => [name, result.headers.get(name) ?? '']),
          ),
          body: Buffer.from(await result.arrayBuffer()),
        };
        responses.set(key, stored);
        options.onPassed?.(call);
      }
      response.writeHead(stored.status, { ...stored.headers, 'content-length': stored.body.length });
      response.end(stored.body);
    })();
  });
  const port = await listenOnLoopback(server);
  return { url: `http://127.0.0.1:${String(port)}`, close: () => closeServer(server) };
}
