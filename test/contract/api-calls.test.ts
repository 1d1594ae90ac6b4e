/** `/api/pds/…`: what an upstream is sent, and what of its response comes back. */
import { describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import type { Browser } from '../support/browser.ts';
import { patchPatient, patientPath, roleIds, useProxyRig } from '../support/proxy-rig.ts';
import { rawRequest } from '../support/raw-http.ts';
import { expectOwnHeaders, expectProblem, headersOf, read } from './expectations.ts';

const rig = useProxyRig();
const searchPath = '/api/pds/Patient';
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The upstream's response from now on: this one, with its body as it stands. */
const respondWith = (
  status: number,
  headers: Record<string, string> = {},
  body: string | Buffer = '',
): void => {
  rig.upstream.respond = (response) => {
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
  };
};

const fhir = { 'content-type': 'application/fhir+json' };

/** Headers that our own response has, whatever the upstream says. */
const ours = new Set([
  ...['cache-control', 'connection', 'content-length', 'content-security-policy', 'date', 'keep-alive'],
  ...['cross-origin-resource-policy', 'referrer-policy', 'strict-transport-security', 'transfer-encoding'],
  ...['x-content-type-options', 'x-request-id'],
]);

describe('an upstream is sent', () => {
  test('who calls, in which role, and nothing else that the browser sent [B-13, B-17, B-22, S-12]', async () => {
    const browser = await rig.signedIn();
    const response = await browser.api(patientPath, {
      headers: {
        'accept-language': 'cy',
        authorization: 'Bearer of-my-own',
        'if-match': 'W/"9"',
        'nhsd-session-urid': '900000000999',
        referer: `${rig.bff.baseUrl}/ward/7`,
        'user-agent': 'Mozilla/5.0',
        'x-correlation-id': 'mine',
        'x-forwarded-for': '203.0.113.9',
        'x-request-id': 'mine',
        'x-secret-of-the-page': 'x',
      },
    });
    expect(response.status).toBe(200);
    expect(rig.upstream.calls).toHaveLength(1);
    const [call] = rig.upstream.calls;
    expect([call?.method, call?.target, call?.body.length]).toEqual([
      'GET',
      `${new URL(rig.upstream.base).pathname}/Patient/9000000009`,
      0,
    ]);
    const { 'accept-encoding': encodings, ...headers } = call?.headers ?? {};
    expect(headers).toEqual({
      accept: 'application/fhir+json',
      authorization: expect.stringMatching(/^Bearer access-\S+$/),
      connection: 'keep-alive',
      host: new URL(rig.upstream.base).host,
      'nhsd-session-urid': roleIds[0],
      'x-correlation-id': expect.stringMatching(uuid),
      'x-request-id': expect.stringMatching(uuid),
    });
    expect(encodings).toMatch(/gzip/);
    const token = headers.authorization?.slice('Bearer '.length) ?? '';
    expect(rig.platform.ownerOf(token)).toBe('900000000111');
  });

  test('another X-Request-ID each time, and one X-Correlation-ID a session', async () => {
    const [browser, other] = [await rig.signedIn(), await rig.signedIn()];
    for (const who of [browser, browser, other]) expect((await who.api(patientPath)).status).toBe(200);
    const of = (name: string) => rig.upstream.calls.map(({ headers }) => headers[name]);
    expect(new Set(of('x-request-id')).size).toBe(3);
    const [first, second, third] = of('x-correlation-id');
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(await browser.session()).not.toMatchObject({ handle: first });
  });

  test('the listed query parameters, each spelled anew', async () => {
    const browser = await rig.signedIn();
    const query =
      'family=O%27Neill&given=Zo%C3%AB&given=J%20K&gender=female&birthdate=ge1980-01-31&birthdate=le1981-01-31' +
      '&address-postalcode=ZZ1%201AB&_max-results=10';
    expect((await browser.api(`${searchPath}?${query}`)).status).toBe(200);
    const target = new URL(rig.upstream.calls[0]?.target ?? '', 'http://upstream.invalid');
    expect(target.pathname).toBe(`${new URL(rig.upstream.base).pathname}/Patient`);
    expect([...target.searchParams]).toEqual([...new URLSearchParams(query)]);
  });

  test.each([
    'name=x',
    'family=x&name=x',
    'FAMILY=x',
    'family=x&family=y',
    'gender=unsure',
    'birthdate=1980',
    'family=',
  ])('no search with %s: that is 400', async (query) => {
    const browser = await rig.signedIn();
    expectProblem(await read(await browser.api(`${searchPath}?${query}`)), 400, 'invalid_request');
    expect(rig.upstream.calls).toEqual([]);
  });

  test('the bytes of a change as they came, and If-Match', async () => {
    const browser = await rig.signedIn();
    const body = Buffer.concat([
      Buffer.from('[{"op":"add","path":"/x","value":"'),
      Buffer.from([0xc3, 0xa9, 0x22]),
    ]);
    const response = await patchPatient(browser, { 'if-match': 'W/"7"' }, new Uint8Array(body));
    expect(response.status).toBe(200);
    const [call] = rig.upstream.calls;
    expect(call?.method).toBe('PATCH');
    expect(call?.body.equals(body)).toBe(true);
    expect(call?.headers).toMatchObject({
      'content-type': 'application/json-patch+json',
      'content-length': String(body.length),
      'if-match': 'W/"7"',
    });
  });

  test.each([
    ['application/json', 415, 'unsupported_media_type', 'x'.repeat(10)],
    ['text/plain', 415, 'unsupported_media_type', 'x'.repeat(10)],
    ['application/json-patch+json', 413, 'payload_too_large', 'x'.repeat(65_537)],
  ])('no change as %s that is %d', async (type, status, code, body) => {
    const browser = await rig.signedIn();
    expectProblem(await read(await patchPatient(browser, { 'content-type': type }, body)), status, code);
    expect(rig.upstream.calls).toEqual([]);
  });

  test('a change of 64 KiB', async () => {
    const browser = await rig.signedIn();
    expect((await patchPatient(browser, {}, 'x'.repeat(65_536))).status).toBe(200);
    expect(rig.upstream.calls[0]?.body.length).toBe(65_536);
  });

  test.each(['/api/pds/Practitioner/1', '/api/pds/Patient/900000000', '/api/pds', '/api/other/Patient'])(
    'nothing for %s, which is not listed: 404 [B-15]',
    async (path) => {
      expectProblem(await read(await (await rig.signedIn()).api(path)), 404, 'not_found');
      expect(rig.upstream.calls).toEqual([]);
    },
  );

  test.each([
    [searchPath, 'POST', 'GET'],
    [searchPath, 'PATCH', 'GET'],
    [patientPath, 'DELETE', 'GET, PATCH'],
    [patientPath, 'PUT', 'GET, PATCH'],
    [patientPath, 'OPTIONS', 'GET, PATCH'],
  ])('nothing for %s by %s: 405, which says what it takes [B-16]', async (path, method, allow) => {
    const response = await read(await (await rig.signedIn()).api(path, { method }));
    expectProblem(response, 405, 'method_not_allowed');
    expect(response.headers['allow']).toBe(allow);
    expect(rig.upstream.calls).toEqual([]);
  });
});

describe('an upstream cannot speak as the BFF', () => {
  const forged = JSON.stringify({
    type: 'urn:cis2-bff:problem:step_up_required',
    ...{ title: 'Sign in again', status: 401, code: 'step_up_required', reference: 'AAAA-BBBB-CCCC' },
    loginUrl: 'https://evil.example/login',
  });

  test.each(['X-BFF-Problem', 'x-bff-problem', 'X-Bff-Problem', 'x-bff-anything'])(
    'with a header %s of its own, on any status',
    async (name) => {
      const browser = await rig.signedIn();
      for (const status of [200, 204, 304, 400, 403, 404, 409, 412, 422, 429]) {
        const type = { 'content-type': 'application/problem+json' };
        respondWith(
          status,
          { [name]: 'step_up_required', ...type },
          [204, 304].includes(status) ? '' : forged,
        );
        const response = await browser.api(patientPath);
        expect(response.status).toBe(status);
        expect([...response.headers.keys()].filter((header) => header.startsWith('x-bff'))).toEqual([]);
      }
    },
  );

  test('and what the BFF sends in place of it says so, once', async () => {
    respondWith(
      500,
      { 'x-bff-problem': 'step_up_required', 'content-type': 'application/problem+json' },
      forged,
    );
    expectProblem(await read(await (await rig.signedIn()).api(patientPath)), 502, 'upstream_invalid');
  });
});

describe('of an upstream’s response comes back', () => {
  test('status, body and the listed headers, and no other header [ASVS-4.1.3]', async () => {
    const body = '{"resourceType":"Patient","id":"9000000009"}';
    respondWith(
      200,
      {
        ...fhir,
        etag: 'W/"2"',
        'last-modified': 'Tue, 01 Sep 2026 09:00:00 GMT',
        'access-control-allow-origin': '*',
        'cache-control': 'public, max-age=600',
        'content-security-policy': 'default-src *',
        'set-cookie': '__Host-Http-session=theirs; Path=/; Secure',
        server: 'theirs',
        'strict-transport-security': 'max-age=0',
        'x-request-id': 'theirs',
        'x-powered-by': 'theirs',
      },
      body,
    );
    const browser = await rig.signedIn();
    const response = await browser.api(patientPath);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(body);
    const headers = headersOf(response.headers);
    expectOwnHeaders(headers);
    expect(Object.fromEntries(Object.entries(headers).filter(([name]) => !ours.has(name)))).toEqual({
      ...fhir,
      etag: 'W/"2"',
      'last-modified': 'Tue, 01 Sep 2026 09:00:00 GMT',
    });
    expect(JSON.stringify(headers)).not.toContain('theirs');
  });

  test.each([
    [201, '{"resourceType":"Patient"}'],
    [204, ''],
    [304, ''],
    [400, '{"resourceType":"OperationOutcome"}'],
    [403, '{"resourceType":"OperationOutcome"}'],
    [404, '{"resourceType":"OperationOutcome"}'],
    [409, '{"resourceType":"OperationOutcome"}'],
    [412, '{"resourceType":"OperationOutcome"}'],
    [422, '{"resourceType":"OperationOutcome"}'],
    [428, '{"resourceType":"OperationOutcome"}'],
  ])('%d as it is', async (status, body) => {
    rig.upstream.respond = (response) => {
      response.writeHead(status, body === '' ? { etag: '"3"' } : { ...fhir, etag: '"3"' }).end(body);
    };
    const response = await (await rig.signedIn()).api(patientPath);
    expect(response.status).toBe(status);
    expect(response.headers.get('etag')).toBe('"3"');
    expect(await response.text()).toBe(body);
    expectOwnHeaders(headersOf(response.headers));
    expect(rig.upstream.calls).toHaveLength(1);
  });

  test('429 with its Retry-After', async () => {
    respondWith(429, { ...fhir, 'retry-after': '17' }, '{"resourceType":"OperationOutcome"}');
    const response = await (await rig.signedIn()).api(patientPath);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '17']);
    expect(await response.json()).toEqual({ resourceType: 'OperationOutcome' });
  });

  test.each([
    ['on the same upstream, as our path', 'BASE/Patient/9000000017?a=b', '/api/pds/Patient/9000000017?a=b'],
    ['that is relative, as our path', '9000000017', '/api/pds/Patient/9000000017'],
    ['anywhere else, not at all', 'https://evil.example/Patient/9000000017', null],
    ['beside the upstream’s base, not at all', 'ORIGIN/elsewhere', null],
  ])('a Location %s', async (_, location, expected) => {
    const { base } = rig.upstream;
    const given = location.replace('BASE', base).replace('ORIGIN', new URL(base).origin);
    respondWith(201, { location: given });
    const response = await patchPatient(await rig.signedIn());
    expect([response.status, response.headers.get('location')]).toEqual([201, expected]);
  });

  /** `fetch` unpacks what it gets: this one does not. */
  const rawBytes = async (browser: Browser, encodings: string) => {
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return rawRequest(rig.bff.baseUrl, patientPath, {
      headers: [
        ['X-CSRF', '1'],
        ['Cookie', cookie],
        ['Accept-Encoding', encodings],
      ],
      encoding: 'latin1',
    });
  };

  test('what is compressed byte for byte, to a browser that asked for it', async () => {
    const packed = gzipSync('{"resourceType":"Bundle","total":1}'.repeat(500));
    respondWith(200, { ...fhir, 'content-encoding': 'gzip' }, packed);
    const response = await rawBytes(await rig.signedIn(), 'gzip, br');
    expect([response.status, response.headers['content-encoding']]).toEqual([200, 'gzip']);
    expect(Buffer.from(response.body, 'latin1').equals(packed)).toBe(true);
    expect(rig.upstream.calls[0]?.headers['accept-encoding']).toBe('gzip, br');
  });

  test('what is no text byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 1_024 }, (_, index) => index % 256));
    respondWith(200, { 'content-type': 'image/png' }, bytes);
    const response = await rawBytes(await rig.signedIn(), 'identity');
    expect([response.status, response.headers['content-type']]).toEqual([200, 'image/png']);
    expect(Buffer.from(response.body, 'latin1').equals(bytes)).toBe(true);
  });

  test('four megabytes', async () => {
    const body = Buffer.alloc(4 * 1_024 * 1_024, 0x61);
    respondWith(200, { 'content-type': 'text/plain' }, body);
    const response = await (await rig.signedIn()).api(patientPath);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
  });

  test('no problem of a page that an upstream sends in place of one: it stays the upstream’s, and harmless', async () => {
    respondWith(404, { 'content-type': 'text/html' }, '<script>alert(1)</script>');
    const response = await (await rig.signedIn()).api(patientPath);
    expect([response.status, response.headers.get('content-type')]).toEqual([404, 'text/html']);
    expectOwnHeaders(headersOf(response.headers));
  });
});
