/**
 * The people who can sign in at the simulator. Everybody and everything here is invented: the identifiers are in
 * ranges that are not given out, the organisations do not exist. Each person is there to try one thing.
 */

/**
 * How a person proves who they are: the `amr` value, its assurance level and the `acr_values` it satisfies. Of the `amr`
 * values only the Identity Agent's is known to be CIS2's own; the others are made after the `acr_values`.
 */
export interface Authenticator {
  readonly name: string;
  readonly amr: string;
  readonly level: 1 | 2 | 3;
  /** The first one is the `acr` returned when the request asked for something this authenticator is not. */
  readonly satisfies: readonly [string, ...string[]];
  /** A role is chosen in the Identity Agent as the card goes in, and CIS2 asks no more. */
  readonly choosesRole?: true;
}

export const authenticators = {
  identityAgent: {
    name: 'Smartcard (Identity Agent)',
    amr: 'N3_SMARTCARD',
    level: 3,
    satisfies: ['AAL3_ANY', 'AAL3_N3_SMARTCARD', 'AAL3_SMARTCARD', 'AAL2_OR_AAL3_ANY'],
    choosesRole: true,
  },
  smartcardConnect: {
    name: 'Smartcard (Smartcard Connect)',
    amr: 'CIS2_SMARTCARD',
    level: 3,
    satisfies: ['AAL3_ANY', 'AAL3_CIS2_SMARTCARD', 'AAL3_SMARTCARD', 'AAL2_OR_AAL3_ANY'],
  },
  securityKey: {
    name: 'Security key',
    amr: 'FIDO2',
    level: 3,
    satisfies: ['AAL3_ANY', 'AAL3_FIDO2', 'AAL2_OR_AAL3_ANY'],
  },
  iPad: {
    name: 'iPad app',
    amr: 'IOS',
    level: 3,
    satisfies: ['AAL3_ANY', 'AAL3_IOS', 'AAL2_OR_AAL3_ANY'],
  },
  authenticatorApp: {
    name: 'Authenticator app',
    amr: 'TOTP',
    level: 2,
    satisfies: ['AAL2_ANY', 'AAL2_TOTP', 'AAL2_OR_AAL3_ANY'],
  },
  nhsMail: {
    name: 'NHSmail',
    amr: 'NHSMAIL',
    level: 2,
    satisfies: ['AAL2_ANY', 'AAL2_NHSMAIL', 'AAL2_OR_AAL3_ANY'],
  },
  password: { name: 'User name and password', amr: 'USERPASS', level: 1, satisfies: ['AAL1_USERPASS'] },
} as const satisfies Record<string, Authenticator>;

const { identityAgent, smartcardConnect, securityKey, iPad, authenticatorApp, nhsMail, password } =
  authenticators;

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

interface Organisation {
  readonly org_name: string;
  readonly org_code: string;
}

/** What is awkward about a person, if anything. */
export type PersonaGroup = 'everyday' | 'roles' | 'levels' | 'claims';

/** Claims that are other than they should be: the value that comes instead, `undefined` for a claim that is left out. */
export type ClaimChanges = Readonly<Record<string, unknown>>;

export interface Persona {
  /** NHS unique identifier, twelve digits: `sub` everywhere. */
  readonly uid: string;
  /** What the sign-in page calls this person. CIS2 may know less: see `profile`. */
  readonly name: string;
  /** What this person is for, in one sentence or two. */
  readonly summary: string;
  readonly group: PersonaGroup;
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
  /** The role chosen in the Identity Agent, of a person with several who signs in there. */
  readonly roleInAgent?: string;
  readonly organisations: readonly Organisation[];
  /** UserInfo claims of the `professionalmemberships` scope. */
  readonly registrations: Readonly<Record<string, string>>;
  /** What this person's claims have wrong; claims that were not asked for stay away all the same. */
  readonly wrong?: { readonly idToken?: ClaimChanges; readonly userInfo?: ClaimChanges };
}

const healthCentre: Organisation = { org_name: 'EXAMPLE HEALTH CENTRE', org_code: 'A9A5A' };
const trust: Organisation = { org_name: 'EXAMPLE TRUST', org_code: 'X0XX1' };
const highStreetPharmacy: Organisation = { org_name: 'EXAMPLE HIGH STREET PHARMACY', org_code: 'FX001' };
const harbourPharmacy: Organisation = { org_name: 'EXAMPLE HARBOUR PHARMACY', org_code: 'FX002' };
const outOfHours: Organisation = { org_name: 'EXAMPLE OUT OF HOURS SERVICE', org_code: 'Y9X99' };

const walkInCentre: Organisation = { org_name: 'EXAMPLE WALK-IN CENTRE', org_code: 'Y9X98' };

const organisationIds: Readonly<Record<string, string>> = {
  A9A5A: '900000000500',
  X0XX1: '900000000501',
  FX001: '900000000502',
  FX002: '900000000503',
  Y9X99: '900000000504',
  FX404: '900000000505',
  Y9X98: '900000000506',
  X9CLS: '900000000507',
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

/** Sixty pharmacies, for somebody who works in all of them. */
const manyPharmacies: readonly Organisation[] = Array.from({ length: 60 }, (_, index) => ({
  org_name: `EXAMPLE PHARMACY ${String(index + 1).padStart(2, '0')}, MARKET STREET`,
  org_code: `FZ9${String(index + 1).padStart(2, '0')}`,
}));

/** What nearly everybody has. */
const usual = { identityAssuranceLevel: 3, levelsAs: 'string', rolesAs: 'array', registrations: {} } as const;

type Unusual = Omit<Persona, keyof typeof usual> & Partial<Pick<Persona, keyof typeof usual>>;

const people: readonly Unusual[] = [
  {
    uid: '900000000001',
    name: 'Amara Okafor',
    summary: 'GP with one role. The plain case: strong sign-in, nothing missing.',
    group: 'everyday',
    authenticator: identityAgent,
    ...namesOf('Amara', 'Okafor', 'Dr'),
    roles: [
      role('900000000777', 'R8000', 'A9A5A', {
        ...prescribing,
        aow: ['"Medicine":"General Practice":"General Practice"'],
        aow_codes: ['P0010:Q0030:T0110'],
      }),
    ],
    organisations: [healthCentre],
    registrations: { gmc_id: 'C0000001', gmp_id: 'G0000001', gdc_id: '', nmc_id: '' },
  },
  {
    uid: '900000000002',
    name: 'Bethan Morris',
    summary:
      'Nurse with a role in each of two organisations, so the app must know which one she is working in.',
    group: 'everyday',
    authenticator: identityAgent,
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
    roleInAgent: '900000000702',
    organisations: [healthCentre, trust],
    registrations: { nmc_id: '00A0000E' },
  },
  {
    uid: '900000000003',
    name: 'Callum Reid',
    summary:
      'Pharmacist with five roles, two of them at one pharmacy and one where CIS2 gives no organisation name. Assurance levels come as numbers.',
    group: 'everyday',
    authenticator: identityAgent,
    levelsAs: 'number',
    ...namesOf('Callum', 'Reid', 'Mr'),
    roles: [
      role('900000000711', 'R8003', 'FX001', prescribing),
      role('900000000712', 'R5080', 'FX001'),
      role('900000000713', 'R8003', 'FX002', { ...prescribing, workgroups: [], workgroups_codes: [] }),
      role('900000000714', 'R8003', 'Y9X99', { activities: [], activity_codes: [] }),
      role('900000000715', 'R8003', 'FX404', prescribing),
    ],
    roleInAgent: '900000000713',
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
    ...namesOf('Devika', 'Shah', 'Mrs'),
    roles: [
      role('900000000721', 'R8008', 'A9A5A', {
        activities: ['Amend Patient Demographics'],
        activity_codes: ['B0825'],
      }),
    ],
    organisations: [healthCentre],
  },
  {
    uid: '900000000005',
    name: 'Ewan Blackwood',
    summary: 'Locum doctor whose role has not been set up yet: a good sign-in with no role at all.',
    group: 'roles',
    authenticator: securityKey,
    ...namesOf('Ewan', 'Blackwood', 'Dr'),
    roles: [],
    organisations: [],
    registrations: { gmc_id: 'C0000005' },
  },
  {
    uid: '900000000006',
    name: 'Farah Siddiqui',
    // CIS2 would not let this authenticator in where AAL3 was asked. Here it gives level 2 all the same, because
    // the request passes through the browser and can be altered there: the app has to judge the level it gets.
    summary:
      'Signs in with an authenticator app, which is level 2 whatever the app asked for. An app that needs level 3 must refuse her.',
    group: 'levels',
    authenticator: authenticatorApp,
    ...namesOf('Farah', 'Siddiqui', 'Miss'),
    roles: [role('900000000731', 'R8003', 'X0XX1', prescribing)],
    organisations: [trust],
  },
  {
    uid: '900000000007',
    name: 'Gareth Lloyd',
    summary:
      'Identity checked to level 2 only, though his sign-in is strong. An app that needs level 3 must refuse him.',
    group: 'levels',
    authenticator: identityAgent,
    identityAssuranceLevel: 2,
    ...namesOf('Gareth', 'Lloyd', 'Mr'),
    roles: [role('900000000741', 'R8000', 'X0XX1', prescribing)],
    organisations: [trust],
  },
  {
    uid: '900000000008',
    name: 'Thandar',
    summary:
      'Has one name. The given name comes empty; title, initials, display name and email do not come at all.',
    group: 'claims',
    authenticator: securityKey,
    levelsAs: 'number',
    profile: { name: 'Thandar', given_name: '', family_name: 'Thandar' },
    person: {},
    roles: [role('900000000751', 'R8001', 'A9A5A')],
    organisations: [healthCentre],
  },
  {
    uid: '900000000009',
    name: 'Ines Duarte',
    summary: 'Her one role comes as a bare object where a list is expected.',
    group: 'claims',
    authenticator: identityAgent,
    ...namesOf('Ines', 'Duarte', 'Dr'),
    roles: [role('900000000761', 'R8000', 'X0XX1', prescribing)],
    rolesAs: 'bare object',
    organisations: [trust],
  },
  {
    uid: '900000000010',
    name: 'No name',
    summary: 'CIS2 sends no name of any kind, only the identifier 900000000010.',
    group: 'claims',
    authenticator: identityAgent,
    profile: {},
    person: {},
    roles: [role('900000000771', 'R8003', 'A9A5A', prescribing)],
    organisations: [healthCentre],
  },
  {
    uid: '900000000011',
    name: 'Jonah Adler',
    summary: 'Registration Authority manager, on Smartcard Connect: one role, and no clinical activity.',
    group: 'everyday',
    authenticator: smartcardConnect,
    ...namesOf('Jonah', 'Adler', 'Mr'),
    roles: [role('900000000781', 'R5080', 'X0XX1')],
    organisations: [trust],
  },
  {
    uid: '900000000012',
    name: 'Kemi Adeyemi',
    summary: 'Bank nurse with seven roles on an iPad: CIS2 asks her which, on a page with a search box.',
    group: 'everyday',
    authenticator: iPad,
    ...namesOf('Kemi', 'Adeyemi', 'Ms'),
    roles: [
      role('900000000791', 'R8001', 'A9A5A', prescribing),
      role('900000000792', 'R8001', 'X0XX1', prescribing),
      role('900000000793', 'R8001', 'Y9X99'),
      role('900000000794', 'R8001', 'Y9X98', {
        workgroups: ['Night Team'],
        workgroups_codes: ['900000000902'],
      }),
      role('900000000795', 'R8003', 'X0XX1'),
      role('900000000796', 'R8008', 'A9A5A'),
      role('900000000797', 'R8008', 'Y9X98'),
    ],
    organisations: [healthCentre, trust, outOfHours, walkInCentre],
    registrations: { nmc_id: '00A0012E' },
  },
  {
    uid: '900000000013',
    name: 'Lowri Vaughan',
    summary:
      'Locum pharmacist with sixty roles in as many places: 33 KB of UserInfo, and a list that nobody scrolls through.',
    group: 'roles',
    authenticator: smartcardConnect,
    ...namesOf('Lowri', 'Vaughan', 'Miss'),
    roles: manyPharmacies.map(({ org_code }, index) =>
      role(`9000000011${String(index).padStart(2, '0')}`, 'R8003', org_code, {
        ...prescribing,
        workgroups: ['Relief Pharmacists'],
        workgroups_codes: ['900000000903'],
        aow: ['"Pharmacy":"Community Pharmacy":"Community Pharmacy"'],
        aow_codes: ['P0020:Q0300:T0640'],
      }),
    ),
    organisations: manyPharmacies,
    registrations: { gphc_id: '0000013' },
  },
  {
    uid: '900000000014',
    name: 'Marek Novak',
    summary: 'CIS2 says that a role is selected which is none of his two: it was taken away last week.',
    group: 'roles',
    authenticator: identityAgent,
    ...namesOf('Marek', 'Novak', 'Mr'),
    roles: [role('900000000811', 'R8000', 'A9A5A', prescribing), role('900000000812', 'R8003', 'X0XX1')],
    roleInAgent: '900000000819',
    organisations: [healthCentre, trust],
  },
  {
    uid: '900000000015',
    name: 'Nadia Rahman',
    summary: 'One role id is there twice, as a nurse with activities and as an administrator without.',
    group: 'roles',
    authenticator: identityAgent,
    ...namesOf('Nadia', 'Rahman', 'Ms'),
    roles: [role('900000000821', 'R8001', 'A9A5A', prescribing), role('900000000821', 'R8008', 'X0XX1')],
    roleInAgent: '900000000821',
    organisations: [healthCentre, trust],
  },
  {
    uid: '900000000016',
    name: 'Oisín Quinn',
    summary:
      'The names of his three roles have quotes inside the quotes, a colon too many, and only one part.',
    group: 'roles',
    authenticator: securityKey,
    ...namesOf('Oisín', 'Quinn', 'Mr'),
    roles: [
      {
        ...role('900000000831', 'R8001', 'A9A5A'),
        role_name: '"Clinical":"Clinical Provision":"Nurse "Bank" Access Role"',
      },
      {
        ...role('900000000832', 'R8003', 'X0XX1'),
        role_name: '"Clinical":"Provision: Community":"Health Professional"',
      },
      { ...role('900000000833', 'R8008', 'X0XX1'), role_name: 'Admin/Clinical Support', role_code: 'R8008' },
    ],
    organisations: [healthCentre, trust],
  },
  {
    uid: '900000000017',
    name: 'Priti Chauhan',
    summary:
      'Her only role is at an organisation that has closed: CIS2 gives its code and nothing else about it.',
    group: 'roles',
    authenticator: identityAgent,
    ...namesOf('Priti', 'Chauhan', 'Mrs'),
    roles: [role('900000000841', 'R8000', 'X9CLS', prescribing)],
    organisations: [],
  },
  {
    uid: '900000000018',
    name: 'Rhys Parry',
    summary: 'Signs in with NHSmail, which is level 2. An app that needs level 3 must refuse him.',
    group: 'levels',
    authenticator: nhsMail,
    ...namesOf('Rhys', 'Parry', 'Dr'),
    roles: [role('900000000851', 'R8000', 'A9A5A', prescribing)],
    organisations: [healthCentre],
  },
  {
    uid: '900000000019',
    name: 'Salma Yusuf',
    summary: 'Signs in with a user name and a password, level 1. Every app must refuse her.',
    group: 'levels',
    authenticator: password,
    identityAssuranceLevel: 1,
    ...namesOf('Salma', 'Yusuf', 'Ms'),
    roles: [role('900000000861', 'R8008', 'A9A5A')],
    organisations: [healthCentre],
  },
  {
    uid: '900000000020',
    name: 'Tomos Hughes',
    summary:
      'His ID token has no assurance level at all. An app that reads nothing as enough is found out here.',
    group: 'levels',
    authenticator: identityAgent,
    ...namesOf('Tomos', 'Hughes', 'Dr'),
    roles: [role('900000000871', 'R8000', 'X0XX1', prescribing)],
    organisations: [trust],
    wrong: { idToken: { authentication_assurance_level: undefined, id_assurance_level: undefined } },
  },
  {
    uid: '900000000021',
    name: 'Una Fitzgerald',
    summary: 'Her assurance levels are the word "high", which is no level. An app must refuse her.',
    group: 'levels',
    authenticator: identityAgent,
    ...namesOf('Una', 'Fitzgerald', 'Dr'),
    roles: [role('900000000881', 'R8000', 'X0XX1', prescribing)],
    organisations: [trust],
    wrong: { idToken: { authentication_assurance_level: 'high', id_assurance_level: 'high' } },
  },
  {
    uid: '900000000022',
    name: 'Siân Llŷr Ó Súilleabháin-D’Arcy',
    summary:
      'Accents, apostrophes of both kinds, a hyphen, and a full name of nearly two hundred characters.',
    group: 'claims',
    authenticator: securityKey,
    profile: {
      name: "Ó Súilleabháin-D’Arcy O'Brien ap Gruffydd Siân Llŷr",
      given_name: 'Siân Llŷr',
      family_name: "Ó Súilleabháin-D’Arcy O'Brien ap Gruffydd",
    },
    email: "sian.o'suilleabhain-darcy@example.nhs.uk",
    person: {
      title: 'Yr Athro Emeritws',
      initials: 'SLÓ',
      middle_names: 'Angharad Wenfô Ŵyn Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch',
      display_name:
        "Siân Llŷr Angharad Wenfô Ŵyn Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch Ó Súilleabháin-D’Arcy O'Brien ap Gruffydd ferch Rhydderch, Ymgynghorydd Meddygaeth Gofal Critigol a Damweiniau",
    },
    roles: [role('900000000891', 'R8000', 'X0XX1', prescribing)],
    organisations: [trust],
    registrations: { gmc_id: 'C0000022' },
  },
  {
    uid: '900000000023',
    name: 'Vera Stone',
    summary:
      'Everything that may be missing comes as an empty string, or as a list with an empty string in it.',
    group: 'claims',
    authenticator: identityAgent,
    profile: { name: '', given_name: '', family_name: '' },
    email: '',
    person: { title: '', initials: '', middle_names: '', display_name: '' },
    roles: [
      role('900000000901', 'R8003', 'A9A5A', {
        activities: [''],
        activity_codes: [''],
        workgroups: [''],
        workgroups_codes: [''],
        aow: [''],
        aow_codes: [''],
      }),
    ],
    organisations: [{ org_name: '', org_code: 'A9A5A' }],
    registrations: { gmc_id: '', gmp_id: '', gdc_id: '', nmc_id: '' },
    wrong: { idToken: { acr: '', selected_roleid: '' } },
  },
  {
    uid: '900000000024',
    name: 'Wanda Petrov',
    summary:
      'The minimum that CIS2 has ever sent: an ID token without sid, acr, amr and jti, and UserInfo without roles and organisations.',
    group: 'claims',
    authenticator: identityAgent,
    levelsAs: 'number',
    ...namesOf('Wanda', 'Petrov', 'Dr'),
    roles: [],
    organisations: [],
    wrong: {
      idToken: { sid: undefined, acr: undefined, amr: undefined, jti: undefined, selected_roleid: undefined },
      userInfo: { nhsid_nrbac_roles: undefined, nhsid_user_orgs: undefined },
    },
  },
];

export const personas: readonly Persona[] = people.map((person) => ({ ...usual, ...person }));

export const personaByUid = (uid: string): Persona | undefined =>
  personas.find((persona) => persona.uid === uid);

/** `person_orgid` of an organisation, as the membership claims carry it. */
export const organisationIdOf = (orgCode: string): string => organisationIds[orgCode] ?? '900000000599';

/** What the groups of people are called on the pages. */
export const personaGroups: readonly { readonly group: PersonaGroup; readonly title: string }[] = [
  { group: 'everyday', title: 'People who work as expected' },
  { group: 'roles', title: 'People with awkward roles' },
  { group: 'levels', title: 'People with levels that an app may have to refuse' },
  { group: 'claims', title: 'People with awkward claims' },
];
