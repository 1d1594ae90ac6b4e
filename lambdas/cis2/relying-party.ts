/** The relying party: asks CIS2 who somebody is, and believes nothing of the answer that it has not checked. */
import * as oauth from 'oauth4webapi';
import {
  after,
  asEpochSeconds,
  Secret,
  type Clock,
  type HealthcareWorker,
  type SignInTokens,
} from '../common/index.ts';
import type { AcrValue, RolePolicy } from '../settings.ts';
import { checkAssurance, type AssurancePolicy } from './assurance.ts';
import { ProviderUnavailable, SignInRefused } from './errors.ts';
import { checkIdToken, checkIdTokenType } from './id-token.ts';
import { signingAlgorithm, verifyWithKeysOf } from './jwt.ts';
import { createProvider, type ProviderMetadata } from './provider.ts';
import { providerFetch } from './transport.ts';
import { checkRoles, chosenRole } from './roles.ts';
import { readRoles, readUser } from './worker.ts';

/** Proves who we are with one of our keys. */
interface AssertionSigner {
  /** The name that the key is published under. */
  readonly kid: string;
  sign(request: { clientId: string; audience: string; lifeSeconds: number }): Promise<string>;
}

export interface RelyingPartyOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Registered at CIS2; from configuration, never from a request. */
  readonly redirectUri: string;
  readonly scope: string;
  /** Which roles can be worked in, and whether a sign-in needs one. */
  readonly acceptedRoles: RolePolicy;
  readonly clock: Clock;
  /** What signs for us at the moment. Told the name of a key that CIS2 refused, it looks whether there is another by now. */
  readonly signer: (refusedKid?: string) => Promise<AssertionSigner>;
  /** Told when CIS2's metadata or keys could not be had again and the old ones serve. */
  readonly onStale: (document: 'metadata' | 'keys', ageSeconds: number) => void;
}

/** What of an authorisation request differs from one sign-in to the next. */
export interface AuthorisationRequest {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly acr: AcrValue;
  /** `login`, or the `max_age` in seconds. */
  readonly freshness: 'login' | number;
  /** CIS2's own choice or change of role (scopes `selectedrole` and `changedrole`). */
  readonly role: 'select' | 'change' | undefined;
}

export interface AuthorisationResponse {
  /** The callback's query, as it came. */
  readonly parameters: URLSearchParams;
  /** The state this browser was sent away with, already found to be its own. */
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly assurance: AssurancePolicy;
}

export interface SignIn {
  readonly worker: HealthcareWorker;
  /**
   * The role the person works in, where that is settled.
   *
   * @param former - the role that they had chosen in the session that this sign-in takes the place of
   */
  chosenRole(former: string | undefined): string | null;
  readonly issuer: string;
  readonly subject: string;
  readonly providerSessionId: string | undefined;
  readonly tokens: SignInTokens;
}

export interface RelyingParty {
  /** Reads metadata and keys, so that what follows need not. @throws ProviderUnavailable */
  prepare(signal: AbortSignal): Promise<void>;
  /** Where to send the browser (OpenID Connect Core 3.1.2.1). @throws ProviderUnavailable */
  authorisationRequest(request: AuthorisationRequest, signal: AbortSignal): Promise<URL>;
  /** What the response says of itself before anything is asked of CIS2. @throws ProviderUnavailable, SignInRefused */
  readResponse(response: AuthorisationResponse, signal: AbortSignal): Promise<AcceptedResponse>;
  /** Exchanges the code and checks everything that comes back. @throws ProviderUnavailable, SignInRefused */
  completeSignIn(accepted: AcceptedResponse, signal: AbortSignal): Promise<SignIn>;
}

/** A response that carries a code and is this provider's, for this attempt. */
export interface AcceptedResponse extends AuthorisationResponse {
  readonly accepted: URLSearchParams;
}

/** CIS2 refuses an assertion that lives 30 minutes or more; its assessors ask for 5 at most. */
const assertionLifeSeconds = 240;

const scopeOfRole = { select: 'selectedrole', change: 'changedrole' } as const;

export function createRelyingParty(options: RelyingPartyOptions): RelyingParty {
  const { clientId, redirectUri, clock } = options;
  const provider = createProvider(options);
  const client: oauth.Client = {
    client_id: clientId,
    id_token_signed_response_alg: signingAlgorithm,
    require_auth_time: true,
  };

  const requestOptions = (signal: AbortSignal) => ({
    [oauth.customFetch]: providerFetch(signal),
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- only ever true for a loopback issuer
    [oauth.allowInsecureRequests]: provider.insecure,
  });

  /**
   * `private_key_jwt` (RFC 7523; OpenID Connect Core section 9), addressed to the token endpoint in the very characters
   * CIS2 writes it with: the library would address the issuer, and can sign with a key in memory only.
   */
  const authenticateWith =
    (signer: AssertionSigner): oauth.ClientAuth =>
    async ({ token_endpoint: audience = '' }, _client, body) => {
      body.set('client_id', clientId);
      body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      body.set(
        'client_assertion',
        await signer.sign({ clientId, audience, lifeSeconds: assertionLifeSeconds }),
      );
    };

  /** CIS2 refuses a client before it looks at the code: with another key, the same code can be sent once more. */
  const exchangeCode = async (
    as: ProviderMetadata,
    { accepted, codeVerifier }: AcceptedResponse,
    signal: AbortSignal,
  ): Promise<Response> => {
    const send = (signer: AssertionSigner) =>
      oauth.authorizationCodeGrantRequest(
        as,
        client,
        authenticateWith(signer),
        accepted,
        redirectUri,
        codeVerifier,
        requestOptions(signal),
      );
    const signer = await options.signer();
    const response = await send(signer);
    if (!(await refusesClient(response.clone()))) return response;
    const next = await Promise.race([options.signer(signer.kid), whenOver(signal, signer)]);
    return next.kid === signer.kid ? response : send(next);
  };

  /** Verifies the ID token's signature. */
  const verifySignature = (response: Response, as: ProviderMetadata, signal: AbortSignal): Promise<void> =>
    verifyWithKeysOf(
      provider,
      {
        verifyWith: (jwks) =>
          oauth.validateApplicationLevelSignature({ ...as }, response, {
            // A fresh copy of the metadata and a fresh cache: the library then never fetches keys by rules of its own.
            [oauth.jwksCache]: { jwks, uat: Math.floor(Date.now() / 1000) },
            [oauth.customFetch]: () => Promise.reject(new ProviderUnavailable('keys are fetched elsewhere')),
          }),
        isUnknownKey: (error) =>
          error instanceof oauth.OperationProcessingError && error.code === oauth.KEY_SELECTION,
      },
      signal,
    );

  return {
    async prepare(signal) {
      await provider.keys(signal);
    },

    async authorisationRequest(request, signal) {
      const as = await provider.metadata(signal);
      const url = new URL(as.authorization_endpoint);
      const scopes = options.scope
        .split(' ')
        .filter((scope) => scope !== 'selectedrole' || request.role === undefined);
      if (request.role !== undefined) scopes.push(scopeOfRole[request.role]);
      const parameters = {
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        state: request.state,
        nonce: request.nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(request.codeVerifier),
        code_challenge_method: 'S256',
        acr_values: request.acr,
        ...(request.freshness === 'login' ? { prompt: 'login' } : { max_age: String(request.freshness) }),
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return url;
    },

    async readResponse(response, signal) {
      const as = await provider.metadata(signal);
      try {
        const accepted = oauth.validateAuthResponse(as, client, response.parameters, response.state);
        if (accepted.get('code') === null)
          throw new SignInRefused('response_invalid', 'response without code');
        return { ...response, accepted };
      } catch (error) {
        if (error instanceof oauth.AuthorizationResponseError) {
          const denied = error.error === 'access_denied';
          throw new SignInRefused(
            denied ? 'access_denied' : 'provider_error',
            `authorisation error ${knownError(error.error)}`,
          );
        }
        throw refusal('authorisation response', error);
      }
    },

    async completeSignIn(accepted, signal) {
      const as = await provider.metadata(signal);
      const askedAt = clock();
      const tokens = await checked('token response', async () => {
        const response = await exchangeCode(as, accepted, signal);
        const result = await oauth.processAuthorizationCodeResponse(as, client, response, {
          expectedNonce: accepted.nonce,
          requireIdToken: true,
        });
        await verifySignature(response, as, signal);
        return result;
      });
      // The library knows DPoP too; we did not ask for it.
      if (tokens.token_type !== 'bearer') throw new SignInRefused('response_invalid', 'token_type');
      const claims = oauth.getValidatedIdTokenClaims(tokens);
      if (claims === undefined) throw new SignInRefused('response_invalid', 'id_token missing');
      checkIdTokenType(tokens.id_token);
      const facts = checkIdToken(claims, { clientId, accessToken: tokens.access_token, now: clock() });

      const userInfo = await checked('userinfo', async () =>
        oauth.processUserInfoResponse(
          as,
          client,
          facts.subject,
          await oauth.userInfoRequest(as, client, tokens.access_token, requestOptions(signal)),
        ),
      );
      const levels = checkAssurance(claims, userInfo, accepted.assurance);
      const roles = readRoles(userInfo);
      checkRoles(roles, options.acceptedRoles);
      return {
        worker: {
          user: readUser(facts.subject, userInfo),
          assurance: { ...levels, methods: facts.methods, authenticatedAt: facts.authenticatedAt },
          roles,
        },
        chosenRole: (former) => chosenRole(roles, options.acceptedRoles, claims, userInfo, former),
        issuer: as.issuer,
        subject: facts.subject,
        providerSessionId: facts.providerSessionId,
        tokens: {
          idToken: new Secret(tokens.id_token ?? ''),
          idTokenExpiresAt: asEpochSeconds(claims.exp) ?? askedAt,
          accessToken: new Secret(tokens.access_token),
          accessTokenExpiresAt: asEpochSeconds(after(askedAt, Math.floor(tokens.expires_in ?? NaN))),
        },
      };
    },
  };
}

/** Gives the value once there is no time left. */
const whenOver = <T>(signal: AbortSignal, value: T): Promise<T> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve(value);
    });
  });

/** Whether the client itself was refused (RFC 6749 section 5.2). */
async function refusesClient(response: Response): Promise<boolean> {
  if (response.status !== 400 && response.status !== 401) return false;
  const body: unknown = await response.json().catch(() => undefined);
  return typeof body === 'object' && body !== null && 'error' in body && body.error === 'invalid_client';
}

/** OAuth and OpenID error codes that may be named in a log; any other text is the sender's own and stays out. */
const knownErrors = new Set([
  ...[
    'access_denied',
    'login_required',
    'interaction_required',
    'consent_required',
    'account_selection_required',
  ],
  ...['invalid_request', 'invalid_scope', 'unauthorized_client', 'unsupported_response_type', 'server_error'],
  ...[
    'temporarily_unavailable',
    'invalid_client',
    'invalid_grant',
    'unsupported_grant_type',
    'invalid_token',
  ],
]);
const knownError = (code: string): string => (knownErrors.has(code) ? code : 'of an unknown kind');

/** What the library threw, as a refusal: it only throws these when an answer fails a check. */
function refusal(step: string, error: unknown): unknown {
  if (error instanceof oauth.ResponseBodyError) {
    return new SignInRefused('response_invalid', `${step}: error ${knownError(error.error)}`, {
      cause: error,
    });
  }
  if (
    error instanceof oauth.OperationProcessingError ||
    error instanceof oauth.UnsupportedOperationError ||
    error instanceof oauth.WWWAuthenticateChallengeError
  ) {
    return new SignInRefused('response_invalid', `${step}: ${error.code ?? error.name}`, { cause: error });
  }
  return error;
}

async function checked<T>(step: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refusal(step, error);
  }
}
