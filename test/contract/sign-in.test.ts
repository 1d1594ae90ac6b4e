import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Bff } from '../support/bff.ts';
import { Browser, sessionCookie, signInCookie } from '../support/browser.ts';
import { Provider, subject } from '../support/provider.ts';

let provider: Provider;
let bff: Bff;

beforeAll(async () => {
  provider = await Provider.start();
  bff = await Bff.start({ issuer: provider.issuer, 'client-id': 'rp.contract' });
});
afterEach(() => {
  provider.behave();
});
afterAll(async () => {
  await bff.stop();
  await provider.close();
});

describe('a whole sign-in', () => {
  test('ends with a session that says who is signed in, in which role, and until when [S-10, B-18]', async () => {
    const browser = new Browser(bff.baseUrl);
    expect(await browser.session()).toEqual({ status: 'anonymous' });

    const { response, request } = await browser.login('?returnTo=/ward/7');
    expect(response.status).toBe(302);
    expect(Object.fromEntries(request)).toMatchObject({
      response_type: 'code',
      client_id: 'rp.contract',
      redirect_uri: `${bff.baseUrl}/auth/callback`,
      code_challenge_method: 'S256',
      acr_values: 'AAL3_ANY',
      prompt: 'login',
    });

    const landed = await browser.signIn(provider, '?returnTo=/ward/7');
    expect(landed.status).toBe(303);
    expect(landed.headers.get('location')).toBe(`${bff.baseUrl}/ward/7`);
    expect(landed.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        new RegExp(`^${sessionCookie}=[A-Za-z0-9_-]{86}; Path=/; Secure; HttpOnly; SameSite=Strict$`),
      ),
    ]);
    expect(browser.cookies.get(signInCookie)).toMatch(/^[A-Za-z0-9_-]{43}$/);

    const session = await browser.session();
    expect(session).toMatchObject({
      status: 'active',
      user: { uid: subject, name: 'Odalys Fernsby', givenName: 'Odalys', familyName: 'Fernsby', title: 'Dr' },
      assurance: { authentication: 3, identity: 3, methods: ['N3_SMARTCARD'] },
      role: {
        roleId: '900000000701',
        jobRoleCode: 'R8000',
        orgCode: 'A9A5A',
        orgName: 'EXAMPLE HEALTH CENTRE',
      },
      expires: { bindingLimit: 'idle' },
    });
    expect(session.roles).toHaveLength(1);
  });
});
