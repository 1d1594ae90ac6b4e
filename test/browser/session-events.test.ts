/** The demo, which is told when a session has ended, in a browser. */
import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { sideBySide } from '../support/side-by-side.ts';
import { heading, refuseEvents, signIn } from './rig.ts';
import { useRig } from './use-rig.ts';

const rig = await useRig();
rig.hasEvents = true;

const ending = 'You were signed out because your Care Identity session ended';
/** CIS2's logout, and the page that shows nobody any more. */
const coveredWithinMs = 5_000;

/** What a page sent and what it listened to, from now on. */
function watch(tab: Page): { questions: number; connections: number; messages: string[] } {
  const seen = { questions: 0, connections: 0, messages: [] as string[] };
  tab.on('request', (request) => {
    if (new URL(request.url()).pathname === '/auth/session') seen.questions += 1;
  });
  tab.on('websocket', (socket) => {
    if (new URL(socket.url()).pathname !== '/auth/events') return;
    seen.connections += 1;
    socket.on('framereceived', ({ payload }) => seen.messages.push(payload.toString()));
  });
  return seen;
}

const connected = (tab: Page): Promise<unknown> =>
  tab.waitForEvent('websocket', {
    predicate: (socket) => new URL(socket.url()).pathname === '/auth/events',
    timeout: 20_000,
  });

sideBySide('while time passes', {
  'ten smartcards are pulled, and each page is covered within five seconds, and asked only a few times':
    async () => {
      const times: number[] = [];
      const questions: number[] = [];
      for (let pull = 0; pull < 10; pull += 1) {
        const { tab, profile } = await rig.visitor();
        const seen = watch(tab);
        const listening = connected(tab);
        await signIn(tab, 'Amara Okafor');
        await listening;
        // The first two times for longer than a page without a connection waits between two questions.
        await tab.waitForTimeout(pull < 2 ? 4_500 : 500);
        const covered = heading(tab, ending);
        const pulledAt = performance.now();
        await rig.controlPanel('pull', { uid: '900000000001' });
        await covered;
        times.push(Math.round(performance.now() - pulledAt));
        questions.push(seen.questions);
        expect(seen.messages).toEqual(['ask']);
        tab.removeAllListeners();
        profile.forgive(/status of 401/);
      }
      process.stdout.write(
        `\npull to covered page: ${times.toSorted((one, other) => one - other).join(', ')} ms;` +
          ` questions of each page: ${questions.join(', ')}\n`,
      );
      expect(Math.max(...times)).toBeLessThan(coveredWithinMs);
      // At its start, when it is connected, and when it is told, twice.
      expect(Math.max(...questions)).toBeLessThanOrEqual(6);
    },

  'a page that is connected asks four times a minute, as the demo wants it, and its connection is not one that the policy stops':
    async () => {
      const tab = await (await rig.profile()).tab();
      const listening = connected(tab);
      await signIn(tab, 'Devika Shah');
      await listening;
      await tab.waitForTimeout(2_000);
      const seen = watch(tab);
      await tab.waitForTimeout(20_000);
      // Without a connection it would be five or six.
      expect(seen.questions).toBeLessThanOrEqual(2);
      expect(seen.connections).toBe(0);
    },

  'where the connection is refused, the page asks, and is covered within the same time': async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await refuseEvents(tab);
    await signIn(tab, 'Ines Duarte');
    await tab.waitForTimeout(4_500);
    const seen = watch(tab);
    const covered = heading(tab, ending);
    const pulledAt = performance.now();
    await rig.controlPanel('pull', { uid: '900000000009' });
    await covered;
    expect(performance.now() - pulledAt).toBeLessThan(coveredWithinMs + 1_000);
    expect(seen.messages).toEqual([]);
    profile.forgive(/status of 401|WebSocket/);
  },

  'of two tabs one is connected, and both are covered': async () => {
    const profile = await rig.profile();
    const [tab, other] = [await profile.tab(), await profile.tab()];
    const [seen, seenToo] = [watch(tab), watch(other)];
    await signIn(tab, 'Jonah Adler', '/sessions');
    await other.goto('/sessions');
    await heading(other, /./);
    await tab.waitForTimeout(4_000);
    expect(seen.connections + seenToo.connections).toBeGreaterThanOrEqual(1);
    await rig.controlPanel('pull', { uid: '900000000011' });
    await Promise.all([heading(tab, ending), heading(other, ending)]);
    expect([...seen.messages, ...seenToo.messages]).toEqual(['ask']);
    profile.forgive(/status of 401/);
  },
});
