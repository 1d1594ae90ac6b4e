import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { chromium, type Page } from 'playwright-core';
import { sessionCookie, signInCookie } from '../support/browser.ts';
import { browserArguments, findBrowser } from '../support/chromium.ts';
import {
  browserStorage,
  choose,
  facts,
  heading,
  signInButtonName,
  signInByHand,
  signedInAs,
  signIn,
  text,
} from './rig.ts';
import { rig } from './demo-rig.ts';

/** Everybody at the simulator, as its control panel lists them. */
const people = await (async () => {
  const response = await fetch(`${await rig.simulator()}/control-panel/api/state`);
  const { personas } = (await response.json()) as { personas: { name: string }[] };
  return personas.map(({ name }) => name);
})();

/** As the backend makes them. */
const reference = /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$/;

const newTab = async (): Promise<Page> => (await rig.visitor()).tab;

describe('a person who signs in', () => {
  test('chooses who to be at the simulator and lands on a page that says who, in which role, how surely and until when', async () => {
    const tab = await newTab();
    await tab.goto('/');
    await heading(tab, 'Sign in to the example surgery');
    expect(await tab.title()).toBe('Sign in to the example surgery – Example surgery');

    await tab.getByRole('button', { name: signInButtonName }).click();
    await heading(tab, 'Care Identity sign in – simulator');
    // As in production, the sign-in page is on another site than the app.
    expect(new URL(tab.url()).hostname).toBe('127.0.0.1');
    await choose(tab, 'Amara Okafor');

    await signedInAs(tab, 'Dr Amara Okafor');
    expect(tab.url()).toBe(`${rig.baseUrl}/`);
    expect(await tab.title()).toBe('Find a patient – Example surgery');
    await tab.goto('/sessions');
    await heading(tab, 'Where you are signed in');
    await tab.getByText('This device', { exact: true }).waitFor();
    expect(await facts(tab)).toEqual({
      Role: 'Clinical Practitioner Access Role (R8000)',
      Organisation: 'EXAMPLE HEALTH CENTRE (A9A5A)',
      'Ends at': expect.stringMatching(/^\d\d:\d\d.* for inactivity$/),
      'Ends at the latest': expect.stringMatching(/^\d\d:\d\d/),
      'Signed in with': 'Smartcard (Identity Agent)',
      'Authentication level': 'Level 3 of 3',
      'Identity level': 'Level 3 of 3',
      'Signed in at': expect.stringMatching(/^\d\d:\d\d$/),
      'User ID': '900000000001',
      'Last active at': expect.stringMatching(/^\d\d:\d\d/),
    });
  });

  test('comes back to the deep link they had opened, query included', async () => {
    const tab = await newTab();
    const path = '/sessions?sort=bed&bay=North%20%26%20East';
    await tab.goto(path);
    await tab.getByText('After you sign in you will come back to the page that you asked for.').waitFor();
    await tab.getByRole('button', { name: signInButtonName }).click();
    await choose(tab, 'Amara Okafor');
    await signedInAs(tab, 'Dr Amara Okafor');
    expect(tab.url()).toBe(rig.baseUrl + path);
  });

  test('is still signed in, in the same session, after a reload and in a new tab', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab);
    const { handle } = await profile.session();
    await tab.reload();
    await signedInAs(tab, 'Dr Amara Okafor');
    const another = await profile.tab();
    await another.goto('/sessions?ward=3');
    await signedInAs(another, 'Dr Amara Okafor');
    expect(await profile.session()).toMatchObject({ status: 'active', handle });
  });

  test('can do all of it with the keyboard, the skip link first', async () => {
    const tab = await newTab();
    const focused = (): Promise<string> =>
      tab.evaluate<string>('(document.activeElement?.textContent ?? "").trim()');
    const tabTo = async (name: string): Promise<void> => {
      for (let presses = 0; presses < 30; presses += 1) {
        await tab.keyboard.press('Tab');
        if ((await focused()) === name) return;
      }
      throw new Error(`the Tab key never came to "${name}"`);
    };
    await tab.goto('/');
    await heading(tab, 'Sign in to the example surgery');
    await tab.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to main content');
    await tab.keyboard.press('Enter');
    expect(await tab.evaluate('document.activeElement.id')).toBe('maincontent');
    await tabTo(signInButtonName);
    await tab.keyboard.press('Enter');
    await heading(tab, /simulator/);
    await tabTo('Devika Shah');
    await tab.keyboard.press('Enter');
    await signedInAs(tab, 'Mrs Devika Shah');
    await tabTo('Find');
    await tab.keyboard.press('Enter');
    await heading(tab, 'Find a patient');
    await tab.getByRole('heading', { name: '2 patients found' }).waitFor();
    await tabTo('Mr Jasper Marchbanks');
    await tab.keyboard.press('Enter');
    await heading(tab, 'Mr Jasper Marchbanks');
    await tabTo('Change address');
    await tab.keyboard.press('Enter');
    await heading(tab, 'Change address');
    // A field has no text of its own: the first is the street.
    await tabTo('');
    await tab.keyboard.type('5 Example Street');
    await tabTo('Save');
    await tab.keyboard.press('Enter');
    await tab.getByText('The address of Mr Jasper Marchbanks was changed.').waitFor();
    await tabTo('Your role');
    await tab.keyboard.press('Enter');
    await heading(tab, 'You have one role');
    await tabTo('Where you are signed in');
    await tab.keyboard.press('Enter');
    await tab.getByText('This device', { exact: true }).waitFor();
    await tabTo('Stay signed in');
    await tab.keyboard.press('Space');
    await tab.getByText(/Your session now ends at/).waitFor();
    await tabTo('Hide this message');
    await tab.keyboard.press('Enter');
    await tab.getByText(/Your session now ends at/).waitFor({ state: 'hidden' });
    await tabTo('Sign out');
    await tab.keyboard.press('Space');
    await heading(tab, 'You have signed out');
    expect(await focused()).toBe('You have signed out');
  });
});

describe('what a sign-in leaves in the browser', () => {
  test('is nothing in any storage that a script can read, before, during and after [B-04, B-26, ASVS-14.3.3]', async () => {
    const tab = await newTab();
    const nothing = {
      localStorage: {},
      sessionStorage: {},
      indexedDB: [],
      caches: [],
      serviceWorkers: 0,
      windowName: '',
      history: null,
      documentCookie: '',
      cookieStore: [],
    };
    await tab.goto('/');
    await heading(tab, 'Sign in to the example surgery');
    expect(await browserStorage(tab)).toEqual(nothing);
    await signIn(tab, 'Amara Okafor', '/sessions?ward=7');
    expect(await browserStorage(tab)).toEqual(nothing);
    await tab.locator('#sign-out').click();
    await heading(tab, 'You have signed out');
    expect(await browserStorage(tab)).toEqual(nothing);
  });

  test('is two cookies that scripts and other sites never get, of which the session’s goes when the browser does [B-04, B-05, ASVS-3.3.2, ASVS-3.3.4, C-04, C-05]', async () => {
    const profile = await rig.profile();
    await signIn(await profile.tab());
    const cookies = await profile.context.cookies(rig.baseUrl);
    const inTenMinutes = Date.now() / 1000 + 600;
    expect(cookies.sort((a, b) => a.name.localeCompare(b.name))).toEqual([
      {
        name: sessionCookie,
        value: expect.stringMatching(/^[\w-]{86}$/),
        domain: 'localhost',
        path: '/',
        expires: -1,
        httpOnly: true,
        secure: true,
        sameSite: 'Strict',
      },
      {
        name: signInCookie,
        value: expect.stringMatching(/^[\w-]{43}$/),
        domain: 'localhost',
        path: '/',
        expires: expect.any(Number),
        httpOnly: true,
        secure: true,
        sameSite: 'Lax',
      },
    ]);
    expect(Math.abs((cookies[1]?.expires ?? 0) - inTenMinutes)).toBeLessThan(30);
  });

  test('cannot be overwritten by a script [B-07, ASVS-3.3.3]', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab);
    const before = await profile.context.cookies(rig.baseUrl);
    for (const name of [sessionCookie, signInCookie]) {
      await tab.evaluate(`document.cookie = '${name}=forged; Path=/; Secure; SameSite=Strict'`);
      await tab.evaluate(
        `cookieStore.set({ name: '${name}', value: 'forged', path: '/' }).catch(() => undefined)`,
      );
    }
    expect(await profile.context.cookies(rig.baseUrl)).toEqual(before);
    await tab.reload();
    await signedInAs(tab, 'Dr Amara Okafor');
  });

  test('is no token, code or cookie value in the page or in what the page was sent [B-26, ASVS-10.1.1]', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    const bodies: Promise<string>[] = [];
    tab.on('response', (response) => {
      if (response.url().startsWith(`${rig.baseUrl}/auth/session`)) bodies.push(response.text());
    });
    await signIn(tab);
    const seen = `${(await Promise.all(bodies)).join('\n')}\n${await tab.content()}\n${tab.url()}`;
    expect(seen).toContain('900000000001');
    expect(seen).not.toMatch(/eyJ[\w-]+\.|access_token|id_token|"sid"|code=|state=/);
    for (const { value } of await profile.context.cookies(rig.baseUrl)) expect(seen).not.toContain(value);
  });
});

describe('everybody at the simulator', () => {
  /** The person's page says where they are, and leads on. */
  async function leadsOn(tab: Page): Promise<void> {
    await tab.getByRole('heading', { level: 1 }).waitFor();
    expect(await tab.title()).not.toMatch(/Checking|You were not signed in/);
    expect(await tab.locator('main a[href], main button').count()).toBeGreaterThan(0);
    expect(await text(tab)).not.toMatch(/undefined|\bnull\b|NaN|\[object|Invalid Date/);
    if (new URL(tab.url()).pathname === '/sign-in-error') {
      expect(await tab.locator('#reference').innerText()).toMatch(reference);
      await tab.getByRole('button', { name: 'Try again' }).waitFor();
    } else {
      expect(await tab.locator('#account-name').innerText()).not.toBe('');
    }
  }

  const role = (name: string, organisation: string) => ({ Role: name, Organisation: organisation });
  const trust = 'EXAMPLE TRUST (X0XX1)';
  const healthCentre = 'EXAMPLE HEALTH CENTRE (A9A5A)';
  const clinical = 'Clinical Practitioner Access Role (R8000)';

  const oneRole: [person: string, shown: string, method: string, chosen: Record<string, string>][] = [
    ['Amara Okafor', 'Dr Amara Okafor', 'Smartcard (Identity Agent)', role(clinical, healthCentre)],
    [
      'Devika Shah',
      'Mrs Devika Shah',
      'Security key, passkey or Windows Hello',
      role('Admin/Clinical Support Access Role (R8008)', healthCentre),
    ],
    [
      'Thandar',
      'Thandar',
      'Security key, passkey or Windows Hello',
      role('Nurse Access Role (R8001)', healthCentre),
    ],
    ['Ines Duarte', 'Dr Ines Duarte', 'Smartcard (Identity Agent)', role(clinical, trust)],
    [
      'No name',
      '900000000010',
      'Smartcard (Identity Agent)',
      role('Health Professional Access Role (R8003)', healthCentre),
    ],
  ];

  test.each(oneRole)(
    '%s, with one role, signs in as %s and works in that role',
    async (person, shown, method, chosen) => {
      const tab = await newTab();
      await tab.goto('/auth/login');
      await choose(tab, person);
      await signedInAs(tab, shown);
      expect(await tab.locator('#account-name').innerText()).toBe(shown);
      await leadsOn(tab);
      await tab.goto('/sessions');
      await heading(tab, 'Where you are signed in');
      expect(await facts(tab)).toMatchObject({ ...chosen, 'Signed in with': method });
      expect(await text(tab)).not.toMatch(/undefined|null|NaN|\[object|Invalid Date/);
    },
  );

  const severalRoles: [person: string, organisations: string[]][] = [
    ['Bethan Morris', ['EXAMPLE HEALTH CENTRE (A9A5A)', 'EXAMPLE TRUST (X0XX1)']],
    [
      'Callum Reid',
      [
        'EXAMPLE HIGH STREET PHARMACY (FX001)',
        'EXAMPLE HIGH STREET PHARMACY (FX001)',
        'EXAMPLE HARBOUR PHARMACY (FX002)',
        'EXAMPLE OUT OF HOURS SERVICE (Y9X99)',
        'Organisation FX404',
      ],
    ],
  ];

  test.each(severalRoles)(
    '%s, with several roles, works in none until one is chosen',
    async (person, organisations) => {
      const { profile, tab } = await rig.visitor();
      await signIn(tab, person);
      await heading(tab, 'Choose the role you are working in');
      expect((await profile.session()).role).toBeNull();
      const shown = await tab.locator('.nhsuk-radios__hint').allInnerTexts();
      expect(shown.map((hint) => hint.replace(/\s+/g, ' ').trim())).toEqual(organisations);
      await leadsOn(tab);
    },
  );

  test('Ewan Blackwood, a locum without a role, signs in and is told what that means', async () => {
    const tab = await newTab();
    await signIn(tab, 'Ewan Blackwood');
    expect(await text(tab)).toMatch(/Your Care Identity has no role[\s\S]*Registration Authority/);
    expect(await tab.locator('#account-role').count()).toBe(0);
    await leadsOn(tab);
  });

  const withLowAssurance = ['Farah Siddiqui', 'Gareth Lloyd'];

  test.each(withLowAssurance)(
    '%s, whose assurance is too low, gets no session and a page that says what to do',
    async (person) => {
      const { profile, tab } = await rig.visitor();
      await tab.goto('/auth/login?returnTo=/sessions?ward=7');
      await choose(tab, person);
      await heading(tab, 'You need a stronger way to sign in');
      expect(tab.url()).toMatch(
        new RegExp(`^${rig.baseUrl}/sign-in-error\\?code=assurance_insufficient&reference=[\\w-]+$`),
      );
      expect(await text(tab)).not.toContain(person);
      await leadsOn(tab);
      expect(await profile.session()).toEqual({ status: 'anonymous' });
      expect((await profile.context.cookies(rig.baseUrl)).map(({ name }) => name)).toEqual([signInCookie]);
    },
  );

  const seen = [
    ...[...oneRole, ...severalRoles].map(([person]) => person),
    ...withLowAssurance,
    'Ewan Blackwood',
  ];

  test.each(people.filter((person) => !seen.includes(person)))(
    '%s comes to a page that says where they are, and leads on',
    async (person) => {
      const tab = await newTab();
      await tab.goto('/auth/login');
      await tab.getByRole('button', { name: person, exact: true }).click();
      await tab.waitForURL((url) => url.origin === rig.baseUrl && url.pathname !== '/auth/callback');
      await leadsOn(tab);
    },
  );
});

describe('a sign-in that does not end well', () => {
  test('because it was cancelled shows a reference that finds the log entry, and can be tried again', async () => {
    const tab = await newTab();
    await tab.goto('/');
    await tab.getByRole('button', { name: signInButtonName }).click();
    await tab.getByRole('button', { name: 'Cancel' }).click();
    await heading(tab, 'Sign-in was cancelled');
    expect(await tab.title()).toBe('Sign-in was cancelled – Example surgery');
    // Nothing that the provider said is repeated.
    expect(await text(tab)).not.toContain('Resource Owner');

    const shown = await tab.locator('#reference').innerText();
    expect(shown).toMatch(reference);
    expect(await rig.bff.entriesFor(shown)).toContainEqual(
      expect.objectContaining({ event: 'sign_in_failed', code: 'access_denied' }),
    );

    await tab.getByRole('button', { name: 'Try again' }).click();
    await choose(tab, 'Amara Okafor');
    await signedInAs(tab, 'Dr Amara Okafor');
    expect(tab.url()).toBe(`${rig.baseUrl}/`);
  });

  test('still leads to the deep link when it is tried again, after a reload too, and leaves nothing behind [ASVS-14.3.3]', async () => {
    const tab = await newTab();
    const path = '/sessions?ward=7&sort=bed&bay=North%20%26%20East';
    await tab.goto(path);
    await tab.getByRole('button', { name: signInButtonName }).click();
    await tab.getByRole('button', { name: 'Cancel' }).click();
    await heading(tab, 'Sign-in was cancelled');
    await tab.reload();
    await tab.getByRole('button', { name: 'Try again' }).click();
    await choose(tab, 'Amara Okafor');
    await signedInAs(tab, 'Dr Amara Okafor');
    expect(tab.url()).toBe(rig.baseUrl + path);
    expect((await browserStorage(tab))['sessionStorage']).toEqual({});
  });

  test('is tried again at no other site, whatever stands in the tab’s storage', async () => {
    const tab = await newTab();
    await tab.goto('/');
    await tab.route('**/auth/login?**', (route) => route.fulfill({ status: 204 }));
    for (const stored of [
      ...['https://evil.example/x', '//evil.example', '/\\evil.example', 'javascript:alert(1)', 7].map(
        (returnTo) => JSON.stringify({ returnTo, acr: 'AAL1', role: 'other' }),
      ),
      'no JSON',
      'null',
    ]) {
      await tab.evaluate(`sessionStorage.setItem('cis2-bff:last-sign-in', ${JSON.stringify(stored)})`);
      await tab.goto('/sign-in-error?code=access_denied');
      const asked = tab.waitForRequest('**/auth/login?**');
      await tab.getByRole('button', { name: 'Try again' }).click();
      expect((await asked).url()).toBe(`${rig.baseUrl}/auth/login?returnTo=%2F`);
    }
    await tab.evaluate('sessionStorage.clear()');
  });

  test('shows a reference that can be copied', async () => {
    const profile = await rig.ownProfile({ permissions: ['clipboard-read', 'clipboard-write'] });
    const tab = await profile.tab();
    await tab.goto('/sign-in-error?code=internal_error&reference=7K3M-9QX2-HABW');
    await tab.getByRole('button', { name: 'Copy reference' }).click();
    await tab.getByText('Copied').waitFor();
    expect(await tab.evaluate('navigator.clipboard.readText()')).toBe('7K3M-9QX2-HABW');
  });

  test('leaves whoever is signed in signed in, and says so', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab);
    const { handle } = await profile.session();
    await tab.goto('/auth/login');
    await tab.getByRole('button', { name: 'Cancel' }).click();
    await heading(tab, 'Sign-in was cancelled');
    await tab.getByText('You are still signed in as Dr Amara Okafor').waitFor();
    expect(await profile.session()).toMatchObject({ status: 'active', handle });
    await tab.getByRole('link', { name: 'Go back to the service' }).click();
    await signedInAs(tab, 'Dr Amara Okafor');
  });

  test('because the sign-in page was opened again with the back button harms nobody', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signInByHand(tab);
    const { handle } = await profile.session();
    await tab.goBack();
    await heading(tab, /simulator/);
    await choose(tab, 'Bethan Morris');
    await heading(tab, 'Your sign-in ran out of time');
    await tab.getByText('You are still signed in as Dr Amara Okafor').waitFor();
    expect(await profile.session()).toMatchObject({
      status: 'active',
      handle,
      user: { uid: '900000000001' },
    });
  });

  test('because somebody sent a link that finishes their own sign-in leaves the reader as they were [S-02, ASVS-10.1.2]', async () => {
    const attacker = await (await rig.profile()).tab();
    let link = '';
    await attacker.route('**/openam/sign-in', async (route) => {
      const response = await route.fetch({ maxRedirects: 0 });
      link = response.headers()['location'] ?? '';
      await route.fulfill({ contentType: 'text/html', body: 'kept back' });
    });
    await attacker.goto('/auth/login');
    await choose(attacker, 'Callum Reid');
    await attacker.getByText('kept back').waitFor();
    expect(link).toMatch(new RegExp(`^${rig.baseUrl}/auth/callback\\?.*code=`));

    const newcomer = await rig.profile();
    const newcomersTab = await newcomer.tab();
    await newcomersTab.goto(link);
    await heading(newcomersTab, 'Your sign-in ran out of time');
    expect(await newcomer.session()).toEqual({ status: 'anonymous' });

    const reader = await rig.profile();
    const readersTab = await reader.tab();
    await signIn(readersTab, 'Amara Okafor');
    await readersTab.goto(link);
    await heading(readersTab, 'Your sign-in ran out of time');
    expect(await reader.session()).toMatchObject({ status: 'active', user: { uid: '900000000001' } });
  });

  test.each(['https://evil.example/', '//evil.example/', '/x/..//evil.example', 'javascript:alert(1)'])(
    'because it would lead to %s never begins',
    async (returnTo) => {
      const { profile, tab } = await rig.visitor();
      const requests: string[] = [];
      tab.on('request', (request) => requests.push(request.url()));
      await tab.goto(`/auth/login?returnTo=${encodeURIComponent(returnTo)}`);
      expect(new URL(tab.url()).origin).toBe(rig.baseUrl);
      expect(requests.filter((url) => !url.startsWith(`${rig.baseUrl}/`))).toEqual([]);
      profile.forgive(/status of 400/);
    },
  );

  test('shows no more of its address than a known code and a reference of the exact format', async () => {
    const tab = await newTab();
    const open = (parameters: Record<string, string>): Promise<unknown> =>
      tab.goto(`/sign-in-error?${new URLSearchParams(parameters).toString()}`);
    const hostile = '<img src=x onerror=alert(1)>';
    await open({ code: hostile, reason: hostile, reference: hostile });
    await heading(tab, 'You were not signed in');
    expect(await tab.locator('#reference').count()).toBe(0);
    expect(await text(tab)).not.toContain('onerror');
    for (const invented of [
      'call me on a premium number',
      'CALL-0900-1234',
      'PAY-7K3M-9QX2-HABW',
      '7K3M-9QX2-HABW-0900',
      '7k3m-9qx2-habw',
      '7K3M9QX2HABW',
      'CALL-0900-HELP',
      '7K3M-9QX2-HABW\n',
      '7K3M-9QX2',
      '4f1f2c1e-7d0a-4b43-9a53-0f6a1a1b2c3d',
    ]) {
      await open({ code: '__proto__', reference: invented });
      await heading(tab, 'You were not signed in');
      expect([invented, await tab.locator('#reference').count()]).toEqual([invented, 0]);
      expect(await text(tab)).not.toContain(invented.trim());
    }
    await open({ code: 'internal_error', reference: '7K3M-9QX2-HABW' });
    expect(await tab.locator('#reference').innerText()).toBe('7K3M-9QX2-HABW');
  });

  test.each([
    '/sessions?call-0900-123456-to-unlock-your-account',
    '/?call-0900-123456-to-unlock-your-account',
  ])(
    'and every other page repeats nothing of an address that anybody can have written, as %s',
    async (path) => {
      const tab = await newTab();
      await tab.goto(path);
      await heading(tab, 'Sign in to the example surgery');
      expect(await text(tab)).not.toContain('0900');
      await tab.getByRole('button', { name: signInButtonName }).click();
      await choose(tab, 'Amara Okafor');
      await signedInAs(tab, 'Dr Amara Okafor');
      expect(tab.url()).toBe(rig.baseUrl + path);
      expect(await text(tab)).not.toContain('0900');
    },
  );

  test('in a browser that keeps no cookies says so, before and after, and not that it ran out of time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'no-cookies-'));
    await mkdir(join(folder, 'Default'));
    // The setting of its own page of settings: "block all cookies". Its `navigator.cookieEnabled` is true all the same.
    await writeFile(
      join(folder, 'Default', 'Preferences'),
      JSON.stringify({ profile: { default_content_setting_values: { cookies: 2 } } }),
    );
    const context = await chromium.launchPersistentContext(folder, {
      executablePath: findBrowser() ?? '',
      args: browserArguments,
      baseURL: rig.baseUrl,
    });
    const errors: string[] = [];
    context.on('weberror', (error) => errors.push(error.error().message));
    try {
      const tab = await context.newPage();
      await tab.goto('/');
      await tab.getByText('Your browser does not keep the cookies of this service.').waitFor();
      await tab.getByRole('button', { name: signInButtonName }).click();
      await choose(tab, 'Amara Okafor');
      await heading(tab, 'Your browser does not keep the cookies of this service');
      expect(new URL(tab.url()).searchParams.get('code')).toBe('login_expired');
      expect(await text(tab)).toMatch(/allow cookies for this site[\s\S]*contact your IT service desk/);
      expect(await tab.locator('#reference').innerText()).toMatch(reference);
      await tab.getByRole('button', { name: 'Try again' }).waitFor();
      expect(errors).toEqual([]);
    } finally {
      await context.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('in a browser that keeps cookies leaves none of its own behind to find that out', async () => {
    const { profile, tab } = await rig.visitor();
    await tab.goto('/sign-in-error?code=login_expired');
    await heading(tab, 'Your sign-in ran out of time');
    expect(await profile.context.cookies()).toEqual([]);
  });
});
