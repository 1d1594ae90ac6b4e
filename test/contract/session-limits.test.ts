/** The time limits of a session, with short ones: six seconds idle, ten in all. */
import { expect } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, SessionJson } from '../support/browser.ts';
import { useRig } from '../support/rig.ts';
import { sideBySide } from '../support/side-by-side.ts';
import { expectProblem, expectSignedIn, read } from './expectations.ts';

const rig = useRig({ 'idle-seconds': 6, 'absolute-seconds': 10 });

async function signIn(): Promise<{ browser: Browser; session: SessionJson }> {
  const browser = rig.browser();
  return { browser, session: await expectSignedIn(browser, await browser.signIn(rig.provider)) };
}

const until = (instant: string): Promise<void> => sleep(Math.max(0, Date.parse(instant) - Date.now() + 20));

const extend = async (browser: Browser): Promise<SessionJson> => {
  const response = await browser.api('/auth/session/extend', { method: 'POST' });
  expect(response.status).toBe(200);
  return (await response.json()) as SessionJson;
};

sideBySide('while time passes', {
  'an idle session ends after its limit, however often it is looked at, and stays ended [CIS2-SES-005, ASVS-7.3.1]':
    async () => {
      const { browser, session } = await signIn();
      let reads = 0;
      while (Date.now() < Date.parse(session.expires.idleAt) - 250) {
        const seen = await browser.session();
        // On a busy machine the response may come when the limit is past.
        if (Date.now() < Date.parse(session.expires.idleAt)) {
          expect([seen.status, seen.expires.idleAt]).toEqual(['active', session.expires.idleAt]);
        }
        reads += 1;
        await sleep(200);
      }
      expect(reads).toBeGreaterThan(1);

      await until(session.expires.idleAt);
      const ended = { status: 'ended', reason: 'idle' };
      expect(await browser.session()).toEqual(ended);
      const late = await browser.api('/auth/session/extend', { method: 'POST' });
      expectProblem(await read(late), 401, 'session_ended', { reason: 'idle', loginUrl: '/auth/login' });
      const out = await browser.api('/auth/logout', { method: 'POST' });
      expect([out.status, out.headers.getSetCookie()]).toEqual([200, []]);
      expect(await browser.session()).toEqual(ended);

      // It ended of being idle, whatever would have come later.
      await until(session.expires.absoluteAt);
      expect(await browser.session()).toEqual(ended);
    },

  'extending moves the idle limit, and the session lives beyond what it was': async () => {
    const { browser, session } = await signIn();
    await sleep(1500);
    const extended = await extend(browser);
    expect(Date.parse(extended.expires.idleAt)).toBeGreaterThan(Date.parse(session.expires.idleAt));
    expect(extended.expires.absoluteAt).toBe(session.expires.absoluteAt);
    expect(extended.handle).toBe(session.handle);
    await until(session.expires.idleAt);
    expect((await browser.session()).status).toBe('active');
  },

  'the absolute limit ends a session that is never idle, and says so beforehand [CIS2-SES-007, ASVS-7.3.2]':
    async () => {
      const { browser, session } = await signIn();
      let last = session;
      while (Date.now() < Date.parse(session.expires.absoluteAt) - 600) {
        last = await extend(browser);
        await sleep(400);
      }
      expect(last.expires).toMatchObject({
        bindingLimit: 'absolute',
        at: session.expires.absoluteAt,
        absoluteAt: session.expires.absoluteAt,
      });
      await until(session.expires.absoluteAt);
      expect(await browser.session()).toEqual({ status: 'ended', reason: 'absolute' });
      const late = await browser.api('/auth/session/extend', { method: 'POST' });
      expectProblem(await read(late), 401, 'session_ended', { reason: 'absolute', loginUrl: '/auth/login' });
    },

  'signing in again after the end is a new session with limits of its own': async () => {
    const { browser, session } = await signIn();
    await until(session.expires.idleAt);
    const again = await expectSignedIn(browser, await browser.signIn(rig.provider));
    expect(again.handle).not.toBe(session.handle);
    expect(Date.parse(again.expires.absoluteAt)).toBeGreaterThan(Date.parse(session.expires.absoluteAt));
  },
});
