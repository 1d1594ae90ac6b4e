import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ApiRoutes } from '../../client/api-types.ts';
import {
  defineUpstreams,
  ManifestInvalid,
  routesOf,
  type UpstreamDefinition,
} from '../../lambdas/api/definition.ts';
import { apiPaths, apiRoutes, upstreams } from '../../lambdas/api/manifest.ts';
import {
  accepts,
  digits,
  fhirId,
  matching,
  oneOf,
  repeatable,
  text,
  token,
  wholeNumber,
} from '../../lambdas/api/values.ts';
import { everyAnswer } from '../../lambdas/http/index.ts';
import { manifestDocuments } from '../../tools/manifest-documents.ts';

const root = join(import.meta.dirname, '../..');

const route = { summary: 'A route', token: 'none', role: 'none' } as const;
const body = { types: ['application/json'], maxBytes: 10 };

/** What is wrong with an upstream that a careless author could write, types or not. */
const problemsOf = (
  routes: Record<string, unknown>,
  name = 'one',
  rest: Record<string, unknown> = {},
): readonly string[] => {
  const upstream = { title: 'One', accept: ['application/json'], routes, ...rest };
  try {
    defineUpstreams({ [name]: upstream } as unknown as Record<string, never>);
    return [];
  } catch (error) {
    if (error instanceof ManifestInvalid) return error.problems;
    throw error;
  }
};
const changed = (change: Record<string, unknown>, key = 'GET /x'): readonly string[] =>
  problemsOf({ [key]: { ...route, ...change } });

describe('a route manifest', () => {
  test('that is right is taken as it is', () => {
    expect(
      problemsOf({
        'GET /x': route,
        'GET /x/{id}': { ...route, parameters: { id: digits(3) } },
        'POST /x': { ...route, body },
      }),
    ).toEqual([]);
    expect(problemsOf({ 'GET /x/$validate-code': route })).toEqual([]);
    expect(
      changed({
        role: [{ activityCodes: ['B0420'] }],
        minimumAal: 3,
        maximumSignInAge: 300,
        timeoutSeconds: 20,
        countsAsActivity: false,
      }),
    ).toEqual([]);
    expect(
      changed({
        requestHeaders: ['if-none-match'],
        responseHeaders: ['x-total-count', 'content-disposition'],
      }),
    ).toEqual([]);
  });

  test.each([
    ['', 'GET'],
    ['GET', 'GET'],
    ['get /x', 'get'],
    ['HEAD /x', ''],
    ['OPTIONS /x', ''],
    ['GET x', ''],
    ['GET /', ''],
    ['GET //x', ''],
    ['GET /x/', ''],
    ['GET /x//y', ''],
    ['GET /.', ''],
    ['GET /..', ''],
    ['GET /x/../y', ''],
    ['GET /%2e', ''],
    ['GET /x%2Fy', ''],
    ['GET /x?y', ''],
    ['GET /x#y', ''],
    ['GET /x y', ''],
    ['GET /x;y', ''],
    ['GET /é', ''],
    ['GET /x@y', ''],
    ['GET /{id}x', ''],
    ['GET /{}', ''],
    ['GET /{proxy+}', ''],
    ['GET /{id', ''],
    ['GET /*', ''],
    ['GET https://evil.example/', ''],
  ])('with the key %j is refused', (key) => {
    expect(changed({}, key).length).toBeGreaterThan(0);
  });

  test('with two routes that one path could mean is refused', () => {
    const id = { ...route, parameters: { id: digits(3) } };
    const other = { ...route, parameters: { other: token(9) } };
    expect(problemsOf({ 'GET /x/{id}': id, 'GET /x/{other}': other })).toEqual([
      expect.stringContaining('duplicate'),
    ]);
    expect(problemsOf({ 'GET /x/123': route, 'GET /x/{id}': id })).toEqual([
      expect.stringContaining('duplicate'),
    ]);
    expect(problemsOf({ 'GET /x/{id}': id, 'GET /x/abc': route })).toEqual([]);
    expect(problemsOf({ 'GET /x/{id}': id, 'PATCH /x/{other}': other })).toEqual([]);
  });

  test('whose parameters are not those of its path is refused', () => {
    expect(changed({}, 'GET /x/{id}')).toEqual([expect.stringContaining('no rule for parameter id')]);
    expect(changed({ parameters: { id: digits(3) } })).toEqual([expect.stringContaining('no parameter id')]);
    expect(changed({ parameters: { id: digits(3) } }, 'GET /{id}/{id}')).toEqual([
      expect.stringContaining('twice'),
    ]);
  });

  test.each<[string, Record<string, unknown>]>([
    ['an unknown field', { tokens: 'none' }],
    ['a misspelt field', { minimumAAL: 3 }],
    ['no summary', { summary: '' }],
    ['no token', { token: undefined }],
    ['an unknown token', { token: 'platform' }],
    ['no role', { role: undefined }],
    ['an unknown role', { role: 'any' }],
    ['no role rules', { role: [] }],
    ['an empty role rule', { role: [{}] }],
    ['a misspelt role rule', { role: [{ activities: ['B0420'] }] }],
    ['a role rule without codes', { role: [{ activityCodes: [] }] }],
    ['a level that nobody has', { minimumAal: 4 }],
    ['a level as text', { minimumAal: '3' }],
    ['no level', { minimumAal: NaN }],
    ['an age of nought', { maximumSignInAge: 0 }],
    ['an age that is no number', { maximumSignInAge: NaN }],
    ['too long a time', { timeoutSeconds: 21 }],
    ['no time', { timeoutSeconds: 0 }],
    ['a time for ever', { timeoutSeconds: Infinity }],
    ['activity as text', { countsAsActivity: 'false' }],
    ['a body on a GET', { body }],
    ['a query that is no rule', { query: { x: 'text' } }],
    ['a query name with a space', { query: { 'x y': text(3) } }],
    ['a query of any length', { query: { x: text(Infinity) } }],
    ['a query that accepts nothing at all', { query: { x: matching(/.*/, 3, 'a') } }],
    ['a query pattern that is none', { query: { x: { pattern: '(', maxLength: 3, example: 'a' } } }],
    ['a query that refuses its example', { query: { x: matching(/b/, 3, 'a') } }],
    ['a query any number of times', { query: { x: repeatable(text(3), Infinity) } }],
    ['an unknown field of a rule', { query: { x: { ...text(3), optional: true } } }],
  ])('with %s is refused', (_, change) => {
    expect(changed(change).length).toBeGreaterThan(0);
  });

  test.each<[string, Record<string, unknown>]>([
    ['of any size', { types: ['application/json'], maxBytes: Infinity }],
    ['without a size', { types: ['application/json'] }],
    ['of no type', { types: [], maxBytes: 1 }],
    ['of a type that is none', { types: ['json'], maxBytes: 1 }],
    ['of a type in capitals', { types: ['Application/JSON'], maxBytes: 1 }],
    ['of a type that a form can send', { types: ['text/plain'], maxBytes: 1 }],
    ['as a form', { types: ['application/x-www-form-urlencoded'], maxBytes: 1 }],
    ['with an unknown field', { types: ['application/json'], maxBytes: 1, required: true }],
  ])('with a body %s is refused', (_, wrong) => {
    expect(changed({ body: wrong }, 'POST /x').length).toBeGreaterThan(0);
  });

  test.each([
    ...[
      'authorization',
      'cookie',
      'host',
      'connection',
      'transfer-encoding',
      'content-length',
      'content-type',
      'te',
    ],
    ...[
      'nhsd-session-urid',
      'nhsd-identity-uuid',
      'x-request-id',
      'x-correlation-id',
      'x-forwarded-for',
      'forwarded',
    ],
    ...[
      'x-http-method-override',
      'x-amzn-trace-id',
      'origin',
      'referer',
      'sec-fetch-site',
      'x-csrf',
      'X-Upper',
      'a b',
      '',
    ],
  ])('that would pass the browser’s %j on is refused [B-17, B-22]', (name) => {
    expect(changed({ requestHeaders: [name] }).length).toBeGreaterThan(0);
  });

  test.each([
    ...Object.keys(everyAnswer),
    ...[
      'set-cookie',
      'set-cookie2',
      'access-control-allow-origin',
      'access-control-allow-credentials',
      'x-request-id',
      'x-bff-problem',
      'x-bff-anything',
    ],
    ...[
      'connection',
      'transfer-encoding',
      'content-length',
      'www-authenticate',
      'clear-site-data',
      'refresh',
      'link',
    ],
    ...[
      'content-security-policy-report-only',
      'location',
      'content-encoding',
      'service-worker-allowed',
      'Etag',
      'a:b',
    ],
  ])('that would pass an upstream’s %j back is refused', (name) => {
    expect(changed({ responseHeaders: [name] }).length).toBeGreaterThan(0);
  });

  test('with an upstream that is not whole is refused', () => {
    expect(problemsOf({}).length).toBeGreaterThan(0);
    for (const name of ['', 'One', 'o/e', '..', 'a b', '1a', 'x'.repeat(40)]) {
      expect(problemsOf({ 'GET /x': route }, name).length).toBeGreaterThan(0);
    }
    for (const rest of [{ title: '' }, { accept: [] }, { accept: ['*'] }, { baseUrl: 'https://x.example' }]) {
      expect(problemsOf({ 'GET /x': route }, 'one', rest).length).toBeGreaterThan(0);
    }
  });

  test('is checked as it is written, too', () => {
    const upstream = { title: 'One', accept: ['application/json'] } as const;
    const parameters = { number: digits(3) };
    const define = (): void => {
      // @ts-expect-error the path's parameter has no rule
      defineUpstreams({ one: { ...upstream, routes: { 'GET /x/{id}': route } } });
    };
    const another = (): void => {
      // @ts-expect-error the rule is for another parameter
      defineUpstreams({ one: { ...upstream, routes: { 'GET /x/{id}': { ...route, parameters } } } });
    };
    const head = (): void => {
      // @ts-expect-error not a method of a proxied route
      defineUpstreams({ one: { ...upstream, routes: { 'HEAD /x': route } } });
    };
    expect(define).toThrow(ManifestInvalid);
    expect(another).toThrow(ManifestInvalid);
    expect(head).toThrow(ManifestInvalid);
  });
});

describe('a rule for a value', () => {
  test.each<[string, ReturnType<typeof text>, string[], string[]]>([
    ['digits(3)', digits(3), ['000', '123'], ['', '12', '1234', 'abc', '12 ', '12\n', '١٢٣', '+12', '1.2']],
    ['token(4)', token(4), ['a', 'A1-_', '~.x'], ['', 'abcde', 'a b', 'a/b', 'a%', 'é', 'a\n']],
    ['fhirId', fhirId, ['a', 'A-1.b', 'x'.repeat(64)], ['', 'x'.repeat(65), 'a_b', 'a/b', 'a~']],
    ['oneOf', oneOf('a', 'b.c'), ['a', 'b.c'], ['', 'A', 'b', 'bxc', 'a|b.c', 'a\n']],
    ['text(3)', text(3), ['a', 'é😀x', ' ', '%2e'], ['', 'abcd', 'a\0', 'a\n', '\u0085', '\ufffd', '\ud800']],
    ['wholeNumber(2)', wholeNumber(2), ['0', '42'], ['', '-1', '100', '1e1', '4.2']],
    ['matching', matching(/a|b/, 5, 'a'), ['a', 'b'], ['', 'ab', 'xa', 'bx', 'c']],
  ])('%s takes the whole value or nothing', (_, rule, good, bad) => {
    expect(good.filter((value) => !accepts(rule, value))).toEqual([]);
    expect(bad.filter((value) => accepts(rule, value))).toEqual([]);
    expect(accepts(rule, rule.example)).toBe(true);
  });

  test('never takes what is longer than it says', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 20 }), (value, most) => {
        if (accepts(text(most), value)) expect(Array.from(value).length).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe('the manifest of this repository', () => {
  test('lists the Personal Demographics Service and nothing else', () => {
    expect(apiPaths).toEqual(['/api/pds/{proxy+}']);
    expect(
      apiRoutes.map((listed) => [
        `${listed.method} ${listed.path}`,
        listed.token,
        listed.role,
        listed.maximumSignInAge,
        listed.timeoutSeconds,
      ]),
    ).toEqual([
      ['GET /api/pds/Patient', 'api-platform', 'chosen', undefined, 20],
      ['GET /api/pds/Patient/{id}', 'api-platform', 'chosen', undefined, 20],
      ['PATCH /api/pds/Patient/{id}', 'api-platform', 'chosen', 300, 20],
    ]);
    expect(Object.keys(apiRoutes[0]?.query ?? {})).toEqual([
      'family',
      'given',
      'gender',
      'birthdate',
      'address-postalcode',
      '_max-results',
    ]);
    expect(apiRoutes[2]).toMatchObject({
      requestHeaders: ['if-match'],
      body: { types: ['application/json-patch+json'], maxBytes: 65_536 },
    });
  });

  test('is what the documents and the types for clients say: npm run manifest has been run', async () => {
    for (const [path, content] of Object.entries(await manifestDocuments(upstreams))) {
      expect([path, readFileSync(join(root, path), 'utf8')]).toEqual([path, content]);
    }
  });

  test('changes the documents when it changes', async () => {
    const other = {
      pds: { ...upstreams.pds, routes: { ...upstreams.pds.routes, 'GET /RelatedPerson': route } },
    } as Record<string, UpstreamDefinition>;
    const [before, after] = await Promise.all([manifestDocuments(upstreams), manifestDocuments(other)]);
    expect(routesOf(other)).toHaveLength(apiRoutes.length + 1);
    for (const path of Object.keys(before)) expect(after[path]).not.toBe(before[path]);
  });

  test('has types that a client can call by', () => {
    const query: ApiRoutes['GET /api/pds/Patient']['query'] = {
      family: 'x',
      given: ['a', 'b'],
      gender: 'female',
    };
    // @ts-expect-error another value than those listed
    const wrong: ApiRoutes['GET /api/pds/Patient']['query'] = { gender: 'x' };
    const parameters: ApiRoutes['GET /api/pds/Patient/{id}']['parameters'] = { id: '9000000009' };
    expect([query, wrong, parameters]).toHaveLength(3);
  });

  test('is an OpenAPI 3.1 document whose references lead somewhere', async () => {
    const document = JSON.parse((await manifestDocuments(upstreams))['docs/openapi.json'] ?? '') as Record<
      string,
      unknown
    >;
    expect(document['openapi']).toBe('3.1.0');
    expect(Object.keys(document['paths'] as object)).toEqual(['/api/pds/Patient', '/api/pds/Patient/{id}']);
    for (const [, reference = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = reference
        .split('/')
        .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
      expect([reference, target]).toEqual([reference, expect.any(Object)]);
    }
  });
});
