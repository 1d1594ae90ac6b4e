import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createClient } from '../../client/core.ts';
import { BffError } from '../../client/index.ts';
import type { Bff } from '../../client/types.ts';
import { problemResponse } from '../../client/testing/index.ts';
import { during, pass, refusal, useClock } from './clock.ts';
import { TabbedBrowser, type Request, type Tab } from './tabs.ts';

useClock();

let browser = new TabbedBrowser();
let tab: Tab;

beforeEach(async () => {
  browser = new TabbedBrowser({ session: { status: 'active', handle: 'h1' } });
  tab = browser.open();
  await pass(1);
  browser.requests.splice(0);
});
afterEach(() => {
  browser.close();
  expect(browser.errors).toEqual([]);
});

const bffError = async (call: Promise<unknown>): Promise<BffError> => {
  const error = await refusal(call);
  expect(error).toBeInstanceOf(BffError);
  return error as BffError;
};

/** Sets the response to every call that is not about the session itself. */
const respondWith = (give: (request: Request) => Response | Promise<Response>): void => {
  browser.respond = (request) => (request.path === '/auth/session' ? undefined : give(request));
};
const lastCall = (): Request => {
  const call = browser.requests.findLast(({ path }) => path !== '/auth/session');
  if (call === undefined) throw new Error('nothing was called');
  return call;
};

describe('a call', () => {
  beforeEach(() => respondWith(() => Response.json({ ok: true })));

  test.each<[string, (tab: Tab) => Promise<unknown>]>([
    ['GET /api/a', ({ bff }) => bff.api('GET /api/a')],
    ['GET /own/path?q=1', ({ bff }) => bff.fetch('/own/path?q=1')],
    ['POST /auth/session/extend', ({ bff }) => bff.extend()],
    ['PUT /auth/session/role', ({ bff }) => bff.chooseRole('1')],
    ['POST /auth/logout', ({ bff }) => bff.signOut()],
    ['GET /auth/sessions', ({ bff }) => bff.sessions()],
    ['DELETE /auth/sessions/x%2F..%2Fy', ({ bff }) => bff.endSession('x/../y')],
  ])('says that it is the page’s own and which session it is meant for: %s', async (line, call) => {
    await during(call(tab)).catch(() => undefined);
    const { method, path, headers } = lastCall();
    expect(`${method} ${path}`).toBe(line);
    expect(headers).toMatchObject({ 'x-csrf': '1', 'x-session': 'h1' });
    expect(headers).not.toHaveProperty('x-background');
  });

  test('names the session in every question about it too', async () => {
    await pass(5);
    expect(browser.requests[0]).toMatchObject({
      path: '/auth/session',
      headers: { 'x-csrf': '1', 'x-session': 'h1' },
    });
  });

  test('waits at the start until it is known which session it is meant for', async () => {
    const fresh = browser.open();
    const call = fresh.bff.api('GET /api/a');
    await during(call);
    expect(lastCall().headers['x-session']).toBe('h1');
  });

  test('names the session it was meant for after the end of it as well, so that it reaches no other', async () => {
    browser.server.set({ status: 'ended', reason: 'idle' });
    await pass(5);
    expect(tab.status).toBe('ended');
    browser.server.set({ status: 'active', handle: 'h2' });
    browser.respond = () => undefined;
    expect(await bffError(tab.bff.api('GET /api/a'))).toMatchObject({ code: 'session_changed' });
    expect(tab.state).toMatchObject({ status: 'active', handle: 'h2' });
  });

  test('of a route is made of its parameters and its query', async () => {
    await during(
      tab.bff.api('GET /api/pds/Patient/{id}/Note/{note}', {
        parameters: { id: 'a/b?c#d e%2F', note: 7 },
        query: { family: 'O’Kafor & Söhne', given: ['A', 'B'], none: undefined, max: 5, exact: true },
        headers: { 'If-Match': 'W/"1"' },
        background: true,
      }),
    );
    const { method, path, headers } = lastCall();
    expect(method).toBe('GET');
    const url = new URL(path, 'https://x.invalid');
    expect(url.pathname).toBe('/api/pds/Patient/a%2Fb%3Fc%23d%20e%252F/Note/7');
    expect([...url.searchParams]).toEqual([
      ['family', 'O’Kafor & Söhne'],
      ['given', 'A'],
      ['given', 'B'],
      ['max', '5'],
      ['exact', 'true'],
    ]);
    expect(headers).toMatchObject({ 'if-match': 'W/"1"', 'x-background': '1' });
  });

  test.each<[string, unknown]>([
    ['no parameters', undefined],
    ['a missing one', {}],
    ['an empty one', { id: '' }],
    ['null', { id: null }],
    ['a step here', { id: '.' }],
    ['a step up', { id: '..' }],
    ['half a character', { id: '\ud800' }],
  ])('with %s is refused before anything is sent', async (_, parameters) => {
    const options = { parameters: parameters as Record<string, string> };
    expect(await bffError(tab.bff.api('GET /api/pds/Patient/{id}', options))).toMatchObject({
      code: 'invalid_request',
    });
    expect(browser.requests.filter(({ path }) => path !== '/auth/session')).toEqual([]);
  });

  test.each([['GET .evil.example/x'], ['GET @evil.example/x'], ['GET https://evil.example/'], ['GET'], ['']])(
    'of no route of ours is refused: %s',
    async (route) => {
      expect(await bffError(tab.bff.api(route))).toMatchObject({ code: 'invalid_request' });
      expect(browser.requests.filter(({ path }) => path !== '/auth/session')).toEqual([]);
    },
  );

  test.each([
    'https://evil.example/',
    '//evil.example/',
    '\\\\evil.example',
    'http://app.example.nhs.uk/',
    'https://[',
  ])('to another origin is refused: %s', async (address) => {
    expect(await bffError(tab.bff.fetch(address))).toMatchObject({ code: 'invalid_request' });
    expect(browser.requests.filter(({ path }) => path !== '/auth/session')).toEqual([]);
  });

  test.each(['/x/..//evil.example/a', '/@evil.example', '/.evil.example'])(
    'stays on our origin: %s',
    async (path) => {
      await during(tab.bff.fetch(path));
      // Of another origin it would be a whole address.
      expect(lastCall().path).toMatch(/^\//);
    },
  );

  test('with a Request, its method, headers and body', async () => {
    const request = new Request('https://app.example.nhs.uk/api/x', {
      method: 'POST',
      headers: { 'Content-Type': 'text/csv' },
      body: 'a,b',
    });
    await during(tab.bff.fetch(request, { background: true }));
    expect(lastCall()).toMatchObject({
      method: 'POST',
      path: '/api/x',
      headers: { 'content-type': 'text/csv', 'x-csrf': '1', 'x-background': '1' },
    });
  });

  test.each<[unknown, string | undefined, unknown]>([
    [{ a: 1 }, 'application/json', '{"a":1}'],
    [[1], 'application/json', '[1]'],
    [7, 'application/json', '7'],
    [false, 'application/json', 'false'],
    ['{"a":1}', undefined, '{"a":1}'],
    [new Uint8Array([1]), undefined, new Uint8Array([1])],
    [new URLSearchParams({ a: '1' }), undefined, new URLSearchParams({ a: '1' })],
    [undefined, undefined, undefined],
  ])('with the body %p', async (body, type, sent) => {
    await during(tab.bff.api('POST /api/x', { body }));
    expect(lastCall().body).toEqual(sent);
    expect(lastCall().headers['content-type']).toBe(type);
  });

  test('of an array in a PATCH is a JSON Patch, unless another type is said', async () => {
    await during(tab.bff.api('PATCH /api/x', { body: [] }));
    expect(lastCall().headers['content-type']).toBe('application/json-patch+json');
    await during(tab.bff.api('PATCH /api/x', { body: {} }));
    expect(lastCall().headers['content-type']).toBe('application/json');
    const headers = { 'Content-Type': 'application/fhir+json' };
    await during(tab.bff.api('PATCH /api/x', { body: [], headers }));
    expect(lastCall().headers['content-type']).toBe('application/fhir+json');
  });

  const toJSON = () => {
    throw new Error('x');
  };
  /** Called as untyped code may do it. */
  const unusable: readonly (readonly [name: keyof Bff, ...given: unknown[]])[] = [
    ['signIn', null],
    ['signIn', { returnTo: Symbol('x') }],
    ['chooseRole', 1n],
    ['endSession', '\ud800'],
    ['endSession', Symbol('x')],
    ['api'],
    ['api', null],
    ['api', 5],
    ['api', {}],
    ['api', 'GET /api/x', null],
    ['api', 'GET /api/x', { query: { a: Symbol('x') } }],
    ['api', 'POST /api/x', { body: { toJSON } }],
    ['api', 'POST /api/x', { body: { big: 1n } }],
    ['api', 'GET /api/x', { headers: { 'a b': 'c' } }],
    ['api', 'GET /api/x', { headers: { 'X-Name': 'Łukasz' } }],
    ['fetch'],
    ['fetch', null],
    ['fetch', 5],
    ['fetch', '/api/x', null],
    ['fetch', '/api/x', { headers: { '': 'c' } }],
    ['fetch', '/api/x', { headers: { 'X-Name': 'Łukasz' } }],
    ['fetch', '/api/x', { headers: { 'X-Name': 'a\nb' } }],
    ['fetch', '/api/x', { headers: [['only a name']] }],
  ];
  const called = (bff: Bff, [name, ...given]: (typeof unusable)[number]) =>
    (bff[name] as (...all: readonly unknown[]) => Promise<unknown>)(...given);

  test.each(unusable.map((one) => [one] as const))(
    'that cannot be sent rejects, and throws nothing: %p',
    async (one) => {
      expect(await bffError(called(tab.bff, one))).toMatchObject({ code: 'invalid_request' });
      expect(browser.requests.filter(({ path }) => path !== '/auth/session')).toEqual([]);
      expect(tab.visits).toEqual([]);
    },
  );

  test.each(
    (
      [
        ...unusable,
        ...[['signIn'], ['signOut'], ['extend'], ['chooseRole', '1'], ['sessions'], ['endSession', 'x']],
        ...[
          ['api', 'GET /api/x'],
          ['fetch', '/api/x'],
          ['fetch', 'https://app.example.nhs.uk/'],
        ],
      ] as typeof unusable
    ).map((one) => [one] as const),
  )('rejects where there is no page: %p', async (one) => {
    const [bff] = createClient(globalThis);
    const error = await bffError(called(bff, one));
    expect(['unreachable', 'invalid_request']).toContain(error.code);
    bff.stop();
  });

  test.each([undefined, new Error('mine'), 'text', new DOMException('late', 'TimeoutError')])(
    'that its own signal ends rejects with an AbortError, whatever the reason: %p',
    async (reason) => {
      for (const isEarly of [true, false]) {
        const controller = new AbortController();
        if (isEarly) controller.abort(reason);
        const call = refusal(tab.bff.api('GET /api/a', { signal: controller.signal }));
        controller.abort(reason);
        expect(await call).toMatchObject({ name: 'AbortError' });
      }
    },
  );
});

describe('a response', () => {
  const call = () => tab.bff.api('GET /api/a');
  const ours = { 'X-Request-Id': '7K3M-9QX2-HABW' };

  test.each([200, 201, 204, 304])('of status %d is given as it is', async (status) => {
    respondWith(() => new Response(null, { status }));
    expect(await during(call())).toMatchObject({ status });
  });

  test.each<[string, () => Response, Record<string, unknown>]>([
    [
      'an upstream’s 404',
      () => Response.json({ resourceType: 'OperationOutcome' }, { status: 404, headers: ours }),
      { code: 'upstream_refused', status: 404, reference: '7K3M-9QX2-HABW', problem: null },
    ],
    [
      'an upstream’s 400 that looks like one of ours',
      () => Response.json({ code: 'session_ended', reference: 'AAAA-BBBB' }, { status: 400, headers: ours }),
      { code: 'upstream_refused', status: 400, reference: '7K3M-9QX2-HABW', problem: null },
    ],
    [
      'an upstream’s 401 with problem details',
      () =>
        Response.json(
          { code: 'session_ended', reason: 'idle' },
          { status: 401, headers: { ...ours, 'Content-Type': 'application/problem+json' } },
        ),
      { code: 'upstream_refused', status: 401 },
    ],
    [
      'an upstream’s page',
      () => new Response('<h1>no</h1>', { status: 403, headers: { ...ours, 'Content-Type': 'text/html' } }),
      { code: 'upstream_refused', status: 403 },
    ],
    [
      'an upstream’s 429',
      () =>
        Response.json({ message: 'slow down' }, { status: 429, headers: { ...ours, 'Retry-After': '7' } }),
      { code: 'upstream_refused', status: 429, retryAfterSeconds: 7 },
    ],
  ])('that is %s rejects as the upstream’s, with its body unread', async (_, give, expected) => {
    respondWith(give);
    const error = await bffError(call());
    expect(error).toMatchObject(expected);
    expect(error.response?.bodyUsed).toBe(false);
    expect(await error.response?.text()).toBe(await give().text());
    expect(tab.status).toBe('active');
  });

  test.each([
    ['invalid_request', 400],
    ['csrf_rejected', 403],
    ['role_not_permitted', 403],
    ['role_required', 403],
    ['not_found', 404],
    ['method_not_allowed', 405],
    ['payload_too_large', 413],
    ['unsupported_media_type', 415],
    ['rate_limited', 429],
    ['internal_error', 500],
    ['upstream_invalid', 502],
    ['provider_unavailable', 503],
    ['keys_unavailable', 503],
    ['upstream_timeout', 504],
    ['a_code_of_tomorrow', 500],
  ])('of ours rejects with its code: %s', async (code, status) => {
    respondWith(() => problemResponse(code));
    const error = await bffError(call());
    expect(error).toMatchObject({ code, status, reference: 'FAKE-0000-0001', problem: { code, status } });
    expect(error.retryAfterSeconds).toBe([429, 503].includes(status) ? 5 : null);
    expect(error).not.toHaveProperty('response');
  });

  test('of ours is recognised by its header, with a body of any kind', async () => {
    respondWith(() => new Response('<p>', { status: 403, headers: { 'X-BFF-Problem': 'role_required' } }));
    expect(await bffError(call())).toMatchObject({ code: 'role_required', problem: null, reference: null });
  });

  test('of ours shows no reference that is none', async () => {
    respondWith(() => problemResponse('internal_error', { reference: '<img src=x>' }));
    expect((await bffError(call())).reference).toBe('FAKE-0000-0001');
  });

  const message = (status: number) => () => Response.json({ message: 'from the gateway' }, { status });
  const page = (status: number) => () =>
    new Response('<html>', { status, headers: { 'Content-Type': 'text/html', 'Retry-After': '9' } });

  test.each<[string, () => Response, string, number]>([
    ['the gateway’s 429', message(429), 'rate_limited', 429],
    ['the gateway’s 500', message(500), 'internal_error', 500],
    ['the gateway’s 503', message(503), 'store_unavailable', 503],
    ['the gateway’s 504', message(504), 'upstream_timeout', 504],
    ['the gateway’s 413', message(413), 'payload_too_large', 413],
    ['the firewall’s 403', page(403), 'invalid_answer', 403],
    ['the firewall’s 429', page(429), 'rate_limited', 429],
    ['CloudFront’s 502', page(502), 'upstream_invalid', 502],
    ['CloudFront’s 503', page(503), 'store_unavailable', 503],
    ['CloudFront’s 504', page(504), 'upstream_timeout', 504],
    ['an empty 503', () => new Response(null, { status: 503 }), 'store_unavailable', 503],
    [
      'a redirect',
      () => new Response(null, { status: 302, headers: { Location: '/x' } }),
      'invalid_answer',
      302,
    ],
    ['a redirect, as browsers show it', () => Response.error(), 'invalid_answer', 0],
  ])('that is %s rejects by its status', async (_, give, code, status) => {
    for (const member of [
      call,
      () => tab.bff.fetch('/x'),
      () => tab.bff.sessions(),
      () => tab.bff.extend(),
    ]) {
      respondWith(give);
      expect(await bffError(member())).toMatchObject({ code, status, problem: null });
      expect(tab.status).toBe('active');
    }
  });

  test('that does not come is unreachable', async () => {
    respondWith(() => Promise.reject(new TypeError('Failed to fetch')));
    for (const member of [
      call,
      () => tab.bff.extend(),
      () => tab.bff.signOut(),
      () => tab.bff.endSession('x'),
    ]) {
      expect(await bffError(member())).toMatchObject({ code: 'unreachable', status: 0 });
    }
    expect(tab.status).toBe('active');
  });

  test.each<[string, () => Response]>([
    ['a page', () => new Response('<html>', { headers: { 'Content-Type': 'text/html' } })],
    ['half of it', () => new Response('{"status":')],
    ['something else', () => Response.json(7)],
    ['null', () => Response.json(null)],
    ['no list', () => Response.json({ sessions: {} })],
    ['a list of nothing', () => Response.json({ sessions: [null] })],
  ])('of the BFF’s that is %s is an invalid one', async (_, give) => {
    respondWith(give);
    expect(await bffError(tab.bff.sessions())).toMatchObject({ code: 'invalid_answer' });
    expect(await bffError(tab.bff.extend())).toMatchObject({ code: 'invalid_answer' });
    expect(tab.status).toBe('active');
  });

  test.each([
    ['Wed, 01 Jan 2026 09:01:01 GMT', 60],
    ['120', 120],
    ['soon', null],
    ['-1', null],
  ])('says how long to wait: %s', async (value, seconds) => {
    respondWith(() => new Response(null, { status: 503, headers: { 'Retry-After': value } }));
    expect((await bffError(call())).retryAfterSeconds).toBe(seconds);
  });
});

describe('the state follows a refused call before the call settles:', () => {
  const statusAtRejection = async (call: Promise<unknown>): Promise<unknown> => {
    let seen: unknown;
    call.catch(() => {
      seen = tab.state;
    });
    await pass(1);
    return seen;
  };

  test('the session has ended', async () => {
    respondWith(() => problemResponse('session_ended', { reason: 'provider_logout' }));
    const other = browser.open({ hidden: true });
    await pass(0.1);
    expect(await statusAtRejection(tab.bff.api('GET /api/a'))).toEqual({
      status: 'ended',
      reason: 'provider_logout',
      reference: 'FAKE-0000-0001',
    });
    expect(other.status).toBe('ended');
  });

  test('nobody is signed in', async () => {
    respondWith(() => problemResponse('session_required'));
    expect(await statusAtRejection(tab.bff.api('GET /api/a'))).toEqual({ status: 'anonymous' });
  });

  test.each<[string, (bff: Tab['bff']) => Promise<unknown>]>([
    ['of a call', (bff) => bff.api('GET /api/a')],
    ['of a role', (bff) => bff.chooseRole('1')],
    ['of a sign-out', (bff) => bff.signOut()],
  ])('the session is another one by now, which a refusal %s tells', async (_, call) => {
    browser.server.set({ status: 'active', handle: 'h2' });
    tab.seen.splice(0);
    expect(await statusAtRejection(call(tab.bff))).toMatchObject({ status: 'active', handle: 'h2' });
    expect(tab.seen[0]).toEqual({ status: 'loading' });
    expect(tab.visits).toEqual([]);
  });

  test('the session is another one by now, and which one is not known', async () => {
    browser.respond = ({ path }) =>
      path === '/auth/session'
        ? Promise.reject(new TypeError('network'))
        : problemResponse('session_changed');
    expect(await statusAtRejection(tab.bff.api('GET /api/a'))).toMatchObject({ status: 'unavailable' });
  });

  test('the session was replaced: by one that the browser has, or for good', async () => {
    respondWith(() => problemResponse('session_ended', { reason: 'replaced' }));
    browser.server.set({ status: 'active', handle: 'h2' });
    expect(await statusAtRejection(tab.bff.api('GET /api/a'))).toMatchObject({
      status: 'active',
      handle: 'h2',
    });
    browser.server.set({ status: 'ended', reason: 'replaced' });
    expect(await statusAtRejection(tab.bff.api('GET /api/a'))).toMatchObject({
      status: 'ended',
      reason: 'replaced',
    });
  });

  test('the session was replaced, and nothing better can be had', async () => {
    browser.respond = ({ path }) =>
      path === '/auth/session'
        ? Promise.reject(new TypeError('network'))
        : problemResponse('session_ended', { reason: 'replaced' });
    expect(await statusAtRejection(tab.bff.api('GET /api/a'))).toMatchObject({
      status: 'ended',
      reason: 'replaced',
    });
  });

  test('but not a late refusal of a call for an earlier session', async () => {
    const settle: ((response: Response) => void)[] = [];
    respondWith(() => new Promise((resolve) => settle.push(resolve)));
    const late = refusal(tab.bff.api('GET /api/a'));
    await pass(1);
    browser.server.set({ status: 'active', handle: 'h2' });
    await pass(6);
    expect(tab.state).toMatchObject({ handle: 'h2' });
    settle[0]?.(problemResponse('session_ended', { reason: 'signed_out' }));
    await pass(1);
    expect(await late).toMatchObject({ code: 'session_ended' });
    expect(tab.state).toMatchObject({ status: 'active', handle: 'h2' });
  });
});
