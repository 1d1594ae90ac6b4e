/** The API proxy as its function makes it, with a store and tokens of the test's own and an upstream that records. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { upstreams as manifest } from '../../bff.config.ts';
import { createUpstreamClient, routesOf, type ApiRoute } from '../../lambdas/api/index.ts';
import type { AccessToken, UserTokens } from '../../lambdas/api/tokens/index.ts';
import { Secret, type EpochSeconds, type HealthcareWorker } from '../../lambdas/common/index.ts';
import { proxiedRoutes, type ApiProxyDependencies } from '../../lambdas/handlers/api-proxy.ts';
import { proxyFunction } from '../../lambdas/http/index.ts';
import type { ProxySession, ProxyStore, ProxyUse } from '../../lambdas/session/index.ts';
import { createLogger } from '../../lambdas/telemetry/index.ts';
import { unref } from '../support/unref.ts';

export interface Recorded {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export class RecordingUpstream {
  readonly calls: Recorded[] = [];
  respond: (response: ServerResponse, call: Recorded, count: number) => void = fine;
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: target = '', headers } = request;
      const call = { method, target, headers, body: Buffer.concat(chunks) };
      this.calls.push(call);
      this.respond(response, call, this.calls.length);
    });
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** With a path that every call must stay under. */
  get base(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}/demographics/FHIR/R4`;
  }

  reset(): void {
    this.calls.length = 0;
    this.respond = fine;
  }

  /** Lets this process end while the upstream listens. Call it before the first connection. */
  unref(): void {
    unref(this.#server);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

export const fine = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/fhir+json' }).end('{"resourceType":"Bundle"}');
};

const baseUrl = 'https://app.example.nhs.uk';
export const now = 1_800_000_000 as EpochSeconds;

const role = (roleId: string, jobRoleCode: string) => ({
  roleId,
  jobRoleCode,
  roleCode: `S0:G0:${jobRoleCode}`,
  roleName: 'Role',
  orgCode: 'A1',
  orgName: null,
  activityCodes: [],
  workgroupCodes: [],
});

export const worker: HealthcareWorker = {
  user: { uid: '900000000001', name: 'Amara Okafor', givenName: 'Amara', familyName: 'Okafor', title: 'Dr' },
  assurance: { authentication: 2, identity: 3, methods: [], authenticatedAt: now },
  roles: [role('900000000777', 'R8000'), role('900000000778', 'R8001')],
};

type Opened = Awaited<ReturnType<ProxyStore['open']>>;

const session = (change: Partial<ProxySession> = {}): ProxySession => ({
  handle: 'session-handle',
  roleId: '900000000777',
  signedInAt: now,
  worker: undefined,
  tokens: {} as ProxySession['tokens'],
  ...change,
});
export const active = (change: Partial<ProxySession> = {}): Opened => ({
  status: 'active',
  session: session(change),
});

/** As the store opens a session: with who the person is where that was asked for. */
const opened = ({ profile }: ProxyUse): Opened => active(profile ? { worker } : {});

const accessToken = (generation: number): AccessToken => ({
  value: new Secret(`access-token-${String(generation)}`),
  generation,
});

export interface ApiResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly cookies: readonly string[] | undefined;
  readonly body: Buffer;
  readonly problem: Record<string, unknown>;
}

export const cookie = `__Host-Http-session=${Buffer.alloc(64, 7).toString('base64url')}`;
const own = { 'x-csrf': '1', origin: baseUrl, 'sec-fetch-site': 'same-origin', cookie: undefined };

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly cookies?: readonly string[];
  readonly body?: string | Buffer;
}

/** A proxy before this upstream. Everything that it is given can be replaced between two requests. */
export class ProxyRig {
  readonly lines: string[] = [];
  readonly uses: ProxyUse[] = [];
  readonly tokensAsked: { audience: string; refused: AccessToken | undefined }[] = [];
  open: (use: ProxyUse) => Opened | Promise<Opened> = opened;
  token: UserTokens['forCall'] = (_session, _audience, _signal, refused) =>
    Promise.resolve(accessToken(refused === undefined ? 1 : refused.generation + 1));
  readonly client = createUpstreamClient();
  readonly #handler: ReturnType<typeof proxyFunction>;

  constructor(
    upstreams: Readonly<Record<string, string>>,
    options: { routes?: readonly ApiRoute[]; settings?: Partial<ApiProxyDependencies['settings']> } = {},
  ) {
    const log = createLogger({
      functionName: 'api-proxy',
      level: 'debug',
      write: (line) => this.lines.push(line),
    });
    this.#handler = proxyFunction({
      routes: proxiedRoutes(
        {
          sessions: {
            warmUp: () => Promise.resolve(),
            open: async (_credential, use) => {
              this.uses.push(use);
              return this.open(use);
            },
          },
          tokens: {
            forCall: (of, audience, signal, refused) => {
              this.tokensAsked.push({ audience, refused });
              return this.token(of, audience, signal, refused);
            },
          },
          client: this.client,
          settings: {
            UPSTREAMS: upstreams,
            ACCEPTED_ROLES: 'optional',
            CIS2_ACR: 'AAL2_OR_AAL3_ANY',
            MINIMUM_AAL: 2,
            ...options.settings,
          },
          clock: () => now,
        },
        options.routes ?? routesOf(manifest),
      ),
      baseUrl,
      signInErrorPath: '/sign-in-error',
      log,
    });
  }

  async send(sent: Sent = {}): Promise<ApiResponse> {
    const { method = 'GET', path = '/api/pds/Patient/9000000009', query = '', body } = sent;
    const event = {
      version: '2.0',
      rawPath: path,
      rawQueryString: query,
      headers: { ...own, ...sent.headers },
      cookies: sent.cookies ?? [cookie],
      ...(body === undefined ? {} : { body: Buffer.from(body).toString('base64') }),
      isBase64Encoded: body !== undefined,
      requestContext: { http: { method, path } },
    } as unknown as APIGatewayProxyEventV2;
    const result = await this.#handler(event, {} as Context);
    const bytes = Buffer.from(result.body ?? '', result.isBase64Encoded === true ? 'base64' : 'utf8');
    const headers = (result.headers ?? {}) as Record<string, string>;
    return {
      status: result.statusCode ?? 0,
      headers,
      cookies: result.cookies,
      body: bytes,
      problem:
        headers['content-type'] === 'application/problem+json'
          ? (JSON.parse(bytes.toString()) as Record<string, unknown>)
          : {},
    };
  }

  reset(): void {
    this.lines.length = 0;
    this.uses.length = 0;
    this.tokensAsked.length = 0;
    this.open = opened;
  }

  entries(event: string): Record<string, unknown>[] {
    return this.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((entry) => entry['event'] === event);
  }
}
