/**
 * What has been tried, or could be, to make the API proxy call something else than the manifest lists, or tell an upstream
 * something that the BFF did not say. Sent by somebody who is signed in, with every guard's header unless a vector has
 * another value for it. Targets stand as they do in the request line.
 */

export interface ProxyVector {
  readonly kind: string;
  readonly method: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The status that the BFF responds with. A gateway may refuse what it cannot read before that, with 400. */
  readonly status: number;
}

const patient = '/api/pds/Patient/9000000009';
const search = '/api/pds/Patient';

const vectors = (
  kind: string,
  status: number,
  targets: readonly string[],
  rest: Partial<ProxyVector> = {},
): readonly ProxyVector[] => targets.map((target) => ({ kind, method: 'GET', target, status, ...rest }));

/** In the place of the patient's number. */
const ids: readonly string[] = [
  // steps to another path, plain and in every dress
  ...['.', '..', '...', '../Patient', './9000000009', '9000000009/.', '9000000009/..', '9000000009/../x'],
  ...['%2e', '%2e%2e', '%2E%2E', '.%2e', '%2e.', '%2e%2e/', '%2e%2e%2f', '..%2f', '..%2F', '%2e%2e%5c'],
  ...[
    '..%5c',
    '..%5C..%5Cadmin',
    '..%2fadmin',
    '..%2f..%2f..%2fetc%2fpasswd',
    '%252e%252e',
    '%252e%252e%252f',
  ],
  ...['%25252e%25252e', '..%252f', '..%c0%af', '%c0%ae%c0%ae', '%e0%80%ae', '%uff0e%uff0e', '..%ef%bc%8f'],
  ...['..;', '..;/', '..;x=1/', ';/..', '9000000009;', '9000000009;x=1', ';9000000009', '9000000009;/admin'],
  ...['9000000009..', '..9000000009', '.9000000009', '9000000009.', '9000000009.json', '9000000009~'],
  ...['%e2%80%a5', '%ef%bc%8e%ef%bc%8e', '%e2%80%a4%e2%80%a4', '..%00', '..%0d/', '..%09', '..%20'],
  // another host or scheme
  ...['//evil.example', '%2f%2fevil.example', '/%5cevil.example', '%5c%5cevil.example', '@evil.example'],
  ...['9000000009@evil.example', '%40evil.example', ':80', '9000000009:80', 'http:%2f%2fevil.example'],
  ...['http://evil.example/', 'https:evil.example', '%68ttp://evil.example', 'file:%2f%2f%2fetc', '[::1]'],
  ...['169.254.169.254', '127.0.0.1', 'localhost', '%5b::1%5d', '%0d%0aHost:%20evil.example'],
  // ends of lines, of texts and of words
  ...['%00', '9000000009%00', '%009000000009', '9000000009%00.json', '9000000009%0a', '9000000009%0d'],
  ...['9000000009%0d%0aX-Injected:%201', '9000000009%0a%0aGET%20/', '9000000009%09', '9000000009%0b'],
  ...['9000000009%20', '%209000000009', '9000000009+', '9000000009%c2%a0', '9000000009%e2%80%8b'],
  ...['9000000009%e2%80%a8', '9000000009%ef%bb%bf', '%ef%bb%bf9000000009', '9000000009%7f', '9000000009%1b'],
  // numbers that are none, or others
  ...['0', '900000000', '90000000009', '900000000999999999999', '-900000009', '+900000000', '9e9', '0x9'],
  ...[
    '900000000x',
    'x',
    'NaN',
    'null',
    'undefined',
    'true',
    '9,000,000,009',
    '900-000-0009',
    '900%20000%200009',
  ],
  ...['%ef%bc%99000000009', '%d9%a9000000009', '%e0%a5%af000000009', '%c2%b2000000009', '900000000%e2%82%89'],
  ...['9000000009,9000000017', '9000000009%2c9000000017', '9000000009|9000000017', '9000000009&x=1'],
  ...[
    '{id}',
    '%7bid%7d',
    '$everything',
    '_search',
    '_history',
    '*',
    '%2a',
    "'",
    '%27',
    '%22',
    '<x>',
    '%3cx%3e',
  ],
  ...['${9*9}', '{{9}}', '%', '%%', '%zz', '%9', '%ff', '%fe%ff', '%u0039', 'constructor', '__proto__'],
  // longer than any
  ...['9'.repeat(64), '9'.repeat(1_024), '%39'.repeat(300), `9000000009${'%00'.repeat(100)}`],
  // below a patient
  ...[
    '9000000009/',
    '9000000009//',
    '9000000009/_history',
    '9000000009/$everything',
    '9000000009/RelatedPerson',
  ],
  ...['9000000009/RelatedPerson/507B7621', '9000000009%2fRelatedPerson', '9000000009%5cRelatedPerson'],
  ...['9000000009%23', '9000000009%23/../x', '9000000009%26x=1', '9000000009%253Fx'],
];

const paths: readonly string[] = [
  ...[
    '/api/pds',
    '/api/pds/',
    '/api/pds//Patient',
    '/api//pds/Patient',
    '/api/./pds/Patient',
    '/api/pds/./Patient',
  ],
  ...[
    '/api/x/../pds/Patient',
    '/api/pds/../pds/Patient',
    '/api/pds/%2e/Patient',
    '/api/pds/x/%2e%2e/Patient',
  ],
  ...['/api/PDS/Patient', '/api/Pds/Patient', '/api/pds/patient', '/api/pds/PATIENT', '/api/pds/Patients'],
  ...[
    '/api/pds/Patient/',
    '/api/pds/Patient//',
    '/api/pds/Patient/$match',
    '/api/pds/Patient;x',
    '/api/pds;x/Patient',
  ],
  ...[
    '/api/pds/metadata',
    '/api/pds/RelatedPerson',
    '/api/pds/Observation',
    '/api/pds/_ping',
    '/api/pds/_status',
  ],
  ...[
    '/api/pds/oauth2/token',
    '/api/pds/../oauth2/token',
    '/api/pds/..%2f..%2foauth2%2ftoken',
    '/api/oauth2/token',
  ],
  ...[
    '/api/evil/Patient',
    '/api/evil.example/Patient',
    '/api/pds.evil.example/Patient',
    '/api/pds@evil.example/Patient',
  ],
  ...[
    '/api/pds:443/Patient',
    '/api/pds%00/Patient',
    '/api/%70ds%2f/Patient',
    '/api/pds%5cPatient',
    '/api/*/Patient',
  ],
  ...[
    '/api/{upstream}/Patient',
    '/api/constructor/Patient',
    '/api/__proto__/Patient',
    '/api/toString',
    '/api/',
  ],
  ...[
    '/api/pds/Patient%23',
    '/api/pds/Patient%09',
    '/api/pds/%50atient%20',
    '/api/pds/Patient%252f9000000009',
  ],
];

/** After the search's question mark. */
const queries: readonly string[] = [
  // names that are not listed, or not so
  ...[
    'x=1',
    'Family=x',
    'FAMILY=x',
    'family%20=x',
    '%20family=x',
    'family%00=x',
    'family[]=x',
    'family[0]=x',
  ],
  ...[
    'family.x=1',
    'family:exact=x',
    'family%3aexact=x',
    '_id=9000000009',
    '_include=*',
    '_format=json',
    '_count=1',
  ],
  ...[
    'callback=x',
    'access_token=x',
    'url=http://evil.example',
    '__proto__=x',
    '__proto__[x]=1',
    'constructor=x',
  ],
  ...[
    'toString=x',
    '=x',
    '=',
    '%=x',
    '%66amily',
    'family=x&x=1',
    'family=x&=',
    'family=x;x=1&y=2',
    '?family=x',
  ],
  // values that are none, or too long
  ...[
    'family=',
    'family',
    'family=%00',
    'family=a%00b',
    'family=%0d%0aX-Injected:1',
    'family=%0a',
    'family=%7f',
  ],
  ...['family=%ff', 'family=%c0%af', 'family=%ed%a0%80', `family=${'x'.repeat(101)}`, 'family=%1b%5b2J'],
  ...[
    'gender=',
    'gender=x',
    'gender=Male',
    'gender=male%20',
    'gender=male,female',
    'gender=male%00',
    'gender=male|female',
  ],
  ...[
    'birthdate=x',
    'birthdate=gt1980-01-01',
    'birthdate=1980',
    'birthdate=1980-1-1',
    'birthdate=eq1980-01-01T00:00',
  ],
  ...['birthdate=1980-01-01%0a', 'birthdate=%201980-01-01', 'birthdate=ge1980-01-01,le1981-01-01'],
  ...[
    '_max-results=x',
    '_max-results=-1',
    '_max-results=1e9',
    '_max-results=999',
    '_max-results=1.5',
    '_max-results=%31%30%30',
  ],
  ...['address-postalcode=', 'address-postalcode=LS1%206AE%20LS1', 'address-postalcode=%00'],
  // too often
  ...[
    'family=x&family=y',
    'family=x&%66amily=y',
    'gender=male&gender=female',
    '_max-results=1&_max-results=2',
  ],
  ...[
    'birthdate=1980-01-01&birthdate=1980-01-02&birthdate=1980-01-03',
    'given=a&given=b&given=c&given=d&given=e&given=f',
  ],
];

const json = { 'content-type': 'application/json-patch+json' };
const patch = { method: 'PATCH', body: '[]' } as const;

/** Each gets its status in response, and no upstream gets a request. */
export const refused: readonly ProxyVector[] = [
  ...vectors(
    'path variable',
    404,
    ids.map((id) => `/api/pds/Patient/${id}`),
  ),
  ...vectors(
    'path variable of a write',
    404,
    ['.', '%2e%2e', '9000000009/..', '9000000009%00', '9'].map((id) => `/api/pds/Patient/${id}`),
    { ...patch, headers: json },
  ),
  ...vectors('path', 404, paths),
  ...vectors(
    'query',
    400,
    queries.map((query) => `${search}?${query}`),
  ),
  ...vectors('query where none belongs', 400, [
    `${patient}?x=1`,
    `${patient}?family=x`,
    `${patient}?=`,
    `${patient}?%00`,
  ]),
  ...[
    'HEAD',
    'OPTIONS',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'TRACE',
    'PROPFIND',
    'MKCOL',
    'LOCK',
    'QUERY',
  ].flatMap((method) => vectors('method', 405, [search], { method })),
  ...['HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'TRACE', 'PROPFIND', 'SEARCH', 'LINK'].flatMap((method) =>
    vectors('method', 405, [patient], { method }),
  ),
  ...['POST', 'DELETE'].flatMap((method) =>
    ['x-http-method-override', 'x-http-method', 'x-method-override'].flatMap((name) =>
      vectors('method override', 405, [patient], { method, headers: { [name]: 'GET' } }),
    ),
  ),
  ...['', '0', '2', '1,1', '1, 1', 'true', ' 1 1'].flatMap((value) =>
    vectors('guard', 403, [patient], { headers: { 'x-csrf': value } }),
  ),
  ...['null', 'https://evil.example', 'http://evil.example:80'].flatMap((origin) =>
    vectors('guard', 403, [patient], { headers: { origin } }),
  ),
  ...['cross-site', 'same-site', 'none'].flatMap((site) =>
    vectors('guard', 403, [patient], { headers: { 'sec-fetch-site': site } }),
  ),
  ...[
    'text/plain',
    'application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json-patch+json, text/plain',
    'application/json-patch+json; charset=utf-16',
    'application/json-patch+json; charset=utf-7',
    'application/json-patch+jsonx',
    'text/plain; application/json-patch+json',
    '*/*',
  ].flatMap((type) =>
    vectors('content type', 415, [patient], { ...patch, headers: { 'content-type': type } }),
  ),
  ...vectors('body where none belongs', 415, [patient, search], {
    body: '{}',
    headers: { 'content-type': 'application/json' },
  }),
  ...vectors('body too large', 413, [patient], {
    method: 'PATCH',
    body: `[${' '.repeat(65_536)}]`,
    headers: json,
  }),
  ...['W/"1"\u0001', '\u00e9', 'x'.repeat(600)].flatMap((value) =>
    vectors('header value', 400, [patient], { ...patch, headers: { ...json, 'if-match': value } }),
  ),
];

/**
 * Spellings of a listed path that a gateway which decodes makes into that path. Whether they are taken depends on it; taken,
 * they are a call of that very path and of nothing else.
 */
export const respelled: readonly { readonly target: string; readonly path: string }[] = [
  { target: '/api/pds/%50atient/9000000009', path: '/Patient/9000000009' },
  { target: '/api/pds/Patient/%39000000009', path: '/Patient/9000000009' },
  { target: '/api/%70ds/Patient', path: '/Patient' },
  { target: '/api/pds%2FPatient', path: '/Patient' },
  { target: '/api/pds/Patient%2f9000000009', path: '/Patient/9000000009' },
  { target: '/api/pds/Patient/9000000009%3Fx=1', path: '/Patient/9000000009' },
  { target: '/api/pds/Patient%3f', path: '/Patient' },
];

/** Headers that change nothing: the call goes through as it would without them, and none of them reaches the upstream. */
export const ignored: readonly (readonly [name: string, value: string])[] = [
  ['authorization', 'Bearer stolen'],
  ['authorization', 'Basic eDp5'],
  ['nhsd-session-urid', '999999999999'],
  ['nhsd-identity-uuid', '999999999999'],
  ['nhsd-end-user-organisation-ods', 'Z99'],
  ['x-request-id', 'not-ours'],
  ['x-correlation-id', 'not-ours'],
  ['forwarded', 'for=203.0.113.9;host=evil.example'],
  ['x-forwarded-for', '203.0.113.9'],
  ['x-forwarded-host', 'evil.example'],
  ['x-forwarded-proto', 'http'],
  ['x-forwarded-prefix', '/evil'],
  ['x-original-url', '/oauth2/token'],
  ['x-rewrite-url', '/oauth2/token'],
  ['x-original-host', 'evil.example'],
  ['x-host', 'evil.example'],
  ['x-http-method-override', 'DELETE'],
  ['x-http-method', 'DELETE'],
  ['x-method-override', 'DELETE'],
  ['x-amzn-trace-id', 'Root=1-0-0'],
  ['x-amz-cf-id', 'forged'],
  ['cloudfront-viewer-country', 'XX'],
  ['x-user', 'root'],
  ['x-real-ip', '203.0.113.9'],
  ['via', '1.1 evil.example'],
  ['referer', 'https://evil.example/'],
  ['user-agent', 'evil'],
  ['accept-language', 'en-GB'],
  ['range', 'bytes=0-1'],
  ['if-none-match', '"1"'],
  ['if-match', 'W/"1"'],
  ['content-type', 'application/json'],
  ['accept', '*/*'],
  ['accept', 'text/html'],
  ['accept', 'application/fhir+json;q=0.1, evil/evil'],
  ['accept-encoding', 'gzip\tx'],
  ['accept-encoding', 'gzip;q="x"'],
  ['sec-fetch-dest', 'document'],
  ['sec-fetch-mode', 'navigate'],
  ['expect', '100-continue'],
  ['te', 'trailers'],
  ['trailer', 'x'],
  ['upgrade', 'h2c'],
  ['proxy-authorization', 'Basic eDp5'],
  ['proxy-connection', 'keep-alive'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['baggage', 'a=b'],
  ['dnt', '1'],
];
