/** The assurance policy: which levels get a session. CIS2 states them; what was asked for proves nothing. */
import { describe, expect, test } from '@jest/globals';
import { useSharedRig } from '../support/rig.ts';
import { expectRefused, expectSignedIn } from './expectations.ts';

const rig = useSharedRig();

/** Signs in at these levels; `undefined` leaves a claim out. */
function stating(idToken: Record<string, unknown>, userInfo: Record<string, unknown> = {}): void {
  rig.provider.claims = () => idToken;
  rig.provider.userInfo = userInfo;
}

const expectInsufficient = (
  idToken: Record<string, unknown>,
  userInfo: Record<string, unknown> = {},
  query = '',
): Promise<string> =>
  expectRefused(rig, 'assurance_insufficient', (browser) => {
    stating(idToken, userInfo);
    return browser.signIn(rig.provider, query);
  });

async function expectEnough(
  idToken: Record<string, unknown>,
  userInfo: Record<string, unknown>,
): Promise<void> {
  stating(idToken, userInfo);
  const browser = rig.browser();
  const { assurance } = await expectSignedIn(browser, await browser.signIn(rig.provider));
  expect(assurance).toMatchObject({ authentication: 3, identity: 3 });
}

/** What is no level, whichever policy asks: one of each kind. The unit tests have every spelling. */
const odd: [string, unknown][] = [
  ['missing', undefined],
  ['null', null],
  ['an empty text', ''],
  ['3 before a space', '3 '],
  ['a list of 3', [3]],
  ['true', true],
  ['4', 4],
];
/** Stated, and no level. A member that is absent or null is not stated: the other source counts then. */
const wrong = odd.filter(([, level]) => level !== undefined && level !== null);

describe('under the ordinary policy, level 3 of both', () => {
  test.each([
    [3, 3],
    ['3', '3'],
    [3, '3'],
  ])('authentication %j and identity %j are enough', async (authentication, identity) => {
    await expectEnough(
      { authentication_assurance_level: authentication, id_assurance_level: identity },
      { idassurancelevel: identity },
    );
  });

  test.each([['2', '2'], ['2 as a number', 2], ['0', '0'], ...odd])(
    'an authentication level that is %s is not [CIS2-ACR-001, O-07, ASVS-6.8.4]',
    async (_, level) => {
      await expectInsufficient({ authentication_assurance_level: level, acr: 'AAL3_ANY' });
    },
  );

  test.each([['2', '2'], ['2 as a number', 2], ['0', '0'], ...odd])(
    'an identity level that is %s in both places is not [CIS2-SC-002]',
    async (_, level) => {
      await expectInsufficient({ id_assurance_level: level }, { idassurancelevel: level });
    },
  );

  test.each(wrong)(
    'an identity level that is %s in the ID token is not, whatever UserInfo says [CIS2-SC-002]',
    async (_, level) => {
      await expectInsufficient({ id_assurance_level: level }, { idassurancelevel: '3' });
    },
  );

  test.each(wrong)(
    'an identity level that is %s in UserInfo is not, whatever the ID token says [CIS2-SC-002]',
    async (_, level) => {
      await expectInsufficient({ id_assurance_level: '3' }, { idassurancelevel: level });
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
    await expectEnough(idToken, userInfo);
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['the ID token says 3 and UserInfo 2', { id_assurance_level: '3' }, { idassurancelevel: '2' }],
    ['the ID token says 2 and UserInfo 3', { id_assurance_level: '2' }, { idassurancelevel: '3' }],
    ['the ID token says both', { id_assurance_level: '3', idassurancelevel: '1' }, { idassurancelevel: '3' }],
    ['UserInfo says both', { id_assurance_level: '3' }, { idassurancelevel: '3', id_assurance_level: 2 }],
  ])('where %s, the least counts [CIS2-SC-002]', async (_, idToken, userInfo) => {
    await expectInsufficient(idToken, userInfo);
  });

  test('an authentication level in UserInfo alone is none: it is not signed [CIS2-ACR-001, ASVS-6.8.4]', async () => {
    await expectInsufficient(
      { authentication_assurance_level: undefined },
      { authentication_assurance_level: '3' },
    );
  });

  test('acr proves nothing: it echoes what anybody can edit in their address bar [CIS2-ACR-001, ASVS-6.8.4]', async () => {
    await expectInsufficient({ authentication_assurance_level: '2', acr: 'AAL3_ANY' }, {}, '?acr=AAL3_IOS');
  });
});
