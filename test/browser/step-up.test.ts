import { expect, test } from '@jest/globals';
import { choose, facts, heading, signIn } from './rig.ts';
import { useRig } from './use-rig.ts';

const rig = await useRig({ acr: 'AAL2_OR_AAL3_ANY', 'min-aal': 2 });

const page = '/controlled-drugs?ward=7';

test('a page that needs level 3 says why, asks for it, keeps the request over a failure, and is the page the person comes back to', async () => {
  const profile = await rig.profile();
  const tab = await profile.tab();
  await signIn(tab, 'Farah Siddiqui', page);
  await heading(tab, 'This page needs a stronger way to sign in');
  await tab.getByText('That is level 2. The controlled drugs register needs level 3.').waitFor();
  const { handle } = await profile.session();

  const asked = tab.waitForRequest((request) => request.url().includes('/authorize?'));
  await tab.getByRole('link', { name: 'Sign in at level 3' }).click();
  expect(new URL((await asked).url()).searchParams.get('acr_values')).toBe('AAL3_ANY');
  // With the same password and code the person gets no further than before.
  await choose(tab, 'Farah Siddiqui');
  await heading(tab, 'You need a stronger way to sign in');
  expect(await profile.session()).toMatchObject({ status: 'active', handle });
  expect(await tab.getByRole('link', { name: 'Go back to the service' }).getAttribute('href')).toBe(page);

  await tab.reload();
  const again = tab.waitForRequest((request) => request.url().includes('/authorize?'));
  await tab.getByRole('link', { name: 'Try again' }).click();
  expect(new URL((await again).url()).searchParams.get('acr_values')).toBe('AAL3_ANY');
  await choose(tab, 'Amara Okafor');
  await heading(tab, 'Controlled drugs register');
  expect(tab.url()).toBe(rig.baseUrl + page);
  expect(await facts(tab)).toMatchObject({ 'Authentication level': 'Level 3 of 3' });
  expect((await profile.session()).handle).not.toBe(handle);
});

test('"Confirm it is you" asks for the person again, whoever Care Identity still knows, and comes back to the same page in a new session', async () => {
  const profile = await rig.profile();
  const tab = await profile.tab();
  await signIn(tab, 'Amara Okafor', page);
  await heading(tab, 'Controlled drugs register');
  const { handle } = await profile.session();
  const asked = tab.waitForRequest((request) => request.url().includes('/authorize?'));
  await tab.getByRole('link', { name: 'Confirm it is you' }).click();
  expect(new URL((await asked).url()).searchParams.get('prompt')).toBe('login');
  await choose(tab, 'Amara Okafor');
  await heading(tab, 'Controlled drugs register');
  expect(tab.url()).toBe(rig.baseUrl + page);
  expect((await profile.session()).handle).not.toBe(handle);
});
