import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { IDToken } from 'oauth4webapi';
import { checkAssurance, readLevel } from '../../lambdas/cis2/assurance.ts';
import { SignInRefused } from '../../lambdas/cis2/errors.ts';
import { checkIdToken } from '../../lambdas/cis2/id-token.ts';
import { checkRoles, chosenRole } from '../../lambdas/cis2/roles.ts';
import { readRoles, readUser } from '../../lambdas/cis2/worker.ts';
import type { EpochMilliseconds, EpochSeconds } from '../../lambdas/common/time.ts';
import type { RolePolicy } from '../../lambdas/settings/index.ts';

type Claims = Record<string, unknown>;

const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(undefined, null, '', '  ', 0, 3, '3', true, [], {}, [null], [[]], [{}]),
);
const code = fc.constantFrom('S8000:G8000:R8000', 'S0080:G0450:R5080', 'R8000', ':::', 'S1:G2', 'x');
const roleClaim = fc.record(
  {
    person_orgid: odd,
    person_roleid: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('701', '702', '703', ' 704 ') },
      { weight: 1, arbitrary: odd },
    ),
    org_code: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('A9A5A', 'RBA') }, odd),
    role_name: fc.oneof(fc.constant('"Clinical":"Clinical Provision":"Nurse"'), odd),
    role_code: fc.oneof({ weight: 4, arbitrary: code }, odd),
    activity_codes: fc.oneof(fc.array(fc.oneof(fc.constantFrom('B0420', 'B0428'), odd)), odd),
    workgroups_codes: odd,
  },
  { requiredKeys: [] },
);
const organisation = fc.record({ org_code: fc.constantFrom('A9A5A', 'RBA'), org_name: odd });
const userInfo: fc.Arbitrary<Claims> = fc.record(
  {
    nhsid_nrbac_roles: fc.oneof({ weight: 4, arbitrary: fc.array(fc.oneof(roleClaim, odd)) }, roleClaim, odd),
    nhsid_user_orgs: fc.oneof(fc.array(fc.oneof(organisation, odd)), odd),
    nhsid_org_memberships: fc.oneof(fc.array(fc.oneof(organisation, odd)), odd),
    selected_roleid: fc.oneof(fc.constantFrom('701', '702', ' 701 ', '999'), odd),
    name: odd,
    display_name: odd,
    given_name: odd,
    family_name: odd,
    title: odd,
  },
  { requiredKeys: [] },
);

const isText = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && value.trim() === value;
const isTextOrNull = (value: unknown): boolean => value === null || isText(value);

describe('a user from UserInfo', () => {
  test('always has an id and a name, and every other part is text or null, whatever CIS2 sends', () => {
    fc.assert(
      fc.property(fc.oneof(userInfo, fc.dictionary(fc.string(), odd)), (claims) => {
        const user = readUser('900000000001', claims);
        expect(user.uid).toBe('900000000001');
        expect(isText(user.name)).toBe(true);
        for (const part of [user.givenName, user.familyName, user.title]) {
          expect(isTextOrNull(part)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    [
      { display_name: 'Amara Okafor', given_name: 'A', family_name: 'O', name: 'Okafor Amara' },
      'Amara Okafor',
    ],
    [{ display_name: ' ', given_name: 'Amara', family_name: 'Okafor', name: 'Okafor Amara' }, 'Amara Okafor'],
    [{ given_name: 'Amara', name: 'Okafor Amara' }, 'Amara'],
    [{ family_name: 'Okafor' }, 'Okafor'],
    [{ name: 'Okafor Amara' }, 'Okafor Amara'],
    [{}, '900000000001'],
    [{ display_name: 7, given_name: [], name: null }, '900000000001'],
  ])('of %j is called %j', (claims, name) => {
    expect(readUser('900000000001', claims).name).toBe(name);
  });
});

const rolesIn = (claims: Claims) => readRoles(claims).roles;

describe('text from UserInfo', () => {
  test('cannot break a line, turn the direction of writing, or be endless', () => {
    const user = readUser('900000000001', {
      given_name: 'Ann\r\nX-Header: y',
      family_name: 'abc\u202edef\u0000',
      title: 'D'.repeat(100_000),
    });
    expect(user.name).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
    expect(user.title).toHaveLength(200);
  });

  test.each(['two words', 'x'.repeat(65), 'a\u202eb', '\u0000'])('%j is no role id', (person_roleid) => {
    expect(
      rolesIn({ nhsid_nrbac_roles: [{ person_roleid, role_code: 'S1:G1:R1', org_code: 'A1' }] }),
    ).toEqual([]);
  });
});

describe('roles from UserInfo', () => {
  test('are well formed, whatever CIS2 sends', () => {
    fc.assert(
      fc.property(userInfo, (claims) => {
        const { roles } = readRoles(claims);
        for (const role of roles) {
          expect([role.roleId, role.roleCode, role.roleName, role.orgCode].every(isText)).toBe(true);
          expect(isTextOrNull(role.orgName)).toBe(true);
          expect(role.jobRoleCode === null || /^R\d+$/.test(role.jobRoleCode)).toBe(true);
          expect([...role.activityCodes, ...role.workgroupCodes].every(isText)).toBe(true);
        }
        expect(new Set(roles.map(({ roleId }) => roleId)).size).toBe(roles.length);
      }),
      { numRuns: 1_000 },
    );
  });

  test('are none for claims that are anything else', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything()), fc.anything(), (claims, roles) => {
        readUser('1', claims);
        expect(Array.isArray(rolesIn({ ...claims, nhsid_nrbac_roles: roles }))).toBe(true);
      }),
    );
  });

  test('sent as the bare thing are read as a list of one', () => {
    fc.assert(
      fc.property(roleClaim, organisation, fc.string(), (role, org, activity) => {
        const bare = {
          nhsid_nrbac_roles: { ...role, activity_codes: activity },
          nhsid_user_orgs: org,
        };
        const listed = {
          nhsid_nrbac_roles: [{ ...role, activity_codes: [activity] }],
          nhsid_user_orgs: [org],
        };
        expect(rolesIn(bare)).toEqual(rolesIn(listed));
      }),
    );
  });

  const whole = {
    person_roleid: '701',
    org_code: 'A9A5A',
    role_code: 'S8000:G8000:R8000',
    role_name: '"Clinical":"Clinical Provision":"Clinical Practitioner Access Role"',
    activity_codes: ['B0420', 'B0428'],
    workgroups_codes: ['W1'],
  };

  test('carry their job role, plain name, organisation and codes', () => {
    expect(
      rolesIn({
        nhsid_nrbac_roles: [whole],
        nhsid_org_memberships: [{ org_code: 'A9A5A', org_name: 'AN OLD NAME' }],
        nhsid_user_orgs: [{ org_code: 'A9A5A', org_name: 'EXAMPLE HEALTH CENTRE' }],
      }),
    ).toEqual([
      {
        roleId: '701',
        roleCode: 'S8000:G8000:R8000',
        jobRoleCode: 'R8000',
        roleName: 'Clinical Practitioner Access Role',
        orgCode: 'A9A5A',
        orgName: 'EXAMPLE HEALTH CENTRE',
        activityCodes: ['B0420', 'B0428'],
        workgroupCodes: ['W1'],
      },
    ]);
  });

  test.each(['person_roleid', 'role_code', 'org_code'])('without %s grant nothing', (claim) => {
    for (const value of [undefined, null, '', ' ', 701.5, ['701'], {}]) {
      expect(rolesIn({ nhsid_nrbac_roles: [{ ...whole, [claim]: value }] })).toEqual([]);
    }
  });

  test.each([
    ['"Admin & Clerical":"Management - A & C":"RA Manager"', 'RA Manager'],
    ['"Nurse"', 'Nurse'],
    ['Nurse', 'Nurse'],
    ['A:B:Nurse', 'A:B:Nurse'],
    ['"', '"'],
    ['""', '""'],
    ['"A":"B":""', '"A":"B":""'],
    [undefined, 'S8000:G8000:R8000'],
  ])('named %j are shown as %j', (given, shown) => {
    expect(rolesIn({ nhsid_nrbac_roles: [{ ...whole, role_name: given }] })[0]?.roleName).toBe(shown);
  });

  const stated = { person_roleid: '1', role_code: 'S1:G1:R1', org_code: 'A1', activity_codes: ['B1', 'B2'] };
  const read = (...roles: object[]) => {
    const { roles: usable, contradictory } = readRoles({ nhsid_nrbac_roles: roles });
    return [usable, contradictory].map((list) => list.map(({ roleId }) => roleId));
  };

  test.each<[string, object]>([
    ['in the same words', {}],
    ['with its activities in another order', { activity_codes: ['B2', 'B1'] }],
    ['with an activity twice', { activity_codes: ['B1', 'B2', 'B1'] }],
    ['with an activity that is none', { activity_codes: ['B1', null, 'B2'] }],
    ['under another name', { role_name: 'Nurse' }],
    ['with no workgroups as null', { workgroups_codes: null }],
    ['with its id as a number', { person_roleid: 1 }],
  ])('stated twice, %s, are one role', (_, changes) => {
    expect(read(stated, { ...stated, ...changes })).toEqual([['1'], []]);
    expect(read({ ...stated, ...changes }, stated)).toEqual([['1'], []]);
  });

  test.each<[string, object]>([
    ['an activity more', { activity_codes: ['B1', 'B2', 'B3'] }],
    ['an activity less', { activity_codes: ['B1'] }],
    ['no activities', { activity_codes: undefined }],
    ['other workgroups', { workgroups_codes: ['W1'] }],
    ['another role code', { role_code: 'S1:G1:R2' }],
    ['another organisation', { org_code: 'A2' }],
  ])(
    'stated twice, the second time with %s, grant nothing, and are said to be contradictory',
    (_, changes) => {
      const other = { ...stated, person_roleid: '2' };
      expect(read(stated, other, { ...stated, ...changes }, stated)).toEqual([['2'], ['1', '1']]);
    },
  );

  test.each<[unknown, string[]]>([
    [900000000701, ['900000000701']],
    ['900000000701', ['900000000701']],
    [Number.MAX_SAFE_INTEGER, ['9007199254740991']],
    [Number.MAX_SAFE_INTEGER + 1, []],
    [701.5, []],
    [-701, []],
    [0, []],
    [1e21, []],
    [true, []],
    [['701'], []],
  ])('with the id %j have %j', (person_roleid, ids) => {
    expect(read({ ...stated, person_roleid })).toEqual([ids, []]);
  });
});

describe('the chosen role', () => {
  const shuffled = <T>(list: readonly T[]): fc.Arbitrary<T[]> =>
    fc.shuffledSubarray([...list], { minLength: list.length, maxLength: list.length });

  test('is one of the user’s roles or null, whatever CIS2 says', () => {
    fc.assert(
      fc.property(userInfo, userInfo, (idToken, claims) => {
        const roles = rolesIn(claims);
        const chosen = chosenRole(roles, 'optional', idToken, claims);
        expect([null, ...roles.map(({ roleId }) => roleId)]).toContain(chosen);
        if (roles.length === 1) expect(chosen).not.toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });

  test('does not depend on the order in which CIS2 lists the roles', () => {
    fc.assert(
      fc.property(
        fc.array(roleClaim).chain((list) => fc.tuple(fc.constant(list), shuffled(list))),
        fc.record({ selected_roleid: fc.constantFrom(undefined, '701', '703', '999', '') }),
        ([list, mixed], selected) => {
          const one = rolesIn({ nhsid_nrbac_roles: list });
          const other = rolesIn({ nhsid_nrbac_roles: mixed });
          expect(other.map(({ roleId }) => roleId).sort()).toEqual(one.map(({ roleId }) => roleId).sort());
          expect(chosenRole(other, 'optional', selected, {})).toBe(chosenRole(one, 'optional', selected, {}));
          expect(chosenRole(other, 'optional', {}, selected)).toBe(chosenRole(one, 'optional', {}, selected));
        },
      ),
      { numRuns: 500 },
    );
  });

  const role = (id: string) => ({ person_roleid: id, org_code: 'A9A5A', role_code: 'S:G:R1' });
  const [none, one, two] = [[], [role('701')], [role('701'), role('702')]];

  test.each([
    ['no roles', none, {}, {}, null],
    ['no roles and a selection', none, { selected_roleid: '701' }, {}, null],
    ['one role', one, {}, {}, '701'],
    ['one role and an empty selection', one, { selected_roleid: '' }, {}, '701'],
    ['one role and somebody else’s selected', one, { selected_roleid: '999' }, {}, '701'],
    ['two roles', two, {}, {}, null],
    ['two roles and an empty selection', two, { selected_roleid: '' }, { selected_roleid: ' ' }, null],
    ['two roles, one selected in the ID token', two, { selected_roleid: '702' }, {}, '702'],
    ['two roles, one selected in UserInfo', two, {}, { selected_roleid: '702' }, '702'],
    ['two roles and somebody else’s selected', two, { selected_roleid: '999' }, {}, null],
    ['two roles and a selection that is no text', two, { selected_roleid: ['702'] }, {}, null],
    ['two roles and a selection as a number', two, { selected_roleid: 702 }, {}, '702'],
    ['two roles and a selection that is no whole number', two, { selected_roleid: 702.5 }, {}, null],
    [
      'two roles whose ids are numbers',
      [{ ...role('701'), person_roleid: 701 }, role('702')],
      { selected_roleid: '701' },
      {},
      '701',
    ],
  ] as const)('of %s is decided', (_, roles, idToken, info, chosen) => {
    expect(chosenRole(rolesIn({ nhsid_nrbac_roles: roles }), 'optional', idToken, info)).toBe(chosen);
    expect(chosenRole(rolesIn({ nhsid_nrbac_roles: roles }), 'any', idToken, info)).toBe(chosen);
  });
});

describe('a role that the app accepts', () => {
  const claim = (id: string, orgCode: string, job: string, activities: string[] = []) => ({
    ...{ person_roleid: id, org_code: orgCode, role_code: `S1:G1:${job}`, activity_codes: activities },
  });
  const nurse = claim('701', 'A1A1A', 'R8001', ['B0360']);
  const doctor = claim('702', 'A1A1A', 'R8000', ['B0420']);
  const nurseElsewhere = claim('703', 'Z9Z9Z', 'R8001', ['B0360']);
  const nurses = [{ jobRoleCodes: ['R8001'], organisations: ['A1A1A'] }] as const;
  const rolesOf = (...claims: readonly object[]) => rolesIn({ nhsid_nrbac_roles: claims });

  test.each([
    ['is chosen when it is the only one, among others', [nurse, doctor], undefined, '701'],
    ['is chosen when CIS2 says it was selected', [nurse, doctor], '701', '701'],
    ['is not swapped for the one that was selected and is not accepted', [nurse, doctor], '702', null],
    ['is chosen when CIS2 says that somebody else’s was selected', [nurse, doctor], '999', '701'],
    ['is not chosen among two', [nurse, { ...nurse, person_roleid: '704' }], undefined, null],
    ['is chosen among two when CIS2 says so', [nurse, { ...nurse, person_roleid: '704' }], '704', '704'],
    ['is none of those a person has', [doctor, nurseElsewhere], undefined, null],
    ['is not one because it is the only one', [doctor], undefined, null],
    ['is not one because it was selected', [doctor], '702', null],
  ])('%s', (_, claims, selected, chosen) => {
    expect(chosenRole(rolesOf(...claims), nurses, { selected_roleid: selected }, {})).toBe(chosen);
  });

  const moreRights = { ...nurse, activity_codes: ['B9999'] };
  const refusal = (claims: readonly object[], policy: RolePolicy): string | undefined => {
    try {
      const { roles, contradictory } = readRoles({ nhsid_nrbac_roles: claims });
      checkRoles(roles, policy, contradictory);
      return undefined;
    } catch (error) {
      if (error instanceof SignInRefused) return `${error.code} ${String(error.reason)}`;
      throw error;
    }
  };

  test.each<[string, readonly object[], RolePolicy, string | undefined]>([
    ['no role, and none needed', [], 'optional', undefined],
    ['no role, and one needed', [], 'any', 'role_required no_role'],
    ['no role, and rules', [], nurses, 'role_required no_role'],
    ['any role, where any does', [doctor], 'any', undefined],
    ['an accepted role', [nurse], nurses, undefined],
    ['an accepted role among others', [doctor, nurseElsewhere, nurse], nurses, undefined],
    ['another role', [doctor], nurses, 'role_required role'],
    ['the role in another organisation', [nurseElsewhere], nurses, 'role_required organisation'],
    ['both', [doctor, nurseElsewhere], nurses, 'role_required organisation'],
    ['an accepted role, stated with two rights', [nurse, moreRights], nurses, 'role_required contradictory'],
    ['any role, stated with two rights', [nurse, moreRights], 'any', 'role_required contradictory'],
    ['an accepted role beside a contradictory one', [doctor, nurse, moreRights], 'any', undefined],
    ['a contradictory role, where none is needed', [nurse, moreRights], 'optional', undefined],
    [
      'a contradictory role that would not do either way',
      [doctor, { ...doctor, activity_codes: ['B9999'] }],
      nurses,
      'role_required role',
    ],
    [
      'a role that two rules accept half each',
      [nurse],
      [
        { jobRoleCodes: ['R8001'], activityCodes: ['B9999'] },
        { jobRoleCodes: ['R8000'], activityCodes: ['B0360'] },
      ],
      'role_required role',
    ],
    [
      'a role in the wrong organisation only',
      [nurse],
      [{ organisations: ['B2B2B'] }],
      'role_required organisation',
    ],
  ])('is needed or not: %s', (_, claims, policy, expected) => {
    expect(refusal(claims, policy)).toBe(expected);
  });
});

describe('assurance', () => {
  const refusedBy = (work: () => unknown): string | undefined => {
    try {
      work();
      return undefined;
    } catch (error) {
      if (error instanceof SignInRefused) return `${error.code} ${error.check}`;
      throw error;
    }
  };

  test('knows 0, 1, 2, 3, as a number or as one digit of text, and no other level', () => {
    for (const level of [0, 1, 2, 3]) {
      expect(readLevel(level)).toBe(level);
      expect(readLevel(String(level))).toBe(level);
    }
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const isLevel = [0, 1, 2, 3, '0', '1', '2', '3'].includes(value as number);
        expect(readLevel(value)).toBe(isLevel ? Number(value) : undefined);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    4,
    -1,
    2.5,
    NaN,
    Infinity,
    '4',
    '-1',
    '3.0',
    '03',
    ' 3',
    '3 ',
    '3\n',
    '',
    ' ',
    '3.5',
    '+3',
    '3e0',
    'NaN',
    'Infinity',
    'III',
    '٣',
    '３',
    'AAL3',
    '0x3',
  ])('does not take %j for a level', (value) => {
    expect(readLevel(value)).toBeUndefined();
  });

  test.each([
    [['3']],
    [[3]],
    [[]],
    [{}],
    [{ value: 3 }],
    [{ valueOf: () => 3 }],
    [true],
    [false],
    [null],
    [undefined],
    [3n],
    [new Number(3)],
  ])('does not take %p for a level', (value) => {
    expect(readLevel(value)).toBeUndefined();
  });

  const level = fc.constantFrom<unknown>(
    undefined,
    null,
    0,
    1,
    2,
    3,
    4,
    '0',
    '1',
    '2',
    '3',
    '4',
    '',
    'x',
    [3],
  );
  const assuranceClaims: fc.Arbitrary<Claims> = fc.record(
    { authentication_assurance_level: level, id_assurance_level: level, idassurancelevel: level, acr: level },
    { requiredKeys: [] },
  );
  const policy = fc.record({
    minimumAal: fc.integer({ min: 1, max: 3 }),
    minimumIal: fc.integer({ min: 0, max: 3 }),
  });

  test('is enough exactly when every level that is stated is one, and reaches the minimum', () => {
    fc.assert(
      fc.property(assuranceClaims, assuranceClaims, policy, (idToken, info, { minimumAal, minimumIal }) => {
        const isLevel = (value: unknown) => [0, 1, 2, 3, '0', '1', '2', '3'].includes(value as number);
        const stated = [idToken, info].flatMap((claims) =>
          Object.entries(claims).flatMap(([name, value]) =>
            name === 'id_assurance_level' || name === 'idassurancelevel' ? [value] : [],
          ),
        );
        const aal = idToken['authentication_assurance_level'];
        const enough =
          isLevel(aal) &&
          Number(aal) >= minimumAal &&
          stated.length > 0 &&
          stated.every((value) => isLevel(value) && Number(value) >= minimumIal);
        const refused = refusedBy(() => checkAssurance(idToken, info, { minimumAal, minimumIal }));
        expect(refused === undefined).toBe(enough);
        if (!enough) expect(refused).toMatch(/^assurance_insufficient (authentication|id)_assurance_level$/);
      }),
      { numRuns: 1_000 },
    );
  });

  test('that is not enough is never enough for a higher minimum', () => {
    fc.assert(
      fc.property(assuranceClaims, assuranceClaims, policy, policy, (idToken, info, low, more) => {
        const high = {
          minimumAal: Math.max(low.minimumAal, more.minimumAal),
          minimumIal: Math.max(low.minimumIal, more.minimumIal),
        };
        if (refusedBy(() => checkAssurance(idToken, info, low)) !== undefined) {
          expect(refusedBy(() => checkAssurance(idToken, info, high))).toBeDefined();
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('is judged by the levels CIS2 states, never by acr, and never by UserInfo’s authentication level', () => {
    const strong = { authentication_assurance_level: '3', id_assurance_level: '3', acr: 'AAL3_ANY' };
    const strictest = { minimumAal: 3, minimumIal: 3 };
    expect(checkAssurance(strong, {}, strictest)).toEqual({ authentication: 3, identity: 3 });
    const weak = { ...strong, authentication_assurance_level: '2' };
    expect(refusedBy(() => checkAssurance(weak, strong, strictest))).toBeDefined();
    const silent = { id_assurance_level: '3', acr: 'AAL3_ANY' };
    expect(refusedBy(() => checkAssurance(silent, strong, strictest))).toBeDefined();
  });

  test('of the identity is the least that any source states', () => {
    const idToken = { authentication_assurance_level: 3, id_assurance_level: 3 };
    const least = { minimumAal: 1, minimumIal: 0 };
    expect(checkAssurance(idToken, { idassurancelevel: '1' }, least).identity).toBe(1);
    expect(checkAssurance(idToken, {}, least).identity).toBe(3);
    expect(refusedBy(() => checkAssurance(idToken, { idassurancelevel: 'high' }, least))).toBeDefined();
  });

  test('with a policy that is no number is never enough', () => {
    const idToken = { authentication_assurance_level: 3, id_assurance_level: 3 };
    expect(refusedBy(() => checkAssurance(idToken, {}, { minimumAal: NaN, minimumIal: 0 }))).toBeDefined();
    expect(refusedBy(() => checkAssurance(idToken, {}, { minimumAal: 1, minimumIal: NaN }))).toBeDefined();
  });
});

describe('ID token claims', () => {
  const now = 1_800_000_000 as EpochSeconds;
  const expected = {
    clientId: 'rp.unit',
    accessToken: 'an-access-token',
    now,
    authenticatedSince: undefined as EpochMilliseconds | undefined,
  };
  const atHash = createHash('sha256')
    .update(expected.accessToken)
    .digest()
    .subarray(0, 16)
    .toString('base64url');
  const right = {
    iss: 'https://am.example.nhs.uk:443/realm',
    sub: '900000000001',
    aud: 'rp.unit',
    exp: now + 3_600,
    iat: now,
    auth_time: now - 1,
  };
  const check = (claims: Claims, changes: Partial<typeof expected> = {}) =>
    checkIdToken(claims as unknown as IDToken, { ...expected, ...changes });
  const refusal = (claims: Claims, changes: Partial<typeof expected> = {}): string | undefined => {
    try {
      check(claims, changes);
      return undefined;
    } catch (error) {
      if (error instanceof SignInRefused && error.code === 'response_invalid') return error.check;
      throw error;
    }
  };

  /** The rules again, in words of this test’s own: each says what must hold of one claim. */
  const mustHold: Record<string, (value: unknown) => boolean> = {
    aud: (value) =>
      ['rp.unit', '["rp.unit"]'].includes(typeof value === 'string' ? value : JSON.stringify(value)),
    azp: (value) => value === undefined || value === 'rp.unit',
    sub: (value) =>
      typeof value === 'string' && value.length > 0 && value.length < 256 && !/[^!-~]/.test(value),
    iat: (value) => typeof value === 'number' && value >= now - 360 && value < now + 61,
    auth_time: (value) => typeof value === 'number' && value >= now - 360 && value < now + 61,
    at_hash: (value) => value === undefined || value === atHash,
    sid: (value) => value === undefined || typeof value === 'string',
  };
  const time = fc.oneof(
    fc.integer({ min: now - 500, max: now + 200 }),
    fc.constantFrom<unknown>(
      now - 361,
      now - 360,
      now - 359,
      now + 60,
      now + 61,
      String(now),
      'NaN',
      now + 0.5,
      now + 60.999,
      now - 360.001,
      NaN,
      Infinity,
    ),
    odd,
  );
  const mostly = (value: unknown, other: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: 3, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: other });
  const claims: fc.Arbitrary<Claims> = fc.record(
    {
      aud: mostly(
        'rp.unit',
        fc.oneof(
          odd,
          fc.constantFrom<unknown>(
            ['rp.unit'],
            ['rp.unit', 'rp.unit'],
            ['rp.unit', 'x'],
            ['x'],
            'rp.unit ',
            'RP.UNIT',
          ),
        ),
      ),
      azp: mostly('rp.unit', odd),
      sub: mostly(
        '900000000001',
        fc.oneof(odd, fc.string({ unit: 'binary' }), fc.string({ maxLength: 300 })),
      ),
      iat: mostly(now, time),
      auth_time: mostly(now - 1, time),
      at_hash: mostly(
        atHash,
        fc.oneof(odd, fc.constantFrom(`${atHash}=`, atHash.toLowerCase(), atHash.slice(1))),
      ),
      sid: mostly('sid-1', odd),
      amr: odd,
    },
    { requiredKeys: [] },
  );

  test('get through exactly when they satisfy every rule', () => {
    let through = 0;
    fc.assert(
      fc.property(claims, (value) => {
        const broken = Object.entries(mustHold).filter(([name, holds]) => !holds(value[name]));
        const refused = refusal(value);
        expect(refused === undefined).toBe(broken.length === 0);
        if (refused === undefined) through += 1;
        else expect(broken.map(([name]) => `id_token ${name}`)).toContain(refused);
      }),
      { numRuns: 1_500 },
    );
    expect(through).toBeGreaterThan(100);
  });

  test('that get through give facts of the right form', () => {
    fc.assert(
      fc.property(claims, (value) => {
        if (refusal({ ...right, ...value }) !== undefined) return;
        const facts = check({ ...right, ...value });
        expect(facts.subject).not.toBe('');
        expect(facts.providerSessionId === undefined || facts.providerSessionId !== '').toBe(true);
        expect(facts.methods.every((method) => typeof method === 'string' && method !== '')).toBe(true);
      }),
    );
  });

  test.each([
    ['iat', now - 360, true],
    ['iat', now - 361, false],
    ['iat', now + 60, true],
    ['iat', now + 61, false],
    ['auth_time', now - 360, true],
    ['auth_time', now - 361, false],
    ['auth_time', now + 60, true],
    ['auth_time', now + 61, false],
    ['auth_time', undefined, false],
    ['auth_time', 0, false],
    ['iat', undefined, false],
  ])('with %s %p are taken: %s', (name, value, taken) => {
    expect(refusal({ ...right, [name]: value }) === undefined).toBe(taken);
  });

  test.each([
    [0, 0, true],
    [-60, 0, true],
    [-60, 999, true],
    [-61, 0, false],
    [-60.5, 0, false],
    [-305, 0, false],
    [30, 0, true],
  ])(
    'authenticated %d s after an attempt that demands presence (begun at .%d s) are taken: %s',
    (seconds, milliseconds, taken) => {
      const authenticatedSince = (now * 1_000 + milliseconds) as EpochMilliseconds;
      const claims = { ...right, auth_time: now + seconds };
      expect(refusal(claims, { authenticatedSince })).toBe(
        taken ? undefined : 'id_token auth_time before the attempt',
      );
      expect(refusal(claims)).toBeUndefined();
    },
  );

  test.each(['aud', 'sub', 'iat', 'auth_time'])('with a %s that is of another kind are refused', (name) => {
    for (const value of [true, {}, [], '']) {
      expect(refusal({ ...right, [name]: value })).toBe(`id_token ${name}`);
    }
  });

  test('name the CIS2 session where it is named, and none for an empty name', () => {
    expect(check({ ...right, sid: 'a/+=' }).providerSessionId).toBe('a/+=');
    for (const sid of [undefined, '']) expect(check({ ...right, sid }).providerSessionId).toBeUndefined();
  });

  test('give the methods as a list, one method alone too', () => {
    expect(check({ ...right, amr: 'N3_SMARTCARD' }).methods).toEqual(['N3_SMARTCARD']);
    expect(check({ ...right, amr: ['TOTP', 7, '', null] }).methods).toEqual(['TOTP']);
    expect(check(right).methods).toEqual([]);
  });
});
