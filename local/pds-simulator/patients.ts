/**
 * The patients. Everybody and everything here is invented: the NHS numbers are in the range kept for tests, the
 * postcodes in an area that does not exist, the telephone numbers in the ranges kept for drama.
 */
import type { HumanName, Patient } from './patient.ts';

const nhsNumberSystem = 'https://fhir.nhs.uk/Id/nhs-number';
const confidentialities = { U: 'unrestricted', R: 'restricted', V: 'very restricted' } as const;

interface Sketch {
  readonly id: string;
  readonly family: string;
  readonly given: readonly string[];
  readonly prefix?: string;
  readonly gender: Patient['gender'];
  readonly birthDate: string;
  /** First line, town and postcode; without a postcode where the third is left out. */
  readonly home?: readonly [street: string, town: string, postcode?: string];
  readonly phone?: string;
  readonly email?: string;
  readonly practice?: string;
  readonly otherNames?: readonly Omit<HumanName, 'id'>[];
  readonly died?: string;
  readonly confidentiality?: keyof typeof confidentialities;
  readonly version?: number;
}

/** The parts of a record have ids of their own, the same at every start. */
const partId = (id: string, part: string): string => `${part}-${id.slice(-4)}`;

function patient(sketch: Sketch): Patient {
  const { id, family, given, prefix, home, phone, email, practice, died, confidentiality = 'U' } = sketch;
  const contacts = [
    ...(phone === undefined ? [] : [{ system: 'phone', use: 'mobile', value: phone } as const]),
    ...(email === undefined ? [] : [{ system: 'email', use: 'home', value: email } as const]),
  ];
  const names: Omit<HumanName, 'id'>[] = [
    { use: 'usual', ...(prefix === undefined ? {} : { prefix: [prefix] }), given, family },
    ...(sketch.otherNames ?? []),
  ];
  return {
    resourceType: 'Patient',
    id,
    identifier: [{ system: nhsNumberSystem, value: id }],
    meta: {
      versionId: String(sketch.version ?? 1),
      security: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
          code: confidentiality,
          display: confidentialities[confidentiality],
        },
      ],
    },
    name: names.map((name, index) => ({ id: partId(id, `name${String(index + 1)}`), ...name })),
    gender: sketch.gender,
    birthDate: sketch.birthDate,
    ...(died === undefined ? {} : { deceasedDateTime: died }),
    ...(home === undefined
      ? {}
      : {
          address: [
            {
              id: partId(id, 'home'),
              use: 'home',
              line: home.slice(0, 2).map(String),
              ...(home[2] === undefined ? {} : { postalCode: home[2] }),
            },
          ],
        }),
    ...(contacts.length === 0
      ? {}
      : {
          telecom: contacts.map((contact) => ({ id: partId(id, contact.system), ...contact })),
        }),
    ...(practice === undefined
      ? {}
      : {
          generalPractitioner: [
            {
              id: partId(id, 'gp'),
              type: 'Organization',
              identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: practice },
            },
          ],
        }),
  };
}

/** A family large enough that a search for it finds too many. */
const fernsbys: readonly Sketch[] = (
  [
    ['9000000203', 'Abigail', 'female', '1951-02-11'],
    ['9000000211', 'Barnaby', 'male', '1953-07-30'],
    ['9000000238', 'Clementine', 'female', '1960-11-05'],
    ['9000000246', 'Dexter', 'male', '1964-01-19'],
    ['9000000254', 'Elspeth', 'female', '1969-09-23'],
    ['9000000262', 'Fitzroy', 'male', '1972-04-02'],
    ['9000000270', 'Gwendolen', 'female', '1978-12-14'],
    ['9000000289', 'Horatio', 'male', '1985-06-27'],
    ['9000000297', 'Isadora', 'female', '1990-08-08'],
    ['9000000300', 'Jolyon', 'male', '1990-08-08'],
    ['9000000319', 'Keziah', 'other', '2001-03-16'],
    ['9000000327', 'Leopold', 'male', '2014-10-31'],
  ] as const
).map(([id, given, gender, birthDate], index) => ({
  id,
  family: 'Fernsby',
  given: [given],
  gender,
  birthDate,
  home: [`${String(index + 1)} Fernsby Row`, 'Sampleton', 'XX7 7FR'],
  practice: 'Y9X99',
}));

const sketches: readonly Sketch[] = [
  {
    id: '9000000009',
    family: 'Marchbanks',
    given: ['Jane', 'Tulip'],
    prefix: 'Mrs',
    gender: 'female',
    birthDate: '2010-10-22',
    home: ['1 Example Street', 'Sampleton', 'XX1 1AA'],
    phone: '07700900001',
    email: 'jane.marchbanks@patient.example',
    practice: 'A9A5A',
    version: 2,
  },
  {
    id: '9000000017',
    family: 'Marchbanks',
    given: ['Jasper'],
    prefix: 'Mr',
    gender: 'male',
    birthDate: '1979-03-04',
    home: ['1 Example Street', 'Sampleton', 'XX1 1AA'],
    phone: '07700900002',
    practice: 'A9A5A',
  },
  {
    id: '9000000025',
    family: 'Restricted-Record',
    given: ['Rowan'],
    gender: 'female',
    birthDate: '1988-05-17',
    home: ['Nowhere to be shown', 'Sampleton', 'XX9 9RR'],
    phone: '07700900003',
    practice: 'A9A5A',
    confidentiality: 'R',
    version: 5,
  },
  {
    id: '9000000033',
    family: 'Very-Restricted',
    given: ['Vesper'],
    gender: 'male',
    birthDate: '1991-12-01',
    home: ['Nowhere to be shown', 'Sampleton', 'XX9 9VV'],
    confidentiality: 'V',
  },
  {
    id: '9000000041',
    family: 'Lately',
    given: ['Percival'],
    prefix: 'Mr',
    gender: 'male',
    birthDate: '1931-01-30',
    home: ['4 Example Street', 'Sampleton', 'XX1 1AB'],
    died: '2024-11-02T04:15:00+00:00',
    version: 9,
  },
  {
    id: '9000000068',
    family: 'Wanderer',
    given: ['Wilf'],
    gender: 'male',
    birthDate: '1966-06-06',
    home: ['No fixed abode', 'Sampleton'],
  },
  {
    id: '9000000076',
    family: 'Homeless-Example',
    given: ['Hester'],
    gender: 'female',
    birthDate: '1957-08-19',
  },
  {
    id: '9000000084',
    family: 'Çelik-Örnek',
    given: ['Zoë', 'Şebnem'],
    gender: 'female',
    birthDate: '1994-02-28',
    home: ['7 Naïve Crescent', 'Sampleton', 'XX2 2BC'],
    practice: 'A9A5A',
  },
  {
    id: '9000000092',
    family: 'Ó Sampláid',
    given: ['Niamh'],
    gender: 'female',
    birthDate: '1983-09-09',
    home: ['8 Example Mews', 'Sampleton', 'XX2 2BD'],
  },
  {
    id: '9000000106',
    family: 'Twonames',
    given: ['Beatrix'],
    prefix: 'Dr',
    gender: 'female',
    birthDate: '1975-04-12',
    home: ['10 Example Lane', 'Sampleton', 'XX3 3CD'],
    otherNames: [
      { use: 'maiden', given: ['Beatrix'], family: 'Oncewas' },
      { use: 'nickname', given: ['Trixie'], family: 'Twonames' },
    ],
    version: 3,
  },
  {
    id: '9000000114',
    family: 'O’Placeholder',
    given: ['Declan'],
    gender: 'male',
    birthDate: '2000-02-29',
    home: ['11 Example Lane', 'Sampleton', 'XX3 3CE'],
  },
  {
    id: '9000000122',
    family: 'Longest-Possible-Surname-For-A-Form-That-Is-Narrow',
    given: ['Bartholomew', 'Montgomery', 'Featherstonehaugh'],
    gender: 'male',
    birthDate: '1948-07-05',
    home: ['The House Whose Name Does Not Fit Either', 'Sampleton', 'XX3 3CF'],
  },
  { id: '9000000130', family: 'Mononym', given: [], gender: 'unknown', birthDate: '2020-01-01' },
  {
    id: '9000000149',
    family: 'Newborn',
    given: ['Baby'],
    gender: 'unknown',
    birthDate: '2026-01-01',
    home: ['14 Example Lane', 'Sampleton', 'XX4 4DE'],
  },
  {
    id: '9000000157',
    family: 'Centenarian',
    given: ['Edith'],
    prefix: 'Miss',
    gender: 'female',
    birthDate: '1920-05-20',
    home: ['15 Example Lane', 'Sampleton', 'XX4 4DF'],
  },
  {
    id: '9000000165',
    family: 'Twinset',
    given: ['Ottoline'],
    gender: 'female',
    birthDate: '2005-11-11',
    home: ['16 Example Lane', 'Sampleton', 'XX5 5EF'],
  },
  {
    id: '9000000173',
    family: 'Twinset',
    given: ['Octavia'],
    gender: 'female',
    birthDate: '2005-11-11',
    home: ['16 Example Lane', 'Sampleton', 'XX5 5EF'],
  },
  {
    id: '9000000181',
    family: 'Nonbinary-Example',
    given: ['Ash'],
    prefix: 'Mx',
    gender: 'other',
    birthDate: '1998-10-10',
    home: ['18 Example Lane', 'Sampleton', 'XX5 5EG'],
    email: 'ash@patient.example',
  },
  ...fernsbys,
];

export const patients: readonly Patient[] = sketches.map(patient);
