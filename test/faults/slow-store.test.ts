/** A store that responds to each call only at the second attempt: slow, and not away. */
import { expect } from '@jest/globals';
import { newUser, signsIn } from '../contract/logout-tokens.ts';
import { Browser } from '../support/browser.ts';
import { startWithSharedStore } from '../support/proxy-rig.ts';
import { sideBySide } from '../support/side-by-side.ts';

const { provider, store, bff } = await startWithSharedStore();

const signedIn = async (user = newUser()): Promise<Browser> => {
  signsIn(provider, user, undefined);
  const browser = new Browser(bff.baseUrl);
  await browser.signIn(provider);
  return browser;
};

// Each with a user of their own: no call of one is a call of another.
const user = newUser();
const browsers = { lists: await signedIn(), ends: await signedIn(user), changesRole: await signedIn() };
const { handle: ended } = await (await signedIn(user)).session();
const roleId = (await browsers.changesRole.session()).role?.roleId;

const asked = new Set<string>();
store.judge = ({ operation, body }) => {
  const call = `${operation} ${JSON.stringify(body)}`;
  if (asked.has(call)) return 'pass';
  asked.add(call);
  return 'hang';
};

sideBySide('a function whose store responds late, all the same', {
  'lists a user’s sessions [ASVS-16.5.3]': async () => {
    expect((await browsers.lists.api('/auth/sessions')).status).toBe(200);
  },
  'ends one of them [ASVS-16.5.3]': async () => {
    const response = await browsers.ends.api(`/auth/sessions/${ended}`, { method: 'DELETE' });
    expect(response.status).toBe(204);
  },
  'changes the role [ASVS-16.5.3]': async () => {
    const response = await browsers.changesRole.api('/auth/session/role', {
      method: 'PUT',
      body: JSON.stringify({ roleId }),
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(200);
  },
});
