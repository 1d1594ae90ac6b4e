import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import {
  respondWith,
  choose,
  heading,
  failQuestions,
  letAsk,
  signedInAs,
  signIn,
  staysTold,
  text,
} from './rig.ts';
import { rig } from './demo-sessions-rig.ts';

const chooseHeading = 'Choose the role you are working in';
const roleLabels = (tab: Page): Promise<string[]> =>
  tab
    .locator('.nhsuk-radios__item:visible')
    .allInnerTexts()
    .then((items) => items.map((item) => item.replace(/\s+/g, ' ').trim()));
const pick = (tab: Page, organisation: string): Promise<void> =>
  tab.locator('.nhsuk-radios__item', { hasText: organisation }).first().getByRole('radio').check();
const roleIn = (tab: Page): Promise<string> => tab.locator('#account-role').innerText();

const trust = 'EXAMPLE TRUST (X0XX1)';
const healthCentre = 'EXAMPLE HEALTH CENTRE (A9A5A)';

describe('a person with several roles', () => {
  test('is asked to choose, is not let on without a choice, and then works in that role on the page they had asked for', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab, 'Bethan Morris', '/patients/9000000009?bay=2');
    await heading(tab, chooseHeading);
    expect((await profile.session()).role).toBeNull();
    expect(await roleLabels(tab)).toEqual([
      expect.stringContaining(healthCentre),
      expect.stringContaining(trust),
    ]);
    // None is chosen for the person.
    expect(await tab.getByRole('radio', { checked: true }).count()).toBe(0);

    await tab.getByRole('button', { name: 'Continue' }).click();
    await tab.getByRole('alert').getByText('Choose the role you want to work in').waitFor();
    expect(await tab.evaluate('document.activeElement.type')).toBe('radio');
    expect((await profile.session()).role).toBeNull();

    await pick(tab, trust);
    await tab.getByRole('button', { name: 'Continue' }).click();
    await signedInAs(tab, 'Ms Bethan Morris');
    await tab.getByText(/^You now work as .* at EXAMPLE TRUST\.$/).waitFor();
    expect(tab.url()).toBe(`${rig.baseUrl}/patients/9000000009?bay=2`);
    expect(await roleIn(tab)).toBe(trust);
    expect((await profile.session()).role).toMatchObject({ orgCode: 'X0XX1' });

    await tab.reload();
    await signedInAs(tab, 'Ms Bethan Morris');
    expect(await roleIn(tab)).toBe(trust);
  });

  test('who signs out while their change of role is still under way is signed out of the new role too', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab, 'Bethan Morris');
    let letResponseThrough: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (letResponseThrough = resolve));
    await tab.route('**/auth/session/role', async (route) => {
      const response = await route.fetch();
      await released;
      await route.fulfill({ response });
    });
    await pick(tab, trust);
    await tab.getByRole('button', { name: 'Continue' }).click();
    await tab.getByRole('button', { name: 'Sign out' }).click();
    letResponseThrough();
    await heading(tab, 'You have signed out');
    expect(await profile.session()).toEqual({ status: 'anonymous' });
  });

  test('changes role later: the session’s cookie and handle are new, the old cookie is told that it was replaced, and every other tab follows and says so', async () => {
    const profile = await rig.profile();
    const [tab, other] = [await profile.tab(), await profile.tab()];
    await signIn(tab, 'Bethan Morris');
    await pick(tab, healthCentre);
    await tab.getByRole('button', { name: 'Continue' }).click();
    await signedInAs(tab, 'Ms Bethan Morris');
    await other.goto('/sessions?ward=2');
    await signedInAs(other, 'Ms Bethan Morris');
    const before = await profile.session();
    const oldCookies = await profile.context.cookies(rig.baseUrl);

    await tab.getByRole('link', { name: 'Your role' }).click();
    await heading(tab, 'Change your role');
    expect(await tab.getByRole('radio', { checked: true }).getAttribute('value')).toBe(
      before.role?.['roleId'],
    );
    await pick(tab, trust);
    await tab.getByRole('button', { name: 'Change role', exact: true }).click();
    await heading(tab, 'Find a patient');
    expect(tab.url()).toBe(`${rig.baseUrl}/`);
    expect(await roleIn(tab)).toBe(trust);

    await staysTold(other, /^Your role was changed in another tab\. You now work as .* at EXAMPLE TRUST\.$/);
    expect(await roleIn(other)).toBe(trust);
    expect(other.url()).toBe(`${rig.baseUrl}/sessions?ward=2`);
    expect((await profile.session()).handle).not.toBe(before.handle);

    const elsewhere = await rig.profile();
    await elsewhere.context.addCookies(oldCookies);
    expect(await elsewhere.session()).toEqual({ status: 'ended', reason: 'replaced' });
    // The other tab learnt it from this one, not by being refused.
    expect(profile.complaints).toEqual([]);
  });

  test('cannot act in the old role from a tab that has not heard of the change', async () => {
    const profile = await rig.profile();
    const [tab, frozen] = [await profile.tab(), await profile.tab()];
    await tab.addInitScript('BroadcastChannel.prototype.postMessage = () => undefined;');
    await signIn(tab, 'Bethan Morris');
    await pick(tab, healthCentre);
    await tab.getByRole('button', { name: 'Continue' }).click();
    await signedInAs(tab, 'Ms Bethan Morris');
    await frozen.goto('/sessions');
    await signedInAs(frozen, 'Ms Bethan Morris');
    await failQuestions(frozen);
    await tab.goto('/role');
    await pick(tab, trust);
    await tab.getByRole('button', { name: 'Change role', exact: true }).click();
    await heading(tab, 'Find a patient');

    expect(await roleIn(frozen)).toBe(healthCentre);
    await letAsk(frozen);
    const refused = frozen.waitForResponse('**/auth/session/extend');
    await frozen.getByRole('button', { name: 'Stay signed in' }).click();
    expect((await refused).status()).toBe(409);
    await frozen.getByRole('heading', { name: 'Your session was not extended' }).waitFor();
    expect(await roleIn(frozen)).toBe(trust);
    profile.forgive(/status of 409|ERR_FAILED/);
  });

  test('can change role at Care Identity as well, and comes back in that role', async () => {
    const tab = await (await rig.profile()).tab();
    await signIn(tab, 'Bethan Morris', '/patients/9000000009');
    const asked = tab.waitForRequest((request) => request.url().includes('/authorize?'));
    await tab.getByRole('button', { name: 'Change role at Care Identity' }).click();
    const query = new URL((await asked).url()).searchParams;
    expect(query.get('scope')?.split(' ')).toContain('changedrole');
    expect(query.get('prompt')).toBe('login');
    await choose(tab, 'Bethan Morris');
    await heading(tab, /Choose your role/);
    await tab.getByRole('radio').nth(1).check();
    await tab.getByRole('button', { name: 'Continue' }).click();
    await signedInAs(tab, 'Ms Bethan Morris');
    expect(tab.url()).toBe(`${rig.baseUrl}/patients/9000000009`);
    expect(await roleIn(tab)).toBe(trust);
  });

  test('is told when the choice is refused, and keeps the role they had', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await respondWith(tab, (session) =>
      session.status === 'active'
        ? {
            ...session,
            roles: [
              ...session.roles,
              { ...session.roles[0], roleId: '900000000999', orgName: 'SOMEBODY ELSE’S' },
            ],
          }
        : session,
    );
    await signIn(tab, 'Bethan Morris', '/role');
    await pick(tab, 'SOMEBODY ELSE’S');
    const refused = tab.waitForResponse('**/auth/session/role');
    await tab.getByRole('button', { name: 'Continue' }).click();
    expect((await refused).status()).toBe(403);
    await tab.getByRole('heading', { name: 'Your role was not changed' }).waitFor();
    expect(await text(tab)).toContain('This service does not accept that role');
    expect((await profile.session()).role).toBeNull();
    profile.forgive(/status of 403/);
  });

  test('whose session ended meanwhile is told that instead', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab, 'Bethan Morris');
    await heading(tab, chooseHeading);
    const handle = (await profile.session()).handle;
    await failQuestions(tab);
    expect((await profile.call('DELETE', `/auth/sessions/${handle}`)).status).toBe(204);
    await pick(tab, trust);
    await letAsk(tab);
    await tab.getByRole('button', { name: 'Continue' }).click();
    await heading(tab, 'Your session was ended for you');
    profile.forgive(/status of 401|ERR_FAILED/);
  });

  test('is told of a role that the app does not accept, and cannot choose it', async () => {
    const { tab } = await rig.visitor();
    await respondWith(tab, (session) =>
      session.status === 'active'
        ? {
            ...session,
            roles: session.roles.map((role, index) => (index === 0 ? { ...role, permitted: false } : role)),
          }
        : session,
    );
    await signIn(tab, 'Bethan Morris');
    await heading(tab, chooseHeading);
    const refused = tab.locator('.nhsuk-radios__item', { hasText: healthCentre });
    expect(await refused.getByRole('radio').isDisabled()).toBe(true);
    expect(await refused.innerText()).toContain('This service does not accept this role');
    expect(await tab.locator('.nhsuk-radios__item', { hasText: trust }).getByRole('radio').isEnabled()).toBe(
      true,
    );
    expect(await text(tab)).toContain('Registration Authority');
  });
});

describe('the box that finds a role', () => {
  const withSix = (tab: Page): Promise<unknown> =>
    respondWith(tab, (session) =>
      session.status === 'active'
        ? {
            ...session,
            roles: [
              ...session.roles,
              {
                ...session.roles[0],
                roleId: '900000000998',
                orgCode: 'ZZ999',
                orgName: 'EXAMPLE LIGHTHOUSE',
              },
            ],
          }
        : session,
    );

  test('is not there for five roles', async () => {
    const { tab } = await rig.visitor();
    await signIn(tab, 'Callum Reid');
    await heading(tab, chooseHeading);
    expect((await roleLabels(tab)).length).toBe(5);
    expect(await tab.getByLabel('Find a role').count()).toBe(0);
    expect(await text(tab)).not.toMatch(/undefined|null|NaN|\[object|Invalid Date/);
  });

  test('leaves what matches of six, by name or code, and never hides the one that is chosen', async () => {
    const { tab } = await rig.visitor();
    await withSix(tab);
    await signIn(tab, 'Callum Reid');
    const box = tab.getByLabel('Find a role');
    await box.fill('lighthouse');
    expect(await roleLabels(tab)).toEqual([expect.stringContaining('EXAMPLE LIGHTHOUSE (ZZ999)')]);
    await tab.getByText('1 of 6 roles match').waitFor();
    await box.fill('fx002');
    expect(await roleLabels(tab)).toEqual([expect.stringContaining('(FX002)')]);
    await tab.getByRole('radio').and(tab.locator(':visible')).check();
    await box.fill('lighthouse');
    expect((await roleLabels(tab)).length).toBe(2);
    await box.fill('nowhere at all');
    await tab.getByText(/^No role matches/).waitFor();
    // Looking for a role is not choosing one.
    await box.press('Enter');
    await heading(tab, chooseHeading);
  });
});

test('a role that was chosen at Care Identity is the one the person works in: they are not asked again', async () => {
  const tab = await (await rig.profile()).tab();
  await tab.goto('/auth/login?role=select');
  await choose(tab, 'Callum Reid');
  await signedInAs(tab, 'Mr Callum Reid');
  expect(await roleIn(tab)).toBe('EXAMPLE HARBOUR PHARMACY (FX002)');
});
