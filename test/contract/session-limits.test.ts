/** The time limits of a session, with short ones: two seconds idle, four in all. */
import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionCookie, type Browser, type SessionJson } from '../support/browser.ts';
import { useRig } from '../support/rig.ts';
import { expectProblem, expectSignedIn, read } from './expectations.ts';

const rig = useRig({ 'idle-seconds': 2, 'absolute-seconds': 4 });

async function signIn(): Promise<{ browser: Browser; session: SessionJson }> {
  const browser = rig.browser();
  return { browser, session: await expectSignedIn(browser, await browser.signIn(rig.provider)) };
}

const until = (instant: string): Promise<void> => sleep(Math.max(0, Date.parse(instant) - Date.now() + 20));

const extend = async (browser: Browser): Promise<SessionJson> => {
  const answer = await browser.api('/auth/session/extend', { method: 'POST' });
  expect(answer.status).toBe(200);
  return (await answer.json()) as SessionJson;
};

describe.each(['the session', 'a copy of its cookie'])('idle, seen by %s', (seenBy) => {
  test('ends two seconds after the sign-in, however often it is looked at, and stays ended', async () => {
    const { browser, session } = await signIn();
    const eyes = rig.browser();
    eyes.cookies.set(sessionCookie, browser.cookies.get(sessionCookie) ?? '');
    const looking = seenBy === 'the session' ? browser : eyes;
    let looks = 0;
    while (Date.now() < Date.parse(session.expires.idleAt) - 250) {
      const { status, expires } = await looking.session();
      // The second may turn between the request and its answer.
      if (status === 'active') expect(expires.idleAt).toBe(session.expires.idleAt);
      looks += 1;
      await sleep(200);
    }
    expect(looks).toBeGreaterThan(1);

    await until(session.expires.idleAt);
    const ended = { status: 'ended', reason: 'idle' };
    expect(await looking.session()).toEqual(ended);
    const late = await looking.api('/auth/session/extend', { method: 'POST' });
    expectProblem(await read(late), 401, 'session_ended', { reason: 'idle', loginUrl: '/auth/login' });
    const out = await looking.api('/auth/logout', { method: 'POST' });
    expect([out.status, out.headers.getSetCookie()]).toEqual([200, []]);
    expect(await looking.session()).toEqual(ended);

    // It ended of being idle, whatever would have come later.
    await until(session.expires.absoluteAt);
    expect(await looking.session()).toEqual(ended);
  });
});

test('extending moves the idle limit, and the session lives beyond what it was', async () => {
  const { browser, session } = await signIn();
  await sleep(1100);
  const extended = await extend(browser);
  expect(Date.parse(extended.expires.idleAt)).toBeGreaterThan(Date.parse(session.expires.idleAt));
  expect(extended.expires.absoluteAt).toBe(session.expires.absoluteAt);
  expect(extended.handle).toBe(session.handle);
  await until(session.expires.idleAt);
  expect((await browser.session()).status).toBe('active');
});

test('the absolute limit ends a session that is never idle, and says so beforehand', async () => {
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
});

test('signing in again after the end is a new session with limits of its own', async () => {
  const { browser, session } = await signIn();
  await until(session.expires.idleAt);
  const again = await expectSignedIn(browser, await browser.signIn(rig.provider));
  expect(again.handle).not.toBe(session.handle);
  expect(Date.parse(again.expires.absoluteAt)).toBeGreaterThan(Date.parse(session.expires.absoluteAt));
});
