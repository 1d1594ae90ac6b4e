/**
 * An OpenID provider in CIS2's shape that a test can make wrong in any way. Its keys and signatures are real. Everything
 * it was asked is recorded.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';
import { recordServed } from './exchanges.ts';
import { signingPair } from './key-pool.ts';
import { unref } from './unref.ts';

export type Endpoint = 'discovery' | 'jwks' | 'token' | 'userinfo';

/** What an endpoint does in place of its work. */
export type Fault =
  | { kind: 'status'; status: number }
  | { kind: 'html' }
  | { kind: 'hang' }
  | { kind: 'delay'; milliseconds: number }
  | { kind: 'reset' }
  /** Once: does its work, and cuts the connection in place of the response. */
  | { kind: 'lost' }
  | { kind: 'body'; body: string; contentType?: string; status?: number; headers?: Record<string, string> };

export interface RecordedRequest {
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly form: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
}

/** What the provider knows when it makes an ID token; a test may change any of it. */
export interface TokenContext {
  readonly grant: Readonly<Record<string, string>>;
  readonly accessToken: string;
  readonly now: number;
}

export interface ProviderKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export const subject = '900000000111';

export const oneRole = {
  person_orgid: '900000000501',
  person_roleid: '900000000701',
  org_code: 'A9A5A',
  role_name: '"Clinical":"Clinical Provision":"Clinical Practitioner Access Role"',
  role_code: 'S8000:G8000:R8000',
  activities: ['Perform Prescription Preparation', 'View Patient Medication'],
  activity_codes: ['B0420', 'B0428'],
};

/** A key pair whose name needs escaping, as CIS2's do. */
export async function providerKey(algorithm = 'RS256', number?: number): Promise<ProviderKey> {
  const { privateKey, publicJwk } = await (algorithm === 'ES256' ? ecPair() : signingPair(algorithm, number));
  const kid = `${randomBytes(12).toString('base64').slice(0, 12)}/+a=`;
  return { kid, privateKey, publicJwk: { ...publicJwk, kid, use: 'sig', alg: algorithm } };
}

async function ecPair() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return { privateKey, publicJwk: await exportJWK(publicKey) };
}

export class Provider {
  readonly origin: string;
  readonly issuer: string;
  /** Requests in the order they came. */
  readonly requests: RecordedRequest[] = [];
  /** Keys that are published. */
  published: JWK[];
  /** The key that signs. */
  signing: ProviderKey;
  /** Changes claims of the next ID tokens; `undefined` leaves one out. */
  claims: (context: TokenContext) => Record<string, unknown> = () => ({});
  /** Changes the JOSE header of the next ID tokens. */
  header: Record<string, unknown> = {};
  /** Makes the whole ID token, where changing claims is not enough. */
  idToken: ((claims: JWTPayload, key: ProviderKey) => Promise<string>) | undefined;
  /** Changes UserInfo; `undefined` leaves a claim out. */
  userInfo: Record<string, unknown> = {};
  /** Changes the metadata; `undefined` leaves a member out. */
  metadata: Record<string, unknown> = {};
  /** Changes the token response. */
  tokenResponse: Record<string, unknown> = {};
  readonly faults = new Map<Endpoint, Fault>();
  /** Whether a client has proved who it is, by what it sends to the token endpoint; undefined: nobody is asked. */
  knowsClient: ((form: Readonly<Record<string, string>>) => Promise<boolean>) | undefined;
  /** Called while an endpoint is at work, before it responds. */
  during: ((endpoint: Endpoint) => Promise<void>) | undefined;
  /** Once this endpoint has responded, the provider is down: connections are refused until it is up again. */
  downAfter: Endpoint | undefined;
  /** So many requests a connection serves; at the next one it turns out to be dead. */
  connectionLife = Infinity;
  readonly #requestsOn = new WeakMap<Socket, number>();
  readonly #grants = new Map<string, Record<string, string>>();
  readonly #server;

  private constructor(server: ReturnType<typeof createServer>, key: ProviderKey) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    this.issuer = `${this.origin}/openam/oauth2/realms/root/realms/NHSIdentity/realms/Healthcare`;
    this.signing = key;
    this.published = [key.publicJwk];
    server.on('request', (request, response) => {
      void this.#serve(request, response);
    });
  }

  /** @param key - number of its key in the pool, where no other key may be the same however long it runs */
  static async start(key?: number): Promise<Provider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Provider(server, await providerKey('RS256', key));
  }

  /** Back to a provider that does everything right. Recorded requests and keys stay. */
  behave(): void {
    this.claims = () => ({});
    this.header = {};
    this.idToken = undefined;
    this.userInfo = {};
    this.metadata = {};
    this.tokenResponse = {};
    this.knowsClient = undefined;
    this.faults.clear();
    this.during = undefined;
    this.downAfter = undefined;
    this.connectionLife = Infinity;
  }

  /** Lets this process end while the provider listens. Call it before the first connection. */
  unref(): void {
    unref(this.#server);
  }

  /** From now on connections are refused. */
  async down(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** There again, where it was. */
  async up(): Promise<void> {
    if (this.#server.listening) return;
    const { port } = new URL(this.origin);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(Number(port), '127.0.0.1', resolve);
    });
  }

  /** Requests an endpoint had. */
  asked(endpoint: Endpoint): RecordedRequest[] {
    return this.requests.filter((request) => request.endpoint === endpoint);
  }

  /** What a browser does with an authorisation request: comes back with a code. */
  authorise(location: string): { code: string; state: string } {
    const parameters = Object.fromEntries(new URL(location).searchParams);
    const code = randomBytes(16).toString('base64url');
    this.#grants.set(code, parameters);
    return { code, state: parameters['state'] ?? '' };
  }

  async close(): Promise<void> {
    await this.down();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const count = (this.#requestsOn.get(request.socket) ?? 0) + 1;
    this.#requestsOn.set(request.socket, count);
    if (count > this.connectionLife) {
      request.socket.destroy();
      return;
    }
    const path = new URL(request.url ?? '/', this.origin).pathname;
    const suffix = path.startsWith(new URL(this.issuer).pathname)
      ? path.slice(new URL(this.issuer).pathname.length)
      : '';
    const endpoint = (
      {
        '/.well-known/openid-configuration': 'discovery',
        '/connect/jwk_uri': 'jwks',
        '/access_token': 'token',
        '/userinfo': 'userinfo',
      } as const
    )[suffix];
    const body = Buffer.concat(await request.toArray()).toString();
    if (endpoint === undefined) {
      response.writeHead(404).end();
      return;
    }
    recordServed(request, body, response);
    const form = Object.fromEntries(new URLSearchParams(body));
    this.requests.push({ endpoint, method: request.method ?? '', form, headers: request.headers });
    await this.during?.(endpoint);
    if (this.downAfter === endpoint) response.once('finish', () => void this.down());
    const fault = this.faults.get(endpoint);
    switch (fault?.kind) {
      case 'status':
        response
          .writeHead(fault.status, { 'content-type': 'application/json' })
          .end('{"error":"server_error"}');
        return;
      case 'html':
        response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><h1>Maintenance</h1>');
        return;
      case 'hang':
        return;
      case 'reset':
        request.socket.destroy();
        return;
      case 'lost':
        this.faults.delete(endpoint);
        await this.#respond(endpoint, form, request);
        request.socket.destroy();
        return;
      case 'body':
        response
          .writeHead(fault.status ?? 200, {
            'content-type': fault.contentType ?? 'application/json',
            ...fault.headers,
          })
          .end(fault.body);
        return;
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
        break;
      case undefined:
    }
    const [status, responseBody] = await this.#respond(endpoint, form, request);
    if (!response.destroyed) {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(responseBody));
    }
  }

  async #respond(
    endpoint: Endpoint,
    form: Record<string, string>,
    request: IncomingMessage,
  ): Promise<[status: number, body: unknown]> {
    switch (endpoint) {
      case 'discovery':
        return [
          200,
          {
            issuer: this.issuer,
            authorization_endpoint: `${this.issuer}/authorize`,
            token_endpoint: `${this.issuer}/access_token`,
            userinfo_endpoint: `${this.issuer}/userinfo`,
            jwks_uri: `${this.issuer}/connect/jwk_uri`,
            end_session_endpoint: `${this.issuer}/connect/endSession`,
            response_types_supported: ['code'],
            subject_types_supported: ['public'],
            id_token_signing_alg_values_supported: ['PS384', 'RS384', 'HS256', 'ES256', 'RS256', 'RS512'],
            ...this.metadata,
          },
        ];
      case 'jwks':
        return [200, { keys: this.published }];
      case 'token':
        return this.#token(form);
      case 'userinfo':
        if (!/^Bearer .+/.test(request.headers.authorization ?? '')) return [401, { error: 'invalid_token' }];
        return [
          200,
          {
            sub: subject,
            uid: subject,
            nhsid_useruid: subject,
            name: 'Fernsby Odalys',
            given_name: 'Odalys',
            family_name: 'Fernsby',
            display_name: 'Odalys Fernsby',
            title: 'Dr',
            idassurancelevel: '3',
            nhsid_nrbac_roles: [oneRole],
            nhsid_user_orgs: [{ org_name: 'EXAMPLE HEALTH CENTRE', org_code: 'A9A5A' }],
            ...this.userInfo,
          },
        ];
    }
  }

  async #token(form: Record<string, string>): Promise<[number, unknown]> {
    // Before it looks at the code, as CIS2 does.
    if ((await this.knowsClient?.(form)) === false) return [401, { error: 'invalid_client' }];
    const grant = this.#grants.get(form['code'] ?? '');
    this.#grants.delete(form['code'] ?? '');
    const challenge = createHash('sha256')
      .update(form['code_verifier'] ?? '')
      .digest('base64url');
    if (grant?.['code_challenge'] !== challenge || form['redirect_uri'] !== grant['redirect_uri']) {
      return [400, { error: 'invalid_grant', error_description: 'The provided access grant is invalid.' }];
    }
    const accessToken = `access-${randomBytes(24).toString('base64url')}`;
    const now = Math.floor(Date.now() / 1000);
    const claims: JWTPayload = {
      iss: this.issuer,
      sub: subject,
      aud: grant['client_id'] ?? '',
      azp: grant['client_id'],
      exp: now + 3600,
      iat: now,
      auth_time: now - 1,
      nonce: grant['nonce'],
      at_hash: createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url'),
      acr: 'AAL3_ANY',
      amr: ['N3_SMARTCARD'],
      authentication_assurance_level: '3',
      id_assurance_level: '3',
      sid: `sid-${randomBytes(18).toString('base64')}`,
      ...this.claims({ grant, accessToken, now }),
    };
    const idToken =
      (await this.idToken?.(claims, this.signing)) ??
      (await new SignJWT(claims)
        .setProtectedHeader({ typ: 'JWT', kid: this.signing.kid, ...this.header, alg: 'RS256' })
        .sign(this.signing.privateKey));
    return [
      200,
      {
        access_token: accessToken,
        token_type: 'Bearer',
        expires_in: 3599,
        scope: grant['scope'],
        id_token: idToken,
        ...this.tokenResponse,
      },
    ];
  }
}
