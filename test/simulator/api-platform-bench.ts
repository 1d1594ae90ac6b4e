import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, type CryptoKey, type JWK } from 'jose';
import {
  startApiPlatformSimulator,
  type ApiPlatformSimulator,
  type Application,
} from '../../local/api-platform-simulator/index.ts';
import { signingPair } from '../support/key-pool.ts';

export const apiKey = 'test-api-key';
export const apiSecret = 'made-up-api-secret';
export const uid = '900000000001';
export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const idTokenType = 'urn:ietf:params:oauth:token-type:id_token';
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Claims and header members that a test wants other than right; `undefined` leaves one out. */
export interface Tampering {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly alg?: string;
  readonly key?: CryptoKey;
}

type Fields = Readonly<Record<string, string | undefined>>;

/** A published key set, and how it has been asked for. */
interface Published {
  keys: JWK[];
  status: number;
  fetches: number;
  headers: IncomingHttpHeaders;
}

/** The platform with one application, that application's keys, and an issuer of ID tokens. */
export interface Bench {
  readonly platform: ApiPlatformSimulator;
  readonly log: string[];
  /** Seconds the platform's clock is ahead of the real one. */
  readonly clock: { ahead: number };
  readonly application: Published;
  readonly provider: Published;
  readonly issuer: string;
  readonly jwksUri: string;
  assertion(tampering?: Tampering): Promise<string>;
  idToken(tampering?: Tampering): Promise<string>;
  post(fields: Fields, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** An exchange that is right unless the fields say otherwise. */
  exchange(fields?: Fields): Promise<Response>;
  refresh(token: string, fields?: Fields): Promise<Response>;
  /** A new key, RS512 unless told otherwise. It is published only where the test does it. */
  newKey(kid: string, alg?: string): Promise<{ readonly publicJwk: JWK; readonly key: CryptoKey }>;
  controlPanel(
    command: string,
    input?: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
  close(): Promise<void>;
}

async function keyPair(kid: string, alg: string) {
  const { privateKey, publicJwk } = await signingPair(alg);
  return { publicJwk: { ...publicJwk, kid, use: 'sig', alg }, key: privateKey };
}

/** @param cis2 - the issuer that the platform trusts, in place of the bench's own */
export async function startBench(others: readonly Application[] = [], cis2?: string): Promise<Bench> {
  const [ours, theirs] = await Promise.all([keyPair('key-1', 'RS512'), keyPair('cis2/key+1=', 'RS256')]);
  const application: Published = { keys: [ours.publicJwk], status: 200, fetches: 0, headers: {} };
  const provider: Published = { keys: [theirs.publicJwk], status: 200, fetches: 0, headers: {} };
  const server = createServer((request, response) => {
    if (request.url === '/realm/.well-known/openid-configuration') {
      response.end(JSON.stringify({ issuer, jwks_uri: `${origin}/realm/keys` }));
      return;
    }
    const published = request.url === '/realm/keys' ? provider : application;
    published.fetches += 1;
    published.headers = request.headers;
    response.writeHead(published.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: published.keys }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const issuer = `${origin}/realm`;
  const jwksUri = `${origin}/jwks.json`;

  const log: string[] = [];
  const clock = { ahead: 0 };
  const now = () => Date.now() / 1_000 + clock.ahead;
  const platform = await startApiPlatformSimulator({
    applications: [{ apiKey, apiSecret, jwksUri }, ...others],
    issuer: cis2 ?? issuer,
    log: (line) => log.push(line),
    clock: now,
  });

  const sign = (
    claims: Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, unknown>>,
    { alg, key }: { readonly alg: string; readonly key: CryptoKey },
    tampering: Tampering,
  ): Promise<string> =>
    new SignJWT({ ...claims, ...tampering.claims })
      .setProtectedHeader({ typ: 'JWT', ...header, alg: tampering.alg ?? alg, ...tampering.header })
      .sign(tampering.key ?? key);

  const whole = () => Math.floor(now());

  const bench: Bench = {
    platform,
    log,
    clock,
    application,
    provider,
    issuer,
    jwksUri,
    assertion: (tampering = {}) =>
      sign(
        { iss: apiKey, sub: apiKey, aud: platform.tokenUrl, exp: whole() + 60, jti: randomUUID() },
        { kid: 'key-1' },
        { alg: 'RS512', key: ours.key },
        tampering,
      ),
    idToken: (tampering = {}) =>
      sign(
        {
          iss: issuer,
          sub: uid,
          aud: 'somebody',
          exp: whole() + 3_600,
          authentication_assurance_level: '3',
        },
        { kid: 'cis2/key+1=' },
        { alg: 'RS256', key: theirs.key },
        tampering,
      ),
    post: (fields, headers = {}) => {
      const body = new URLSearchParams();
      for (const [name, value] of Object.entries(fields)) if (value !== undefined) body.append(name, value);
      return fetch(platform.tokenUrl, { method: 'POST', body, headers });
    },
    exchange: async (fields = {}) =>
      bench.post({
        grant_type: exchangeGrant,
        subject_token_type: idTokenType,
        client_assertion_type: assertionType,
        subject_token: 'subject_token' in fields ? undefined : await bench.idToken(),
        client_assertion: 'client_assertion' in fields ? undefined : await bench.assertion(),
        ...fields,
      }),
    refresh: (token, fields = {}) =>
      bench.post({
        grant_type: 'refresh_token',
        refresh_token: token,
        client_id: apiKey,
        client_secret: apiSecret,
        ...fields,
      }),
    newKey: (kid, alg = 'RS512') => keyPair(kid, alg),
    controlPanel: (command, input = {}, headers = { 'x-control-panel': '1' }) =>
      fetch(`${platform.url}/control-panel/api/${command}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(input),
      }),
    close: async () => {
      platform.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return bench;
}

/** A JWT that nobody has signed. */
export function unsigned(header: object, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.AAAA`;
}

export type Tokens = Readonly<Record<string, string>>;

export async function tokensOf(response: Response): Promise<Tokens> {
  const body = (await response.json()) as Tokens;
  if (response.status !== 200) throw new Error(`no tokens: ${JSON.stringify(body)}`);
  return body;
}
