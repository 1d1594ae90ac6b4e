import { toRfc3339 } from '../common/index.ts';
import { json, Problem, type RouteHandler } from '../http/index.ts';
import type { ListedSession, SessionStore } from '../session/index.ts';
import { expectedHandle, notActive, refuseAnotherSession, requireCredential } from './presented-session.ts';

export interface SessionsDependencies {
  readonly sessions: SessionStore;
}

/** `GET /auth/sessions`: where else the user is signed in. */
export const listSessions =
  ({ sessions }: SessionsDependencies): RouteHandler =>
  async (request, log) => {
    const state = await sessions.list(requireCredential(request));
    if (state.status !== 'active') throw notActive(state, log);
    log.measure('SessionHit');
    refuseAnotherSession(request, state.handle);
    return json({ sessions: state.sessions.map(describeListed) });
  };

/** `DELETE /auth/sessions/{handle}`: ends one of the user's own sessions. Sessions of other users count as not found. */
export const endSession =
  ({ sessions }: SessionsDependencies): RouteHandler =>
  async (request, log) => {
    const handle = request.pathVariables['handle'] ?? '';
    const result = await sessions.endListed(requireCredential(request), expectedHandle(request), handle);
    if (result.status === 'active') throw new Problem('session_changed');
    if (result.status !== 'done') throw notActive(result, log);
    if (!result.found) throw new Problem('not_found');
    log('session_ended', { person: result.person, reason: 'revoked', count: 1 });
    return { status: 204 };
  };

const describeListed = ({ handle, current, signedInAt, lastActiveAt, device }: ListedSession) => ({
  handle,
  current,
  signedInAt: toRfc3339(signedInAt),
  lastActiveAt: toRfc3339(lastActiveAt),
  device,
});
