import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Introspection } from '../../local/api-platform-simulator/index.ts';
import { patients, startPdsSimulator, type PdsSimulator } from '../../local/pds-simulator/index.ts';
import { isNhsNumber } from '../../local/pds-simulator/nhs-number.ts';

const jane = '9000000009';
const restricted = '9000000025';

const worker: Introspection = {
  uid: '900000000001',
  aal: '3',
  roles: [],
  selectedRoleId: undefined,
  apiKey: 'test-api-key',
};
const people: Readonly<Record<string, Introspection>> = {
  'good-token': worker,
  'one-role-token': { ...worker, roles: ['777'] },
  'two-role-token': { ...worker, roles: ['777', '778'] },
  'two-role-selected-token': { ...worker, roles: ['777', '778'], selectedRoleId: '778' },
  'selected-token': { ...worker, selectedRoleId: '778' },
};

let pds: PdsSimulator;
const log: string[] = [];
beforeAll(async () => {
  pds = await startPdsSimulator({
    platform: { introspect: (token) => people[token] },
    log: (line) => log.push(line),
  });
});
afterAll(() => pds.close());
afterEach(() => void pds.controlPanel.commands['reset']?.({}));

type Headers = Readonly<Record<string, string | undefined>>;

/** A request that is right unless the headers say otherwise; `undefined` leaves one out. */
function call(path: string, headers: Headers = {}, init: RequestInit = {}): Promise<Response> {
  const all: Headers = {
    authorization: 'Bearer good-token',
    'x-request-id': randomUUID(),
    'accept-encoding': 'identity',
    ...headers,
  };
  const sent = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return fetch(pds.url + path, { ...init, headers: sent as [string, string][] });
}

const search = (query: Record<string, string> | [string, string][]) =>
  call(`/Patient?${new URLSearchParams(query).toString()}`);

const patch = (id: string, body: unknown, headers: Headers = {}) =>
  call(
    `/Patient/${id}`,
    { 'content-type': 'application/json-patch+json', 'if-match': 'W/"2"', ...headers },
    { method: 'PATCH', body: typeof body === 'string' ? body : JSON.stringify(body) },
  );

interface Outcome {
  readonly resourceType: string;
  readonly issue: readonly {
    readonly severity: string;
    readonly details: { readonly coding: readonly { readonly code: string }[] };
    readonly diagnostics?: string;
  }[];
}

async function expectOutcome(
  response: Response,
  status: number,
  code: string,
  diagnostics?: string,
): Promise<void> {
  expect(response.headers.get('content-type')).toBe('application/fhir+json');
  const { resourceType, issue } = (await response.json()) as Outcome;
  expect([response.status, resourceType, issue[0]?.details.coding[0]?.code, issue[0]?.diagnostics]).toEqual([
    status,
    'OperationOutcome',
    code,
    diagnostics,
  ]);
}

interface Bundle {
  readonly resourceType: string;
  readonly total: number;
  readonly entry: readonly { readonly fullUrl: string; readonly resource: { readonly id: string } }[];
}

const found = async (query: Record<string, string> | [string, string][]) => {
  const response = await search(query);
  const bundle = (await response.json()) as Bundle;
  expect([response.status, bundle.resourceType]).toEqual([200, 'Bundle']);
  expect(bundle.total).toBe(bundle.entry.length);
  return bundle.entry.map(({ resource }) => resource.id);
};

describe('The patients', () => {
  test('are thirty, each with an NHS number of its own in the range for tests', () => {
    const ids = patients.map(({ id }) => id);
    expect(ids).toHaveLength(30);
    expect(new Set(ids).size).toBe(30);
    expect(ids.filter((id) => !isNhsNumber(id) || !id.startsWith('9'))).toEqual([]);
  });

  test('are a mixture: dead, restricted, without a postcode or an address, of several names', () => {
    const count = (matches: (patient: (typeof patients)[number]) => boolean) =>
      patients.filter(matches).length;
    expect(count(({ deceasedDateTime }) => deceasedDateTime !== undefined)).toBeGreaterThan(0);
    expect(count(({ meta }) => meta.security[0].code === 'R')).toBeGreaterThan(0);
    expect(count(({ address }) => address === undefined)).toBeGreaterThan(0);
    expect(
      count(({ address }) => address?.some(({ postalCode }) => postalCode === undefined) ?? false),
    ).toBeGreaterThan(0);
    expect(count(({ name }) => name.length > 1)).toBeGreaterThan(0);
    expect(count(({ name }) => name.some(({ family }) => /[^ -~]/.test(family)))).toBeGreaterThan(0);
  });

  test.each([
    ['9000000009', true],
    ['9876543210', true],
    ['9000000008', false],
    // Would need the check digit 10.
    ['9000000050', false],
    ['900000000', false],
    ['90000000090', false],
    ['900000000a', false],
    ['', false],
  ])('have numbers whose check digit is right: %j is %j', (number, valid) => {
    expect(isNhsNumber(number)).toBe(valid);
  });
});

describe('Any request', () => {
  test.each([
    ['no Authorization header', undefined, 'Missing Authorization header'],
    ['an empty one', '', 'Empty Authorization header'],
    ['no token', 'Bearer', 'Missing access token'],
    ['another scheme', 'Basic good-token', 'Missing access token'],
    ['an unknown token', 'Bearer bad-token', 'Invalid Access Token'],
  ])('with %s is 401', async (_what, authorization, diagnostics) => {
    const response = await call(`/Patient/${jane}`, { authorization });
    await expectOutcome(response, 401, 'ACCESS_DENIED', diagnostics);
  });

  test('needs an X-Request-ID that is a UUID', async () => {
    await expectOutcome(
      await call(`/Patient/${jane}`, { 'x-request-id': undefined }),
      400,
      'MISSING_VALUE',
      'Invalid request with error - X-Request-ID header must be supplied to access this resource',
    );
    await expectOutcome(
      await call(`/Patient/${jane}`, { 'x-request-id': '1234' }),
      400,
      'INVALID_VALUE',
      "Invalid value - '1234' in header 'X-Request-ID'",
    );
  });

  test.each(['good-token', 'bad-token'])('has its ids echoed with %s', async (token) => {
    const [requestId, correlationId] = [randomUUID(), randomUUID()];
    const response = await call(`/Patient/${jane}`, {
      authorization: `Bearer ${token}`,
      'x-request-id': requestId,
      'x-correlation-id': correlationId,
    });
    expect(response.headers.get('x-request-id')).toBe(requestId);
    expect(response.headers.get('x-correlation-id')).toBe(correlationId);
  });

  test('has nothing echoed that it did not send', async () => {
    const response = await call(`/Patient/${jane}`);
    expect(response.headers.has('x-correlation-id')).toBe(false);
  });

  test.each([
    ['good-token', '123', 200],
    ['good-token', undefined, 200],
    ['good-token', 'R8000', 400],
    ['good-token', '', 400],
    ['one-role-token', undefined, 200],
    ['one-role-token', '777', 200],
    ['one-role-token', '999', 400],
    ['two-role-token', '778', 200],
    ['two-role-token', '999', 400],
    ['two-role-token', undefined, 400],
    ['two-role-selected-token', undefined, 200],
    // A selected role alone is no list of roles.
    ['selected-token', '999', 200],
    ['selected-token', undefined, 200],
  ])('of %s in the role %j is %i', async (token, role, status) => {
    const headers = { authorization: `Bearer ${token}`, 'nhsd-session-urid': role };
    const response = await call(`/Patient/${jane}`, headers);
    expect(response.status).toBe(status);
    if (status === 200) return;
    const diagnostics = `Invalid value - '${role ?? ''}' in header 'NHSD-Session-URID'`;
    await expectOutcome(response, status, 'INVALID_VALUE', diagnostics);
  });

  test.each([
    ['GET', '/'],
    ['GET', '/Patient/'],
    ['GET', '/Observation'],
    ['POST', '/Patient'],
    ['DELETE', `/Patient/${jane}`],
    ['PATCH', '/Patient'],
  ])('%s %s is not supported', async (method, path) => {
    await expectOutcome(await call(path, {}, { method }), 400, 'UNSUPPORTED_SERVICE');
  });

  test('of a browser is refused', async () => {
    expect((await call(`/Patient/${jane}`, { origin: 'http://localhost:3000' })).status).toBe(403);
  });

  test.each([
    ['gzip', 'gzip'],
    ['br, gzip;q=0.5', 'gzip'],
    ['gzip;q=0, identity', undefined],
    ['identity', undefined],
    [undefined, undefined],
  ])('that accepts %j gets %j', async (accept, coding) => {
    const { headers, body } = await new Promise<{ headers: Record<string, unknown>; body: Buffer }>(
      (resolve, reject) => {
        const sent = {
          authorization: 'Bearer good-token',
          'x-request-id': randomUUID(),
          ...(accept === undefined ? {} : { 'accept-encoding': accept }),
        };
        httpRequest(`${pds.url}/Patient/${jane}`, { headers: sent }, (response) => {
          void response.toArray().then((chunks) => {
            resolve({ headers: response.headers, body: Buffer.concat(chunks as Buffer[]) });
          });
        })
          .on('error', reject)
          .end();
      },
    );
    expect(headers['content-encoding']).toBe(coding);
    expect(headers['vary']).toBe('Accept-Encoding');
    const text = (coding === 'gzip' ? gunzipSync(body) : body).toString();
    expect(JSON.parse(text)).toMatchObject({ id: jane });
  });
});

describe('Reading a patient', () => {
  test('gives the record with its version', async () => {
    const response = await call(`/Patient/${jane}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/fhir+json');
    expect(response.headers.get('etag')).toBe('W/"2"');
    expect(await response.json()).toMatchObject({
      resourceType: 'Patient',
      id: jane,
      identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: jane }],
      meta: { versionId: '2', security: [{ code: 'U' }] },
      name: [{ use: 'usual', family: 'Marchbanks', given: ['Jane', 'Tulip'], prefix: ['Mrs'] }],
      address: [{ postalCode: 'XX1 1AA' }],
    });
  });

  test('gives letters beyond ASCII as they are', async () => {
    const { name } = (await (await call('/Patient/9000000084')).json()) as (typeof patients)[number];
    expect(name[0]).toMatchObject({ family: 'Çelik-Örnek', given: ['Zoë', 'Şebnem'] });
  });

  test('withholds where a person of a restricted record is', async () => {
    const text = await (await call(`/Patient/${restricted}`)).text();
    const record = JSON.parse(text) as Record<string, unknown>;
    expect(record).toMatchObject({ id: restricted, meta: { security: [{ code: 'R' }] } });
    for (const member of ['address', 'telecom', 'generalPractitioner'])
      expect(record).not.toHaveProperty(member);
    expect(text).not.toContain('XX9');
  });

  test.each(['9000000008', '123', 'x', '90000000%309'])('%s is no NHS number', async (id) => {
    await expectOutcome(await call(`/Patient/${id}`), 400, 'INVALID_RESOURCE_ID');
  });

  test('that there is not is 404', async () => {
    await expectOutcome(await call('/Patient/9876543210'), 404, 'RESOURCE_NOT_FOUND');
  });
});

describe('A search', () => {
  test('finds by family name and date of birth, and says where each record is', async () => {
    const response = await search({ family: 'marchbanks', birthdate: 'eq2010-10-22' });
    const bundle = (await response.json()) as Bundle & { readonly type: string };
    expect(bundle).toMatchObject({ type: 'searchset', total: 1 });
    expect(bundle.entry[0]).toMatchObject({
      fullUrl: `${pds.url}/Patient/${jane}`,
      resource: { resourceType: 'Patient', id: jane },
    });
  });

  test.each<[string, Record<string, string>, string[]]>([
    ['nobody', { family: 'Nobody', birthdate: 'eq2010-10-22' }, []],
    ['by a day without a prefix', { family: 'Marchbanks', birthdate: '2010-10-22' }, [jane]],
    ['a name without its accents', { family: 'celik-ornek', birthdate: '1994-02-28' }, ['9000000084']],
    [
      'a name with the other apostrophe',
      { family: "o'placeholder", birthdate: '2000-02-29' },
      ['9000000114'],
    ],
    ['by a name somebody once had', { family: 'Oncewas', birthdate: '1975-04-12' }, ['9000000106']],
    ['by the beginning of a name', { family: 'March*', birthdate: '2010-10-22' }, [jane]],
    ['twins', { family: 'Twinset', birthdate: '2005-11-11' }, ['9000000165', '9000000173']],
    ['one of the twins', { family: 'Twinset', given: 'Octavia', birthdate: '2005-11-11' }, ['9000000173']],
    ['by a middle name', { family: 'Marchbanks', given: 'Tul*', birthdate: '2010-10-22' }, [jane]],
    ['by gender', { family: 'Fernsby', gender: 'male', birthdate: '1990-08-08' }, ['9000000300']],
    [
      'by postcode',
      { family: 'Fernsby', birthdate: '1990-08-08', 'address-postalcode': 'xx77fr', gender: 'female' },
      ['9000000297'],
    ],
    [
      'nobody at another postcode',
      { family: 'Marchbanks', birthdate: '2010-10-22', 'address-postalcode': 'XX1 1AB' },
      [],
    ],
    ['a restricted record', { family: 'Restricted-Record', birthdate: '1988-05-17' }, [restricted]],
    [
      'no restricted record by its postcode',
      { family: 'Restricted-Record', birthdate: '1988-05-17', 'address-postalcode': 'XX9 9RR' },
      [],
    ],
    ['from a day on', { family: 'Fernsby', birthdate: 'ge2001-03-16' }, ['9000000319', '9000000327']],
    ['up to a day', { family: 'Fernsby', birthdate: 'le1953-07-30' }, ['9000000203', '9000000211']],
  ])('finds %s', async (_what, query, ids) => {
    expect(await found(query)).toEqual(ids);
  });

  test('finds between two days, both counted', async () => {
    const range: [string, string][] = [
      ['family', 'Fernsby'],
      ['birthdate', 'ge1953-07-30'],
      ['birthdate', 'le1964-01-19'],
    ];
    expect(await found(range)).toEqual(['9000000211', '9000000238', '9000000246']);
  });

  test('withholds of a restricted record what reading it withholds', async () => {
    const response = await search({ family: 'Restricted-Record', birthdate: '1988-05-17' });
    const { entry } = (await response.json()) as Bundle;
    expect(entry[0]?.resource).not.toHaveProperty('address');
  });

  test('that finds more than it asked for says so in place of the records', async () => {
    const query = { family: 'Fernsby', birthdate: 'ge1950-01-01' };
    await expectOutcome(await search({ ...query, '_max-results': '11' }), 200, 'TOO_MANY_MATCHES');
    expect(await found({ ...query, '_max-results': '12' })).toHaveLength(12);
    expect(await found(query)).toHaveLength(12);
  });

  const birthdate = 'eq2010-10-22';
  test.each<[[string, string][], string, string | undefined]>([
    [[], 'UNSUPPORTED_SERVICE', undefined],
    [
      [['gender', 'female']],
      'MISSING_VALUE',
      "Missing value - 'birth_date/birth_date_range_start/birth_date_range_end'",
    ],
    [
      [['birthdate', birthdate]],
      'INVALID_SEARCH_DATA',
      "Invalid search data provided - 'No searches were performed as the search criteria did not meet the minimum requirements'",
    ],
    [
      [
        ['family', 'Smith'],
        ['birthdate', birthdate],
        ['year', '2003'],
      ],
      'ADDITIONAL_PROPERTIES',
      "Invalid request with error - Additional properties are not allowed ('year' was unexpected)",
    ],
    [
      [
        ['family', 'Smith'],
        ['birthdate', '20101022'],
      ],
      'INVALID_VALUE',
      "Invalid value - '20101022' in field 'birthdate'",
    ],
    [
      [
        ['family', 'Smith'],
        ['birthdate', '2010-02-30'],
      ],
      'INVALID_VALUE',
      "Invalid value - '2010-02-30' in field 'birthdate'",
    ],
    [
      [
        ['family', 'Smith'],
        ['birthdate', 'gt2010-10-22'],
      ],
      'INVALID_VALUE',
      "Invalid value - 'gt2010-10-22' in field 'birthdate'",
    ],
    [
      [
        ['family', 'Smith'],
        ['birthdate', 'ge2010-10-22'],
        ['birthdate', 'ge2011-10-22'],
      ],
      'INVALID_VALUE',
      "Invalid value - 'ge2011-10-22' in field 'birthdate'",
    ],
    [
      [
        ['family', 'Smith'],
        ['birthdate', 'eq2010-10-22'],
        ['birthdate', 'le2011-10-22'],
      ],
      'INVALID_VALUE',
      "Invalid value - 'eq2010-10-22' in field 'birthdate'",
    ],
    [
      [
        ['family', 'M*'],
        ['birthdate', birthdate],
      ],
      'INVALID_VALUE',
      "Invalid value - 'M*' in field 'family'",
    ],
    [
      [
        ['family', 'A'],
        ['family', 'B'],
        ['birthdate', birthdate],
      ],
      'INVALID_VALUE',
      "Invalid value - 'B' in field 'family'",
    ],
    [
      [
        ['family', 'A'],
        ['given', '*'],
        ['birthdate', birthdate],
      ],
      'INVALID_VALUE',
      "Invalid value - '*' in field 'given'",
    ],
    [
      [
        ['family', 'A'],
        ['gender', 'f'],
        ['birthdate', birthdate],
      ],
      'INVALID_VALUE',
      "Invalid value - 'f' in field 'gender'",
    ],
    [
      [
        ['family', 'A'],
        ['_max-results', '51'],
        ['birthdate', birthdate],
      ],
      'INVALID_VALUE',
      "Invalid value - '51' in field '_max-results'",
    ],
    [
      [
        ['family', 'A'],
        ['_max-results', '0'],
        ['birthdate', birthdate],
      ],
      'INVALID_VALUE',
      "Invalid value - '0' in field '_max-results'",
    ],
  ])('for %j is refused', async (query, code, diagnostics) => {
    await expectOutcome(await search(query), 400, code, diagnostics);
  });
});

describe('An update', () => {
  const rename = [{ op: 'replace', path: '/name/0/family', value: 'Placeholder' }];
  const family = async () => {
    const record = (await (await call(`/Patient/${jane}`)).json()) as (typeof patients)[number];
    return [record.name[0]?.family, record.meta.versionId];
  };

  test('changes the record, counts the version up and returns the new record at once', async () => {
    const response = await patch(jane, rename);
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).toBe('W/"3"');
    expect(await response.json()).toMatchObject({
      id: jane,
      meta: { versionId: '3' },
      name: [{ family: 'Placeholder', given: ['Jane', 'Tulip'] }],
    });
    expect(await family()).toEqual(['Placeholder', '3']);
    expect(await found({ family: 'Placeholder', birthdate: '2010-10-22' })).toEqual([jane]);
  });

  test('may come in PDS’s own wrapping', async () => {
    expect((await patch(jane, { patches: rename })).status).toBe(200);
    expect(await family()).toEqual(['Placeholder', '3']);
  });

  test('adds and removes where it is told to, after testing what it is told to', async () => {
    const response = await patch(jane, [
      { op: 'test', path: '/gender', value: 'female' },
      { op: 'remove', path: '/telecom/1' },
      { op: 'add', path: '/name/0/given/-', value: 'Poppy' },
    ]);
    expect(await response.json()).toMatchObject({
      telecom: [{ system: 'phone' }],
      name: [{ given: ['Jane', 'Tulip', 'Poppy'] }],
    });
  });

  test('of a version that is not the newest is refused, as the second of two is', async () => {
    await expectOutcome(await patch(jane, rename, { 'if-match': 'W/"1"' }), 409, 'RESOURCE_VERSION_MISMATCH');
    await expectOutcome(await patch(jane, rename, { 'if-match': '*' }), 409, 'RESOURCE_VERSION_MISMATCH');
    const statuses = await Promise.all([patch(jane, rename), patch(jane, rename)]);
    expect(statuses.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(await family()).toEqual(['Placeholder', '3']);
  });

  test('needs If-Match', async () => {
    await expectOutcome(
      await patch(jane, rename, { 'if-match': undefined }),
      412,
      'PRECONDITION_FAILED',
      'Invalid request with error - If-Match header must be supplied to update this resource',
    );
  });

  test.each(['application/json', 'application/fhir+json', 'text/plain'])('as %s is refused', async (type) => {
    await expectOutcome(await patch(jane, rename, { 'content-type': type }), 400, 'UNSUPPORTED_SERVICE');
  });

  test('of a number that is none, or nobody’s, or of a restricted record is refused', async () => {
    await expectOutcome(await patch('9000000000', rename), 400, 'INVALID_RESOURCE_ID');
    await expectOutcome(await patch('9876543210', rename), 404, 'RESOURCE_NOT_FOUND');
    await expectOutcome(
      await patch(restricted, rename, { 'if-match': 'W/"5"' }),
      403,
      'FORBIDDEN_UPDATE',
      'Forbidden update with error - the record is restricted',
    );
  });

  test.each<[unknown, string]>([
    ['no JSON', 'The body is not JSON'],
    [[], 'No patches found'],
    [{}, 'No patches found'],
    [{ patches: [] }, 'No patches found'],
    [[...rename, { op: 'test', path: '/gender', value: 'male' }], 'Invalid patch - TEST_OPERATION_FAILED'],
    [[{ op: 'replace', path: '/nothing/here', value: 1 }], 'Invalid patch - OPERATION_PATH_UNRESOLVABLE'],
    [[{ op: 'remove', path: '/address/7' }], 'Invalid patch - OPERATION_PATH_UNRESOLVABLE'],
    [[{ op: 'remove', path: '/name' }], 'The result is no patient'],
    [[{ op: 'replace', path: '/name', value: [] }], 'The result is no patient'],
    [[{ op: 'replace', path: '/gender', value: 'F' }], 'The result is no patient'],
    [[{ op: 'replace', path: '/birthDate', value: '1/2/2003' }], 'The result is no patient'],
    [[{ op: 'replace', path: '', value: [] }], 'The result is no patient'],
    [[{ op: 'replace', path: '', value: null }], 'The result is no patient'],
  ])('with %j is refused, and changes nothing', async (body, what) => {
    await expectOutcome(
      await patch(jane, body),
      400,
      'INVALID_UPDATE',
      `Invalid update with error - ${what}`,
    );
    expect(await family()).toEqual(['Marchbanks', '2']);
  });

  test('with an operation that there is not is refused by its place', async () => {
    await expectOutcome(
      await patch(jane, [...rename, { op: 'bad_value', path: '/gender' }]),
      400,
      'INVALID_VALUE',
      "Invalid value - 'bad_value' in field '1/op'",
    );
    expect(await family()).toEqual(['Marchbanks', '2']);
  });

  test.each(['id', 'resourceType', 'identifier', 'meta'])('cannot change %s', async (member) => {
    await expectOutcome(
      await patch(jane, [{ op: 'replace', path: `/${member}`, value: 'other' }]),
      403,
      'FORBIDDEN_UPDATE',
      `Forbidden update with error - ${member} cannot be changed`,
    );
  });

  test('cannot reach the prototype of anything', async () => {
    const response = await patch(jane, [{ op: 'add', path: '/__proto__/polluted', value: true }]);
    expect(response.status).toBe(400);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('is undone with reset', async () => {
    await patch(jane, rename);
    pds.controlPanel.commands['reset']?.({});
    expect(await family()).toEqual(['Marchbanks', '2']);
  });
});

describe('The control panel', () => {
  const controlPanel = (command: string, input: object) =>
    fetch(`${pds.url}/control-panel/api/${command}`, {
      method: 'POST',
      headers: { 'x-control-panel': '1', 'content-type': 'application/json' },
      body: JSON.stringify(input),
    });

  test('uses the quota up for as many requests as it is told', async () => {
    await controlPanel('fault', { kind: 'quota', times: 1, retryAfterSeconds: 3 });
    const response = await call(`/Patient/${jane}`);
    expect(response.headers.get('retry-after')).toBe('3');
    await expectOutcome(response, 429, 'TOO_MANY_REQUESTS');
    expect((await call(`/Patient/${jane}`)).status).toBe(200);
  });

  test('fails one kind of request with the status it is told', async () => {
    await controlPanel('fault', {
      kind: 'status',
      status: 503,
      error: 'DOWN',
      description: 'words',
      operation: 'search',
    });
    expect((await call(`/Patient/${jane}`)).status).toBe(200);
    await expectOutcome(
      await search({ family: 'Marchbanks', birthdate: '2010-10-22' }),
      503,
      'DOWN',
      'words',
    );
  });

  test('drops the response to an update that has been made', async () => {
    await controlPanel('fault', { kind: 'drop', times: 1, operation: 'update' });
    await expect(patch(jane, [{ op: 'remove', path: '/telecom' }])).rejects.toThrow();
    expect((await call(`/Patient/${jane}`)).headers.get('etag')).toBe('W/"3"');
  });

  test('shows what was received, without the token', async () => {
    const requestId = randomUUID();
    await call('/Patient?family=Marchbanks&birthdate=2010-10-22', {
      'x-request-id': requestId,
      'nhsd-session-urid': '777',
      'x-made-up': 'value',
    });
    const state = await (await fetch(`${pds.url}/control-panel/api/state`)).text();
    expect(JSON.parse(state)).toMatchObject({
      received: [
        {
          method: 'GET',
          path: '/Patient',
          query: 'family=Marchbanks&birthdate=2010-10-22',
          headers: { 'x-request-id': requestId, 'nhsd-session-urid': '777', 'accept-encoding': 'identity' },
          status: 200,
        },
      ],
    });
    expect(pds.received[0]?.headerNames).toEqual(expect.arrayContaining(['authorization', 'x-made-up']));
    expect(state).not.toContain('good-token');
    expect(state).not.toContain('"value"');
  });

  test('has a log that tells nothing of a patient', async () => {
    await search({ family: 'Marchbanks', birthdate: '2010-10-22' });
    await call(`/Patient/${jane}`);
    await patch(jane, 'no JSON');
    expect(log.slice(-3)).toEqual([
      'GET /Patient 200 1 found',
      'GET /Patient 200 read',
      'PATCH /Patient 400 INVALID_UPDATE',
    ]);
  });
});
