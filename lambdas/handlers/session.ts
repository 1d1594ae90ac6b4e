import { isObject, parseJson, toRfc3339, type Clock, type EpochSeconds } from '../common/index.ts';
import {
  clearCookie,
  json,
  Problem,
  setCookie,
  type HttpRequest,
  type HttpResponse,
  type RouteHandler,
} from '../http/index.ts';
import type { ListedSession, Session, SessionState, SessionStore } from '../session/index.ts';
import { acceptsRole, type RolePolicy, type Settings } from '../settings/index.ts';
import {
  expectedHandle,
  logState,
  notActive,
  presentedCredential,
  refuseAnotherSession,
  requireCredential,
  unknown,
} from './presented-session.ts';

export interface SessionDependencies {
  readonly sessions: SessionStore;
  readonly settings: Settings<
    'BASE_URL' | 'CIS2_CLIENT_ID' | 'ACCEPTED_ROLES' | 'SIGNED_OUT_PATH' | 'END_SESSION_URL'
  >;
  readonly clock: Clock;
}

/** `GET /auth/session`: who is signed in. Never extends the session. */
export const readSession =
  ({ sessions, settings, clock }: SessionDependencies): RouteHandler =>
  async (request, log) => {
    const credential = presentedCredential(request);
    const state = credential === undefined ? unknown : await sessions.read(credential);
    if (credential !== undefined) logState(state, log);
    if (state.status === 'active') refuseAnotherSession(request, state.session.handle);
    return json(describeState(state, settings.ACCEPTED_ROLES, clock()));
  };

/**
 * `GET /auth/session/draft-key`: the key that the page encrypts unsaved work with. It is the same in all sessions of
 * a user, and different for every user.
 */
export const readDraftKey =
  ({ sessions }: SessionDependencies): RouteHandler =>
  async (request, log) => {
    const state = await sessions.read(requireCredential(request));
    if (state.status !== 'active') throw notActive(state, log);
    refuseAnotherSession(request, state.session.handle);
    const { draftKey } = state.session.worker;
    // A session that was created before draft keys existed.
    if (draftKey === undefined) throw new Problem('not_found');
    return json({ key: draftKey });
  };

/** `POST /auth/session/extend`: the user is active. */
export const extendSession =
  ({ sessions, settings, clock }: SessionDependencies): RouteHandler =>
  async (request, log) => {
    const state = await sessions.extend(requireCredential(request), expectedHandle(request));
    if (state.status !== 'active') throw notActive(state, log);
    logState(state, log);
    refuseAnotherSession(request, state.session.handle);
    return json(describeState(state, settings.ACCEPTED_ROLES, clock()));
  };

/** `PUT /auth/session/role`: chooses or changes the role the user works in. The session's cookie changes with it. */
export const changeRole =
  ({ sessions, settings, clock }: SessionDependencies): RouteHandler =>
  async (request, log): Promise<HttpResponse> => {
    const roleId = readRoleId(request);
    const policy = settings.ACCEPTED_ROLES;
    const changed = await sessions.changeRole(
      requireCredential(request),
      roleId,
      expectedHandle(request),
      (role) => acceptsRole(policy, role),
    );
    if (changed.status === 'refused') throw new Problem('role_not_permitted');
    if (changed.status === 'active') throw new Problem('session_changed');
    if (changed.status !== 'changed') throw notActive(changed, log);
    log('role_changed', { person: changed.session.person });
    const state = { status: 'active', session: changed.session } as const;
    return {
      ...json(describeState(state, policy, clock())),
      cookies: [setCookie('session', changed.credential.cookie.expose())],
    };
  };

/** `POST /auth/logout`: ends this session. The response is the same without one. */
export const logout =
  ({ sessions, settings }: SessionDependencies): RouteHandler =>
  async (request, log): Promise<HttpResponse> => {
    const credential = presentedCredential(request);
    const ended =
      credential !== undefined && (await sessions.end(credential, 'signed_out', expectedHandle(request)));
    const response = json({ redirectTo: signedOutAddress(settings) });
    if (ended !== false) {
      log('session_ended', { person: ended.person, reason: 'signed_out', count: 1 });
      return { ...response, cookies: [clearCookie('session')] };
    }
    // The cookie of an ended session is kept: the browser may have a newer one when this response arrives.
    if (credential !== undefined && expectedHandle(request) !== undefined) {
      const state = await sessions.read(credential);
      if (state.status === 'active') refuseAnotherSession(request, state.session.handle);
    }
    return response;
  };

/** `GET /auth/sessions`: where else the user is signed in. */
export const listSessions =
  ({ sessions }: Pick<SessionDependencies, 'sessions'>): RouteHandler =>
  async (request, log) => {
    const state = await sessions.list(requireCredential(request));
    if (state.status !== 'active') throw notActive(state, log);
    log.measure('SessionHit');
    refuseAnotherSession(request, state.handle);
    return json({ sessions: state.sessions.map(describeListed) });
  };

/** `DELETE /auth/sessions/{handle}`: ends one of the user's own sessions. Sessions of other users count as not found. */
export const endSession =
  ({ sessions }: Pick<SessionDependencies, 'sessions'>): RouteHandler =>
  async (request, log) => {
    const handle = request.pathVariables['handle'] ?? '';
    const result = await sessions.endListed(requireCredential(request), expectedHandle(request), handle);
    if (result.status === 'active') throw new Problem('session_changed');
    if (result.status !== 'done') throw notActive(result, log);
    if (!result.found) throw new Problem('not_found');
    log('session_ended', { person: result.person, reason: 'revoked', count: 1 });
    return { status: 204 };
  };

/** @throws Problem `invalid_request` for a body that is not `{"roleId":"…"}` */
function readRoleId({ body }: HttpRequest): string {
  const parsed = parseJson(body.toString());
  const roleId = isObject(parsed) ? parsed['roleId'] : undefined;
  if (typeof roleId !== 'string') throw new Problem('invalid_request');
  return roleId;
}

/**
 * Where the browser goes next: the app, or CIS2's end-session endpoint, which sends it back there (OpenID Connect
 * RP-Initiated Logout 1.0 section 2). No `id_token_hint` goes with it: a token must not stand in an address.
 */
function signedOutAddress(settings: SessionDependencies['settings']): string {
  if (settings.END_SESSION_URL === 'off') return settings.SIGNED_OUT_PATH;
  const query = new URLSearchParams({
    client_id: settings.CIS2_CLIENT_ID,
    post_logout_redirect_uri: settings.BASE_URL + settings.SIGNED_OUT_PATH,
  });
  return `${settings.END_SESSION_URL}?${query.toString()}`;
}

function describeState(state: SessionState, policy: RolePolicy, now: EpochSeconds): Record<string, unknown> {
  if (state.status === 'unknown') return { status: 'anonymous' };
  if (state.status === 'ended') return { status: 'ended', reason: state.reason };
  return { status: 'active', ...describeSession(state.session, policy), serverTime: toRfc3339(now) };
}

function describeSession(session: Session, policy: RolePolicy): Record<string, unknown> {
  const { handle, worker, role, expiry, otherSessions } = session;
  const { authenticatedAt, ...levels } = worker.assurance;
  return {
    handle,
    user: worker.user,
    assurance: { ...levels, authenticatedAt: toRfc3339(authenticatedAt) },
    // A role that is no longer accepted has to be chosen again.
    role: role !== null && acceptsRole(policy, role) ? role : null,
    roles: worker.roles.map((owned) => (acceptsRole(policy, owned) ? owned : { ...owned, permitted: false })),
    expires: {
      at: toRfc3339(expiry.at),
      idleAt: toRfc3339(expiry.idleAt),
      absoluteAt: toRfc3339(expiry.absoluteAt),
      bindingLimit: expiry.bindingLimit,
      warnAt: toRfc3339(expiry.warnAt),
    },
    ...(otherSessions === undefined ? {} : { otherSessions }),
  };
}

const describeListed = ({ handle, current, signedInAt, lastActiveAt, device }: ListedSession) => ({
  handle,
  current,
  signedInAt: toRfc3339(signedInAt),
  lastActiveAt: toRfc3339(lastActiveAt),
  device,
});
