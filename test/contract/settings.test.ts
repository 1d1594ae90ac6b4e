/** Settings that other products of the tests leave as they are: one product has them all. */
import { describe, expect, test } from '@jest/globals';
import { Browser, sessionCookie } from '../support/browser.ts';
import { oneRole } from '../support/provider.ts';
import { clientId, useRigWithSettings, useSharedRig, type Rig } from '../support/rig.ts';
import { expectProblem, expectSignedIn, read } from './expectations.ts';

const endSessionUrl = 'https://am.example.nhs.uk:443/openam/connect/endSession';
const ordinary = useSharedRig();
const rig = useRigWithSettings({
  ACCEPTED_ROLES: 'any',
  CIS2_SCOPE: 'openid profile email professionalmemberships',
  END_SESSION_URL: endSessionUrl,
});

async function signedIn(at: Rig = rig): Promise<Browser> {
  const browser = at.browser();
  await expectSignedIn(browser, await browser.signIn(at.provider));
  return browser;
}

const signOut = (browser: Browser, headers: Record<string, string> = {}): Promise<Response> =>
  browser.api('/auth/logout', { method: 'POST', headers });

describe('scopes that CIS2’s assessors would have removed', () => {
  /** What was logged of them by the time that a login is in the log. */
  async function warned(at: Rig): Promise<Record<string, unknown>[]> {
    const { response } = await at.browser().login();
    await at.bff.entriesFor(response.headers.get('x-request-id') ?? '');
    return at.bff.log.filter(({ event }) => event === 'scopes_unneeded');
  }

  test('are named at the start, with the requirement, once a function that asks for them [CIS2-SC-003]', async () => {
    expect(rig.bff.output).toContain(
      'scopes that are not used: email, professionalmemberships (NHS CIA SC Req 003)',
    );
    expect(await warned(rig)).toEqual([
      expect.objectContaining({
        level: 'warn',
        function: 'login',
        scopes: ['email', 'professionalmemberships'],
        requirement: 'NHS CIA SC Req 003',
      }),
    ]);
  });

  test('are none of those that the product comes with', async () => {
    expect(await warned(ordinary)).toEqual([]);
    expect(ordinary.bff.output).not.toContain('scopes that are not used');
  });
});

describe('where any role is accepted', () => {
  test('a person without one is refused, and any one will do', async () => {
    rig.provider.userInfo = { nhsid_nrbac_roles: [] };
    expect(Browser.failure(await rig.browser().signIn(rig.provider))?.code).toBe('role_required');
    rig.provider.behave();
    const session = await (await signedIn()).session();
    expect(session.role).toMatchObject({ roleId: oneRole.person_roleid });
    expect(JSON.stringify(session)).not.toContain('permitted');
  });
});

describe('without CIS2’s end-session endpoint', () => {
  test('who signs out stays in the app, and nothing is sent to CIS2', async () => {
    const browser = await signedIn(ordinary);
    const before = ordinary.provider.requests.length;
    expect(await (await signOut(browser)).json()).toEqual({ redirectTo: '/signed-out' });
    expect(ordinary.provider.requests).toHaveLength(before);
  });
});

describe('with CIS2’s end-session endpoint', () => {
  test('the browser that signs out is sent there with our name and where to come back to, and no token at all [ASVS-14.2.1]', async () => {
    const browser = await signedIn();
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
    expect(body.redirectTo).toBe(`${endSessionUrl}?${query}`);
    // The session here is over already, whatever CIS2 makes of it; and nothing was asked from the server.
    expect(await copy.session()).toEqual({ status: 'ended', reason: 'signed_out' });
    expect(rig.provider.requests).toHaveLength(before);
  });

  test('is the same without a live session, and not where another session was meant', async () => {
    const response = await signOut(rig.browser());
    expect(((await response.json()) as { redirectTo: string }).redirectTo).toMatch(`${endSessionUrl}?`);
    const browser = await signedIn();
    expectProblem(await read(await signOut(browser, { 'x-session': 'another' })), 409, 'session_changed');
    expect((await browser.session()).status).toBe('active');
  });
});
