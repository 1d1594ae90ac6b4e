import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { routesOf, type ApiRoute } from '../../lambdas/api/index.ts';
import { upstreamUrl } from '../../lambdas/api/request.ts';
import { defineUpstreams, fhirId, text, type RouteDefinition } from '../../manifest/index.ts';
import { StepUpRequired, TokenUnavailable } from '../../lambdas/api/tokens/index.ts';
import { SessionGone, StoreUnavailable } from '../../lambdas/session/index.ts';
import { active, cookie, fine, now, ProxyRig, RecordingUpstream, worker, type Sent } from './api-rig.ts';

let upstream: RecordingUpstream;
let rig: ProxyRig;
const rigs: ProxyRig[] = [];
beforeAll(async () => {
  upstream = await new RecordingUpstream().start();
});
afterAll(() => upstream.close());
beforeEach(() => {
  upstream.reset();
  rig = new ProxyRig({ pds: upstream.base });
  rigs.push(rig);
});
afterEach(() => {
  for (const made of rigs.splice(0)) made.client.close();
});

const search = '/api/pds/Patient';
const patch: Sent = {
  method: 'PATCH',
  headers: { 'content-type': 'application/json-patch+json', 'if-match': 'W/"2"' },
  body: '[{"op":"remove","path":"/gender"}]',
};
const basePath = '/demographics/FHIR/R4';

/** One route of the test's own, at `/api/own/thing`. */
const withRoute = (
  change: Partial<RouteDefinition>,
  settings: ConstructorParameters<typeof ProxyRig>[1] = {},
  method: 'GET' | 'POST' = 'GET',
): ((sent?: Sent) => ReturnType<ProxyRig['send']>) => {
  const routes: readonly ApiRoute[] = routesOf(
    defineUpstreams({
      own: {
        title: 'Own',
        accept: ['application/json'],
        routes: { [`${method} /thing`]: { summary: 'Own', token: 'none', role: 'none', ...change } },
      } as never,
    }),
  );
  rig = new ProxyRig({ own: upstream.base }, { routes, ...settings });
  rigs.push(rig);
  return (sent = {}) => rig.send({ method, path: '/api/own/thing', ...sent });
};

describe('a call that is listed', () => {
  test('gives its text on as the same text, whatever characters are in it', async () => {
    for (const family of ['Åström', '日本', '😀', 'a&b=c', '#?/%', '../..', '*', '"<>']) {
      upstream.calls.length = 0;
      await rig.send({ path: search, query: new URLSearchParams({ family }).toString() });
      const { searchParams, pathname } = new URL(upstream.calls[0]?.target ?? '', 'http://x');
      expect([pathname, [...searchParams]]).toEqual([`${basePath}/Patient`, [['family', family]]]);
    }
  });

  test('gives any bytes on, and any bytes back', async () => {
    const bytes = randomBytes(60_000);
    upstream.respond = (response, call) =>
      void response.writeHead(200, { 'content-type': 'application/pdf' }).end(call.body);
    const send = withRoute({ body: { types: ['application/octet-stream'], maxBytes: 65_536 } }, {}, 'POST');
    const received = await send({ headers: { 'content-type': 'application/octet-stream' }, body: bytes });
    expect(upstream.calls[0]?.body.equals(bytes)).toBe(true);
    expect(received.body.equals(bytes)).toBe(true);
  });

  test.each([
    [undefined, 'application/fhir+json'],
    ['application/json', 'application/json'],
    ['Application/JSON; q=0.5', 'application/json'],
    ['text/html, application/json;q=0.9, */*', 'application/json'],
    ['*/*', 'application/fhir+json'],
    ['text/html', 'application/fhir+json'],
  ])('that accepts %j asks for %s', async (accept, expected) => {
    await rig.send({ headers: { accept } });
    expect(upstream.calls[0]?.headers.accept).toBe(expected);
  });

  test('carries no token where its route wants none', async () => {
    await withRoute({})();
    expect(upstream.calls[0]?.headers).not.toHaveProperty('authorization');
    expect(rig.uses).toEqual([expect.objectContaining({ audience: undefined })]);
    expect(rig.tokensAsked).toEqual([]);
  });

  test('carries each upstream’s own kind of token [B-24]', async () => {
    await withRoute({ token: 'cis2' })();
    expect(rig.tokensAsked).toEqual([{ audience: 'cis2', refused: undefined }]);
    expect(rig.uses).toEqual([expect.objectContaining({ audience: 'cis2' })]);
  });

  test('is not there while its upstream is not configured', async () => {
    rig = new ProxyRig({});
    expect((await rig.send()).status).toBe(404);
    expect(rig.uses).toEqual([]);
  });
});

describe('an address', () => {
  const route = (path: string): ApiRoute =>
    routesOf({
      own: {
        title: 'Own',
        accept: [],
        routes: {
          [`GET ${path}`]: {
            summary: '',
            token: 'none',
            role: 'none',
            parameters: { id: fhirId },
            query: { q: text(9) },
          },
        },
      } as never,
    })[0]!;

  test('comes of its pieces under its base, or not at all [B-13, B-14]', () => {
    const base = 'https://api.example.nhs.uk/a/b';
    expect(upstreamUrl(base, route('/x/{id}'), { id: 'A-1' }, [['q', '/../?#&=']]).href).toBe(
      `${base}/x/A-1?q=%2F..%2F%3F%23%26%3D`,
    );
    expect(upstreamUrl('https://api.example.nhs.uk', route('/x'), {}, []).href).toBe(
      'https://api.example.nhs.uk/x',
    );
    for (const id of ['.', '..', '', 'a/b', '%2e%2e', 'a?b', undefined]) {
      expect(() => upstreamUrl(base, route('/x/{id}'), { id }, [])).toThrow(TypeError);
    }
    // Had a manifest slipped through that says so.
    for (const path of ['/../x', '/x/../../y', '/x?y', '/x#y', '/é'])
      expect(() => upstreamUrl(base, route(path), {}, [])).toThrow(TypeError);
    for (const bad of ['https://user@api.example.nhs.uk', 'https://api.example.nhs.uk/a/../b/']) {
      expect(() => upstreamUrl(bad, route('/..'), {}, [])).toThrow(TypeError);
    }
  });
});

describe('what comes back', () => {
  test('has a route’s own headers too', async () => {
    upstream.respond = (response) =>
      void response.writeHead(200, { 'x-total-count': '1', 'x-other': '2' }).end('{}');
    const received = await withRoute({ responseHeaders: ['x-total-count'] })();
    expect(received.headers).toMatchObject({
      'x-total-count': '1',
      'content-type': 'application/octet-stream',
    });
    expect(received.headers).not.toHaveProperty('x-other');
  });

  test.each([
    ['BASE/Patient/9000000017?x=1', '/api/pds/Patient/9000000017?x=1'],
    ['/demographics/FHIR/R4/Patient/1', '/api/pds/Patient/1'],
    ['1/_history/2', '/api/pds/Patient/1/_history/2'],
    ['/other/Patient/1', undefined],
    ['/demographics/FHIR/R4x/Patient', undefined],
    ['BASE/../../../admin', undefined],
    ['https://evil.example/demographics/FHIR/R4/Patient/1', undefined],
    ['//evil.example/demographics/FHIR/R4/Patient/1', undefined],
    ['http://user@HOST/demographics/FHIR/R4/Patient/1', undefined],
    ['javascript:alert(1)', undefined],
    ['http://', undefined],
  ])('with the location %s has %s', async (location, expected) => {
    const { host } = new URL(upstream.base);
    upstream.respond = (response) =>
      void response
        .writeHead(201, { location: location.replace('BASE', upstream.base).replace('HOST', host) })
        .end('{}');
    expect((await rig.send()).headers['location']).toBe(expected);
  });

  test.each([
    ['17', '17'],
    ['Thu, 01 Jan 2026 09:00:00 GMT', 'Thu, 01 Jan 2026 09:00:00 GMT'],
    ['soon', '5'],
    ['-1', '5'],
    ['1e99', '5'],
    [undefined, '5'],
  ])('with 429 says when to try again: %j is %j', async (sent, expected) => {
    upstream.respond = (response) => {
      if (sent !== undefined) response.setHeader('retry-after', sent);
      response
        .writeHead(429, { 'content-type': 'application/fhir+json' })
        .end('{"resourceType":"OperationOutcome"}');
    };
    const received = await rig.send();
    expect([received.status, received.headers['retry-after']]).toEqual([429, expected]);
    expect(received.body.toString()).toContain('OperationOutcome');
  });

  test.each<[string, string, Record<string, string | string[]>]>([
    ['a redirect', 'redirect', {}],
    ['a server error', 'server_error', {}],
    ['two ETags', 'header', { etag: ['"1"', '"2"'] }],
    ['a content type that is no text', 'header', { 'content-type': 'a/b\u00e9' }],
  ])('is 502 and nothing of it, when it is %s', async (what, fault, headers) => {
    const status = { 'a redirect': 302, 'a server error': 500 }[what] ?? 200;
    upstream.respond = (response) =>
      void response.writeHead(status, { location: 'https://evil.example/', ...headers }).end('secret');
    const received = await rig.send();
    expect([received.status, received.problem['code']]).toEqual([502, 'upstream_invalid']);
    expect(JSON.stringify([received.headers, received.problem])).not.toMatch(/secret|evil/);
    expect(rig.entries('request')).toEqual([
      expect.objectContaining({ status: 502, fault, refusedBy: expect.any(String), UpstreamFailed: 1 }),
    ]);
  });

  test('is 504 when it takes longer than the route allows', async () => {
    upstream.respond = () => undefined;
    const response = await withRoute({ timeoutSeconds: 1 })();
    expect([response.status, response.problem['code']]).toEqual([504, 'upstream_timeout']);
    expect(upstream.calls).toHaveLength(1);
  });

  test('can be nothing', async () => {
    upstream.respond = (response) => void response.writeHead(204).end();
    const received = await rig.send();
    expect([received.status, received.body.length, received.headers['content-type']]).toEqual([
      204,
      0,
      undefined,
    ]);
  });
});

describe('a token that the upstream refuses', () => {
  const refusing = (times: number): void => {
    upstream.respond = (response, _call, count) => {
      if (count <= times) response.writeHead(401, { 'www-authenticate': 'Bearer' }).end('{}');
      else fine(response);
    };
  };

  test.each<[string, Sent]>([
    ['read', {}],
    ['write', patch],
  ])('is replaced once, and the %s made again under the same id', async (_, sent) => {
    refusing(1);
    expect((await rig.send(sent)).status).toBe(200);
    expect(upstream.calls.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer access-token-1',
      'Bearer access-token-2',
    ]);
    expect(new Set(upstream.calls.map(({ headers }) => headers['x-request-id'])).size).toBe(1);
    expect(new Set(upstream.calls.map(({ body }) => body.toString())).size).toBe(1);
    expect(rig.tokensAsked.map(({ refused }) => refused?.generation)).toEqual([undefined, 1]);
    expect(rig.entries('request')).toEqual([
      expect.objectContaining({ status: 200, tries: 2, refreshed: true }),
    ]);
  });

  test('twice is 502, never a 401 of ours', async () => {
    refusing(9);
    const response = await rig.send();
    expect([response.status, response.problem['code']]).toEqual([502, 'upstream_invalid']);
    expect(upstream.calls).toHaveLength(2);
    expect(rig.entries('request')).toEqual([
      expect.objectContaining({ fault: 'token_refused', upstreamStatus: 401 }),
    ]);
  });

  test('where none was sent is 502', async () => {
    refusing(9);
    expect((await withRoute({})()).status).toBe(502);
    expect(upstream.calls).toHaveLength(1);
  });

  test('is replaced in the time that is left of the call, and not after the function’s own', async () => {
    refusing(1);
    let passedMs = 0;
    // Whole milliseconds, so that the sums are.
    const started = Math.ceil(performance.now());
    const clocks = [
      jest.spyOn(performance, 'now').mockImplementation(() => started + passedMs),
      jest.spyOn(globalThis, 'setTimeout'),
    ] as const;
    const { token } = rig;
    rig.token = (...asked) => {
      passedMs += 13_000;
      return token(...asked);
    };
    try {
      expect((await rig.send()).problem['code']).toBe('upstream_timeout');
      // For a token, for the call, and for another token.
      const limits = clocks[1].mock.calls.map(([, ms = 0]) => ms).filter((ms) => ms >= 10_000);
      expect(limits).toEqual([14_000, 13_000, 13_000]);
    } finally {
      rig.token = token;
      for (const clock of clocks) clock.mockRestore();
    }
  });

  test('and cannot be replaced ends the call as its refresh ended', async () => {
    refusing(9);
    const { token } = rig;
    rig.token = (session, audience, signal, refused) =>
      refused === undefined
        ? token(session, audience, signal, refused)
        : Promise.reject(new TokenUnavailable('server_error', { retryAfterSeconds: 9 }));
    const response = await rig.send();
    expect([response.status, response.problem['code'], response.headers['retry-after']]).toEqual([
      503,
      'provider_unavailable',
      '9',
    ]);
  });
});

describe('a token that cannot be had', () => {
  test.each<[string, Error, number, Record<string, unknown>]>([
    [
      'just now',
      new TokenUnavailable('unreachable', { retryAfterSeconds: 12.2 }),
      503,
      { code: 'provider_unavailable' },
    ],
    [
      'without the person',
      new StepUpRequired(),
      401,
      { code: 'step_up_required', reauth: true, loginUrl: '/auth/login?reauth=1' },
    ],
    [
      'for the session is over',
      new SessionGone({ status: 'ended', reason: 'signed_out' }),
      401,
      { code: 'session_ended', reason: 'signed_out', loginUrl: '/auth/login' },
    ],
    ['for the store is away', new StoreUnavailable('x'), 503, { code: 'store_unavailable' }],
    ['for a reason that nobody thought of', new Error('a secret'), 500, { code: 'internal_error' }],
  ])('%s ends the call before the upstream hears of it', async (_, error, status, problem) => {
    rig.token = () => Promise.reject(error);
    const response = await rig.send();
    expect(response.status).toBe(status);
    expect(response.problem).toMatchObject(problem);
    if (status === 503) expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    expect(upstream.calls).toEqual([]);
    expect(rig.lines.join('')).not.toContain('a secret');
  });
});

describe('the session', () => {
  test('is asked for once, as the call needs it', async () => {
    await rig.send({ headers: { 'x-session': 'session-handle' } });
    await rig.send({ headers: { 'x-background': '1' } });
    await rig.send({ headers: { 'x-background': '1, 1' } });
    expect(rig.uses).toEqual([
      { handle: 'session-handle', activity: true, profile: false, audience: 'api-platform' },
      { handle: undefined, activity: false, profile: false, audience: 'api-platform' },
      { handle: undefined, activity: true, profile: false, audience: 'api-platform' },
    ]);
  });

  test('is not kept alive by a route that shows nobody is there', async () => {
    await withRoute({ countsAsActivity: false })();
    expect(rig.uses).toEqual([expect.objectContaining({ activity: false })]);
  });

  test.each<[string, Sent, Awaited<ReturnType<ProxyRig['open']>>, number, Record<string, unknown>]>([
    ['missing', { cookies: [] }, active(), 401, { code: 'session_required', loginUrl: '/auth/login' }],
    ['not ours', { cookies: ['__Host-Http-session=x'] }, active(), 401, { code: 'session_required' }],
    ['there twice', { cookies: [cookie, cookie] }, active(), 400, { code: 'invalid_request' }],
    ['unknown', {}, { status: 'unknown' }, 401, { code: 'session_required', loginUrl: '/auth/login' }],
    ['over', {}, { status: 'ended', reason: 'idle' }, 401, { code: 'session_ended', reason: 'idle' }],
    ['another one', {}, { status: 'other_session' }, 409, { code: 'session_changed' }],
    ['too busy', {}, { status: 'rate_limited', retryAfterSeconds: 17 }, 429, { code: 'rate_limited' }],
  ])('that is %s is told so, and nobody else is asked', async (_, sent, opened, status, problem) => {
    rig.open = () => opened;
    const response = await rig.send(sent);
    expect(response.status).toBe(status);
    expect(response.problem).toMatchObject(problem);
    if (status === 429) expect(response.headers['retry-after']).toBe('17');
    expect(rig.tokensAsked).toEqual([]);
    expect(upstream.calls).toEqual([]);
  });
});

/** A session of somebody who proved who they are at that instant. */
const authenticatedAt =
  (instant: unknown, change: Parameters<typeof active>[0] = {}) =>
  () =>
    active({
      worker: { ...worker, assurance: { ...worker.assurance, authenticatedAt: instant as typeof now } },
      ...change,
    });

describe('a sign-in that is too old or too weak', () => {
  const full =
    (change: Parameters<typeof active>[0] = {}) =>
    () =>
      active({ worker, ...change });

  test.each([
    [0, 200],
    [300, 200],
    [301, 401],
    [43_000, 401],
    [NaN, 401],
  ])('of %d s gets %d on a route that wants one of 300 s', async (age, status) => {
    rig.open = authenticatedAt(now - age);
    const response = await rig.send(patch);
    expect(response.status).toBe(status);
    if (status === 401)
      expect(response.problem).toMatchObject({
        code: 'step_up_required',
        reauth: true,
        loginUrl: '/auth/login?reauth=1',
      });
    expect(upstream.calls).toHaveLength(status === 200 ? 1 : 0);
    expect(rig.uses).toEqual([expect.objectContaining({ profile: true })]);
  });

  test.each<[string, unknown]>([
    ['missing', undefined],
    ['null', null],
    ['text', String(now)],
    ['empty text', ''],
    ['in a list', [now]],
    ['an object', {}],
    ['true', true],
    ['zero', 0],
    ['negative', -300],
    ['infinite', Infinity],
    ['in milliseconds', now * 1_000],
    ['two minutes ahead', now + 120],
  ])(
    'is too old when the instant of the authentication is %s, however new the session',
    async (_, instant) => {
      rig.open = authenticatedAt(instant);
      expect((await rig.send(patch)).problem['code']).toBe('step_up_required');
      expect(upstream.calls).toEqual([]);
    },
  );

  test('is too old when nothing is known of the person', async () => {
    rig.open = full({ worker: undefined });
    expect((await rig.send(patch)).problem['code']).toBe('step_up_required');
  });

  test('is measured from the authentication and not from the session, which may be older or younger', async () => {
    rig.open = authenticatedAt(now - 10, { signedInAt: (now - 9_999) as typeof now });
    expect((await rig.send(patch)).status).toBe(200);
    rig.open = authenticatedAt(now - 301, { signedInAt: now });
    expect((await rig.send(patch)).status).toBe(401);
  });

  test('may be a minute ahead, as CIS2’s clock may be', async () => {
    rig.open = authenticatedAt(now + 60);
    expect((await rig.send(patch)).status).toBe(200);
  });

  test.each([
    ['AAL2_OR_AAL3_ANY', 2, 3, 'AAL3_ANY'],
    ['AAL3_ANY', 2, 3, 'AAL3_ANY'],
    ['AAL3_SMARTCARD', 2, 3, 'AAL3_SMARTCARD'],
    ['AAL1_USERPASS', 1, 3, 'AAL3_ANY'],
  ] as const)(
    'under %s and level %d is sent to sign in for level %d by %s',
    async (CIS2_ACR, MINIMUM_AAL, minimumAal, acr) => {
      const send = withRoute({ minimumAal }, { settings: { CIS2_ACR, MINIMUM_AAL } });
      rig.open = full();
      const response = await send();
      expect(response.status).toBe(401);
      expect(response.problem).toMatchObject({
        code: 'step_up_required',
        acr,
        loginUrl: `/auth/login?acr=${acr}`,
      });
      expect(rig.uses).toEqual([expect.objectContaining({ profile: true })]);
      expect(upstream.calls).toEqual([]);
    },
  );

  test('is strong enough where it is, and never where the level is not known', async () => {
    const two = withRoute({ minimumAal: 2 });
    rig.open = full();
    expect((await two()).status).toBe(200);
    rig.open = full({ worker: undefined });
    expect((await two()).status).toBe(401);
  });

  test('is told before a role is asked for, since signing in chooses it anew', async () => {
    rig.open = authenticatedAt(now - 999, { roleId: null });
    expect((await rig.send(patch)).problem['code']).toBe('step_up_required');
  });
});

describe('the role', () => {
  test('is left out where a route needs none and there is none, and told where there is one', async () => {
    const send = withRoute({});
    rig.open = () => active({ roleId: null });
    expect((await send()).status).toBe(200);
    rig.open = () => active();
    await send();
    expect(upstream.calls.map(({ headers }) => headers['nhsd-session-urid'])).toEqual([
      undefined,
      '900000000777',
    ]);
  });

  test.each([
    ['900000000777', 200, undefined],
    ['900000000778', 403, 'role_not_permitted'],
    [null, 403, 'role_required'],
    ['900000000999', 403, 'role_required'],
  ])('%s on a route for R8000 gets %d', async (roleId, status, code) => {
    const send = withRoute({ role: [{ jobRoleCodes: ['R8000'] }] });
    rig.open = () => active({ worker, roleId });
    const response = await send();
    expect([response.status, response.problem['code']]).toEqual([status, code]);
    expect(rig.uses).toEqual([expect.objectContaining({ profile: true })]);
  });

  test('that the app no longer accepts is none', async () => {
    const settings = { ACCEPTED_ROLES: [{ jobRoleCodes: ['R8001'] }] };
    const wanted = withRoute({ role: 'chosen' }, { settings });
    rig.open = () => active({ worker });
    expect((await wanted()).problem['code']).toBe('role_required');
    rig.open = () => active({ worker, roleId: '900000000778' });
    expect((await wanted()).status).toBe(200);
    const unwanted = withRoute({}, { settings });
    rig.open = () => active({ worker });
    await unwanted();
    expect(upstream.calls.map(({ headers }) => headers['nhsd-session-urid'])).toEqual([
      '900000000778',
      undefined,
    ]);
  });

  test.each(['', '9000000007 77', 'x', '1\r\nx: y', '9'.repeat(21)])(
    '%j is never told to an upstream',
    async (roleId) => {
      rig.open = () => active({ roleId });
      expect((await rig.send()).problem['code']).toBe('role_not_permitted');
      expect(upstream.calls).toEqual([]);
    },
  );
});

describe('the log of a call', () => {
  test('is one line, with the route and never what was in it', async () => {
    await rig.send({
      path: search,
      query: 'family=Featherstonehaugh',
      headers: { 'x-session': 'session-handle' },
    });
    await rig.send();
    await rig.send(patch);
    expect(
      rig
        .entries('request')
        .map((entry) => [
          entry['upstream'],
          entry['route'],
          entry['status'],
          entry['tries'],
          entry['upstreamStatus'],
        ]),
    ).toEqual([
      ['pds', 'GET /api/pds/Patient', 200, 1, 200],
      ['pds', 'GET /api/pds/Patient/{id}', 200, 1, 200],
      ['pds', 'PATCH /api/pds/Patient/{id}', 200, 1, 200],
    ]);
    expect(rig.lines).toHaveLength(3);
    expect(rig.entries('request').map((entry) => entry['requestId'])).toEqual(
      upstream.calls.map(({ headers }) => headers['x-request-id']),
    );
    expect(rig.lines.join('')).not.toMatch(
      /Featherstonehaugh|9000000009|access-token|session-handle|900000000777|remove/,
    );
  });

  test.each<[string, Sent, () => Awaited<ReturnType<ProxyRig['open']>>]>([
    ['request', { path: search, query: 'x=1' }, active],
    ['session', {}, () => ({ status: 'unknown' })],
    ['step_up', patch, authenticatedAt(now - 301)],
    ['role', {}, () => active({ roleId: null })],
  ])('names the step that refused: %s', async (step, sent, open) => {
    rig.open = open;
    const { status } = await rig.send(sent);
    expect(rig.entries('request')).toEqual([expect.objectContaining({ refusedBy: step, status, tries: 0 })]);
  });

  test.each(['/api/pds/Patient/not-a-number', '/api/unknown'])(
    'names the request where no route takes its path: %s',
    async (path) => {
      expect((await rig.send({ path })).status).toBe(404);
      expect(rig.entries('request')).toEqual([
        expect.objectContaining({ refusedBy: 'request', route: 'unknown', status: 404 }),
      ]);
    },
  );
});

test('two users in one instance never get each other’s token or response', async () => {
  const { token } = rig;
  rig.open = (use) => active({ handle: use.handle ?? '', roleId: use.handle === 'amara' ? '1' : '2' });
  rig.token = async (session, audience, signal, refused) => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    const { handle } = session as unknown as { handle: string };
    const given = await token(session, audience, signal, refused);
    return { ...given, value: { expose: () => `token-of-${handle}` } as never };
  };
  upstream.respond = (response, call) =>
    void setTimeout(() => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify([call.headers.authorization, call.headers['nhsd-session-urid']]));
    }, Math.random() * 5);
  const users = Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? 'amara' : 'bola'));
  const responses = await Promise.all(users.map((user) => rig.send({ headers: { 'x-session': user } })));
  expect(responses.map(({ body }) => JSON.parse(body.toString()) as unknown)).toEqual(
    users.map((user) => [`Bearer token-of-${user}`, user === 'amara' ? '1' : '2']),
  );
});
