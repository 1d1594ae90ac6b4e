import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JWTPayload } from 'jose';
import { readAuthorizationRequest, type AuthorizationRequest } from './authorization-request.ts';
import {
  accessTokenClaims,
  asksForRole,
  changed,
  idTokenClaims,
  satisfiedAcr,
  tokenLifetimeSeconds,
  userInfoClaims,
  type Authentication,
} from './claims.ts';
import { ClientRefused, createClientAuthenticator } from './client-authentication.ts';
import type { ClientRegistration } from './clients.ts';
import type { Effects, FaultyEndpoint } from './effects.ts';
import { ExpiringMap, type Clock } from './expiring-map.ts';
import { cut, withHeaders, type HttpResponse, type Request } from '../control-panel/http.ts';
import { json, notFound, oauthError, readCookie, redirect, repeatedParameter } from './http.ts';
import { stylesheet } from './layout.ts';
import { metadata, paths, type Scope } from './metadata.ts';
import {
  expiredPage,
  roleOf,
  rolePage,
  signInPage,
  unknownPersonPage,
  untrustedRequestPage,
} from './pages.ts';
import { personaByUid } from './personas.ts';
import type { Cis2Session, Sessions } from './sessions.ts';
import { randomValue, type KeyRing } from './signer.ts';

const codeLifetimeSeconds = 60;
const interactionLifetimeSeconds = 600;
const sessionCookie = 'cis2_simulator_session';

/** A request whose person is busy with our pages; with a session once the person is known and only a role is missing. */
interface Interaction {
  readonly request: AuthorizationRequest;
  readonly session?: Cis2Session;
}

type SignInChanges = ReturnType<Effects['takeClaimChanges']>;

/** What a code stands for. */
interface Grant {
  readonly request: AuthorizationRequest;
  readonly session: Cis2Session;
  readonly authentication: Authentication;
  readonly changes: SignInChanges;
  spent: boolean;
  accessToken: string | undefined;
}

interface AccessGrant {
  readonly authentication: Authentication;
  readonly scopes: readonly Scope[];
  readonly changes: SignInChanges;
}

type Endpoint = (request: Request) => HttpResponse | Promise<HttpResponse>;

export interface ProviderOptions {
  /** Scheme, host and port, without a trailing slash, as the metadata spells them. */
  readonly origin: string;
  readonly clients: readonly ClientRegistration[];
  /** How long after a fetch of a client's keys an unknown one leads to no other. */
  readonly keyRefetchSeconds: number;
  readonly keys: KeyRing;
  readonly sessions: Sessions;
  readonly effects: Effects;
  /** Ends a session and tells its clients, in its own time. */
  readonly endSession: (session: Cis2Session) => void;
  /** What the simulator takes the time to be. */
  readonly now: Clock;
  /** What its own memory runs by. */
  readonly clock: Clock;
}

/**
 * `selected_roleid`, as far as it is known without asking: chosen in this session or in the Identity Agent, the only one
 * there is, or empty because there is none. Undefined where the person has to choose.
 */
function knownRole({ persona, selectedRoleId }: Cis2Session): string | undefined {
  const { roles } = persona;
  return selectedRoleId ?? (roles.length > 1 ? undefined : (roles[0]?.person_roleid ?? ''));
}

/** Whether the page with the roles is due. A change of role asks again wherever there is something to change to. */
function mustChooseRole({ scopes }: AuthorizationRequest, session: Cis2Session): boolean {
  if (!asksForRole(scopes)) return false;
  if (scopes.includes('changedrole') && session.persona.roles.length > 1) return true;
  return knownRole(session) === undefined;
}

/** The OpenID provider, from requests to responses. All of its state is in memory. */
export function createProvider(options: ProviderOptions): Endpoint {
  const { origin, clients, keys, sessions, effects, now, clock } = options;
  const document = metadata(origin);
  const { issuer } = document;
  const clientsById = new Map(clients.map((client) => [client.clientId, client]));
  const authenticateClient = createClientAuthenticator(
    clients,
    document.token_endpoint,
    now,
    clock,
    options.keyRefetchSeconds,
  );

  const interactions = new ExpiringMap<Interaction>(interactionLifetimeSeconds, clock);
  const grants = new ExpiringMap<Grant>(codeLifetimeSeconds, clock);
  const accessGrants = new ExpiringMap<AccessGrant>(tokenLifetimeSeconds, clock);

  const backToApp = (
    redirectUri: string,
    parameters: Record<string, string | undefined>,
    outcome: string,
    headers?: Record<string, string>,
  ): HttpResponse => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
    const mark = query.size === 0 ? '' : redirectUri.includes('?') ? '&' : '?';
    return redirect(`${redirectUri}${mark}${query.toString()}`, outcome, headers);
  };

  const sendCode = (
    request: AuthorizationRequest,
    session: Cis2Session,
    outcome: string,
    headers?: Record<string, string>,
  ): HttpResponse => {
    const code = randomValue();
    const { persona, authTime, sid } = session;
    const authentication = { persona, authTime, sid, selectedRoleId: knownRole(session) ?? '' };
    const changes = effects.takeClaimChanges();
    grants.set(code, { request, session, authentication, changes, spent: false, accessToken: undefined });
    const { redirectUri, state, client } = request;
    // `iss` and `client_id` are Access Manager's own addition against mix-up.
    return backToApp(redirectUri, { code, iss: issuer, state, client_id: client.clientId }, outcome, headers);
  };

  /** The session of this browser, where that is good enough for this request. */
  const currentSession = (http: Request, request: AuthorizationRequest): Cis2Session | undefined => {
    const current = sessions.ofBrowser(readCookie(http, sessionCookie));
    if (current === undefined || request.prompt === 'login') return undefined;
    if (request.maxAge !== undefined && now() - current.authTime >= request.maxAge) return undefined;
    return request.acrValues.includes(satisfiedAcr(current.persona, request.acrValues)) ? current : undefined;
  };

  const askForRole = (request: AuthorizationRequest, session: Cis2Session): HttpResponse => {
    const interaction = randomValue();
    interactions.set(interaction, { request, session });
    return rolePage({ request, session, interaction });
  };

  /** An error of the control panel's, in place of the sign-in. */
  const wantedError = ({ redirectUri, state }: AuthorizationRequest): HttpResponse | undefined => {
    const error = effects.takeAuthorizationError();
    if (error === undefined) return undefined;
    return error === 'no_parameters'
      ? redirect(redirectUri, 'no parameters, as asked at the control panel')
      : backToApp(redirectUri, { error, state }, `${error}, as asked at the control panel`);
  };

  const authorize: Endpoint = (http) => {
    const read = readAuthorizationRequest(http.query, clientsById);
    if (read.kind === 'untrusted') return untrustedRequestPage(read.fault, read.client);
    if (read.kind === 'refused') {
      const { redirectUri, state, error, description } = read;
      return backToApp(
        redirectUri,
        { error, error_description: description, state },
        `${error}: ${description}`,
      );
    }
    const { request } = read;
    const { redirectUri, state } = request;
    const wanted = wantedError(request);
    if (wanted !== undefined) return wanted;
    const current = currentSession(http, request);
    if (current !== undefined && !mustChooseRole(request, current)) {
      return sendCode(request, current, `code for ${current.persona.uid}, signed in before`);
    }
    if (request.prompt === 'none') {
      const error = current === undefined ? 'login_required' : 'interaction_required';
      return backToApp(redirectUri, { error, state }, error);
    }
    if (current !== undefined) return askForRole(request, current);
    const interaction = randomValue();
    interactions.set(interaction, { request });
    return signInPage(request, interaction);
  };

  const cancelled = ({ redirectUri, state }: AuthorizationRequest): HttpResponse => {
    const description = 'Resource Owner did not authorize the request';
    const response = { error: 'access_denied', error_description: description, state };
    return backToApp(redirectUri, response, 'access_denied: cancelled');
  };

  const signIn: Endpoint = (http) => {
    const { form } = http;
    const { request } = interactions.get(form.get('interaction') ?? '') ?? {};
    if (request === undefined) return expiredPage();
    if (form.has('cancel')) return cancelled(request);
    const persona = personaByUid(form.get('uid') ?? '');
    if (persona === undefined) return unknownPersonPage();
    const { session, cookie } = sessions.start(persona, now(), readCookie(http, sessionCookie));
    const headers = { 'set-cookie': `${sessionCookie}=${cookie}; Path=/openam; HttpOnly; SameSite=Lax` };
    if (!mustChooseRole(request, session)) {
      return sendCode(request, session, `code for ${persona.uid}, signed in now`, headers);
    }
    return withHeaders(askForRole(request, session), headers);
  };

  const selectRole: Endpoint = (http) => {
    const { form } = http;
    const interaction = form.get('interaction') ?? '';
    const { request, session } = interactions.get(interaction) ?? {};
    // The page belongs to the browser it was shown in.
    const isTheirs = sessions.ofBrowser(readCookie(http, sessionCookie)) === session;
    if (request === undefined || session === undefined || !isTheirs) return expiredPage();
    if (form.has('cancel')) return cancelled(request);
    const search = form.get('search') ?? '';
    if (form.has('find')) return rolePage({ request, session, interaction, search });
    const role = roleOf(session.persona, form.get('role') ?? '');
    if (role === undefined) return rolePage({ request, session, interaction, search, isMissing: true });
    session.selectedRoleId = role.person_roleid;
    interactions.delete(interaction);
    return sendCode(request, session, `code for ${session.persona.uid}, role chosen`);
  };

  const invalidGrant = (reason: string): HttpResponse =>
    oauthError(
      400,
      'invalid_grant',
      'The provided access grant is invalid, expired, or revoked.',
      `invalid_grant: ${reason}`,
    );

  const invalidRequest = (reason: string): HttpResponse =>
    oauthError(400, 'invalid_request', reason, `invalid_request: ${reason}`);

  /** RFC 7636 section 4.6; a verifier without a challenge is refused as well (RFC 9700 section 2.1.1). */
  const provesPossession = (challenge: string | undefined, verifier: string | null): boolean =>
    challenge === undefined || verifier === null
      ? challenge === undefined && verifier === null
      : createHash('sha256').update(verifier).digest('base64url') === challenge;

  const token: Endpoint = async ({ form, headers }) => {
    if (repeatedParameter(form) !== undefined) return invalidRequest('A parameter was sent twice.');
    let client: ClientRegistration;
    try {
      if (headers.authorization !== undefined) throw new ClientRefused('an Authorization header was sent');
      client = await authenticateClient(form);
    } catch (error) {
      if (!(error instanceof ClientRefused)) throw error;
      return oauthError(401, 'invalid_client', error.description, `invalid_client: ${error.message}`);
    }
    if (form.get('grant_type') !== 'authorization_code') {
      const description = 'Grant type is not supported.';
      return oauthError(400, 'unsupported_grant_type', description, 'unsupported_grant_type');
    }
    const code = form.get('code');
    if (code === null) return invalidRequest('Missing parameter: code');

    const grant = grants.get(code);
    if (grant === undefined) return invalidGrant('code is unknown or expired');
    const { request, session, authentication, changes } = grant;
    if (request.client.clientId !== client.clientId) return invalidGrant('code belongs to another client');
    if (grant.spent) {
      // RFC 6749 section 4.1.2: what was given out for a code that turns up again is withdrawn.
      if (grant.accessToken !== undefined) accessGrants.delete(grant.accessToken);
      return invalidGrant('code was used before');
    }
    grant.spent = true;
    if (form.get('redirect_uri') !== request.redirectUri) return invalidGrant('redirect_uri is not the same');
    if (!provesPossession(request.codeChallenge, form.get('code_verifier'))) {
      return invalidGrant('code_verifier does not fit the code_challenge');
    }

    // A token given out now could never be called back: no logout would reach its client any more.
    if (!sessions.isLive(session)) return invalidGrant('its CIS2 session has ended');

    const time = now();
    const { scopes, nonce, state, acrValues } = request;
    const key = keys.signing;
    const accessToken = await key.sign(accessTokenClaims(issuer, authentication, scopes, time));
    const claims = idTokenClaims({
      ...authentication,
      issuer,
      clientId: client.clientId,
      scopes,
      acrValues,
      nonce,
      state,
      code,
      accessToken,
      now: time,
    });
    const idToken = await key.sign(changed(claims, changes.idToken));
    session.idTokens.set(client.clientId, idToken);
    accessGrants.set(accessToken, { authentication, scopes, changes });
    grant.accessToken = accessToken;
    return json(
      200,
      {
        access_token: accessToken,
        scope: scopes.join(' '),
        id_token: idToken,
        token_type: 'Bearer',
        expires_in: tokenLifetimeSeconds - 1,
      },
      `tokens for ${authentication.persona.uid} to ${client.clientId}`,
    );
  };

  const userInfo: Endpoint = ({ headers }) => {
    const bearer = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1];
    const grant = bearer === undefined ? undefined : accessGrants.get(bearer);
    if (grant === undefined) {
      const description =
        'The access token provided is expired, revoked, malformed, or invalid for other reasons.';
      return withHeaders(oauthError(401, 'invalid_token', description, 'invalid_token'), {
        'www-authenticate': 'Bearer error="invalid_token"',
      });
    }
    const { authentication, scopes, changes } = grant;
    const claims = changed(userInfoClaims(authentication, scopes), changes.userInfo);
    return json(200, claims, `claims of ${authentication.persona.uid}`);
  };

  /** The client that an end-session request comes from, as far as it says. */
  const clientOfHint = (hint: JWTPayload | undefined, query: URLSearchParams): string | undefined =>
    typeof hint?.aud === 'string' ? hint.aud : (query.get('client_id') ?? undefined);

  /**
   * The end-session endpoint (OpenID Connect RP-Initiated Logout 1.0 section 2, as Access Manager has it). The ID token
   * says which session ends, whatever browser asks. Without one, a client that names itself and a place to go back to
   * ends the session of the browser that asks. Without a place to go back to, the response is 204: a browser that was sent
   * here stays on a dead page.
   */
  const endSession: Endpoint = async (http) => {
    const { query } = http;
    if (repeatedParameter(query) !== undefined) return invalidRequest('A parameter was sent twice.');
    const hinted = query.has('id_token_hint');
    const claims = await keys.verify(query.get('id_token_hint') ?? '');
    if (hinted && claims?.['tokenName'] !== 'id_token')
      return invalidRequest('id_token_hint is not an ID token of ours.');
    const clientId = clientOfHint(claims, query);
    if (query.has('client_id') && query.get('client_id') !== clientId)
      return invalidRequest('client_id is not the one that id_token_hint was given to.');
    const uri = query.get('post_logout_redirect_uri');
    const registered = clientsById.get(clientId ?? '')?.postLogoutRedirectUris ?? [];
    if (uri !== null && !registered.includes(uri))
      return invalidRequest('post_logout_redirect_uri is not registered.');
    if (!hinted && uri === null) return invalidRequest('id_token_hint is missing.');

    const session = hinted
      ? sessions.find(({ sid }) => sid === claims?.['sid'])
      : sessions.ofBrowser(readCookie(http, sessionCookie));
    if (session !== undefined) options.endSession(session);
    const outcome = session === undefined ? 'no session to end' : `session of ${session.persona.uid} ended`;
    if (uri === null) return { status: 204, headers: {}, body: '', outcome };
    return backToApp(uri, { state: query.get('state') ?? undefined }, outcome);
  };

  interface Route {
    readonly methods: Readonly<Record<string, Endpoint>>;
    /** What the control panel knows it by, where it can be made to fail. */
    readonly name?: FaultyEndpoint;
  }

  const routes: Readonly<Record<string, Route>> = {
    [paths.discovery]: { name: 'discovery', methods: { GET: () => json(200, document, 'metadata') } },
    [paths.jwks]: { name: 'keys', methods: { GET: () => json(200, { keys: keys.published }, 'keys') } },
    [paths.authorize]: { name: 'authorize', methods: { GET: authorize } },
    [paths.signIn]: { methods: { POST: signIn } },
    [paths.selectRole]: { methods: { POST: selectRole } },
    [paths.token]: { name: 'token', methods: { POST: token } },
    [paths.userInfo]: { name: 'userinfo', methods: { GET: userInfo, POST: userInfo } },
    [paths.endSession]: { name: 'endSession', methods: { GET: endSession } },
    [paths.stylesheet]: { methods: { GET: stylesheet } },
  };

  return async (http) => {
    const route = Object.hasOwn(routes, http.path) ? routes[http.path] : undefined;
    if (route === undefined) return notFound();
    const endpoint = Object.hasOwn(route.methods, http.method) ? route.methods[http.method] : undefined;
    if (endpoint === undefined) {
      const refusal = oauthError(405, 'invalid_request', 'Method not allowed.', 'method not allowed');
      return withHeaders(refusal, { allow: Object.keys(route.methods).join(', ') });
    }
    const fault = route.name === undefined ? undefined : effects.takeFault(route.name);
    return (await faultResponse(fault)) ?? endpoint(http);
  };
}

/** The response of a fault; undefined where the endpoint still does its work, perhaps after a while. */
async function faultResponse(fault: ReturnType<Effects['takeFault']>): Promise<HttpResponse | undefined> {
  switch (fault?.kind) {
    case 'slow':
      await sleep(fault.milliseconds, undefined, { ref: false });
      return undefined;
    case 'status':
      return {
        ...json(fault.status, { error: 'server_error' }, 'as asked at the control panel'),
        ...(fault.status === 204 || fault.status === 304 ? { headers: {}, body: '' } : {}),
      };
    case 'html':
      return {
        status: 200,
        headers: { 'content-type': 'text/html; charset=utf-8' },
        body: '<!doctype html><title>Maintenance</title><h1>Down for maintenance</h1>',
        outcome: 'an HTML page, as asked at the control panel',
      };
    case 'reset':
      return cut('cut, as asked at the control panel');
    case undefined:
      return undefined;
  }
}
