/** What an attacker, an auditor and a search engine try first. */
import { describe, expect, test } from '@jest/globals';
import { unneededScopes } from '../../lambdas/settings/index.ts';
import { Bff } from '../support/bff.ts';
import { sessionCookie, signInCookie, type SessionJson } from '../support/browser.ts';
import { rawRequest } from '../support/raw-http.ts';
import { clientId, useSharedRig } from '../support/rig.ts';
import { expectOwnHeaders, expectProblem, expectSignedIn } from './expectations.ts';

const rig = useSharedRig();

test('a sign-in asks for the scopes that are used here, and for no other [CIS2-SC-003, S-08, ASVS-10.2.3]', async () => {
  const scope = (await rig.browser().login()).request.get('scope') ?? '';
  expect(scope.split(' ').sort()).toEqual(
    ['associatedorgs', 'nationalrbacaccess', 'nhsperson', 'openid', 'profile'].sort(),
  );
  expect(unneededScopes(scope)).toEqual([]);
});

describe('a line end in what is sent', () => {
  const injected = 'x\r\nX-Injected: 1\r\nSet-Cookie: injected=1';

  test.each(['returnTo', 'acr', 'role', 'reauth', 'unknown'])(
    'as %s of a login gets into no header of the response [ASVS-4.2.4]',
    async (name) => {
      for (const value of [injected, `/${injected}`]) {
        const query = new URLSearchParams({ [name]: value }).toString();
        const { headers } = await rawRequest(rig.bff.baseUrl, `/auth/login?${query}`);
        expect(headers['x-injected']).toBeUndefined();
        expect(JSON.stringify(headers)).not.toMatch(/injected/i);
      }
    },
  );

  test.each(['code', 'error', 'error_description', 'iss', 'unknown'])(
    'as %s of a callback gets into no header of the response [ASVS-4.2.4]',
    async (name) => {
      const browser = rig.browser();
      const { state } = rig.provider.authorise((await browser.login()).location);
      const query = new URLSearchParams({ code: 'x', state, [name]: injected }).toString();
      const cookie = `${signInCookie}=${browser.cookies.get(signInCookie) ?? ''}`;
      const response = await rawRequest(rig.bff.baseUrl, `/auth/callback?${query}`, {
        headers: [['Cookie', cookie]],
      });
      expect(response.status).toBe(303);
      expect(JSON.stringify(response.headers)).not.toMatch(/injected/i);
    },
  );
});

test.each(['query', 'X-Session header', 'Authorization header', 'other cookie', 'body'])(
  'a session id in a %s is not looked at [C-03]',
  async (place) => {
    const browser = rig.browser();
    const session = await expectSignedIn(browser, await browser.signIn(rig.provider));
    const id = browser.cookies.get(sessionCookie) ?? '';
    const thief = rig.browser();
    const path = place === 'query' ? `/auth/session?${sessionCookie}=${id}` : '/auth/session';
    const headers: Record<string, string> = {
      ...(place === 'X-Session header' && { 'x-session': id }),
      ...(place === 'Authorization header' && { authorization: `Bearer ${id}` }),
      ...(place === 'other cookie' && { cookie: `session=${id}` }),
    };
    expect(await (await thief.api(path, { headers })).json()).toEqual({ status: 'anonymous' });
    if (place === 'body') {
      const body = JSON.stringify({ [sessionCookie]: id, session: id });
      const post = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
      expect((await thief.api('/auth/session/extend', post)).status).toBe(401);
    }
    const { expires } = (await (await browser.api('/auth/session')).json()) as SessionJson;
    expect(expires).toEqual(session.expires);
  },
);

test.each([
  ...['diagnostics', 'debug', 'health', 'status', 'metrics', 'info', 'env', 'config', 'admin', 'docs'],
  ...['openapi.json', 'swagger.json', '.env', '.git/config', 'package.json', 'index.mjs', 'index.mjs.map'],
])('/auth/%s is not there, nor under /api [ASVS-13.4.2, ASVS-13.4.5]', async (name) => {
  for (const prefix of ['/auth', '/api']) {
    expectProblem(await rawRequest(rig.bff.baseUrl, `${prefix}/${name}`), 404, 'not_found');
  }
});

describe('a person who navigates and is refused sees the app’s page, with the code and the reference', () => {
  const navigation = [
    ['Sec-Fetch-Mode', 'navigate'],
    ['Sec-Fetch-Dest', 'document'],
    ['Sec-Fetch-Site', 'none'],
  ] as const;
  const form = [['Content-Type', 'application/x-www-form-urlencoded']] as const;
  const twoCookies = [['Cookie', `${sessionCookie}=x; ${sessionCookie}=y`]] as const;

  test.each<[string, string, readonly (readonly [string, string])[], string]>([
    ['GET', '/auth/login?returnTo=//evil.example', [], 'invalid_request'],
    ['GET', '/auth/login?returnTo=/%2561uth/login', [], 'invalid_request'],
    ['GET', '/auth/login?acr=AAL1_USERPASS', [], 'invalid_request'],
    ['GET', '/auth/login', twoCookies, 'invalid_request'],
    ['POST', '/auth/login', form, 'method_not_allowed'],
    ['GET', '/auth/logout', [], 'method_not_allowed'],
    ['GET', '/auth/session', [], 'csrf_rejected'],
    ['POST', '/auth/session/extend', form, 'csrf_rejected'],
    ['GET', '/auth/sessions', [], 'csrf_rejected'],
    ['POST', '/auth/backchannel-logout', form, 'invalid_request'],
    ['GET', '/auth/backchannel-logout', [], 'method_not_allowed'],
    ['POST', '/auth/backchannel-logout', [['Content-Type', 'text/plain']], 'unsupported_media_type'],
    ['GET', '/auth/jwks/api-platform.json', [], 'not_found'],
    ['POST', '/auth/jwks.json', [], 'method_not_allowed'],
    ['GET', '/auth/nothing', [], 'not_found'],
    ['GET', '/api/nothing', [], 'not_found'],
    ['GET', '/api/pds/Patient/9000000009', [], 'csrf_rejected'],
    ['DELETE', '/api/pds/Patient/9000000009', [], 'method_not_allowed'],
    ['GET', '/api/pds/nothing', [], 'not_found'],
  ])('%s %s (%#)', async (method, target, headers, code) => {
    const response = await rawRequest(rig.bff.baseUrl, target, {
      method,
      headers: [...navigation, ...headers],
      ...(method === 'POST' ? { body: 'a=1' } : {}),
    });
    const reference = String(response.headers['x-request-id']);
    expect([response.status, response.headers.location]).toEqual([
      303,
      `${rig.bff.baseUrl}/sign-in-error?code=${code}&reference=${reference}`,
    ]);
    expectOwnHeaders(response.headers);
    expect([response.body, response.headers['set-cookie']]).toEqual(['', undefined]);
    // The page itself is no route of ours, so nobody is sent in circles.
    const page = await rawRequest(response.headers.location ?? '', '/sign-in-error', { headers: navigation });
    expect([page.status, page.headers.location]).toEqual([200, undefined]);
    // A fetch has the problem itself.
    const problem = await rawRequest(rig.bff.baseUrl, target, {
      method,
      headers,
      ...(method === 'POST' ? { body: 'a=1' } : {}),
    });
    expect(problem.headers['x-bff-problem']).toBe(code);
  });
});

test.each([
  '',
  '?state=other',
  '?state=',
  '?post_logout_redirect_uri=https://evil.example/&redirectTo=//evil.example',
])(
  'whoever comes back from signing out at CIS2 with %j sees our own page and is led nowhere [O-17]',
  async (query) => {
    const response = await rawRequest(rig.bff.baseUrl, `/signed-out${query}`);
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toMatch(/^text\/html\b/);
    expect([response.headers.location, response.headers.refresh]).toEqual([undefined, undefined]);
    expect(response.body).not.toMatch(/evil|http-equiv="refresh"/i);
  },
);

test.each([
  ['idle-seconds', 901, /must be a whole number from 1 to 900/],
  ['absolute-seconds', 43_201, /must be a whole number from 1 to 43200/],
])(
  'no session can be given more time than CIS2 allows: --%s %d stops the start [C-07]',
  async (name, value, why) => {
    const options = { issuer: rig.provider.issuer, 'client-id': clientId, [name]: value };
    await expect(Bff.start(options)).rejects.toThrow(why);
  },
);
