/** What the cookies of a request present, and the problems of a request without a session. */
import { decodeBase64Url, Secret } from '../common/index.ts';
import { Problem, readCookie, type HttpRequest } from '../http/index.ts';
import { parseCredential, type SessionCredential, type SessionState } from '../session/index.ts';
import type { Logger } from '../telemetry/index.ts';

/**
 * The session cookie's credential; undefined when there is none, or it cannot be one of ours.
 *
 * @throws Problem `invalid_request` when the cookie was sent twice: one of them is not ours
 */
export function presentedCredential(request: HttpRequest): SessionCredential | undefined {
  const [value, ...others] = readCookie('session', request.cookies);
  if (others.length > 0) throw new Problem('invalid_request');
  return value === undefined ? undefined : parseCredential(value);
}

/** Size of the sign-in cookie's secret. */
export const signInSecretBytes = 32;

/** The secret of this browser's other sign-ins; a new one would invalidate them. */
export function presentedSecret(request: HttpRequest): Secret<Buffer> | undefined {
  const [value, ...others] = readCookie('signIn', request.cookies);
  if (value === undefined || others.length > 0) return undefined;
  const bytes = decodeBase64Url(value, signInSecretBytes);
  return bytes === undefined ? undefined : new Secret(bytes);
}

export const unknown: SessionState = { status: 'unknown' };

/** The session that the page expects; an old tab must not act as another user or in another role. */
export const expectedHandle = (request: HttpRequest): string | undefined => request.headers['x-session'];

/** @throws Problem `session_changed` when the session is not the one that the page expects */
export function refuseAnotherSession(request: HttpRequest, reached: string): void {
  const expected = expectedHandle(request);
  if (expected !== undefined && reached !== expected) throw new Problem('session_changed');
}

/** @throws Problem `session_required` without a cookie that could be one of ours */
export function requireCredential(request: HttpRequest): SessionCredential {
  const credential = presentedCredential(request);
  if (credential === undefined) throw new Problem('session_required');
  return credential;
}

/**
 * Logs a well-formed cookie that opens no session: it may be an attack, or a changed table. Logs the end of a session too:
 * its user may report this reference.
 */
export function logState(state: SessionState, log: Logger): void {
  if (state.status === 'active') log.measure('SessionHit');
  if (state.status === 'ended') log('session_over', { reason: state.reason });
  if (state.status !== 'unknown') return;
  if (state.unreadable === undefined) log('session_refused', { why: 'unknown' });
  else log('session_unreadable', { item: state.unreadable });
}

/** @returns why there is no live session to act in, as the problem to throw */
export function notActive(state: Exclude<SessionState, { status: 'active' }>, log: Logger): Problem {
  logState(state, log);
  return state.status === 'ended'
    ? new Problem('session_ended', { members: { reason: state.reason } })
    : new Problem('session_required');
}
