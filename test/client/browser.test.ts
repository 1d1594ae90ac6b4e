/** The built library in Chromium, and the client's contract set, before the real product. */
import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { createClient, type Surroundings } from '../../client/core.ts';
import { accessibilityViolations, choose, overflow, type Profile } from '../browser/rig.ts';
import { useRig } from '../browser/use-rig.ts';
import { Browser, type SessionJson } from '../support/browser.ts';
import { signInAtSimulator } from '../support/simulator-sign-in.ts';
import { describeClient } from './contract-set.ts';
import { says, servePages } from './page.ts';

const rig = await useRig();

const nurse = { uid: '900000000002', name: 'Bethan Morris' };
const doctor = { uid: '900000000001', name: 'Amara Okafor' };

describeClient('the real library before the real server', async () => {
  const browser = new Browser(rig.baseUrl);
  await signInAtSimulator(browser, nurse.uid);
  const events = new EventTarget();
  const origin = rig.baseUrl;
  const surroundings = {
    Date,
    performance,
    fetch: (url: string, init: RequestInit) =>
      browser.request(new URL(url).pathname + new URL(url).search, {
        ...init,
        headers: {
          ...Object.fromEntries(new Headers(init.headers)),
          origin,
          'sec-fetch-site': 'same-origin',
        },
      }),
    location: { origin, href: `${origin}/`, pathname: '/', search: '', hash: '', replace: () => undefined },
    document: Object.assign(new EventTarget(), { visibilityState: 'visible' }),
    addEventListener: events.addEventListener.bind(events),
    sessionStorage: { getItem: () => null, setItem: () => undefined },
    reportError: console.error,
  };
  const [bff] = createClient(surroundings as unknown as Surroundings);
  const isActive = (): boolean => bff.session.get().status === 'active';
  await new Promise<void>((resolve) => {
    const end = bff.session.subscribe(() => {
      if (!isActive()) return;
      end();
      resolve();
    });
  });
  return { bff, close: bff.stop };
});

/** The end of a sign-in is a redirect, which brings the product's own page: our own takes its place when it is loaded. */
async function comeBack(tab: Page, person: typeof doctor): Promise<void> {
  await choose(tab, person.name);
  await tab.waitForURL(`${rig.baseUrl}/**`);
  await tab.reload();
  await says(tab, `active ${person.name}`);
}

/** A profile whose pages are ours, with somebody signed in. */
async function signedIn(person = doctor, path = '/plain'): Promise<{ profile: Profile; tab: Page }> {
  const profile = await rig.profile();
  await servePages(profile.context, rig.baseUrl);
  const tab = await profile.tab();
  await tab.goto(`/auth/login?returnTo=${encodeURIComponent(path)}`);
  await comeBack(tab, person);
  return { profile, tab };
}
async function anotherTab(profile: Profile, path = '/plain'): Promise<Page> {
  const tab = await profile.tab();
  await tab.goto(path);
  await says(tab, 'active');
  return tab;
}
const states = (tab: Page): Promise<string[]> => tab.evaluate<string[]>('states');
const statusNow = (tab: Page): Promise<string> => tab.evaluate<string>('bff.session.get().status');
/** The session as the page is told of it, changed. */
const tell = (tab: Page, change: (session: SessionJson) => unknown): Promise<unknown> =>
  tab.route('**/auth/session', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ json: change((await answer.json()) as SessionJson) });
  });
const endsIn =
  (seconds: number, bindingLimit = 'idle') =>
  (session: SessionJson): unknown => {
    const at = new Date(Date.parse(session.serverTime) + seconds * 1_000).toISOString();
    const warnAt = session.serverTime;
    return { ...session, expires: { ...session.expires, at, idleAt: at, warnAt, bindingLimit } };
  };
/** The page finds out at once. */
const wake = (tab: Page): Promise<unknown> =>
  tab.evaluate(
    `window.dispatchEvent(Object.assign(new Event('pagehide'))); window.dispatchEvent(new Event('pageshow'))`,
  );
const dialog = (tab: Page) => tab.getByRole('alertdialog', { name: 'You will be signed out soon' });
const cover = (tab: Page) => tab.getByRole('dialog', { name: 'You have been signed out' });

describe('many tabs', () => {
  test('hear of a change of role and of a sign-out in one of them', async () => {
    const { profile, tab } = await signedIn(nurse);
    const others = [await anotherTab(profile), await anotherTab(profile)];
    await tab.evaluate(`bff.chooseRole('900000000702')`);
    await Promise.all([tab, ...others].map((each) => says(each, '900000000702')));
    await tab.evaluate('void bff.signOut()');
    await tab.waitForURL('**/signed-out');
    await Promise.all(others.map((each) => says(each, 'ended signed_out')));
    for (const each of others) {
      expect(await states(each)).not.toContain('unavailable');
      await cover(each).waitFor();
    }
    expect(await profile.session()).toEqual({ status: 'anonymous' });
  });

  test('have one that asks, and all know within five seconds that a smartcard was pulled', async () => {
    const { profile, tab } = await signedIn();
    const tabs = [tab, await anotherTab(profile), await anotherTab(profile)];
    const asked: Page[] = [];
    profile.context.on('request', (request) => {
      if (request.url().endsWith('/auth/session')) asked.push(request.frame().page());
    });
    await rig.lab('pull', { uid: doctor.uid });
    const pulledAt = performance.now();
    await Promise.all(tabs.map((each) => says(each, 'ended provider_logout', 10_000)));
    const seconds = (performance.now() - pulledAt) / 1_000;
    process.stdout.write(`\na pulled smartcard was known in three tabs after ${seconds.toFixed(1)} s\n`);
    expect(seconds).toBeLessThan(5);
    expect(new Set(asked).size).toBe(1);
    await cover(tab).waitFor();
    await tab.getByText('take out your smartcard').waitFor();
    expect(await tab.locator('#mine').evaluate((element) => element.matches(':focus'))).toBe(false);
  });

  test('start their sign-ins one after the other, and each comes back signed in', async () => {
    const profile = await rig.profile();
    await servePages(profile.context, rig.baseUrl);
    const tabs = await Promise.all(Array.from({ length: 4 }, () => profile.tab()));
    await Promise.all(tabs.map((tab, index) => tab.goto(`/plain/${String(index)}`)));
    await Promise.all(tabs.map((tab) => says(tab, 'anonymous')));
    await Promise.all(tabs.map((tab) => tab.evaluate('void bff.signIn()')));
    for (const tab of tabs) await comeBack(tab, doctor);
    expect(tabs.map((tab) => new URL(tab.url()).pathname)).toEqual([
      '/plain/0',
      '/plain/1',
      '/plain/2',
      '/plain/3',
    ]);
  });

  test('that come back from the back-forward cache show nobody until they have asked', async () => {
    const { tab } = await signedIn();
    await tab.evaluate('window.marker = 1');
    await tab.goto('/plain/other');
    await says(tab, 'active');
    await tab.evaluate('void bff.signOut()');
    await tab.waitForURL('**/signed-out');
    await tab.goBack();
    await tab.goBack();
    await says(tab, 'ended');
    expect((await states(tab)).at(-2)).not.toBe('active');
  });
});

describe('after sleep', () => {
  const sleep = (seconds: number): string => `
    const now = Date.now;
    Date.now = () => now.call(Date) + ${String(seconds * 1_000)};
    document.dispatchEvent(new Event('visibilitychange'));
    const after = [bff.session.get().status, dialog.shadowRoot?.querySelector('dialog')?.open ?? false];
    Date.now = now;
    after`;

  test('that outlasted the session, the page is covered before anything is painted, and then asks', async () => {
    const { tab } = await signedIn();
    await tab.evaluate('document.querySelector("#mine").focus()');
    expect(await tab.evaluate(sleep(1_000))).toEqual(['loading', true]);
    // The server's clock has not slept.
    await says(tab, 'active');
    await tab.waitForFunction('!dialog.shadowRoot.querySelector("dialog").open');
    expect(await tab.evaluate('document.activeElement.id')).toBe('mine');
  });

  test('that did not, nothing is covered', async () => {
    const { tab } = await signedIn();
    expect(await tab.evaluate(sleep(600))).toEqual(['active', false]);
  });
});

describe('a call that needs a fresh sign-in', () => {
  test('starts it once, comes back to the page, and never goes round in circles', async () => {
    const { profile, tab } = await signedIn(doctor, '/plain/patient?tab=2#address');
    const { handle } = await profile.session();
    let refusals = 0;
    await tab.route('**/api/pds/Patient/9000000009', (route) => {
      refusals += 1;
      const body = { status: 401, code: 'step_up_required', reauth: true, loginUrl: 'https://evil.example/' };
      return route.fulfill({ status: 401, headers: { 'X-BFF-Problem': 'step_up_required' }, json: body });
    });
    const call = `bff.api('GET /api/pds/Patient/{id}', { parameters: { id: '9000000009' } }).then(String, ({ code }) => code)`;
    expect(await tab.evaluate(call)).toBe('step_up_required');
    await comeBack(tab, doctor);
    expect(tab.url()).toBe(`${rig.baseUrl}/plain/patient?tab=2#address`);
    expect((await profile.session()).handle).not.toBe(handle);
    for (let reload = 0; reload < 2; reload += 1) {
      expect(await tab.evaluate(call)).toBe('step_up_required');
      await tab.reload();
      await says(tab, 'active');
    }
    expect(refusals).toBe(3);
    await tab.unroute('**/api/pds/Patient/9000000009');
    expect(await tab.evaluate(call)).toBe('[object Response]');
    expect(await tab.evaluate('sessionStorage.getItem("cis2-bff:step-up")')).toBe('{}');
    profile.forgive(/status of 401/);
  });
});

describe('the time-out dialog', () => {
  test('warns, takes the focus and gives it back, makes the rest inert, and Escape extends', async () => {
    const { tab } = await signedIn();
    await tab.locator('#mine').focus();
    await tell(tab, endsIn(118));
    await wake(tab);
    await dialog(tab).waitFor();
    expect(await tab.evaluate('dialog.shadowRoot.activeElement.textContent')).toBe('Stay signed in');
    expect(await accessibilityViolations(tab)).toEqual([]);
    for (const key of ['Tab', 'Tab', 'Tab', 'Shift+Tab']) {
      await tab.keyboard.press(key);
      expect(
        await tab.evaluate(
          '["mine", "INPUT"].includes(document.activeElement.id || document.activeElement.tagName)',
        ),
      ).toBe(false);
    }
    await tab.unroute('**/auth/session');
    const extended = tab.waitForRequest('**/auth/session/extend');
    await tab.keyboard.press('Escape');
    await extended;
    await dialog(tab).waitFor({ state: 'detached' });
    expect(await tab.evaluate('document.activeElement.id')).toBe('mine');
  });

  test('counts down for the eyes, and tells a screen reader now and then only', async () => {
    const { tab } = await signedIn();
    await tell(tab, endsIn(63));
    await wake(tab);
    await dialog(tab).waitFor();
    await tab.evaluate(`
      window.said = [];
      const status = dialog.shadowRoot.querySelector('[role=status]');
      new MutationObserver(() => said.push(status.textContent)).observe(status, { childList: true });
      window.counted = new Set();
      const countdown = dialog.shadowRoot.querySelector('.countdown');
      new MutationObserver(() => counted.add(countdown.textContent)).observe(countdown, { childList: true });
    `);
    await tab.unroute('**/auth/session');
    await tab.route('**/auth/session', (route) => route.abort());
    await tab.waitForFunction('said.length > 0 && counted.size >= 4', undefined, { timeout: 10_000 });
    expect(await tab.evaluate('said')).toEqual(['You will be signed out in 1 minute.']);
    await tab.evaluate('void bff.stop()');
  });

  test('of a limit that cannot be moved is closed until then', async () => {
    const { tab } = await signedIn();
    await tell(tab, endsIn(100, 'absolute'));
    await wake(tab);
    await dialog(tab).waitFor();
    await tab.route('**/auth/session', (route) => route.abort());
    await tab.getByRole('button', { name: 'Continue until then' }).click();
    await dialog(tab).waitFor({ state: 'detached' });
    expect(await statusNow(tab)).toBe('active');
    await tab.evaluate('void bff.stop()');
  });

  test('says what went wrong, and signs out', async () => {
    const { profile, tab } = await signedIn();
    await tell(tab, endsIn(100));
    await wake(tab);
    await tab.route('**/auth/session/extend', (route) => route.fulfill({ status: 503, body: '' }));
    await tab.getByRole('button', { name: 'Stay signed in' }).click();
    await tab.getByRole('alert').getByText('Your session was not extended. Try again.').waitFor();
    await tab.getByRole('button', { name: 'Sign out' }).click();
    await tab.waitForURL('**/signed-out');
    expect(await profile.session()).toEqual({ status: 'anonymous' });
    profile.forgive(/status of 503/);
  });

  test('stays over a session that has ended, whatever is pressed, and leads to the sign-in', async () => {
    const { tab } = await signedIn();
    await tell(tab, () => ({ status: 'ended', reason: 'idle' }));
    await wake(tab);
    await cover(tab).waitFor();
    for (const key of ['Escape', 'Escape', 'Escape']) await tab.keyboard.press(key);
    await cover(tab).waitFor();
    expect(await accessibilityViolations(tab)).toEqual([]);
    const backdrop = `getComputedStyle(dialog.shadowRoot.querySelector('dialog'), '::backdrop')`;
    expect(await tab.evaluate(`${backdrop}.backgroundColor`)).toBe('rgb(240, 244, 245)');
    await tab.getByRole('button', { name: 'Sign in' }).click();
    await comeBack(tab, doctor);
  });

  test('fits 320 pixels, and has its parts in forced colours', async () => {
    const { tab } = await signedIn();
    await tab.setViewportSize({ width: 320, height: 256 });
    await tab.emulateMedia({ forcedColors: 'active' });
    await tell(tab, endsIn(100));
    await wake(tab);
    await dialog(tab).waitFor();
    expect(await overflow(tab)).toBe(0);
    const box = await dialog(tab).boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? 999)).toBeLessThanOrEqual(320);
    await tab.getByRole('button', { name: 'Sign out' }).scrollIntoViewIfNeeded();
    expect(await accessibilityViolations(tab)).toEqual([]);
  });

  test('speaks Welsh', async () => {
    const { tab } = await signedIn(doctor, '/plain?welsh');
    await tell(tab, endsIn(100));
    await wake(tab);
    await tab.getByRole('alertdialog', { name: 'Byddwch yn cael eich allgofnodi cyn bo hir' }).waitFor();
    await tab.getByRole('button', { name: 'Aros wedi mewngofnodi' }).waitFor();
    expect(await tab.evaluate('dialog.shadowRoot.querySelector("dialog").lang')).toBe('cy');
  });
});

describe('React in StrictMode', () => {
  test('shows what needs a session and a role, and what it shows goes when they do', async () => {
    const { tab } = await signedIn(nurse, '/react/open');
    await tab.getByRole('button', { name: 'Choose' }).click();
    await tab.getByText('working').waitFor();
    await tell(tab, endsIn(100));
    await wake(tab);
    await dialog(tab).waitFor();
    await tab.unroute('**/auth/session');
    await tab.keyboard.press('Escape');
    await dialog(tab).waitFor({ state: 'detached' });
    await tell(tab, () => ({ status: 'ended', reason: 'revoked' }));
    await wake(tab);
    await says(tab, 'fallback');
    await cover(tab).waitFor();
  });

  test('signs in by itself where nobody is signed in, once, and then leaves it to the person', async () => {
    const profile = await rig.profile();
    await servePages(profile.context, rig.baseUrl);
    const tab = await profile.tab();
    let signIns = 0;
    tab.on('request', (request) => {
      if (request.url().includes('/auth/login')) signIns += 1;
    });
    await tab.goto('/react');
    await tab.getByRole('button', { name: doctor.name }).waitFor();
    await tab.goto('/react');
    await tab.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(signIns).toBe(1);
    await tab.getByRole('button', { name: 'Sign in' }).click();
    await comeBack(tab, doctor);
    expect(await tab.evaluate('sessionStorage.getItem("cis2-bff:sign-in")')).toBeNull();
  });
});
