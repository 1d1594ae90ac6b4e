import { describe, expect, test } from '@jest/globals';
import { browserStorage, heading, lookAgain, signedInAs, signIn, signOut, staysTold } from './rig.ts';
import { useRig } from './use-rig.ts';

const rig = await useRig({}, { CONCURRENT_SESSIONS: 'ask' });

const question = 'You are also signed in elsewhere';

describe('a person who is signed in elsewhere when they sign in', () => {
  test('is asked, keeps both, is not asked again for that sign-in, and is led on to the page they asked for', async () => {
    const [first, second] = [await rig.profile(), await rig.profile()];
    const firstTab = await first.tab();
    await signIn(firstTab, 'Amara Okafor');
    await signedInAs(firstTab, 'Dr Amara Okafor');

    const tab = await second.tab();
    await signIn(tab, 'Amara Okafor', '/patients/9000000009?from=list');
    await heading(tab, question);
    await tab.getByRole('button', { name: 'Keep both' }).click();
    await heading(tab, 'Mrs Jane Tulip Marchbanks');
    expect(tab.url()).toBe(`${rig.baseUrl}/patients/9000000009?from=list`);
    await tab.reload();
    await heading(tab, 'Mrs Jane Tulip Marchbanks');
    expect(await first.session()).toMatchObject({ status: 'active' });
    expect(JSON.stringify(await browserStorage(tab))).not.toMatch(/Amara|Okafor|900000000001|900000000777/);

    await signOut(tab);
    expect((await browserStorage(tab))['sessionStorage']).toEqual({});
    await signIn(tab, 'Amara Okafor');
    await heading(tab, question);
    // Both are still to be signed out of for the next test.
    await tab.getByRole('button', { name: 'Sign out there' }).click();
    await heading(tab, 'Find a patient');
    await staysTold(tab, /^Signed out there\./);
    expect(await first.session()).toEqual({ status: 'ended', reason: 'revoked' });
    await lookAgain(firstTab);
    await heading(firstTab, 'Your session was ended for you');
    expect(await second.session()).toMatchObject({ status: 'active' });
  });

  test('is asked for a role after that, and not about the other places again once it is chosen', async () => {
    const [first, second] = [await rig.profile(), await rig.profile()];
    await signIn(await first.tab(), 'Bethan Morris');
    const tab = await second.tab();
    await signIn(tab, 'Bethan Morris');
    await heading(tab, question);
    await tab.getByRole('button', { name: 'Keep both' }).click();
    await heading(tab, 'Choose the role you are working in');
    await tab.getByRole('radio').first().check();
    await tab.getByRole('button', { name: 'Continue' }).click();
    await signedInAs(tab, 'Ms Bethan Morris');
  });

  test('who is not, is not asked', async () => {
    const tab = await (await rig.profile()).tab();
    await signIn(tab, 'Devika Shah');
    await signedInAs(tab, 'Mrs Devika Shah');
    await signedInAs(tab, 'Mrs Devika Shah');
  });
});
