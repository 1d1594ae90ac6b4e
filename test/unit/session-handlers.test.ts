import { beforeEach, describe, expect, test } from '@jest/globals';
import type { EpochSeconds, Role } from '../../lambdas/common/index.ts';
import { changeRole, logout, readSession } from '../../lambdas/handlers/session.ts';
import { endSession, listSessions } from '../../lambdas/handlers/session.ts';
import { Problem, type HttpRequest, type HttpResponse } from '../../lambdas/http/index.ts';
import { newCredential } from '../../lambdas/session/credential.ts';
import type { Session, SessionState, SessionStore } from '../../lambdas/session/index.ts';
import type { RolePolicy } from '../../lambdas/settings/index.ts';
import { createLogger } from '../../lambdas/telemetry/index.ts';

const now = 1_800_000_000 as EpochSeconds;
const at = (seconds: number) => (now + seconds) as EpochSeconds;
const role = (roleId: string, jobRoleCode: string): Role => ({
  ...{ roleId, jobRoleCode, roleCode: `S1:G1:${jobRoleCode}`, roleName: jobRoleCode, orgCode: 'A9A5A' },
  ...{ orgName: null, activityCodes: [], workgroupCodes: [] },
});
const [nurse, doctor] = [role('701', 'R8001'), role('702', 'R8000')];
const nurses: RolePolicy = [{ jobRoleCodes: ['R8001'] }];
const session: Session = {
  signedInAt: now,
  lastActiveAt: now,
  handle: 'handle',
  person: 'hash-of-the-person',
  worker: {
    user: { uid: '900000000001', name: 'Odalys Fernsby', givenName: null, familyName: null, title: null },
    assurance: { authentication: 3, identity: 3, methods: [], authenticatedAt: now },
    roles: [nurse, doctor],
  },
  role: null,
  expiry: { at: at(900), idleAt: at(900), absoluteAt: at(43_200), bindingLimit: 'idle', warnAt: at(780) },
  otherSessions: undefined,
};
type NotActive = Exclude<SessionState, { status: 'active' }>;
const active = (change: Partial<Session> = {}): SessionState => ({
  status: 'active',
  session: { ...session, ...change },
});
const ended: NotActive = { status: 'ended', reason: 'replaced' };
const unknown: NotActive = { status: 'unknown' };

let asked: unknown[];
let lines: string[];
beforeEach(() => {
  [asked, lines] = [[], []];
});
const log = createLogger({ functionName: 'unit', level: 'debug', write: (line) => lines.push(line) });
const logged = () => lines.map((line) => (JSON.parse(line) as { event: string }).event);

const never = (name: string) => () => Promise.reject(new Error(`${name} was called`));
const storeWith = (methods: Partial<SessionStore>): SessionStore => ({
  warmUp: never('warmUp'),
  read: never('read'),
  extend: never('extend'),
  end: never('end'),
  changeRole: never('changeRole'),
  list: never('list'),
  endListed: never('endListed'),
  ...methods,
});
const given = (
  methods: Partial<SessionStore>,
  { policy = 'optional', endSession: url = 'off' }: { policy?: RolePolicy; endSession?: string } = {},
) => ({
  sessions: storeWith(methods),
  clock: () => now,
  settings: {
    BASE_URL: 'https://app.example.nhs.uk',
    CIS2_CLIENT_ID: 'rp unit',
    ACCEPTED_ROLES: policy,
    SIGNED_OUT_PATH: '/signed-out',
    END_SESSION_URL: url,
  },
});

const cookie = newCredential().cookie.expose();
const request = (change: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  path: '/',
  pathVariables: {},
  query: new URLSearchParams(),
  headers: {},
  cookies: [`__Host-Http-session=${cookie}`],
  body: Buffer.alloc(0),
  reference: '7K3M-9QX2-HABW',
  ...change,
});
const bodyOf = (response: HttpResponse) => JSON.parse(String(response.body ?? '')) as Record<string, unknown>;
const refusal = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'responded';
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [error.code, ...Object.values(error.members)].join(' ');
  }
};

describe('PUT /auth/session/role', () => {
  const choosing = (body: string, change: Partial<HttpRequest> = {}) =>
    request({ method: 'PUT', body: Buffer.from(body), ...change });
  const renewed = newCredential();
  const changing = given(
    {
      changeRole: (credential, roleId, handle, permits) => {
        asked.push([credential.cookie.expose(), roleId, handle, permits(nurse), permits(doctor)]);
        return Promise.resolve({
          status: 'changed',
          credential: renewed,
          session: { ...session, handle: 'next', role: nurse },
        });
      },
    },
    { policy: nurses },
  );

  test('responds as /auth/session does, with the new cookie, and logs no role', async () => {
    const response = await changeRole(changing)(
      choosing('{"roleId":"701","more":1}', { headers: { 'x-session': 'handle' } }),
      log,
    );
    expect(response.status).toBe(200);
    expect(bodyOf(response)).toMatchObject({ status: 'active', handle: 'next', role: nurse });
    expect(response.cookies).toEqual([
      `__Host-Http-session=${renewed.cookie.expose()}; Path=/; Secure; HttpOnly; SameSite=Strict`,
    ]);
    expect(asked).toEqual([[cookie, '701', 'handle', true, false]]);
    expect(logged()).toEqual(['role_changed']);
    expect(lines.join('')).not.toContain('701');
  });

  test.each([
    '',
    'null',
    '{}',
    '[]',
    '"701"',
    '{"roleId":701}',
    '{"roleId":null}',
    '{"roleId":["701"]}',
    '{"roleId":"701"',
  ])('with the body %j is refused before the store is asked', async (body) => {
    expect(await refusal(changeRole(given({}))(choosing(body), log))).toBe('invalid_request');
  });

  test.each<[string, Awaited<ReturnType<SessionStore['changeRole']>>, string]>([
    ['a role that is not theirs, or not accepted', { status: 'refused' }, 'role_not_permitted'],
    ['another session', active(), 'session_changed'],
    ['a session that is over', ended, 'session_ended replaced'],
    ['no session', unknown, 'session_required'],
  ])('for %s is refused, without a cookie', async (_, result, expected) => {
    const store = given({ changeRole: () => Promise.resolve(result) });
    expect(await refusal(changeRole(store)(choosing('{"roleId":"701"}'), log))).toBe(expected);
    expect(logged()).not.toContain('role_changed');
  });

  test('without a cookie is refused before the store is asked', async () => {
    const anonymous = choosing('{"roleId":"701"}', { cookies: [] });
    expect(await refusal(changeRole(given({}))(anonymous, log))).toBe('session_required');
  });
});

describe('GET /auth/sessions', () => {
  const listed = {
    handle: 'h1',
    current: true,
    signedInAt: now,
    lastActiveAt: at(5),
    device: 'Chrome on Windows',
  };
  const listing = given({
    list: () =>
      // More than is meant for the user, as a careless store might give it.
      Promise.resolve({ status: 'active', handle: 'h1', sessions: [{ ...listed, key: 'secret' }] }),
  });

  test('says what the user may know of each, and nothing else', async () => {
    expect(bodyOf(await listSessions(listing)(request(), log))).toEqual({
      sessions: [
        {
          handle: 'h1',
          current: true,
          signedInAt: '2027-01-15T08:00:00.000Z',
          lastActiveAt: '2027-01-15T08:00:05.000Z',
          device: 'Chrome on Windows',
        },
      ],
    });
  });

  test('is refused to a page that believes it is another session', async () => {
    const other = request({ headers: { 'x-session': 'h2' } });
    expect(await refusal(listSessions(listing)(other, log))).toBe('session_changed');
  });

  test.each<[string, NotActive, string]>([
    ['a session that is over', ended, 'session_ended replaced'],
    ['a cookie that opens nothing', unknown, 'session_required'],
  ])('is refused to %s', async (_, state, expected) => {
    const store = given({
      list: () => Promise.resolve(state),
    });
    expect(await refusal(listSessions(store)(request(), log))).toBe(expected);
  });
});

describe('DELETE /auth/sessions/{handle}', () => {
  const deleting = request({
    method: 'DELETE',
    pathVariables: { handle: 'h2' },
    headers: { 'x-session': 'h1' },
  });

  test('responds with 204 without a body or a cookie', async () => {
    const store = given({
      endListed: (_credential, own, handle) => {
        asked.push([own, handle]);
        return Promise.resolve({ status: 'done', found: true });
      },
    });
    expect(await endSession(store)(deleting, log)).toEqual({ status: 204 });
    expect(asked).toEqual([['h1', 'h2']]);
    expect(logged()).toEqual(['session_ended']);
  });

  test.each<[string, Awaited<ReturnType<SessionStore['endListed']>>, string]>([
    ['a session that is not the user’s', { status: 'done', found: false }, 'not_found'],
    ['a page that believes it is another session', active(), 'session_changed'],
    ['a session that is over itself', ended, 'session_ended replaced'],
    ['a cookie that opens nothing', unknown, 'session_required'],
  ])('is refused for %s', async (_, result, expected) => {
    const store = given({ endListed: () => Promise.resolve(result) });
    expect(await refusal(endSession(store)(deleting, log))).toBe(expected);
    expect(logged()).not.toContain('session_ended');
  });
});

describe('what a session says of itself', () => {
  const bodyFor = async (change: Partial<Session>, policy: RolePolicy = 'optional') =>
    bodyOf(
      await readSession(given({ read: () => Promise.resolve(active(change)) }, { policy }))(request(), log),
    );

  test('is silent on roles that are accepted and on other sessions, where there is nothing to say', async () => {
    const plain = await bodyFor({ role: nurse });
    expect(plain).toMatchObject({ role: nurse, roles: [nurse, doctor] });
    expect(JSON.stringify(plain)).not.toContain('permitted');
    expect(plain).not.toHaveProperty('otherSessions');
  });

  test('names the roles that the app does not accept', async () => {
    expect((await bodyFor({}, nurses))['roles']).toEqual([nurse, { ...doctor, permitted: false }]);
  });

  test('is without a role when the one it had is accepted no longer', async () => {
    expect((await bodyFor({ role: doctor }, nurses))['role']).toBeNull();
    expect((await bodyFor({ role: nurse }, nurses))['role']).toEqual(nurse);
  });

  test('tells how many other sessions there were', async () => {
    expect((await bodyFor({ otherSessions: 2 }))['otherSessions']).toBe(2);
  });
});

describe('POST /auth/logout', () => {
  const end = () => Promise.resolve({ person: 'hash-of-the-person' });

  test('stays in the app, as long as nothing else is set', async () => {
    expect(bodyOf(await logout(given({ end }))(request(), log))).toEqual({ redirectTo: '/signed-out' });
  });

  test('goes on to CIS2 and back, without any token, where its end-session endpoint is set', async () => {
    const endpoint = 'https://am.example.nhs.uk:443/openam/connect/endSession';
    const settings = { endSession: endpoint };
    const response = bodyOf(await logout(given({ end }, settings))(request(), log));
    const [address, query] = String(response['redirectTo']).split('?');
    expect(address).toBe(endpoint);
    expect(Object.fromEntries(new URLSearchParams(query))).toEqual({
      client_id: 'rp unit',
      post_logout_redirect_uri: 'https://app.example.nhs.uk/signed-out',
    });
    const anonymous = await logout(given({}, settings))(request({ cookies: [] }), log);
    expect(bodyOf(anonymous)).toEqual(response);
  });
});
