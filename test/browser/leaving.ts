import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { sessionCookie } from '../support/browser.ts';
import {
  choose,
  heading,
  failQuestions,
  letAsk,
  lookAgain,
  signInButtonName,
  signedInAs,
  signIn,
  signOut,
  staysTold,
  text,
  type Profile,
} from './rig.ts';
import { rig } from './demo-sessions-rig.ts';

/** Anything that would tell that it was Amara Okafor who was here. */
const person = /Amara|Okafor|900000000001|900000000777/;

const sessionCookieOf = async (profile: Profile): Promise<string | undefined> =>
  (await profile.context.cookies(rig.baseUrl)).find(({ name }) => name === sessionCookie)?.value;

/** Whoever signs in in this tab does not tell the other tabs: as in a browser that froze them, or lost the message. */
const keepToItself = (tab: Page): Promise<unknown> =>
  tab.addInitScript('BroadcastChannel.prototype.postMessage = () => undefined;');

describe('signing out', () => {
  test('ends on a page that says so, warns of the Care Identity session, and lets the next person sign in [O-16, ASVS-7.6.2]', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab, 'Amara Okafor', '/sessions?ward=7');
    await signOut(tab);
    expect(tab.url()).toBe(`${rig.baseUrl}/signed-out`);
    expect(await tab.title()).toBe('You have signed out – Example surgery');
    expect(await text(tab)).toContain('You may still be signed in to Care Identity.');
    expect(await text(tab)).not.toMatch(person);

    await tab.getByRole('button', { name: signInButtonName }).click();
    // The simulator still knows the person, and asks all the same.
    await heading(tab, /simulator/);
    await choose(tab, 'Bethan Morris');
    await signedInAs(tab, 'Ms Bethan Morris');
    expect(await text(tab)).not.toMatch(/Amara/);
  });

  test('takes the cookie away, and a copy of it opens nothing [ASVS-7.4.1, C-09]', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab);
    const copy = (await sessionCookieOf(profile)) ?? '';
    await signOut(tab);
    expect(await sessionCookieOf(profile)).toBeUndefined();

    const thief = await rig.profile();
    await thief.context.addCookies([
      {
        name: sessionCookie,
        value: copy,
        domain: 'localhost',
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'Strict',
      },
    ]);
    expect(await thief.session()).toEqual({ status: 'ended', reason: 'signed_out' });
    const thiefsTab = await thief.tab();
    await thiefsTab.goto('/');
    await heading(thiefsTab, 'You have signed out');
    expect(await text(thiefsTab)).not.toMatch(person);
  });

  test('leaves nothing for the back button to show [ASVS-14.3.1]', async () => {
    const profile = await rig.profileWithPageMemory();
    const tab = await profile.tab();
    await signIn(tab, 'Amara Okafor', '/sessions?ward=7');
    for (const path of ['/sessions?ward=8', '/sessions?ward=9']) {
      await tab.goto(path);
      await signedInAs(tab, 'Dr Amara Okafor');
    }
    await signOut(tab);
    for (const path of ['/sessions?ward=8', '/sessions?ward=7']) {
      await tab.goBack({ waitUntil: 'commit' });
      expect(tab.url()).toBe(rig.baseUrl + path);
      await tab.getByRole('heading', { level: 1 }).waitFor();
      expect(await tab.content()).not.toMatch(person);
    }
    // The list of sessions may have been requested before the session ended, and the response come after.
    profile.forgive(/status of 401/);
  });

  test('leaves nobody on a page that the browser brings back from its memory [A-02, ASVS-14.3.1]', async () => {
    const profile = await rig.profileWithPageMemory();
    const tab = await profile.tab();
    await signIn(tab, 'Amara Okafor', '/sessions?ward=7');
    // What stands on the page in the first moment, before any script of the page can have changed it.
    await tab.evaluate(`addEventListener('pageshow', (event) => {
      window.broughtBack = event.persisted;
      window.atFirst = document.title + document.body.innerText;
    }, { capture: true })`);
    await tab.goto('/auth/jwks.json');
    expect((await profile.call('POST', '/auth/logout')).status).toBe(200);
    await tab.goBack({ waitUntil: 'commit' });
    await heading(tab, 'You are no longer signed in');
    expect(await tab.evaluate('window.broughtBack')).toBe(true);
    expect(await tab.evaluate('window.atFirst')).not.toMatch(person);
    expect(await tab.content()).not.toMatch(person);
    // The list of sessions, as above.
    profile.forgive(/status of 401/);
  });

  test('a page brought back from memory while still signed in shows the person again', async () => {
    const tab = await (await rig.profileWithPageMemory()).tab();
    await signIn(tab, 'Amara Okafor', '/sessions?ward=7');
    await tab.evaluate(`addEventListener('pageshow', (event) => { window.broughtBack = event.persisted; })`);
    await tab.goto('/auth/jwks.json');
    await tab.goBack({ waitUntil: 'commit' });
    await signedInAs(tab, 'Dr Amara Okafor');
    expect(await tab.evaluate('window.broughtBack')).toBe(true);
  });

  test('without a network says that the person is still signed in, and works once there is one', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab);
    await profile.context.setOffline(true);
    await tab.getByRole('button', { name: 'Sign out' }).click();
    await tab.getByRole('heading', { name: 'You are still signed in' }).waitFor();
    expect(await text(tab)).toContain('could not be reached');
    await profile.context.setOffline(false);
    await signOut(tab);
    expect(await profile.session()).toEqual({ status: 'anonymous' });
    profile.forgive(/ERR_INTERNET_DISCONNECTED/);
  });
});

describe('two tabs of one browser', () => {
  test('can both be signing in, and both can finish, whichever comes first', async () => {
    const profile = await rig.profile();
    const [first, second] = [await profile.tab(), await profile.tab()];
    for (const [tab, path] of [
      [first, '/sessions?ward=1'],
      [second, '/sessions?ward=2'],
    ] as const) {
      await tab.goto(path);
      await tab.getByRole('button', { name: signInButtonName }).click();
      await heading(tab, /simulator/);
    }
    await choose(second, 'Amara Okafor');
    await signedInAs(second, 'Dr Amara Okafor');
    await choose(first, 'Amara Okafor');
    await signedInAs(first, 'Dr Amara Okafor');
    expect(first.url()).toBe(`${rig.baseUrl}/sessions?ward=1`);
    expect(second.url()).toBe(`${rig.baseUrl}/sessions?ward=2`);
    expect(await profile.session()).toMatchObject({ status: 'active', user: { uid: '900000000001' } });
    await staysTold(second, 'You signed in again in another tab. This page goes on with that sign-in.');
    // What the person does next takes its place.
    await second.getByRole('button', { name: 'Stay signed in' }).click();
    await second.getByText('You signed in again').waitFor({ state: 'hidden' });
    await staysTold(second, /^Your session now ends at/);
    profile.forgive(/status of 409/);
  });

  test('lose the person together when one of them signs out', async () => {
    const profile = await rig.profile();
    const [first, second] = [await profile.tab(), await profile.tab()];
    await signIn(first);
    await second.goto('/sessions?ward=2');
    await signedInAs(second, 'Dr Amara Okafor');
    await signOut(first);
    await heading(second, 'You have signed out');
    expect(await text(second)).not.toMatch(person);
    expect(await second.locator('#sign-out').isVisible()).toBe(false);
  });

  test('sign in together: the one that waited shows the person by itself', async () => {
    const profile = await rig.profile();
    const [first, second] = [await profile.tab(), await profile.tab()];
    await second.goto('/sessions?ward=2');
    await heading(second, 'Sign in to the example surgery');
    await signIn(first);
    await signedInAs(second, 'Dr Amara Okafor');
    expect(second.url()).toBe(`${rig.baseUrl}/sessions?ward=2`);
  });
});

describe('a refusal that is not the backend’s own', () => {
  /** As a service behind the backend, or something on the way, could respond. */
  const hostile = {
    status: 401,
    contentType: 'application/problem+json',
    body: JSON.stringify({
      type: 'urn:cis2-bff:problem:session_ended',
      status: 401,
      code: 'session_ended',
      reference: 'CALL-0900-1234',
      loginUrl: 'https://evil.example/auth/login',
    }),
  };

  test('is believed in nothing that its body says: nobody is signed out, and no address of it is gone to', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab, 'Amara Okafor', '/sessions');
    await tab.route('**/auth/session/extend', (route) => route.fulfill(hostile));
    await tab.getByRole('button', { name: 'Stay signed in' }).click();
    await staysTold(tab, 'Your session was not extended');
    await staysTold(tab, 'Something went wrong in this service. Try again.');
    await signedInAs(tab, 'Dr Amara Okafor');
    expect(await tab.content()).not.toMatch(/evil\.example|0900/);
    expect(tab.url()).toBe(`${rig.baseUrl}/sessions`);
    profile.forgive(/status of 401/);
  });

  test('is told from the backend’s own by one header, which names what happened', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab, 'Amara Okafor', '/sessions');
    await tab.getByText('This device', { exact: true }).waitFor();
    expect((await profile.call('POST', '/auth/logout')).status).toBe(200);
    const refused = tab.waitForResponse('**/auth/session/extend');
    await tab.getByRole('button', { name: 'Stay signed in' }).click();
    expect((await refused).headers()['x-bff-problem']).toBe('session_required');
    await heading(tab, 'You are no longer signed in');
    profile.forgive(/status of 401/);
  });

  test('does not count as the end of another session', async () => {
    const [here, other] = [await rig.profile(), await rig.profile()];
    await signIn(await other.tab(), 'Jonah Adler');
    const tab = await here.tab();
    await signIn(tab, 'Jonah Adler', '/sessions');
    await tab.route('**/auth/sessions/*', (route) =>
      route.fulfill({ status: 404, contentType: 'text/html', body: 'Not found' }),
    );
    await tab
      .getByRole('button', { name: /^Sign out of/ })
      .last()
      .click();
    await staysTold(tab, 'Not everything was signed out');
    expect(await other.session()).toMatchObject({ status: 'active' });
    here.forgive(/status of 404/);
  });
});

describe('two people at one computer', () => {
  test('one after the other: the second sees nothing of the first', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab, 'Amara Okafor');
    const firsts = await profile.session();
    const firstsCookie = await sessionCookieOf(profile);
    await signOut(tab);
    await signIn(tab, 'Devika Shah');
    expect(await text(tab)).not.toMatch(/Amara|900000000001/);
    expect((await profile.session()).handle).not.toBe(firsts.handle);
    expect(await sessionCookieOf(profile)).not.toBe(firstsCookie);
  });

  test('the second over the first: the first is replaced, and the first’s open tab says whose session it is now', async () => {
    const profile = await rig.profile();
    const [firsts, seconds] = [await profile.tab(), await profile.tab()];
    await signIn(firsts, 'Amara Okafor');
    const firstsCookie = (await sessionCookieOf(profile)) ?? '';
    await signIn(seconds, 'Devika Shah');

    await signedInAs(firsts, 'Mrs Devika Shah');
    await staysTold(firsts, 'The session in this browser has changed');
    expect(await text(firsts)).toContain('This page now shows the session of Mrs Devika Shah.');

    const elsewhere = await rig.profile();
    await elsewhere.context.addCookies([
      {
        name: sessionCookie,
        value: firstsCookie,
        domain: 'localhost',
        path: '/',
        secure: true,
        httpOnly: true,
      },
    ]);
    expect(await elsewhere.session()).toEqual({ status: 'ended', reason: 'replaced' });
    profile.forgive(/status of 409/);
  });

  test.each([
    ['Stay signed in', 'Your session was not extended'],
    ['Sign out', 'You are still signed in'],
  ])(
    'the first’s tab cannot act as the second: "%s" is refused and the page says what happened',
    async (button, told) => {
      const profile = await rig.profile();
      const [firsts, seconds] = [await profile.tab(), await profile.tab()];
      await keepToItself(seconds);
      await signIn(firsts, 'Amara Okafor', '/sessions');
      await failQuestions(firsts);
      await signIn(seconds, 'Devika Shah');
      const before = await profile.session();
      await signedInAs(firsts, 'Dr Amara Okafor');

      // A clock that could be moved has moved by now.
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      const refused = firsts.waitForResponse(
        (response) =>
          response.request().method() === 'POST' && response.url().startsWith(`${rig.baseUrl}/auth/`),
      );
      // The click gives the tab the focus, and with it a reason to ask: it must not hear of the second before it acts.
      await firsts.getByRole('button', { name: button, exact: true }).click();
      expect((await refused).status()).toBe(409);
      await letAsk(firsts);
      await lookAgain(firsts);
      await firsts.getByRole('heading', { name: told }).waitFor();
      await signedInAs(firsts, 'Mrs Devika Shah');
      expect(await text(firsts)).not.toMatch(person);
      const { status, handle, expires } = await profile.session();
      expect({ status, handle, expires }).toEqual({
        status: 'active',
        handle: before.handle,
        expires: before.expires,
      });
      profile.forgive(/status of 409|ERR_FAILED/);
    },
  );
});
