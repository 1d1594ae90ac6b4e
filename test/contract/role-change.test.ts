/** `PUT /auth/session/role`: choosing and changing the working role. */
import { describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionCookie, type Browser, type SessionJson } from '../support/browser.ts';
import { oneRole } from '../support/provider.ts';
import { rawRequest } from '../support/raw-http.ts';
import { useSharedRig } from '../support/rig.ts';
import { expectOwnHeaders, expectProblem, expectSignedIn, headersOf, read } from './expectations.ts';
import { newUser } from './logout-tokens.ts';

const rig = useSharedRig();
const path = '/auth/session/role';

const roleNumber = (number: number, changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  ...oneRole,
  person_roleid: String(900000000700 + number),
  ...changes,
});
const ids = ['900000000701', '900000000702', '900000000703'] as const;
const three = [1, 2, 3].map((number) => roleNumber(number, { org_code: `X${String(number)}` }));

async function signedIn(
  userInfo: Record<string, unknown> = { nhsid_nrbac_roles: three },
  idToken: Record<string, unknown> = {},
): Promise<Browser> {
  const user = newUser();
  rig.provider.userInfo = { sub: user, ...userInfo };
  rig.provider.claims = () => ({ sub: user, ...idToken });
  const browser = rig.browser();
  await expectSignedIn(browser, await browser.signIn(rig.provider));
  return browser;
}

let undecided: Promise<Browser> | undefined;

/** A session without a chosen role, the same for all tests of what changes nothing. */
const withoutRole = (): Promise<Browser> => (undecided ??= signedIn());

const put = (browser: Browser, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  browser.api(path, {
    method: 'PUT',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });

async function change(browser: Browser, roleId: string): Promise<SessionJson> {
  const response = await put(browser, { roleId });
  expect(response.status).toBe(200);
  return (await response.json()) as SessionJson;
}

/** The same cookie in a browser that nothing else happens in. */
function copyOf(browser: Browser): Browser {
  const copy = rig.browser();
  copy.cookies.set(sessionCookie, browser.cookies.get(sessionCookie) ?? '');
  return copy;
}

const replaced = { status: 'ended', reason: 'replaced' };
const stateOf = async (browser: Browser): Promise<unknown> => ({
  ...(await browser.session()),
  serverTime: '',
});

describe('a change of role', () => {
  test('chooses one of the user’s where none was chosen, and responds as the session does', async () => {
    const browser = await signedIn();
    const before = await browser.session();
    expect(before.role).toBeNull();
    const changed = await change(browser, ids[1]);
    expect(changed).toMatchObject({ status: 'active', role: { roleId: ids[1], orgCode: 'X2' } });
    expect(changed.roles).toEqual(before.roles);
    expect(changed.user).toEqual(before.user);
    expect(changed.assurance).toEqual(before.assurance);
    expect(changed.expires.absoluteAt).toBe(before.expires.absoluteAt);
    expect(await stateOf(browser)).toEqual({ ...changed, serverTime: '' });
  });

  test('changes to each of the user’s in turn, and back to the same one', async () => {
    const browser = await signedIn();
    const handles = new Set<string>();
    for (const id of [ids[0], ids[2], ids[2], ids[1], ids[0]]) {
      const { role, handle } = await change(browser, id);
      expect(role).toMatchObject({ roleId: id });
      handles.add(handle);
    }
    expect(handles.size).toBe(5);
  });

  test('gives a new cookie and a new handle; the old cookie is dead at once and is told why [ASVS-7.2.4]', async () => {
    const browser = await signedIn();
    const { handle: before } = await browser.session();
    const old = copyOf(browser);
    const response = await put(browser, { roleId: ids[0] });
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        new RegExp(`^${sessionCookie}=[\\w-]{86}; Path=/; Secure; HttpOnly; SameSite=Strict$`),
      ),
    ]);
    expectOwnHeaders(headersOf(response.headers));
    expect(browser.cookies.get(sessionCookie)).not.toBe(old.cookies.get(sessionCookie));
    const { handle } = (await response.json()) as SessionJson;
    expect(handle).not.toBe(before);

    expect(await old.session()).toEqual(replaced);
    for (const [method, target, body] of [
      ['POST', '/auth/session/extend', undefined],
      ['PUT', path, { roleId: ids[1] }],
      ['GET', '/auth/sessions', undefined],
      ['DELETE', `/auth/sessions/${handle}`, undefined],
    ] as const) {
      const refused = await old.api(target, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      expectProblem(await read(refused), 401, 'session_ended', {
        reason: 'replaced',
        loginUrl: '/auth/login',
      });
    }
    const out = await old.api('/auth/logout', { method: 'POST' });
    expect([out.status, out.headers.getSetCookie()]).toEqual([200, []]);
    expect(await browser.session()).toMatchObject({ status: 'active', handle, role: { roleId: ids[0] } });
  });

  test('leaves no way back: every cookie of the session’s past is told the same', async () => {
    const browser = await signedIn();
    const past: Browser[] = [];
    for (const id of [ids[0], ids[1], ids[2], ids[0]]) {
      past.push(copyOf(browser));
      await change(browser, id);
    }
    for (const old of past) expect(await old.session()).toEqual(replaced);
    expect((await browser.session()).status).toBe('active');
  });

  test('counts as activity [ASVS-7.3.1]', async () => {
    const browser = await signedIn();
    const before = await browser.session();
    await sleep(1_100);
    const after = await change(browser, ids[0]);
    expect(Date.parse(after.expires.idleAt)).toBeGreaterThan(Date.parse(before.expires.idleAt));
    expect(after.expires.absoluteAt).toBe(before.expires.absoluteAt);
  });

  test('leaves the user’s other sessions as they were', async () => {
    const browser = await signedIn();
    const other = rig.browser();
    await expectSignedIn(other, await other.signIn(rig.provider));
    const before = await stateOf(other);
    await change(browser, ids[0]);
    expect(await stateOf(other)).toEqual(before);
  });

  test('does not keep a sign-in that was under way from taking the session’s place', async () => {
    const browser = await signedIn();
    const { location } = await browser.login();
    await change(browser, ids[0]);
    const changed = copyOf(browser);
    await expectSignedIn(browser, await browser.callback(rig.provider.authorise(location)));
    expect(await changed.session()).toEqual(replaced);
  });

  test('is ended with the session by a sign-out afterwards', async () => {
    const browser = await signedIn();
    await change(browser, ids[0]);
    const copy = copyOf(browser);
    await browser.api('/auth/logout', { method: 'POST' });
    expect(await copy.session()).toEqual({ status: 'ended', reason: 'signed_out' });
  });
});

describe('a role that cannot be had', () => {
  test.each<[string, string]>([
    ['nobody’s', '900000000999'],
    ['an empty one', ''],
    ['part of one', ids[0].slice(0, -1)],
    ['one with a space behind it', `${ids[0]} `],
    ['a role’s code', 'S8000:G8000:R8000'],
    ['a name every object has', 'constructor'],
    ['another', '__proto__'],
    ['a long one', '9'.repeat(8_000)],
    ['one with quotes', '"900000000701"'],
  ])('%s is 403 and changes nothing', async (_, roleId) => {
    const browser = await withoutRole();
    const before = await stateOf(browser);
    expectProblem(await read(await put(browser, { roleId })), 403, 'role_not_permitted');
    expect(await stateOf(browser)).toEqual(before);
  });

  test('another person’s is 403 and changes nothing', async () => {
    const [mine, theirs] = [
      await signedIn({ nhsid_nrbac_roles: [roleNumber(1), roleNumber(2)] }),
      await signedIn({ nhsid_nrbac_roles: [roleNumber(8), roleNumber(9)] }),
    ];
    const [{ roleId: other }] = (await theirs.session()).roles as [{ roleId: string }];
    const before = await stateOf(mine);
    expectProblem(await read(await put(mine, { roleId: other })), 403, 'role_not_permitted');
    expect(await stateOf(mine)).toEqual(before);
  });

  test.each<[string, unknown]>([
    ['not there', undefined],
    ['null', null],
    ['an empty list', []],
    ['an empty text', ''],
  ])('any is 403 for a person whose roles are %s', async (_, claim) => {
    const browser = await signedIn({ nhsid_nrbac_roles: claim });
    for (const roleId of [ids[0], '', 'undefined', 'null']) {
      expectProblem(await read(await put(browser, { roleId })), 403, 'role_not_permitted');
    }
    expect((await browser.session()).role).toBeNull();
  });
});

describe('the body', () => {
  test.each([
    '',
    '{',
    'null',
    '7',
    '"900000000701"',
    '[]',
    '["900000000701"]',
    '{}',
    '{"roleid":"900000000701"}',
    '{"roleId":null}',
    '{"roleId":900000000701}',
    '{"roleId":["900000000701"]}',
    '{"roleId":{"roleId":"900000000701"}}',
    '{"roleId":true}',
    'roleId=900000000701',
    '{"__proto__":{"roleId":"900000000701"}}',
    '\uFEFF{"roleId":"900000000701"',
  ])('%j is 400 and changes nothing', async (body) => {
    const browser = await withoutRole();
    const before = await stateOf(browser);
    const response = await rawRequest(rig.bff.baseUrl, path, {
      method: 'PUT',
      headers: [
        ['Cookie', `${sessionCookie}=${browser.cookies.get(sessionCookie) ?? ''}`],
        ['X-CSRF', '1'],
        ['Content-Type', 'application/json'],
      ],
      body,
    });
    expectProblem(response, 400, 'invalid_request');
    expect(await stateOf(browser)).toEqual(before);
  });

  test('is read with other members beside the one', async () => {
    const browser = await signedIn();
    const response = await put(browser, { roleId: ids[2], permitted: true, role: 'x' });
    expect(response.status).toBe(200);
    expect((await browser.session()).role).toMatchObject({ roleId: ids[2] });
  });

  test('alone says which role: nothing in the address or the headers does', async () => {
    const browser = await withoutRole();
    const response = await browser.api(`${path}?roleId=${ids[0]}`, {
      method: 'PUT',
      body: '{}',
      headers: { 'content-type': 'application/json', roleid: ids[0] },
    });
    expectProblem(await read(response), 400, 'invalid_request');
    expect((await browser.session()).role).toBeNull();
  });
});

describe('who may', () => {
  test('nobody without a session: 401, and where to sign in', async () => {
    const response = await put(rig.browser(), { roleId: ids[0] });
    expectProblem(await read(response), 401, 'session_required', { loginUrl: '/auth/login' });
    const stranger = rig.browser();
    stranger.cookies.set(sessionCookie, Buffer.alloc(64, 5).toString('base64url'));
    expectProblem(await read(await put(stranger, { roleId: ids[0] })), 401, 'session_required', {
      loginUrl: '/auth/login',
    });
  });

  test('nobody with a session that is over: 401, and why', async () => {
    const browser = await signedIn();
    const late = copyOf(browser);
    await browser.api('/auth/logout', { method: 'POST' });
    expectProblem(await read(await put(late, { roleId: ids[0] })), 401, 'session_ended', {
      reason: 'signed_out',
      loginUrl: '/auth/login',
    });
  });

  test('no page that means another session: 409, and nothing changes', async () => {
    const browser = await withoutRole();
    const before = await stateOf(browser);
    const { handle } = await (await signedIn()).session();
    for (const other of [handle, 'nobody', '']) {
      const response = await put(browser, { roleId: ids[0] }, { 'x-session': other });
      expectProblem(await read(response), 409, 'session_changed');
    }
    expect(await stateOf(browser)).toEqual(before);
  });

  test('a page that means this one; and the handle it had before is another session’s afterwards', async () => {
    const browser = await signedIn();
    const { handle } = await browser.session();
    const headers = { 'x-session': handle };
    expect((await put(browser, { roleId: ids[0] }, headers)).status).toBe(200);
    const stale = await put(browser, { roleId: ids[1] }, headers);
    expectProblem(await read(stale), 409, 'session_changed');
    expectProblem(await read(await browser.api('/auth/session', { headers })), 409, 'session_changed');
    expect((await browser.session()).role).toMatchObject({ roleId: ids[0] });
  });

  test.each<[string, Record<string, string>, number]>([
    ['without X-CSRF', { 'x-csrf': '' }, 403],
    ['from another origin', { origin: 'https://evil.example' }, 403],
    ['fetched from another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['fetched from a sibling', { 'sec-fetch-site': 'same-site' }, 403],
    ['with a form’s type', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['with a type a form can send', { 'content-type': 'text/plain' }, 415],
  ])('no request %s [B-09, B-11]', async (_, headers, status) => {
    const browser = await withoutRole();
    const before = await stateOf(browser);
    const response = await read(await put(browser, { roleId: ids[0] }, headers));
    expectProblem(response, status, status === 403 ? 'csrf_rejected' : 'unsupported_media_type');
    expect(await stateOf(browser)).toEqual(before);
  });

  test.each(['GET', 'POST', 'PATCH', 'DELETE', 'OPTIONS'])('no %s: 405 [B-16]', async (method) => {
    const browser = await withoutRole();
    const response = await rawRequest(rig.bff.baseUrl, path, {
      method,
      headers: [
        ['Cookie', `${sessionCookie}=${browser.cookies.get(sessionCookie) ?? ''}`],
        ['X-CSRF', '1'],
        ['Content-Type', 'application/json'],
      ],
    });
    expect(response.headers.allow).toBe('PUT');
    expectProblem(response, 405, 'method_not_allowed');
  });
});

describe('at the same moment', () => {
  test('of several changes exactly one wins, and every other is told that its session was replaced', async () => {
    for (let round = 0; round < 5; round += 1) {
      const browser = await signedIn();
      const copies = Array.from({ length: 6 }, () => copyOf(browser));
      const responses = await Promise.all(
        copies.map((copy, number) => put(copy, { roleId: ids[number % 3] ?? '' })),
      );
      const won = responses.filter(({ status }) => status === 200);
      expect(won).toHaveLength(1);
      for (const lost of responses.filter((response) => response !== won[0])) {
        expectProblem(await read(lost), 401, 'session_ended', {
          reason: 'replaced',
          loginUrl: '/auth/login',
        });
      }
      const states = await Promise.all(copies.map((copy) => copy.session()));
      const winner = (await won[0]?.json()) as SessionJson;
      expect(states.filter(({ status }) => status === 'active')).toEqual([
        expect.objectContaining({ handle: winner.handle, role: winner.role }),
      ]);
      expect(states.filter(({ status }) => status === 'ended')).toEqual(Array(5).fill(replaced));
    }
  });

  test('requests under way with the old cookie get a clean response, and never a cookie', async () => {
    const browser = await signedIn();
    for (let round = 0; round < 5; round += 1) {
      const old = copyOf(browser);
      const under = Promise.all(
        Array.from({ length: 12 }, (_, number) =>
          number % 3 === 0
            ? old.api('/auth/session/extend', { method: 'POST' })
            : number % 3 === 1
              ? old.api('/auth/session')
              : old.api('/auth/sessions'),
        ),
      );
      await change(browser, ids[round % 3] ?? ids[0]);
      for (const response of await under) {
        expect([200, 401]).toContain(response.status);
        expect(response.headers.getSetCookie()).toEqual([]);
        const { status, reason } = (await response.json()) as { status?: unknown; reason?: unknown };
        if (response.status === 401 || status === 'ended') expect(reason).toBe('replaced');
      }
    }
    expect((await browser.session()).status).toBe('active');
  });

  test('a change and a sign-out leave no live session behind [ASVS-7.4.1]', async () => {
    for (let round = 0; round < 5; round += 1) {
      const browser = await signedIn();
      const [changing, leaving] = [copyOf(browser), copyOf(browser)];
      await Promise.all([put(changing, { roleId: ids[0] }), leaving.api('/auth/logout', { method: 'POST' })]);
      const left = await changing.session();
      // Whichever came first: the sign-out ended the session, or it came with a cookie that was dead by then.
      if (left.status === 'active') expect(left.role).toMatchObject({ roleId: ids[0] });
      else expect(left).toEqual({ status: 'ended', reason: 'signed_out' });
      expect((await leaving.session()).status).not.toBe('active');
      expect((await browser.session()).status).not.toBe('active');
    }
  });
});

describe('what CIS2 sends', () => {
  test('sixty roles and far more than 12 KB of UserInfo: any can be chosen', async () => {
    const sixty = Array.from({ length: 60 }, (_, number) =>
      roleNumber(number, {
        org_code: `X${String(number)}`,
        role_name: `"Clinical":"Clinical Provision":"The "${String(number)}th" role"`,
        activities: Array.from({ length: 20 }, (__, code) => `An activity by the number of ${String(code)}`),
        activity_codes: Array.from({ length: 20 }, (__, code) => `B${String(1000 + code)}`),
      }),
    );
    expect(JSON.stringify(sixty).length).toBeGreaterThan(40_000);
    const browser = await signedIn({ nhsid_nrbac_roles: sixty });
    for (const number of [0, 59, 31]) {
      const { role, roles } = await change(browser, String(900000000700 + number));
      expect(role).toMatchObject({
        orgCode: `X${String(number)}`,
        roleName: `The "${String(number)}th" role`,
      });
      expect(roles).toHaveLength(60);
    }
  });

  test.each<[string, unknown]>([
    ['names nobody’s role', '900000000999'],
    ['is an empty text', ''],
    ['is a list', [ids[0]]],
  ])('a selected_roleid that %s leaves the choice to the user', async (_, selected) => {
    const browser = await signedIn({ nhsid_nrbac_roles: three }, { selected_roleid: selected });
    expect((await browser.session()).role).toBeNull();
    expect((await change(browser, ids[2])).role).toMatchObject({ roleId: ids[2] });
  });

  test('a bare object, and a role without any list, can be chosen', async () => {
    const bare = roleNumber(1, { activities: undefined, activity_codes: undefined });
    const browser = await signedIn({ nhsid_nrbac_roles: bare, nhsid_user_orgs: undefined });
    expect((await change(browser, ids[0])).role).toMatchObject({
      roleId: ids[0],
      activityCodes: [],
      workgroupCodes: [],
      orgName: null,
    });
  });

  test('the role that was selected at CIS2 can be changed here', async () => {
    const browser = await signedIn({ nhsid_nrbac_roles: three }, { selected_roleid: ids[1] });
    expect((await browser.session()).role).toMatchObject({ roleId: ids[1] });
    expect((await change(browser, ids[0])).role).toMatchObject({ roleId: ids[0] });
  });

  test('a change at CIS2 gives a new session in the role that was selected there', async () => {
    const browser = await signedIn({ nhsid_nrbac_roles: three }, { selected_roleid: ids[1] });
    const old = copyOf(browser);
    const { request, location } = await browser.login('?role=change&returnTo=/ward');
    expect(request.get('scope')?.split(' ')).toContain('changedrole');
    expect(request.get('prompt')).toBe('login');
    const sub = (await browser.session()).user['uid'];
    rig.provider.claims = () => ({ sub, selected_roleid: ids[2] });
    const landed = await browser.callback(rig.provider.authorise(location));
    expect(landed.headers.get('location')).toBe(`${rig.bff.baseUrl}/ward`);
    expect((await browser.session()).role).toMatchObject({ roleId: ids[2] });
    expect(await old.session()).toEqual(replaced);
  });
});
