import { beforeEach, describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { BffError } from '../../lambdas/common/index.ts';
import {
  httpFunction,
  json,
  Problem,
  proxyFunction,
  unknownRouteFunction,
  type HttpRequest,
  type LambdaHandler,
  type ProblemCode,
  type RouteHandler,
} from '../../lambdas/http/index.ts';
import { responseHeaders } from '../../lambdas/response-headers.ts';
import { createLogger } from '../../lambdas/telemetry/index.ts';

const baseUrl = 'https://app.example.nhs.uk';

let lines: string[] = [];
let seen: HttpRequest[] = [];
let handle: RouteHandler;
beforeEach(() => {
  lines = [];
  seen = [];
  handle = (request) => {
    seen.push(request);
    return Promise.resolve(json({ fine: true }));
  };
});

const log = createLogger({ functionName: 'unit', level: 'debug', write: (line) => lines.push(line) });
const route: RouteHandler = (request, requestLog) => handle(request, requestLog);
const site = { baseUrl, signInErrorPath: '/sign-in-error', log };
const session = httpFunction({
  name: 'session',
  handlers: {
    'GET /auth/session': route,
    'GET /auth/session/draft-key': route,
    'POST /auth/session/extend': route,
    'PUT /auth/session/role': route,
    'GET /auth/sessions': route,
    'DELETE /auth/sessions/{handle}': route,
    'POST /auth/logout': route,
  },
  ...site,
});
const login = httpFunction({ name: 'login', handlers: { 'GET /auth/login': route }, ...site });
const callback = httpFunction({ name: 'callback', handlers: { 'GET /auth/callback': route }, ...site });
const backchannelLogout = httpFunction({
  name: 'backchannel-logout',
  handlers: { 'POST /auth/backchannel-logout': route },
  ...site,
});
const unknownRoute = unknownRouteFunction(site);

interface HttpResponse {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly cookies: string[] | undefined;
  readonly body: Record<string, unknown>;
}

interface Sent {
  method?: string;
  path?: string;
  query?: string;
  headers?: Record<string, string>;
  cookies?: string[];
  body?: string;
  isBase64Encoded?: boolean;
}

const own = { 'x-csrf': '1', origin: baseUrl, 'sec-fetch-site': 'same-origin' };

const send = async (handler: LambdaHandler, sent: Sent = {}): Promise<HttpResponse> => {
  const { method = 'GET', path = '/auth/session', query = '', headers = own, ...rest } = sent;
  const event = {
    version: '2.0',
    rawPath: path,
    rawQueryString: query,
    headers,
    isBase64Encoded: false,
    requestContext: { http: { method, path } },
    ...rest,
  } as unknown as APIGatewayProxyEventV2;
  const result: APIGatewayProxyStructuredResultV2 = await handler(event, {} as Context);
  return {
    status: result.statusCode ?? 0,
    headers: result.headers ?? {},
    cookies: result.cookies,
    body: JSON.parse(result.body === '' ? '{}' : (result.body ?? '{}')) as Record<string, unknown>,
  };
};
const entries = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

describe('the guards of a route that only our own page may call', () => {
  test.each([
    ['all of them right', own, 200],
    ['X-CSRF alone', { 'x-csrf': '1' }, 200],
    ['no headers', {}, 403],
    ['no X-CSRF', { origin: baseUrl, 'sec-fetch-site': 'same-origin' }, 403],
    ['X-CSRF empty', { ...own, 'x-csrf': '' }, 403],
    ['X-CSRF of another value', { ...own, 'x-csrf': '0' }, 403],
    ['X-CSRF true', { ...own, 'x-csrf': 'true' }, 403],
    ['X-CSRF with a space', { ...own, 'x-csrf': ' 1' }, 403],
    ['X-CSRF twice, joined', { ...own, 'x-csrf': '1,1' }, 403],
    ['X-CSRF twice, joined with a space', { ...own, 'x-csrf': '1, 1' }, 403],
    ['another origin', { ...own, origin: 'https://evil.example' }, 403],
    ['a null origin', { ...own, origin: 'null' }, 403],
    ['an empty origin', { ...own, origin: '' }, 403],
    ['our host without TLS', { ...own, origin: 'http://app.example.nhs.uk' }, 403],
    ['our host with its port written', { ...own, origin: `${baseUrl}:443` }, 403],
    ['our origin with a slash', { ...own, origin: `${baseUrl}/` }, 403],
    ['our origin as a prefix', { ...own, origin: `${baseUrl}.evil.example` }, 403],
    ['our origin twice', { ...own, origin: `${baseUrl},${baseUrl}` }, 403],
    ['same-site', { ...own, 'sec-fetch-site': 'same-site' }, 403],
    ['cross-site', { ...own, 'sec-fetch-site': 'cross-site' }, 403],
    ['none', { ...own, 'sec-fetch-site': 'none' }, 403],
    ['an empty Sec-Fetch-Site', { ...own, 'sec-fetch-site': '' }, 403],
  ])('with %s get the right response', async (_, headers, status) => {
    for (const [method, path] of [
      ['GET', '/auth/session'],
      ['POST', '/auth/session/extend'],
      ['PUT', '/auth/session/role'],
      ['GET', '/auth/sessions'],
      ['DELETE', '/auth/sessions/handle'],
      ['POST', '/auth/logout'],
    ] as const) {
      const response = await send(session, { method, path, headers });
      expect(response.status).toBe(status);
      if (status === 403) expect(response.body['code']).toBe('csrf_rejected');
    }
    expect(seen).toHaveLength(status === 200 ? 6 : 0);
  });

  test('name the guard that refused in the log, and not what was sent [ASVS-16.3.2, ASVS-16.3.3]', async () => {
    await send(session, { headers: { ...own, origin: 'https://evil.example' } });
    expect(entries()).toContainEqual(expect.objectContaining({ event: 'request_refused', guard: 'origin' }));
    expect(lines.join('')).not.toContain('evil.example');
  });

  test('are not asked of a navigation', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await send(login, { path: '/auth/login', headers })).status).toBe(200);
    expect((await send(callback, { path: '/auth/callback', headers })).status).toBe(200);
  });
});

describe('a request’s body', () => {
  const post = { method: 'POST', path: '/auth/logout' };
  test.each([
    ['application/json', 200],
    ['application/json; charset=utf-8', 200],
    ['application/json; charset=utf-16', 415],
    ['application/json; profile=x', 415],
    ['Application/JSON', 200],
    [' application/json ', 200],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/json-patch+json', 415],
    ['application/jsonp', 415],
    ['text/plain; application/json', 415],
    ['text/plain, application/json', 415],
    ['', 415],
  ])('of type %j gets %d', async (type, status) => {
    const response = await send(session, { ...post, headers: { ...own, 'content-type': type }, body: '{}' });
    expect(response.status).toBe(status);
    if (status === 415) expect(response.body['code']).toBe('unsupported_media_type');
  });

  test('without a type is refused, and no body needs none', async () => {
    expect((await send(session, { ...post, body: '{}' })).status).toBe(415);
    expect((await send(session, { ...post })).status).toBe(200);
    expect((await send(session, { ...post, body: '' })).status).toBe(200);
  });

  const form = 'application/x-www-form-urlencoded';
  const logout = { method: 'POST', path: '/auth/backchannel-logout' };
  test.each<[Record<string, string>, string, number]>([
    [{ 'content-type': form }, 'a=1', 200],
    [{ 'content-type': `${form}; charset=UTF-8` }, 'a=1', 200],
    [{ 'content-type': `${form}; charset=iso-8859-1` }, 'a=1', 200],
    [{ 'content-type': form.toUpperCase() }, 'a=1', 200],
    [{ 'content-type': form }, '', 200],
    [{}, '', 200],
    [{}, 'a=1', 415],
    [{ 'content-type': '' }, 'a=1', 415],
    [{ 'content-type': 'application/json' }, '{}', 415],
    [{ 'content-type': 'application/json' }, '', 415],
    [{ 'content-type': 'multipart/form-data; boundary=x' }, 'a=1', 415],
    [{ 'content-type': 'text/plain' }, '', 415],
  ])('on the route for a form, with %j and %j, gets %d [L-07]', async (headers, body, status) => {
    expect((await send(backchannelLogout, { ...logout, headers, body })).status).toBe(status);
    expect(seen).toHaveLength(status === 200 ? 1 : 0);
  });

  test('on the route for a form needs no guard of our own page, and is no longer than on any [L-11]', async () => {
    const headers = { 'content-type': form, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    expect((await send(backchannelLogout, { ...logout, headers, body: 'x'.repeat(16_384) })).status).toBe(
      200,
    );
    expect((await send(backchannelLogout, { ...logout, headers, body: 'x'.repeat(16_385) })).status).toBe(
      413,
    );
  });

  test.each([
    [16_384, false, 200],
    [16_385, false, 413],
    [16_384, true, 200],
    [16_385, true, 413],
  ])('of %d bytes (in Base64: %p) gets %d', async (length, isBase64Encoded, status) => {
    const bytes = Buffer.alloc(length, 'x');
    const response = await send(session, {
      ...post,
      headers: { ...own, 'content-type': 'application/json' },
      body: bytes.toString(isBase64Encoded ? 'base64' : 'utf8'),
      isBase64Encoded,
    });
    expect(response.status).toBe(status);
    if (status === 200) expect(seen[0]?.body.equals(bytes)).toBe(true);
  });
});

describe('routing', () => {
  test.each([
    ['POST', '/auth/session', 'GET'],
    ['HEAD', '/auth/session', 'GET'],
    ['OPTIONS', '/auth/session', 'GET'],
    ['PUT', '/auth/session/extend', 'POST'],
    ['GET', '/auth/logout', 'POST'],
    ['DELETE', '/auth/logout', 'POST'],
    ['get', '/auth/session', 'GET'],
    ['GET', '/auth/session/role', 'PUT'],
    ['POST', '/auth/session/role', 'PUT'],
    ['DELETE', '/auth/sessions', 'GET'],
    ['GET', '/auth/sessions/handle', 'DELETE'],
    ['POST', '/auth/sessions/handle', 'DELETE'],
    ['__proto__', '/auth/session', 'GET'],
  ])('responds with 405 to %s %s and allows %s', async (method, path, allowed) => {
    // Before the guards: a method that does not exist needs no protection, and says nothing.
    const response = await send(session, { method, path, headers: {} });
    expect(response.status).toBe(405);
    expect(response.headers['allow']).toBe(allowed);
    expect(response.body['code']).toBe('method_not_allowed');
    expect(response.headers['x-bff-problem']).toBe('method_not_allowed');
  });

  test('names a method once that several forwarded routes of a path have', async () => {
    const routes = [
      ['GET', '/api/pds/{id}'],
      ['GET', '/api/pds/Patient'],
      ['PATCH', '/api/pds/Patient'],
    ].map(([method = '', path = '']) => ({ method, path, accepts: {}, body: undefined, handle: route }));
    const response = await send(proxyFunction({ routes, ...site }), {
      method: 'POST',
      path: '/api/pds/Patient',
    });
    expect([response.status, response.headers['allow']]).toEqual([405, 'GET, PATCH']);
  });

  test.each([
    '/auth',
    '/auth/',
    '/auth/session/',
    '/auth//session',
    '/auth/Session',
    '/auth/sessions/',
    '/auth/sessions//',
    '/auth/sessions/handle/',
    '/auth/sessions/handle/more',
    '/auth/sessions/.',
    '/auth/sessions/..',
    '/auth/sessions/%2e%2e',
    '/auth/sessions/a%2Fb',
    '/auth/sessions/a%252Fb',
    '/auth/sessions/a b',
    '/auth/sessions/a;b',
    '/auth/sessions/a\\b',
    '/auth/sessions/é',
    '/auth/sessions/{handle}',
    '/auth/role',
    '/auth/session%2f',
    '/auth/session/../session',
    'GET /auth/session',
    '',
    '/__proto__',
    'constructor',
  ])('responds with 404 to %j', async (path) => {
    const response = await send(session, { path });
    expect(response.status).toBe(404);
    expect(response.body['code']).toBe('not_found');
    expect(response.headers['allow']).toBeUndefined();
  });

  test.each(['pwK3-_9~.x', '...', 'sessions', '__proto__', 'constructor'])(
    'gives the handler a path’s variable as it stands there, such as %j, and the log its name',
    async (handle) => {
      await send(session, { method: 'DELETE', path: `/auth/sessions/${handle}` });
      expect(seen[0]?.pathVariables['handle']).toBe(handle);
      expect(entries().at(-1)).toMatchObject({ event: 'request', route: 'DELETE /auth/sessions/{handle}' });
      expect(lines.join('')).not.toContain(`sessions/${handle}`);
    },
  );

  test('logs the name of a path’s variable for a wrong method too', async () => {
    await send(session, { path: '/auth/sessions/hunter2' });
    expect(entries().at(-1)).toMatchObject({
      event: 'request',
      route: '/auth/sessions/{handle}',
      status: 405,
    });
  });

  test.each([
    ['GET', '/auth/session'],
    ['POST', '/api/anything'],
    ['PATCH', '/auth'],
  ])('of the function without routes responds with 404 to %s %s', async (method, path) => {
    const response = await send(unknownRoute, { method, path });
    expect(response.status).toBe(404);
    expect(entries()[0]).toMatchObject({
      event: 'request',
      route: 'unknown',
      status: 404,
      code: 'not_found',
    });
  });

  test('gives the handler the request as it came', async () => {
    await send(session, {
      query: 'a=1&a=2&b=%20',
      cookies: ['x=1', 'x=2'],
      headers: { ...own, 'x-session': 'h' },
    });
    expect(seen[0]).toMatchObject({ method: 'GET', path: '/auth/session', cookies: ['x=1', 'x=2'] });
    expect(seen[0]?.query.getAll('a')).toEqual(['1', '2']);
    expect(seen[0]?.query.get('b')).toBe(' ');
    expect(seen[0]?.headers['x-session']).toBe('h');
  });
});

describe('a person who navigates and is refused', () => {
  const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  test.each<[string, LambdaHandler, Sent, string]>([
    ['a route for our own page', session, {}, 'csrf_rejected'],
    ['a route of another method', session, { path: '/auth/logout' }, 'method_not_allowed'],
    ['no route', session, { path: '/auth/nothing' }, 'not_found'],
    ['no function', unknownRoute, { path: '/auth/nothing' }, 'not_found'],
    ['no API', unknownRoute, { path: '/api/nothing' }, 'not_found'],
    ['the prefix alone', unknownRoute, { path: '/auth' }, 'not_found'],
    [
      'a form that CIS2 alone may send',
      backchannelLogout,
      { path: '/auth/backchannel-logout' },
      'method_not_allowed',
    ],
    [
      'a form of another site',
      backchannelLogout,
      {
        method: 'POST',
        path: '/auth/backchannel-logout',
        headers: { 'content-type': 'text/plain' },
        body: 'a=1',
      },
      'unsupported_media_type',
    ],
    [
      'a form that is too large',
      backchannelLogout,
      { method: 'POST', path: '/auth/backchannel-logout', headers: form, body: 'x'.repeat(16_385) },
      'payload_too_large',
    ],
    [
      'a form where none is taken',
      session,
      { method: 'POST', path: '/auth/logout', headers: form },
      'csrf_rejected',
    ],
    ['a method that is none', unknownRoute, { method: 'BREW', path: '/api/x' }, 'not_found'],
  ])('at %s meets the app’s page with the code and the reference', async (_, handler, sent, code) => {
    const response = await send(handler, { ...sent, headers: { ...navigation, ...sent.headers } });
    const reference = String(response.headers['x-request-id']);
    expect([response.status, response.headers['location'], response.cookies]).toEqual([
      303,
      `${baseUrl}/sign-in-error?code=${code}&reference=${reference}`,
      undefined,
    ]);
    expect(response.headers).toMatchObject(responseHeaders);
    expect(response.headers['content-type']).toBeUndefined();
    expect(response.body).toEqual({});
    expect(entries().at(-1)).toMatchObject({ event: 'request', status: 303, code, reference });
  });

  test.each<[ProblemCode, number]>([
    ['invalid_request', 400],
    ['session_ended', 401],
    ['role_required', 403],
    ['session_changed', 409],
    ['rate_limited', 429],
    ['internal_error', 500],
    ['upstream_invalid', 502],
    ['store_unavailable', 503],
    ['upstream_timeout', 504],
  ])(
    'with %s is redirected too; a fetch has the problem with its status and its header',
    async (code, status) => {
      handle = () =>
        Promise.reject(
          code === 'internal_error' ? new Error('unexpected') : new Problem(code, { members: { a: 'b' } }),
        );
      const own_ = { path: '/auth/callback' };
      const page = await send(callback, { ...own_, headers: navigation });
      expect([page.status, page.headers['x-bff-problem']]).toEqual([303, undefined]);
      expect(new URL(String(page.headers['location'])).searchParams.get('code')).toBe(code);
      for (const headers of [
        {},
        { 'sec-fetch-mode': 'navigate' },
        { 'sec-fetch-dest': 'document' },
        { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
        { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' },
        { 'sec-fetch-mode': 'navigate, navigate', 'sec-fetch-dest': 'document' },
      ]) {
        const response = await send(callback, { ...own_, headers });
        expect([response.status, response.headers['x-bff-problem'], response.body['code']]).toEqual([
          status,
          code,
          code,
        ]);
      }
    },
  );

  test('is not redirected where nothing is refused', async () => {
    expect((await send(login, { path: '/auth/login', headers: navigation })).status).toBe(200);
  });
});

describe('an error in a handler [ASVS-16.5.1, ASVS-16.5.4]', () => {
  const secret = 'hunter2';
  test.each<[string, unknown]>([
    ['an error', new Error(secret)],
    ['an error with a cause', new TypeError('x', { cause: new Error(secret) })],
    ['text', secret],
    ['undefined', undefined],
    ['null', null],
    ['an object that looks like a response', { statusCode: 200, status: 200, body: secret }],
  ])('that is %s becomes a 500 that says nothing of it', async (_, thrown) => {
    handle = () => {
      throw thrown;
    };
    const response = await send(session);
    expect(response.status).toBe(500);
    expect(response.body).toEqual({
      type: 'urn:cis2-bff:problem:internal_error',
      title: 'Something went wrong',
      status: 500,
      code: 'internal_error',
      reference: response.headers['x-request-id'],
    });
    expect(JSON.stringify(response) + lines.join('')).not.toContain(secret);
    expect(entries().map(({ event }) => event)).toEqual(['unexpected_error', 'request']);
  });

  test('of ours with a code of the contract becomes that problem, and its cause is logged by class', async () => {
    class Away extends BffError {
      override readonly name = 'Away';
      readonly code = 'store_unavailable';
    }
    handle = () => Promise.reject(new Away(secret, { cause: new RangeError(secret) }));
    const response = await send(session);
    expect(response.status).toBe(503);
    expect(response.body['code']).toBe('store_unavailable');
    expect(response.headers['retry-after']).toMatch(/^\d+$/);
    expect(entries()[0]).toMatchObject({
      event: 'dependency_failed',
      code: 'store_unavailable',
      error: 'Away',
      cause: 'RangeError',
    });
    expect(JSON.stringify(response) + lines.join('')).not.toContain(secret);
  });

  test.each(['response_invalid', 'toString', '__proto__'])(
    'of ours with the code %j, which no problem has, becomes a 500',
    async (code) => {
      class Odd extends BffError {
        readonly code = code;
      }
      handle = () => Promise.reject(new Odd(secret));
      expect((await send(session)).body['code']).toBe('internal_error');
    },
  );

  const table: [ProblemCode, number][] = [
    ['invalid_request', 400],
    ['session_required', 401],
    ['session_ended', 401],
    ['csrf_rejected', 403],
    ['role_not_permitted', 403],
    ['not_found', 404],
    ['method_not_allowed', 405],
    ['session_changed', 409],
    ['payload_too_large', 413],
    ['unsupported_media_type', 415],
    ['internal_error', 500],
    ['store_unavailable', 503],
    ['provider_unavailable', 503],
    ['keys_unavailable', 503],
  ];
  test.each(table)('that is the problem %s gets %d in the form of RFC 9457', async (code, status) => {
    handle = () =>
      Promise.reject(new Problem(code, { members: { reason: 'idle' }, headers: { 'x-more': '1' } }));
    const response = await send(session);
    expect(response.status).toBe(status);
    expect(response.headers).toMatchObject({ 'content-type': 'application/problem+json', 'x-more': '1' });
    expect(response.body).toEqual({
      type: `urn:cis2-bff:problem:${code}`,
      title: expect.stringMatching(/\S/),
      status,
      code,
      reference: response.headers['x-request-id'],
      reason: 'idle',
      ...(status === 401 ? { loginUrl: '/auth/login' } : {}),
    });
    expect(response.headers['retry-after'] !== undefined).toBe(status === 429 || status === 503);
    expect(entries().at(-1)).toMatchObject({ event: 'request', route: 'GET /auth/session', status, code });
  });
});

describe('every response', () => {
  const headers = {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
    'strict-transport-security': 'max-age=63072000; includeSubDomains',
    'x-request-id': expect.stringMatching(/^([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}$/),
  };
  test.each<[string, LambdaHandler, Sent]>([
    ['a good one', session, {}],
    ['a refusal', session, { headers: {} }],
    ['an unknown path', unknownRoute, { path: '/auth/nothing' }],
    ['a wrong method', session, { method: 'PUT' }],
    ['a large body', session, { method: 'POST', path: '/auth/logout', body: 'x'.repeat(20_000) }],
  ])('carries the security headers and no CORS header: %s', async (_, handler, sent) => {
    const response = await send(handler, sent);
    expect(response.headers).toMatchObject(headers);
    expect(Object.keys(response.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect(response.cookies).toBeUndefined();
  });

  test('has them after a crash too, and a response’s own header wins', async () => {
    handle = () => Promise.reject(new Error('x'));
    expect((await send(session)).headers).toMatchObject(headers);
    handle = () => Promise.resolve({ status: 200, headers: { 'cache-control': 'public, max-age=3600' } });
    expect((await send(session)).headers['cache-control']).toBe('public, max-age=3600');
  });

  test('has a reference of its own, the same in header, body and log, and never the caller’s', async () => {
    const responses = await Promise.all(
      Array.from({ length: 20 }, () =>
        send(session, { headers: { 'x-request-id': 'mine', 'x-amzn-trace-id': 'mine' } }),
      ),
    );
    const references = responses.map(({ body }) => String(body['reference']));
    expect(new Set(references).size).toBe(20);
    for (const { headers: got, body } of responses) {
      expect(got['x-request-id']).toBe(body['reference']);
      const own = entries().filter(({ reference }) => reference === body['reference']);
      expect(own.map(({ event }) => event)).toEqual(['request_refused', 'request']);
    }
    expect(lines.join('')).not.toContain('mine');
  });

  test('keeps its cookies apart from its headers', async () => {
    handle = () => Promise.resolve({ status: 303, headers: { location: '/' }, cookies: ['a=1', 'b=2'] });
    const response = await send(session);
    expect(response.cookies).toEqual(['a=1', 'b=2']);
    expect(response.headers['set-cookie']).toBeUndefined();
  });

  test('is one line in the log with the route’s pattern, never the path or the query [ASVS-14.2.1]', async () => {
    await send(session, {
      query: 'name=hunter2',
      cookies: ['a=hunter2'],
      headers: { ...own, referer: 'hunter2' },
    });
    await send(session, { path: '/auth/hunter2' });
    expect(entries().map(({ event, route, status }) => [event, route, status])).toEqual([
      ['request', 'GET /auth/session', 200],
      ['request', 'unknown', 404],
    ]);
    expect(lines.join('')).not.toContain('hunter2');
  });
});
