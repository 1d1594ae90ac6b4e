/** A page that is told of the end of its session, and how often it asks then. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { problemResponse } from '../../client/testing/index.ts';
import { pass, useClock, waitingTimers } from './clock.ts';
import { TabbedBrowser, type FakeSocket, type Tab, type TabOptions } from './tabs.ts';

useClock();

let browser = new TabbedBrowser();

beforeEach(() => {
  browser = new TabbedBrowser();
});
afterEach(() => {
  browser.close();
  expect(browser.errors).toEqual([]);
});

const path = '/auth/session';

/** A tab that is connected, and has asked because of it. */
async function connected(options: TabOptions = {}): Promise<{ tab: Tab; socket: FakeSocket }> {
  const tab = browser.open({ events: true, ...options });
  await pass(2);
  const [socket, another] = browser.sockets;
  if (socket === undefined || another !== undefined) throw new Error('not one connection');
  browser.count(path);
  return { tab, socket };
}

const isOpen = (socket: FakeSocket | undefined): boolean => socket?.readyState === 1;
const endedByCis2 = (): void => browser.server.set({ status: 'ended', reason: 'provider_logout' });

describe('a connected page', () => {
  test('is connected to its own origin', async () => {
    const { socket } = await connected();
    expect(socket.url).toBe('wss://app.example.nhs.uk/auth/events');
  });

  test('asks when it is connected, and every 30 seconds from then on', async () => {
    browser.open({ events: true });
    await pass(2);
    // At its start, and when it was connected.
    expect(browser.count(path)).toBe(2);
    await pass(27);
    expect(browser.count(path)).toBe(0);
    await pass(270);
    expect(browser.count(path)).toBe(9);
    expect(browser.sockets).toHaveLength(1);
  });

  test.each([
    [15, 20],
    [1, 86],
  ])(
    'asks every %i seconds where the app says so, and never more often than without a connection',
    async (askSeconds, most) => {
      await connected({ events: { askSeconds } });
      await pass(300);
      const count = browser.count(path);
      expect(count).toBeLessThanOrEqual(most);
      expect(count).toBeGreaterThan(most * 0.8);
    },
  );

  test('asks at once when it is told to, whatever the message says', async () => {
    const { tab, socket } = await connected();
    for (const data of ['ask', '', '{"status":"ended"}', new ArrayBuffer(3)]) {
      socket.say(data);
      await pass(0.2);
      expect(browser.count(path)).toBeGreaterThanOrEqual(1);
      expect(tab.status).toBe('active');
    }
    endedByCis2();
    await pass(20);
    expect(tab.status).toBe('active');
    socket.say();
    await pass(0.1);
    expect(tab.state).toMatchObject({ status: 'ended', reason: 'provider_logout' });
  });

  test('asks once more when it is told while an older question is on its way', async () => {
    const { tab, socket } = await connected();
    browser.latency = 1_000;
    socket.say();
    // The server has responded to that request by then.
    await pass(0.7);
    endedByCis2();
    socket.say();
    await pass(3);
    expect(tab.status).toBe('ended');
  });

  test('lets go when the session has ended, and asks no more', async () => {
    const { socket } = await connected();
    endedByCis2();
    socket.say();
    await pass(1);
    expect(isOpen(socket)).toBe(false);
    browser.count(path);
    await pass(120);
    expect(browser.count(path)).toBe(0);
    expect(browser.sockets).toHaveLength(1);
  });

  test('lets go at a sign-out, and when it is stopped', async () => {
    const { tab, socket } = await connected();
    const leaving = tab.bff.signOut();
    await pass(0.5);
    await leaving;
    expect(isOpen(socket)).toBe(false);
    browser.server.set({ status: 'active' });
    const other = browser.open({ events: true });
    await pass(2);
    const second = browser.sockets.at(-1);
    expect(isOpen(second)).toBe(true);
    other.bff.stop();
    tab.bff.stop();
    await pass(0.1);
    expect(isOpen(second)).toBe(false);
    await pass(20);
    expect(waitingTimers()).toBe(0);
  });

  test('lets go while it is hidden, and is connected again when it is seen', async () => {
    const { tab, socket } = await connected();
    tab.hide();
    await pass(0.1);
    expect(isOpen(socket)).toBe(false);
    await pass(300);
    expect(browser.count(path)).toBe(0);
    expect(browser.sockets).toHaveLength(1);
    tab.show();
    await pass(1);
    expect(browser.count(path)).toBeGreaterThan(0);
    expect(isOpen(browser.sockets.at(-1))).toBe(true);
  });

  test('asks before it is connected again: a session that ended meanwhile gets no connection', async () => {
    const { tab } = await connected();
    tab.hide();
    await pass(10);
    browser.server.set({ status: 'ended', reason: 'provider_logout' });
    tab.show();
    await pass(60);
    expect(tab.state.status).toBe('ended');
    expect(browser.sockets).toHaveLength(1);
  });

  test('is connected anew under another cookie: after a change of role, and by another sign-in', async () => {
    const { tab, socket } = await connected();
    const [role] = tab.state.status === 'active' ? tab.state.roles : [];
    const changing = tab.bff.chooseRole(role?.roleId ?? '');
    await pass(2);
    await changing;
    expect([isOpen(socket), browser.sockets.length, isOpen(browser.sockets[1])]).toEqual([false, 2, true]);
    browser.server.set({ status: 'active', handle: 'of another sign-in' });
    browser.sockets[1]?.say();
    await pass(2);
    expect([browser.sockets.length, isOpen(browser.sockets[2])]).toEqual([3, true]);
  });

  test('asks again after a failure as soon as without a connection', async () => {
    const { tab, socket } = await connected();
    browser.respond = () => problemResponse('store_unavailable');
    socket.say();
    await pass(0.5);
    browser.respond = () => undefined;
    endedByCis2();
    browser.count(path);
    await pass(8);
    expect(browser.count(path)).toBe(1);
    expect(tab.status).toBe('ended');
  });
});

describe('without a connection', () => {
  /** How often a tab without any of this asks in 35 seconds. */
  async function usual(): Promise<number> {
    const plain = browser.open();
    await pass(2);
    browser.count(path);
    await pass(35);
    const count = browser.count(path);
    plain.bff.stop();
    return count;
  }

  test('a page asks as often as ever, and tries again after 1 second, then 2, and 60 at most', async () => {
    const often = await usual();
    browser.handleSocket = (socket) => {
      socket.drop();
    };
    browser.open({ events: true });
    await pass(2);
    browser.count(path);
    await pass(35);
    expect(browser.count(path)).toBe(often);
    const started = Date.now();
    const at: number[] = [];
    let seen = browser.sockets.length;
    while (Date.now() - started < 300_000) {
      await pass(1);
      if (browser.sockets.length > seen) at.push(Math.round((Date.now() - started) / 1_000));
      seen = browser.sockets.length;
    }
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(61);
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(60);
    // Within five minutes and a half; at 1, 2, 4, 8, 16, 32 and 60 seconds.
    expect(seen).toBeLessThan(13);
  });

  test('a page that was cut off asks at once, then as often as ever, and is connected again', async () => {
    const { tab, socket } = await connected();
    await pass(10);
    expect(browser.count(path)).toBe(0);
    browser.handleSocket = () => undefined;
    socket.drop();
    await pass(0.1);
    expect(browser.count(path)).toBe(1);
    await pass(20);
    expect(browser.count(path)).toBeGreaterThanOrEqual(5);
    expect(browser.sockets).toHaveLength(2);
    endedByCis2();
    await pass(5);
    expect(tab.status).toBe('ended');
  });

  test('a connection that was long open is made again after one second', async () => {
    const { socket } = await connected();
    for (const minutes of [4, 4, 4]) {
      await pass(minutes * 60);
      (browser.sockets.at(-1) ?? socket).drop();
      const before = browser.sockets.length;
      await pass(2.1);
      expect([minutes, browser.sockets.length]).toEqual([minutes, before + 1]);
    }
  });

  test.each(['locks', 'channel', 'sockets'] as const)(
    'because the browser has no %s, a page asks as often as ever',
    async (lacking) => {
      const often = await usual();
      const tab = browser.open({ events: true, without: [lacking] });
      await pass(2);
      browser.count(path);
      await pass(35);
      expect(browser.count(path)).toBe(often);
      expect(browser.sockets).toEqual([]);
      endedByCis2();
      await pass(5);
      expect(tab.status).toBe('ended');
    },
  );

  test('nobody is listened for whose session is over, or who never signed in', async () => {
    browser.server.set({ status: 'anonymous' });
    browser.open({ events: true });
    await pass(60);
    expect(browser.sockets).toEqual([]);
    expect(browser.count(path)).toBe(1);
  });
});

describe('of several tabs', () => {
  test('one is connected, all hear, and together they ask every 30 seconds', async () => {
    const { tab, socket } = await connected();
    const others = [browser.open({ events: true }), browser.open({ events: true })];
    await pass(40);
    browser.count(path);
    await pass(300);
    expect(browser.count(path)).toBeLessThanOrEqual(11);
    expect(browser.sockets).toHaveLength(1);
    endedByCis2();
    socket.say();
    await pass(0.2);
    expect([tab, ...others].map(({ status }) => status)).toEqual(['ended', 'ended', 'ended']);
  });

  test('another is connected when the first is hidden, and knows of what happened between', async () => {
    const { tab, socket } = await connected();
    const other = browser.open({ events: true });
    await pass(40);
    tab.hide();
    endedByCis2();
    await pass(2);
    expect(isOpen(socket)).toBe(false);
    expect(other.status).toBe('ended');
  });

  test('one of an older release, which hears nothing of connections, asks for itself', async () => {
    await connected();
    const older = browser.open();
    await pass(20);
    endedByCis2();
    await pass(10);
    expect(older.status).toBe('ended');
  });
});
