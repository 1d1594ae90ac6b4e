import { Problem, type ConnectHandler } from '../http/index.ts';
import type { EventStore } from '../session/index.ts';
import { logState, requireCredential, unknown } from './presented-session.ts';

/** `$connect` of `/auth/events`: a page whose cookie opens a live session hears of that session's end. Extends nothing. */
export const listenForEnd =
  (sessions: EventStore): ConnectHandler =>
  async (request, connectionId, log) => {
    if (await sessions.connect(requireCredential(request), connectionId)) return;
    logState(unknown, log);
    throw new Problem('session_required');
  };
