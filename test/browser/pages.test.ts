import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Page, Route } from 'playwright-core';
import type { SessionJson } from '../support/browser.ts';
import {
  accessibilityViolations,
  choose,
  heading,
  logInLink,
  overflow,
  signIn,
  text,
  type Profile,
} from './rig.ts';
import { useRig } from './use-rig.ts';

const rig = await useRig();
let simulator: string;

beforeAll(async () => {
  const tab = await (await rig.profile()).tab();
  await tab.goto('/auth/login');
  simulator = new URL(tab.url()).origin;
  await rig.closeProfiles();
});

const service = 'Example ward service';
const realm = '/openam/oauth2/realms/root/realms/NHSIdentity/realms/Healthcare';

interface View {
  readonly name: string;
  readonly title: string;
  readonly open: (tab: Page, profile: Profile) => Promise<unknown>;
}

const signInError = (code: string, title: string): View => ({
  name: `the page of a sign-in that failed with ${code}`,
  title: `${title} – ${service}`,
  open: (tab) => tab.goto(`/sign-in-error?code=${code}&reference=4f1f2c1e-7d0a-4b43-9a53-0f6a1a1b2c3d`),
});

/** What the BFF answers is put in place of its own answer: an end that takes hours or another server to come about. */
const answerWith = (tab: Page, change: (session: SessionJson) => unknown): Promise<unknown> =>
  tab.route('**/auth/session', async (route: Route) => {
    const answer = await route.fetch();
    await route.fulfill({ json: change((await answer.json()) as SessionJson) });
  });

const ended = (reason: string, title: string): View => ({
  name: `the page of a session that ended as ${reason}`,
  title: `${title} – ${service}`,
  open: async (tab) => {
    await answerWith(tab, () => ({ status: 'ended', reason }));
    await tab.goto('/ward/7');
  },
});

const soon = (session: SessionJson): SessionJson => ({
  ...session,
  expires: { ...session.expires, warnAt: session.serverTime },
});

const views: View[] = [
  { name: 'the log-in page', title: `Log in – ${service}`, open: (tab) => tab.goto('/') },
  {
    name: 'the log-in page of a deep link',
    title: `Log in – ${service}`,
    open: (tab) => tab.goto(`/ward/${'very-long-path-'.repeat(12)}?sort=bed`),
  },
  {
    name: 'the simulator’s page',
    title: 'Care Identity sign in – simulator',
    open: async (tab) => {
      await tab.goto('/auth/login');
      await tab.getByText('What the app asked for', { exact: true }).click();
    },
  },
  {
    name: 'the simulator’s page for a client that it does not know',
    title: 'This sign-in cannot go on – simulator',
    open: (tab, profile) => {
      profile.forgive(/status of 400/);
      return tab.goto(`${simulator}${realm}/authorize?client_id=somebody-else&response_type=code`);
    },
  },
  {
    name: 'the page of somebody with one role',
    title: `Signed in – ${service}`,
    open: (tab) => signIn(tab, 'Amara Okafor', '/ward/7'),
  },
  {
    name: 'the page of somebody with five roles',
    title: `Signed in – ${service}`,
    open: (tab) => signIn(tab, 'Callum Reid'),
  },
  {
    name: 'the page of somebody with no role',
    title: `Signed in – ${service}`,
    open: (tab) => signIn(tab, 'Ewan Blackwood'),
  },
  {
    name: 'the confirmation that the session was extended',
    title: `Signed in – ${service}`,
    open: async (tab) => {
      await signIn(tab);
      await tab.getByRole('button', { name: 'Stay signed in' }).click();
      await tab.getByText(/Your session now ends at/).waitFor();
    },
  },
  {
    name: 'the warning before the end',
    title: `You will be signed out soon – ${service}`,
    open: async (tab) => {
      await answerWith(tab, (session) => (session.status === 'active' ? soon(session) : session));
      await signIn(tab);
      await tab.getByRole('alertdialog').waitFor();
    },
  },
  {
    name: 'the signed-out page',
    title: `You have signed out – ${service}`,
    open: (tab) => tab.goto('/signed-out'),
  },
  {
    name: 'the page of a BFF that cannot say who is signed in',
    title: `Service not available – ${service}`,
    open: async (tab) => {
      await tab.route('**/auth/session', (route) => route.fulfill({ status: 503 }));
      await tab.goto('/');
      await tab.getByRole('button', { name: 'Try again' }).waitFor();
    },
  },
  ended('idle', 'You were signed out because you were not active'),
  ended('absolute', 'You were signed out because your session reached its time limit'),
  ended('provider_logout', 'You were signed out because your Care Identity session ended'),
  ended('replaced', 'You were signed out because of a newer sign-in'),
  ended('revoked', 'Your session was ended for you'),
  signInError('access_denied', 'Sign-in was cancelled'),
  signInError('login_expired', 'Your sign-in ran out of time'),
  signInError('response_invalid', 'We could not confirm your sign-in'),
  signInError('provider_logout', 'Care Identity signed you out'),
  signInError('assurance_insufficient', 'You need a stronger way to sign in'),
  signInError('role_required', 'You do not have a role for this service'),
  signInError('provider_error', 'Care Identity could not sign you in'),
  signInError('provider_unavailable', 'Care Identity is not available'),
  signInError('internal_error', 'There is a problem with this service'),
  signInError('something-new', 'You were not signed in'),
];

const widths = [
  { width: 1280, height: 900 },
  { width: 390, height: 844 },
];

describe('a page that anybody can read', () => {
  test.each(views)('is $name: accessible and within the window, wide and narrow', async ({ open, title }) => {
    const { profile, tab } = await rig.visitor();
    await tab.setViewportSize(widths[0]!);
    await open(tab, profile);
    await tab.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
    expect(await tab.title()).toBe(title);
    expect(await tab.locator('h1').count()).toBe(1);
    expect(await tab.locator('html').getAttribute('lang')).toMatch(/^en/);
    for (const size of widths) {
      await tab.setViewportSize(size);
      expect(await accessibilityViolations(tab)).toEqual([]);
      expect(await overflow(tab)).toBe(0);
    }
    // The narrowest that WCAG 1.4.10 asks for: 1280 pixels, magnified four times.
    await tab.setViewportSize({ width: 320, height: 640 });
    expect(await overflow(tab)).toBe(0);
    profile.forgive(/status of (400|503)/);
  });
});

describe('the warning before the end', () => {
  let profile: Profile;
  const openWarning = async (): Promise<Page> => {
    profile = await rig.profile();
    const tab = await profile.tab();
    await answerWith(tab, (session) => (session.status === 'active' ? soon(session) : session));
    await signIn(tab);
    await tab.getByRole('alertdialog').waitFor();
    return tab;
  };
  const focused = (tab: Page): Promise<string> =>
    tab.evaluate<string>('(document.activeElement?.textContent ?? "").trim()');

  test('takes the focus and keeps it: the page behind cannot be reached by keyboard', async () => {
    const tab = await openWarning();
    const visited = new Set<string>([await focused(tab)]);
    for (let presses = 0; presses < 8; presses += 1) {
      await tab.keyboard.press('Tab');
      if (await tab.evaluate<boolean>('document.activeElement !== document.body')) {
        visited.add(await focused(tab));
      }
    }
    expect([...visited]).toEqual(['Stay signed in', 'Sign out']);
  });

  test('closes with the Escape key, which means to stay', async () => {
    const tab = await openWarning();
    const extended = tab.waitForResponse('**/auth/session/extend');
    await tab.keyboard.press('Escape');
    expect((await extended).status()).toBe(200);
    await tab.getByRole('alertdialog').waitFor({ state: 'hidden' });
  });

  test('can sign out', async () => {
    const tab = await openWarning();
    await tab.getByRole('alertdialog').getByRole('button', { name: 'Sign out' }).click();
    await heading(tab, 'You have signed out');
  });

  test('that cannot extend because the network is gone says so and stays open', async () => {
    const tab = await openWarning();
    await tab.route('**/auth/session/extend', (route) => route.abort());
    await tab.getByRole('button', { name: 'Stay signed in' }).last().click();
    await tab.getByRole('alertdialog').getByRole('alert').getByText('could not be reached').waitFor();
    expect(await tab.getByRole('alertdialog').isVisible()).toBe(true);
    await tab.unroute('**/auth/session/extend');
    await tab.getByRole('alertdialog').getByRole('button', { name: 'Stay signed in' }).click();
    await tab.getByRole('alertdialog').waitFor({ state: 'hidden' });
    profile.forgive(/ERR_FAILED/);
  });
});

describe('a whole visit', () => {
  test('makes no request to any other host, breaks no content security policy and writes no error to the console', async () => {
    const profile = await rig.profile();
    const hosts = new Set<string>();
    profile.context.on('request', (request) => hosts.add(new URL(request.url()).hostname));
    const tab = await profile.tab();
    await tab.goto('/ward/7');
    await tab.getByRole('link', { name: logInLink }).click();
    await choose(tab, 'Callum Reid');
    await heading(tab, 'Mr Callum Reid');
    await tab.getByRole('button', { name: 'Stay signed in' }).click();
    await tab.getByText(/Your session now ends at/).waitFor();
    await tab.getByRole('button', { name: 'Sign out' }).click();
    await heading(tab, 'You have signed out');
    expect([...hosts].sort()).toEqual(['127.0.0.1', 'localhost']);
    expect(profile.complaints).toEqual([]);
  });

  test('runs under a policy that stops what it should: an inline script and a foreign image are reported', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await tab.goto('/');
    await heading(tab, 'Log in to the example ward service');
    await tab.evaluate(`{
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      const image = document.createElement('img');
      image.src = '${simulator}/image.png';
      document.body.append(script, image);
    }`);
    await tab.waitForTimeout(200);
    expect(await tab.evaluate('window.ran')).toBeUndefined();
    const reported = profile.complaints.filter((complaint) => complaint.startsWith('console: CSP '));
    expect(reported.map((complaint) => complaint.split(' ')[2]).sort()).toEqual([
      'img-src',
      'script-src-elem',
    ]);
    profile.forgive(/CSP|Content Security Policy/);
  });

  test('without JavaScript says that it needs it', async () => {
    const tab = await (await rig.profile({ javaScriptEnabled: false })).tab();
    await tab.goto('/');
    expect(await tab.locator('noscript').innerText()).toContain('needs JavaScript');
    expect(await text(tab).catch(() => 'unread')).not.toContain('undefined');
  });
});
