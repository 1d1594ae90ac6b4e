/** The addresses that serve our public keys, without anything behind them. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { jwks, noJwks } from '../../lambdas/handlers/jwks.ts';
import { httpFunction, type RouteHandler } from '../../lambdas/http/index.ts';
import { fetchJwks, KeysUnavailable, type PublishedSet } from '../../lambdas/keys/index.ts';
import { createLogger } from '../../lambdas/telemetry/index.ts';

const set = (kid: string): PublishedSet => ({
  keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB', kid, use: 'sig', alg: 'RS512' }],
});
const serving = (load: () => Promise<PublishedSet>): RouteHandler => jwks({ load });

async function get(path: string, platform: RouteHandler = noJwks) {
  const handler = httpFunction({
    name: 'jwks',
    handlers: {
      'GET /auth/jwks.json': serving(() => Promise.resolve(set('cis2'))),
      'GET /auth/jwks/api-platform.json': platform,
    },
    baseUrl: 'https://app.example.nhs.uk',
    signInErrorPath: '/sign-in-error',
    log: createLogger({ functionName: 'unit', level: 'error', write: () => undefined }),
  });
  const event = {
    rawPath: path,
    rawQueryString: '',
    headers: {},
    requestContext: { http: { method: 'GET', path } },
  } as unknown as APIGatewayProxyEventV2;
  const response: APIGatewayProxyStructuredResultV2 = await handler(event, {} as Context);
  const { statusCode: status, headers = {}, body = '' } = response;
  return { status, headers, body: JSON.parse(body) as Record<string, unknown> };
}

describe('the API platform’s keys', () => {
  const path = '/auth/jwks/api-platform.json';

  test('have no address of their own where it trusts CIS2’s', async () => {
    const { status, headers, body } = await get(path);
    expect([status, body['code']]).toEqual([404, 'not_found']);
    expect(headers['cache-control']).toBe('no-store');
    expect((await get('/auth/jwks.json')).body).toEqual(set('cis2'));
  });

  test('are served at their own address, and CIS2’s at theirs', async () => {
    const own = serving(() => Promise.resolve(set('platform')));
    const { status, headers, body } = await get(path, own);
    expect([status, body]).toEqual([200, set('platform')]);
    expect(headers).toMatchObject({
      'cache-control': 'public, max-age=3600',
      'content-type': 'application/json',
    });
    expect((await get('/auth/jwks.json', own)).body).toEqual(set('cis2'));
  });

  test('that cannot be had are 503, and nobody keeps that', async () => {
    const { status, headers, body } = await get(
      path,
      serving(() => Promise.reject(new KeysUnavailable('away'))),
    );
    expect([status, body['code']]).toEqual([503, 'keys_unavailable']);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['retry-after']).toMatch(/^\d+$/);
  });
});

describe('reading the published set as a provider does', () => {
  const response = 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"keys":[]}';
  let connections = 0;
  let close = (): void => undefined;
  afterEach(() => close());

  /** @param play - what a request gets, and the how-manieth it is */
  const served = async (play: (socket: Socket, request: number) => void): Promise<string> => {
    connections = 0;
    let requests = 0;
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      connections += 1;
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', () => play(socket, (requests += 1)));
    });
    close = () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    };
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/auth/jwks.json`;
  };
  const read = (url: string) => fetchJwks(url)(AbortSignal.timeout(2_000));

  test('never uses a connection twice, so none can have died meanwhile', async () => {
    const url = await served((socket) => socket.write(response));
    for (let turn = 0; turn < 3; turn += 1) expect(await read(url)).toEqual({ keys: [] });
    expect(connections).toBe(3);
  });

  test('is tried once more when a connection is lost before a response, and no more', async () => {
    const url = await served((socket, request) => {
      if (request === 1) socket.resetAndDestroy();
      else socket.write(response);
    });
    expect(await read(url)).toEqual({ keys: [] });
    expect(connections).toBe(2);
    const dead = await served((socket) => socket.resetAndDestroy());
    await expect(read(dead)).rejects.toMatchObject({ code: 'published_set_unreachable' });
    expect(connections).toBe(2);
  });

  test('is not tried again after a response', async () => {
    const url = await served((socket) => socket.write('HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n'));
    await expect(read(url)).rejects.toMatchObject({ code: 'published_set_unreachable' });
    expect(connections).toBe(1);
  });
});
