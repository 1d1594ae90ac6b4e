/** The Vite plugin, with a real development server before a server that stands for the BFF. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawn, type ChildProcess } from 'node:child_process';
import http, { type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bff } from '../../vite/index.ts';

const seen: { method: string; url: string; headers: IncomingHttpHeaders }[] = [];
const standIn = http.createServer((request, response) => {
  seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"anonymous"}');
});
const started: ChildProcess[] = [];
/** What the development servers print, besides where they listen. */
let printed = '';
let root: string;
let port: number;
let target: string;

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

/** Gives the port of a development server before the BFF at this address. */
const startVite = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'vite-server.ts'), root, url], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.push(child);
    child.stderr.on('data', (text: Buffer) => {
      printed += text.toString();
    });
    child.once('error', reject);
    child.once('exit', () => {
      reject(new Error(`Vite did not start: ${printed}`));
    });
    child.stdout.once('data', (line: Buffer) => {
      resolve((JSON.parse(line.toString()) as AddressInfo).port);
    });
  });

/** `fetch` sends no Host, Origin or Sec-Fetch header of one's choosing. */
function send(
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    http
      .request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      })
      .once('error', reject)
      .end();
  });
}

beforeAll(async () => {
  await new Promise<void>((resolve) => standIn.listen(0, '127.0.0.1', resolve));
  target = `http://localhost:${String(portOf(standIn))}`;
  root = mkdtempSync(join(tmpdir(), 'vite-plugin-'));
  writeFileSync(join(root, 'index.html'), '<!doctype html><title>A page of an app</title>');
  port = await startVite(target);
});
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  standIn.close();
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  seen.length = 0;
});

const ownHost = (): string => `localhost:${String(port)}`;

describe('a page that Vite serves', () => {
  test.each(['/auth/session', '/api/pds/Patient?family=x', '/auth', '/api'])(
    'reaches the BFF at %s',
    async (path) => {
      const { body } = await send(path, { host: ownHost() });
      expect([body, seen[0]?.url]).toEqual(['{"status":"anonymous"}', path]);
    },
  );

  test.each(['/', '/authors', '/apiary/1'])('is served by Vite at %s', async (path) => {
    const { body } = await send(path, { host: ownHost(), accept: 'text/html' });
    expect(body).toContain('A page of an app');
    expect(seen).toEqual([]);
  });

  test('may write: the BFF sees its own origin, and where the browser is', async () => {
    await send('/auth/session/extend', { host: ownHost(), origin: `http://${ownHost()}` }, 'POST');
    expect(seen[0]?.headers).toMatchObject({
      origin: target,
      host: new URL(target).host,
      'x-forwarded-host': ownHost(),
      'x-forwarded-proto': 'http',
    });
  });

  test('lends its origin to no other page', async () => {
    await send('/auth/session/extend', { host: ownHost(), origin: 'https://evil.example' }, 'POST');
    expect(seen[0]?.headers.origin).toBe('https://evil.example');
  });

  test('moves to the host name that the cookies are for', async () => {
    const { status, headers } = await send('/ward/7?x=1', {
      host: `127.0.0.1:${String(port)}`,
      'sec-fetch-dest': 'document',
    });
    expect([status, headers.location]).toEqual([307, `http://${ownHost()}/ward/7?x=1`]);
  });

  test('leads nobody away from the address of a server in front', async () => {
    const { status } = await send('/ward/7', {
      host: `127.0.0.1:${String(port)}`,
      'x-forwarded-host': 'localhost:3000',
      'sec-fetch-dest': 'document',
      accept: 'text/html',
    });
    expect(status).toBe(200);
  });
});

test('says how to start the BFF when none responds', async () => {
  const unused = http.createServer();
  await new Promise<void>((resolve) => unused.listen(0, '127.0.0.1', resolve));
  const gone = portOf(unused);
  await new Promise((resolve) => unused.close(resolve));
  const other = await startVite(`http://localhost:${String(gone)}`);
  for (const path of ['/auth/session', '/api/pds/Patient']) {
    const response = await fetch(`http://127.0.0.1:${String(other)}${path}`);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('npx cis2-bff dev');
  }
  expect(printed.match(/No BFF answers at/g)).toHaveLength(1);
});

test.each(['localhost:3000', 'ftp://localhost', 'http://localhost:3000/path', ''])(
  'refuses %j as the address of a BFF',
  (url) => {
    expect(() => bff({ url })).toThrow(/url must be an origin/);
  },
);
