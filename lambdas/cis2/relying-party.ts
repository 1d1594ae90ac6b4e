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
  type Clock,
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
import { createProvider, type ProviderMetadata } from './provider.ts';
import { refusal } from './refusal.ts';
import { checkRoles, chosenRole } from './roles.ts';
import type { SignedJwt } from './signed-jwt.ts';
import { usableMembers, type IgnorableMember } from './token-response.ts';
import { providerFetch, type ProviderCall } from './transport.ts';
import { readRoles, readUser } from './worker.ts';

export interface RelyingPartyOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Registered at CIS2; from configuration, never from a request. */
  readonly redirectUri: string;
  /** Which roles can be worked in, and whether a sign-in needs one. */
  readonly acceptedRoles: RolePolicy;
  readonly clock: Clock;
  /** The current signer. With the `kid` of a refused key, it reads again. */
  readonly signer: (refusedKid?: string) => Promise<AssertionSigner>;
  /** Called when CIS2's metadata or keys could not be read again and the old ones are used. */
  readonly onStale: (document: 'metadata' | 'keys', ageSeconds: number) => void;
  /** Called with the invalid members of a token response that have been ignored. */
  readonly onIgnored: (members: readonly IgnorableMember[]) => void;
  /** Called after every call to CIS2. */
  readonly onCall?: (call: ProviderCall) => void;
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

export interface RelyingParty {
  /** Reads metadata and keys, so that the first sign-in need not. @throws ProviderUnavailable */
  prepare(signal: AbortSignal): Promise<void>;
  /** Checks the response before any call to CIS2 that depends on it. @throws ProviderUnavailable, SignInRefused */
  readResponse(response: AuthorisationResponse, signal: AbortSignal): Promise<AcceptedResponse>;
  /**
   * Exchanges the code and checks the result.
   *
   * @param onUser - called with the user once ID token and UserInfo are verified, before their claims can lead to a refusal
   * @throws ProviderUnavailable, SignInRefused
   */
  completeSignIn(
    accepted: AcceptedResponse,
    signal: AbortSignal,
    onUser?: (user: readonly [issuer: string, subject: string]) => void,
  ): Promise<SignIn>;
}

/** A checked response of this provider, for this attempt, with a code. */
interface AcceptedResponse extends AuthorisationResponse {
  readonly accepted: URLSearchParams;
}

/** A JWT of another kind, such as a logout token, is neither an ID token nor UserInfo (RFC 8725 section 3.11). */
const jwtTypes = ['JWT'];

export function createRelyingParty(options: RelyingPartyOptions): RelyingParty {
  const { clientId, redirectUri, clock } = options;
  const provider = createProvider(options);
  const client: oauth.Client = {
    client_id: clientId,
    id_token_signed_response_alg: signingAlgorithm,
    require_auth_time: true,
  };

  const requestOptions = (signal: AbortSignal, onResend?: () => void) => ({
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
    async ({ token_endpoint: audience = '' }, _client, body) => {
      body.set('client_id', clientId);
      await addAssertion(body, signer, clientId, audience);
    };

  /** CIS2 refuses a client before it checks the code, so the same code can be sent again with another key. */
  const exchangeCode = async (
    as: ProviderMetadata,
    { accepted, codeVerifier }: AcceptedResponse,
    signal: AbortSignal,
  ): Promise<Response> => {
    let resends = 0;
    const send = (signer: AssertionSigner) =>
      oauth.authorizationCodeGrantRequest(
        as,
        client,
        authenticateWith(signer),
        accepted,
        redirectUri,
        codeVerifier,
        requestOptions(signal, () => {
          resends += 1;
        }),
      );
    const response = await sendSigned(options.signer, send, signal, (sent) =>
      sent.status === 'fulfilled' ? refusesClient(sent.value) : false,
    );
    if (resends > 0 && (response.status === 400 || response.status === 401)) {
      throw new ProviderUnavailable('the connection was lost, and the code spent by then');
    }
    return response;
  };

  const verify = async (what: JwtName, jwt: SignedJwt, signal: AbortSignal): Promise<void> => {
    const { verifySignature } = await loadJwtReader();
    const verdict = await verifySignature(jwt, provider, signal);
    if (verdict !== 'good') refuseJwt(what)(verdict);
  };

  /** Reads a token response. Its ID token is trusted once its claims and its signature have been checked. */
  const readTokens = async (response: Response, { nonce }: AcceptedResponse, signal: AbortSignal) => {
    const { readJwt, rewritten } = await loadJwtReader();
    const as = await provider.metadata(signal);
    let readable = response;
    let idToken: SignedJwt | undefined;
    if (response.status === 200) {
      let text = await response.text();
      const body = parseJson(text);
      if (isObject(body)) {
        const { members, odd } = usableMembers(body);
        if (odd.length > 0) options.onIgnored(odd);
        if (typeof members['id_token'] === 'string') {
          idToken = readJwt(members['id_token'], jwtTypes, refuseJwt('id_token'));
        }
        text = JSON.stringify({ ...members, id_token: idToken && rewritten(idToken) });
      }
      readable = new Response(text, response);
    }
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, readable, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    // The library supports DPoP too; we do not use it.
    if (tokens.token_type !== 'bearer')
      throw new SignInRefused('response_invalid', 'token response token_type');
    // It becomes a header (RFC 6749 appendix A.12).
    if (!/^[\x20-\x7e]+$/.test(tokens.access_token)) {
      throw new SignInRefused('response_invalid', 'token response access_token');
    }
    if (claims === undefined || idToken === undefined) {
      throw new SignInRefused('response_invalid', 'token response id_token');
    }
    await verify('id_token', idToken, signal);
    return { tokens, claims, idToken: idToken.token };
  };

  /**
   * UserInfo as JSON, trusted because of TLS, or as a JWT, trusted because of its signature, which is checked as an ID
   * token's is (OpenID Connect Core 5.3.2 and 5.3.4).
   */
  const readUserInfo = async (subject: string, accessToken: string, signal: AbortSignal): Promise<Claims> => {
    const as = await provider.metadata(signal);
    const response = await oauth.userInfoRequest(as, client, accessToken, requestOptions(signal));
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
    await verify('userinfo', jwt, signal);
    return claims;
  };

  return {
    async prepare(signal) {
      await Promise.all([provider.keys(signal), loadJwtReader()]);
    },

    async readResponse(response, signal) {
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

    async completeSignIn(accepted, signal, onUser) {
      const as = await provider.metadata(signal);
      const askedAt = clock();
      const { tokens, claims, idToken } = await checked('token response', async () =>
        readTokens(await exchangeCode(as, accepted, signal), accepted, signal),
      );
      const facts = checkIdToken(claims, {
        clientId,
        accessToken: tokens.access_token,
        now: clock(),
        authenticatedSince: accepted.authenticatedSince,
      });
      const userInfo = await checked('userinfo', () =>
        readUserInfo(facts.subject, tokens.access_token, signal),
      );
      onUser?.([as.issuer, facts.subject]);
      const levels = checkAssurance(claims, userInfo, accepted.assurance);
      const { roles, contradictory } = readRoles(userInfo);
      checkRoles(roles, options.acceptedRoles, contradictory);
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
          idToken: new Secret(idToken),
          idTokenExpiresAt: numericDate(claims.exp) ?? askedAt,
          accessToken: new Secret(tokens.access_token),
          accessTokenExpiresAt: asEpochSeconds(after(askedAt, Math.floor(tokens.expires_in ?? NaN))),
        },
      };
    },
  };
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
