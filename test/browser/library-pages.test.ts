/** The pages of the client library in an app that is not the demo: `test/client/pages-app.tsx`, under React's StrictMode. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { buildLibraryPage } from '../support/library-page.ts';
import { choose, heading, lookAgain, respondWith, signedInAs, signIn, text } from './rig.ts';
import { useRig } from './use-rig.ts';

const folder = await mkdtemp(join(tmpdir(), 'library-pages-'));
await buildLibraryPage(folder, 'pages-app.tsx');
const rig = await useRig({ spa: folder });
afterAll(() => rm(folder, { recursive: true, force: true }));

const focused = (tab: Page): Promise<string> => tab.evaluate<string>('document.activeElement.localName');

test('an app’s own welcome and words take the place of the library’s, with the service’s name in the title', async () => {
  const tab = await (await rig.profile()).tab();
  await tab.goto('/');
  await heading(tab, 'Ward notes');
  expect(await tab.title()).toBe('Ward notes – Ward notes');
  expect(await text(tab)).toContain('For the people of one ward.');
  await tab.goto('/signed-out');
  await heading(tab, 'You have signed out');
  await tab.getByText('Ward notes is closed.').waitFor();
  await tab.getByRole('button', { name: 'Log in' }).click();
  await choose(tab, 'Amara Okafor');
  await signedInAs(tab, 'Amara Okafor');
  await heading(tab, 'Notes');
});

test('the heading takes the focus where the page changes, not where it is loaded, and what a button gave stays above it', async () => {
  const tab = await (await rig.profile()).tab();
  await signIn(tab);
  expect(await focused(tab)).toBe('body');
  await tab.getByRole('button', { name: 'Save the note' }).click();
  await heading(tab, 'Saved');
  expect(new URL(tab.url()).pathname).toBe('/saved');
  expect(await focused(tab)).toBe('h1');
  await tab.getByRole('status').getByText('The note about Jane was saved.').waitFor();
  // There is no main part that could take the focus.
  await tab.getByRole('button', { name: 'Hide this message' }).click();
  await tab.getByText('The note about Jane was saved.').waitFor({ state: 'detached' });
  expect(await focused(tab)).toBe('h1');
});

test('why a button’s call failed is said above the page', async () => {
  const profile = await rig.profile();
  const tab = await profile.tab();
  await signIn(tab);
  await tab.route('**/auth/session/extend', (route) => route.abort());
  await tab.getByRole('button', { name: 'Save the note' }).click();
  const alert = tab.getByRole('alert');
  await alert.getByRole('heading', { name: 'The note was not saved' }).waitFor();
  expect(await alert.innerText()).toContain('The service could not be reached.');
  profile.forgive(/ERR_FAILED/);
});

test('what is said above the page is brought into view', async () => {
  const profile = await rig.profile();
  const tab = await profile.tab();
  await tab.setViewportSize({ width: 375, height: 700 });
  await signIn(tab);
  await tab.evaluate(`document.querySelector('h1').style.marginBottom = '2000px'`);
  await tab.route('**/auth/session/extend', (route) => route.abort());
  for (let times = 0; times < 2; times += 1) {
    const button = tab.getByRole('button', { name: 'Save the note' });
    await button.scrollIntoViewIfNeeded();
    expect(await tab.evaluate('scrollY')).toBeGreaterThan(1_000);
    await button.click();
    const notice = tab.locator('#alert > *');
    await notice.waitFor();
    await tab.waitForFunction('scrollY < 1000');
    const box = await notice.boundingBox();
    // Scrolling goes by whole pixels.
    expect(box?.y).toBeGreaterThan(-1);
    expect((box?.y ?? 0) + (box?.height ?? 700)).toBeLessThan(701);
  }
  profile.forgive(/ERR_FAILED/);
});

test('a mistake in what a button runs is told of, and reported by the browser', async () => {
  const profile = await rig.profile();
  const tab = await profile.tab();
  await signIn(tab);
  const reported = tab.waitForEvent('pageerror');
  await tab.evaluate(
    `void (held.until = Promise.reject(new SyntaxError('not JSON'))).catch(() => undefined)`,
  );
  await tab.getByRole('button', { name: 'Save the note' }).click();
  const alert = tab.getByRole('alert');
  await alert.getByRole('heading', { name: 'The note was not saved' }).waitFor();
  expect(await alert.innerText()).toContain('Something went wrong in this service.');
  expect((await reported).message).toBe('not JSON');
  profile.forgive(/not JSON/);
});

test('what a button gave is not told to somebody who has signed in meanwhile', async () => {
  const profile = await rig.profile();
  const [tab, other] = [await profile.tab(), await profile.tab()];
  await signIn(tab);
  await tab.evaluate('void (held.until = new Promise((resolve) => (globalThis.release = resolve)))');
  const extended = tab.waitForResponse('**/auth/session/extend');
  await tab.getByRole('button', { name: 'Save the note' }).click();
  await extended;
  await signIn(other, 'Devika Shah');
  await signedInAs(tab, 'Devika Shah');
  await tab.getByRole('alert').getByText('The session in this browser has changed').waitFor();
  await tab.evaluate('release()');
  await heading(tab, 'Saved');
  expect(await text(tab)).not.toContain('Jane');
  await tab.getByRole('alert').getByText('The session in this browser has changed').waitFor();
});

test('the app has the paths that it wants for itself, and a page that everybody can read', async () => {
  const tab = await (await rig.profile()).tab();
  await tab.goto('/accessibility');
  await heading(tab, 'Accessibility');
  await signIn(tab, 'Amara Okafor', '/sessions');
  await heading(tab, 'Notes');
  await tab.getByRole('link', { name: 'Places' }).click();
  await heading(tab, 'Where you are signed in');
  await tab.getByText('This device', { exact: true }).waitFor();
  await tab.goto('/accessibility');
  await heading(tab, 'Accessibility');
});

test('the app’s router is asked for the path, and told where to go', async () => {
  const { tab } = await rig.visitor();
  await tab.goto('/routed');
  await tab.getByRole('button', { name: 'Log in' }).click();
  await choose(tab, 'Bethan Morris');
  await heading(tab, 'Choose the role you are working in');
  await tab.getByRole('radio').first().check();
  await tab.getByRole('button', { name: 'Continue' }).click();
  await heading(tab, 'Notes');
  await tab.getByText(/^You now work as /).waitFor();
  expect(new URL(tab.url()).pathname).toBe('/routed');
});

test('the time-out dialog is there while somebody is signed in, in the app’s words, and does not cover the page of the end', async () => {
  const profile = await rig.profile();
  const tab = await profile.tab();
  await respondWith(tab, (session) =>
    session.status === 'active'
      ? { ...session, expires: { ...session.expires, warnAt: session.serverTime } }
      : session,
  );
  await signIn(tab);
  await tab.getByRole('alertdialog', { name: 'Byddwch yn cael eich allgofnodi cyn bo hir' }).waitFor();
  expect(await tab.title()).toBe('You will be signed out soon – Ward notes');
  const { handle } = await profile.session();
  await profile.call('DELETE', `/auth/sessions/${handle}`);
  await lookAgain(tab);
  await heading(tab, 'Your session was ended for you');
  expect(await tab.locator('bff-timeout-dialog').count()).toBe(0);
  profile.forgive(/status of 401/);
});

test('what a server renders is taken over in the browser as it is, and then shows the page that the address asks for', async () => {
  const tab = await (await rig.profile()).tab();
  await tab.goto('/sign-in-error?hydrate&code=access_denied&reference=7K3M-9QX2-HABW');
  await heading(tab, 'Sign-in was cancelled');
  expect(await tab.locator('#reference').innerText()).toBe('7K3M-9QX2-HABW');
});
