import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import ts from 'typescript';
import type { ApiRoutes } from '../../client/api-types.ts';
import bff, { upstreams } from '../../bff.config.ts';
import { apiPaths, routesOf } from '../../lambdas/api/api-routes.ts';
import { manifestFileText, readManifestFile } from '../../lambdas/api/manifest-file.ts';
import { accepts } from '../../lambdas/api/value-rules.ts';
import {
  BffConfigInvalid,
  defineBff,
  defineUpstreams,
  digits,
  fhirId,
  ManifestInvalid,
  matching,
  oneOf,
  pds,
  repeatable,
  text,
  token,
  wholeNumber,
  type UpstreamDefinition,
} from '../../manifest/index.ts';
import { responseHeaders } from '../../lambdas/response-headers.ts';
import { manifestDocuments } from '../../tools/manifest-documents.ts';
import { writeManifest } from '../../tools/write-manifest.ts';

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
    ...Object.keys(responseHeaders),
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
    [
      'oneOf of any characters',
      oneOf('on-hold', '"\\', '^$.*+?()[]{}|/', 'é'),
      ['on-hold', '"\\', '^$.*+?()[]{}|/', 'é'],
      ['', 'onhold', '"', 'e'],
    ],
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
  const apiRoutes = routesOf(upstreams);

  test('lists the Personal Demographics Service and nothing else', () => {
    expect(apiPaths(upstreams)).toEqual(['/api/pds/{proxy+}']);
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

  test('is what the documents and the types for clients say: npm run manifest has been run', () => {
    const written = writeManifest(upstreams, {
      out: join(root, 'docs'),
      types: join(root, 'client/api-types.ts'),
      check: true,
    });
    expect(written.map(({ stale }) => stale)).toEqual([false, false, false]);
  });

  test('changes the documents when it changes', () => {
    const other = {
      pds: { ...upstreams.pds, routes: { ...upstreams.pds.routes, 'GET /RelatedPerson': route } },
    } as Record<string, UpstreamDefinition>;
    const [before, after] = [manifestDocuments(upstreams), manifestDocuments(other)];
    expect(routesOf(other)).toHaveLength(apiRoutes.length + 1);
    for (const name of ['openApi', 'routes', 'types'] as const) expect(after[name]).not.toBe(before[name]);
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

  test('is an OpenAPI 3.1 document whose references lead somewhere', () => {
    const document = JSON.parse(manifestDocuments(upstreams).openApi) as Record<string, unknown>;
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

describe('what is wrong with a manifest', () => {
  test('is reported all at once, by upstream, route and member, with the value got and what is allowed', () => {
    const wrong = {
      Pds: {
        title: 'One',
        accept: ['JSON'],
        rotes: {},
        routes: {
          'HEAD /x': route,
          'GET /x/{id}': {
            ...route,
            tokn: 'none',
            token: 'platform',
            role: [{ activityCode: ['B0420'] }],
            parameters: { id: { pattern: '(', maxLength: 0, example: 7 }, other: digits(3) },
            query: { q: { ...text(3), maxCount: 99 } },
            requestHeaders: ['cookie'],
            responseHeaders: ['x-bff-problem'],
            body: { types: ['text/plain'], maxBytes: -1 },
            maximumSignInAge: '300',
            timeoutSeconds: NaN,
          },
        },
      },
      other: null,
    };
    let problems: readonly string[] = [];
    try {
      defineUpstreams(wrong as never);
    } catch (error) {
      if (!(error instanceof ManifestInvalid)) throw error;
      problems = error.problems;
      for (const problem of problems) expect(error.message).toContain(problem);
    }
    const at = 'Pds: GET /x/{id}: ';
    for (const expected of [
      'Pds: unknown member "rotes": did you mean routes?',
      'Pds: the name must be',
      'Pds: accept must be a list of different media types in lower case, without parameters, got ["JSON"]',
      'Pds: HEAD /x: the method must be one of GET, POST, PUT, PATCH, DELETE, got "HEAD"',
      `${at}unknown member "tokn": did you mean token?`,
      `${at}token must be one of "none", "cis2", "api-platform", got "platform"`,
      `${at}role[0]: unknown member "activityCode": did you mean activityCodes?`,
      `${at}parameters: id: pattern must be a regular expression in Unicode mode, without anchors, got "("`,
      `${at}parameters: id: maxLength must be a whole number from 1 to 256, got 0`,
      `${at}parameters: id: example must be text, got 7`,
      `${at}parameters: no parameter other in the path`,
      `${at}query: q: maxCount must be a whole number from 1 to 20, got 99`,
      `${at}requestHeaders must be headers that neither the BFF nor HTTP itself uses, got "cookie"`,
      `${at}responseHeaders must be headers that neither the BFF nor HTTP itself uses, got "x-bff-problem"`,
      `${at}body: a GET takes none`,
      `${at}body: types must be none that a form can send`,
      `${at}body: maxBytes must be a whole number from 1 to 4194304, got -1`,
      `${at}maximumSignInAge must be whole seconds from 1 to 43200, got "300"`,
      `${at}timeoutSeconds must be whole seconds from 1 to 20, got NaN`,
      'other: the upstream must be an object, got null',
    ]) {
      expect(problems).toContainEqual(expect.stringContaining(expected));
    }
  });

  test.each<[unknown]>([
    ...[undefined, null, 7, 'x', [], () => 1, new Map()].map((value) => [value] as [unknown]),
    ...[undefined, null, 7, 'x', [], () => 1, new Date()].map((value) => [{ one: value }] as [unknown]),
    ...[undefined, null, 7, 'x', [], {}, () => 1].map(
      (routes) => [{ one: { title: 'One', accept: ['a/b'], routes } }] as [unknown],
    ),
    ...[undefined, null, 7, 'x', [], () => 1, /x/].map(
      (wrong) => [{ one: { title: 'One', accept: ['a/b'], routes: { 'GET /x': wrong } } }] as [unknown],
    ),
  ])('is told of whatever is given, such as %p', (value) => {
    expect(() => defineUpstreams(value as never)).toThrow(ManifestInvalid);
  });

  test.each(
    [null, 7, 'x', [], [null], () => 1, /x/, { x: null }, { x: /x/ }, { id: 7 }, NaN, '__proto__'].flatMap(
      (value) =>
        [
          'summary',
          'parameters',
          'query',
          'requestHeaders',
          'responseHeaders',
          'body',
          'token',
          'role',
          'minimumAal',
        ]
          .filter((member) => !(member === 'summary' && typeof value === 'string'))
          .map((member) => [member, value] as const),
    ),
  )('is told where %s is %p', (member, value) => {
    const [problem = ''] = changed({ [member]: value }).filter((found) => found.includes(member));
    if (Array.isArray(value) && value.length === 0 && ['parameters', 'query'].includes(member)) return;
    expect(problem).toMatch(/^one: GET \/x: /);
  });

  test('is a line of its own where a title or a summary has more than one', () => {
    expect(changed({ summary: 'one\ntwo' })).toHaveLength(1);
    expect(problemsOf({ 'GET /x': route }, 'one', { title: 'one\u2028two' })).toHaveLength(1);
  });

  test('is a pattern with flags, which data could not keep', () => {
    expect(() => matching(/a/i, 3, 'a')).toThrow('matching: a pattern has no flags but u, got /a/i');
    expect(matching(/\p{L}/u, 3, 'a').pattern).toBe('\\p{L}');
  });
});

describe('a manifest is plain data', () => {
  test('that JSON gives back as it was, and its file too', () => {
    expect(JSON.parse(JSON.stringify(upstreams))).toEqual(upstreams);
    expect(readManifestFile(manifestFileText(upstreams))).toEqual(upstreams);
    expect(manifestFileText(upstreams)).toBe(manifestFileText(structuredClone(upstreams)));
  });

  test('of whose declaration a client infers what it infers of the manifest itself', () => {
    const directory = mkdtempSync(join(tmpdir(), 'cis2-bff-types-'));
    try {
      const hostile = defineUpstreams({
        one: {
          title: 'A "title" */ with | and `',
          accept: ['a/b'],
          routes: {
            'GET /x/{id}': {
              summary: 'Ends */ a comment',
              parameters: { id: oneOf('a', 'b') },
              query: { q: oneOf('"', '\\') },
              token: 'none',
              role: 'none',
            },
          },
        },
      });
      const written = join(directory, 'api.d.ts');
      writeManifest(hostile, { out: directory, types: written });
      const head = "import type { ApiRoutes, upstreams } from './api.js';\n";
      const right = `${head}export const id: ApiRoutes['GET /api/one/x/{id}']['parameters']['id'] = 'a';
        type Routes = (typeof upstreams)['one']['routes'];
        export const key: keyof Routes = 'GET /x/{id}';
        export const value: Routes['GET /x/{id}']['parameters']['id']['values'][number] = 'b';\n`;
      const uses = {
        'right.ts': right,
        'wrong-value.ts': right.replace("= 'b'", "= 'c'"),
        'wrong-key.ts': right.replace("'GET /x/{id}';", "'GET /y';"),
      };
      for (const [name, text] of Object.entries(uses)) ts.sys.writeFile(join(directory, name), text);
      const program = ts.createProgram(
        Object.keys(uses).map((name) => join(directory, name)),
        {
          ...{ strict: true, noEmit: true, types: [], lib: ['lib.es2022.d.ts'], skipDefaultLibCheck: true },
          ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
        },
      );
      const refused = ts.getPreEmitDiagnostics(program).map(({ file }) => basename(file?.fileName ?? ''));
      expect(refused.sort()).toEqual(['wrong-key.ts', 'wrong-value.ts']);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('whose documents are written where they are wanted, and left alone when they are right', () => {
    const out = mkdtempSync(join(tmpdir(), 'cis2-bff-manifest-'));
    try {
      const written = writeManifest({ pds }, { out });
      expect(written.map(({ file, stale }) => [file, stale])).toEqual([
        [join(out, 'openapi.json'), true],
        [join(out, 'api-routes.md'), true],
      ]);
      const before = statSync(join(out, 'openapi.json')).mtimeMs;
      const again = writeManifest({ pds }, { out, types: join(out, 'deep/api.d.ts') });
      expect(again.map(({ stale }) => stale)).toEqual([false, false, true]);
      expect(statSync(join(out, 'openapi.json')).mtimeMs).toBe(before);
      expect(readFileSync(join(out, 'deep/api.d.ts'), 'utf8')).toContain('export interface ApiRoutes');
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});

describe('an app’s configuration', () => {
  const problemsIn = (config: Record<string, unknown>): readonly string[] => {
    try {
      defineBff(config as never);
      return [];
    } catch (error) {
      if (error instanceof BffConfigInvalid) return error.problems;
      throw error;
    }
  };
  const good = { upstreams: { pds } };
  const sha = `'sha256-${'A'.repeat(43)}='`;

  test('that is right is given back as it is', () => {
    const whole = {
      ...good,
      acceptedRoles: [{ activityCodes: ['B0420'] }],
      concurrentSessions: 'ask',
      spa: 'dist',
      contentSecurityPolicy: {
        'img-src': ['data:', 'blob:', 'https://assets.nhs.uk'],
        'style-src': [sha],
        'script-src': [sha],
        'connect-src': ['wss://live.example.nhs.uk'],
        'font-src': [],
      },
      permissionsPolicy: { camera: ['self', 'https://video.example.nhs.uk'], usb: [] },
      signInErrorPath: '/problem',
      signedOutPath: '/bye',
      scope: 'openid profile',
      ...{ idleSeconds: 600, absoluteSeconds: 3_600, sessionsPerUser: 5, callsPerWindow: 100 },
    } as const;
    expect(defineBff(whole)).toBe(whole);
    expect(defineBff(bff)).toBe(bff);
    for (const spa of ['dist', './dist', '/srv/app', 'http://localhost:5173', 'https://dev.example/']) {
      expect(problemsIn({ ...good, spa })).toEqual([]);
    }
    for (const spa of ['', 'ftp://localhost', 'http://localhost:5173/app', 'http://u:p@localhost']) {
      expect(problemsIn({ ...good, spa })).toEqual([expect.stringMatching(/^spa must be a folder/)]);
    }
    for (const acceptedRoles of ['optional', 'any'])
      expect(problemsIn({ ...good, acceptedRoles })).toEqual([]);
  });

  test('that is wrong has every problem named, with the nearest known member', () => {
    const problems = problemsIn({
      upstreams: { pds: { ...pds, titel: 'x' } },
      acceptedRole: 'any',
      signinErrorPath: '/x',
      acceptedRoles: [{ organisation: ['A1'] }],
      concurrentSessions: 'newest',
      spa: 7,
      foo: 1,
      contentSecurityPolicy: { 'img-srcs': ['data:'], 'style-src': ["'unsafe-inline'"] },
      permissionsPolicy: { camera: ['*'] },
      signInErrorPath: '/auth/error',
      scope: 'profile',
      idleSeconds: 901,
      absoluteSeconds: '3600',
    });
    for (const expected of [
      'upstreams: pds: unknown member "titel": did you mean title?',
      'unknown member "acceptedRole": did you mean acceptedRoles?',
      'unknown member "signinErrorPath": did you mean signInErrorPath?',
      'acceptedRoles[0]: unknown member "organisation": did you mean organisations?',
      'concurrentSessions must be one of "allow", "newest-wins", "ask", got "newest"',
      'spa must be a folder of built files, or the address of a development server such as http://localhost:5173, got 7',
      'contentSecurityPolicy: unknown member "img-srcs": did you mean img-src?',
      'unknown member "foo". Known are ',
      'contentSecurityPolicy: style-src must be any of',
      'permissionsPolicy: camera must be a list of self and https://HOST, got "*"',
      'signInErrorPath must be a plain path such as /signed-out, and not under /auth or /api, got "/auth/error"',
      'scope must be scopes with single spaces between them, openid among them, got "profile"',
      'idleSeconds must be a whole number from 1 to 900, got 901',
      'absoluteSeconds must be a number, got "3600"',
    ]) {
      expect(problems).toContainEqual(expect.stringContaining(expected));
    }
    expect(problems).toHaveLength(14);
    expect(problemsIn({})).toEqual([expect.stringMatching(/^upstreams: upstreams must be an object/)]);
    for (const config of [undefined, null, 7, 'x', [], () => 1]) {
      expect(problemsIn(config as never)).toHaveLength(1);
    }
  });

  test.each([
    ...[
      '*',
      'https:',
      'http:',
      'https://*',
      'https://*.nhs.uk',
      'http://assets.nhs.uk',
      '//assets.nhs.uk',
      '',
    ],
    ...[
      'assets.nhs.uk',
      "'unsafe-inline'",
      "'unsafe-eval'",
      "'unsafe-hashes'",
      "'wasm-unsafe-eval'",
      "'none'",
    ],
    ...["'strict-dynamic'", "'nonce-abc'", 'filesystem:', "https://a.example; script-src 'unsafe-inline'"],
    ...[
      'https://a.example https://b.example',
      'https://a.example\nX: y',
      "'sha256-abc'",
      "'SELF'",
      'javascript:',
    ],
    ...[7, null, ['data:']],
  ])('never lets a policy allow %j, in any directive', (source) => {
    for (const directive of [
      'script-src',
      'style-src',
      'img-src',
      'connect-src',
      'worker-src',
      'frame-src',
    ]) {
      expect(problemsIn({ ...good, contentSecurityPolicy: { [directive]: [source] } })).toHaveLength(1);
    }
  });

  test.each([
    ...['script-src', 'style-src', 'worker-src', 'connect-src', 'frame-src'].map((name) => [name, 'data:']),
    ...['script-src', 'style-src', 'connect-src', 'frame-src', 'font-src'].map((name) => [name, 'blob:']),
    ...['img-src', 'connect-src', 'frame-src', 'font-src'].map((name) => [name, sha]),
    ...['default-src', 'object-src', 'base-uri', 'form-action', 'frame-ancestors'].map((name) => [
      name,
      'https://a.example',
    ]),
    ['img-src', 'wss://a.example'],
  ])('does not let %s have %s', (directive = '', source = '') => {
    expect(problemsIn({ ...good, contentSecurityPolicy: { [directive]: [source] } })).toHaveLength(1);
  });

  test('is checked as it is written, too', () => {
    const misspelt = (): void => {
      // @ts-expect-error not a member
      defineBff({ upstreams: { pds }, acceptedRole: 'any' });
    };
    const wrong = (): void => {
      // @ts-expect-error not a policy
      defineBff({ upstreams: { pds }, concurrentSessions: 'newest' });
    };
    expect(misspelt).toThrow(BffConfigInvalid);
    expect(wrong).toThrow(BffConfigInvalid);
  });
});
