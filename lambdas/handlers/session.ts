import { toRfc3339, type Clock, type EpochSeconds } from '../common/index.ts';
import {
  clearCookie,
  json,
  Problem,
  type HttpRequest,
  type HttpResponse,
  type RouteHandler,
} from '../http/index.ts';
import type { Session, SessionState, SessionStore } from '../session/index.ts';
import type { Settings } from '../settings.ts';
import type { Logger } from '../telemetry/index.ts';
import { presentedCredential } from './credential.ts';

export interface SessionDependencies {
  readonly sessions: SessionStore;
  readonly settings: Settings<'SIGNED_OUT_PATH'>;
  readonly clock: Clock;
}

/** `GET /auth/session`: who is signed in. Never extends the session. */
export const readSession =
  ({ sessions, clock }: SessionDependencies): RouteHandler =>
  async (request, log) => {
    const credential = presentedCredential(request);
    const state = credential === undefined ? unknown : await sessions.read(credential);
    if (credential !== undefined) logUnknown(state, log);
    refuseAnotherSession(request, state);
    return json(describeState(state, clock()));
  };

/** `POST /auth/session/extend`: the user is active. */
export const extendSession =
  ({ sessions, clock }: SessionDependencies): RouteHandler =>
  async (request, log) => {
    const credential = presentedCredential(request);
    const state =
      credential === undefined ? unknown : await sessions.extend(credential, expectedHandle(request));
    if (credential !== undefined) logUnknown(state, log);
    refuseAnotherSession(request, state);
    if (state.status === 'unknown') throw new Problem('session_required');
    if (state.status === 'ended') throw new Problem('session_ended', { members: { reason: state.reason } });
    return json(describeState(state, clock()));
  };

/** `POST /auth/logout`: ends this session. Answers alike when there is none. */
export const logout =
  ({ sessions, settings }: SessionDependencies): RouteHandler =>
  async (request, log): Promise<HttpResponse> => {
    const credential = presentedCredential(request);
    const ended =
      credential !== undefined && (await sessions.end(credential, 'signed_out', expectedHandle(request)));
    const answer = json({ redirectTo: settings.SIGNED_OUT_PATH });
    if (ended) {
      log('session_ended', { reason: 'signed_out', count: 1 });
      return { ...answer, cookies: [clearCookie('session')] };
    }
    // A dead cookie is left alone: by the time this answer arrives, the browser may hold a newer one.
    if (credential !== undefined && expectedHandle(request) !== undefined) {
      refuseAnotherSession(request, await sessions.read(credential));
    }
    return answer;
  };

const unknown: SessionState = { status: 'unknown' };

/** A cookie in our form that opens nothing is worth a line: it may be somebody trying, or somebody at the table. */
function logUnknown(state: SessionState, log: Logger): void {
  if (state.status !== 'unknown') return;
  if (state.unreadable === undefined) log('session_refused', { why: 'unknown' });
  else log('session_unreadable', { item: state.unreadable });
}

/** The session a page believes it acts in; a tab left open must not act as somebody else or in another role. */
const expectedHandle = (request: HttpRequest): string | undefined => request.headers['x-session'];

function refuseAnotherSession(request: HttpRequest, state: SessionState): void {
  const expected = expectedHandle(request);
  if (expected !== undefined && state.status === 'active' && state.session.handle !== expected) {
    throw new Problem('session_changed');
  }
}

function describeState(state: SessionState, now: EpochSeconds): Record<string, unknown> {
  if (state.status === 'unknown') return { status: 'anonymous' };
  if (state.status === 'ended') return { status: 'ended', reason: state.reason };
  return { status: 'active', ...describeSession(state.session), serverTime: toRfc3339(now) };
}

function describeSession({ handle, worker, role, expiry }: Session): Record<string, unknown> {
  const { authenticatedAt, ...levels } = worker.assurance;
  return {
    handle,
    user: worker.user,
    assurance: { ...levels, authenticatedAt: toRfc3339(authenticatedAt) },
    role,
    roles: worker.roles,
    expires: {
      at: toRfc3339(expiry.at),
      idleAt: toRfc3339(expiry.idleAt),
      absoluteAt: toRfc3339(expiry.absoluteAt),
      bindingLimit: expiry.bindingLimit,
      warnAt: toRfc3339(expiry.warnAt),
    },
  };
}
