import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Page, Route } from 'playwright-core';
import type { SessionJson } from '../support/browser.ts';
import { demonstrationSteps, screenshotOfStep } from '../evidence/demonstration.ts';
import { newerFeatures, oldest, withoutFeatures } from './oldest-browsers.ts';
import {
  accessibilityViolations,
  respondWith,
  choose,
  heading,
  signInButtonName,
  overflow,
  signIn,
  signOut,
  type Profile,
} from './rig.ts';
import { useRig } from './use-rig.ts';

const rig = await useRig();
let simulator: string;

beforeAll(async () => {
  simulator = await rig.simulator();
});

const service = 'Example surgery';
const realm = '/openam/oauth2/realms/root/realms/NHSIdentity/realms/Healthcare';

interface View {
  readonly name: string;
  readonly title: string;
  /** What more than the title the test shows. */
  readonly tag?: string;
  readonly open: (tab: Page, profile: Profile) => Promise<unknown>;
}

/** Its address as the backend makes it, when it refuses a sign-in or whatever else a person navigates to. */
const signInError = (code: string, title: string, reason?: string): View => ({
  name: `the page of a refusal with ${code}${reason === undefined ? '' : ` for ${reason}`}`,
  title: `${title} – ${service}`,
  open: async (tab) => {
    await tab.goto(
      `/sign-in-error?${new URLSearchParams({
        code,
        reference: '7K3M-9QX2-HABW',
        ...(reason === undefined ? {} : { reason }),
      }).toString()}`,
    );
    // What happened, what to do, and whom to call.
    await heading(tab, title);
    await tab.getByRole('heading', { name: 'What to do now' }).waitFor();
    await tab.getByRole('region', { name: 'If you need help' }).getByText('contact').waitFor();
    await tab.getByText('7K3M-9QX2-HABW').waitFor();
  },
});

const ended = (reason: string, title: string): View => ({
  name: `the page of a session that ended as ${reason}`,
  title: `${title} – ${service}`,
  open: async (tab) => {
    await respondWith(tab, () => ({ status: 'ended', reason }));
    await tab.goto('/sessions?ward=7');
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
    await respondWith(tab, (session) => (session.status === 'active' ? change(session) : session));
    await signIn(tab, person, path);
    await heading(tab, title);
    // What the page asks for is there, too.
    await tab.locator('main p[role=status]', { hasText: '…' }).waitFor({ state: 'detached' });
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

/** Somebody whose name is nearly two hundred characters long, with a word of 77. */
const longNamePages = [
  ['the home page', 'Find a patient', '/'],
  ['the role page', 'You have one role', '/role'],
  ['the list of sessions', 'Where you are signed in', '/sessions'],
  ['the page of a cancelled sign-in', 'Sign-in was cancelled', '/sign-in-error?code=access_denied'],
].map(([name = '', title = '', path = '']) =>
  signedInPage(`${name} of somebody with a very long name`, title, path, undefined, 'Siân Llŷr'),
);

const views: View[] = [
  {
    name: 'the sign-in page',
    title: `Sign in to the example surgery – ${service}`,
    open: (tab) => tab.goto('/'),
  },
  {
    name: 'the sign-in page of a deep link',
    title: `Sign in to the example surgery – ${service}`,
    open: (tab) => tab.goto(`/sessions?${'very-long-query-'.repeat(12)}?sort=bed`),
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
    title: `Find a patient – ${service}`,
    open: (tab) => signIn(tab, 'Amara Okafor'),
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
    'the record of a patient',
    'Mrs Jane Tulip Marchbanks',
    '/patients/9000000009',
    undefined,
    'Amara Okafor',
  ),
  signedInPage(
    'a restricted record',
    'Rowan Restricted-Record',
    '/patients/9000000025',
    undefined,
    'Amara Okafor',
  ),
  signedInPage(
    'the change of an address',
    'Change address',
    '/patients/9000000009/address',
    undefined,
    'Amara Okafor',
  ),
  {
    name: 'the patients that were found',
    title: `Find a patient – ${service}`,
    open: async (tab) => {
      await signIn(tab);
      await tab.getByRole('button', { name: 'Find' }).click();
      await tab.getByRole('link', { name: 'Mr Jasper Marchbanks' }).waitFor();
    },
  },
  {
    name: 'the page of a patient who is not there',
    title: `There is no such patient – ${service}`,
    open: async (tab, profile) => {
      await signIn(tab, 'Amara Okafor', '/patients/9999999999');
      await heading(tab, 'There is no such patient');
      profile.forgive(/status of 404/);
    },
  },
  {
    name: 'the page of somebody with no role',
    title: `Your Care Identity has no role – ${service}`,
    open: (tab) => signIn(tab, 'Ewan Blackwood'),
  },
  {
    name: 'the confirmation that the session was extended',
    title: `Where you are signed in – ${service}`,
    open: async (tab) => {
      await signIn(tab, 'Amara Okafor', '/sessions');
      await tab.getByRole('button', { name: 'Stay signed in' }).click();
      await tab.getByText(/Your session now ends at/).waitFor();
    },
  },
  {
    name: 'the warning before the end',
    title: `You will be signed out soon – ${service}`,
    open: async (tab) => {
      await respondWith(tab, (session) => (session.status === 'active' ? soon(session) : session));
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
    title: `We cannot tell whether you are signed in – ${service}`,
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
  signInError('role_required', 'One of your roles is recorded twice, with different rights', 'contradictory'),
  signInError('invalid_request', 'This link does not work'),
  signInError('session_required', 'You are not signed in'),
  signInError('session_ended', 'Your session has ended'),
  signInError('step_up_required', 'Confirm that it is you'),
  signInError('csrf_rejected', 'This address cannot be opened directly'),
  signInError('role_not_permitted', 'You cannot use this role here'),
  signInError('not_found', 'Page not found'),
  signInError('method_not_allowed', 'This address cannot be opened directly'),
  signInError('session_changed', 'You are signed in differently now'),
  signInError('payload_too_large', 'Too much was sent at once'),
  signInError('unsupported_media_type', 'This service could not read what was sent'),
  signInError('rate_limited', 'Too many requests'),
  signInError('upstream_invalid', 'Another NHS service did not answer properly'),
  signInError('upstream_timeout', 'Another NHS service took too long'),
  signInError('store_unavailable', 'This service is not available'),
  signInError('keys_unavailable', 'This service is not available'),
  signInError('something-new', 'You were not signed in'),
  {
    name: 'the page of an address that leads nowhere',
    title: `Page not found – ${service}`,
    open: (tab) => tab.goto('/no-such-page'),
  },
  signedInPage('the page of an address that leads nowhere', 'Page not found', '/roles'),
  {
    name: 'the guided tour of the local start',
    title: `Guided tour – ${service}`,
    open: async (tab) => {
      await tab.goto('/tour');
      expect(await tab.locator('main > ol > li > h2').allInnerTexts()).toEqual(demonstrationSteps);
    },
  },
  ...longNamePages,
];

const widths = [
  { width: 1280, height: 900 },
  { width: 375, height: 812 },
];

/** The ways on from a page: what there is to press in its main part, or in the dialog above it. */
const waysOn = (tab: Page): Promise<number> =>
  tab.locator('main a[href], main button, dialog[open] button').count();
/** The pages that a step of the demonstration shows (docs/onboarding.md). */
const demonstration: readonly (readonly [step: number, view: string])[] = [
  [1, 'the sign-in page'],
  [2, 'the simulator’s page'],
  [2, 'the page of somebody with one role'],
  [3, 'the page of a refusal with access_denied'],
  [4, 'the page of a refusal with assurance_insufficient'],
  [5, 'the page of a refusal with assurance_insufficient'],
  [6, 'the page of a refusal with role_required for no_role'],
  [6, 'the page of a refusal with role_required for role'],
  [6, 'the page of a refusal with role_required for organisation'],
  [7, 'the choice of a role'],
  [7, 'the change of a role'],
  [8, 'the page of a refusal with login_expired'],
  [9, 'the warning before the end'],
  [9, 'the page of a session that ended as idle'],
  [10, 'the page of a session that ended as absolute'],
  [11, 'the simulator’s page'],
  [12, 'the page of a session that ended as provider_logout'],
  [13, 'the signed-out page'],
  [14, 'the list of sessions'],
  [14, 'the page of a session that ended as revoked'],
];

const someoneIsSignedIn = (tab: Page): Promise<boolean> =>
  tab.evaluate<boolean>(`fetch('/auth/session', { headers: { 'X-CSRF': '1' } })
    .then((response) => response.json()).then(({ status }) => status === 'active', () => false)`);

/** The page's elements and attributes, with every text made the same. */
const structureOf = (tab: Page): Promise<string> =>
  tab.evaluate<string>(`document.documentElement.outerHTML.replace(/>\\s*[^<\\s][^<]*</g, '>text<')`);
const checkedStructures = new Set<string>();

test('every step of the demonstration has a page', () => {
  for (const [, view] of demonstration) expect(views.map(({ name }) => name)).toContain(view);
});

describe('a page that anybody can read', () => {
  test.each(views.map((view) => ({ tag: '', ...view })))(
    'is $name: accessible, within the window, wide and narrow, and leads on$tag',
    async ({ name, open, title }) => {
      const { profile, tab } = await rig.visitor();
      await tab.setViewportSize(widths[0]!);
      await open(tab, profile);
      await tab.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
      for (const [step, view] of demonstration) {
        if (view === name) await screenshotOfStep(tab, step, name.toLowerCase().replace(/[^a-z]+/g, '-'));
      }
      expect(await tab.title()).toBe(title);
      expect(await tab.locator('h1').count()).toBe(1);
      if (new URL(tab.url()).origin === rig.baseUrl) {
        expect(await waysOn(tab)).toBeGreaterThan(0);
        expect(await tab.locator('#sign-out').isVisible()).toBe(await someoneIsSignedIn(tab));
      }
      expect(await tab.locator('html').getAttribute('lang')).toMatch(/^en/);
      for (const size of widths) {
        await tab.setViewportSize(size);
        expect(await overflow(tab)).toBe(0);
      }
      // The page is the same at every width, and most refusals are one page with other words.
      const structure = await structureOf(tab);
      if (!checkedStructures.has(structure)) expect(await accessibilityViolations(tab)).toEqual([]);
      checkedStructures.add(structure);
      // The narrowest that WCAG 1.4.10 asks for: 1280 pixels, magnified four times.
      await tab.setViewportSize({ width: 320, height: 640 });
      expect(await overflow(tab)).toBe(0);
      profile.forgive(/status of (400|503)/);
    },
  );
});

test('many structures were checked, and not one for all pages', () => {
  expect(checkedStructures.size).toBeGreaterThan(views.length / 3);
});

describe('a whole visit', () => {
  test('makes no request to any other host, breaks no content security policy and writes no error to the console [ASVS-3.4.3, ASVS-3.6.1]', async () => {
    const profile = await rig.ownProfile();
    const hosts = new Set<string>();
    profile.context.on('request', (request) => hosts.add(new URL(request.url()).hostname));
    const tab = await profile.tab();
    await tab.goto('/');
    await tab.getByRole('button', { name: signInButtonName }).click();
    await choose(tab, 'Callum Reid');
    await tab.getByRole('radio').first().check();
    await tab.getByRole('button', { name: 'Continue' }).click();
    await tab.getByRole('button', { name: 'Find' }).click();
    await tab.getByRole('link', { name: 'Mr Jasper Marchbanks' }).click();
    await heading(tab, 'Mr Jasper Marchbanks');
    await tab.getByRole('link', { name: 'Change address' }).click();
    await tab.getByLabel('Street').fill('2 Example Street');
    await tab.getByRole('button', { name: 'Save' }).click();
    await tab.getByText('The address of Mr Jasper Marchbanks was changed.').waitFor();
    await tab.getByText('2 Example Street, Sampleton, XX1 1AA').waitFor();
    await tab.getByRole('link', { name: 'Where you are signed in' }).first().click();
    await tab.getByText('This device', { exact: true }).waitFor();
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
    await heading(tab, 'Sign in to the example surgery');
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
});

describe('a browser that cannot do what browsers of today can', () => {
  const cannotStart = 'This page cannot start in your browser';

  test('because it is the oldest that the demo is for shows every page all the same', async () => {
    expect(newerFeatures).toEqual(
      expect.arrayContaining(['api.URL.parse_static', 'javascript.builtins.Promise.withResolvers']),
    );
    const profile = await rig.ownProfile();
    await profile.context.addInitScript(withoutFeatures(newerFeatures));
    const tab = await profile.tab();
    await tab.goto('/patients/9000000017');
    expect(await tab.evaluate(`[typeof URL, typeof URL.parse, typeof Set.prototype.union]`)).toEqual([
      'function',
      'undefined',
      'undefined',
    ]);
    await tab.getByRole('button', { name: signInButtonName }).click();
    await tab.getByRole('button', { name: 'Cancel' }).click();
    await tab.getByRole('button', { name: 'Try again' }).click();
    await choose(tab, 'Callum Reid');
    await tab.getByRole('radio').first().check();
    await tab.getByRole('button', { name: 'Continue' }).click();
    await heading(tab, 'Mr Jasper Marchbanks');
    expect(tab.url()).toBe(`${rig.baseUrl}/patients/9000000017`);
    await tab.getByRole('link', { name: 'Where you are signed in' }).first().click();
    await tab.getByText('This device', { exact: true }).waitFor();
    await tab.getByRole('button', { name: 'Stay signed in' }).click();
    await tab.getByText(/Your session now ends at/).waitFor();
    await signOut(tab);
  });

  test.each([
    ['<dialog>', 'delete window.HTMLDialogElement'],
    ['Object.hasOwn', 'delete Object.hasOwn'],
    ['replaceChildren', 'delete Element.prototype.replaceChildren'],
    ['modules, which it reports to nobody', 'delete HTMLScriptElement.prototype.noModule'],
  ])('because it lacks %s says so, names the browsers that can, and leads on', async (_, remove) => {
    const profile = await rig.ownProfile();
    await profile.context.addInitScript(remove);
    const tab = await profile.tab();
    await tab.goto('/sessions?ward=7');
    await heading(tab, cannotStart);
    await tab.waitForLoadState('networkidle');
    expect(await tab.title()).toBe(`${cannotStart} – ${service}`);
    expect(await tab.locator('main').innerText()).toContain(
      ['chrome', 'edge', 'firefox', 'safari']
        .map((name) => `${name[0]?.toUpperCase() ?? ''}${name.slice(1)} ${oldest.get(name) ?? ''}`)
        .join(', '),
    );
    await tab.getByText('Checking').waitFor({ state: 'hidden' });
    await tab.getByRole('link', { name: 'Load the page again' }).waitFor();
    expect(await accessibilityViolations(tab)).toEqual([]);
    for (const size of widths) {
      await tab.setViewportSize(size);
      expect(await overflow(tab)).toBe(0);
    }
    profile.forgive(/this browser lacks what the page needs/);
  });

  test.each([
    ['did not get the page’s script', (route: Route) => route.abort()],
    [
      'cannot read the page’s script',
      (route: Route) => route.fulfill({ contentType: 'text/javascript', body: 'let let;' }),
    ],
    [
      'fails as the page starts',
      (route: Route) => route.fulfill({ contentType: 'text/javascript', body: 'null.start();' }),
    ],
    [
      'fails later, before anything is shown',
      (route: Route) =>
        route.fulfill({ contentType: 'text/javascript', body: 'Promise.reject(new Error("late"));' }),
    ],
  ])('because it %s says so, and shows the page once it can', async (_, response) => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await tab.route('**/assets/*.js', response);
    await tab.goto('/sessions?ward=7');
    await heading(tab, cannotStart);
    await tab.getByText('Checking').waitFor({ state: 'hidden' });
    await tab.unroute('**/assets/*.js');
    await tab.getByRole('link', { name: 'Load the page again' }).click();
    await heading(tab, 'Sign in to the example surgery');
    expect(await tab.locator('#not-started').count()).toBe(0);
    expect(tab.url()).toBe(`${rig.baseUrl}/sessions?ward=7`);
    profile.forgive(/ERR_FAILED|uncaught/);
  });

  test('because JavaScript is switched off says that it needs it, and not that it is checking anything', async () => {
    const tab = await (await rig.ownProfile({ javaScriptEnabled: false })).tab();
    await tab.goto('/');
    await heading(tab, 'This page needs JavaScript');
    await tab.getByText('Checking').waitFor({ state: 'hidden' });
    await tab.getByText(cannotStart).waitFor({ state: 'hidden' });
  });
});

describe('the links of the header', () => {
  test('are all there on a wide and on a narrow window, and lead on', async () => {
    const { tab } = await rig.visitor();
    await signIn(tab);
    for (const size of widths) {
      await tab.setViewportSize(size);
      expect(await tab.getByRole('navigation', { name: 'Menu' }).getByRole('link').allInnerTexts()).toEqual([
        'Find a patient',
        'Your role',
        'Where you are signed in',
      ]);
      expect(await overflow(tab)).toBe(0);
    }
    await tab.getByRole('link', { name: 'Your role' }).click();
    await heading(tab, 'You have one role');
  });
});
