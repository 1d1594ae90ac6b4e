import { createHash } from 'node:crypto';
import { readAuthorizationRequest, type AuthorizationRequest } from './authorization-request.ts';
import {
  accessTokenClaims,
  idTokenClaims,
  satisfiedAcr,
  tokenLifetimeSeconds,
  userInfoClaims,
  type Authentication,
} from './claims.ts';
import { ClientRefused, createClientAuthenticator, type ClientRegistration } from './client-assertion.ts';
import { ExpiringMap, type Clock } from './expiring-map.ts';
import {
  json,
  oauthError,
  readCookie,
  redirect,
  repeatedParameter,
  type Answer,
  type Request,
} from './http.ts';
import { metadata, paths, type Scope } from './metadata.ts';
import { expiredPage, signInPage, stylesheet, unknownPersonPage, untrustedRequestPage } from './pages.ts';
import { personaByUid } from './personas.ts';
import { randomValue, type Signer } from './signer.ts';

const codeLifetimeSeconds = 60;
const interactionLifetimeSeconds = 600;
/** How long a person stays signed in at the simulator itself. */
const browserSessionLifetimeSeconds = 43_200;
const browserSessionCookie = 'cis2_simulator_session';

/** What a code stands for. */
interface Grant {
  readonly request: AuthorizationRequest;
  readonly authentication: Authentication;
  spent: boolean;
  accessToken: string | undefined;
}

interface AccessGrant {
  readonly authentication: Authentication;
  readonly scopes: readonly Scope[];
}

type Endpoint = (request: Request) => Answer | Promise<Answer>;

export interface ProviderOptions {
  /** Scheme, host and port, without a trailing slash. */
  readonly origin: string;
  readonly clients: readonly ClientRegistration[];
  readonly signer: Signer;
  readonly clock: Clock;
}

/** The OpenID provider, from requests to answers. All of its state is in memory. */
export function createProvider({ origin, clients, signer, clock }: ProviderOptions): Endpoint {
  const document = metadata(origin);
  const { issuer } = document;
  const clientsById = new Map(clients.map((client) => [client.clientId, client]));
  const authenticateClient = createClientAuthenticator(clients, document.token_endpoint, clock);

  const interactions = new ExpiringMap<AuthorizationRequest>(interactionLifetimeSeconds, clock);
  const browserSessions = new ExpiringMap<Authentication>(browserSessionLifetimeSeconds, clock);
  const grants = new ExpiringMap<Grant>(codeLifetimeSeconds, clock);
  const accessGrants = new ExpiringMap<AccessGrant>(tokenLifetimeSeconds, clock);

  const backToApp = (
    redirectUri: string,
    parameters: Record<string, string | undefined>,
    outcome: string,
    headers?: Record<string, string>,
  ): Answer => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
    return redirect(
      `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${query.toString()}`,
      outcome,
      headers,
    );
  };

  const sendCode = (
    request: AuthorizationRequest,
    authentication: Authentication,
    outcome: string,
    headers?: Record<string, string>,
  ): Answer => {
    const code = randomValue();
    grants.set(code, { request, authentication, spent: false, accessToken: undefined });
    const { redirectUri, state, client } = request;
    // `iss` and `client_id` are Access Manager's own addition against mix-up.
    return backToApp(redirectUri, { code, iss: issuer, state, client_id: client.clientId }, outcome, headers);
  };

  /** The person already signed in here, where that is good enough for this request. */
  const currentAuthentication = (
    http: Request,
    request: AuthorizationRequest,
  ): Authentication | undefined => {
    const current = browserSessions.get(readCookie(http, browserSessionCookie) ?? '');
    if (current === undefined || request.prompt === 'login') return undefined;
    if (request.maxAge !== undefined && clock() - current.authTime >= request.maxAge) return undefined;
    return request.acrValues.includes(satisfiedAcr(current.persona, request.acrValues)) ? current : undefined;
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
    const current = currentAuthentication(http, request);
    if (current !== undefined)
      return sendCode(request, current, `code for ${current.persona.uid}, signed in before`);
    if (request.prompt === 'none') {
      return backToApp(
        request.redirectUri,
        { error: 'login_required', state: request.state },
        'login_required',
      );
    }
    const interaction = randomValue();
    interactions.set(interaction, request);
    return signInPage(request, interaction);
  };

  const signIn: Endpoint = (http) => {
    const { form } = http;
    const request = interactions.get(form.get('interaction') ?? '');
    if (request === undefined) return expiredPage();
    const { redirectUri, state } = request;
    if (form.has('cancel')) {
      const description = 'Resource Owner did not authorize the request';
      const answer = { error: 'access_denied', error_description: description, state };
      return backToApp(redirectUri, answer, 'access_denied: cancelled');
    }
    const persona = personaByUid(form.get('uid') ?? '');
    if (persona === undefined) return unknownPersonPage();
    const authentication: Authentication = {
      persona,
      authTime: clock(),
      sid: Buffer.from(randomValue(), 'base64url').toString('base64'),
    };
    // One person at a time: a new sign-in ends the session that this browser had.
    browserSessions.delete(readCookie(http, browserSessionCookie) ?? '');
    const session = randomValue();
    browserSessions.set(session, authentication);
    return sendCode(request, authentication, `code for ${persona.uid}, signed in now`, {
      'set-cookie': `${browserSessionCookie}=${session}; Path=/openam; HttpOnly; SameSite=Lax`,
    });
  };

  const invalidGrant = (reason: string): Answer =>
    oauthError(
      400,
      'invalid_grant',
      'The provided access grant is invalid, expired, or revoked.',
      `invalid_grant: ${reason}`,
    );

  const invalidRequest = (reason: string): Answer =>
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
      return oauthError(401, 'invalid_client', 'JWT is not valid', `invalid_client: ${error.message}`);
    }
    if (form.get('grant_type') !== 'authorization_code') {
      const description = 'Grant type is not supported.';
      return oauthError(400, 'unsupported_grant_type', description, 'unsupported_grant_type');
    }
    const code = form.get('code');
    if (code === null) return invalidRequest('Missing parameter: code');

    const grant = grants.get(code);
    if (grant === undefined) return invalidGrant('code is unknown or expired');
    const { request, authentication } = grant;
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

    const now = clock();
    const { scopes, nonce, state, acrValues } = request;
    const accessToken = await signer.sign(accessTokenClaims(issuer, authentication, scopes, now));
    const idToken = await signer.sign(
      idTokenClaims({
        ...authentication,
        issuer,
        clientId: client.clientId,
        scopes,
        acrValues,
        nonce,
        state,
        code,
        accessToken,
        now,
      }),
    );
    accessGrants.set(accessToken, { authentication, scopes });
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
      const answer = oauthError(401, 'invalid_token', description, 'invalid_token');
      return {
        ...answer,
        headers: { ...answer.headers, 'www-authenticate': 'Bearer error="invalid_token"' },
      };
    }
    const { persona } = grant.authentication;
    return json(200, userInfoClaims(persona, grant.scopes), `claims of ${persona.uid}`);
  };

  /**
   * Access Manager's end session: the ID token says which browser session ends. Without a post-logout redirect the
   * answer is 204; a redirect would have to be registered, and CIS2 has no place to register one.
   */
  const endSession: Endpoint = async ({ query }) => {
    const claims = await signer.verify(query.get('id_token_hint') ?? '');
    if (claims?.tokenName !== 'id_token') return invalidRequest('id_token_hint is missing or not ours.');
    browserSessions.deleteWhere(({ sid }) => sid === claims['sid']);
    if (query.has('post_logout_redirect_uri')) {
      return invalidRequest('post_logout_redirect_uri is not registered.');
    }
    return { status: 204, headers: {}, body: '', outcome: `session of ${String(claims.sub)} ended` };
  };

  const endpoints: Readonly<Record<string, Readonly<Record<string, Endpoint>>>> = {
    [paths.discovery]: { GET: () => json(200, document, 'metadata') },
    [paths.jwks]: { GET: () => json(200, { keys: [signer.publicJwk] }, 'keys') },
    [paths.authorize]: { GET: authorize },
    [paths.signIn]: { POST: signIn },
    [paths.token]: { POST: token },
    [paths.userInfo]: { GET: userInfo, POST: userInfo },
    [paths.endSession]: { GET: endSession },
    [paths.stylesheet]: { GET: stylesheet },
  };
  const host = new URL(origin).host;

  return (http) => {
    const methods = Object.hasOwn(endpoints, http.path) ? endpoints[http.path] : undefined;
    // Another host name for the same address would be another issuer, and a way in for DNS rebinding.
    if (methods === undefined || http.headers.host !== host) {
      const headers = { 'content-type': 'text/plain; charset=utf-8' };
      return { status: 404, headers, body: 'default backend - 404', outcome: 'no such host or path' };
    }
    const endpoint = Object.hasOwn(methods, http.method) ? methods[http.method] : undefined;
    if (endpoint === undefined) {
      const answer = oauthError(405, 'invalid_request', 'Method not allowed.', 'method not allowed');
      return { ...answer, headers: { ...answer.headers, allow: Object.keys(methods).join(', ') } };
    }
    return endpoint(http);
  };
}
