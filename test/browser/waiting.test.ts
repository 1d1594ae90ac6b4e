import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { accessibilityViolations, heading, Rig, signIn, text } from './rig.ts';

/** The warning comes a fifth of the idle limit before the end: at nine seconds. */
const idleSeconds = 12;
const absoluteSeconds = 17;

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.start({ 'idle-seconds': idleSeconds, 'absolute-seconds': absoluteSeconds });
});
afterEach(async () => {
  expect(await rig.closeProfiles()).toEqual([]);
});
afterAll(async () => {
  await rig.stop();
});

const secondsUntil = (instant: string): number => (Date.parse(instant) - Date.now()) / 1_000;

test('a person who does nothing is warned, then signed out for inactivity, however often the page asks who is there', async () => {
  const profile = await rig.profile();
  const tab = await profile.tab();
  await signIn(tab, 'Amara Okafor', '/ward/7');
  const { expires } = await profile.session();
  expect(expires.bindingLimit).toBe('idle');
  await tab.evaluate(`setInterval(() => fetch('/auth/session', { headers: { 'X-CSRF': '1' } }), 300)`);

  const dialog = tab.getByRole('alertdialog', { name: 'You will be signed out soon' });
  await dialog.waitFor({ timeout: 1_000 * secondsUntil(expires.warnAt) + 3_000 });
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires.warnAt) - 1_000);
  expect(await tab.title()).toBe('You will be signed out soon – Example ward service');
  expect(await dialog.innerText()).toMatch(/You will be signed out in \d+ seconds?\./);
  expect((await profile.session()).expires).toEqual(expires);

  await heading(tab, 'You were signed out because you were not active');
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires.at) - 1_000);
  expect(secondsUntil(expires.at)).toBeGreaterThan(-5);
  expect(await dialog.count()).toBe(0);
  expect(await tab.content()).not.toMatch(/Amara|900000000001/);
  expect(await tab.title()).toMatch(/^You were signed out because you were not active/);
  expect(await accessibilityViolations(tab)).toEqual([]);
  // Logging in again leads back to where the person was.
  expect(await tab.getByRole('link', { name: 'Log in with my Care Identity' }).getAttribute('href')).toBe(
    '/auth/login?returnTo=%2Fward%2F7',
  );
  expect(await profile.session()).toEqual({ status: 'ended', reason: 'idle' });
});

test('a person who chooses to stay goes on, until the limit for one sign-in, which the warning says cannot be moved', async () => {
  const profile = await rig.profile();
  const tab = await profile.tab();
  await signIn(tab);
  const { expires } = await profile.session();

  const dialog = tab.getByRole('alertdialog');
  await dialog.waitFor();
  const stay = dialog.getByRole('button', { name: 'Stay signed in' });
  expect(await stay.evaluate('(button) => button === document.activeElement')).toBe(true);
  await stay.click();
  await tab.getByText(/^Your session now ends at \d\d:\d\d\.$/).waitFor();
  expect(await dialog.count()).toBe(0);
  const later = (await profile.session()).expires;
  expect(Date.parse(later.at)).toBeGreaterThan(Date.parse(expires.at));
  expect(later).toMatchObject({ at: expires.absoluteAt, bindingLimit: 'absolute' });

  await dialog.waitFor();
  expect(await dialog.innerText()).toContain('It cannot be extended.');
  expect(Date.now()).toBeGreaterThan(Date.parse(expires.at));
  await dialog.getByRole('button', { name: 'Continue until then' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await heading(tab, 'Dr Amara Okafor');

  await heading(tab, 'You were signed out because your session reached its time limit');
  expect(await text(tab)).not.toMatch(/Amara/);
  expect(await profile.session()).toEqual({ status: 'ended', reason: 'absolute' });
});

test('a person who is active in one tab stays signed in in the other', async () => {
  const profile = await rig.profile();
  const [active, waiting] = [await profile.tab(), await profile.tab()];
  await signIn(active);
  await waiting.goto('/ward/2');
  await heading(waiting, 'Dr Amara Okafor');
  const dialogs = [active.getByRole('alertdialog'), waiting.getByRole('alertdialog')];
  await Promise.all(dialogs.map((dialog) => dialog.waitFor()));
  await active.keyboard.press('Escape');
  await Promise.all(dialogs.map((dialog) => dialog.waitFor({ state: 'hidden' })));
  await heading(waiting, 'Dr Amara Okafor');
  expect((await profile.session()).expires.bindingLimit).toBe('absolute');
});
