import { Problem, type ConnectHandler } from '../http/index.ts';
import type { EventStore } from '../session/index.ts';
import { logState, requireCredential, unknown } from './presented-session.ts';

/** `$connect` of `/auth/events`: subscribes a page with a live session to the end of that session. Does not extend it. */
export const subscribeToSessionEnd =
  (sessions: EventStore): ConnectHandler =>
  async (request, connectionId, log) => {
    if (await sessions.connect(requireCredential(request), connectionId)) return;
    logState(unknown, log);
    throw new Problem('session_required');
  };
