/** A proxy on this machine that changes what goes through it. */
import { createServer, request as forward, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Passing {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Changes {
  /** Names of request headers that do not get through. */
  readonly drops?: readonly string[];
  /** What the client gets in place of a response. */
  readonly changeResponse?: (path: string, response: Passing, proxyUrl: string) => Passing;
}

export interface Proxy {
  readonly url: string;
  close(): void;
}

export async function startProxy(target: string, { drops = [], changeResponse }: Changes): Promise<Proxy> {
  const { hostname, port, host } = new URL(target);
  let url = '';
  const server = createServer((request, response) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !drops.includes(name)),
    );
    const onward = forward(
      { hostname, port, method: request.method, path: request.url, headers: { ...headers, host } },
      (came) => {
        void (async () => {
          const body = Buffer.concat(await came.toArray()).toString();
          const whole = { status: came.statusCode ?? 500, headers: came.headers, body };
          const path = (request.url ?? '').split('?')[0] ?? '';
          const changed = changeResponse?.(path, whole, url) ?? whole;
          const headers = Object.entries(changed.headers).filter(
            ([name, value]) => value !== undefined && !['content-length', 'transfer-encoding'].includes(name),
          );
          response.writeHead(changed.status, Object.fromEntries(headers)).end(changed.body);
        })();
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    url,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
