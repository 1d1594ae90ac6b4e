import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import type { SessionJson } from '../support/browser.ts';
import {
  accessibilityViolations,
  answerWith,
  choose,
  heading,
  signInLinkName,
  overflow,
  signIn,
  signOut,
  text,
  type Profile,
} from './rig.ts';
import { useRig } from './use-rig.ts';

const rig = await useRig();
let simulator: string;

beforeAll(async () => {
  simulator = await rig.simulator();
});

const service = 'Example ward service';
const realm = '/openam/oauth2/realms/root/realms/NHSIdentity/realms/Healthcare';

interface View {
  readonly name: string;
  readonly title: string;
  /** What more than the title the test shows. */
  readonly tag?: string;
  readonly open: (tab: Page, profile: Profile) => Promise<unknown>;
}

const signInError = (code: string, title: string, reason?: string): View => ({
  name: `the page of a sign-in that failed with ${code}${reason === undefined ? '' : ` for ${reason}`}`,
  title: `${title} – ${service}`,
  open: (tab) =>
    tab.goto(
      `/sign-in-error?${new URLSearchParams({
        code,
        reference: '4f1f2c1e-7d0a-4b43-9a53-0f6a1a1b2c3d',
        ...(reason === undefined ? {} : { reason }),
      }).toString()}`,
    ),
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

/** A page that depends on what the session says. */
const signedInPage = (
  name: string,
  title: string,
  path: string,
  change: (session: SessionJson) => unknown = (session) => session,
  person = 'Callum Reid',
): View => ({
  name,
  title: `${title} – ${service}`,
  tag: ' [ASVS-7.4.4]',
  open: async (tab) => {
    await answerWith(tab, (session) => (session.status === 'active' ? change(session) : session));
    await signIn(tab, person, path);
    await tab.waitForLoadState('networkidle');
  },
});

const assured = (session: SessionJson, change: Record<string, unknown>): SessionJson => ({
  ...session,
  assurance: { ...session.assurance, ...change },
});
const anHourAgo = (session: SessionJson): SessionJson =>
  assured(session, { authenticatedAt: new Date(Date.parse(session.serverTime) - 3_600_000).toISOString() });
/** As many roles as it takes for the box to find one; the app accepts none of those it adds. */
const withManyRoles = (session: SessionJson): SessionJson => ({
  ...session,
  roles: [
    ...session.roles,
    ...session.roles.map((role, index) => ({ ...role, roleId: `90000000099${index}`, permitted: false })),
  ],
});

const views: View[] = [
  { name: 'the sign-in page', title: `Sign in – ${service}`, open: (tab) => tab.goto('/') },
  {
    name: 'the sign-in page of a deep link',
    title: `Sign in – ${service}`,
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
  signedInPage('the choice of a role', 'Choose the role you are working in', '/'),
  signedInPage('the choice of a role among many', 'Choose the role you are working in', '/', withManyRoles),
  signedInPage('the change of a role', 'Change your role', '/role', (session) => ({
    ...session,
    role: session.roles[0],
  })),
  signedInPage(
    'the role page of somebody with one role',
    'You have one role',
    '/role',
    undefined,
    'Amara Okafor',
  ),
  signedInPage(
    'the role page of somebody with no role',
    'Your Care Identity has no role',
    '/role',
    undefined,
    'Ewan Blackwood',
  ),
  {
    name: 'the choice of a role that was not made',
    title: `Choose the role you are working in – ${service}`,
    open: async (tab) => {
      await signIn(tab, 'Callum Reid');
      await tab.getByRole('button', { name: 'Continue' }).click();
      await tab.getByText('Choose the role you want to work in').waitFor();
    },
  },
  signedInPage('the list of sessions', 'Where you are signed in', '/sessions'),
  signedInPage(
    'the list of sessions, long after the sign-in',
    'Where you are signed in',
    '/sessions',
    anHourAgo,
  ),
  signedInPage('the question about other sessions', 'You are also signed in elsewhere', '/', (session) => ({
    ...session,
    otherSessions: 2,
  })),
  signedInPage(
    'a page that needs a higher level',
    'This page needs a stronger way to sign in',
    '/controlled-drugs',
    (session) => assured(session, { authentication: 2, methods: ['TOTP'] }),
  ),
  signedInPage('a page that needs a fresh sign-in', 'Confirm it is you', '/controlled-drugs', anHourAgo),
  signedInPage('a page that needed a higher level', 'Controlled drugs register', '/controlled-drugs'),
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
  ended('signed_out', 'You have signed out'),
  ended('provider_logout', 'You were signed out because your Care Identity session ended'),
  ended('replaced', 'You were signed out because of a newer sign-in'),
  ended('revoked', 'Your session was ended for you'),
  signInError('access_denied', 'Sign-in was cancelled'),
  signInError('login_expired', 'Your sign-in ran out of time'),
  signInError('response_invalid', 'We could not confirm your sign-in'),
  signInError('provider_logout', 'Care Identity signed you out'),
  signInError('assurance_insufficient', 'You need a stronger way to sign in'),
  signInError('role_required', 'You do not have a role for this service'),
  signInError('role_required', 'You do not have a role for this service', 'something-new'),
  signInError('role_required', 'Your Care Identity has no role', 'no_role'),
  signInError('role_required', 'None of your roles can be used with this service', 'role'),
  signInError('role_required', 'Your organisation is not set up for this service', 'organisation'),
  signInError('provider_error', 'Care Identity could not sign you in'),
  signInError('provider_unavailable', 'Care Identity is not available'),
  signInError('internal_error', 'There is a problem with this service'),
  signInError('something-new', 'You were not signed in'),
];

const widths = [
  { width: 1280, height: 900 },
  { width: 390, height: 844 },
];

/** The ways on from a page: what there is to press in its main part, or in the dialog above it. */
const waysOn = (tab: Page): Promise<number> =>
  tab.locator('main a[href], main button, dialog[open] button').count();
const someoneIsSignedIn = (tab: Page): Promise<boolean> =>
  tab.evaluate<boolean>(`fetch('/auth/session', { headers: { 'X-CSRF': '1' } })
    .then((answer) => answer.json()).then(({ status }) => status === 'active', () => false)`);

describe('a page that anybody can read', () => {
  test.each(views.map((view) => ({ tag: '', ...view })))(
    'is $name: accessible, within the window, wide and narrow, and leads on$tag',
    async ({ open, title }) => {
      const { profile, tab } = await rig.visitor();
      await tab.setViewportSize(widths[0]!);
      await open(tab, profile);
      await tab.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
      expect(await tab.title()).toBe(title);
      expect(await tab.locator('h1').count()).toBe(1);
      if (new URL(tab.url()).origin === rig.baseUrl) {
        expect(await waysOn(tab)).toBeGreaterThan(0);
        expect(await tab.locator('#sign-out').isVisible()).toBe(await someoneIsSignedIn(tab));
      }
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
    },
  );
});

describe('the warning before the end [A-01]', () => {
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
  test('makes no request to any other host, breaks no content security policy and writes no error to the console [ASVS-3.4.3, ASVS-3.6.1]', async () => {
    const profile = await rig.profile();
    const hosts = new Set<string>();
    profile.context.on('request', (request) => hosts.add(new URL(request.url()).hostname));
    const tab = await profile.tab();
    await tab.goto('/ward/7');
    await tab.getByRole('link', { name: signInLinkName }).click();
    await choose(tab, 'Callum Reid');
    await tab.getByRole('radio').first().check();
    await tab.getByRole('button', { name: 'Continue' }).click();
    await heading(tab, 'Mr Callum Reid');
    await tab.getByRole('link', { name: 'Where you are signed in' }).first().click();
    await tab.getByText('This device').waitFor();
    await tab.getByRole('link', { name: 'Home' }).click();
    await tab.getByRole('button', { name: 'Stay signed in' }).click();
    await tab.getByText(/Your session now ends at/).waitFor();
    await signOut(tab);
    expect([...hosts].sort()).toEqual(['127.0.0.1', 'localhost']);
    expect(profile.complaints).toEqual([]);
  });

  test('runs under a policy that stops what it should: an inline script and a foreign image are reported [ASVS-3.4.3]', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await tab.goto('/');
    await heading(tab, 'Sign in to the example ward service');
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
