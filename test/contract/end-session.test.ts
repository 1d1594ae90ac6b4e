/** Signing out with CIS2's end-session endpoint switched on (`END_SESSION_URL`), and off. */
import { describe, expect, test } from '@jest/globals';
import { sessionCookie, type Browser } from '../support/browser.ts';
import { clientId, useRigWithSettings, useSharedRig, type Rig } from '../support/rig.ts';
import { expectProblem, expectSignedIn, read } from './expectations.ts';

async function signedIn(rig: Rig): Promise<Browser> {
  const browser = rig.browser();
  await expectSignedIn(browser, await browser.signIn(rig.provider));
  return browser;
}

const signOut = (browser: Browser, headers: Record<string, string> = {}): Promise<Response> =>
  browser.api('/auth/logout', { method: 'POST', headers });

describe('off', () => {
  const rig = useSharedRig();

  test('the browser stays in the app, and nothing is sent to CIS2', async () => {
    const browser = await signedIn(rig);
    const before = rig.provider.requests.length;
    expect(await (await signOut(browser)).json()).toEqual({ redirectTo: '/signed-out' });
    expect(rig.provider.requests).toHaveLength(before);
  });
});

describe('on', () => {
  const endpoint = 'https://am.example.nhs.uk:443/openam/connect/endSession';
  const rig = useRigWithSettings({ END_SESSION_URL: endpoint });

  test('the browser is sent there with our name and where to come back to, and no token at all [ASVS-14.2.1]', async () => {
    const browser = await signedIn(rig);
    const copy = rig.browser();
    copy.cookies.set(sessionCookie, browser.cookies.get(sessionCookie) ?? '');
    const before = rig.provider.requests.length;
    const response = await signOut(browser);
    expect(response.status).toBe(200);
    const body = (await response.json()) as { redirectTo: string };
    expect(Object.keys(body)).toEqual(['redirectTo']);
    const query = new URLSearchParams({
      client_id: clientId,
      post_logout_redirect_uri: `${rig.bff.baseUrl}/signed-out`,
    }).toString();
    // `:443` is part of the address, to the letter.
    expect(body.redirectTo).toBe(`${endpoint}?${query}`);
    // The session here is over already, whatever CIS2 makes of it; and nothing was asked from the server.
    expect(await copy.session()).toEqual({ status: 'ended', reason: 'signed_out' });
    expect(rig.provider.requests).toHaveLength(before);
  });

  test('is the same without a live session, and not where another session was meant', async () => {
    const response = await signOut(rig.browser());
    expect(((await response.json()) as { redirectTo: string }).redirectTo).toMatch(`${endpoint}?`);
    const browser = await signedIn(rig);
    expectProblem(await read(await signOut(browser, { 'x-session': 'another' })), 409, 'session_changed');
    expect((await browser.session()).status).toBe('active');
  });
});
