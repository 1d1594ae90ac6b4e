/** A store that responds to each call only at the second attempt: slow, and not away. */
import { afterEach, expect, test } from '@jest/globals';
import { Browser } from '../support/browser.ts';
import { startWithStore } from '../support/rig.ts';

const { provider, store, bff } = await startWithStore();

afterEach(() => {
  store.reset();
});

/** The first attempt at every call gets no response. */
function slow(): void {
  const asked = new Set<string>();
  store.judge = ({ operation, body }) => {
    const call = `${operation} ${JSON.stringify(body)}`;
    if (asked.has(call)) return 'pass';
    asked.add(call);
    return 'hang';
  };
}

const signedIn = async (): Promise<Browser> => {
  const browser = new Browser(bff.baseUrl);
  await browser.signIn(provider);
  return browser;
};

test.each<[string, number, (browser: Browser, other: string) => Promise<Response>]>([
  ['lists a user’s sessions', 200, (browser) => browser.api('/auth/sessions')],
  ['ends one of them', 204, (browser, other) => browser.api(`/auth/sessions/${other}`, { method: 'DELETE' })],
  [
    'changes the role',
    200,
    async (browser) =>
      browser.api('/auth/session/role', {
        method: 'PUT',
        body: JSON.stringify({ roleId: (await browser.session()).role?.roleId }),
        headers: { 'content-type': 'application/json' },
      }),
  ],
])('a function whose store responds late %s all the same [ASVS-16.5.3]', async (_, status, request) => {
  const [browser, other] = [await signedIn(), await signedIn()];
  const { handle } = await other.session();
  slow();
  const response = await request(browser, handle);
  expect(response.status).toBe(status);
});
