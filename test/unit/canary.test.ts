import { beforeEach, describe, expect, test } from '@jest/globals';
import { canary } from '../../lambdas/handlers/canary.ts';

const baseUrl = 'https://app.example.nhs.uk';
const issuer = 'https://am.example.nhs.uk:443/realm';
const endpoint = 'https://am.example.nhs.uk:443/realm/authorize';
const authorize = (change: Record<string, string> = {}, at = endpoint): string =>
  `${at}?${new URLSearchParams({
    response_type: 'code',
    client_id: 'client',
    redirect_uri: `${baseUrl}/auth/callback`,
    code_challenge_method: 'S256',
    code_challenge: 'c',
    state: 's',
    nonce: 'n',
    ...change,
  }).toString()}`;

type Respond = () => Response;
const redirect =
  (location: string): Respond =>
  () =>
    new Response(null, { status: 302, headers: { location } });
const json =
  (body: unknown, init: ResponseInit = {}): Respond =>
  () =>
    Response.json(body, init);
const status =
  (code: number): Respond =>
  () =>
    new Response('', { status: code });

let responses: Record<string, Respond>;
let asked: { url: string; headers: Headers; redirect: unknown }[];
let published: string[];
beforeEach(() => {
  asked = [];
  published = ['a', 'b'];
  responses = {
    [`${baseUrl}/auth/login`]: redirect(authorize()),
    [`${issuer}/.well-known/openid-configuration`]: json({ issuer, authorization_endpoint: endpoint }),
    [authorize()]: status(200),
    [`${baseUrl}/auth/jwks.json`]: json({ keys: [{ kid: 'b' }, { kid: 'a' }] }),
    [`${baseUrl}/auth/session`]: json({ status: 'anonymous' }),
  };
});

const run = canary({
  baseUrl,
  issuer,
  clientId: 'client',
  keySets: [
    {
      path: '/auth/jwks.json',
      load: () => Promise.resolve({ keys: published.map((kid) => ({ kid })) } as never),
    },
  ],
  fetch: (input, init) => {
    const url = input as string;
    asked.push({ url, headers: new Headers(init?.headers), redirect: init?.redirect });
    const found = responses[url];
    return found === undefined
      ? Promise.reject(new Error('hunter2: no such host'))
      : Promise.resolve(found());
  },
});

describe('the canary', () => {
  test('finds nothing wrong when a login leads to CIS2, the keys are the published ones and nobody is signed in', async () => {
    await expect(run()).resolves.toBeUndefined();
    expect(asked.map(({ url }) => url).sort()).toEqual(Object.keys(responses).sort());
  });

  test('follows no redirect, says who it is, and sends nothing but what the route asks for', async () => {
    await run();
    for (const { url, headers, redirect: followed } of asked) {
      expect([followed, headers.get('user-agent')]).toEqual(['manual', 'cis2-bff-canary']);
      expect(headers.get('x-csrf')).toBe(url.endsWith('/auth/session') ? '1' : null);
    }
  });

  test.each<[string, string, Respond, RegExp]>([
    ['the login fails', '/auth/login', status(503), /^login: answered 503$/],
    ['the login leads nowhere', '/auth/login', redirect('/sign-in-error'), /^login: leads nowhere$/],
    [
      'the login leads elsewhere',
      '/auth/login',
      redirect(authorize({}, 'https://evil.example/realm/authorize')),
      /^login: leads to another place/,
    ],
    [
      'the login leads to another page of CIS2’s host',
      '/auth/login',
      redirect(authorize({}, 'https://am.example.nhs.uk:443/other')),
      /^login: leads to another place/,
    ],
    [
      'the login has another client and no challenge',
      '/auth/login',
      redirect(authorize({ client_id: 'other', code_challenge: '' })),
      /^login: wrong or missing: client_id, code_challenge$/,
    ],
    ['the keys are gone', '/auth/jwks.json', status(503), /^\/auth\/jwks\.json: answered 503$/],
    ['there are no keys', '/auth/jwks.json', json({ keys: [] }), /are not the published ones$/],
    ['a key is missing', '/auth/jwks.json', json({ keys: [{ kid: 'a' }] }), /are not the published ones$/],
    ['a key is strange', '/auth/jwks.json', json({ keys: [{ kid: 'a' }, null] }), /not the published ones$/],
    ['the session fails', '/auth/session', status(500), /^session: answered 500$/],
    ['somebody is signed in', '/auth/session', json({ status: 'active' }), /^session: is not anonymous$/],
    [
      'the session sets a cookie',
      '/auth/session',
      json({ status: 'anonymous' }, { headers: { 'set-cookie': 'a=b' } }),
      /^session: sets a cookie$/,
    ],
    [
      'the session is no JSON',
      '/auth/session',
      () => new Response('<html>'),
      /^session: answered no JSON object$/,
    ],
  ])('says so when %s', async (_, path, given, message) => {
    responses[baseUrl + path] = given;
    await expect(run()).rejects.toThrow(message);
  });

  test.each([
    [
      'CIS2’s metadata',
      `${issuer}/.well-known/openid-configuration`,
      /^login: CIS2’s metadata: answered 503$/,
    ],
    ['CIS2’s sign-in page', authorize(), /^login: CIS2 answered 503$/],
  ])('says that it is CIS2 when %s fails', async (_, url, message) => {
    responses[url] = status(503);
    await expect(run()).rejects.toThrow(message);
  });

  const unending = (code: number): { respond: Respond; taken: () => number; isCancelled: () => boolean } => {
    let taken = 0;
    let cancelled = false;
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull: (controller) => {
          taken += 1_024;
          controller.enqueue(new Uint8Array(1_024));
        },
        cancel: () => {
          cancelled = true;
        },
      });
    return {
      respond: () => new Response(body(), { status: code }),
      taken: () => taken,
      isCancelled: () => cancelled,
    };
  };

  test.each([200, 503])('reads no more of a body than it has use for, with status %d', async (code) => {
    const endless = unending(code);
    responses[`${baseUrl}/auth/session`] = endless.respond;
    await expect(run()).rejects.toThrow(/^session: answered (?:too much|503)$/);
    expect(endless.isCancelled()).toBe(true);
    expect(endless.taken()).toBeLessThan(70 * 1_024);
  });

  const sentBack = (query: string): Respond => redirect(`${baseUrl}/auth/callback?${query}`);
  test.each([
    ['an error', 'error=invalid_scope&state=s', 'invalid_scope'],
    ['an error that is none of OpenID Connect', 'error=hunter2&state=s', 'of an unknown kind'],
    ['nothing', '', 'of an unknown kind'],
  ])('says that CIS2 refuses the request when it sends the browser back with %s', async (_, query, code) => {
    responses[authorize()] = sentBack(query);
    await expect(run()).rejects.toThrow(
      new RegExp(`^login: CIS2 refuses the authorization request: error ${code}$`),
    );
  });

  test.each(['/realm/login', 'https://auth.example.nhs.uk/login?error=invalid_scope'])(
    'takes a redirect to a page of CIS2’s own, %s, for its sign-in page',
    async (location) => {
      responses[authorize()] = redirect(location);
      await expect(run()).resolves.toBeUndefined();
    },
  );

  test('names every check that failed, and nothing that it was sent', async () => {
    responses = {};
    await expect(run()).rejects.toThrow(
      /^login: no usable answer; \/auth\/jwks\.json: no usable answer; session: no usable answer$/,
    );
  });
});
