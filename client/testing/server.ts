/** The BFF's side of the contract in memory, for tests and stories: as much of it as a page can notice. */
import { addressOf } from '../core.ts';
import { BffError } from '../errors.ts';
import type { ActiveState, AnonymousState, EndedState, ListedSession, Role, RouteKey } from '../types.ts';

/** What a stand-in for a route is called with. */
export interface FakeCall {
  /** By name, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  /** By name; a list where the parameter came more than once. */
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly headers: Headers;
  /** Parsed where it is JSON. */
  readonly body: unknown;
}

export type FakeRoutes<Upstreams = unknown> = Readonly<
  Partial<Record<RouteKey<Upstreams>, (call: FakeCall) => Response | Promise<Response>>>
>;

type DeepPartial<Value> = Value extends Date | readonly unknown[]
  ? Value
  : Value extends object
    ? { readonly [Key in keyof Value]?: DeepPartial<Value[Key]> }
    : Value;

/** A state without its functions. What is left out of an active one is filled in. */
export type FakeSession =
  | AnonymousState
  | (Pick<EndedState, 'status' | 'reason'> & Partial<EndedState>)
  | ({ readonly status: 'active' } & DeepPartial<Omit<ActiveState, 'status' | 'remainingSeconds'>>);

export interface FakeServerOptions<Upstreams = unknown> {
  /** @default nobody is signed in */
  readonly session?: FakeSession;
  /** What is called for a route of the manifest. A route that is not listed is `not_found`. */
  readonly api?: FakeRoutes<Upstreams>;
  /** The person's sessions elsewhere. */
  readonly sessions?: readonly ListedSession[];
}

export interface FakeServer {
  /** To be used in place of `fetch`. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** The session JSON as the next response has it. */
  readonly session: () => Record<string, unknown>;
  /** Its clock, in milliseconds since the epoch; it moves with `tick` only. */
  readonly now: () => number;
  set(session: FakeSession): void;
  tick(seconds: number): void;
}

const idleMs = 900_000;
const warningMs = 120_000;
const absoluteMs = 43_200_000;

const statuses: Readonly<Record<string, number>> = {
  invalid_request: 400,
  session_required: 401,
  session_ended: 401,
  step_up_required: 401,
  csrf_rejected: 403,
  role_not_permitted: 403,
  role_required: 403,
  not_found: 404,
  method_not_allowed: 405,
  session_changed: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal_error: 500,
  upstream_invalid: 502,
  store_unavailable: 503,
  provider_unavailable: 503,
  keys_unavailable: 503,
  upstream_timeout: 504,
};

const reference = 'FAKE-0000-0001';
const common = { 'X-Request-Id': reference };

/**
 * An error response as the BFF gives it.
 *
 * @param members - beside the standard ones: `{ acr: 'AAL3_ANY' }`
 */
export function problemResponse(code: string, members: Readonly<Record<string, unknown>> = {}): Response {
  const status = statuses[code] ?? 500;
  const type = `urn:cis2-bff:problem:${code}`;
  return new Response(JSON.stringify({ type, title: code, status, code, reference, ...members }), {
    status,
    headers: {
      ...common,
      'Content-Type': 'application/problem+json',
      'X-BFF-Problem': code,
      ...(status === 429 || status === 503 ? { 'Retry-After': '5' } : {}),
    },
  });
}

const json = (body: unknown): Response => Response.json(body, { headers: common });

const exampleRole: Role = {
  roleId: '900000000777',
  roleCode: 'S8000:G8000:R8000',
  jobRoleCode: 'R8000',
  roleName: 'Clinical Practitioner Access Role',
  orgCode: 'A9A5A',
  orgName: 'EXAMPLE HEALTH CENTRE',
  activityCodes: ['B0420', 'B0428'],
  workgroupCodes: [],
};

interface Live {
  readonly status: 'active';
  readonly handle: string;
  readonly role: Role | null;
  readonly roles: readonly Role[];
  readonly idleAt: number;
  readonly absoluteAt: number;
  /** As it was set; else it follows from the end. */
  readonly warnAt: number | undefined;
  /** The rest of the session JSON. */
  readonly details: Readonly<Record<string, unknown>>;
}

interface Endpoint {
  readonly method: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly respond: (call: FakeCall) => Response | Promise<Response>;
}

const endpointOf = (key: string, respond: Endpoint['respond']): Endpoint => {
  const [method = '', path = ''] = key.split(' ');
  const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name = '']) => name);
  const literal = path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&');
  return { method, names, pattern: new RegExp(`^${literal.replaceAll(/\{\w+\}/g, '([^/]+)')}$`), respond };
};

function readBody(headers: Headers, body: unknown): unknown {
  if (typeof body !== 'string' || !/json/.test(headers.get('content-type') ?? '')) return body;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function readQuery(search: URLSearchParams): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const name of search.keys()) {
    const values = search.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return query;
}

/** Makes a server in memory, with one session that every request reaches. */
export function createFakeServer<Upstreams = unknown>(
  options: FakeServerOptions<Upstreams> = {},
): FakeServer {
  let now = Date.now();
  let live: Live | undefined;
  let ended: Pick<EndedState, 'status' | 'reason'> | undefined;
  let handles = 0;
  let elsewhere = [...(options.sessions ?? [])];

  const newHandle = (): string => `fake-session-${String((handles += 1))}`;
  const end = (reason: EndedState['reason']): void => {
    live = undefined;
    ended = { status: 'ended', reason };
  };
  const endOf = ({ idleAt, absoluteAt }: Live): number => Math.min(idleAt, absoluteAt);
  const limitOf = ({ idleAt, absoluteAt }: Live) => (idleAt < absoluteAt ? 'idle' : 'absolute');
  const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
  const applyClock = (): void => {
    if (live !== undefined && now >= endOf(live)) end(limitOf(live));
  };
  const active = (): void => {
    if (live !== undefined) live = { ...live, idleAt: now + idleMs, warnAt: undefined };
  };

  const session = (): Record<string, unknown> => {
    applyClock();
    if (live === undefined) return ended ?? { status: 'anonymous' };
    const { status, handle, role, roles, idleAt, absoluteAt, details } = live;
    const at = endOf(live);
    return {
      ...details,
      ...{ status, handle, role, roles },
      expires: {
        at: iso(at),
        idleAt: iso(idleAt),
        absoluteAt: iso(absoluteAt),
        bindingLimit: limitOf(live),
        warnAt: iso(live.warnAt ?? at - warningMs),
      },
      serverTime: iso(now),
    };
  };

  const set = (given: FakeSession): void => {
    live = ended = undefined;
    if (given.status === 'ended') end(given.reason);
    if (given.status !== 'active') return;
    const { expires = {}, serverTime, warning, handle, role, roles, user, assurance, otherSessions } = given;
    if (serverTime !== undefined) now = +new Date(serverTime);
    else if (expires.at !== undefined && +expires.at <= now) now = +expires.at - idleMs;
    const time = (instant: Date | undefined, otherwise: number): number => +(instant ?? otherwise);
    const absoluteAt = time(
      expires.absoluteAt,
      expires.bindingLimit === 'absolute' ? time(expires.at, now + idleMs) : now + absoluteMs,
    );
    const idleAt = time(expires.idleAt, time(expires.at, now + idleMs));
    const warnAt = time(expires.warnAt, Math.min(idleAt, absoluteAt) - warningMs);
    const userRoles = (roles ?? (role ? [role] : [exampleRole])) as readonly Role[];
    live = {
      status: 'active',
      handle: handle ?? newHandle(),
      role: (role === undefined ? (userRoles.length === 1 ? userRoles[0] : null) : role) as Role | null,
      roles: userRoles,
      ...{ idleAt, absoluteAt, warnAt: warning === true ? Math.min(warnAt, now) : warnAt },
      details: {
        user: {
          ...{
            uid: '900000000001',
            name: 'Amara Okafor',
            givenName: 'Amara',
            familyName: 'Okafor',
            title: 'Dr',
          },
          ...user,
        },
        assurance: {
          ...{ authentication: 3, identity: 3, methods: ['N3_SMARTCARD'] },
          ...assurance,
          authenticatedAt: iso(time(assurance?.authenticatedAt, now)),
        },
        ...(otherSessions === undefined ? {} : { otherSessions }),
      },
    };
  };

  const noSession = (): Response =>
    ended === undefined
      ? problemResponse('session_required', { loginUrl: '/auth/login' })
      : problemResponse('session_ended', { loginUrl: '/auth/login', reason: ended.reason });
  /** What needs somebody to be signed in. */
  const guarded =
    (respond: (live: Live, call: FakeCall) => Response | Promise<Response>) =>
    (call: FakeCall): Response | Promise<Response> =>
      live === undefined ? noSession() : respond(live, call);

  const chooseRole = ({ roles }: Live, { body }: FakeCall): Response => {
    const chosen = roles.find(({ roleId }) => roleId === (body as { roleId?: unknown } | null)?.roleId);
    if (chosen === undefined || chosen.permitted === false) return problemResponse('role_not_permitted');
    active();
    if (live !== undefined) live = { ...live, role: chosen, handle: newHandle() };
    return json(session());
  };

  const listSessions = ({ handle, details }: Live): Response => {
    const { authenticatedAt } = details['assurance'] as { authenticatedAt: string };
    const here = {
      handle,
      current: true,
      signedInAt: authenticatedAt,
      lastActiveAt: iso(now),
      device: 'This browser',
    };
    return json({ sessions: [here, ...elsewhere] });
  };

  const endSession = ({ handle }: Live, { parameters }: FakeCall): Response => {
    const other = parameters['handle'];
    const isKnown = other === handle || elsewhere.some((listed) => listed.handle === other);
    if (!isKnown) return problemResponse('not_found');
    if (other === handle) end('revoked');
    elsewhere = elsewhere.filter((listed) => listed.handle !== other);
    return new Response(null, { status: 204, headers: common });
  };

  const routes: Readonly<Record<string, Endpoint['respond']>> = {
    'GET /auth/session': () => json(session()),
    'GET /auth/session/draft-key': guarded(({ details }) => {
      const { uid } = details['user'] as { uid: string };
      return json({ key: btoa(uid.padEnd(32, '-').slice(0, 32)) });
    }),
    'POST /auth/session/extend': guarded(() => {
      active();
      return json(session());
    }),
    'PUT /auth/session/role': guarded(chooseRole),
    'GET /auth/sessions': guarded(listSessions),
    'DELETE /auth/sessions/{handle}': guarded(endSession),
    'POST /auth/logout': () => {
      live = ended = undefined;
      return json({ redirectTo: '/signed-out' });
    },
    ...Object.fromEntries(
      Object.entries<FakeRoutes[string]>(options.api ?? {}).map(([key, respond]) => [
        key,
        guarded((_, call) => {
          if (call.headers.get('x-background') !== '1') active();
          return respond?.(call) ?? problemResponse('not_found');
        }),
      ]),
    ),
  };
  const endpoints = Object.entries(routes).map(([key, respond]) => endpointOf(key, respond));

  const fetch: FakeServer['fetch'] = async (input, init = {}) => {
    const request = typeof input === 'object' && 'url' in input ? input : undefined;
    const { pathname, searchParams } = new URL(addressOf(input), 'http://fake.invalid');
    const method = (init.method ?? request?.method ?? 'GET').toUpperCase();
    const headers = new Headers(init.headers ?? request?.headers);
    init.signal?.throwIfAborted();
    applyClock();
    if (headers.get('x-csrf') !== '1') return problemResponse('csrf_rejected');
    const expected = headers.get('x-session');
    if (live !== undefined && expected !== null && expected !== live.handle)
      return problemResponse('session_changed');
    for (const endpoint of endpoints) {
      const [path, ...values] = endpoint.pattern.exec(pathname) ?? [];
      if (path === undefined || endpoint.method !== method) continue;
      const body = init.body ?? (request && (await request.clone().text()));
      try {
        const response = await endpoint.respond({
          parameters: Object.fromEntries(
            endpoint.names.map((name, index) => [name, decodeURIComponent(values[index] ?? '')]),
          ),
          query: readQuery(searchParams),
          headers,
          body: readBody(headers, body),
        });
        init.signal?.throwIfAborted();
        // A network error, in the shape that `Response.error()` gives it.
        if (response.type === 'error') throw new TypeError('network error');
        const responseHeaders = new Headers(response.headers);
        responseHeaders.set('X-Request-Id', reference);
        return new Response(response.body, { status: response.status, headers: responseHeaders });
      } catch (error) {
        if (error instanceof BffError) return problemResponse(error.code, error.problem ?? {});
        throw error;
      }
    }
    return problemResponse('not_found');
  };

  if (options.session !== undefined) set(options.session);
  return {
    fetch,
    session,
    now: () => now,
    set,
    tick(seconds) {
      now += seconds * 1_000;
      applyClock();
    },
  };
}
