/** Two relying-party libraries that know nothing of this project, used as their own documentation says. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import express from 'express';
import session from 'express-session';
import { createRemoteJWKSet, jwtVerify, type JWTPayload } from 'jose';
import * as client from 'openid-client';
import passport from 'passport';
import OpenIDConnectStrategy, { type Profile, type VerifyCallback } from 'passport-openidconnect';
import { startCis2Simulator, type Cis2Simulator } from '../../local/cis2-simulator/index.ts';
import { signingPair } from '../support/key-pool.ts';

const gp = '900000000001';
const bankNurse = '900000000012';

/** A browser: cookies by host, redirects one at a time. */
class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  async open(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const jar = this.#jarOf(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    return response;
  }

  /** Presses a button of the form on a page. */
  async press(page: Response, fields: Record<string, string>): Promise<Response> {
    const markup = await page.text();
    const action = /<form method="post" action="([^"]+)"/.exec(markup)?.[1] ?? '';
    const interaction = /name="interaction" value="([^"]+)"/.exec(markup)?.[1] ?? '';
    const body = new URLSearchParams({ interaction, ...fields });
    return this.open(new URL(action, page.url), { method: 'POST', body });
  }

  #jarOf(url: string | URL): Map<string, string> {
    const { host } = new URL(url);
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    return jar;
  }
}

const locationOf = (response: Response): URL => new URL(response.headers.get('location') ?? '');

/** What each app is told by back-channel logout: verified with the provider's published keys. */
const loggedOut: Record<'signing' | 'secret', JWTPayload[]> = { signing: [], secret: [] };

let simulator: Cis2Simulator;
let privateKey: client.CryptoKey;
let appOrigin: string;

const app = express();
const server = createServer(app);

const verifyLogout = async (token: string, audience: string): Promise<JWTPayload> => {
  const keys = createRemoteJWKSet(new URL(`${simulator.issuer}/connect/jwk_uri`));
  const { payload } = await jwtVerify(token, keys, {
    issuer: simulator.issuer,
    audience,
    algorithms: ['RS256'],
  });
  return payload;
};

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  appOrigin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;

  const pair = await signingPair('RS512');
  ({ privateKey } = pair);
  const jwk = { ...pair.publicJwk, kid: 'app-key', use: 'sig', alg: 'RS512' };
  app.get('/jwks.json', (_request, response) => {
    response.json({ keys: [jwk] });
  });

  simulator = await startCis2Simulator({
    port: 0,
    clients: [
      {
        clientId: 'signing-app',
        redirectUris: [`${appOrigin}/signing/callback`],
        jwksUri: `${appOrigin}/jwks.json`,
        backchannelLogoutUri: `${appOrigin}/signing/logout`,
        postLogoutRedirectUris: [`${appOrigin}/signed-out`],
      },
      {
        clientId: 'secret-app',
        redirectUris: [`${appOrigin}/secret/callback`],
        clientSecret: 'made-up-for-this-test',
        backchannelLogoutUri: `${appOrigin}/secret/logout`,
      },
    ],
  });

  for (const name of ['signing', 'secret'] as const) {
    app.post(`/${name}/logout`, express.urlencoded({ extended: false }), (request, response) => {
      const { logout_token: token } = request.body as { logout_token: string };
      verifyLogout(token, `${name}-app`).then(
        (claims) => {
          loggedOut[name].push(claims);
          response.status(200).end();
        },
        () => response.status(400).end(),
      );
    });
  }
});

afterAll(async () => {
  await simulator.close();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const pull = async (uid: string): Promise<{ deliveries: { clientId: string; status: number }[] }> => {
  const response = await fetch(new URL('/control-panel/api/pull', simulator.panel), {
    method: 'POST',
    headers: { 'x-control-panel': '1', 'content-type': 'application/json' },
    body: JSON.stringify({ uid }),
  });
  return (await response.json()) as { deliveries: { clientId: string; status: number }[] };
};

describe('openid-client with private_key_jwt', () => {
  const discovered = async (): Promise<client.Configuration> => {
    // The library's default audience is the issuer; CIS2 wants its token endpoint, as its metadata spells it.
    let tokenEndpoint = '';
    const authentication = client.PrivateKeyJwt(
      { key: privateKey, kid: 'app-key' },
      {
        [client.modifyAssertion]: (header, payload) => {
          header['typ'] = 'JWT';
          payload['aud'] = tokenEndpoint;
        },
      },
    );
    const configuration = await client.discovery(
      new URL(`${simulator.issuer}/.well-known/openid-configuration`),
      'signing-app',
      { id_token_signed_response_alg: 'RS256' },
      authentication,
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- plain http, on loopback
      { execute: [client.allowInsecureRequests] },
    );
    tokenEndpoint = configuration.serverMetadata().token_endpoint ?? '';
    return configuration;
  };

  const signIn = async (
    configuration: client.Configuration,
    browser: Browser,
    scope: string,
    role?: string,
  ) => {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: `${appOrigin}/signing/callback`,
      scope,
      state: expectedState,
      nonce: expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      prompt: 'login',
      acr_values: 'AAL3_ANY',
    });
    let response = await browser.press(await browser.open(url), { uid: role === undefined ? gp : bankNurse });
    if (role !== undefined) {
      const found = await browser.press(response, { search: 'walk-in support', find: 'yes' });
      response = await browser.press(found, { role });
    }
    return client.authorizationCodeGrant(configuration, locationOf(response), {
      pkceCodeVerifier,
      expectedState,
      expectedNonce,
    });
  };

  test('signs in, reads UserInfo, is told that the card was pulled, and signs out with a way back', async () => {
    const configuration = await discovered();
    const browser = new Browser();
    const tokens = await signIn(configuration, browser, 'openid profile nhsperson nationalrbacaccess');
    const claims = tokens.claims();
    expect(claims).toMatchObject({ sub: gp, authentication_assurance_level: '3', acr: 'AAL3_ANY' });
    const info = await client.fetchUserInfo(configuration, tokens.access_token, gp);
    expect(info).toMatchObject({ sub: gp, display_name: 'Amara Okafor' });

    expect((await pull(gp)).deliveries).toMatchObject([{ clientId: 'signing-app', status: 200 }]);
    expect(loggedOut.signing).toMatchObject([{ sub: gp, sid: claims?.['sid'] }]);

    const again = await signIn(configuration, browser, 'openid');
    const out = client.buildEndSessionUrl(configuration, {
      id_token_hint: again.id_token ?? '',
      post_logout_redirect_uri: `${appOrigin}/signed-out`,
      state: 'bye',
    });
    expect(locationOf(await browser.open(out)).href).toBe(`${appOrigin}/signed-out?state=bye`);
  });

  test('has CIS2 ask for the role, and gets the one that was found and chosen', async () => {
    const configuration = await discovered();
    const scope = 'openid nationalrbacaccess selectedrole';
    const tokens = await signIn(configuration, new Browser(), scope, '900000000797');
    expect(tokens.claims()?.['selected_roleid']).toBe('900000000797');
    const info = await client.fetchUserInfo(configuration, tokens.access_token, bankNurse);
    expect(info['nhsid_nrbac_roles']).toContainEqual(
      expect.objectContaining({ person_roleid: '900000000797' }),
    );
  });

  test('is refused with its default audience, as it would be by CIS2', async () => {
    const naive = new client.Configuration(
      (await discovered()).serverMetadata(),
      'signing-app',
      { id_token_signed_response_alg: 'RS256' },
      client.PrivateKeyJwt({ key: privateKey, kid: 'app-key' }),
    );
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- plain http, on loopback
    client.allowInsecureRequests(naive);
    await expect(signIn(naive, new Browser(), 'openid')).rejects.toMatchObject({
      error: 'invalid_client',
      error_description: 'JWT is not valid',
    });
  });
});

describe('passport-openidconnect with a client secret', () => {
  beforeAll(() => {
    const strategy = new OpenIDConnectStrategy(
      {
        issuer: simulator.issuer,
        authorizationURL: `${simulator.issuer}/authorize`,
        tokenURL: `${simulator.issuer}/access_token`,
        userInfoURL: `${simulator.issuer}/userinfo`,
        clientID: 'secret-app',
        clientSecret: 'made-up-for-this-test',
        callbackURL: `${appOrigin}/secret/callback`,
        scope: ['profile', 'nhsperson'],
        prompt: 'login',
        nonce: 'yes',
        skipUserProfile: false,
      },
      (_issuer: string, profile: Profile, done: VerifyCallback) => {
        done(null, { id: profile.id, name: profile.displayName });
      },
    );
    passport.use(strategy);
    passport.serializeUser((user, done) => {
      done(null, user);
    });
    passport.deserializeUser((user: Express.User, done) => {
      done(null, user);
    });
    app.use(session({ secret: 'made-up-for-this-test', resave: false, saveUninitialized: false }));
    app.use(passport.initialize());
    app.use(passport.session());
    app.get('/secret/login', passport.authenticate('openidconnect') as express.RequestHandler);
    app.get(
      '/secret/callback',
      passport.authenticate('openidconnect', { failureRedirect: '/failed' }) as express.RequestHandler,
      (_request, response) => {
        response.redirect('/secret/me');
      },
    );
    app.get('/secret/me', (request, response) => {
      response.json(request.user ?? null);
    });
  });

  test('signs in, has read UserInfo, and is told that the card was pulled', async () => {
    const browser = new Browser();
    const toCis2 = locationOf(await browser.open(`${appOrigin}/secret/login`));
    expect(toCis2.origin).toBe(new URL(simulator.issuer).origin);
    const back = await browser.press(await browser.open(toCis2), { uid: gp });
    const signedIn = await browser.open(locationOf(back));
    expect([signedIn.status, signedIn.headers.get('location')]).toEqual([302, '/secret/me']);
    const me = await browser.open(`${appOrigin}/secret/me`);
    expect(await me.json()).toEqual({ id: gp, name: 'Okafor Amara' });

    expect((await pull(gp)).deliveries).toMatchObject([{ clientId: 'secret-app', status: 200 }]);
    expect(loggedOut.secret).toMatchObject([{ sub: gp, sid: expect.any(String) }]);
  });

  test.each([
    ['a wrong secret', { client_id: 'secret-app', client_secret: 'wrong' }],
    ['an empty secret', { client_id: 'secret-app', client_secret: '' }],
    ['no client', { client_secret: 'made-up-for-this-test' }],
    ['the secret of another client', { client_id: 'signing-app', client_secret: 'made-up-for-this-test' }],
  ])('would be refused with %s', async (_what, fields) => {
    const body = new URLSearchParams({ grant_type: 'authorization_code', code: 'x', ...fields });
    const response = await fetch(`${simulator.issuer}/access_token`, { method: 'POST', body });
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({
      error: 'invalid_client',
      error_description: 'Client authentication failed',
    });
  });
});
