/** Which roles the app accepts (`ACCEPTED_ROLES`): at sign-in, when a role is changed, and in what is shown. */
import { describe, expect, test } from '@jest/globals';
import { Bff } from '../support/bff.ts';
import { Browser, type SessionJson } from '../support/browser.ts';
import { oneRole } from '../support/provider.ts';
import { useRigWithSettings, useSharedRig, type Rig } from '../support/rig.ts';
import {
  expectOwnHeaders,
  expectProblem,
  expectSignedIn,
  headersOf,
  read,
  referencePattern,
} from './expectations.ts';

interface Codes {
  readonly activities?: readonly string[];
  readonly job?: string;
  readonly org?: string;
  readonly workgroups?: readonly string[];
}

/** A role of these codes; what is not said is nothing that any rule below accepts. */
const roleNumber = (
  number: number,
  { activities = ['B9999'], job = 'R9999', org = 'ZZZ99', workgroups = [] }: Codes = {},
) => ({
  ...oneRole,
  person_roleid: String(900000000700 + number),
  role_code: `S8000:G8000:${job}`,
  org_code: org,
  activity_codes: activities,
  workgroups_codes: workgroups,
});
type NationalRole = ReturnType<typeof roleNumber>;

async function signIn(
  rig: Rig,
  roles: readonly NationalRole[] | undefined,
  idToken: Record<string, unknown> = {},
) {
  rig.provider.userInfo = { nhsid_nrbac_roles: roles };
  rig.provider.claims = () => idToken;
  const browser = rig.browser();
  return { browser, response: await browser.signIn(rig.provider) };
}

async function expectAccepted(
  rig: Rig,
  roles: readonly NationalRole[],
  idToken: Record<string, unknown> = {},
) {
  const { browser, response } = await signIn(rig, roles, idToken);
  return { browser, session: await expectSignedIn(browser, response) };
}

/** Refused for want of a role, with this reason as the third parameter and nothing else. */
async function expectRefused(
  rig: Rig,
  roles: readonly NationalRole[] | undefined,
  reason: string,
  idToken: Record<string, unknown> = {},
): Promise<void> {
  const { browser, response } = await signIn(rig, roles, idToken);
  const reference = response.headers.get('x-request-id') ?? '';
  expect(reference).toMatch(referencePattern);
  expect([response.status, response.headers.get('location')]).toEqual([
    303,
    `${rig.bff.baseUrl}/sign-in-error?code=role_required&reference=${reference}&reason=${reason}`,
  ]);
  expect(response.headers.getSetCookie()).toEqual([]);
  expectOwnHeaders(headersOf(response.headers));
  expect(await browser.session()).toEqual({ status: 'anonymous' });
  expect(await rig.bff.entriesFor(reference)).toContainEqual(
    expect.objectContaining({
      event: 'sign_in_failed',
      code: 'role_required',
      person: expect.stringMatching(/^[\w-]{43}$/),
    }),
  );
}

const permittedOf = ({ roles }: SessionJson): unknown[] => roles.map(({ permitted }) => permitted);
const put = (browser: Browser, roleId: string): Promise<Response> =>
  browser.api('/auth/session/role', {
    method: 'PUT',
    body: JSON.stringify({ roleId }),
    headers: { 'content-type': 'application/json' },
  });

describe('where no role is demanded', () => {
  const rig = useSharedRig();

  test('a person without one signs in, and no role says that it is not permitted', async () => {
    const none = await expectAccepted(rig, []);
    expect([none.session.role, none.session.roles]).toEqual([null, []]);
    const two = await expectAccepted(rig, [roleNumber(1), roleNumber(2)]);
    expect(JSON.stringify(two.session)).not.toContain('permitted');
  });
});

describe('where rules say which', () => {
  const rig = useRigWithSettings({
    ACCEPTED_ROLES: JSON.stringify([
      { activityCodes: ['B0420', 'B0428'], organisations: ['A9A5A', 'X26'] },
      { jobRoleCodes: ['R5080'] },
      { workgroups: ['W1', 'W2'], jobRoleCodes: ['R8000'] },
    ]),
  });

  const accepted = roleNumber(1, { job: 'R5080' });

  test.each<[string, Codes]>([
    ['one of the activities at one of the organisations', { activities: ['B1', 'B0428'], org: 'X26' }],
    ['all the activities', { activities: ['B0420', 'B0428'], org: 'A9A5A' }],
    ['the job role, wherever', { job: 'R5080' }],
    ['the other job role in one of the workgroups', { job: 'R8000', workgroups: ['W9', 'W2'] }],
  ])('a role with %s is accepted, and chosen when it is the only one', async (_, codes) => {
    const { session } = await expectAccepted(rig, [roleNumber(1, codes)]);
    expect(session.role).toMatchObject({ roleId: '900000000701' });
    expect(permittedOf(session)).toEqual([undefined]);
  });

  test.each<[string, string, readonly Codes[]]>([
    ['with none of the codes', 'role', [{}]],
    ['of the organisation alone', 'role', [{ org: 'A9A5A' }]],
    ['with an activity at another organisation', 'organisation', [{ activities: ['B0420'], org: 'X99' }]],
    [
      'with an activity at an organisation in another case',
      'organisation',
      [{ activities: ['B0420'], org: 'a9a5a' }],
    ],
    ['with part of an activity’s code', 'role', [{ activities: ['B042'], org: 'A9A5A' }]],
    ['with an activity in another case', 'role', [{ activities: ['b0420'], org: 'A9A5A' }]],
    ['with a job role that wants a workgroup', 'role', [{ job: 'R8000' }]],
    ['with a workgroup that wants a job role', 'role', [{ workgroups: ['W1'] }]],
    ['with a job role’s code as an activity', 'role', [{ activities: ['R5080'] }]],
    ['split over two roles', 'organisation', [{ activities: ['B0420'], org: 'X99' }, { org: 'A9A5A' }]],
    ['split over two roles and two rules', 'role', [{ job: 'R8000' }, { workgroups: ['W1'] }]],
  ])('a person with a role %s is refused: %s', async (_, reason, roles) => {
    await expectRefused(
      rig,
      roles.map((codes, number) => roleNumber(number, codes)),
      reason,
    );
  });

  test('a person without any role is refused: no_role', async () => {
    for (const roles of [[], undefined]) await expectRefused(rig, roles, 'no_role');
    rig.provider.userInfo = { nhsid_nrbac_roles: '' };
    const landed = await rig.browser().signIn(rig.provider);
    expect(landed.headers.get('location')).toMatch(/code=role_required&reference=[^&]+&reason=no_role$/);
  });

  test('a person whose roles are none that can be read is refused: no_role', async () => {
    await expectRefused(rig, [{ ...accepted, org_code: '' }], 'no_role');
  });

  const otherRights = roleNumber(1, { job: 'R5080', activities: ['B0001'] });

  test('a person whose only role is stated twice, with different rights, is refused: contradictory', async () => {
    await expectRefused(rig, [accepted, otherRights], 'contradictory');
  });

  test('a person with another role beside the contradictory one signs in with that one', async () => {
    const { session } = await expectAccepted(rig, [accepted, otherRights, roleNumber(2, { job: 'R5080' })]);
    expect(session.roles).toMatchObject([{ roleId: '900000000702' }]);
  });

  test('a refused person keeps the session they had', async () => {
    const { browser, session } = await expectAccepted(rig, [accepted]);
    rig.provider.userInfo = { nhsid_nrbac_roles: [] };
    expect(Browser.failure(await browser.signIn(rig.provider))?.code).toBe('role_required');
    expect((await browser.session()).handle).toBe(session.handle);
  });

  test('every other failure has a code and a reference alone', async () => {
    rig.provider.userInfo = { nhsid_nrbac_roles: [] };
    rig.provider.claims = () => ({ authentication_assurance_level: '1' });
    const landed = await rig.browser().signIn(rig.provider);
    expect(landed.headers.get('location')).toMatch(
      /\/sign-in-error\?code=assurance_insufficient&reference=[\w-]+$/,
    );
  });

  test('a role that CIS2 selected and the app does not accept lets nobody in by itself', async () => {
    await expectRefused(rig, [roleNumber(1), roleNumber(2)], 'role', { selected_roleid: '900000000701' });
  });

  const mixed = [roleNumber(1), roleNumber(2, { job: 'R5080' }), roleNumber(3, { org: 'A9A5A' })];

  test('of several the only accepted one is chosen, and the others are shown as not permitted', async () => {
    const { session } = await expectAccepted(rig, mixed);
    expect(session.role).toMatchObject({ roleId: '900000000702' });
    expect(session.role).not.toHaveProperty('permitted');
    expect(session.roles.map(({ roleId, permitted }) => [roleId, permitted])).toEqual([
      ['900000000701', false],
      ['900000000702', undefined],
      ['900000000703', false],
    ]);
  });

  test('of several accepted ones none is chosen', async () => {
    const { session } = await expectAccepted(rig, [...mixed, roleNumber(4, { job: 'R5080' })]);
    expect(session.role).toBeNull();
    expect(permittedOf(session)).toEqual([false, undefined, false, undefined]);
  });

  test('one that CIS2 selected and the app does not accept is not quietly swapped for another', async () => {
    const { session } = await expectAccepted(rig, mixed, { selected_roleid: '900000000701' });
    expect(session.role).toBeNull();
  });

  test('one that CIS2 selected and the app accepts is chosen', async () => {
    const { session } = await expectAccepted(rig, [...mixed, roleNumber(4, { job: 'R5080' })], {
      selected_roleid: '900000000704',
    });
    expect(session.role).toMatchObject({ roleId: '900000000704' });
  });

  test('one that is not accepted cannot be changed to: 403, and nothing changes', async () => {
    const { browser, session } = await expectAccepted(rig, mixed);
    for (const roleId of ['900000000701', '900000000703', '900000000709']) {
      expectProblem(await read(await put(browser, roleId)), 403, 'role_not_permitted');
    }
    expect({ ...(await browser.session()), serverTime: '' }).toEqual({ ...session, serverTime: '' });
  });

  test('one that is accepted can', async () => {
    const { browser } = await expectAccepted(rig, [...mixed, roleNumber(4, { job: 'R5080' })]);
    const response = await put(browser, '900000000704');
    expect(response.status).toBe(200);
    const session = (await response.json()) as SessionJson;
    expect(session.role).toMatchObject({ roleId: '900000000704' });
    expect(permittedOf(session)).toEqual([false, undefined, false, undefined]);
  });
});

// Which values are refused is shown beside the settings; this is that a refusal stops the start.
test('a policy that makes no sense stops the start', async () => {
  await expect(Bff.start({}, { ACCEPTED_ROLES: '[{}]' })).rejects.toThrow(/ACCEPTED_ROLES/);
});
