/** The assurance policy: which levels get a session. CIS2 states them; what was asked for proves nothing. */
import { describe, expect, test } from '@jest/globals';
import { useRig, useSharedRig, type Rig } from '../support/rig.ts';
import { expectRefused, expectSignedIn } from './expectations.ts';

/** Signs in at these levels; `undefined` leaves a claim out. */
function stating(rig: Rig, idToken: Record<string, unknown>, userInfo: Record<string, unknown> = {}): void {
  rig.provider.claims = () => idToken;
  rig.provider.userInfo = userInfo;
}

const expectInsufficient = (
  rig: Rig,
  idToken: Record<string, unknown>,
  userInfo: Record<string, unknown> = {},
  query = '',
): Promise<string> =>
  expectRefused(rig, 'assurance_insufficient', (browser) => {
    stating(rig, idToken, userInfo);
    return browser.signIn(rig.provider, query);
  });

async function expectEnough(
  rig: Rig,
  idToken: Record<string, unknown>,
  userInfo: Record<string, unknown>,
  expected: { authentication: number; identity: number },
  query = '',
): Promise<void> {
  stating(rig, idToken, userInfo);
  const browser = rig.browser();
  const { assurance } = await expectSignedIn(browser, await browser.signIn(rig.provider, query));
  expect(assurance).toMatchObject(expected);
}

/** What is no level, whichever policy asks. */
const odd: [string, unknown][] = [
  ['missing', undefined],
  ['null', null],
  ['an empty text', ''],
  ['a space', ' '],
  ['3 after a space', ' 3'],
  ['3 before a space', '3 '],
  ['3 before a line end', '3\n'],
  ['3.0', '3.0'],
  ['3.5', 3.5],
  ['03', '03'],
  ['+3', '+3'],
  ['0x3', '0x3'],
  ['3e0', '3e0'],
  ['a list of 3', [3]],
  ['a list of "3"', ['3']],
  ['an empty list', []],
  ['an object', {}],
  ['an object that says 3', { value: 3 }],
  ['true', true],
  ['false', false],
  ['4', 4],
  ['"4"', '4'],
  ['99', 99],
  ['-1', '-1'],
  ['-3', -3],
  ['NaN', 'NaN'],
  ['Infinity', 'Infinity'],
  ['AAL3', 'AAL3'],
  ['III', 'III'],
  ['a 3 of another script', '３'],
  ['another', '٣'],
];
/** Stated, and no level. A member that is absent or null is not stated: the other source counts then. */
const wrong = odd.filter(([, level]) => level !== undefined && level !== null);

describe('under the ordinary policy, level 3 of both', () => {
  const rig = useSharedRig();

  test.each([
    [3, 3],
    ['3', '3'],
    [3, '3'],
  ])('authentication %j and identity %j are enough', async (authentication, identity) => {
    await expectEnough(
      rig,
      { authentication_assurance_level: authentication, id_assurance_level: identity },
      { idassurancelevel: identity },
      { authentication: 3, identity: 3 },
    );
  });

  test.each([['2', '2'], ['2 as a number', 2], ['1', '1'], ['0', '0'], ['0 as a number', 0], ...odd])(
    'an authentication level that is %s is not [CIS2-ACR-001, O-07, ASVS-6.8.4]',
    async (_, level) => {
      await expectInsufficient(rig, { authentication_assurance_level: level, acr: 'AAL3_ANY' });
    },
  );

  test.each([['2', '2'], ['2 as a number', 2], ['1', '1'], ['0', '0'], ['0 as a number', 0], ...odd])(
    'an identity level that is %s in both places is not [CIS2-SC-002]',
    async (_, level) => {
      await expectInsufficient(rig, { id_assurance_level: level }, { idassurancelevel: level });
    },
  );

  test.each(wrong)(
    'an identity level that is %s in the ID token is not, whatever UserInfo says [CIS2-SC-002]',
    async (_, level) => {
      await expectInsufficient(rig, { id_assurance_level: level }, { idassurancelevel: '3' });
    },
  );

  test.each(wrong)(
    'an identity level that is %s in UserInfo is not, whatever the ID token says [CIS2-SC-002]',
    async (_, level) => {
      await expectInsufficient(rig, { id_assurance_level: '3' }, { idassurancelevel: level });
    },
  );

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['the ID token alone', { id_assurance_level: '3' }, { idassurancelevel: undefined }],
    ['UserInfo alone', { id_assurance_level: undefined }, { idassurancelevel: '3' }],
    [
      'UserInfo alone, in the ID token’s spelling',
      { id_assurance_level: undefined },
      { idassurancelevel: undefined, id_assurance_level: '3' },
    ],
    [
      'the ID token alone, in UserInfo’s spelling',
      { id_assurance_level: undefined, idassurancelevel: '3' },
      { idassurancelevel: undefined },
    ],
  ])('the identity level may stand in %s', async (_, idToken, userInfo) => {
    await expectEnough(rig, idToken, userInfo, { authentication: 3, identity: 3 });
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['the ID token says 3 and UserInfo 2', { id_assurance_level: '3' }, { idassurancelevel: '2' }],
    ['the ID token says 2 and UserInfo 3', { id_assurance_level: '2' }, { idassurancelevel: '3' }],
    ['the ID token says both', { id_assurance_level: '3', idassurancelevel: '1' }, { idassurancelevel: '3' }],
    ['UserInfo says both', { id_assurance_level: '3' }, { idassurancelevel: '3', id_assurance_level: 2 }],
  ])('where %s, the least counts [CIS2-SC-002]', async (_, idToken, userInfo) => {
    await expectInsufficient(rig, idToken, userInfo);
  });

  test('an authentication level in UserInfo alone is none: it is not signed [CIS2-ACR-001, ASVS-6.8.4]', async () => {
    await expectInsufficient(
      rig,
      { authentication_assurance_level: undefined },
      { authentication_assurance_level: '3' },
    );
  });

  test('acr proves nothing: it echoes what anybody can edit in their address bar [CIS2-ACR-001, ASVS-6.8.4]', async () => {
    await expectInsufficient(
      rig,
      { authentication_assurance_level: '2', acr: 'AAL3_ANY' },
      {},
      '?acr=AAL3_IOS',
    );
  });
});

describe('under a policy of level 2', () => {
  const rig = useRig({ acr: 'AAL2_OR_AAL3_ANY', 'min-aal': 2, 'min-ial': 2 });

  test('asks for what is configured', async () => {
    const { request } = await rig.browser().login();
    expect(request.get('acr_values')).toBe('AAL2_OR_AAL3_ANY');
  });

  test.each<[unknown, unknown, { authentication: number; identity: number }]>([
    ['2', '2', { authentication: 2, identity: 2 }],
    [2, 3, { authentication: 2, identity: 3 }],
    ['3', '2', { authentication: 3, identity: 2 }],
    [3, '3', { authentication: 3, identity: 3 }],
  ])('authentication %j and identity %j are enough', async (authentication, identity, expected) => {
    await expectEnough(
      rig,
      { authentication_assurance_level: authentication, id_assurance_level: identity },
      { idassurancelevel: identity },
      expected,
    );
  });

  test('where the sources of the identity level disagree, the session has the least', async () => {
    await expectEnough(
      rig,
      { id_assurance_level: '3' },
      { idassurancelevel: '2' },
      { authentication: 3, identity: 2 },
    );
    await expectEnough(
      rig,
      { id_assurance_level: 2 },
      { idassurancelevel: 3 },
      { authentication: 3, identity: 2 },
    );
  });

  test.each([['1', '1'], ['0', 0], ...odd.slice(0, 10)])(
    'an authentication level that is %s is not enough',
    async (_, level) => {
      await expectInsufficient(rig, { authentication_assurance_level: level });
    },
  );

  test.each([['1', '1'], ['0', '0'], ...odd.slice(0, 10)])(
    'an identity level that is %s is not enough',
    async (_, level) => {
      await expectInsufficient(rig, { id_assurance_level: level }, { idassurancelevel: level });
    },
  );

  test.each(['AAL2_TOTP', 'AAL2_NHSMAIL', 'AAL2_ANY', 'AAL3_ANY', 'AAL3_FIDO2'])(
    'acr=%s may be asked for',
    async (acr) => {
      const { request } = await rig.browser().login(`?acr=${acr}`);
      expect([request.get('acr_values'), request.get('prompt')]).toEqual([acr, 'login']);
    },
  );

  test('a lower level may not', async () => {
    const { response } = await rig.browser().login('?acr=AAL1_USERPASS');
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  describe('a step-up to level 3 [O-07]', () => {
    test('is not satisfied by level 2, and leaves the session at level 2 as it was', async () => {
      await expectInsufficient(
        rig,
        { authentication_assurance_level: '2', acr: 'AAL3_ANY' },
        {},
        '?acr=AAL3_ANY',
      );
    });

    test('takes the place of the session at level 2 when it succeeds', async () => {
      const browser = rig.browser();
      stating(rig, { authentication_assurance_level: '2' });
      const before = await expectSignedIn(browser, await browser.signIn(rig.provider));
      stating(rig, { authentication_assurance_level: '3' });
      const after = await expectSignedIn(browser, await browser.signIn(rig.provider, '?acr=AAL3_ANY'));
      expect([before.assurance['authentication'], after.assurance['authentication']]).toEqual([2, 3]);
      expect(after.handle).not.toBe(before.handle);
    });

    test('holds its own attempt to level 3 and no other: two tabs, two levels', async () => {
      const browser = rig.browser();
      const stepUp = rig.provider.authorise((await browser.login('?acr=AAL3_ANY')).location);
      const ordinary = rig.provider.authorise((await browser.login()).location);
      stating(rig, { authentication_assurance_level: 2 });
      await expectSignedIn(browser, await browser.callback(ordinary));
      const { handle } = await browser.session();
      const refused = await browser.callback(stepUp);
      expect(refused.headers.get('location')).toContain('code=assurance_insufficient');
      expect(await browser.session()).toMatchObject({ status: 'active', handle });
    });

    test('must have level 3 though the acr in the address bar was edited on the way', async () => {
      const browser = rig.browser();
      const url = new URL((await browser.login('?acr=AAL3_SMARTCARD')).location);
      url.searchParams.set('acr_values', 'AAL2_ANY');
      stating(rig, { authentication_assurance_level: '2', acr: 'AAL2_ANY' });
      const response = await browser.callback(rig.provider.authorise(url.href));
      expect(response.headers.get('location')).toContain('code=assurance_insufficient');
      expect(await browser.session()).toEqual({ status: 'anonymous' });
    });
  });
});
