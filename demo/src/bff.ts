/** Everything this page says to the backend-for-frontend, and how it reads the answers. */

import { parseUrl } from './url.ts';

const endReasons = ['idle', 'absolute', 'signed_out', 'provider_logout', 'replaced', 'revoked'] as const;
export type EndReason = (typeof endReasons)[number];

export interface Role {
  readonly roleId: string;
  readonly roleName: string;
  readonly jobRoleCode: string;
  readonly orgCode: string;
  readonly orgName: string;
  /** The app accepts this role: one that it does not accept cannot be chosen. */
  readonly permitted: boolean;
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
  /** How many other live sessions the person had when this one began; 0 where that is not asked about. */
  readonly otherSessions: number;
  readonly expires: {
    readonly at: Date;
    readonly absoluteAt: Date;
    readonly bindingLimit: 'idle' | 'absolute';
    readonly warnAt: Date;
  };
  /** Milliseconds to add to this computer's clock to get the server's. */
  readonly clockOffset: number;
}

export interface EndedSession {
  readonly status: 'ended';
  readonly reason: EndReason;
  /** Finds the entry in the service's log that says so. */
  readonly reference: string | null;
}

export type Session = ActiveSession | EndedSession | { readonly status: 'anonymous' };

/** One of the places where the person is signed in. */
export interface ListedSession {
  readonly handle: string;
  /** The session this browser has. */
  readonly current: boolean;
  readonly signedInAt: Date;
  readonly lastActiveAt: Date;
  readonly device: string;
}

/** The server's time now, in milliseconds since the epoch, as far as this session's answer tells. */
export const serverNow = (session: ActiveSession): number => Date.now() + session.clockOffset;

/**
 * The person has proved that it is them in the last five minutes: what asks for more than a screen that somebody left
 * open asks for this.
 */
export const signedInLately = (session: ActiveSession): boolean =>
  serverNow(session) - session.assurance.authenticatedAt.getTime() < 300_000;

/** A call that did not give what was asked for. */
export class BffError extends Error {
  override readonly name = 'BffError';
  /** The code of the backend's own problem; else what the status alone tells, `unreachable` or `invalid_answer`. */
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

/**
 * The reference in a text that anybody can have written. It is shown to people and read out on the telephone, so only the
 * exact format that the backend makes is one: `7K3M-9QX2-HABW`, without the letters that are mistaken for digits.
 */
export const referenceIn = (value: string | null): string | null =>
  value !== null && /^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/.test(value) ? value : null;

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
    permitted: role['permitted'] !== false,
  };
}

/** Reads the session JSON. */
function parseSession({ body, askedAt, reference }: Answer): Session {
  const session = fields(body);
  if (session['status'] === 'anonymous') return { status: 'anonymous' };
  if (session['status'] === 'ended') {
    return {
      status: 'ended',
      reason: endReasons.find((reason) => reason === session['reason']) ?? invalid(),
      reference,
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
    otherSessions: typeof session['otherSessions'] === 'number' ? session['otherSessions'] : 0,
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
  /** The backend's own refusal. No service behind it can send this header, whatever stands in its body. */
  readonly problemCode: string | null;
  /** When the request was sent, by this computer's clock, in milliseconds. */
  readonly askedAt: number;
  /** Finds the entry in the service's log. */
  readonly reference: string | null;
  readonly retryAfterSeconds: number | null;
}

/**
 * @param handle - the `handle` of the session this page shows: it makes the server refuse to act on any other
 * @throws BffError when no answer comes
 */
async function call(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  handle: string | null,
  body?: Fields,
): Promise<Answer> {
  const askedAt = Date.now();
  // Not `AbortSignal.timeout`, which is younger than the oldest browsers that these pages are for.
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    timeout.abort();
  }, timeoutMilliseconds);
  try {
    const response = await fetch(path, {
      method,
      headers: {
        Accept: 'application/json',
        'X-CSRF': '1',
        ...(handle === null ? {} : { 'X-Session': handle }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: timeout.signal,
    });
    const retryAfter = response.headers.get('Retry-After');
    return {
      status: response.status,
      // What stands in front of the backend answers without a body of ours; its status has to do then.
      body: /\bjson\b/.test(response.headers.get('Content-Type') ?? '') ? await response.json() : null,
      problemCode: response.headers.get('X-BFF-Problem'),
      askedAt,
      reference: referenceIn(response.headers.get('X-Request-Id')),
      retryAfterSeconds: retryAfter !== null && /^\d{1,5}$/.test(retryAfter) ? Number(retryAfter) : null,
    };
  } catch {
    throw new BffError('unreachable');
  } finally {
    clearTimeout(timer);
  }
}

const codesByStatus: Readonly<Record<number, string>> = {
  403: 'refused',
  429: 'rate_limited',
  503: 'unavailable',
  504: 'unavailable',
};

const problem = ({ status, problemCode, reference, retryAfterSeconds }: Answer): BffError =>
  new BffError(problemCode ?? codesByStatus[status] ?? 'invalid_answer', reference, retryAfterSeconds);

/** The session had ended, or was none, before the call came. */
const isSignedOut = ({ problemCode }: Answer): boolean =>
  problemCode === 'session_required' || problemCode === 'session_ended';

/** The session that an answer tells of; one that is over by now is asked for, for the answer does not hold it. */
function sessionOf(answer: Answer): Session | Promise<Session> {
  if (isSignedOut(answer)) return readSession(null);
  if (answer.status !== 200) throw problem(answer);
  return parseSession(answer);
}

/**
 * Who is signed in. Never extends the session.
 *
 * @param handle - of the session this page shows, if any
 * @throws BffError when that cannot be found out
 */
export async function readSession(handle: string | null): Promise<Session> {
  let answer = await call('GET', '/auth/session', handle);
  const isReplaced = answer.status === 200 && fields(answer.body)['reason'] === 'replaced';
  if (answer.problemCode === 'session_changed' || isReplaced) {
    // The browser holds another session than the one this page showed, or will have by now: ask for that one.
    answer = await call('GET', '/auth/session', null);
  }
  if (answer.status !== 200) throw problem(answer);
  return parseSession(answer);
}

/**
 * Counts as user activity: starts the inactivity limit anew.
 *
 * @returns the session, which may have ended before the call came
 * @throws BffError `session_changed` when the browser has another session by now; others when nothing is known
 */
export const extendSession = async (handle: string | null): Promise<Session> =>
  sessionOf(await call('POST', '/auth/session/extend', handle));

/**
 * Works in another of the person's roles from now on. The session goes on under a new `handle`.
 *
 * @returns the session, which may have ended before the call came
 * @throws BffError `role_not_permitted` when the app does not accept the role, or the person does not have it;
 *   `session_changed` when the browser has another session by now; others when nothing is known
 */
export const changeRole = async (handle: string | null, roleId: string): Promise<Session> =>
  sessionOf(await call('PUT', '/auth/session/role', handle, { roleId }));

/**
 * Where the person is signed in, this browser first.
 *
 * @throws BffError `session_required` or `session_ended` when they are not; `session_changed` when the browser has
 *   another session by now; others when nothing is known
 */
export async function listSessions(handle: string): Promise<readonly ListedSession[]> {
  const answer = await call('GET', '/auth/sessions', handle);
  if (answer.status !== 200) throw problem(answer);
  return list(fields(answer.body)['sessions']).map((item) => {
    const session = fields(item);
    return {
      handle: text(session['handle']),
      current: session['current'] === true,
      signedInAt: instant(session['signedInAt']),
      lastActiveAt: instant(session['lastActiveAt']),
      device: textOrNone(session['device']),
    };
  });
}

/**
 * Ends one of the person's own sessions; that it had ended already is just as well.
 *
 * @param handle - of the session this page shows
 * @param other - the `handle` of the one to end
 * @throws BffError as {@link listSessions}
 */
export async function endSession(handle: string, other: string): Promise<void> {
  const answer = await call('DELETE', `/auth/sessions/${encodeURIComponent(other)}`, handle);
  if (answer.status !== 204 && answer.problemCode !== 'not_found') throw problem(answer);
}

/**
 * Ends the session.
 *
 * @returns the address to go to next: a page of this origin, or Care Identity's own sign-out
 * @throws BffError when the session may still be alive; `session_changed` when the browser has another one by now
 */
export async function signOut(handle: string | null): Promise<string> {
  const answer = await call('POST', '/auth/logout', handle);
  if (answer.status !== 200) throw problem(answer);
  const next = parseUrl(text(fields(answer.body)['redirectTo']));
  return next !== null && /^https?:$/.test(next.protocol) ? next.href : '/';
}
