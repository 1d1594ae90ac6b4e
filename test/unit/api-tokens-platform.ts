/** The API platform's token endpoint over HTTP, as strict as the real one where it matters to who calls it. */
import { createLocalJWKSet, jwtVerify, SignJWT, type JWK } from 'jose';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { AssertionSigner } from '../../lambdas/common/index.ts';
import { signingPair } from '../support/key-pool.ts';
import { unref } from '../support/unref.ts';

export const apiKey = 'key-of-the-application';

/** What becomes of a token call: a response of the test's own, or none, with the call carried out (`lost`) or not. */
export type Fault =
  | 'reset'
  | 'lost'
  | 'hang'
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** JSON unless it is text. */
      readonly body: unknown;
    }
  /** The right response, with members changed; `undefined` leaves one out. */
  | { readonly changes: Readonly<Record<string, unknown>> };

interface TokenResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}
const refused = (status: number, error: string, error_description: string): TokenResponse => ({
  status,
  body: { error, error_description, message_id: 'rrt-1' },
});

export interface TokenCall {
  readonly grant: 'exchange' | 'refresh' | 'other';
  readonly parameters: Readonly<Record<string, string>>;
  readonly refused: string | undefined;
}

export class TokenPlatform {
  readonly tokenUrl: string;
  readonly calls: TokenCall[] = [];
  readonly secrets = new Set(['the-application-secret']);
  /** ID token → whose it is. */
  readonly idTokens = new Map([['the-id-token', 'the-user']]);
  /** The next calls' faults, in turn. */
  faults: (Fault | undefined)[] = [];
  delayMs = 0;
  /** Called while a token call is carried out, before its response. */
  during: ((grant: TokenCall['grant']) => Promise<void>) | undefined;
  /** Where the application publishes its keys; else they are those of `signer`. */
  keySetUrl: string | undefined;
  lifetimeSeconds = 599;
  refreshLifetimeSeconds = 43_199;
  readonly #keys: JWK[] = [];
  readonly #seen = new Set<string>();
  readonly #refreshTokens = new Map<string, string>();
  readonly #accessTokens = new Map<string, string>();
  readonly #sockets = new Set<Socket>();
  readonly #dropped = new WeakSet<Socket>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.tokenUrl = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/oauth2/token`;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (request, response) => {
      if (this.#dropped.has(request.socket)) request.socket.destroy();
      else void this.#respond(request, response);
    });
  }

  static async start(): Promise<TokenPlatform> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TokenPlatform(server);
  }

  /** Lets this process end while the platform listens. Call it before the first connection. */
  unref(): void {
    unref(this.#server);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The next request over a connection that is open by now gets no response and loses it, without having been read. */
  dropOldConnections(): void {
    for (const socket of this.#sockets) this.#dropped.add(socket);
  }

  /** Cuts the calls that hang, and waits until who made them has noticed. */
  async cut(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }

  reset(): void {
    this.calls.length = 0;
    Object.assign(this, { faults: [], delayMs: 0, lifetimeSeconds: 599, refreshLifetimeSeconds: 43_199 });
    this.during = undefined;
  }

  count(grant: TokenCall['grant']): number {
    return this.calls.filter((call) => call.grant === grant).length;
  }

  /** Whose an access token is. */
  ownerOf(accessToken: string): string | undefined {
    return this.#accessTokens.get(accessToken);
  }

  /** Spends every refresh token there is. */
  revoke(): void {
    this.#refreshTokens.clear();
  }

  /** A key of ours. Registered, its public half is known here. */
  async signer(kid: string, registered = true): Promise<AssertionSigner> {
    const { privateKey, publicJwk } = await signingPair('RS512');
    if (registered) this.#keys.push({ ...publicJwk, kid, alg: 'RS512', use: 'sig' });
    return {
      kid,
      sign: ({ clientId, audience, lifetimeSeconds }) =>
        new SignJWT()
          .setProtectedHeader({ alg: 'RS512', typ: 'JWT', kid })
          .setIssuer(clientId)
          .setSubject(clientId)
          .setAudience(audience)
          .setJti(randomUUID())
          .setExpirationTime(Math.floor(Date.now() / 1_000) + lifetimeSeconds)
          .sign(privateKey),
    };
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
    const fault = this.faults.shift();
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    const parameters = Object.fromEntries(form);
    const grants: Readonly<Record<string, TokenCall['grant']>> = {
      'urn:ietf:params:oauth:grant-type:token-exchange': 'exchange',
      refresh_token: 'refresh',
    };
    const grant = grants[parameters['grant_type'] ?? ''] ?? 'other';
    const carriedOut =
      fault === undefined || fault === 'lost' || (typeof fault === 'object' && 'changes' in fault);
    const right = carriedOut ? await this.#carryOut(request, grant, parameters) : undefined;
    const error = right?.body['error'];
    this.calls.push({ grant, parameters, refused: typeof error === 'string' ? error : undefined });
    await this.during?.(grant);
    if (fault === 'hang') return;
    if (fault === 'reset' || fault === 'lost') {
      request.socket.destroy();
      return;
    }
    const json = { 'content-type': 'application/json' };
    if (fault !== undefined && 'body' in fault) {
      const body = typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body);
      response.writeHead(fault.status ?? 200, { ...json, ...fault.headers }).end(body);
      return;
    }
    response
      .writeHead(right?.status ?? 500, json)
      .end(JSON.stringify({ ...right?.body, ...(fault === undefined ? {} : fault.changes) }));
  }

  async #carryOut(
    request: IncomingMessage,
    grant: TokenCall['grant'],
    parameters: Readonly<Record<string, string>>,
  ): Promise<TokenResponse> {
    if (!/^application\/x-www-form-urlencoded\b/.test(request.headers['content-type'] ?? '')) {
      return refused(415, 'invalid_request', 'content type');
    }
    if (grant === 'exchange') return this.#exchange(parameters);
    if (grant === 'refresh') return this.#refresh(parameters);
    return refused(400, 'invalid_request', 'grant_type is invalid');
  }

  async #publicKeys(): Promise<JWK[]> {
    if (this.keySetUrl === undefined) return this.#keys;
    return ((await (await fetch(this.keySetUrl)).json()) as { keys: JWK[] }).keys;
  }

  async #exchange(parameters: Readonly<Record<string, string>>): Promise<TokenResponse> {
    if (parameters['subject_token_type'] !== 'urn:ietf:params:oauth:token-type:id_token') {
      return refused(400, 'invalid_request', 'missing or invalid subject_token_type');
    }
    if (parameters['client_assertion_type'] !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') {
      return refused(400, 'invalid_request', 'Missing or invalid client_assertion_type');
    }
    try {
      const { payload } = await jwtVerify(
        parameters['client_assertion'] ?? '',
        createLocalJWKSet({ keys: await this.#publicKeys() }),
        {
          ...{ algorithms: ['RS512'], typ: 'JWT', issuer: apiKey, subject: apiKey },
          ...{ audience: this.tokenUrl, requiredClaims: ['exp', 'jti'] },
        },
      );
      const { jti = '', exp = 0 } = payload;
      if (this.#seen.has(jti)) return refused(400, 'invalid_request', 'Non-unique jti');
      if (exp > Date.now() / 1_000 + 310) return refused(400, 'invalid_request', 'more than 5 minutes');
      this.#seen.add(jti);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'ERR_JWKS_NO_MATCHING_KEY') {
        const description = "Invalid 'kid' header in client_assertion JWT - no matching public key";
        return refused(401, 'invalid_request', description);
      }
      return refused(401, 'public_key error', 'JWT signature verification failed');
    }
    const owner = this.idTokens.get(parameters['subject_token'] ?? '');
    if (owner === undefined) return refused(400, 'invalid_request', 'Malformed JWT in subject_token');
    return this.#issue(owner, '0', {
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
  }

  #refresh(parameters: Readonly<Record<string, string>>): TokenResponse {
    if (parameters['client_id'] !== apiKey || !this.secrets.has(parameters['client_secret'] ?? '')) {
      return refused(401, 'invalid_client', 'client_id or client_secret is invalid');
    }
    const token = parameters['refresh_token'] ?? '';
    const owner = this.#refreshTokens.get(token);
    if (owner === undefined) return refused(401, 'invalid_grant', 'refresh_token is invalid');
    this.#refreshTokens.delete(token);
    return this.#issue(owner, '1');
  }

  #issue(owner: string, refreshCount: string, others: Readonly<Record<string, string>> = {}): TokenResponse {
    const [accessToken, refreshToken] = [`access-${randomUUID()}`, `refresh-${randomUUID()}`];
    this.#accessTokens.set(accessToken, owner);
    this.#refreshTokens.set(refreshToken, owner);
    return {
      status: 200,
      body: {
        ...{ access_token: accessToken, expires_in: String(this.lifetimeSeconds), token_type: 'Bearer' },
        ...others,
        refresh_token: refreshToken,
        refresh_token_expires_in: String(this.refreshLifetimeSeconds),
        refresh_count: refreshCount,
      },
    };
  }
}
