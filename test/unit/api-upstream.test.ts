import { createServer as createHttpServer } from 'node:http';
import type { LookupAddress } from 'node:dns';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { guardedLookup, isPermitted } from '../../lambdas/outbound/index.ts';
import {
  createUpstreamClient,
  UpstreamInvalid,
  UpstreamTimeout,
  type UpstreamResponse,
  type UpstreamCall,
} from '../../lambdas/api/upstream.ts';

/** What one request gets: bytes on its connection, or its end. */
type Play = (socket: Socket, request: string, count: number) => void;

let server: Server | undefined;
let client = createUpstreamClient();
const sockets = new Set<Socket>();
afterEach(() => {
  client.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
});

interface Stage {
  readonly url: URL;
  readonly requests: string[];
  connections: number;
}

const stage = async (play: Play): Promise<Stage> => {
  client = createUpstreamClient();
  const requests: string[] = [];
  const made: Stage = { url: new URL('http://127.0.0.1'), requests, connections: 0 };
  server = createServer((socket) => {
    made.connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (end < 0 || text.length < end + 4 + length) return;
      requests.push(text);
      const request = text;
      text = '';
      play(socket, request, requests.length);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  made.url.port = String((server.address() as AddressInfo).port);
  return made;
};

const send = (url: URL, change: Partial<UpstreamCall> = {}, ms = 2_000): Promise<UpstreamResponse> =>
  client.send(
    { method: 'GET', url, headers: { 'x-request-id': 'a-request' }, body: undefined, ...change },
    ms,
  );
const write = { method: 'PATCH', body: Buffer.from('[]') } as const;

const outcome = async (work: Promise<UpstreamResponse>): Promise<string> => {
  try {
    const { status, body } = await work;
    return `${String(status)} ${body.toString()}`;
  } catch (error) {
    if (error instanceof UpstreamInvalid) return error.fault;
    if (error instanceof UpstreamTimeout) return 'timeout';
    throw error;
  }
};

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine';
const fourMegabytes = 4 * 1024 * 1024;

describe('an upstream’s response', () => {
  test.each<[string, string | Buffer, string]>([
    ['whole', ok, '200 fine'],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n',
      '200 fine',
    ],
    ['empty', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', '200 '],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', '204 '],
    ['304', 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n', '304 '],
    ['after a word in between', `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${ok}`, '200 fine'],
    ['404', 'HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx', '404 x'],
    ['429', 'HTTP/1.1 429 Too Many\r\nContent-Length: 1\r\n\r\nx', '429 x'],
    ...[300, 301, 302, 303, 305, 307, 308].map((status): [string, string, string] => [
      String(status),
      `HTTP/1.1 ${String(status)} x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n`,
      'redirect',
    ]),
    ...[500, 502, 503, 504, 599].map((status): [string, string, string] => [
      String(status),
      `HTTP/1.1 ${String(status)} x\r\nContent-Length: 6\r\n\r\nsecret`,
      'server_error',
    ]),
    ['of no known status', 'HTTP/1.1 600 x\r\nContent-Length: 0\r\n\r\n', 'status'],
    [
      'in another protocol',
      'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      'malformed',
    ],
    ['no HTTP at all', 'SSH-2.0-OpenSSH\r\n\r\n', 'malformed'],
    ['with a bad status line', 'HTTP/1.1 abc\r\n\r\n', 'malformed'],
    ['with a header that is none', 'HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n', 'malformed'],
    ['with a NUL in a header', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n', 'malformed'],
    [
      'with two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nfine!',
      'malformed',
    ],
    [
      'with a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'malformed',
    ],
    ['with a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nfine', 'malformed'],
    ['with headers without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(64 * 1024)}\r\n\r\n`, 'malformed'],
    [
      'in an encoding of its own',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      'cut',
    ],
    [
      'announced as larger than 4 MB',
      `HTTP/1.1 200 OK\r\nContent-Length: ${String(fourMegabytes + 1)}\r\n\r\n`,
      'too_large',
    ],
    [
      'announced as larger than a number',
      'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n',
      'malformed',
    ],
  ])('%s becomes what it must', async (_, bytes, expected) => {
    const { url, requests } = await stage((socket) => socket.write(bytes));
    expect(await outcome(send(url))).toBe(expected);
    expect(requests).toHaveLength(1);
  });

  test.each<[string, string]>([
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine'],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nfine'],
    ['chunks without the last', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n'],
    ['nothing that says where it ends', 'HTTP/1.1 200 OK\r\n\r\nfine'],
  ])('that stops before its end is never passed on: %s', async (_, bytes) => {
    for (const reset of [false, true]) {
      const { url, requests } = await stage((socket) => {
        socket.write(bytes, () => setTimeout(() => (reset ? socket.resetAndDestroy() : socket.end()), 10));
      });
      expect(await outcome(send(url))).toBe('cut');
      expect(requests).toHaveLength(1);
      server?.close();
    }
  });

  test('with a broken chunk is never passed on', async () => {
    const { url } = await stage((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\nzz\r\n');
    });
    expect(await outcome(send(url))).toBe('malformed');
  });

  test.each([
    [fourMegabytes, '200'],
    [fourMegabytes + 1, 'too_large'],
  ])('of %d bytes in chunks becomes %s, and its connection is given up', async (size, expected) => {
    const { url } = await stage((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.write(`${size.toString(16)}\r\n`);
      socket.write(Buffer.alloc(size, 'x'));
      socket.write('\r\n0\r\n\r\n');
    });
    expect((await outcome(send(url, {}, 10_000))).slice(0, 9).trim().split(' ')[0]).toBe(expected);
  });

  test('without an end is given up as soon as it is too large', async () => {
    let written = 0;
    const { url } = await stage((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const more = (): void => {
        while (!socket.destroyed && socket.write(`10000\r\n${'x'.repeat(65_536)}\r\n`)) written += 65_536;
        if (!socket.destroyed) socket.once('drain', more);
      };
      more();
    });
    expect(await outcome(send(url, {}, 10_000))).toBe('too_large');
    await sleep(50);
    const until = written;
    await sleep(100);
    expect(written).toBe(until);
  });

  test('goes through byte for byte, compressed as it came', async () => {
    const packed = gzipSync('{"resourceType":"Patient"}');
    const { url } = await stage((socket) => {
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${String(packed.length)}\r\n\r\n`,
      );
      socket.write(packed);
    });
    const { body, headers } = await send(url);
    expect(body.equals(packed)).toBe(true);
    expect(headers.get('content-encoding')).toEqual(['gzip']);
  });

  test('keeps every value of a header that came twice', async () => {
    const { url } = await stage((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nETag: "1"\r\neTag: "2"\r\nContent-Length: 0\r\n\r\n'),
    );
    expect((await send(url)).headers.get('etag')).toEqual(['"1"', '"2"']);
  });
});

describe('an upstream that takes its time', () => {
  test.each<[string, Play]>([
    ['says nothing', () => undefined],
    ['stops after its headers', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n')],
    [
      'drips',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
        const drip = setInterval(() => socket.write('x'), 20);
        socket.on('close', () => clearInterval(drip));
      },
    ],
    [
      'drips headers',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const drip = setInterval(() => socket.write('X: x\r\n'), 20);
        socket.on('close', () => clearInterval(drip));
      },
    ],
  ])('and %s is left when the time is over, and not asked again', async (_, play) => {
    const { url, requests } = await stage(play);
    const startedAt = performance.now();
    expect(await outcome(send(url, {}, 300))).toBe('timeout');
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    await sleep(50);
    expect(requests).toHaveLength(1);
    expect([...sockets].every((socket) => socket.destroyed || socket.readableEnded)).toBe(true);
  });

  test('has one time for both tries together', async () => {
    const { url, requests } = await stage((socket, _request, count) => {
      if (count === 1) setTimeout(() => socket.resetAndDestroy(), 700);
    });
    const startedAt = performance.now();
    expect(await outcome(send(url, {}, 1_000))).toBe('timeout');
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(requests).toHaveLength(2);
  });
});

describe('a connection that is lost before a response', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['reset', (socket) => socket.resetAndDestroy()],
    ['closed', (socket) => socket.end()],
  ])('by being %s is followed by one more try of a GET, the same one', async (_, lose) => {
    const { url, requests } = await stage((socket, _request, count) => {
      if (count === 1) lose(socket);
      else socket.write(ok);
    });
    expect(await outcome(send(url))).toBe('200 fine');
    expect(requests).toHaveLength(2);
    const [first, second] = requests.map((request) => request.replace(/Connection: [^\r]*/i, ''));
    expect(second).toBe(first);
  });

  test('a second time is enough', async () => {
    const { url, requests } = await stage((socket) => socket.resetAndDestroy());
    expect(await outcome(send(url))).toBe('connection');
    expect(requests).toHaveLength(2);
  });

  test('is the end of a write, which may have been done', async () => {
    const { url, requests } = await stage((socket) => socket.resetAndDestroy());
    expect(await outcome(send(url, write))).toBe('connection');
    expect(requests).toHaveLength(1);
  });

  test('in the middle of a response is the end of a GET too', async () => {
    const { url, requests } = await stage((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Len', () => setTimeout(() => socket.resetAndDestroy(), 10));
    });
    expect(await outcome(send(url))).toBe('cut');
    expect(requests).toHaveLength(1);
  });

  test('because nobody listens is said to be that', async () => {
    const { url } = await stage((socket) => socket.write(ok));
    await new Promise((resolve) => server?.close(resolve));
    expect(await outcome(send(url))).toBe('connection');
    expect(await outcome(send(url, write))).toBe('connection');
  });
});

describe('connections', () => {
  test('are kept for reads, and a write has one of its own', async () => {
    const made = await stage((socket) => socket.write(ok));
    await send(made.url);
    await send(made.url);
    expect(made.connections).toBe(1);
    await send(made.url, write);
    expect(made.connections).toBe(2);
    await send(made.url);
    expect(made.connections).toBe(2);
  });

  test('that died while they were idle cost a read nothing, and a write neither', async () => {
    const made = await stage((socket) => socket.write(ok));
    await send(made.url);
    for (const socket of sockets) socket.resetAndDestroy();
    expect(await outcome(send(made.url))).toBe('200 fine');
    for (const socket of sockets) socket.resetAndDestroy();
    expect(await outcome(send(made.url, write))).toBe('200 fine');
    expect(made.requests).toHaveLength(3);
  });

  test('that died together, several of them, cost a read one more try and no more', async () => {
    const made = await stage((socket, _request, count) => {
      if (count <= 4) setTimeout(() => socket.write(ok), 30);
      else if (made.connections <= 4) socket.destroy();
      else socket.write(ok);
    });
    await Promise.all(Array.from({ length: 4 }, () => send(made.url)));
    expect(made.connections).toBe(4);
    let tries = 0;
    const response = await client.send(
      { method: 'GET', url: made.url, headers: {}, body: undefined },
      2_000,
      () => (tries += 1),
    );
    expect([response.status, tries, made.connections]).toEqual([200, 2, 5]);
  });

  test('on which somebody speaks unasked are not used again: nobody gets another’s response', async () => {
    const { url } = await stage((socket, _request, count) => {
      socket.write(ok);
      if (count === 1)
        setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'), 20);
    });
    await send(url);
    await sleep(100);
    expect(await outcome(send(url))).toBe('200 fine');
    expect(await outcome(send(url))).toBe('200 fine');
  });
});

test('a body arrives byte for byte, with its length', async () => {
  const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const received: Buffer[] = [];
  const http = createHttpServer((request, response) => {
    request.on('data', (chunk: Buffer) => received.push(chunk));
    request.on('end', () =>
      response.writeHead(200, { 'content-length': request.headers['content-length'] ?? '' }).end(body),
    );
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${String((http.address() as AddressInfo).port)}`);
  expect((await send(url, { method: 'PATCH', body })).body.equals(body)).toBe(true);
  expect(Buffer.concat(received).equals(body)).toBe(true);
  http.closeAllConnections();
  http.close();
});

describe('where an upstream’s name may lead [B-13]', () => {
  const named = new URL('https://api.example.nhs.uk');
  const local = new URL('http://localhost:9000');
  const at = (address: string): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 });

  test.each([
    ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '0.1.2.3', '169.254.169.254', '169.254.0.1', '224.0.0.1'],
    ...['239.255.255.255', '255.255.255.255', '240.0.0.1', '::1', '::', 'fe80::1', 'febf::1', 'ff02::1'],
    ...['::ffff:127.0.0.1', '::ffff:169.254.169.254', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1'],
    ...['fd00:ec2::254', '0:0:0:0:0:ffff:7f00:1', '64:ff9b::169.254.169.254', '64:ff9b::7f00:1', '', 'a'],
  ])('is never %s', (address) => {
    expect(isPermitted(named, at(address))).toBe(false);
  });

  test.each([
    '192.0.2.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '2001:db8::1',
    'fd12::1',
    '128.0.0.1',
    '64:ff9b::c000:201',
  ])('can be %s', (address) => {
    expect(isPermitted(named, at(address))).toBe(true);
    expect(isPermitted(local, at(address))).toBe(false);
  });

  test('is this machine where that is what was configured', () => {
    expect(isPermitted(local, at('127.0.0.1'))).toBe(true);
    expect(isPermitted(local, at('::1'))).toBe(true);
    expect(isPermitted(local, at('169.254.169.254'))).toBe(false);
  });

  const looking = (addresses: string[], all: boolean): Promise<unknown> =>
    new Promise((resolve) => {
      guardedLookup(named, (_name, _options, callback) => callback(null, addresses.map(at)))(
        'api.example.nhs.uk',
        { all },
        (error, found) => resolve(error?.name ?? found),
      );
    });

  test('is refused whole when one of its addresses is none, or there are none', async () => {
    for (const all of [true, false]) {
      expect(await looking(['192.0.2.1', '169.254.169.254'], all)).toBe('AddressRefused');
      expect(await looking(['127.0.0.1'], all)).toBe('AddressRefused');
      expect(await looking([], all)).toBe('AddressRefused');
    }
    expect(await looking(['192.0.2.1', '192.0.2.2'], true)).toEqual([at('192.0.2.1'), at('192.0.2.2')]);
    expect(await looking(['192.0.2.1', '192.0.2.2'], false)).toBe('192.0.2.1');
  });

  test('is looked at before a connection is made', async () => {
    const { url, requests } = await stage((socket) => socket.write(ok));
    const toLoopback = (
      _name: string,
      _options: unknown,
      callback: (error: null, found: LookupAddress[]) => void,
    ) => callback(null, [at('127.0.0.1')]);
    client = createUpstreamClient((called) => guardedLookup(called, toLoopback));
    expect(await outcome(send(new URL(`http://api.example.nhs.uk:${url.port}/`)))).toBe('address');
    expect(await outcome(send(new URL(`http://localhost:${url.port}/`)))).toBe('200 fine');
    expect(requests).toHaveLength(1);
  });
});
