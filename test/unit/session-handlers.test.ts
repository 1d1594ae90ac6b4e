import { beforeEach, describe, expect, test } from '@jest/globals';
import type { EpochSeconds, Role } from '../../lambdas/common/index.ts';
import { changeRole, listSessions, readSession } from '../../lambdas/handlers/session.ts';
import { type HttpRequest, type HttpResponse } from '../../lambdas/http/index.ts';
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
const active = (change: Partial<Session> = {}): SessionState => ({
  status: 'active',
  session: { ...session, ...change },
});

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
const given = (methods: Partial<SessionStore>, policy: RolePolicy = 'optional') => ({
  sessions: storeWith(methods),
  clock: () => now,
  settings: {
    BASE_URL: 'https://app.example.nhs.uk',
    CIS2_CLIENT_ID: 'rp unit',
    ACCEPTED_ROLES: policy,
    SIGNED_OUT_PATH: '/signed-out',
    END_SESSION_URL: 'off',
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
    nurses,
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
});

describe('what a session says of itself', () => {
  const bodyFor = async (change: Partial<Session>, policy: RolePolicy = 'optional') =>
    bodyOf(await readSession(given({ read: () => Promise.resolve(active(change)) }, policy))(request(), log));

  test('is without a role when the one it had is accepted no longer', async () => {
    expect((await bodyFor({ role: doctor }, nurses))['role']).toBeNull();
    expect((await bodyFor({ role: nurse }, nurses))['role']).toEqual(nurse);
  });
});
