/** What a lost connection to CIS2 costs: one more, where nothing of a response had come. */
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ProviderUnavailable, SignInRefused } from '../../lambdas/cis2/errors.ts';
import { providerFetch } from '../../lambdas/cis2/transport.ts';

const rawResponse = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';

let server: Server;
let url: string;
/** Requests that came, each by the number of its connection. */
let requests: number[];
let connections: Socket[];
let onRequest: (socket: Socket, connection: number) => void;

beforeEach(async () => {
  [requests, connections] = [[], []];
  onRequest = (socket) => socket.write(rawResponse);
  server = createServer((socket) => {
    const number = connections.push(socket) - 1;
    socket.on('error', () => undefined);
    socket.on('data', () => {
      requests.push(number);
      onRequest(socket, number);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
});
afterEach(() => {
  for (const socket of connections) socket.destroy();
  server.close();
});

/** The status, or the kind of failure; and how often the request was sent once more. */
async function outcome(method = 'GET', milliseconds = 2_000): Promise<[string | number, number]> {
  let resends = 0;
  const fetch = providerFetch(AbortSignal.timeout(milliseconds), () => {
    resends += 1;
  });
  const body = method === 'POST' ? new URLSearchParams({ code: 'x' }) : null;
  try {
    return [(await fetch(url, { method, headers: {}, body })).status, resends];
  } catch (error) {
    if (error instanceof ProviderUnavailable || error instanceof SignInRefused) return [error.code, resends];
    throw error;
  }
}

/** Several connections that are idle, and used once. */
async function idle(count: number): Promise<void> {
  const waiting: Socket[] = [];
  onRequest = (socket) => {
    waiting.push(socket);
    if (waiting.length === count) for (const each of waiting) each.write(rawResponse);
  };
  expect(await Promise.all(Array.from({ length: count }, () => outcome()))).toEqual(
    Array.from({ length: count }, () => [200, 0]),
  );
  requests.length = 0;
}

describe.each(['GET', 'POST'])('a %s', (method) => {
  const deaths: [string, (socket: Socket) => void][] = [
    ['is reset', (socket) => socket.resetAndDestroy()],
    ['ends', (socket) => socket.end()],
    ['is destroyed', (socket) => socket.destroy()],
  ];

  test.each(deaths)('goes over an idle connection, and over a new one when that %s', async (_, die) => {
    await idle(3);
    // A front that dropped all that was idle, and tells nobody until somebody writes.
    onRequest = (socket, connection) => {
      if (connection < 3) die(socket);
      else socket.write(rawResponse);
    };
    expect(await outcome(method)).toEqual([200, 1]);
    expect(requests).toHaveLength(2);
    expect(requests.at(-1)).toBe(3);
  });

  test.each(deaths)('is sent twice and no more when the new connection %s too', async (_, die) => {
    onRequest = die;
    expect(await outcome(method)).toEqual(['provider_unavailable', 1]);
    expect(requests).toEqual([0, 1]);
  });

  test('uses an idle connection that lives', async () => {
    await idle(1);
    onRequest = (socket) => socket.write(rawResponse);
    expect(await outcome(method)).toEqual([200, 0]);
    expect(requests).toEqual([0]);
  });

  test.each([
    ['a status line', 'HTTP/1.1 2'],
    ['headers', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['a body', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{'],
    ['a response that is none', 'ERROR\r\n\r\n'],
  ])('is not sent again once a part of %s has come', async (_, part) => {
    await idle(1);
    onRequest = (socket) => socket.end(part);
    expect(await outcome(method)).toEqual(['provider_unavailable', 0]);
    expect(requests).toEqual([0]);
  });

  test('is not sent again when no response comes in time', async () => {
    await idle(1);
    onRequest = () => undefined;
    expect(await outcome(method, 200)).toEqual(['provider_unavailable', 0]);
    expect(requests).toEqual([0]);
  });

  test('has one time for both', async () => {
    onRequest = (socket, connection) => {
      if (connection === 0) socket.destroy();
    };
    const startedAt = performance.now();
    expect(await outcome(method, 300)).toEqual(['provider_unavailable', 1]);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });
});

test('a connection that is refused is not asked for again', async () => {
  await new Promise((resolve) => server.close(resolve));
  expect(await outcome()).toEqual(['provider_unavailable', 0]);
});
