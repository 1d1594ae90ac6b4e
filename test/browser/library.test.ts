/** The client library in a browser, before the real server: pages of `test/client/page.ts`. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import type { SessionJson } from '../support/browser.ts';
import { buildLibraryPage } from '../support/library-page.ts';
import { sideBySide } from '../support/side-by-side.ts';
import {
  accessibilityViolations,
  choose,
  failQuestions,
  letAsk,
  lookAgain,
  overflow,
  type Profile,
  respondWith,
  signedInAs,
  signIn,
} from './rig.ts';
import { useRig } from './use-rig.ts';

const folder = await mkdtemp(join(tmpdir(), 'library-'));
await buildLibraryPage(folder);
// The example for React, as the documentation has it.
const documentation = await readFile(join(import.meta.dirname, '../../docs/client.md'), 'utf8');
const client = join(import.meta.dirname, '../../client');
await build({
  stdin: {
    contents: /```tsx\n([\s\S]*?)```/.exec(documentation)?.[1] ?? '',
    loader: 'tsx',
    resolveDir: import.meta.dirname,
  },
  alias: {
    'cis2-bff/client/react': join(client, 'react/index.ts'),
    'cis2-bff/client': join(client, 'index.ts'),
  },
  outfile: join(folder, 'assets/example.js'),
  jsx: 'automatic',
  bundle: true,
  format: 'esm',
  define: { 'process.env.NODE_ENV': '"production"' },
});
const rig = await useRig({ spa: folder });
afterAll(() => rm(folder, { recursive: true, force: true }));

const status = (tab: Page): Promise<string> => tab.evaluate<string>('bff.session.get().status');
const becomes = (tab: Page, wanted: string, timeout = 15_000): Promise<unknown> =>
  tab.locator('#status', { hasText: new RegExp(`^${wanted}$`) }).waitFor({ state: 'attached', timeout });
const dialog = (tab: Page) => tab.locator('bff-timeout-dialog dialog');
const dialogTitle = (tab: Page, name: string): Promise<void> =>
  tab.getByRole('heading', { level: 2, name }).waitFor();
const focused = (tab: Page): Promise<string> =>
  tab.evaluate<string>(`(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element.id || element.textContent || element.localName;
  })()`);
/** Nothing of the page is to be seen: all of the window shows the dialog or its backdrop, which lets nothing through. */
const isCovered = (tab: Page): Promise<boolean> =>
  tab.evaluate<boolean>(`(() => {
    const element = document.querySelector('bff-timeout-dialog');
    const dialog = element.shadowRoot?.querySelector('dialog');
    if (!dialog?.matches(':modal')) return false;
    const { backgroundColor, opacity } = getComputedStyle(dialog, '::backdrop');
    return opacity === '1' && /^rgb\\(/.test(backgroundColor) &&
      [10, innerWidth - 10].every((x) => [10, innerHeight - 10].every((y) => {
        const top = document.elementFromPoint(x, y);
        return top === element || top === null || top === document.documentElement;
      }));
  })()`);

const withEnd =
  (seconds: number) =>
  (session: SessionJson): unknown => {
    if (session.status !== 'active') return session;
    const at = new Date(Date.parse(session.serverTime) + seconds * 1_000).toISOString();
    return { ...session, expires: { ...session.expires, at, idleAt: at, warnAt: session.serverTime } };
  };

async function signedIn(
  path = '/',
  person = 'Amara Okafor',
  opening = rig.profile(),
): Promise<{ readonly profile: Profile; readonly tab: Page }> {
  const profile = await opening;
  const tab = await profile.tab();
  await signIn(tab, person, path);
  return { profile, tab };
}

describe('the time-out dialog', () => {
  test('warns, takes the focus and keeps it, counts down politely, extends with Escape, and gives the focus back [A-01]', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab);
    await tab.locator('#note').focus();
    await respondWith(tab, withEnd(100));
    await lookAgain(tab);
    const warning = tab.getByRole('alertdialog', { name: 'You will be signed out soon' });
    await warning.waitFor();
    expect(await focused(tab)).toBe('Stay signed in');

    // A screen reader is told of 60, 30 and 10 seconds; only the eyes see each of them.
    const countdown = tab.locator('bff-timeout-dialog .countdown');
    const before = await countdown.textContent();
    const announced = await tab.locator('bff-timeout-dialog [role=status]').textContent();
    await tab
      .locator('bff-timeout-dialog .countdown', { hasNotText: before ?? '' })
      .waitFor({ state: 'attached' });
    expect(await countdown.getAttribute('aria-hidden')).toBe('true');
    expect(await tab.locator('bff-timeout-dialog [role=status]').textContent()).toBe(announced);

    const visited = new Set<string>();
    for (let presses = 0; presses < 6; presses += 1) {
      await tab.keyboard.press('Tab');
      if (await tab.evaluate<boolean>('document.activeElement !== document.body'))
        visited.add(await focused(tab));
    }
    expect([...visited].sort()).toEqual(['Sign out', 'Stay signed in']);
    // What is behind is inert.
    await tab.evaluate(`document.getElementById('note').focus()`);
    expect(await focused(tab)).not.toBe('note');

    await tab.unroute('**/auth/session');
    const extended = tab.waitForResponse('**/auth/session/extend');
    await tab.keyboard.press('Escape');
    expect((await extended).status()).toBe(200);
    await warning.waitFor({ state: 'hidden' });
    expect(await focused(tab)).toBe('note');
  });

  test('is accessible and within the window in English and Welsh, at 400 % zoom and in forced colours', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await respondWith(tab, withEnd(50));
    for (const [path, stay] of [
      ['/', 'Stay signed in'],
      ['/?cy', 'Aros wedi mewngofnodi'],
    ] as const) {
      await tab.setViewportSize({ width: 1280, height: 900 });
      await signIn(tab, 'Amara Okafor', path);
      await tab.getByRole('button', { name: stay }).waitFor();
      expect(await accessibilityViolations(tab)).toEqual([]);
      // The narrowest that WCAG 1.4.10 asks for: 1280 by 1024 pixels, magnified four times.
      await tab.setViewportSize({ width: 320, height: 256 });
      expect(await overflow(tab)).toBe(0);
      expect(
        await tab.evaluate(`(() => {
          const dialog = document.querySelector('bff-timeout-dialog').shadowRoot.querySelector('dialog');
          const { left, right, top, bottom } = dialog.getBoundingClientRect();
          return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight && dialog.scrollWidth <= dialog.clientWidth;
        })()`),
      ).toBe(true);
      await tab.getByRole('button', { name: stay }).scrollIntoViewIfNeeded();
    }
    await tab.emulateMedia({ forcedColors: 'active' });
    await tab.keyboard.press('Tab');
    expect(
      await tab.evaluate(`(() => {
        const root = document.querySelector('bff-timeout-dialog').shadowRoot;
        const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(root.activeElement);
        const { borderTopStyle, borderTopWidth } = getComputedStyle(root.querySelector('dialog'));
        return [outlineStyle, outlineWidth, outlineColor === 'rgba(0, 0, 0, 0)', borderTopStyle, borderTopWidth];
      })()`),
    ).toEqual(['solid', '4px', false, 'solid', '4px']);
  });

  test('says when a session could not be extended, and can be used again', async () => {
    const { profile, tab } = await signedIn();
    await respondWith(tab, withEnd(100));
    await lookAgain(tab);
    await tab.getByRole('alertdialog').waitFor();
    await tab.route('**/auth/session/extend', (route) => route.abort());
    await tab.getByRole('button', { name: 'Stay signed in' }).click();
    await tab.getByRole('alert').getByText('Your session was not extended.').waitFor();
    await tab.unroute('**/auth/session/extend');
    await tab.unroute('**/auth/session');
    await tab.getByRole('button', { name: 'Stay signed in' }).click();
    await tab.getByRole('alertdialog').waitFor({ state: 'hidden' });
    profile.forgive(/ERR_FAILED/);
  });

  test('gives the focus to what can be done as soon as it is known that the session has ended', async () => {
    const { profile, tab } = await signedIn();
    await respondWith(tab, withEnd(60));
    await lookAgain(tab);
    await tab.getByRole('alertdialog').waitFor();
    await failQuestions(tab);
    await lookAgain(tab, 90_000);
    await tab.getByRole('dialog').getByText('We cannot check if you are still signed in').waitFor();
    expect(await focused(tab)).toBe('title');
    expect((await profile.call('POST', '/auth/logout')).status).toBe(200);
    await letAsk(tab);
    await lookAgain(tab);
    await dialogTitle(tab, 'You have been signed out');
    expect(await focused(tab)).toBe('Sign in');
    profile.forgive(/ERR_FAILED|status of 401/);
  });

  test('opens and closes where dialogs have no methods, as in jsdom', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await tab.addInitScript(
      'for (const name of ["showModal", "show", "close"]) delete HTMLDialogElement.prototype[name];',
    );
    await signIn(tab);
    await respondWith(tab, withEnd(60));
    await lookAgain(tab);
    await dialogTitle(tab, 'You will be signed out soon');
    await letAsk(tab);
    await tab.getByRole('button', { name: 'Stay signed in' }).click();
    await dialog(tab).waitFor({ state: 'hidden' });
  });

  test('covers the page when CIS2 has ended the session, whatever key is pressed, and leads back to the page', async () => {
    const { profile, tab } = await signedIn('/patients/7?sort=bed');
    const other = await profile.tab();
    await other.goto('/');
    await signedInAs(other, 'Amara Okafor');
    await rig.controlPanel('pull', { uid: '900000000001' });
    for (const page of [tab, other]) {
      await lookAgain(page);
      await dialogTitle(page, 'You have been signed out');
      expect(await isCovered(page)).toBe(true);
    }
    await tab.getByText('This happens when you take out your smartcard').waitFor();
    expect(await focused(tab)).toBe('Sign in');
    expect(await accessibilityViolations(tab)).toEqual([]);
    for (let presses = 0; presses < 3; presses += 1) await tab.keyboard.press('Escape');
    expect(await isCovered(tab)).toBe(true);
    await tab.emulateMedia({ forcedColors: 'active' });
    expect(await isCovered(tab)).toBe(true);
    await tab.getByRole('button', { name: 'Sign in' }).click();
    await choose(tab, 'Amara Okafor');
    await signedInAs(tab, 'Amara Okafor');
    expect(tab.url()).toBe(`${rig.baseUrl}/patients/7?sort=bed`);
    await signedInAs(other, 'Amara Okafor');
    await dialog(other).waitFor({ state: 'hidden' });
    profile.forgive(/status of 401/);
  });
});

describe('several tabs', () => {
  test('that sign in at the same moment start one after the other, and all come back', async () => {
    const profile = await rig.profile();
    const tabs = [await profile.tab(), await profile.tab()];
    let open = 0;
    let maxOpen = 0;
    for (const tab of tabs) {
      await tab.goto('/');
      await becomes(tab, 'anonymous');
      tab.on('request', (request) => {
        if (request.url().includes('/auth/login')) maxOpen = Math.max(maxOpen, (open += 1));
      });
      tab.on('response', (response) => {
        if (response.url().includes('/auth/login')) open -= 1;
      });
    }
    await Promise.all(tabs.map((tab) => tab.evaluate('void bff.signIn()')));
    for (const tab of tabs) await tab.waitForURL(/authorize/);
    expect(maxOpen).toBe(1);
    for (const tab of tabs) {
      await choose(tab, 'Amara Okafor');
      await signedInAs(tab, 'Amara Okafor');
    }
    profile.forgive(/status of 409/);
  });
});

describe('a page that was away', () => {
  test('shows nobody when it comes back from memory, until the BFF has responded [A-02, ASVS-14.3.1]', async () => {
    const { profile, tab } = await signedIn('/', 'Amara Okafor', rig.profileWithPageMemory());
    await tab.evaluate(`addEventListener('pageshow', (event) => {
      window.broughtBack = event.persisted;
      window.atFirst = document.body.innerText + bff.session.get().status;
    }, { capture: true })`);
    await tab.goto('/auth/jwks.json');
    await profile.call('POST', '/auth/logout');
    await tab.goBack({ waitUntil: 'commit' });
    await becomes(tab, '(anonymous|ended)');
    expect(await tab.evaluate('window.broughtBack')).toBe(true);
    expect(await tab.evaluate('window.atFirst')).not.toMatch(/Amara|active/);
    expect(await isCovered(tab)).toBe(true);
  });

  test('because the computer slept longer than the session can last shows nobody at once; a clock that was set back changes nothing', async () => {
    const profile = await rig.ownProfile();
    const tab = await profile.tab();
    await tab.clock.install();
    await signIn(tab);
    await tab.clock.setSystemTime(new Date(Date.now() - 7_200_000));
    expect(await status(tab)).toBe('active');
    await tab.clock.resume();
    await lookAgain(tab);
    await tab.waitForTimeout(500);
    expect(await status(tab)).toBe('active');
    expect(await tab.evaluate('bff.session.get().remainingSeconds()')).toBeGreaterThan(880);

    // Whoever asks gets the right state, and no frame is painted in between.
    await tab.route('**/auth/session', () => undefined);
    await tab.clock.fastForward(16 * 60_000);
    expect(await status(tab)).toBe('loading');
    expect(await tab.locator('#account-name').textContent()).toBe('');
    expect(await isCovered(tab)).toBe(true);
    await tab.unroute('**/auth/session');
    await lookAgain(tab);
    await tab.clock.runFor(3_000);
    await becomes(tab, 'active');
  });
});

sideBySide('while time passes', {
  'several tabs have one that asks, which extends nothing, and hear of a sign-out and of the next sign-in at once':
    async () => {
      const { profile, tab } = await signedIn();
      const other = await profile.tab();
      await other.goto('/');
      await signedInAs(other, 'Amara Okafor');
      const { expires } = await profile.session();
      const asked: Page[] = [];
      for (const page of [tab, other]) {
        page.on('request', (request) => {
          if (request.url().endsWith('/auth/session')) asked.push(page);
        });
      }
      for (let times = 0; times < 2; times += 1)
        await profile.context.waitForEvent('response', (response) =>
          response.url().endsWith('/auth/session'),
        );
      expect(new Set(asked).size).toBe(1);
      expect((await profile.session()).expires).toEqual(expires);

      await tab.evaluate('void bff.signOut()');
      await becomes(other, 'ended', 2_000);
      expect(await other.evaluate('bff.session.get().reason')).toBe('signed_out');
      expect(await isCovered(other)).toBe(true);
      await tab.waitForURL('**/signed-out');
      await signIn(tab, 'Devika Shah');
      await other.locator('#account-name', { hasText: 'Devika Shah' }).waitFor({ timeout: 3_000 });
      profile.forgive(/status of (401|409)/);
    },

  'a page that was away because the browser froze it asks as soon as it is awake': async () => {
    const { profile, tab } = await signedIn();
    const devTools = await profile.context.newCDPSession(tab);
    await devTools.send('Page.setWebLifecycleState', { state: 'frozen' });
    await profile.call('POST', '/auth/logout');
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await devTools.send('Page.setWebLifecycleState', { state: 'active' });
    const awake = Date.now();
    await becomes(tab, '(anonymous|ended)');
    expect(Date.now() - awake).toBeLessThan(2_000);
    expect(await tab.locator('#account-name').textContent()).toBe('');
    // The draft's key may be requested before the page is frozen, and the response come after the sign-out.
    profile.forgive(/status of 401/);
  },

  'a page that was away because the BFF could not be reached shows the person while the session lasts, and finds its way back':
    async () => {
      const profile = await rig.profile();
      const tab = await profile.tab();
      await tab.route('**/auth/session', (route) => route.abort());
      await tab.goto('/');
      await becomes(tab, 'unavailable');
      await tab.unroute('**/auth/session');
      await becomes(tab, 'anonymous');
      await signIn(tab);
      await tab.route('**/auth/session', (route) => route.abort());
      const failed = tab.waitForEvent('requestfailed');
      await lookAgain(tab);
      await failed;
      expect(await status(tab)).toBe('active');
      profile.forgive(/ERR_FAILED/);
    },

  'a page that was away because its cookies were cleared shows nobody within five seconds': async () => {
    const { profile, tab } = await signedIn();
    await profile.context.clearCookies();
    const cleared = Date.now();
    await becomes(tab, 'anonymous');
    expect(Date.now() - cleared).toBeLessThan(6_000);
    expect(await isCovered(tab)).toBe(true);
    // The draft's key, as above.
    profile.forgive(/status of 401/);
  },

  'a session that CIS2 has ended is known to an open tab within five seconds': async () => {
    const measured: number[] = [];
    // `PULLS=10` measures the distribution.
    for (let pulls = Number(process.env['PULLS'] ?? 2); pulls > 0; pulls -= 1) {
      const { profile, tab } = await signedIn('/', 'Ines Duarte');
      // At any moment between two questions.
      await tab.waitForTimeout(((pulls * 7) % 10) * 350);
      await rig.controlPanel('pull', { uid: '900000000009' });
      // The back-channel logout has had its response by now.
      const pulledAt = Date.now();
      await becomes(tab, 'ended');
      const at = await tab.evaluate<number>(`seen.findLast(([status]) => status === 'ended')[1]`);
      measured.push(at - pulledAt);
      expect(await tab.evaluate('bff.session.get().reason')).toBe('provider_logout');
      profile.forgive(/status of 401/);
      await profile.context.close();
    }
    process.stdout.write(`\nknown after, in milliseconds: ${measured.sort((a, b) => a - b).join(' ')}\n`);
    expect(Math.max(...measured)).toBeLessThan(5_000);
  },
});

test('a step-up is started once by the call that needs it, and not again when it did not help', async () => {
  const { profile, tab } = await signedIn();
  await tab.route('**/api/**', (route) =>
    route.fulfill({
      status: 401,
      contentType: 'application/problem+json',
      headers: { 'x-bff-problem': 'step_up_required' },
      json: { code: 'step_up_required', status: 401, loginUrl: 'https://evil.example/' },
    }),
  );
  const call = `bff.api('GET /api/pds/Patient').then(() => '', ({ code }) => code)`;
  const asked = tab.waitForRequest((request) => request.url().includes('/auth/login?'));
  void tab.evaluate(call).catch(() => undefined);
  const { searchParams } = new URL((await asked).url());
  expect(Object.fromEntries(searchParams)).toEqual({ returnTo: '/', reauth: '1' });
  await choose(tab, 'Amara Okafor');
  await signedInAs(tab, 'Amara Okafor');
  await tab.reload();
  await signedInAs(tab, 'Amara Okafor');
  expect(await tab.evaluate(call)).toBe('step_up_required');
  await tab.waitForTimeout(500);
  expect(tab.url()).toBe(`${rig.baseUrl}/`);
  profile.forgive(/status of (401|409)/);
});

describe('a draft', () => {
  const fieldsOf = (tab: Page): Promise<unknown> =>
    tab.evaluate(`(() => {
      const form = document.getElementById('letter');
      const data = new FormData(form);
      return ['subject', 'text', 'how', 'kind', 'pin', 'own'].map((name) => data.get(name)).concat(data.getAll('to'));
    })()`);
  const stored = (tab: Page): Promise<string | null> =>
    tab.evaluate(`sessionStorage.getItem('cis2-bff:drafts')`);
  const typed = ['Letter', 'Chest pain since Monday', 'email', 'discharge', '', '', 'ward'];
  const empty = ['Letter', '', 'post', 'referral', '', ''];

  /** The name under which the person's draft of a form is stored. */
  const nameFor = (tab: Page, place: string): Promise<string> =>
    tab.evaluate<string>(`(async () => {
      const { key } = await (await bff.fetch('/auth/session/draft-key')).json();
      const bytes = Uint8Array.from(atob(key.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
      const given = await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveKey']);
      const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: new TextEncoder().encode('name') };
      const hmac = await crypto.subtle.deriveKey(hkdf, given, { name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign']);
      const mac = await crypto.subtle.sign('HMAC', hmac, new TextEncoder().encode('${place}'));
      return btoa(String.fromCharCode(...new Uint8Array(mac)));
    })()`);

  async function write(tab: Page): Promise<void> {
    await tab.evaluate('draft.restored');
    await tab.getByLabel('Text').fill('Chest pain since Monday');
    await tab.getByLabel('Ward').check();
    await tab.getByLabel('E-mail').check();
    await tab.getByLabel('PIN').fill('1234');
    await tab.getByLabel('Own').fill('mine');
    await tab.getByLabel('Kind').selectOption('discharge');
    for (let tries = 0; tries < 40 && (await stored(tab)) === null; tries += 1) await tab.waitForTimeout(50);
    await tab.waitForTimeout(300);
  }

  test('outlives the end of a session for the same person, on its own page alone, is nowhere in clear, and is gone once it is saved [A-03]', async () => {
    const { profile, tab } = await signedIn();
    await write(tab);
    const sealed = await stored(tab);
    const [person, own, other] = await Promise.all([
      nameFor(tab, ''),
      nameFor(tab, '/#letter'),
      nameFor(tab, '/other#letter'),
    ]);
    const text = (JSON.parse(sealed ?? '{}') as Record<string, Record<string, string>>)[person]?.[own] ?? '';
    expect(text).toMatch(/^[\w+/=]{40,}$/);
    expect(JSON.parse(sealed ?? '{}')).toEqual({ [person]: { [own]: text } });
    const { key } = await tab.evaluate<{ key: string }>(
      `bff.fetch('/auth/session/draft-key').then((response) => response.json())`,
    );
    expect(key).toMatch(/^[\w-]{43}$/);
    const storage = JSON.stringify(await tab.evaluate('({ ...sessionStorage, ...localStorage })'));
    for (const clear of ['Chest', 'discharge', '1234', 'mine', 'Amara', 'letter', key])
      expect(storage).not.toContain(clear);

    // Under another path, as another patient's form would have, it does not open.
    const store = (content: unknown): Promise<unknown> =>
      tab.evaluate(`sessionStorage.setItem('cis2-bff:drafts', ${JSON.stringify(JSON.stringify(content))})`);
    await store({ [person]: { [own]: text, [other]: text } });
    await tab.goto('/other');
    await signedInAs(tab, 'Amara Okafor');
    expect(await tab.evaluate('draft.restored')).toBe(false);
    expect(await fieldsOf(tab)).toEqual(empty);
    const ownAlone = { [person]: { [own]: expect.any(String) } };
    expect(JSON.parse((await stored(tab)) ?? '{}')).toEqual(ownAlone);
    await tab.goto('/');
    await signedInAs(tab, 'Amara Okafor');
    expect(await tab.evaluate('draft.restored')).toBe(true);

    await rig.controlPanel('pull', { uid: '900000000001' });
    await lookAgain(tab);
    await tab.getByRole('button', { name: 'Sign in' }).click();
    await choose(tab, 'Amara Okafor');
    await signedInAs(tab, 'Amara Okafor');
    expect(await tab.evaluate('draft.restored')).toBe(true);
    expect(await fieldsOf(tab)).toEqual(typed);
    await tab.evaluate('draft.forget()');
    expect(await stored(tab)).toBeNull();
    profile.forgive(/status of 401/);
  });

  test('is never shown to somebody else, and does not open for them', async () => {
    const { profile, tab } = await signedIn();
    await write(tab);
    const other = await profile.tab();
    await signIn(other, 'Devika Shah');
    await tab.locator('#account-name', { hasText: 'Devika Shah' }).waitFor();
    expect(await fieldsOf(tab)).toEqual(empty);
    expect(await stored(tab)).toBeNull();
    profile.forgive(/status of 409/);

    // Somebody else in the same tab, with what the first one left.
    const { tab: firsts, profile: shared } = await signedIn();
    await write(firsts);
    await shared.context.clearCookies();
    await firsts.goto('/auth/login?returnTo=/');
    await choose(firsts, 'Devika Shah');
    await signedInAs(firsts, 'Devika Shah');
    expect(await firsts.evaluate('draft.restored')).toBe(false);
    expect(await fieldsOf(firsts)).toEqual(empty);
    expect(await stored(firsts)).toBeNull();
  });

  test('is gone when the person signs out, here or in another tab', async () => {
    const { profile, tab } = await signedIn();
    await write(tab);
    const other = await profile.tab();
    await other.goto('/');
    await signedInAs(other, 'Amara Okafor');
    await other.evaluate('void bff.signOut()');
    await becomes(tab, 'ended');
    expect(await stored(tab)).toBeNull();
    expect(await fieldsOf(tab)).toEqual(empty);
  });
});

test('the example for React signs in, and shows what one call gives', async () => {
  const tab = await (await rig.profile()).tab();
  await tab.goto('/example');
  await choose(tab, 'Amara Okafor');
  await tab.getByText('Born 2010-10-22').waitFor();
  expect(await tab.locator('bff-timeout-dialog').count()).toBe(1);
});

describe('React under StrictMode', () => {
  test('shows the fallback, the person, what needs a role, and the dialog when the session has ended', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await tab.goto('/react');
    await tab.getByText('Nobody is signed in').waitFor();
    await signIn(tab, 'Bethan Morris', '/react');
    await tab.getByText('No role is chosen').waitFor();
    await tab.evaluate('bff.chooseRole(bff.session.get().roles[0].roleId)');
    await tab.getByText('A role is chosen').waitFor();
    expect(await tab.locator('bff-timeout-dialog').count()).toBe(1);
    await rig.controlPanel('pull', { uid: '900000000002' });
    await lookAgain(tab);
    await dialogTitle(tab, 'You have been signed out');
    expect(await isCovered(tab)).toBe(true);
    expect(await tab.locator('#account-name').count()).toBe(0);
    profile.forgive(/status of 401/);
  });

  test('without a fallback signs in once, and leaves it to the person when they come back without', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await tab.goto('/react/automatic');
    await tab.waitForURL(/authorize/);
    await tab.goBack({ waitUntil: 'commit' });
    await tab.getByRole('button', { name: 'Sign in' }).click();
    await choose(tab, 'Amara Okafor');
    await signedInAs(tab, 'Amara Okafor');
    expect(tab.url()).toBe(`${rig.baseUrl}/react/automatic`);
  });

  test('without a fallback says that the service is not available', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await failQuestions(tab);
    await tab.goto('/react/automatic');
    await tab.getByRole('status').getByText('The service is not available. Trying again…').waitFor();
    profile.forgive(/ERR_FAILED/);
  });
});
