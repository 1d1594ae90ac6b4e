/** A host that cannot exist offline: only the wire is played. */
import { createServer } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

const [http, https] = [process.getBuiltinModule('node:http'), process.getBuiltinModule('node:https')];

/**
 * Sends every https request of this process to `respond` in place of the host it is for.
 *
 * @param respond - gets the address and the body, and gives the host's response
 * @returns puts things back as they were
 */
export async function playHttps(
  respond: (address: string, body: string) => Promise<Response>,
): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await request.toArray()).toString();
      const address = String(request.headers['x-played-address']);
      const given = await respond(address, body).catch(
        (error: unknown) => new Response(String(error), { status: 599 }),
      );
      response.writeHead(given.status, Object.fromEntries(given.headers)).end(await given.text());
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const real = https.request;
  const played = (url: URL, { headers, ...options }: RequestOptions) =>
    http.request({
      ...options,
      agent: false,
      host: '127.0.0.1',
      port,
      path: url.pathname + url.search,
      headers: { ...(headers as Record<string, string>), 'x-played-address': url.href },
    });
  https.request = played as typeof https.request;
  return async () => {
    https.request = real;
    await new Promise((resolve) => server.close(resolve));
  };
}
