/** What a second sign-in of the same person means (`CONCURRENT_SESSIONS`): both stay, the newest wins, or the app asks. */
import { describe, expect, test } from '@jest/globals';
import type { Browser, SessionJson } from '../support/browser.ts';
import { useRigWithSettings, useSharedRig, type Rig } from '../support/rig.ts';
import { expectSignedIn } from './expectations.ts';
import { newUser, signsIn } from './logout-tokens.ts';

type Asking = SessionJson & { readonly otherSessions?: number };

async function signedIn(rig: Rig, user: string): Promise<Browser> {
  signsIn(rig.provider, user, `sid-${String(Math.random())}`);
  const browser = rig.browser();
  await expectSignedIn(browser, await browser.signIn(rig.provider));
  return browser;
}
const statusesOf = async (browsers: readonly Browser[]): Promise<string[]> =>
  Promise.all(browsers.map(async (browser) => (await browser.session()).status));
/** The default of `SESSIONS_PER_USER`. */
const maxSessions = 20;
const replaced = { status: 'ended', reason: 'replaced' };

describe('allow', () => {
  const rig = useSharedRig();

  test('both stay, and nothing is asked [ASVS-7.1.2]', async () => {
    const user = newUser();
    const browsers = [await signedIn(rig, user), await signedIn(rig, user), await signedIn(rig, user)];
    expect(await statusesOf(browsers)).toEqual(['active', 'active', 'active']);
    for (const browser of browsers) expect(await browser.session()).not.toHaveProperty('otherSessions');
  });

  test('up to a number: the oldest ends as replaced when there is one more [ASVS-7.1.2]', async () => {
    const [user, other] = [newUser(), newUser()];
    const bystander = await signedIn(rig, other);
    const browsers: Browser[] = [];
    for (let number = 0; number <= maxSessions; number += 1) browsers.push(await signedIn(rig, user));
    expect((await statusesOf(browsers)).filter((status) => status === 'active')).toHaveLength(maxSessions);
    expect((await browsers.at(-1)?.session())?.status).toBe('active');
    const ended = (await Promise.all(browsers.map((browser) => browser.session()))).filter(
      ({ status }) => status !== 'active',
    );
    expect(ended).toEqual([replaced]);
    expect((await bystander.session()).status).toBe('active');
  });
});

describe('newest-wins', () => {
  const rig = useRigWithSettings({ CONCURRENT_SESSIONS: 'newest-wins' });

  test('every other session of the user ends as replaced, and nobody else’s [ASVS-7.1.2]', async () => {
    const [user, other] = [newUser(), newUser()];
    const bystander = await signedIn(rig, other);
    const browsers: Browser[] = [];
    for (let number = 0; number < 4; number += 1) {
      browsers.push(await signedIn(rig, user));
      expect((await browsers.at(-1)?.session())?.status).toBe('active');
      for (const former of browsers.slice(0, -1)) expect(await former.session()).toEqual(replaced);
    }
    expect((await bystander.session()).status).toBe('active');
    const list = (await (await browsers[3]?.api('/auth/sessions'))?.json()) as { sessions: unknown[] };
    expect(list.sessions).toHaveLength(1);
  });

  test('a sign-in that fails ends none', async () => {
    const user = newUser();
    const browser = await signedIn(rig, user);
    rig.provider.claims = () => ({ sub: user, authentication_assurance_level: '1' });
    await rig.browser().signIn(rig.provider);
    expect((await browser.session()).status).toBe('active');
  });

  test('of sign-ins at the same moment at most one lives in the end', async () => {
    const user = newUser();
    signsIn(rig.provider, user, undefined);
    const browsers = Array.from({ length: 4 }, () => rig.browser());
    await Promise.all(browsers.map((browser) => browser.signIn(rig.provider)));
    expect((await statusesOf(browsers)).filter((status) => status === 'active').length).toBeLessThanOrEqual(
      1,
    );
    const last = await signedIn(rig, user);
    expect((await last.session()).status).toBe('active');
    expect((await statusesOf(browsers)).filter((status) => status === 'active')).toEqual([]);
  });
});

describe('ask', () => {
  const rig = useRigWithSettings({ CONCURRENT_SESSIONS: 'ask' });
  const session = async (browser: Browser): Promise<Asking> => browser.session();

  test('all stay, and the new session says how many others there were when it began [ASVS-7.1.2]', async () => {
    const [user, other] = [newUser(), newUser()];
    await signedIn(rig, other);
    const first = await signedIn(rig, user);
    expect(await session(first)).not.toHaveProperty('otherSessions');
    const second = await signedIn(rig, user);
    expect((await session(second)).otherSessions).toBe(1);
    const third = await signedIn(rig, user);
    expect((await session(third)).otherSessions).toBe(2);
    // What was said when a session began is not said anew when another begins.
    expect(await session(first)).not.toHaveProperty('otherSessions');
    expect((await session(second)).otherSessions).toBe(1);
    expect(await statusesOf([first, second, third])).toEqual(['active', 'active', 'active']);
  });

  test('the session that a sign-in replaces is none of the others', async () => {
    const browser = await signedIn(rig, newUser());
    const { user } = await browser.session();
    signsIn(rig.provider, String(user['uid']), undefined);
    await expectSignedIn(browser, await browser.signIn(rig.provider));
    expect(await session(browser)).not.toHaveProperty('otherSessions');
  });

  test('one that is over is none of the others', async () => {
    const user = newUser();
    const former = await signedIn(rig, user);
    await former.api('/auth/logout', { method: 'POST' });
    expect(await session(await signedIn(rig, user))).not.toHaveProperty('otherSessions');
  });

  test('extending and changing the role keep the number', async () => {
    const user = newUser();
    await signedIn(rig, user);
    const browser = await signedIn(rig, user);
    const extended = await browser.api('/auth/session/extend', { method: 'POST' });
    expect(((await extended.json()) as Asking).otherSessions).toBe(1);
    const changed = await browser.api('/auth/session/role', {
      method: 'PUT',
      body: '{"roleId":"900000000701"}',
      headers: { 'content-type': 'application/json' },
    });
    expect(((await changed.json()) as Asking).otherSessions).toBe(1);
    expect((await session(browser)).otherSessions).toBe(1);
  });

  test('the user can then end the others from the list', async () => {
    const user = newUser();
    const former = await signedIn(rig, user);
    const browser = await signedIn(rig, user);
    const { sessions } = (await (await browser.api('/auth/sessions')).json()) as {
      sessions: { handle: string; current: boolean }[];
    };
    for (const { handle } of sessions.filter(({ current }) => !current)) {
      expect((await browser.api(`/auth/sessions/${handle}`, { method: 'DELETE' })).status).toBe(204);
    }
    expect(await former.session()).toEqual({ status: 'ended', reason: 'revoked' });
  });
});
