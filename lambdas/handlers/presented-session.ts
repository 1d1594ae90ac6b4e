/** What every route of a session shares: which one the request presents, and the refusals when there is none. */
import { Problem, type HttpRequest } from '../http/index.ts';
import type { SessionCredential, SessionState } from '../session/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { presentedCredential } from './presented-credential.ts';

export const unknown: SessionState = { status: 'unknown' };

/** The session a page believes it acts in; a tab left open must not act as somebody else or in another role. */
export const expectedHandle = (request: HttpRequest): string | undefined => request.headers['x-session'];

/** @throws Problem `session_changed` when the session reached is not the one that the page believes it acts in */
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
 * A cookie in our form that opens nothing is worth a line: it may be somebody trying, or somebody at the table. So is the
 * end of a session: its user may call with this reference.
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
