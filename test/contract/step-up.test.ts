/** A policy of level 2; stepping up and proving presence again: the same page afterwards, another session, held to what was asked. */
import { describe, expect, test } from '@jest/globals';
import { sessionCookie, type Browser } from '../support/browser.ts';
import { oneRole } from '../support/provider.ts';
import { useRig } from '../support/rig.ts';
import { expectFailure, expectProblem, expectSignedIn, read } from './expectations.ts';
import { newUser } from './logout-tokens.ts';

const rig = useRig({ acr: 'AAL2_OR_AAL3_ANY', 'min-aal': 2, 'min-ial': 2 });

const atLevel = (level: unknown): void => {
  rig.provider.claims = () => ({ authentication_assurance_level: level });
};

async function signedIn(level: 2 | 3 = 2): Promise<Browser> {
  atLevel(level);
  const browser = rig.browser();
  await expectSignedIn(browser, await browser.signIn(rig.provider));
  return browser;
}

function copyOf(browser: Browser): Browser {
  const copy = rig.browser();
  copy.cookies.set(sessionCookie, browser.cookies.get(sessionCookie) ?? '');
  return copy;
}

describe('under a policy of level 2', () => {
  /** Signs in at these levels; `undefined` leaves a claim out. */
  async function signInAt(idToken: Record<string, unknown>, userInfo: Record<string, unknown> = {}) {
    rig.provider.claims = () => idToken;
    rig.provider.userInfo = userInfo;
    const browser = rig.browser();
    return { browser, response: await browser.signIn(rig.provider) };
  }

  async function expectEnough(
    idToken: Record<string, unknown>,
    userInfo: Record<string, unknown>,
    expected: { authentication: number; identity: number },
  ): Promise<void> {
    const { browser, response } = await signInAt(idToken, userInfo);
    expect((await expectSignedIn(browser, response)).assurance).toMatchObject(expected);
  }

  test.each<[unknown, unknown, { authentication: number; identity: number }]>([
    ['2', '2', { authentication: 2, identity: 2 }],
    [2, 3, { authentication: 2, identity: 3 }],
    ['3', '2', { authentication: 3, identity: 2 }],
    [3, '3', { authentication: 3, identity: 3 }],
  ])('authentication %j and identity %j are enough', async (authentication, identity, expected) => {
    await expectEnough(
      { authentication_assurance_level: authentication, id_assurance_level: identity },
      { idassurancelevel: identity },
      expected,
    );
  });

  test('where the sources of the identity level disagree, the session has the least', async () => {
    const least = { authentication: 3, identity: 2 };
    await expectEnough({ id_assurance_level: '3' }, { idassurancelevel: '2' }, least);
    await expectEnough({ id_assurance_level: 2 }, { idassurancelevel: 3 }, least);
  });

  test.each([
    ['1', '1'],
    ['missing', undefined],
  ])('an authentication level or an identity level that is %s is not enough', async (_, level) => {
    for (const [idToken, userInfo] of [
      [{ authentication_assurance_level: level }, {}],
      [{ id_assurance_level: level }, { idassurancelevel: level }],
    ]) {
      const { response } = await signInAt(idToken ?? {}, userInfo);
      await expectFailure(rig, response, 'assurance_insufficient');
    }
  });

  test('a sign-in asks for what is configured', async () => {
    const { request } = await rig.browser().login();
    expect(request.get('acr_values')).toBe('AAL2_OR_AAL3_ANY');
  });

  test.each(['AAL2_TOTP', 'AAL2_NHSMAIL', 'AAL2_ANY', 'AAL3_ANY', 'AAL3_FIDO2'])(
    'acr=%s may be asked for',
    async (acr) => {
      const { request } = await rig.browser().login(`?acr=${acr}`);
      expect([request.get('acr_values'), request.get('prompt')]).toEqual([acr, 'login']);
    },
  );
});

describe('stepping up', () => {
  test('asks for the level and for proof of presence', async () => {
    const { request } = await (await signedIn()).login('?acr=AAL3_ANY&returnTo=/x');
    expect([request.get('acr_values'), request.get('prompt'), request.get('max_age')]).toEqual([
      'AAL3_ANY',
      'login',
      null,
    ]);
  });

  test('comes back to the same page with a new session; the old one is dead at once, as replaced [ASVS-7.2.4, ASVS-7.5.1]', async () => {
    const browser = await signedIn();
    const before = await browser.session();
    expect(before.assurance['authentication']).toBe(2);
    const old = copyOf(browser);
    atLevel(3);
    const page = '/ward/7/notes?patient=a%20b&x=%2F#part-2';
    const landed = await browser.signIn(rig.provider, `?acr=AAL3_ANY&returnTo=${encodeURIComponent(page)}`);
    expect([landed.status, landed.headers.get('location')]).toEqual([303, rig.bff.baseUrl + page]);
    expect(landed.headers.getSetCookie()).toHaveLength(1);
    const after = await browser.session();
    expect(after.assurance['authentication']).toBe(3);
    expect(after.handle).not.toBe(before.handle);
    expect(browser.cookies.get(sessionCookie)).not.toBe(old.cookies.get(sessionCookie));
    expect(await old.session()).toEqual({ status: 'ended', reason: 'replaced' });
    expectProblem(
      await read(await old.api('/auth/session/extend', { method: 'POST' })),
      401,
      'session_ended',
      {
        reason: 'replaced',
        loginUrl: '/auth/login',
      },
    );
    const { sessions } = (await (await browser.api('/auth/sessions')).json()) as { sessions: unknown[] };
    expect(sessions).toContainEqual(expect.objectContaining({ handle: after.handle, current: true }));
    expect(JSON.stringify(sessions)).not.toContain(before.handle);
  });

  test.each<[string, unknown]>([
    ['2', '2'],
    ['missing', undefined],
    ['no number', 'high'],
    ['empty', ''],
    ['null', null],
  ])(
    'is held to the level: one that is %s is refused, and the session stays as it was [O-07, CIS2-ACR-001]',
    async (_, level) => {
      const browser = await signedIn();
      const before = { ...(await browser.session()), serverTime: '' };
      rig.provider.claims = () => ({ authentication_assurance_level: level, acr: 'AAL3_ANY' });
      const landed = await browser.signIn(rig.provider, '?acr=AAL3_ANY&returnTo=/ward');
      await expectFailure(rig, landed, 'assurance_insufficient');
      expect({ ...(await browser.session()), serverTime: '' }).toEqual(before);
    },
  );

  test('that was cancelled leaves the session as it was', async () => {
    const browser = await signedIn();
    const { handle } = await browser.session();
    const { request } = await browser.login('?acr=AAL3_ANY&returnTo=/ward');
    const landed = await browser.callback({ error: 'access_denied', state: request.get('state') ?? '' });
    await expectFailure(rig, landed, 'access_denied');
    expect(await browser.session()).toMatchObject({ status: 'active', handle });
  });

  test.each(['AAL1_USERPASS', 'AAL3_any', 'AAL4_ANY', '', '3', 'AAL3_ANY AAL2_ANY'])(
    'only raises: acr=%j is 400, and nothing is started',
    async (acr) => {
      const { response } = await (await signedIn()).login(`?acr=${encodeURIComponent(acr)}`);
      expectProblem(await read(response), 400, 'invalid_request');
    },
  );

  test('to the level there is already is a sign-in like any other', async () => {
    const browser = await signedIn(3);
    const { handle } = await browser.session();
    const landed = await browser.signIn(rig.provider, '?acr=AAL2_OR_AAL3_ANY&returnTo=/ward');
    expect(landed.headers.get('location')).toBe(`${rig.bff.baseUrl}/ward`);
    expect((await browser.session()).handle).not.toBe(handle);
  });

  test('in two tabs ends well in both, each on its own page', async () => {
    const browser = await signedIn();
    atLevel(3);
    const [one, two] = [
      await browser.login('?acr=AAL3_ANY&returnTo=/a'),
      await browser.login('?acr=AAL3_ANY&returnTo=/b'),
    ];
    await browser.callback(rig.provider.authorise(one.location));
    const first = copyOf(browser);
    const landed = await browser.callback(rig.provider.authorise(two.location));
    expect(landed.headers.get('location')).toBe(`${rig.bff.baseUrl}/b`);
    expect((await browser.session()).assurance['authentication']).toBe(3);
    // Both logins took along the session of level 2; the first one's own is not the second's to end.
    expect((await first.session()).status).toBe('active');
  });

  test('holds its own attempt to level 3 and no other: two tabs, two levels [O-07]', async () => {
    const browser = rig.browser();
    const stepUp = rig.provider.authorise((await browser.login('?acr=AAL3_ANY')).location);
    const ordinary = rig.provider.authorise((await browser.login()).location);
    atLevel(2);
    await expectSignedIn(browser, await browser.callback(ordinary));
    const { handle } = await browser.session();
    await expectFailure(rig, await browser.callback(stepUp), 'assurance_insufficient');
    expect(await browser.session()).toMatchObject({ status: 'active', handle });
  });

  test('must have level 3 though the acr in the address bar was edited on the way [O-07]', async () => {
    const browser = rig.browser();
    const url = new URL((await browser.login('?acr=AAL3_SMARTCARD')).location);
    url.searchParams.set('acr_values', 'AAL2_ANY');
    rig.provider.claims = () => ({ authentication_assurance_level: '2', acr: 'AAL2_ANY' });
    const landed = await browser.callback(rig.provider.authorise(url.href));
    await expectFailure(rig, landed, 'assurance_insufficient');
    expect(await browser.session()).toEqual({ status: 'anonymous' });
  });
});

describe('the chosen role', () => {
  const ids = ['900000000701', '900000000702', '900000000703'] as const;
  const holding = (...roles: readonly string[]): Record<string, unknown> => ({
    nhsid_nrbac_roles: roles.map((person_roleid) => ({ ...oneRole, person_roleid })),
  });
  const as = (user: string, claims: Record<string, unknown> = {}): void => {
    rig.provider.claims = () => ({ authentication_assurance_level: 3, sub: user, ...claims });
  };
  const choose = (browser: Browser, roleId: string): Promise<Response> =>
    browser.api('/auth/session/role', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ roleId }),
    });

  /** Somebody with three roles who works in the second. */
  async function working(user = newUser()): Promise<{ browser: Browser; user: string }> {
    as(user);
    rig.provider.userInfo = { sub: user, ...holding(...ids) };
    const browser = rig.browser();
    await expectSignedIn(browser, await browser.signIn(rig.provider));
    expect((await choose(browser, ids[1])).status).toBe(200);
    return { browser, user };
  }
  const roleAfter = async (browser: Browser, query = '?acr=AAL3_ANY'): Promise<unknown> => {
    await expectSignedIn(browser, await browser.signIn(rig.provider, query));
    const { role } = await browser.session();
    return role?.['roleId'] ?? null;
  };

  test.each(['?acr=AAL3_ANY', '?reauth=1', '', '?role=select'])(
    'is carried over by a sign-in in place of the session (%j)',
    async (query) => {
      const { browser } = await working();
      expect(await roleAfter(browser, query)).toBe(ids[1]);
      // And by the next one.
      expect(await roleAfter(browser, query)).toBe(ids[1]);
    },
  );

  test('is the one chosen by then, where another tab changed it meanwhile', async () => {
    const { browser } = await working();
    const { location } = await browser.login('?acr=AAL3_ANY');
    expect((await choose(browser, ids[2])).status).toBe(200);
    await browser.callback(rig.provider.authorise(location));
    expect((await browser.session()).role).toMatchObject({ roleId: ids[2] });
  });

  test('gives way to the one that CIS2 says was selected', async () => {
    const { browser, user } = await working();
    as(user, { selected_roleid: ids[0] });
    expect(await roleAfter(browser)).toBe(ids[0]);
  });

  test('is not carried over when it is no longer held', async () => {
    const { browser, user } = await working();
    rig.provider.userInfo = { sub: user, ...holding(ids[0], ids[2]) };
    expect(await roleAfter(browser)).toBeNull();
  });

  test('is not carried over to somebody else, though they hold a role of that id', async () => {
    const { browser } = await working();
    const other = newUser();
    as(other);
    rig.provider.userInfo = { sub: other, ...holding(...ids) };
    expect(await roleAfter(browser)).toBeNull();
  });

  test('is not carried over from a session that is over', async () => {
    const { browser } = await working();
    const cookie = browser.cookies.get(sessionCookie) ?? '';
    await browser.api('/auth/logout', { method: 'POST' });
    browser.cookies.set(sessionCookie, cookie);
    expect(await roleAfter(browser)).toBeNull();
  });

  test('is none in a browser without the session', async () => {
    const { user } = await working();
    as(user);
    expect(await roleAfter(rig.browser())).toBeNull();
  });

  test('adds nothing to the state that goes through CIS2’s address', async () => {
    const { browser } = await working();
    const { request } = await browser.login('?acr=AAL3_ANY');
    expect(request.get('state')?.length).toBeLessThan(260);
  });
});

describe('proving presence again', () => {
  test('asks for it, comes back to the same page, and gives a new session [ASVS-7.5.1]', async () => {
    const browser = await signedIn(3);
    const { handle } = await browser.session();
    const { request, location } = await browser.login('?reauth=1&returnTo=/prescription/9');
    expect(request.get('prompt')).toBe('login');
    const old = copyOf(browser);
    const landed = await browser.callback(rig.provider.authorise(location));
    expect(landed.headers.get('location')).toBe(`${rig.bff.baseUrl}/prescription/9`);
    expect((await browser.session()).handle).not.toBe(handle);
    expect(await old.session()).toEqual({ status: 'ended', reason: 'replaced' });
  });

  test('is refused where CIS2 signed the person in longer ago than five minutes [O-08, CIS2-SES-003]', async () => {
    const browser = await signedIn(3);
    const { handle } = await browser.session();
    rig.provider.claims = ({ now }) => ({ auth_time: now - 400 });
    const landed = await browser.signIn(rig.provider, '?reauth=1&returnTo=/prescription/9');
    await expectFailure(rig, landed, 'response_invalid');
    expect(await browser.session()).toMatchObject({ status: 'active', handle });
  });
});
