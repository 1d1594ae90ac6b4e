/** A page of one's own from a development server, on an origin that a proxy in front has. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chromium, type Browser as Chromium, type Page } from 'playwright-core';
import { Bff } from '../support/bff.ts';
import { Browser } from '../support/browser.ts';
import { browserArguments, findShell } from '../support/chromium.ts';
import { signInAtSimulator } from '../support/simulator-sign-in.ts';

const root = path.resolve(import.meta.dirname, '../..');

let directory: string;
let proxy: net.Server;
let vite: ChildProcess;
let bff: Bff;
let chromiumBrowser: Chromium;
let page: Page;
const complaints: string[] = [];

const write = (name: string, text: string): void => {
  writeFileSync(path.join(directory, name), text);
};
const listening = async (server: net.Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as net.AddressInfo).port;
};

beforeAll(async () => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'page-'));
  write(
    'index.html',
    '<!doctype html><html><head><title>Own page</title><link rel="icon" href="/icon.svg"></head><body><script type="module" src="/main.js"></script></body></html>',
  );
  write(
    'main.js',
    "import './style.css';\nimport { text } from './text.js';\ndocument.body.dataset.text = text;\nimport.meta.hot.accept('./text.js', (changed) => { document.body.dataset.text = changed.text; });\n",
  );
  write('icon.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>');
  write('text.js', "export const text = 'before';\n");
  write('style.css', 'body { color: rgb(1, 2, 3); }\n');
  // What a framework's plugin does: a script in the page itself.
  write(
    'vite.config.js',
    "export default { plugins: [{ name: 'preamble', transformIndexHtml: () => [{ tag: 'script', attrs: { type: 'module' }, children: 'globalThis.preamble = true;' }] }] };\n",
  );

  // Nobody listens there yet: what holds the port cuts every connection, and says that one came.
  const holder = net.createServer((socket) => socket.resetAndDestroy());
  const vitePort = await listening(holder);
  let bffPort = 0;
  proxy = net.createServer((socket) => {
    const upstream = net.connect(bffPort, '127.0.0.1');
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  const proxyPort = await listening(proxy);
  const tried = once(holder, 'connection');
  const starting = Bff.start({
    'base-url': `http://localhost:${String(proxyPort)}`,
    spa: `http://127.0.0.1:${String(vitePort)}`,
    'log-format': 'pretty',
  });
  await Promise.race([tried, starting]);
  await new Promise((resolve) => holder.close(resolve));
  vite = spawn(
    process.execPath,
    [
      path.join(root, 'node_modules/vite/bin/vite.js'),
      '--host',
      '127.0.0.1',
      '--port',
      String(vitePort),
      '--strictPort',
    ],
    { cwd: directory, stdio: 'ignore', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  bff = await starting;
  bffPort = Number(/Proxy to +http:\/\/localhost:(\d+)/.exec(bff.output)?.[1]);

  chromiumBrowser = await chromium.launch({ executablePath: findShell() ?? '', args: browserArguments });
  page = await chromiumBrowser.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
}, 90_000);
afterAll(async () => {
  await chromiumBrowser.close();
  vite.kill();
  await bff.stop();
  proxy.close();
  rmSync(directory, { recursive: true });
});

/** Evaluated by the debugger: the page's policy lets nobody evaluate text. */
const state =
  '({ text: document.body.dataset.text, color: getComputedStyle(document.body).color, preamble })';

/** Waits until the page is as it should be; fails with what it is after ten seconds. */
async function becomes(wanted: object): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found: unknown = await page.evaluate(state).catch(() => undefined);
    if (JSON.stringify(found) === JSON.stringify(wanted) || Date.now() > deadline) {
      expect(found).toEqual(wanted);
      return;
    }
    await sleep(20);
  }
}

describe('A page from a development server', () => {
  test('that is not up yet is waited for, in one line', () => {
    expect(
      bff.output.match(/^waiting for the development server http:\/\/127\.0\.0\.1:\d+ .*$/gm),
    ).toHaveLength(1);
    expect(bff.output).toMatch(/^the development server http:\/\/127\.0\.0\.1:\d+ is up$/m);
  });

  test('runs with its inline scripts and styles under a policy without unsafe sources, and reloads hot', async () => {
    const response = await page.goto(`${bff.baseUrl}/patients/john.smith`);
    await becomes({ text: 'before', color: 'rgb(1, 2, 3)', preamble: true });

    const policy = (await response?.allHeaders())?.['content-security-policy'] ?? '';
    expect(policy).not.toContain('unsafe');
    expect(policy).toContain("default-src 'self'");
    expect(policy).toMatch(/script-src 'self' 'sha256-[^']+'(?:;|$)/);
    expect(policy).toMatch(/style-src 'self' 'nonce-[^']+'(?:;|$)/);
    expect(bff.output.match(/the page's Content-Security-Policy lets in inline code/g)).toHaveLength(1);

    write('text.js', "export const text = 'after';\n");
    write('style.css', 'body { color: rgb(4, 5, 6); }\n');
    await becomes({ text: 'after', color: 'rgb(4, 5, 6)', preamble: true });
    expect(complaints).toEqual([]);
  });

  test('has the response headers of a deployment, and none that lets other origins in', async () => {
    for (const target of ['/', '/main.js', '/@vite/client']) {
      const { headers, status } = await fetch(bff.baseUrl + target, {
        headers: { origin: 'http://localhost:1' },
      });
      expect([target, status]).toEqual([target, 200]);
      expect(Object.fromEntries(headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'permissions-policy': expect.any(String),
      });
      expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });

  const handshake = async (headers: Record<string, string>, target = '/'): Promise<string> => {
    const socket = net.connect(Number(new URL(bff.baseUrl).port), '127.0.0.1');
    const lines = {
      host: new URL(bff.baseUrl).host,
      connection: 'Upgrade',
      upgrade: 'websocket',
      ...headers,
    };
    socket.write(
      [`GET ${target} HTTP/1.1`, ...Object.entries(lines).map((field) => field.join(': ')), '', ''].join(
        '\r\n',
      ),
    );
    const [first] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return first.toString().split('\r\n', 1)[0] ?? '';
  };

  test.each([{ origin: 'https://evil.example' }, { origin: 'null' }, { host: 'evil.example' }])(
    'opens no WebSocket to %j',
    async (headers) => {
      expect(await handshake(headers)).toBe('HTTP/1.1 403 Forbidden');
    },
  );

  test('opens no WebSocket under the prefixes of the functions', async () => {
    expect(await handshake({ origin: bff.baseUrl }, '/auth/session')).toBe('HTTP/1.1 400 Bad Request');
  });
});

describe('A base URL of its own', () => {
  test('is what the ready line, the redirect URI, the guards and the published addresses say', async () => {
    const browser = new Browser(bff.baseUrl);
    const { request } = await browser.login();
    expect(request.get('redirect_uri')).toBe(`${bff.baseUrl}/auth/callback`);
    expect((await signInAtSimulator(browser, '900000000001')).status).toBe(303);
    expect((await browser.session()).status).toBe('active');
    const own = /Proxy to +(\S+)/.exec(bff.output)?.[1] ?? '';
    expect(own).not.toBe(bff.baseUrl);
    expect((await browser.api('/auth/session', { headers: { origin: own } })).status).toBe(403);
    const state = path.join(root, 'build/local', `${new URL(own).port}.json`);
    expect(JSON.parse(readFileSync(state, 'utf8'))).toMatchObject({
      baseUrl: bff.baseUrl,
      outputs: { JwksUrl: `${bff.baseUrl}/auth/jwks.json` },
    });
  });
});

describe('The log for people', () => {
  test('has one short line a request, and nothing for the machine', async () => {
    const before = bff.output.length;
    await new Browser(bff.baseUrl).request('/auth/sessions');
    const lines = (): string[] => bff.output.slice(before).split('\n');
    while (!lines().some((line) => line.includes('/auth/sessions '))) await sleep(10);
    const requests = lines().filter((line) => line.includes('GET /auth/sessions '));
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatch(
      /^\d\d:\d\d:\d\d {2}403 {2}GET \/auth\/sessions {2}\d+ ms {2}reference=\S+ {2}code=csrf_rejected$/,
    );
    expect(bff.output).not.toContain('{"');
  });

  test('says the addresses again before they are out of sight', async () => {
    const addresses = () =>
      bff.output.split('\n').filter((line) => line.startsWith(`  Open ${bff.baseUrl}  ·  Panel http`));
    const before = addresses().length;
    for (let count = 0; count < 40; count += 1) await new Browser(bff.baseUrl).api('/auth/session');
    while (addresses().length < before + 2) await sleep(10);
  });
});
