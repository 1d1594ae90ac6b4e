import { describe, expect, test } from '@jest/globals';
import { sessionCookie, signInCookie } from '../support/browser.ts';
import { subject } from '../support/provider.ts';
import { clientId, useSharedRig } from '../support/rig.ts';

const rig = useSharedRig();

describe('a whole sign-in', () => {
  test('ends with a session that says who is signed in, in which role, and until when [S-10, B-18]', async () => {
    const browser = rig.browser();
    expect(await browser.session()).toEqual({ status: 'anonymous' });
    const { baseUrl } = rig.bff;

    const { response, request } = await browser.login('?returnTo=/ward/7');
    expect(response.status).toBe(302);
    expect(Object.fromEntries(request)).toMatchObject({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: `${baseUrl}/auth/callback`,
      code_challenge_method: 'S256',
      acr_values: 'AAL3_ANY',
      prompt: 'login',
    });

    const landed = await browser.signIn(rig.provider, '?returnTo=/ward/7');
    expect(landed.status).toBe(303);
    expect(landed.headers.get('location')).toBe(`${baseUrl}/ward/7`);
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
