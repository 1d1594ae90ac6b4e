import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { respondWith, choose, heading, lookAgain, signIn, staysTold, text } from './rig.ts';
import { rig } from './demo-sessions-rig.ts';

const windows =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const iPad =
  'Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';

const cards = (tab: Page): Promise<string[]> =>
  tab
    .locator('main li .nhsuk-card')
    .allInnerTexts()
    .then((items) => items.map((item) => item.replace(/\s+/g, ' ').trim()));
const card = (tab: Page, device: string) => tab.locator('main li .nhsuk-card', { hasText: device });
const otherThan = (tab: Page, device: string) =>
  card(tab, device)
    .filter({ hasNotText: 'This device' })
    .getByRole('button', { name: /^Sign out/ });

describe('where a person is signed in', () => {
  // Each test has a person of its own: whoever was left signed in by another test would be in the list.
  test('is listed with device and times, this device first, and any of it can be signed out from here [ASVS-7.5.2]', async () => {
    const desk = await rig.ownProfile({ userAgent: windows });
    const tablet = await rig.ownProfile({ userAgent: iPad });
    const [deskTab, tabletTab] = [await desk.tab(), await tablet.tab()];
    await signIn(deskTab, 'Amara Okafor');
    await signIn(tabletTab, 'Amara Okafor', '/sessions?ward=7');

    await deskTab.getByRole('link', { name: 'Where you are signed in' }).first().click();
    await heading(deskTab, 'Where you are signed in');
    await card(deskTab, 'Safari on iPad').waitFor();
    expect(await cards(deskTab)).toEqual([
      expect.stringMatching(
        /^Chrome on Windows This device Signed in at \d\d:\d\d.* Last active at \d\d:\d\d/,
      ),
      expect.stringMatching(/^Safari on iPad Signed in at \d\d:\d\d.* Last active at \d\d:\d\d/),
    ]);

    await otherThan(deskTab, 'Safari on iPad').click();
    await deskTab.getByText('You are signed in on this device only.').waitFor();
    await staysTold(
      deskTab,
      /^Signed out there\. The sign-in at \d\d:\d\d.* \(Safari on iPad\) has ended\.$/,
    );
    await deskTab.getByRole('button', { name: 'Hide this message' }).click();
    await deskTab.getByText('Signed out there.').waitFor({ state: 'hidden' });
    expect(await deskTab.evaluate('document.activeElement.id')).toBe('maincontent');
    expect(await cards(deskTab)).toEqual([expect.stringContaining('Chrome on Windows')]);
    expect(await tablet.session()).toEqual({ status: 'ended', reason: 'revoked' });
    // The other device notices when it is looked at.
    await lookAgain(tabletTab);
    await heading(tabletTab, 'Your session was ended for you');
    expect(await text(tabletTab)).not.toMatch(/Amara|900000000001/);

    await card(deskTab, 'This device')
      .getByRole('button', { name: /^Sign out/ })
      .click();
    await heading(deskTab, 'You have signed out');
    expect(await desk.session()).toEqual({ status: 'anonymous' });
  });

  test('can be ended everywhere else at once; one that has ended meanwhile does no harm', async () => {
    const [here, one, another] = [await rig.profile(), await rig.profile(), await rig.profile()];
    const tab = await here.tab();
    for (const profile of [one, another]) await signIn(await profile.tab(), 'Devika Shah');
    await signIn(tab, 'Devika Shah', '/sessions');
    await tab.getByRole('button', { name: 'Sign out everywhere else' }).waitFor();
    await one.call('POST', '/auth/logout');
    await tab.getByRole('button', { name: 'Sign out everywhere else' }).click();
    await tab.getByText('You are signed in on this device only.').waitFor();
    await staysTold(tab, /^Signed out everywhere else\. 2 sign-ins were ended: Chrome on \w+\.$/);
    expect(await another.session()).toEqual({ status: 'ended', reason: 'revoked' });
    expect(await here.session()).toMatchObject({ status: 'active' });
    here.forgive(/status of 404/);
  });

  test('asks who is there before another device is signed out, when the sign-in was long ago, and comes back to the list [ASVS-7.5.2]', async () => {
    const [here, other] = [await rig.profile(), await rig.profile()];
    const tab = await here.tab();
    await signIn(await other.tab(), 'Ines Duarte');
    await respondWith(tab, (session) =>
      session.status === 'active'
        ? {
            ...session,
            assurance: {
              ...session.assurance,
              authenticatedAt: new Date(Date.parse(session.serverTime) - 301_000).toISOString(),
            },
          }
        : session,
    );
    await signIn(tab, 'Ines Duarte', '/sessions');
    await card(tab, 'This device').waitFor();
    expect(await tab.getByRole('button', { name: /^Sign out of|^Sign out,/ }).count()).toBe(1);
    await tab.unroute('**/auth/session');
    const asked = tab.waitForRequest((request) => request.url().includes('/authorize?'));
    await tab.getByRole('button', { name: 'Confirm it is you' }).click();
    expect(new URL((await asked).url()).searchParams.get('prompt')).toBe('login');
    await choose(tab, 'Ines Duarte');
    await heading(tab, 'Where you are signed in');
    expect(tab.url()).toBe(`${rig.baseUrl}/sessions`);
    await otherThan(tab, ' on ').click();
    await tab.getByText('You are signed in on this device only.').waitFor();
    expect(await other.session()).toEqual({ status: 'ended', reason: 'revoked' });
  });

  test('is said to be unknown when it cannot be found out, and can be asked for again', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await tab.route('**/auth/sessions', (route) => route.abort());
    await signIn(tab, 'Thandar', '/sessions');
    await tab.getByRole('alert').getByText('could not be reached').waitFor();
    await tab.unroute('**/auth/sessions');
    await tab.getByRole('button', { name: 'Try again' }).click();
    await tab.getByText('You are signed in on this device only.').waitFor();
    profile.forgive(/ERR_FAILED/);
  });

  test('is not shown to whoever signed in over the person meanwhile: the page changes to theirs', async () => {
    const profile = await rig.profile();
    const [firsts, seconds] = [await profile.tab(), await profile.tab()];
    await signIn(firsts, 'Amara Okafor', '/sessions');
    await card(firsts, 'This device').waitFor();
    await signIn(seconds, 'Devika Shah');
    await staysTold(firsts, 'The session in this browser has changed');
    await heading(firsts, 'Where you are signed in');
    expect(await text(firsts)).not.toContain('Amara');
    profile.forgive(/status of 409/);
  });
});
