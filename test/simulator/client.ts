import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';
import * as oauth from 'oauth4webapi';
import {
  startCis2Simulator,
  type Cis2Simulator,
  type ClientRegistration,
} from '../../local/cis2-simulator/index.ts';
import { signingPair } from '../support/key-pool.ts';

export const clientId = 'test-client';
export const redirectUri = 'http://localhost:49999/auth/callback';
export const signedOutUri = 'http://localhost:49999/signed-out';
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
export const everyScope =
  'openid profile email nhsperson nationalrbacaccess associatedorgs organisationalmemberships professionalmemberships selectedrole';

/** The simulator speaks plain http on loopback, which the library calls deprecated so that it stands out. */
// eslint-disable-next-line @typescript-eslint/no-deprecated
export const insecure = { [oauth.allowInsecureRequests]: true } as const;

/** Assertion claims and header a test wants other than right; `undefined` leaves a member out. */
export interface Tampering {
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
}

export interface LogoutRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A simulator with one registered client, that client's JWKS on a port of its own, and a clock that tests turn. */
export interface Bench {
  simulator: Cis2Simulator;
  as: oauth.AuthorizationServer;
  log: string[];
  /** Seconds the simulator's clock is ahead of the real one. */
  clock: { ahead: number };
  jwks: { keys: JWK[]; fetches: number; status: number };
  /** The client's back-channel logout endpoint: what came, and what it responds with (a status, or nothing for ever). */
  backchannel: { received: LogoutRequest[]; status: number | 'hang' };
  privateKey: CryptoKey;
  kid: string;
  assertion(tampering?: Tampering): Promise<string>;
  /** A request to the token endpoint with a good assertion unless the fields say otherwise. */
  tokenRequest(
    fields: Record<string, string | undefined>,
    headers?: Record<string, string>,
  ): Promise<Response>;
  close(): Promise<void>;
}

export async function startBench(clients: readonly ClientRegistration[] = []): Promise<Bench> {
  const { privateKey, publicJwk } = await signingPair('RS512');
  const kid = 'key-1';
  const jwks: Bench['jwks'] = {
    keys: [{ ...publicJwk, kid, use: 'sig', alg: 'RS512' }],
    fetches: 0,
    status: 200,
  };
  const backchannel: Bench['backchannel'] = { received: [], status: 200 };
  const jwksServer = createServer((request, response) => {
    if (request.url?.startsWith('/logout') === true) {
      const { url: path, headers } = request;
      void request.toArray().then((chunks) => {
        backchannel.received.push({ path, headers, body: Buffer.concat(chunks as Buffer[]).toString() });
        if (backchannel.status === 'hang') return;
        response.writeHead(backchannel.status, { 'content-type': 'text/plain' }).end('what the client says');
      });
      return;
    }
    jwks.fetches += 1;
    response.writeHead(jwks.status, { 'content-type': 'application/jwk-set+json' });
    response.end(JSON.stringify({ keys: jwks.keys }));
  });
  await new Promise<void>((resolve) => {
    jwksServer.listen(0, '127.0.0.1', resolve);
  });
  const clientOrigin = `http://127.0.0.1:${String((jwksServer.address() as AddressInfo).port)}`;
  const jwksUri = `${clientOrigin}/jwks.json`;

  const log: string[] = [];
  const clock = { ahead: 0 };
  const now = () => Math.floor(Date.now() / 1_000) + clock.ahead;
  const simulator = await startCis2Simulator({
    port: 0,
    clients: [
      {
        clientId,
        redirectUris: [redirectUri],
        jwksUri,
        backchannelLogoutUri: `${clientOrigin}/logout`,
        postLogoutRedirectUris: [signedOutUri],
      },
      { clientId: 'another-client', redirectUris: [redirectUri], jwksUri },
      ...clients,
    ],
    log: (line) => log.push(line),
    clock: now,
  });
  // Never `new URL(path, issuer)`: it would replace the last segment of the issuer.
  const discovery = await fetch(`${simulator.issuer}/.well-known/openid-configuration`);
  const as = (await discovery.json()) as oauth.AuthorizationServer;

  const assertion: Bench['assertion'] = ({ claims = {}, header = {} } = {}) =>
    new SignJWT({
      iss: clientId,
      sub: clientId,
      aud: as.token_endpoint,
      iat: now(),
      exp: now() + 60,
      jti: randomUUID(),
      ...claims,
    } as JWTPayload)
      .setProtectedHeader({ alg: 'RS512', kid, ...header })
      .sign(privateKey);

  return {
    simulator,
    as,
    log,
    clock,
    jwks,
    backchannel,
    privateKey,
    kid,
    assertion,
    async tokenRequest(fields, headers = {}) {
      const form: Record<string, string | undefined> = {
        grant_type: 'authorization_code',
        redirect_uri: redirectUri,
        client_assertion_type: assertionType,
        client_assertion: 'client_assertion' in fields ? undefined : await assertion(),
        ...fields,
      };
      const body = new URLSearchParams();
      for (const [name, value] of Object.entries(form)) if (value !== undefined) body.append(name, value);
      return fetch(as.token_endpoint ?? '', { method: 'POST', body, headers });
    },
    async close() {
      await simulator.close();
      jwksServer.closeAllConnections();
      await new Promise((resolve) => jwksServer.close(resolve));
    },
  };
}

/** As much of a browser as the simulator needs: it keeps one cookie and follows nothing by itself. */
export class Browser {
  readonly #bench: Bench;
  #cookie = '';

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  /** Opens the authorisation endpoint. A parameter given as `undefined` is left out. */
  async authorize(parameters: Record<string, string | undefined> = {}): Promise<Response> {
    const query = new URLSearchParams();
    const all: Record<string, string | undefined> = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      scope: everyScope,
      ...parameters,
    };
    for (const [name, value] of Object.entries(all)) if (value !== undefined) query.append(name, value);
    return this.open(`${this.#bench.as.authorization_endpoint ?? ''}?${query.toString()}`);
  }

  async open(url: string): Promise<Response> {
    return fetch(url, { redirect: 'manual', headers: { cookie: this.#cookie } });
  }

  /** Submits the form of a sign-in page with one of its buttons. */
  async submit(page: Response, button: Record<string, string>): Promise<Response> {
    const markup = await page.text();
    const action = /action="([^"]+)"/.exec(markup)?.[1] ?? '';
    const interaction = /name="interaction" value="([^"]+)"/.exec(markup)?.[1] ?? '';
    const response = await fetch(new URL(action, page.url), {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: this.#cookie },
      body: new URLSearchParams({ interaction, ...button }),
    });
    const cookie = response.headers.getSetCookie()[0];
    if (cookie !== undefined) this.#cookie = cookie.split(';')[0] ?? '';
    return response;
  }

  /** Signs a person in and returns the callback's parameters. Where a role is asked for, it is the first one. */
  async signIn(uid: string, parameters: Record<string, string | undefined> = {}): Promise<URLSearchParams> {
    const response = await this.submit(await this.authorize(parameters), { uid });
    if (response.status !== 200) return callbackOf(response);
    const role =
      /name="role"\s+type="radio"\s+value="([^"]+)"/.exec(await response.clone().text())?.[1] ?? '';
    return callbackOf(await this.submit(response, { role }));
  }
}

/** The query of a redirect to the client; fails for anything else. */
export function callbackOf(response: Response): URLSearchParams {
  const location = response.headers.get('location') ?? '';
  if (response.status !== 302 || !location.startsWith(`${redirectUri}?`)) {
    throw new Error(`not a redirect to the client: ${String(response.status)} ${location}`);
  }
  return new URL(location).searchParams;
}

export const codeOf = (callback: URLSearchParams): string => callback.get('code') ?? '';
