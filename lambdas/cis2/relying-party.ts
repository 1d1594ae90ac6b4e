/**
 * Handles the response to an authorisation request: exchanges the code, reads UserInfo, and trusts nothing that it has not
 * checked.
 */
import * as oauth from 'oauth4webapi';
import {
  after,
  asEpochSeconds,
  isObject,
  parseJson,
  Secret,
  withoutNulls,
  type AssertionSigner,
  type EpochMilliseconds,
  type HealthcareWorker,
  type SignInTokens,
} from '../common/index.ts';
import { addAssertion, sendSigned } from '../outbound/index.ts';
import type { RolePolicy } from '../settings/index.ts';
import { checkAssurance, type AssurancePolicy } from './assurance.ts';
import type { Claims } from './claims.ts';
import { ProviderUnavailable, SignInRefused } from './errors.ts';
import { checkIdToken } from './id-token.ts';
import { loadJwtReader, numericDate, signingAlgorithm } from './jwt.ts';
import { createProvider, type Provider, type ProviderMetadata, type ProviderOptions } from './provider.ts';
import { refusal } from './refusal.ts';
import { checkRoles, chosenRole } from './roles.ts';
import type { SignedJwt } from './signed-jwt.ts';
import { usableMembers, type IgnorableMember } from './token-response.ts';
import { providerFetch } from './transport.ts';
import { readRoles, readUser } from './worker.ts';

export interface RelyingPartyOptions extends ProviderOptions {
  readonly clientId: string;
  /** Registered at CIS2; from configuration, never from a request. */
  readonly redirectUri: string;
  /** Which roles can be worked in, and whether a sign-in needs one. */
  readonly acceptedRoles: RolePolicy;
  /** The current signer. With the `kid` of a refused key, it reads again. */
  readonly signer: (refusedKid?: string) => Promise<AssertionSigner>;
  /** Called with the invalid members of a token response that have been ignored. */
  readonly onIgnored: (members: readonly IgnorableMember[]) => void;
}

interface AuthorisationResponse {
  /** The query of the callback. */
  readonly parameters: URLSearchParams;
  /** The state of this attempt, already checked to be of this browser. */
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly assurance: AssurancePolicy;
  /** If presence was demanded: the person must have authenticated since. */
  readonly authenticatedSince: EpochMilliseconds | undefined;
}

export interface SignIn {
  readonly worker: HealthcareWorker;
  /**
   * The role the person works in, if it is decided.
   *
   * @param former - the role chosen in the session that this sign-in replaces
   */
  chosenRole(former: string | undefined): string | null;
  readonly issuer: string;
  readonly subject: string;
  readonly providerSessionId: string | undefined;
  readonly tokens: SignInTokens;
}

/** A checked response of this provider, for this attempt, with a code. */
interface AcceptedResponse extends AuthorisationResponse {
  readonly accepted: URLSearchParams;
}

/** A JWT of another kind, such as a logout token, is neither an ID token nor UserInfo (RFC 8725 section 3.11). */
const jwtTypes = ['JWT'];

export type RelyingParty = ReturnType<typeof createRelyingParty>;

export function createRelyingParty(options: RelyingPartyOptions) {
  const { clientId, acceptedRoles, clock } = options;
  const provider = createProvider(options);
  const client: oauth.Client = {
    client_id: clientId,
    id_token_signed_response_alg: signingAlgorithm,
    require_auth_time: true,
  };

  return {
    /** Reads metadata and keys, so that the first sign-in need not. @throws ProviderUnavailable */
    async prepare(signal: AbortSignal): Promise<void> {
      await Promise.all([provider.keys(signal), loadJwtReader()]);
    },

    /** Checks the response before any call to CIS2 that depends on it. @throws ProviderUnavailable, SignInRefused */
    async readResponse(response: AuthorisationResponse, signal: AbortSignal): Promise<AcceptedResponse> {
      const as = await provider.metadata(signal);
      try {
        const accepted = oauth.validateAuthResponse(as, client, response.parameters, response.state);
        if (accepted.get('code') === null)
          throw new SignInRefused('response_invalid', 'response without code');
        return { ...response, accepted };
      } catch (error) {
        throw refusal('authorisation response', error);
      }
    },

    /**
     * Exchanges the code and checks the result.
     *
     * @param onUser - called with the user once ID token and UserInfo are verified, before their claims can lead to a refusal
     * @throws ProviderUnavailable, SignInRefused
     */
    async completeSignIn(
      accepted: AcceptedResponse,
      signal: AbortSignal,
      onUser?: (user: readonly [issuer: string, subject: string]) => void,
    ): Promise<SignIn> {
      const call: Call = { options, provider, client, as: await provider.metadata(signal), signal };
      const askedAt = clock();
      const { tokens, claims, idToken } = await checked('token response', async () =>
        readTokens(call, await exchangeCode(call, accepted), accepted.nonce),
      );
      const facts = checkIdToken(claims, {
        clientId,
        accessToken: tokens.access_token,
        now: clock(),
        authenticatedSince: accepted.authenticatedSince,
      });
      const userInfo = await checked('userinfo', () =>
        readUserInfo(call, facts.subject, tokens.access_token),
      );
      onUser?.([call.as.issuer, facts.subject]);
      const levels = checkAssurance(claims, userInfo, accepted.assurance);
      const { roles, contradictory } = readRoles(userInfo);
      checkRoles(roles, acceptedRoles, contradictory);
      return {
        worker: {
          user: readUser(facts.subject, userInfo),
          assurance: { ...levels, methods: facts.methods, authenticatedAt: facts.authenticatedAt },
          roles,
        },
        chosenRole: (former) => chosenRole(roles, acceptedRoles, claims, userInfo, former),
        issuer: call.as.issuer,
        subject: facts.subject,
        providerSessionId: facts.providerSessionId,
        tokens: {
          idToken: new Secret(idToken),
          idTokenExpiresAt: numericDate(claims.exp) ?? askedAt,
          accessToken: new Secret(tokens.access_token),
          accessTokenExpiresAt: asEpochSeconds(after(askedAt, Math.floor(tokens.expires_in ?? NaN))),
        },
      };
    },
  };
}

/** What the calls of one sign-in share. */
interface Call {
  readonly options: RelyingPartyOptions;
  readonly provider: Provider;
  readonly client: oauth.Client;
  readonly as: ProviderMetadata;
  readonly signal: AbortSignal;
}

const requestOptions = ({ options, provider, signal }: Call, onResend?: () => void) => ({
  [oauth.customFetch]: providerFetch(signal, onResend, options.onCall),
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- only ever true for a loopback issuer
  [oauth.allowInsecureRequests]: provider.insecure,
});

/**
 * `private_key_jwt` (RFC 7523; OpenID Connect Core section 9), with the token endpoint as audience, character for
 * character: the library would use the issuer, and can sign only with a key in memory.
 */
const authenticateWith =
  (signer: AssertionSigner): oauth.ClientAuth =>
  async ({ token_endpoint: audience = '' }, { client_id: clientId }, body) => {
    body.set('client_id', clientId);
    await addAssertion(body, signer, clientId, audience);
  };

/** CIS2 refuses a client before it checks the code, so the same code can be sent again with another key. */
async function exchangeCode(call: Call, { accepted, codeVerifier }: AcceptedResponse): Promise<Response> {
  const { options, client, as, signal } = call;
  let resends = 0;
  const withOptions = requestOptions(call, () => {
    resends += 1;
  });
  const response = await sendSigned(
    options.signer,
    (signer) =>
      oauth.authorizationCodeGrantRequest(
        as,
        client,
        authenticateWith(signer),
        accepted,
        options.redirectUri,
        codeVerifier,
        withOptions,
      ),
    signal,
    (sent) => (sent.status === 'fulfilled' ? refusesClient(sent.value) : false),
  );
  if (resends > 0 && (response.status === 400 || response.status === 401)) {
    throw new ProviderUnavailable('the connection was lost, and the code spent by then');
  }
  return response;
}

async function verify({ provider, signal }: Call, what: JwtName, jwt: SignedJwt): Promise<void> {
  const { verifySignature } = await loadJwtReader();
  const verdict = await verifySignature(jwt, provider, signal);
  if (verdict !== 'good') refuseJwt(what)(verdict);
}

/** Reads a token response. Its ID token is trusted once its claims and its signature have been checked. */
async function readTokens(call: Call, response: Response, nonce: string) {
  const { readJwt, rewritten } = await loadJwtReader();
  let readable = response;
  let idToken: SignedJwt | undefined;
  if (response.status === 200) {
    let text = await response.text();
    const body = parseJson(text);
    if (isObject(body)) {
      const { members, odd } = usableMembers(body);
      if (odd.length > 0) call.options.onIgnored(odd);
      if (typeof members['id_token'] === 'string') {
        idToken = readJwt(members['id_token'], jwtTypes, refuseJwt('id_token'));
      }
      text = JSON.stringify({ ...members, id_token: idToken && rewritten(idToken) });
    }
    readable = new Response(text, response);
  }
  const tokens = await oauth.processAuthorizationCodeResponse(call.as, call.client, readable, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  const refuse = (member: string): never => {
    throw new SignInRefused('response_invalid', `token response ${member}`);
  };
  // The library supports DPoP too; we do not use it.
  if (tokens.token_type !== 'bearer') return refuse('token_type');
  // It becomes a header (RFC 6749 appendix A.12).
  if (!/^[\x20-\x7e]+$/.test(tokens.access_token)) return refuse('access_token');
  if (claims === undefined || idToken === undefined) return refuse('id_token');
  await verify(call, 'id_token', idToken);
  return { tokens, claims, idToken: idToken.token };
}

/**
 * UserInfo as JSON, trusted because of TLS, or as a JWT, trusted because of its signature, which is checked as an ID
 * token's is (OpenID Connect Core 5.3.2 and 5.3.4).
 */
async function readUserInfo(call: Call, subject: string, accessToken: string): Promise<Claims> {
  const { as, client } = call;
  const response = await oauth.userInfoRequest(as, client, accessToken, requestOptions(call));
  if (!/^application\/jwt\s*(?:;|$)/i.test(response.headers.get('content-type') ?? '')) {
    return withoutNulls(await oauth.processUserInfoResponse(as, client, subject, response));
  }
  const { readJwt, rewritten } = await loadJwtReader();
  const jwt = readJwt(await response.text(), jwtTypes, refuseJwt('userinfo'));
  for (const required of ['iss', 'aud']) if (!(required in jwt.claims)) refuseJwt('userinfo')(required);
  const claims = await oauth.processUserInfoResponse(
    as,
    { ...client, userinfo_signed_response_alg: signingAlgorithm },
    subject,
    new Response(rewritten(jwt), {
      status: response.status,
      headers: { 'content-type': 'application/jwt' },
    }),
  );
  await verify(call, 'userinfo', jwt);
  return claims;
}

/** Whether the client itself was refused (RFC 6749 section 5.2). */
async function refusesClient(response: Response): Promise<boolean> {
  if (response.status !== 400 && response.status !== 401) return false;
  const body: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  return isObject(body) && body['error'] === 'invalid_client';
}

type JwtName = 'id_token' | 'userinfo';

const refuseJwt =
  (what: JwtName) =>
  (check: string, cause?: unknown): never => {
    throw new SignInRefused('response_invalid', `${what} ${check}`, { cause });
  };

async function checked<T>(step: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw refusal(step, error);
  }
}
