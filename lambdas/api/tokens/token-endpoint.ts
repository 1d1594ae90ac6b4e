/** The API platform's token endpoint. */
import type { IncomingMessage } from 'node:http';
import * as oauth from 'oauth4webapi';
import {
  after,
  isObject,
  Secret,
  TooLarge,
  withoutNulls,
  type AssertionSigner,
  type Clock,
  type EpochSeconds,
  type JsonObject,
} from '../../common/index.ts';
import {
  addAssertion,
  ConnectionLost,
  createHttpClient,
  fetchRequest,
  guardedLookup,
  retryIfLost,
  readBody,
  sendSigned,
  type Connection,
  type FetchInit,
  type HttpClient,
} from '../../outbound/index.ts';
import type { IssuedTokens } from '../../session/index.ts';
import type { Application } from './application.ts';
import { tokenErrors, TokenUnavailable } from './errors.ts';

export interface TokenEndpointOptions {
  /** The endpoint, and the audience of assertions, character for character. */
  readonly tokenUrl: string;
  /** Our application's credentials. Given refused ones, it reads them again. */
  readonly application: (refused?: Application) => Promise<Application>;
  /** Our current key. With the `kid` of a refused key, it reads again. */
  readonly signer: (refusedKid?: string) => Promise<AssertionSigner>;
  readonly clock: Clock;
  /** Called when a call is over, with how long it took, in milliseconds. `failed`: no response, a 5xx or a 429. */
  readonly onCall?: (milliseconds: number, failed: boolean) => void;
  /** Called once for a token response of which members were ignored because of their values. */
  readonly onIgnored?: (members: readonly TokenMember[]) => void;
}

/** The optional members of a token response. */
export type TokenMember = 'expires_in' | 'refresh_token' | 'refresh_token_expires_in';

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const idTokenType = 'urn:ietf:params:oauth:token-type:id_token';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

export type TokenEndpoint = ReturnType<typeof createTokenEndpoint>;

/** @throws TokenUnavailable from every method, with what the endpoint said */
export function createTokenEndpoint(options: TokenEndpointOptions) {
  const { tokenUrl, clock } = options;
  const as: oauth.AuthorizationServer = { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl };
  const httpClient = createHttpClient({ lookupFor: guardedLookup });

  /** Sends a request, and reads the tokens in its response. */
  const tokensFrom = (
    { apiKey }: Application,
    signal: AbortSignal,
    send: (client: oauth.Client, requestOptions: oauth.TokenEndpointRequestOptions) => Promise<Response>,
  ): Promise<IssuedTokens> =>
    withRetry(async (connection) => {
      const client = { client_id: apiKey };
      const askedAt = clock();
      const response = await send(client, {
        [oauth.customFetch]: tokenFetch(httpClient, signal, connection, options.onCall),
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- settings allow it for a loopback address only
        [oauth.allowInsecureRequests]: tokenUrl.startsWith('http:'),
      });
      const { tokens, ignored } = await readTokens(as, client, response, askedAt);
      if (ignored.length > 0) options.onIgnored?.(ignored);
      return tokens;
    });

  return {
    /** Token exchange (RFC 8693): a user's ID token for tokens of the platform's own. */
    async exchange(idToken: Secret, signal: AbortSignal): Promise<IssuedTokens> {
      const application = await options.application();
      const subject = { subject_token: idToken.expose(), subject_token_type: idTokenType };
      return sendSigned(
        options.signer,
        (signer) =>
          tokensFrom(application, signal, (client, requestOptions) =>
            oauth.genericTokenEndpointRequest(
              as,
              client,
              // Every try has its own assertion: the platform accepts a `jti` once.
              (_as, _client, body) => addAssertion(body, signer, client.client_id, tokenUrl),
              exchangeGrant,
              subject,
              requestOptions,
            ),
          ),
        signal,
        (sent) =>
          sent.status === 'rejected' && sent.reason instanceof TokenUnavailable && sent.reason.keyRefused,
      );
    },

    /** Refresh (RFC 6749 section 6). The refresh token can be used once; the response has the next. */
    async refresh(refreshToken: Secret, signal: AbortSignal): Promise<IssuedTokens> {
      const refreshAs = (application: Application): Promise<IssuedTokens> =>
        tokensFrom(application, signal, (client, requestOptions) =>
          oauth.refreshTokenGrantRequest(
            as,
            client,
            oauth.ClientSecretPost(application.apiSecret.expose()),
            refreshToken.expose(),
            requestOptions,
          ),
        );
      const application = await options.application();
      try {
        return await refreshAs(application);
      } catch (error) {
        if (!(error instanceof TokenUnavailable && error.error === 'invalid_client')) throw error;
        // A server that refuses a client has not used the refresh token.
        const next = await options.application(application);
        if (next.apiSecret.expose() === application.apiSecret.expose()) throw error;
        return refreshAs(next);
      }
    },
  };
}

/**
 * Retries on a new connection when an idle one was closed. If the platform did process the first try, a second exchange
 * gives other tokens, and a used refresh token leads to an exchange.
 */
async function withRetry(attempt: (connection: Connection) => Promise<IssuedTokens>): Promise<IssuedTokens> {
  try {
    return await retryIfLost(attempt);
  } catch (error) {
    throw error instanceof ConnectionLost ? new TokenUnavailable('unreachable') : error;
  }
}

/** Enough for both tokens at their maximum length. */
const maxResponseBytes = 96 * 1024;
/** Larger values of `Retry-After` are ignored, in seconds. */
const maxRetryAfterSeconds = 300;

/**
 * `fetch` for the token endpoint: bounded in time and size, follows no redirect, and keeps of the headers the content
 * type alone.
 */
const tokenFetch =
  (client: HttpClient, signal: AbortSignal, connection: Connection, onCall: TokenEndpointOptions['onCall']) =>
  async (address: string, init: FetchInit): Promise<Response> => {
    const request = fetchRequest(address, init);
    const sentAt = performance.now();
    let failed = true;
    try {
      const response = await client.send(request, { connection, signal }, readResponse);
      failed = false;
      return response;
    } catch (error) {
      if (error instanceof TokenUnavailable) throw error;
      if (error instanceof ConnectionLost && !signal.aborted) throw error;
      throw new TokenUnavailable(error instanceof TooLarge ? 'malformed' : 'unreachable');
    } finally {
      onCall?.(performance.now() - sentAt, failed);
    }
  };

async function readResponse(response: IncomingMessage): Promise<Response> {
  const { statusCode: status = 0, headers } = response;
  const body = await readBody(response, maxResponseBytes);
  if (status === 429) throw rateLimited(headers['retry-after']);
  if (status >= 500) throw new TokenUnavailable('server_error');
  if (status !== 200 && status < 400) throw new TokenUnavailable('malformed');
  return new Response(Uint8Array.from(body), {
    status,
    headers: { 'content-type': headers['content-type'] ?? '' },
  });
}

const rateLimited = (retryAfter: string | undefined): TokenUnavailable => {
  const seconds = /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : 0;
  return new TokenUnavailable(
    'rate_limited',
    seconds > 0 && seconds <= maxRetryAfterSeconds ? { retryAfterSeconds: seconds } : {},
  );
};

/**
 * An access token is used even if optional members are invalid. The library would refuse the whole response, so it is given
 * the required members only.
 *
 * @param askedAt - when the tokens were requested: their lifetime is counted from then, as they were issued no earlier
 * @throws TokenUnavailable without a bearer access token
 */
async function readTokens(
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  response: Response,
  askedAt: EpochSeconds,
): Promise<{ tokens: IssuedTokens; ignored: readonly TokenMember[] }> {
  const body = response.ok ? await jsonOf(response.clone()) : undefined;
  const members: JsonObject = isObject(body) ? withoutNulls(body) : {};
  const { access_token, token_type, issued_token_type: issuedType } = members;
  const required = new Response(JSON.stringify({ access_token, token_type }), response);
  let accepted: oauth.TokenEndpointResponse;
  try {
    accepted = await oauth.processGenericTokenEndpointResponse(as, client, response.ok ? required : response);
  } catch (error) {
    throw refusal(error);
  }
  const isOtherType = typeof issuedType === 'string' && issuedType !== '' && issuedType !== accessTokenType;
  if (accepted.token_type !== 'bearer' || isOtherType || !isToken(accepted.access_token)) {
    throw new TokenUnavailable('malformed');
  }

  const { expires_in: life, refresh_token: refreshToken, refresh_token_expires_in: refreshLife } = members;
  const seconds = secondsOf(life);
  const refreshSeconds = secondsOf(refreshLife);
  const oddRefreshLife = refreshLife !== undefined && refreshSeconds === undefined;
  const oddRefreshToken = refreshToken !== undefined && !isToken(refreshToken);
  const usesRefreshToken = isToken(refreshToken) && !oddRefreshLife;
  return {
    tokens: {
      accessToken: new Secret(accepted.access_token),
      issuedAt: askedAt,
      expiresAt: after(askedAt, seconds ?? defaultLifetimeSeconds),
      refreshToken: usesRefreshToken ? new Secret(refreshToken) : undefined,
      refreshTokenExpiresAt:
        usesRefreshToken && refreshSeconds !== undefined ? after(askedAt, refreshSeconds) : undefined,
    },
    ignored: [
      ...(seconds === undefined ? (['expires_in'] as const) : []),
      ...(oddRefreshToken ? (['refresh_token'] as const) : []),
      ...(oddRefreshLife ? (['refresh_token_expires_in'] as const) : []),
    ],
  };
}

const jsonOf = (response: Response): Promise<unknown> => response.json().catch(() => undefined);

/**
 * The lifetime of an access token if the response has no valid one: long enough for the calls of one page, short enough to
 * replace an expired token soon.
 */
const defaultLifetimeSeconds = 60;

/** It is sent as a header and stored: no space, no line end. Both tokens are far below the 400 KB of a DynamoDB item. */
const maxTokenLength = 32 * 1024;
const isToken = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= maxTokenLength && /^[\x21-\x7e]+$/.test(value);

/** A lifetime in whole seconds; the platform writes numbers as text. Undefined if absent or invalid. */
function secondsOf(life: unknown): number | undefined {
  const written = typeof life === 'number' ? String(life) : life;
  const seconds =
    typeof written === 'string' && /^\d{1,9}(?:\.\d{1,9})?$/.test(written) ? Math.floor(Number(written)) : 0;
  return seconds > 0 ? seconds : undefined;
}

/** The error of the library as one of ours, without the response that it holds. */
function refusal(error: unknown): TokenUnavailable {
  if (!(error instanceof oauth.ResponseBodyError)) return new TokenUnavailable('malformed');
  const known = tokenErrors.find((code) => code === error.error);
  const unknownKey =
    known === 'invalid_request' &&
    /'kid' header in client_assertion JWT - no matching public key/.test(error.error_description ?? '');
  return new TokenUnavailable(known ?? 'another_error', {
    keyRefused: known === 'invalid_client' || known === 'public_key error' || unknownKey,
  });
}
