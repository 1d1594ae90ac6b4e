/** From CIS2's claims to the roles of a session, and which of them is chosen. */
import { describe, expect, test } from '@jest/globals';
import { oneRole } from '../support/provider.ts';
import { useSharedRig } from '../support/rig.ts';
import { expectSignedIn } from './expectations.ts';

const rig = useSharedRig();

const role = (number: number, changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  ...oneRole,
  person_roleid: String(900000000700 + number),
  ...changes,
});
const three = [role(1), role(2), role(3)];
const ids = ['900000000701', '900000000702', '900000000703'];

async function sessionWith(userInfo: Record<string, unknown>, idToken: Record<string, unknown> = {}) {
  rig.provider.userInfo = userInfo;
  rig.provider.claims = () => idToken;
  const browser = rig.browser();
  return expectSignedIn(browser, await browser.signIn(rig.provider));
}

const idsOf = (roles: readonly Record<string, unknown>[]): unknown[] =>
  roles.map(({ roleId }) => roleId).sort();

describe('which role is chosen', () => {
  test('the only one a person has', async () => {
    const { role: chosen, roles } = await sessionWith({ nhsid_nrbac_roles: [role(1)] });
    expect(chosen).toEqual(roles[0]);
    expect(chosen).toMatchObject({ roleId: ids[0] });
  });

  test.each([[[1, 2, 3]], [[3, 2, 1]], [[2, 3, 1]]])(
    'none of several, in whatever order they come: %j',
    async (order) => {
      const session = await sessionWith({ nhsid_nrbac_roles: order.map((number) => role(number)) });
      expect(session.role).toBeNull();
      expect(idsOf(session.roles)).toEqual(ids);
    },
  );

  test.each<[string, unknown]>([
    ['is not there', undefined],
    ['is null', null],
    ['is empty', []],
    ['is an empty text', ''],
    ['holds an empty object', [{}]],
    ['is an empty object', {}],
    ['is a number', 7],
    ['holds nothing usable', [null, 1, 'x', [], true]],
  ])('none where the claim %s', async (_, claim) => {
    const session = await sessionWith({ nhsid_nrbac_roles: claim });
    expect(session.role).toBeNull();
    expect(session.roles).toEqual([]);
  });

  test.each(['idToken', 'userInfo'])('the one that selected_roleid names in %s', async (place) => {
    for (const id of ids) {
      const selected = { selected_roleid: id };
      const session = await sessionWith(
        { nhsid_nrbac_roles: three, ...(place === 'userInfo' ? selected : {}) },
        place === 'idToken' ? selected : {},
      );
      expect(session.role).toMatchObject({ roleId: id });
      expect(idsOf(session.roles)).toEqual(ids);
    }
  });

  test('the one of several that selected_roleid names by a number', async () => {
    const session = await sessionWith({ nhsid_nrbac_roles: three }, { selected_roleid: 900000000702 });
    expect(session.role).toMatchObject({ roleId: '900000000702' });
  });

  test.each<[string, unknown]>([
    ['nobody’s role', '900000000999'],
    ['nothing', ''],
    ['spaces', '  '],
    ['null', null],
    ['a list', ['900000000702']],
    ['an object', { roleId: '900000000702' }],
    ['a role code', 'R8000'],
    ['part of an id', '90000000070'],
    ['a name every object has', 'constructor'],
  ])('none of several where selected_roleid names %s', async (_, selected) => {
    const session = await sessionWith({ nhsid_nrbac_roles: three }, { selected_roleid: selected });
    expect(session.role).toBeNull();
    expect(session.roles).toHaveLength(3);
  });

  test('the only one, where selected_roleid names nobody’s', async () => {
    const session = await sessionWith({ nhsid_nrbac_roles: [role(1)] }, { selected_roleid: '900000000999' });
    expect(session.role).toMatchObject({ roleId: ids[0] });
  });

  test('none, where selected_roleid names one and the person has none', async () => {
    const session = await sessionWith({ nhsid_nrbac_roles: undefined }, { selected_roleid: ids[0] });
    expect(session.role).toBeNull();
  });
});

describe('CIS2’s own role selection', () => {
  test.each([
    ['select', 'selectedrole'],
    ['change', 'changedrole'],
  ])(
    'role=%s asks for the scope %s beside the configured ones, with proof of presence',
    async (asked, scope) => {
      const ordinary = (await rig.browser().login()).request.get('scope')?.split(' ') ?? [];
      const { request } = await rig.browser().login(`?role=${asked}`);
      expect(request.get('scope')?.split(' ').sort()).toEqual([...new Set([...ordinary, scope])].sort());
      expect([request.get('prompt'), request.get('max_age')]).toEqual(['login', null]);
    },
  );

  test.each(['selected', 'selectedrole', '', 'SELECT', 'select change'])('role=%j is 400', async (asked) => {
    const { response } = await rig.browser().login(`?role=${encodeURIComponent(asked)}`);
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  test('a selection that comes back empty, from somebody without any role, is no selection', async () => {
    const session = await sessionWith({ nhsid_nrbac_roles: [] }, { selected_roleid: '' });
    expect([session.role, session.roles]).toEqual([null, []]);
  });

  test('where the ID token and UserInfo name different ones, the signed one counts', async () => {
    const session = await sessionWith(
      { nhsid_nrbac_roles: three, selected_roleid: ids[0] },
      { selected_roleid: ids[2] },
    );
    expect(session.role).toMatchObject({ roleId: ids[2] });
  });
});

describe('how a role reads', () => {
  test('has exactly the members of the contract', async () => {
    const { roles } = await sessionWith({ nhsid_nrbac_roles: [role(1, { workgroups_codes: ['W0001'] })] });
    expect(roles).toEqual([
      {
        roleId: ids[0],
        roleCode: 'S8000:G8000:R8000',
        jobRoleCode: 'R8000',
        roleName: 'Clinical Practitioner Access Role',
        orgCode: 'A9A5A',
        orgName: 'EXAMPLE HEALTH CENTRE',
        activityCodes: ['B0420', 'B0428'],
        workgroupCodes: ['W0001'],
      },
    ]);
  });

  test('a bare object is a list of one', async () => {
    const bare = await sessionWith({
      nhsid_nrbac_roles: role(1),
      nhsid_user_orgs: { org_code: 'A9A5A', org_name: 'EXAMPLE HEALTH CENTRE' },
    });
    const listed = await sessionWith({ nhsid_nrbac_roles: [role(1)] });
    expect(bare.roles).toEqual(listed.roles);
    expect(bare.role).toEqual(listed.role);
  });

  test.each([
    ['"Clinical":"Clinical Provision":"Nurse Access Role"', 'Nurse Access Role'],
    ['"Nurse Access Role"', 'Nurse Access Role'],
    ['Nurse Access Role', 'Nurse Access Role'],
    ['"Admin & Clerical":"Admin":"Clerk: \'front\' desk"', "Clerk: 'front' desk"],
    ['"A":"B":"The "senior" nurse"', 'The "senior" nurse'],
  ])('the role’s own name out of %j', async (name, expected) => {
    const { roles } = await sessionWith({ nhsid_nrbac_roles: [role(1, { role_name: name })] });
    expect(roles[0]?.['roleName']).toBe(expected);
  });

  test.each([undefined, null, '', '   ', 7, ['x']])(
    'a name that is %j still leaves a role with one',
    async (name) => {
      const { roles } = await sessionWith({ nhsid_nrbac_roles: [role(1, { role_name: name })] });
      expect(roles[0]?.['roleName']).toMatch(/.+/);
    },
  );

  test.each<[string, unknown]>([
    ['is missing', undefined],
    ['is null', null],
    ['is empty', []],
    ['names another organisation', [{ org_code: 'ZZZ99', org_name: 'ELSEWHERE' }]],
    ['has no name', [{ org_code: 'A9A5A' }]],
    ['is a text', 'A9A5A'],
    ['holds nothing usable', [null, 3, 'A9A5A', []]],
  ])(
    'where the list of organisations %s, the role keeps its code and has no organisation name',
    async (_, orgs) => {
      const { roles, role: chosen } = await sessionWith({
        nhsid_nrbac_roles: [role(1)],
        nhsid_user_orgs: orgs,
      });
      expect(roles).toEqual([expect.objectContaining({ orgCode: 'A9A5A', orgName: null })]);
      expect(chosen).toEqual(roles[0]);
    },
  );

  test('an organisation’s name may come with the memberships', async () => {
    const { roles } = await sessionWith({
      nhsid_nrbac_roles: [role(1)],
      nhsid_user_orgs: undefined,
      nhsid_org_memberships: [{ person_orgid: '1', org_code: 'A9A5A', org_name: 'MEMBER SURGERY' }],
    });
    expect(roles[0]?.['orgName']).toBe('MEMBER SURGERY');
  });

  test.each<[string, Record<string, unknown>, { activityCodes: string[]; workgroupCodes: string[] }]>([
    [
      'missing',
      {
        activities: undefined,
        activity_codes: undefined,
        workgroups: undefined,
        workgroups_codes: undefined,
      },
      { activityCodes: [], workgroupCodes: [] },
    ],
    [
      'null',
      { activities: null, activity_codes: null, workgroups_codes: null },
      { activityCodes: [], workgroupCodes: [] },
    ],
    [
      'of unequal length',
      { activities: ['One'], activity_codes: ['B1', 'B2', 'B3'] },
      { activityCodes: ['B1', 'B2', 'B3'], workgroupCodes: [] },
    ],
    [
      'a bare text',
      { activity_codes: 'B0420', workgroups_codes: 'W1' },
      { activityCodes: ['B0420'], workgroupCodes: ['W1'] },
    ],
    [
      'of odd things',
      { activity_codes: [null, 'B1', 3, '', {}, ['B2']] },
      { activityCodes: ['B1'], workgroupCodes: [] },
    ],
  ])('parallel arrays that are %s', async (_, changes, expected) => {
    const { roles } = await sessionWith({ nhsid_nrbac_roles: [role(1, changes)] });
    expect(roles).toEqual([expect.objectContaining(expected)]);
  });

  test.each(['person_roleid', 'role_code', 'org_code'])(
    'a role without %s grants nothing, and the others stay',
    async (claim) => {
      const session = await sessionWith({ nhsid_nrbac_roles: [role(1, { [claim]: undefined }), role(2)] });
      expect(session.roles).toEqual([expect.objectContaining({ roleId: ids[1] })]);
      expect(session.role).toMatchObject({ roleId: ids[1] });
    },
  );

  test('sixty roles all come through, and none is chosen', async () => {
    const sixty = Array.from({ length: 60 }, (_, number) =>
      role(number, {
        org_code: `X${String(number)}`,
        activity_codes: Array.from({ length: 40 }, (__, code) => `B${String(1000 + code)}`),
      }),
    );
    const session = await sessionWith({ nhsid_nrbac_roles: sixty });
    expect(session.role).toBeNull();
    expect(idsOf(session.roles)).toEqual(sixty.map(({ person_roleid: id }) => id));
    expect(session.roles[0]?.['activityCodes']).toHaveLength(40);
    const chosen = await sessionWith({ nhsid_nrbac_roles: sixty }, { selected_roleid: '900000000742' });
    expect(chosen.role).toMatchObject({ roleId: '900000000742', orgCode: 'X42' });
  });
});

describe('what is odd among the roles', () => {
  test('different roles under one id grant nothing: nobody could say which one was chosen', async () => {
    const session = await sessionWith({
      nhsid_nrbac_roles: [role(1), role(1, { org_code: 'X99', activity_codes: ['B0001'] }), role(2)],
    });
    expect(idsOf(session.roles)).toEqual([ids[1]]);
    expect(session.role).toMatchObject({ roleId: ids[1] });
  });

  test('the same role twice is there once', async () => {
    const session = await sessionWith({ nhsid_nrbac_roles: [role(1), role(1)] });
    expect(idsOf(session.roles)).toEqual([ids[0]]);
    expect(session.role).toMatchObject({ roleId: ids[0] });
  });

  test.each<[string, Record<string, unknown>]>([
    ['another claim of every kind', { person_orgid: null, aow: 7, aow_codes: [null], extra: { deep: [1] } }],
    ['quotes and line ends in its name', { role_name: '"A":"B":"One\n"two""' }],
    ['letters of another script', { role_name: '"A":"B":"Nyrs Gofrestredig – Ysbyty Gwynedd ŵŷ"' }],
  ])('a role with %s can be had', async (_, changes) => {
    const session = await sessionWith({ nhsid_nrbac_roles: [role(1, changes)] });
    expect(session.role).toMatchObject({ roleId: ids[0] });
  });
});

describe('who the person is', () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    [
      'without a display name, the given and the family name',
      { display_name: undefined },
      { name: 'Odalys Fernsby', givenName: 'Odalys', familyName: 'Fernsby' },
    ],
    [
      'without any name, the id',
      { display_name: '', name: null, given_name: undefined, family_name: '', title: null },
      { name: '900000000111', givenName: null, familyName: null, title: null },
    ],
    ['without a title, none', { title: undefined }, { title: null, name: 'Odalys Fernsby' }],
  ])('%s', async (_, userInfo, expected) => {
    const { user } = await sessionWith(userInfo);
    expect(user).toMatchObject({ uid: '900000000111', ...expected });
  });

  test('the id is the ID token’s subject, whatever else UserInfo calls it [ASVS-10.5.2]', async () => {
    const { user } = await sessionWith({ uid: '900000000999', nhsid_useruid: '900000000999' });
    expect(user['uid']).toBe('900000000111');
  });
});
