/** `/auth/events`: a page is told to ask when its session has ended. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { ops } from '../ops/command.ts';
import { sessionCookie, type Browser } from '../support/browser.ts';
import { useProxyRig } from '../support/proxy-rig.ts';
import { rawRequest } from '../support/raw-http.ts';
import { useSharedRig } from '../support/rig.ts';
import { expectSignedIn } from './expectations.ts';
import { logoutToken, newUser, postLogout, signsIn } from './logout-tokens.ts';

const path = '/auth/events';
/** What the table's stream and its function may take here, on a busy machine. */
const maxDeliveryMs = 2_000;

type Headers = Readonly<Record<string, string | string[]>>;

/** One connection of a page, and the messages on it. */
interface Listening {
  readonly messages: string[];
  readonly close: () => void;
  /** The first message, and how long it took to come from now on; fails when none comes in time. */
  readonly firstMessage: () => Promise<{ message: string; milliseconds: number }>;
}

// The product may be shared, and outlives this file: a connection that was left open would keep the worker from ending.
const sockets = new Set<WebSocket>();
afterAll(() => {
  for (const socket of sockets) socket.terminate();
});
const openSocket = (baseUrl: string, target: string, headers: Headers): WebSocket => {
  const socket = new WebSocket(`ws://${new URL(baseUrl).host}${target}`, { headers });
  sockets.add(socket);
  return socket;
};

/** @returns the connection, or the status of the refusal */
const connect = (baseUrl: string, headers: Headers, target = path): Promise<Listening | number> =>
  new Promise((resolve, reject) => {
    const socket = openSocket(baseUrl, target, headers);
    const messages: string[] = [];
    let wake: (() => void) | undefined;
    socket.on('message', (data: Buffer) => {
      messages.push(data.toString());
      wake?.();
    });
    socket.on('open', () => {
      resolve({
        messages,
        close: () => {
          socket.close();
        },
        firstMessage: async () => {
          const from = performance.now();
          const came = new Promise<void>((come) => {
            if (messages.length > 0) come();
            else wake = come;
          });
          await Promise.race([came, sleep(maxDeliveryMs)]);
          const [message] = messages;
          if (message === undefined) throw new Error(`nothing came within ${String(maxDeliveryMs)} ms`);
          return { message, milliseconds: performance.now() - from };
        },
      });
    });
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.on('error', reject);
  });

describe('a page that listens', () => {
  const rig = useSharedRig();

  const signedIn = async (user = newUser(), sid = randomUUID()): Promise<Browser> => {
    signsIn(rig.provider, user, sid);
    const browser = rig.browser();
    await expectSignedIn(browser, await browser.signIn(rig.provider));
    return browser;
  };
  const cookieOf = (browser: Browser): string =>
    `${sessionCookie}=${browser.cookies.get(sessionCookie) ?? ''}`;
  const headersOf = (browser: Browser, others: Headers = {}): Headers => ({
    origin: rig.bff.baseUrl,
    cookie: cookieOf(browser),
    ...others,
  });
  const listen = async (browser: Browser, others: Headers = {}): Promise<Listening> => {
    const connected = await connect(rig.bff.baseUrl, headersOf(browser, others));
    if (typeof connected === 'number') throw new Error(`refused with ${String(connected)}`);
    return connected;
  };

  test('is told to ask, and nothing else, when CIS2 ends the session, within two seconds', async () => {
    const times: number[] = [];
    for (let run = 0; run < 5; run += 1) {
      const [user, sid] = [newUser(), randomUUID()];
      const browser = await signedIn(user, sid);
      const listening = await listen(browser);
      const delivery = listening.firstMessage();
      const token = await logoutToken(rig.provider, { sub: user, sid });
      expect((await postLogout(rig.bff.baseUrl, token)).status).toBe(200);
      const { message, milliseconds } = await delivery;
      expect(message).toBe('ask');
      times.push(Math.round(milliseconds));
      expect(await browser.session()).toEqual({ status: 'ended', reason: 'provider_logout' });
      listening.close();
    }
    process.stdout.write(`\nlogout by CIS2 to message, with the logout itself: ${times.join(', ')} ms\n`);
  });

  test.each([
    ['the person signs out', (browser: Browser) => browser.api('/auth/logout', { method: 'POST' })],
    [
      'the person ends it on another device',
      async (browser: Browser, user: string) => {
        const other = await signedIn(user);
        const { handle } = await browser.session();
        expect((await other.api(`/auth/sessions/${handle}`, { method: 'DELETE' })).status).toBe(204);
      },
    ],
    [
      'an operator ends it',
      async (_browser: Browser, user: string) => {
        const { port } = new URL(rig.bff.baseUrl);
        const { code } = await ops(['sessions', 'end', '--uid', user, '--yes', '--local', port]);
        expect(code).toBe(0);
      },
    ],
    [
      'the same browser signs in anew',
      async (browser: Browser) => {
        await expectSignedIn(browser, await browser.signIn(rig.provider));
      },
    ],
  ])('is told as well when %s', async (_what, end) => {
    const user = newUser();
    const browser = await signedIn(user);
    const listening = await listen(browser);
    await end(browser, user);
    expect((await listening.firstMessage()).message).toBe('ask');
    listening.close();
  });

  test('hears nothing of anything but its end', async () => {
    const user = newUser();
    const browser = await signedIn(user);
    const listening = await listen(browser);
    await browser.api('/auth/session/extend', { method: 'POST' });
    const other = await signedIn(user);
    await other.api('/auth/logout', { method: 'POST' });
    await sleep(500);
    expect(listening.messages).toEqual([]);
    await browser.api('/auth/logout', { method: 'POST' });
    expect((await listening.firstMessage()).message).toBe('ask');
    await sleep(300);
    expect(listening.messages).toEqual(['ask']);
  });

  test('gives way to the next one of the same session', async () => {
    const browser = await signedIn();
    const [first, second] = [await listen(browser), await listen(browser)];
    await browser.api('/auth/logout', { method: 'POST' });
    expect((await second.firstMessage()).message).toBe('ask');
    expect(first.messages).toEqual([]);
    first.close();
    second.close();
  });

  test('that has gone is no failure', async () => {
    const browser = await signedIn();
    const before = rig.bff.log.filter(({ event }) => event === 'session_ends_pushed').length;
    (await listen(browser)).close();
    await sleep(200);
    await browser.api('/auth/logout', { method: 'POST' });
    await sleep(500);
    const logged = rig.bff.log.filter(({ event }) => event === 'session_ends_pushed').slice(before);
    expect(logged).toEqual([expect.objectContaining({ sent: 0, gone: 1, failed: 0 })]);
  });

  test('extends no session: neither by connecting nor by being connected', async () => {
    const browser = await signedIn();
    const before = await browser.session();
    await sleep(1_100);
    const listening = await listen(browser);
    expect((await browser.session()).expires).toEqual(before.expires);
    listening.close();
  });

  test('can say nothing that anybody listens to', async () => {
    const browser = await signedIn();
    const socket = openSocket(rig.bff.baseUrl, path, headersOf(browser));
    await new Promise((resolve) => socket.once('open', resolve));
    const response = new Promise<Buffer>((resolve) => socket.once('message', resolve));
    socket.send('{"action":"sendmessage"}');
    expect(JSON.parse((await response).toString())).toMatchObject({ message: 'Forbidden' });
    socket.terminate();
  });

  describe('is refused', () => {
    const refusals: readonly (readonly [string, number, (browser: Browser) => Headers])[] = [
      ['from another site', 403, (b) => headersOf(b, { origin: 'https://evil.example' })],
      ['from another port of this machine', 403, (b) => headersOf(b, { origin: 'http://localhost:1' })],
      ['from no page', 403, (b) => ({ cookie: cookieOf(b) })],
      ['of an opaque origin', 403, (b) => headersOf(b, { origin: 'null' })],
      ['that a browser calls cross-site', 403, (b) => headersOf(b, { 'sec-fetch-site': 'cross-site' })],
      ['without a cookie', 401, () => ({ origin: rig.bff.baseUrl })],
      ['with a cookie that was never ours', 401, (b) => headersOf(b, { cookie: `${sessionCookie}=never` })],
      [
        'with the cookie of no session',
        401,
        (b) => headersOf(b, { cookie: `${sessionCookie}=${'A'.repeat(86)}` }),
      ],
      ['with the cookie twice', 400, (b) => headersOf(b, { cookie: `${cookieOf(b)}; ${cookieOf(b)}` })],
      ['under another name for this machine', 403, (b) => headersOf(b, { host: 'evil.example' })],
    ];
    test.each(refusals)('%s: %i [ASVS-4.4.2]', async (_what, status, headers) => {
      expect(await connect(rig.bff.baseUrl, headers(await signedIn()))).toBe(status);
    });

    test('after the end of its session, and with the cookie of before a change of role', async () => {
      const browser = await signedIn();
      const before = headersOf(browser);
      const { roles } = await browser.session();
      const [role] = roles;
      const changed = await browser.api('/auth/session/role', {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ roleId: role?.['roleId'] }),
      });
      expect(changed.status).toBe(200);
      expect(await connect(rig.bff.baseUrl, before)).toBe(401);
      const after = headersOf(browser);
      (await listen(browser)).close();
      await browser.api('/auth/logout', { method: 'POST' });
      expect(await connect(rig.bff.baseUrl, after)).toBe(401);
    });

    test('on any other path, and without an upgrade', async () => {
      const browser = await signedIn();
      for (const target of ['/auth/events/', '/auth/event', '/auth/session', '/api/events']) {
        expect([target, await connect(rig.bff.baseUrl, headersOf(browser), target)]).toEqual([target, 400]);
      }
      const response = await rawRequest(rig.bff.baseUrl, path, { headers: [['Cookie', cookieOf(browser)]] });
      expect(response.status).toBe(403);
    });
  });

  test('leaves its cookie in no log, and a line for each connection', async () => {
    const browser = await signedIn();
    (await listen(browser)).close();
    expect(await connect(rig.bff.baseUrl, headersOf(browser, { origin: 'https://evil.example' }))).toBe(403);
    await sleep(200);
    const lines = rig.bff.log.filter(({ function: name }) => String(name).includes('session-events'));
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'request', route: 'GET /auth/events', status: 200 }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'request_refused', guard: 'origin', audit: true }),
    );
    expect(rig.bff.output).not.toContain(browser.cookies.get(sessionCookie));
  });
});

describe('with a store of somebody else’s, which has no stream here', () => {
  const rig = useProxyRig();

  test('every page is refused with 503, and can ask', async () => {
    const browser = rig.browser();
    await expectSignedIn(browser, await browser.signIn(rig.provider));
    const cookie = `${sessionCookie}=${browser.cookies.get(sessionCookie) ?? ''}`;
    expect(await connect(rig.bff.baseUrl, { origin: rig.bff.baseUrl, cookie })).toBe(503);
    expect((await browser.session()).status).toBe('active');
  });
});
