import { expect, test } from '@jest/globals';
import { sideBySide } from '../support/side-by-side.ts';
import {
  respondWith,
  choose,
  heading,
  signInButtonName,
  lookAgain,
  signedInAs,
  signIn,
  text,
} from './rig.ts';
import { rig } from './demo-rig.ts';

const person = /Amara|Okafor|900000000001|900000000777/;
const ending = 'You were signed out because your Care Identity session ended';
/** A visible page knows within 5 s; the rest is for a busy machine. */
const noticed = 20_000;

sideBySide('a smartcard that is taken out of the reader', {
  'signs the app out in every tab that is looked at, by itself, and signing in leads back [CIS2-BCL]':
    async () => {
      const profile = await rig.profile();
      const [tab, other] = [await profile.tab(), await profile.tab()];
      await signIn(tab, 'Amara Okafor', '/sessions?ward=7');
      await other.goto('/sessions');
      await signedInAs(other, 'Dr Amara Okafor');

      const panel = await (await rig.profile()).tab();
      await panel.goto(`${await rig.simulator()}/control-panel`);
      await panel
        .getByRole('button', { name: /^Pull the smartcard.*Amara Okafor/ })
        .first()
        .click();
      await panel.getByText('The smartcard of Amara Okafor was pulled.').waitFor();
      expect(await profile.session()).toEqual({ status: 'ended', reason: 'provider_logout' });

      for (const page of [tab, other]) {
        await page.getByRole('heading', { level: 1, name: ending }).waitFor({ timeout: noticed });
        expect(await page.content()).not.toMatch(person);
      }
      expect(await text(tab)).toContain('put it back in the reader');
      // The reference to read out on the telephone finds the log entry that says why.
      const reference = await tab.locator('#reference').innerText();
      expect(rig.bff.log).toContainEqual(
        expect.objectContaining({ event: 'session_over', reason: 'provider_logout', reference }),
      );
      await tab.getByRole('button', { name: signInButtonName }).click();
      await choose(tab, 'Amara Okafor');
      await signedInAs(tab, 'Dr Amara Okafor');
      expect(tab.url()).toBe(`${rig.baseUrl}/sessions?ward=7`);
      profile.forgive(/status of 401/);
    },

  'while the page asks, which it does several times a minute, keeps nobody signed in for longer':
    async () => {
      const profile = await rig.profile();
      const tab = await profile.tab();
      await signIn(tab, 'Devika Shah');
      const { expires } = await profile.session();
      await tab.waitForResponse('**/auth/session', { timeout: noticed });
      expect((await profile.session()).expires).toEqual(expires);
    },
});

test('a smartcard that is taken out of the reader is noticed at once when the person looks at the page again', async () => {
  const profile = await rig.profile();
  const tab = await profile.tab();
  await signIn(tab, 'Amara Okafor');
  await rig.controlPanel('pull', { uid: '900000000001' });
  const pulledAt = Date.now();
  await lookAgain(tab);
  await heading(tab, ending);
  expect(Date.now() - pulledAt).toBeLessThan(8_000);
});

test('signing out goes on to where the backend leads: Care Identity’s own sign-out, and back', async () => {
  const profile = await rig.profile();
  const tab = await profile.tab();
  const realm = '/openam/oauth2/realms/root/realms/NHSIdentity/realms/Healthcare';
  const next = new URL(`${await rig.simulator()}${realm}/connect/endSession`);
  next.searchParams.set('client_id', 'cis2-bff-local');
  next.searchParams.set('post_logout_redirect_uri', `${rig.baseUrl}/signed-out`);
  await tab.route('**/auth/logout', async (route) => {
    await route.fulfill({ response: await route.fetch(), json: { redirectTo: next.href } });
  });
  await signIn(tab);
  const left = tab.waitForRequest((request) => request.url() === next.href);
  await tab.getByRole('button', { name: 'Sign out' }).click();
  await left;
  await heading(tab, 'You have signed out');
  expect(tab.url()).toBe(`${rig.baseUrl}/signed-out`);
  expect(await profile.session()).toEqual({ status: 'anonymous' });
});

test('signing out goes nowhere that is no page of the web', async () => {
  const { tab } = await rig.visitor();
  await tab.route('**/auth/logout', async (route) => {
    await route.fulfill({
      response: await route.fetch(),
      json: { redirectTo: 'javascript:window.ran=true' },
    });
  });
  await respondWith(tab, (session) => session);
  await signIn(tab);
  await tab.getByRole('button', { name: 'Sign out' }).click();
  await heading(tab, 'Sign in to the example surgery');
  expect(await tab.evaluate('window.ran')).toBeUndefined();
});
