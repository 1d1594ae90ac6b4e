/** `/api/{upstream}/…`: a call with the user's token attached, if the manifest lists it and the user may make it. */
import { randomUUID } from 'node:crypto';
import {
  acceptHeaders,
  acceptQuery,
  acceptsParameter,
  forward,
  newTrace,
  passedHeaders,
  UpstreamInvalid,
  UpstreamTimeout,
  upstreamHeaders,
  upstreamUrl,
  type ApiRoute,
  type Trace,
  type UpstreamClient,
  type UpstreamResponse,
} from '../api/index.ts';
import { StepUpRequired, TokenUnavailable, type AccessToken, type UserTokens } from '../api/tokens/index.ts';
import { clockSkewSeconds } from '../cis2/index.ts';
import { after, asEpochSeconds, withDeadline, type Clock, type EpochSeconds } from '../common/index.ts';
import {
  acceptedMediaType,
  Problem,
  toProblem,
  type HttpRequest,
  type HttpResponse,
  type ProxiedRoute,
} from '../http/index.ts';
import { SessionGone, type ProxySession, type ProxyStore } from '../session/index.ts';
import { acceptsRole, acrLevels, acrOfLevel, type Settings } from '../settings/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { expectedHandle, notActive, requireCredential } from './presented-session.ts';

type ProxySettings = Settings<'UPSTREAMS' | 'ACCEPTED_ROLES' | 'CIS2_ACR' | 'MINIMUM_AAL'>;

export interface ApiProxyDependencies {
  readonly sessions: ProxyStore;
  readonly tokens: UserTokens;
  readonly client: UpstreamClient;
  readonly settings: ProxySettings;
  readonly clock: Clock;
}

/** A whole call: a little less than the function's own time-out. */
const maxCallMs = 26_000;
/** Of that, one wait for a token: longer than a lease that is not released. */
const maxTokenMs = 14_000;

/** Every route whose upstream is configured. @param routes - the manifest's */
export const proxiedRoutes = (
  dependencies: ApiProxyDependencies,
  routes: readonly ApiRoute[],
): readonly ProxiedRoute[] =>
  routes.flatMap((route) => {
    const { UPSTREAMS: bases } = dependencies.settings;
    const base = Object.hasOwn(bases, route.upstream) ? bases[route.upstream] : undefined;
    return base === undefined ? [] : [proxiedRoute(dependencies, route, base)];
  });

/** The stage of a call, which the log names if the call is refused. */
type Stage = 'request' | 'session' | 'step_up' | 'role' | 'token_or_upstream' | 'answer';

interface ProxiedCall {
  readonly request: HttpRequest;
  readonly log: Logger;
  readonly startedAt: number;
  readonly requestId: string;
  readonly trace: Trace;
  stage: Stage;
}

function proxiedRoute(dependencies: ApiProxyDependencies, route: ApiRoute, base: string): ProxiedRoute {
  const { method, path, parameters, body } = route;
  return {
    method,
    path,
    accepts: Object.fromEntries(
      Object.keys(parameters).map((name) => [name, (value: string) => acceptsParameter(route, name, value)]),
    ),
    body,
    handle: async (request, log) => {
      const call: ProxiedCall = {
        request,
        log,
        startedAt: performance.now(),
        requestId: randomUUID(),
        trace: newTrace(),
        stage: 'request',
      };
      try {
        const response = await forwardCall(dependencies, route, base, call);
        addCallToLog(call, route, undefined);
        return response;
      } catch (error) {
        addCallToLog(call, route, error);
        throw problemOf(error, log);
      }
    },
  };
}

/** Parse, decide, act, respond: each check comes before the next remote call. */
async function forwardCall(
  dependencies: ApiProxyDependencies,
  route: ApiRoute,
  base: string,
  call: ProxiedCall,
): Promise<HttpResponse> {
  const { sessions, settings, clock } = dependencies;
  const accepted = acceptCall(route, base, call.request);

  call.stage = 'session';
  const session = await openSession(sessions, route, settings, call);

  call.stage = 'step_up';
  requireAuthentication(route, session, settings, clock());

  call.stage = 'role';
  const roleId = workingRole(route, session, settings);

  call.stage = 'token_or_upstream';
  const response = await callUpstream(dependencies, route, call, { ...accepted, session, roleId });

  call.stage = 'answer';
  return {
    status: response.status,
    headers: passedHeaders(response, route, base, accepted.url),
    ...(response.body.length === 0 ? {} : { body: response.body }),
  };
}

/** The parts of a request that go to the upstream. */
interface AcceptedCall {
  readonly url: URL;
  /** The listed headers of the request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws Problem `invalid_request` for what the route does not take */
function acceptCall(route: ApiRoute, base: string, request: HttpRequest): AcceptedCall {
  const query = acceptQuery(route, request.query);
  const headers = acceptHeaders(route, request.headers);
  if (query === undefined || headers === undefined) throw new Problem('invalid_request');
  return { url: upstreamUrl(base, route, request.pathVariables, query), headers };
}

/** Calls the upstream with the user's token, and once more with another if that is refused. */
function callUpstream(
  { tokens, client }: ApiProxyDependencies,
  route: ApiRoute,
  call: ProxiedCall,
  accepted: AcceptedCall & { readonly session: ProxySession; readonly roleId: string | null },
): Promise<UpstreamResponse> {
  const { request, requestId } = call;
  const { url, session, roleId } = accepted;
  const { handle } = session;
  const contentType = route.body && acceptedMediaType(request.headers['content-type'], route.body.types);
  const audience = audienceOf(route);
  return forward<AccessToken>({
    client,
    call: (accessToken) => ({
      method: route.method,
      url,
      headers: upstreamHeaders(
        route,
        request.headers,
        accepted.headers,
        { requestId, handle, roleId, contentType },
        accessToken,
      ),
      body: route.body === undefined ? undefined : request.body,
    }),
    tokens:
      audience &&
      ((milliseconds, refused) =>
        withDeadline(Math.min(maxTokenMs, milliseconds), (signal) =>
          tokens.forCall(session, audience, signal, refused),
        )),
    upstreamMs: route.timeoutSeconds * 1_000,
    totalMs: maxCallMs - (performance.now() - call.startedAt),
    trace: call.trace,
  });
}

const audienceOf = ({ token }: ApiRoute) => (token === 'none' ? undefined : token);

/** The live session of the request. @throws Problem when there is none, it is another one, or it makes too many calls */
async function openSession(
  sessions: ProxyStore,
  route: ApiRoute,
  settings: ProxySettings,
  { request, log }: ProxiedCall,
): Promise<ProxySession> {
  const opened = await sessions.open(requireCredential(request), {
    handle: expectedHandle(request),
    activity: route.countsAsActivity && request.headers['x-background'] !== '1',
    profile: needsProfile(route, settings),
    audience: audienceOf(route),
  });
  if (opened.status === 'other_session') throw new Problem('session_changed');
  if (opened.status === 'rate_limited') throw rateLimited(opened.retryAfterSeconds);
  if (opened.status !== 'active') throw notActive(opened, log);
  log.measure('SessionHit');
  return opened.session;
}

/** Whether the profile, an item of its own, must be read; most calls do without it. */
const needsProfile = (route: ApiRoute, { ACCEPTED_ROLES: accepted }: ProxySettings): boolean =>
  route.minimumAal !== undefined ||
  route.maximumSignInAge !== undefined ||
  typeof route.role !== 'string' ||
  typeof accepted !== 'string';

/**
 * Seconds since the person proved who they are at CIS2. A session may be younger, because single sign-on needs no
 * new proof. NaN, which passes no comparison, when that instant is missing, invalid, or in the future.
 */
function authenticationAge(session: ProxySession, now: EpochSeconds): number {
  const authenticatedAt = asEpochSeconds(session.worker?.assurance.authenticatedAt);
  if (authenticatedAt === undefined || authenticatedAt > after(now, clockSkewSeconds)) return NaN;
  return now - authenticatedAt;
}

/** @throws Problem `step_up_required` when the authentication is too weak or too old for the route */
function requireAuthentication(
  route: ApiRoute,
  session: ProxySession,
  settings: ProxySettings,
  now: EpochSeconds,
): void {
  const { minimumAal, maximumSignInAge } = route;
  // A sign-in for a higher level is a fresh one too, so the level comes first. A missing level is too low.
  if (minimumAal !== undefined && !((session.worker?.assurance.authentication ?? NaN) >= minimumAal)) {
    throw stepUpToLevel(minimumAal, settings);
  }
  if (maximumSignInAge !== undefined && !(authenticationAge(session, now) <= maximumSignInAge)) {
    throw stepUpByReauthentication();
  }
}

/** `/auth/login` refuses a level below the configured one, so the higher of the two is requested. */
function stepUpToLevel(level: number, settings: ProxySettings): Problem {
  const wanted = Math.max(level, settings.MINIMUM_AAL, acrLevels[settings.CIS2_ACR]);
  const acr = acrLevels[settings.CIS2_ACR] === wanted ? settings.CIS2_ACR : acrOfLevel(wanted);
  return new Problem('step_up_required', { members: { acr, loginUrl: `/auth/login?acr=${acr}` } });
}

const stepUpByReauthentication = (): Problem =>
  new Problem('step_up_required', { members: { reauth: true, loginUrl: '/auth/login?reauth=1' } });

/**
 * The role the user works in, as an upstream gets it.
 *
 * @throws Problem `role_required` when the route wants one and none is chosen that the app accepts today;
 *   `role_not_permitted` when the route accepts others only
 */
function workingRole(route: ApiRoute, session: ProxySession, settings: ProxySettings): string | null {
  const { worker, roleId: chosen } = session;
  const role = worker?.roles.find(({ roleId }) => roleId === chosen);
  const known = !needsProfile(route, settings) || (role && acceptsRole(settings.ACCEPTED_ROLES, role));
  const roleId = known === true ? chosen : null;
  if (roleId === null && route.role === 'none') return null;
  if (roleId === null) throw new Problem('role_required');
  if (typeof route.role !== 'string' && !(role && acceptsRole(route.role, role))) {
    throw new Problem('role_not_permitted');
  }
  // It is sent as a header, which the platform requires to be digits.
  if (!/^\d{1,20}$/.test(roleId)) throw new Problem('role_not_permitted');
  return roleId;
}

const retryAfter = (seconds: number): Record<string, string> => ({
  'retry-after': String(Math.max(1, Math.ceil(seconds))),
});

const rateLimited = (seconds: number): Problem =>
  new Problem('rate_limited', { headers: retryAfter(seconds) });

/** The problem that a client gets for an error. */
function problemOf(error: unknown, log: Logger): Problem {
  if (error instanceof TokenUnavailable) {
    return new Problem('provider_unavailable', {
      headers: retryAfter(error.retryAfterSeconds),
      cause: error,
    });
  }
  if (error instanceof StepUpRequired) return stepUpByReauthentication();
  if (error instanceof SessionGone) return notActive(error.state, log);
  return toProblem(error);
}

/** Adds what the request's log line says about the call. */
function addCallToLog(call: ProxiedCall, route: ApiRoute, error: unknown): void {
  const { trace } = call;
  if (trace.tries > 0) call.log.measure('UpstreamLatency', Math.round(trace.upstreamMs));
  if (error instanceof UpstreamInvalid || error instanceof UpstreamTimeout)
    call.log.measure('UpstreamFailed');
  call.log.note({
    upstream: route.upstream,
    requestId: trace.tries === 0 ? undefined : call.requestId,
    upstreamStatus: trace.upstreamStatus,
    upstreamMs: Math.round(trace.upstreamMs),
    // Omitted when zero or false, to save bytes.
    tokenMs: Math.round(trace.tokenMs) || undefined,
    tries: trace.tries,
    refreshed: trace.refreshed || undefined,
    refusedBy: error === undefined ? undefined : call.stage,
    fault: error instanceof UpstreamInvalid ? error.fault : undefined,
  });
}
