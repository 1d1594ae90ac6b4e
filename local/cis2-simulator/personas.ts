/**
 * The people who can sign in at the simulator. Everybody and everything here is invented: the identifiers are in
 * ranges that are not given out, the organisations do not exist. Each person is there to try one thing.
 */

/** How a person proves who they are: the `amr` value, its assurance level and the `acr_values` it satisfies. */
export interface Authenticator {
  readonly name: string;
  readonly amr: string;
  readonly level: 1 | 2 | 3;
  /** The first one is the `acr` answered when the request asked for something this authenticator is not. */
  readonly satisfies: readonly [string, ...string[]];
}

const smartcard: Authenticator = {
  name: 'Smartcard',
  amr: 'N3_SMARTCARD',
  level: 3,
  satisfies: ['AAL3_ANY', 'AAL3_N3_SMARTCARD', 'AAL3_SMARTCARD', 'AAL2_OR_AAL3_ANY'],
};

const securityKey: Authenticator = {
  name: 'Security key',
  amr: 'FIDO2',
  level: 3,
  satisfies: ['AAL3_ANY', 'AAL3_FIDO2', 'AAL2_OR_AAL3_ANY'],
};

const authenticatorApp: Authenticator = {
  name: 'Authenticator app',
  amr: 'TOTP',
  level: 2,
  satisfies: ['AAL2_ANY', 'AAL2_TOTP', 'AAL2_OR_AAL3_ANY'],
};

/** One element of `nhsid_nrbac_roles`, under the names CIS2 uses. */
export interface NationalRole {
  readonly person_orgid: string;
  readonly person_roleid: string;
  readonly org_code: string;
  /** Three quoted parts joined by colons; the quotes are part of the value. */
  readonly role_name: string;
  readonly role_code: string;
  readonly activities?: readonly string[];
  readonly activity_codes?: readonly string[];
  readonly workgroups?: readonly string[];
  readonly workgroups_codes?: readonly string[];
  readonly aow?: readonly string[];
  readonly aow_codes?: readonly string[];
}

export interface Organisation {
  readonly org_name: string;
  readonly org_code: string;
}

export interface Persona {
  /** NHS unique identifier, twelve digits: `sub` everywhere. */
  readonly uid: string;
  /** What the sign-in page calls this person. CIS2 may know less: see `profile`. */
  readonly name: string;
  /** What this person is for, in one sentence or two. */
  readonly summary: string;
  readonly group: 'everyday' | 'awkward';
  readonly authenticator: Authenticator;
  readonly identityAssuranceLevel: 0 | 1 | 2 | 3;
  /** CIS2 has sent the assurance levels of the ID token both as strings and as numbers. */
  readonly levelsAs: 'string' | 'number';
  /** UserInfo claims of the `profile` scope besides `uid`; any can be missing. */
  readonly profile: { readonly name?: string; readonly given_name?: string; readonly family_name?: string };
  readonly email?: string;
  /** UserInfo claims of the `nhsperson` scope besides `nhsid_useruid` and `idassurancelevel`. */
  readonly person: {
    readonly title?: string;
    readonly initials?: string;
    readonly middle_names?: string;
    readonly display_name?: string;
  };
  readonly roles: readonly NationalRole[];
  /** A list of one role has been met as the bare role. */
  readonly rolesAs: 'array' | 'bare object';
  /** The role chosen as the person signed in: in the Identity Agent, or because it is the only one. */
  readonly selectedRoleId: string;
  readonly organisations: readonly Organisation[];
  /** UserInfo claims of the `professionalmemberships` scope. */
  readonly registrations: Readonly<Record<string, string>>;
}

const healthCentre: Organisation = { org_name: 'EXAMPLE HEALTH CENTRE', org_code: 'A9A5A' };
const trust: Organisation = { org_name: 'EXAMPLE TRUST', org_code: 'X0XX1' };
const highStreetPharmacy: Organisation = { org_name: 'EXAMPLE HIGH STREET PHARMACY', org_code: 'FX001' };
const harbourPharmacy: Organisation = { org_name: 'EXAMPLE HARBOUR PHARMACY', org_code: 'FX002' };
const outOfHours: Organisation = { org_name: 'EXAMPLE OUT OF HOURS SERVICE', org_code: 'Y9X99' };

const organisationIds: Readonly<Record<string, string>> = {
  A9A5A: '900000000500',
  X0XX1: '900000000501',
  FX001: '900000000502',
  FX002: '900000000503',
  Y9X99: '900000000504',
  FX404: '900000000505',
};

const jobRoles = {
  R8000: ['S8000:G8000:R8000', '"Clinical":"Clinical Provision":"Clinical Practitioner Access Role"'],
  R8001: ['S8000:G8000:R8001', '"Clinical":"Clinical Provision":"Nurse Access Role"'],
  R8003: ['S8000:G8000:R8003', '"Clinical":"Clinical Provision":"Health Professional Access Role"'],
  R8008: ['S8000:G8001:R8008', '"Clinical":"Clinical Support":"Admin/Clinical Support Access Role"'],
  R5080: ['S0080:G0450:R5080', '"Admin & Clerical":"Management - A & C":"Registration Authority Manager"'],
} as const;

type Extras = Omit<NationalRole, 'person_orgid' | 'person_roleid' | 'org_code' | 'role_name' | 'role_code'>;

const role = (
  person_roleid: string,
  jobRole: keyof typeof jobRoles,
  org_code: string,
  extras: Extras = {},
): NationalRole => ({
  person_orgid: organisationIds[org_code] ?? '900000000599',
  person_roleid,
  org_code,
  role_name: jobRoles[jobRole][1],
  role_code: jobRoles[jobRole][0],
  ...extras,
});

/** CIS2 writes the family name first in `name`; `display_name` has the order people use. */
const namesOf = (given: string, family: string, title: string) => ({
  profile: { name: `${family} ${given}`, given_name: given, family_name: family },
  email: `${given}.${family}@example.nhs.uk`.toLowerCase(),
  person: { title, initials: given.slice(0, 1), display_name: `${given} ${family}` },
});

const prescribing: Extras = {
  activities: ['Perform Prescription Preparation', 'View Patient Medication'],
  activity_codes: ['B0420', 'B0428'],
};

export const personas: readonly Persona[] = [
  {
    uid: '900000000001',
    name: 'Amara Okafor',
    summary: 'GP with one role. The plain case: strong sign-in, nothing missing.',
    group: 'everyday',
    authenticator: smartcard,
    identityAssuranceLevel: 3,
    levelsAs: 'string',
    ...namesOf('Amara', 'Okafor', 'Dr'),
    roles: [
      role('900000000777', 'R8000', 'A9A5A', {
        ...prescribing,
        aow: ['"Medicine":"General Practice":"General Practice"'],
        aow_codes: ['P0010:Q0030:T0110'],
      }),
    ],
    rolesAs: 'array',
    selectedRoleId: '900000000777',
    organisations: [healthCentre],
    registrations: { gmc_id: 'C0000001', gmp_id: 'G0000001', gdc_id: '', nmc_id: '' },
  },
  {
    uid: '900000000002',
    name: 'Bethan Morris',
    summary:
      'Nurse with a role in each of two organisations, so the app must know which one she is working in.',
    group: 'everyday',
    authenticator: smartcard,
    identityAssuranceLevel: 3,
    levelsAs: 'string',
    ...namesOf('Bethan', 'Morris', 'Ms'),
    roles: [
      role('900000000701', 'R8001', 'A9A5A', {
        activities: ['View Patient Medication'],
        activity_codes: ['B0428'],
      }),
      role('900000000702', 'R8001', 'X0XX1', {
        ...prescribing,
        workgroups: ['Community Team North'],
        workgroups_codes: ['900000000901'],
      }),
    ],
    rolesAs: 'array',
    selectedRoleId: '900000000702',
    organisations: [healthCentre, trust],
    registrations: { nmc_id: '00A0000E' },
  },
  {
    uid: '900000000003',
    name: 'Callum Reid',
    summary:
      'Pharmacist with five roles, two of them at one pharmacy and one where CIS2 gives no organisation name. Assurance levels come as numbers.',
    group: 'everyday',
    authenticator: smartcard,
    identityAssuranceLevel: 3,
    levelsAs: 'number',
    ...namesOf('Callum', 'Reid', 'Mr'),
    roles: [
      role('900000000711', 'R8003', 'FX001', prescribing),
      role('900000000712', 'R5080', 'FX001'),
      role('900000000713', 'R8003', 'FX002', { ...prescribing, workgroups: [], workgroups_codes: [] }),
      role('900000000714', 'R8003', 'Y9X99', { activities: [], activity_codes: [] }),
      role('900000000715', 'R8003', 'FX404', prescribing),
    ],
    rolesAs: 'array',
    selectedRoleId: '900000000713',
    organisations: [outOfHours, harbourPharmacy, highStreetPharmacy],
    registrations: { gphc_id: '0000003' },
  },
  {
    uid: '900000000004',
    name: 'Devika Shah',
    summary:
      'Practice administrator (R8008): signed in, but not everything a clinician may do is hers to do.',
    group: 'everyday',
    authenticator: securityKey,
    identityAssuranceLevel: 3,
    levelsAs: 'string',
    ...namesOf('Devika', 'Shah', 'Mrs'),
    roles: [
      role('900000000721', 'R8008', 'A9A5A', {
        activities: ['Amend Patient Demographics'],
        activity_codes: ['B0825'],
      }),
    ],
    rolesAs: 'array',
    selectedRoleId: '900000000721',
    organisations: [healthCentre],
    registrations: {},
  },
  {
    uid: '900000000005',
    name: 'Ewan Blackwood',
    summary: 'Locum doctor whose role has not been set up yet: a good sign-in with no role at all.',
    group: 'awkward',
    authenticator: securityKey,
    identityAssuranceLevel: 3,
    levelsAs: 'string',
    ...namesOf('Ewan', 'Blackwood', 'Dr'),
    roles: [],
    rolesAs: 'array',
    // CIS2 sends the claim all the same, empty.
    selectedRoleId: '',
    organisations: [],
    registrations: { gmc_id: 'C0000005' },
  },
  {
    uid: '900000000006',
    name: 'Farah Siddiqui',
    // CIS2 would not let this authenticator in where AAL3 was asked. Here it answers level 2 all the same, because
    // the request passes through the browser and can be altered there: the app has to judge the level it gets.
    summary:
      'Signs in with an authenticator app, which is level 2 whatever the app asked for. An app that needs level 3 must refuse her.',
    group: 'awkward',
    authenticator: authenticatorApp,
    identityAssuranceLevel: 3,
    levelsAs: 'string',
    ...namesOf('Farah', 'Siddiqui', 'Miss'),
    roles: [role('900000000731', 'R8003', 'X0XX1', prescribing)],
    rolesAs: 'array',
    selectedRoleId: '900000000731',
    organisations: [trust],
    registrations: {},
  },
  {
    uid: '900000000007',
    name: 'Gareth Lloyd',
    summary:
      'Identity checked to level 2 only, though his sign-in is strong. An app that needs level 3 must refuse him.',
    group: 'awkward',
    authenticator: smartcard,
    identityAssuranceLevel: 2,
    levelsAs: 'string',
    ...namesOf('Gareth', 'Lloyd', 'Mr'),
    roles: [role('900000000741', 'R8000', 'X0XX1', prescribing)],
    rolesAs: 'array',
    selectedRoleId: '900000000741',
    organisations: [trust],
    registrations: {},
  },
  {
    uid: '900000000008',
    name: 'Thandar',
    summary:
      'Has one name. The given name comes empty; title, initials, display name and email do not come at all.',
    group: 'awkward',
    authenticator: securityKey,
    identityAssuranceLevel: 3,
    levelsAs: 'number',
    profile: { name: 'Thandar', given_name: '', family_name: 'Thandar' },
    person: {},
    roles: [role('900000000751', 'R8001', 'A9A5A')],
    rolesAs: 'array',
    selectedRoleId: '900000000751',
    organisations: [healthCentre],
    registrations: {},
  },
  {
    uid: '900000000009',
    name: 'Ines Duarte',
    summary: 'Her one role comes as a bare object where a list is expected.',
    group: 'awkward',
    authenticator: smartcard,
    identityAssuranceLevel: 3,
    levelsAs: 'string',
    ...namesOf('Ines', 'Duarte', 'Dr'),
    roles: [role('900000000761', 'R8000', 'X0XX1', prescribing)],
    rolesAs: 'bare object',
    selectedRoleId: '900000000761',
    organisations: [trust],
    registrations: {},
  },
  {
    uid: '900000000010',
    name: 'No name',
    summary: 'CIS2 sends no name of any kind, only the identifier 900000000010.',
    group: 'awkward',
    authenticator: smartcard,
    identityAssuranceLevel: 3,
    levelsAs: 'string',
    profile: {},
    person: {},
    roles: [role('900000000771', 'R8003', 'A9A5A', prescribing)],
    rolesAs: 'array',
    selectedRoleId: '900000000771',
    organisations: [healthCentre],
    registrations: {},
  },
];

export const personaByUid = (uid: string): Persona | undefined =>
  personas.find((persona) => persona.uid === uid);

/** `person_orgid` of an organisation, as the membership claims carry it. */
export const organisationIdOf = (orgCode: string): string => organisationIds[orgCode] ?? '900000000599';
