/**
 * While requests are shifted to a new version, both releases run on one store, and a browser meets now the one and now the other.
 * `PREVIOUS_RELEASE` names a checkout of the release before, with its packages installed. Without it, this release stands on both
 * sides.
 */
import { createServer, request as forward, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { logoutPath, logoutToken, signsIn } from '../contract/logout-tokens.ts';
import { AwsProxy } from '../support/aws.ts';
import { Bff } from '../support/bff.ts';
import { Browser, sessionCookie } from '../support/browser.ts';
import { Provider } from '../support/provider.ts';
import { apiSecret, chooseRole, connect, patientPath, roleIds, twoRoles } from '../support/proxy-rig.ts';
import { RecordingUpstream } from '../unit/api-rig.ts';
import { apiKey, TokenPlatform } from '../unit/api-tokens-platform.ts';

const sides = ['earlier', 'later'] as const;
type Side = (typeof sides)[number];

const clientId = 'rp.releases';
let provider: Provider;
let platform: TokenPlatform;
let upstream: RecordingUpstream;
let store: AwsProxy;
let secrets: AwsProxy;
let front: Server;
let baseUrl: string;
const releases = new Map<Side, Bff>();
/** Which release gets the next request, as the alias of the functions decides. */
let serving: Side = 'later';

/** One origin before both releases. */
async function startFront(): Promise<void> {
  front = createServer((request, response) => {
    const port = /Proxy to +http:\/\/localhost:(\d+)/.exec(releases.get(serving)?.output ?? '')?.[1];
    const { method, url: path, headers } = request;
    const onward = forward({ host: '127.0.0.1', port, method, path, headers, agent: false }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://localhost:${String((front.address() as AddressInfo).port)}`;
}

beforeAll(async () => {
  [provider, platform, upstream, store, secrets] = await Promise.all([
    Provider.start(),
    TokenPlatform.start(),
    new RecordingUpstream().start(),
    AwsProxy.dynamoDb(),
    AwsProxy.secretsManager(),
    startFront(),
  ]);
  // One after the other: the first makes the keys, the second finds them.
  for (const side of sides) {
    const options = {
      ...{ 'base-url': baseUrl, issuer: provider.issuer, 'client-id': clientId },
      ...{ 'dynamodb-endpoint': store.url, 'secrets-endpoint': secrets.url },
      ...{ 'token-exchange-url': platform.tokenUrl, upstream: `pds=${upstream.base}` },
      ...{ 'api-key': apiKey, 'api-secret': apiSecret },
    };
    const from = side === 'earlier' ? process.env['PREVIOUS_RELEASE'] || undefined : undefined;
    releases.set(side, await Bff.start(options, undefined, from));
  }
  platform.keySetUrl = `${baseUrl}/auth/jwks.json`;
});
beforeEach(() => {
  provider.behave();
  provider.userInfo = twoRoles;
  connect(provider, platform);
});
afterAll(async () => {
  for (const bff of releases.values()) await bff.stop();
  upstream.close();
  front.closeAllConnections();
  front.close();
  await Promise.all([provider.close(), platform.stop(), store.close(), secrets.close()]);
});

/** Signs in, with each step at the release that is named. */
async function signedIn(login: Side, callback: Side): Promise<Browser> {
  const browser = new Browser(baseUrl);
  serving = login;
  const { location } = await browser.login();
  serving = callback;
  const response = await browser.callback(provider.authorise(location));
  expect(response.headers.get('location')).toBe(`${baseUrl}/`);
  return browser;
}

describe.each<[Side, Side]>([
  ['earlier', 'later'],
  ['later', 'earlier'],
])('what the %s release has begun, the %s one', (first, second) => {
  test('goes on with: a sign-in', async () => {
    const browser = await signedIn(first, second);
    for (const side of sides) {
      serving = side;
      expect(await browser.session()).toMatchObject({ status: 'active' });
    }
  });

  test('goes on with: a session, its role and its tokens', async () => {
    const browser = await signedIn(first, first);
    serving = second;
    expect((await browser.api('/auth/session/extend', { method: 'POST' })).status).toBe(200);
    expect((await chooseRole(browser, roleIds[0])).status).toBe(200);
    serving = first;
    expect(await browser.session()).toMatchObject({ status: 'active', role: { roleId: roleIds[0] } });
    expect((await browser.api(patientPath)).status).toBe(200);
    const exchanges = platform.calls.length;
    serving = second;
    expect((await browser.api(patientPath)).status).toBe(200);
    // The token that the first got is good enough.
    expect(platform.calls.length).toBe(exchanges);
  });

  test('gets tokens for, by what CIS2 issued', async () => {
    const browser = await signedIn(first, first);
    serving = first;
    expect((await chooseRole(browser, roleIds[0])).status).toBe(200);
    serving = second;
    expect((await browser.api(patientPath)).status).toBe(200);
  });

  test('ends, for the user and for CIS2', async () => {
    const signedOut = await signedIn(first, first);
    const former = new Browser(baseUrl);
    former.cookies.set(sessionCookie, signedOut.cookies.get(sessionCookie) ?? '');
    serving = second;
    expect((await signedOut.api('/auth/logout', { method: 'POST' })).status).toBeLessThan(300);
    serving = first;
    expect(await former.session()).toMatchObject({ status: 'ended' });

    const sid = `sid-${first}`;
    signsIn(provider, '900000000042', sid);
    const loggedOut = await signedIn(first, first);
    serving = second;
    const token = await logoutToken(provider, { sub: '900000000042', sid, aud: clientId });
    const body = new URLSearchParams({ logout_token: token });
    expect((await new Browser(baseUrl).request(logoutPath, { method: 'POST', body })).status).toBe(200);
    serving = first;
    expect(await loggedOut.session()).toMatchObject({ status: 'ended', reason: 'provider_logout' });
  });
});

test('both releases serve the keys that either signs with', async () => {
  const served = [];
  for (const side of sides) {
    serving = side;
    served.push(await (await new Browser(baseUrl).request('/auth/jwks.json')).json());
  }
  expect(served[0]).toEqual(served[1]);
});
