/** Everything this page says to the backend-for-frontend, and how it reads the answers. */

const endReasons = ['idle', 'absolute', 'signed_out', 'provider_logout', 'replaced', 'revoked'] as const;
export type EndReason = (typeof endReasons)[number];

export interface Role {
  readonly roleId: string;
  readonly roleName: string;
  readonly jobRoleCode: string;
  readonly orgCode: string;
  readonly orgName: string;
}

export interface ActiveSession {
  readonly status: 'active';
  readonly handle: string;
  readonly user: { readonly uid: string; readonly name: string; readonly title: string };
  readonly assurance: {
    readonly authentication: number;
    readonly identity: number;
    readonly methods: readonly string[];
    readonly authenticatedAt: Date;
  };
  /** The role the person works in; `null` until one is chosen. */
  readonly role: Role | null;
  readonly roles: readonly Role[];
  readonly expires: {
    readonly at: Date;
    readonly absoluteAt: Date;
    readonly bindingLimit: 'idle' | 'absolute';
    readonly warnAt: Date;
  };
  /** Milliseconds to add to this computer's clock to get the server's. */
  readonly clockOffset: number;
}

export type Session =
  ActiveSession | { readonly status: 'anonymous' } | { readonly status: 'ended'; readonly reason: EndReason };

/** The server's time now, in milliseconds since the epoch, as far as this session's answer tells. */
export const serverNow = (session: ActiveSession): number => Date.now() + session.clockOffset;

/** A call that did not give what was asked for. */
export class BffError extends Error {
  override readonly name = 'BffError';
  /** The `code` of the problem details; `unreachable` or `invalid_answer` when there are none. */
  readonly code: string;
  /** Finds the entry in the service's log. */
  readonly reference: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(code: string, reference: string | null = null, retryAfterSeconds: number | null = null) {
    super(`the backend answered ${code}`);
    this.code = code;
    this.reference = reference;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const timeoutMilliseconds = 15_000;

/** A reference is shown to people and read out on the telephone: nothing else gets onto the page as one. */
export const safeReference = (value: unknown): string | null =>
  typeof value === 'string' && /^[A-Z0-9-]{4,40}$/i.test(value) ? value : null;

type Fields = Readonly<Record<string, unknown>>;

const invalid = (): never => {
  throw new BffError('invalid_answer');
};
const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? { ...value } : invalid();
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : invalid());
const text = (value: unknown): string => (typeof value === 'string' ? value : invalid());
const textOrNone = (value: unknown): string => (typeof value === 'string' ? value : '');
const level = (value: unknown): number => (typeof value === 'number' ? value : invalid());
const instant = (value: unknown): Date => {
  const date = new Date(text(value));
  return Number.isNaN(date.getTime()) ? invalid() : date;
};

function readRole(value: unknown): Role {
  const role = fields(value);
  return {
    roleId: text(role['roleId']),
    roleName: textOrNone(role['roleName']),
    jobRoleCode: textOrNone(role['jobRoleCode']),
    orgCode: textOrNone(role['orgCode']),
    orgName: textOrNone(role['orgName']),
  };
}

/** Reads the session JSON. `askedAt` (this computer's clock, in milliseconds) is when the request was sent. */
function parseSession(body: unknown, askedAt: number): Session {
  const session = fields(body);
  if (session['status'] === 'anonymous') return { status: 'anonymous' };
  if (session['status'] === 'ended') {
    return {
      status: 'ended',
      reason: endReasons.find((reason) => reason === session['reason']) ?? invalid(),
    };
  }
  if (session['status'] !== 'active') return invalid();

  const user = fields(session['user']);
  const assurance = fields(session['assurance']);
  const expires = fields(session['expires']);
  return {
    status: 'active',
    handle: text(session['handle']),
    user: { uid: text(user['uid']), name: text(user['name']), title: textOrNone(user['title']) },
    assurance: {
      authentication: level(assurance['authentication']),
      identity: level(assurance['identity']),
      methods: list(assurance['methods']).map(text),
      authenticatedAt: instant(assurance['authenticatedAt']),
    },
    role: session['role'] === null ? null : readRole(session['role']),
    roles: list(session['roles']).map(readRole),
    expires: {
      at: instant(expires['at']),
      absoluteAt: instant(expires['absoluteAt']),
      bindingLimit: expires['bindingLimit'] === 'absolute' ? 'absolute' : 'idle',
      warnAt: instant(expires['warnAt']),
    },
    // As if the server had looked at its clock when the request left: a slow answer then ends early, never late.
    clockOffset: instant(session['serverTime']).getTime() - askedAt,
  };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly askedAt: number;
  readonly retryAfterSeconds: number | null;
}

/** The `handle` of the session this page shows: it makes the server refuse to act on any other. */
let handle: string | null = null;

async function call(method: 'GET' | 'POST', path: string): Promise<Answer> {
  const askedAt = Date.now();
  try {
    const response = await fetch(path, {
      method,
      headers: {
        Accept: 'application/json',
        'X-CSRF': '1',
        ...(handle === null ? {} : { 'X-Session': handle }),
      },
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMilliseconds),
    });
    const retryAfter = response.headers.get('Retry-After');
    return {
      status: response.status,
      // What stands in front of the backend answers without a body of ours; its status has to do then.
      body: /\bjson\b/.test(response.headers.get('Content-Type') ?? '') ? await response.json() : null,
      askedAt,
      retryAfterSeconds: retryAfter !== null && /^\d{1,5}$/.test(retryAfter) ? Number(retryAfter) : null,
    };
  } catch {
    throw new BffError('unreachable');
  }
}

const codesByStatus: Readonly<Record<number, string>> = {
  403: 'refused',
  429: 'rate_limited',
  503: 'unavailable',
  504: 'unavailable',
};

function problem(answer: Answer): BffError {
  const body = typeof answer.body === 'object' && answer.body !== null ? fields(answer.body) : {};
  const code =
    typeof body['code'] === 'string' ? body['code'] : (codesByStatus[answer.status] ?? 'invalid_answer');
  return new BffError(code, safeReference(body['reference']), answer.retryAfterSeconds);
}

function accept(answer: Answer): Session {
  const session = parseSession(answer.body, answer.askedAt);
  handle = session.status === 'active' ? session.handle : null;
  return session;
}

/** Where a sign-in starts, and the path of this origin where it ends. To be navigated to, not fetched. */
export const signInUrl = (returnTo: string): string => `/auth/login?returnTo=${encodeURIComponent(returnTo)}`;

/**
 * Who is signed in. Never extends the session.
 *
 * @throws BffError when that cannot be found out
 */
export async function readSession(): Promise<Session> {
  let answer = await call('GET', '/auth/session');
  if (answer.status === 409 || (answer.status === 200 && fields(answer.body)['reason'] === 'replaced')) {
    // The browser holds another session than the one this page showed, or will have by now: ask for that one.
    handle = null;
    answer = await call('GET', '/auth/session');
  }
  if (answer.status !== 200) throw problem(answer);
  return accept(answer);
}

/**
 * Counts as user activity: starts the inactivity limit anew.
 *
 * @returns the session, which may have ended before the call came
 * @throws BffError `session_changed` when the browser has another session by now; others when nothing is known
 */
export async function extendSession(): Promise<Session> {
  const answer = await call('POST', '/auth/session/extend');
  if (answer.status === 401) return readSession();
  if (answer.status !== 200) throw problem(answer);
  return accept(answer);
}

/**
 * Ends the session.
 *
 * @returns the path to show next
 * @throws BffError when the session may still be alive; `session_changed` when the browser has another one by now
 */
export async function signOut(): Promise<string> {
  const answer = await call('POST', '/auth/logout');
  if (answer.status !== 200) throw problem(answer);
  handle = null;
  const next = new URL(text(fields(answer.body)['redirectTo']), location.origin);
  return next.origin === location.origin ? next.pathname + next.search : '/';
}
