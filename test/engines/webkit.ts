/** WebKitGTK's MiniBrowser over classic WebDriver, on a display of its own that nobody sees. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine, Profile, Tab } from './engine.ts';

export const findMiniBrowser = (): string | undefined =>
  globSync('/usr/{lib,libexec}/{*/,}webkit2gtk-4.*/MiniBrowser')[0];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Calls one after the other: which window a call is for is a state of the session. */
type Send = <T>(method: string, path: string, body?: object, window?: string) => Promise<T>;

/**
 * What the page has complained of since it was first looked at: the classic protocol does not tell of the console. What comes
 * before the first look, or after the last one, is lost.
 */
const told = `(window.toldToTest ??= (() => {
  const told = [];
  const { error } = console;
  console.error = (...values) => { told.push('console: ' + values.join(' ')); error(...values); };
  addEventListener('error', ({ message }) => told.push('uncaught: ' + message));
  addEventListener('unhandledrejection', ({ reason }) => told.push('uncaught: ' + reason));
  addEventListener('securitypolicyviolation', (event) =>
    told.push('CSP ' + event.violatedDirective + ' ' + event.blockedURI));
  return told;
})())`;

function tabOf(send: Send, handle: string, complaints: string[]): Tab {
  return {
    goto: (url) => send('POST', '/url', { url }, handle),
    travel: (steps) => send('POST', steps < 0 ? '/back' : '/forward', {}, handle),
    async evaluate<T>(expression: string) {
      const script = `const told = ${told}; return JSON.stringify({ value: ${expression}, told: told.splice(0) })`;
      const text = await send<string>('POST', '/execute/sync', { script, args: [] }, handle);
      const response = JSON.parse(text) as { value: T; told: string[] };
      complaints.push(...response.told);
      return response.value;
    },
    perform: (actions) => send('POST', '/actions', { actions }, handle),
  };
}

export async function startWebKit(): Promise<Engine> {
  // MiniBrowser has no mode without a display. The server says on file descriptor 3 which one it took.
  const display = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const [number] = (await once(display.stdio[3] as NodeJS.ReadableStream, 'data')) as [Buffer];
  const port = await freePort();
  const driver = spawn('WebKitWebDriver', ['--host=127.0.0.1', `--port=${String(port)}`], {
    stdio: 'ignore',
    env: { ...process.env, DISPLAY: `:${number.toString().trim()}` },
  });

  process.once('exit', () => {
    driver.kill();
    display.kill();
  });

  const call = async <T>(method: string, address: string, body?: object): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${String(port)}${address}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    const { value } = (await response.json()) as { value: T & { message?: string } };
    if (!response.ok) throw new Error(`${address}: ${String(value.message)}`);
    return value;
  };
  const options = { binary: findMiniBrowser(), args: ['--automation'] };
  const startSession = () =>
    call<{ sessionId: string; capabilities: { browserVersion: string } }>('POST', '/session', {
      capabilities: {
        alwaysMatch: { acceptInsecureCerts: true, 'webkitgtk:browserOptions': options },
      },
    });
  for (let tries = 0; tries < 100; tries += 1) {
    if (await call('GET', '/status').catch(() => undefined)) break;
    await sleep(50);
  }
  let first: Awaited<ReturnType<typeof startSession>> | undefined = await startSession();
  return {
    name: 'WebKitGTK',
    version: first.capabilities.browserVersion,
    /** A session is a browser process: one at a time. */
    async profile(): Promise<Profile> {
      const { sessionId } = first ?? (await startSession());
      first = undefined;
      const complaints: string[] = [];
      let queue: Promise<unknown> = Promise.resolve();
      const send: Send = <T>(method: string, address: string, body?: object, window?: string) => {
        const turn = queue.then(async () => {
          const session = `/session/${sessionId}`;
          if (window !== undefined) await call('POST', `${session}/window`, { handle: window });
          return call<T>(method, session + address, body);
        });
        queue = turn.catch(() => undefined);
        return turn;
      };
      let handle: string | undefined = await send<string>('GET', '/window');
      return {
        async tab() {
          const mine =
            handle ?? (await send<{ handle: string }>('POST', '/window/new', { type: 'window' })).handle;
          handle = undefined;
          return tabOf(send, mine, complaints);
        },
        async clearCookies() {
          await send('DELETE', '/cookie');
        },
        complaints: () => Promise.resolve(complaints),
        async close() {
          await call('DELETE', `/session/${sessionId}`);
        },
      };
    },
    async close() {
      if (first) await call('DELETE', `/session/${first.sessionId}`).catch(() => undefined);
      const gone = Promise.all([driver, display].map((child) => once(child, 'exit')));
      driver.kill();
      display.kill();
      await gone;
    },
  };
}
