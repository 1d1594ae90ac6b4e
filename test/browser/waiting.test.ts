import { expect } from '@jest/globals';
import { sideBySide } from '../support/side-by-side.ts';
import { accessibilityViolations, heading, signedInAs, signIn, signInButtonName, text } from './rig.ts';
import { useRig } from './use-rig.ts';

// The warning comes a fifth of the idle limit before the end,
// which is what a busy machine has for showing it and responding to it.
const rig = await useRig({ 'idle-seconds': 30, 'absolute-seconds': 40 });

const long = { timeout: 40_000 };
const secondsUntil = (instant: string): number => (Date.parse(instant) - Date.now()) / 1_000;

sideBySide('while time passes', {
  'a person who does nothing is warned, then signed out for inactivity, however often the page asks who is there [A-01, CIS2-SES-005, ASVS-7.3.1]':
    async () => {
      const profile = await rig.profile();
      const tab = await profile.tab();
      await signIn(tab, 'Amara Okafor', '/sessions?ward=7');
      const { expires } = await profile.session();
      expect(expires.bindingLimit).toBe('idle');
      await tab.evaluate(`setInterval(() => fetch('/auth/session', { headers: { 'X-CSRF': '1' } }), 300)`);

      const dialog = tab.getByRole('alertdialog', { name: 'You will be signed out soon' });
      await dialog.waitFor(long);
      expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires.warnAt) - 1_000);
      expect(await tab.title()).toBe('You will be signed out soon – Example surgery');
      expect(await dialog.innerText()).toMatch(/You will be signed out in \d+ seconds?\./);
      expect((await profile.session()).expires).toEqual(expires);

      await heading(tab, 'You were signed out because you were not active');
      expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires.at) - 1_000);
      expect(secondsUntil(expires.at)).toBeGreaterThan(-15);
      expect(await dialog.count()).toBe(0);
      expect(await tab.content()).not.toMatch(/Amara|900000000001/);
      expect(await tab.title()).toMatch(/^You were signed out because you were not active/);
      expect(await accessibilityViolations(tab)).toEqual([]);
      // Signing in again leads back to where the person was.
      const asked = tab.waitForRequest('**/auth/login?**');
      await tab.getByRole('button', { name: signInButtonName }).click();
      expect(new URL((await asked).url()).searchParams.get('returnTo')).toBe('/sessions?ward=7');
      expect(await profile.session()).toEqual({ status: 'ended', reason: 'idle' });
    },

  'a person who chooses to stay goes on in every tab, until the limit for one sign-in, which the warning says cannot be moved [A-01, CIS2-SES-007, ASVS-7.3.2]':
    async () => {
      const profile = await rig.profile();
      const [tab, other] = [await profile.tab(), await profile.tab()];
      await signIn(tab);
      await other.goto('/sessions?ward=2');
      await signedInAs(other, 'Dr Amara Okafor');
      const { expires } = await profile.session();

      const dialog = tab.getByRole('alertdialog');
      await Promise.all([dialog.waitFor(long), other.getByRole('alertdialog').waitFor(long)]);
      expect(await tab.evaluate('document.activeElement.shadowRoot.activeElement.textContent')).toBe(
        'Stay signed in',
      );
      await dialog.getByRole('button', { name: 'Stay signed in' }).click();
      await dialog.waitFor({ state: 'hidden' });
      const later = (await profile.session()).expires;
      expect(later).toMatchObject({ at: expires.absoluteAt, bindingLimit: 'absolute' });
      await other.getByRole('alertdialog').waitFor({ state: 'hidden' });
      await signedInAs(other, 'Dr Amara Okafor');

      await dialog.waitFor(long);
      expect(await dialog.innerText()).toContain('It cannot be extended.');
      expect(Date.now()).toBeGreaterThan(Date.parse(expires.at));
      await dialog.getByRole('button', { name: 'Continue until then' }).click();
      await dialog.waitFor({ state: 'hidden' });
      await signedInAs(tab, 'Dr Amara Okafor');

      for (const page of [tab, other]) {
        await heading(page, 'You were signed out because your session reached its time limit');
        expect(await text(page)).not.toMatch(/Amara/);
      }
      expect(await profile.session()).toEqual({ status: 'ended', reason: 'absolute' });
    },
});
