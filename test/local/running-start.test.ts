import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Bff } from '../support/bff.ts';
import { listenersOf, type Listener } from './listeners.ts';
import { send } from './helpers.ts';

const root = path.resolve(import.meta.dirname, '../..');

let bff: Bff;
let front: number;
let simulator: number;
let listeners: Listener[];
let programsOnly: number[];

beforeAll(async () => {
  bff = await Bff.start();
  front = Number(new URL(bff.baseUrl).port);
  simulator = Number(new URL((await send(front, '/auth/login')).headers.location ?? '').port);
  listeners = listenersOf(bff.pid);
  programsOnly = listeners.map(({ port }) => port).filter((port) => port !== front && port !== simulator);
}, 60_000);
afterAll(() => bff.stop());

/** Paths that mean something to one listener or another: what is refused must be refused at all of them. */
const targets = [
  '/',
  '/control-panel/api/state',
  '/2015-03-31/functions/x/invocations',
  '/oauth2/token',
  '/Patient/9000000009',
];

const statuses = async (ports: readonly number[], headers: Record<string, string>): Promise<number[]> => {
  const responses = await Promise.all(
    ports.flatMap((port) =>
      targets.flatMap((target) =>
        ['GET', 'POST', 'OPTIONS'].map((method) => send(port, target, { method, headers })),
      ),
    ),
  );
  for (const { headers: sent } of responses) {
    expect(Object.keys(sent).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  }
  return [...new Set(responses.map(({ status }) => status))];
};

describe('The listeners of a running start', () => {
  test('are the one origin, the CIS2 simulator, five services of AWS and two simulators of APIs', () => {
    expect(listeners.filter(({ port }) => port === front).length).toBeGreaterThan(0);
    expect(listeners.map(({ port }) => port)).toContain(simulator);
    expect(new Set(programsOnly).size).toBe(7);
  });

  test('are reached from this machine alone', () => {
    expect(new Set(listeners.map(({ address }) => address))).toEqual(
      new Set(listeners.length === 10 ? ['127.0.0.1', '::1'] : ['127.0.0.1']),
    );
  });

  test.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: '' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'none' },
  ])('refuse a browser, the pages apart: %j', async (headers) => {
    expect(await statuses(programsOnly, headers)).toEqual([403]);
  });

  test('refuse a page of the one origin too, the pages apart', async () => {
    expect(await statuses(programsOnly, { origin: bff.baseUrl })).toEqual([403]);
  });

  test.each(['https://evil.example', 'null', 'http://127.0.0.1:1', 'https://127.0.0.1', ''])(
    'let the page of another origin do nothing at the CIS2 simulator: %j',
    async (origin) => {
      for (const target of [
        '/control-panel',
        '/control-panel/api/state',
        '/control-panel/api/reset',
        '/openam/sign-in',
        '/openam/sign-in.css',
      ]) {
        for (const method of ['GET', 'POST']) {
          const response = await send(simulator, target, { method, headers: { origin } });
          expect([target, response.status]).toEqual([target, 403]);
        }
      }
      await statuses([simulator], { origin });
    },
  );

  test.each([
    (port: number) => `evil.example:${String(port)}`,
    () => 'evil.example',
    (port: number) => `localhost.evil.example:${String(port)}`,
    (port: number) => `127.0.0.1.evil.example:${String(port)}`,
    (port: number) => `127.0.0.2:${String(port)}`,
    (port: number) => `localhost:${String(port)}@evil.example`,
    (port: number) => `[::1]:${String(port)}.evil.example`,
    (port: number) => `[::2]:${String(port)}`,
  ])('refuse a foreign host: %s', async (host) => {
    for (const { port, address } of listeners) {
      for (const target of [...targets, '/auth/session', '/auth/jwks.json', '/control-panel']) {
        const response = await send(port, target, {
          host: address,
          headers: { host: host(port), 'x-csrf': '1' },
        });
        expect([port, target, response.status]).toEqual([port, target, 404]);
      }
    }
  });

  test.each([
    (port: number) => `127.0.0.1:${String(port)}`,
    (port: number) => `localhost:${String(port)}`,
    (port: number) => `LocalHost:${String(port)}`,
    (port: number) => `[::1]:${String(port)}`,
    (port: number) => `127.0.0.1:0${String(port)}`,
    (port: number) => `localhost:${String(port + 1)}`,
    () => 'localhost',
  ])('respond to a name of this machine: %s', async (host) => {
    const get = async (port: number, target: string) =>
      (await send(port, target, { headers: { host: host(port), 'x-csrf': '1' } })).status;
    expect(await get(front, '/auth/session')).toBe(200);
    for (const port of programsOnly) expect(await get(port, '/')).not.toBe(403);
  });

  test.each([
    (port: number) => `127.0.0.1:${String(port)}`,
    (port: number) => `localhost:${String(port)}`,
    (port: number) => `[::1]:${String(port)}`,
    (port: number) => `127.0.0.1:0${String(port)}`,
  ])('include a simulator of CIS2 that has one address: %s', async (host) => {
    expect((await send(simulator, '/control-panel', { headers: { host: host(simulator) } })).status).toBe(
      200,
    );
    expect((await send(simulator, '/control-panel', { headers: { host: host(simulator + 1) } })).status).toBe(
      404,
    );
  });

  test('let the forms of the CIS2 simulator be sent from its own pages, under either name', async () => {
    for (const name of ['127.0.0.1', 'localhost']) {
      const host = `${name}:${String(simulator)}`;
      const response = await send(simulator, '/control-panel/reset', {
        method: 'POST',
        headers: { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' },
      });
      expect(response.status).toBe(303);
    }
  });
});

test('The control panels keep the path and the header that they had before', async () => {
  const headers = { 'x-lab': '1', 'content-type': 'application/json' };
  for (const port of [simulator, ...programsOnly]) {
    const [now, before] = await Promise.all(
      ['/control-panel/api/reset', '/lab/api/reset'].map((target) =>
        send(port, target, { method: 'POST', headers }),
      ),
    );
    expect([before?.status, before?.body]).toEqual([now?.status, now?.body]);
  }
  const page = await send(simulator, '/lab');
  expect([page.status, page.body]).toEqual([200, expect.stringContaining('Control panel')]);
  expect((await send(simulator, '/laboratory')).status).toBe(404);
});

describe('A path of the app', () => {
  test.each([
    '/patients/john.smith',
    '/document/2.16.840.1.113883',
    '/patients/1',
    '/.well-known/change-password',
  ])('that is a deep link gets its document: %s', async (target) => {
    const response = await send(front, target);
    expect([response.status, response.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  });

  test.each(['/missing.js', '/patients/style.css', '/assets/john.smith', '/robots.TXT'])(
    'that names a static file is 404 where there is none: %s',
    async (target) => {
      expect((await send(front, target)).status).toBe(404);
    },
  );
});

test('Only one module of the local run opens a port', () => {
  const files = readdirSync(path.join(root, 'local'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.join(entry.parentPath, entry.name));
  const opening = files.filter((file) => /\.listen\(|createServer\(/.test(readFileSync(file, 'utf8')));
  expect(opening.map((file) => path.basename(file))).toEqual(['loopback-server.ts']);
});
