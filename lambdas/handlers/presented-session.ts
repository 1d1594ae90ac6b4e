/** Shared by all routes of a session: which session the request presents, and the problems without one. */
import { Problem, type HttpRequest } from '../http/index.ts';
import type { SessionCredential, SessionState } from '../session/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { presentedCredential } from './presented-credential.ts';

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
