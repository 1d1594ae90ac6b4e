import { describe, expect, test } from '@jest/globals';
import { choose, heading, signedInAs, signIn, signInButtonName, staysTold, text } from './rig.ts';
import { rig } from './demo-rig.ts';

const jasper = '/patients/9000000017';

describe('a patient', () => {
  test('is found within three clicks of the first page', async () => {
    const { tab } = await rig.visitor();
    await tab.goto('/');
    await tab.getByRole('button', { name: signInButtonName }).click();
    await choose(tab, 'Amara Okafor');
    await tab.getByRole('button', { name: 'Find' }).click();
    await tab.getByRole('heading', { name: '2 patients found' }).waitFor();
    await tab.getByRole('link', { name: 'Mr Jasper Marchbanks' }).waitFor();
    expect(await text(tab)).toContain('NHS number 900\u00a0000\u00a00017');
  });

  test('is one of many, or of none, and a search that cannot be done says so', async () => {
    const { profile, tab } = await rig.visitor();
    await signIn(tab);
    const find = async (family: string): Promise<void> => {
      await tab.getByLabel('Family name').fill(family);
      await tab.getByRole('button', { name: 'Find' }).click();
    };
    await find('Fernsby');
    await tab.getByRole('heading', { name: 'Too many patients match: give a date of birth' }).waitFor();
    await tab.getByLabel('Date of birth, if known').fill('1990-08-08');
    await tab.getByRole('button', { name: 'Find' }).click();
    await tab.getByRole('heading', { name: '2 patients found' }).waitFor();
    await find('Nobody');
    await tab.getByRole('heading', { name: '0 patients found' }).waitFor();
    await find('*');
    await tab.getByRole('heading', { name: 'The search was not done' }).waitFor();
    profile.forgive(/status of 400/);
  });

  test('whose record is restricted is shown without an address, and nothing leads to a change of it', async () => {
    const { tab } = await rig.visitor();
    await signIn(tab, 'Amara Okafor', '/patients/9000000025');
    await tab.getByText('This record is restricted.').waitFor();
    expect(await text(tab)).not.toContain('Nowhere to be shown');
    expect(await tab.getByRole('link', { name: 'Change address' }).count()).toBe(0);
  });

  test('whose address is changed long after the sign-in: the person proves first that it is them, and comes back to the form', async () => {
    const profile = await rig.profile();
    const tab = await profile.tab();
    await signIn(tab, 'Amara Okafor', `${jasper}/address`);
    await heading(tab, 'Change address');
    await tab.route('**/api/pds/Patient/*', (route) =>
      route.request().method() === 'PATCH'
        ? route.fulfill({
            status: 401,
            headers: { 'x-bff-problem': 'step_up_required' },
            contentType: 'application/problem+json',
            json: { code: 'step_up_required', status: 401, loginUrl: '/auth/login?reauth=1' },
          })
        : route.fallback(),
    );
    const asked = tab.waitForRequest((request) => request.url().includes('/authorize?'));
    await tab.getByLabel('Street').fill('3 Example Street');
    await tab.getByRole('button', { name: 'Save' }).click();
    expect(new URL((await asked).url()).searchParams.get('prompt')).toBe('login');
    await tab.unroute('**/api/pds/Patient/*');
    await choose(tab, 'Amara Okafor');
    await heading(tab, 'Change address');
    expect(tab.url()).toBe(`${rig.baseUrl}${jasper}/address`);
    // What was typed is still there.
    await tab.evaluate(`new Promise((resolve) => {
      const check = () =>
        document.getElementById('street').value === '3 Example Street' ? resolve() : setTimeout(check, 50);
      check();
    })`);
    await tab.getByRole('button', { name: 'Save' }).click();
    await staysTold(tab, 'The address of Mr Jasper Marchbanks was changed.');
    await tab.getByText('3 Example Street, Sampleton, XX1 1AA').waitFor();
    profile.forgive(/status of 401/);
  });

  test('whose record somebody else changed meanwhile is not changed', async () => {
    const profile = await rig.profile();
    const [tab, other] = [await profile.tab(), await profile.tab()];
    await signIn(tab, 'Amara Okafor', `${jasper}/address`);
    await other.goto(`${jasper}/address`);
    await signedInAs(other, 'Amara Okafor');
    for (const page of [tab, other]) await heading(page, 'Change address');
    await tab.getByRole('button', { name: 'Save' }).click();
    await tab.getByText('The address of Mr Jasper Marchbanks was changed.').waitFor();
    await other.getByRole('button', { name: 'Save' }).click();
    await other.getByRole('heading', { name: 'The address was not changed' }).waitFor();
    await other.getByText('Somebody else has changed this record').waitFor();
    profile.forgive(/status of 409/);
  });
});
