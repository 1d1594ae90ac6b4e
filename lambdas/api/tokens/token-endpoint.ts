/** The API platform's token endpoint. */
import type { IncomingMessage } from 'node:http';
import * as oauth from 'oauth4webapi';
import {
  after,
  isObject,
  Secret,
  TooLarge,
  withoutNulls,
  type Clock,
  type EpochSeconds,
  type JsonObject,
} from '../../common/index.ts';
import {
  addAssertion,
  ConnectionLost,
  createHttpClient,
  guardedLookup,
  retryIfLost,
  readBody,
  sendSigned,
  type AssertionSigner,
  type Connection,
  type HttpClient,
} from '../../outbound/index.ts';
import type { IssuedTokens } from '../../session/index.ts';
import type { Application } from './application.ts';
import { tokenErrors, TokenUnavailable } from './errors.ts';

export interface TokenEndpointOptions {
  /** Where to, and the very characters that an assertion is addressed to. */
  readonly tokenUrl: string;
  /** Our application's credentials. With ones that were refused, it reads again whether there are others. */
  readonly application: (refused?: Application) => Promise<Application>;
  /** Our current key. With the `kid` of one that was refused, it reads again whether there is another. */
  readonly signer: (refusedKid?: string) => Promise<AssertionSigner>;
  readonly clock: Clock;
  /** Called when a call is over, with how long it took, in milliseconds. `failed`: no response, a 5xx or a 429. */
  readonly onCall?: (milliseconds: number, failed: boolean) => void;
  /** Called once for a token response of which members were ignored because of their values. */
  readonly onIgnored?: (members: readonly TokenMember[]) => void;
}

/** What of a token response can be done without. */
export type TokenMember = 'expires_in' | 'refresh_token' | 'refresh_token_expires_in';

/** @throws TokenUnavailable from every method, with what the endpoint said */
export interface TokenEndpoint {
  /** Token exchange (RFC 8693): a user's ID token for tokens of the platform's own. */
  exchange(idToken: Secret, signal: AbortSignal): Promise<IssuedTokens>;
  /** Refresh (RFC 6749 section 6). The refresh token is spent by it, and another takes its place. */
  refresh(refreshToken: Secret, signal: AbortSignal): Promise<IssuedTokens>;
}

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const idTokenType = 'urn:ietf:params:oauth:token-type:id_token';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

export function createTokenEndpoint(options: TokenEndpointOptions): TokenEndpoint {
  const { tokenUrl, clock } = options;
  const as: oauth.AuthorizationServer = { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl };
  const client = createHttpClient({ lookupFor: guardedLookup });
  const requestOptions = (signal: AbortSignal, connection: Connection) => ({
    [oauth.customFetch]: tokenFetch(client, signal, connection, options.onCall),
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- settings allow it for a loopback address only
    [oauth.allowInsecureRequests]: tokenUrl.startsWith('http:'),
  });

  const read = async (
    response: Response,
    application: oauth.Client,
    askedAt: EpochSeconds,
  ): Promise<IssuedTokens> => {
    const { tokens, ignored } = await readTokens(as, application, response, askedAt);
    if (ignored.length > 0) options.onIgnored?.(ignored);
    return tokens;
  };

  /** Every try has an assertion of its own: the platform takes no `jti` twice. */
  const exchangeWith = (
    signer: AssertionSigner,
    { apiKey }: Application,
    idToken: Secret,
    signal: AbortSignal,
  ): Promise<IssuedTokens> =>
    withRetry(async (connection) => {
      const client = { client_id: apiKey };
      const askedAt = clock();
      const response = await oauth.genericTokenEndpointRequest(
        as,
        client,
        (_as, _client, body) => addAssertion(body, signer, apiKey, tokenUrl),
        exchangeGrant,
        { subject_token: idToken.expose(), subject_token_type: idTokenType },
        requestOptions(signal, connection),
      );
      return read(response, client, askedAt);
    });

  const refreshWith = (
    { apiKey, apiSecret }: Application,
    refreshToken: Secret,
    signal: AbortSignal,
  ): Promise<IssuedTokens> =>
    withRetry(async (connection) => {
      const client = { client_id: apiKey };
      const askedAt = clock();
      const response = await oauth.refreshTokenGrantRequest(
        as,
        client,
        oauth.ClientSecretPost(apiSecret.expose()),
        refreshToken.expose(),
        requestOptions(signal, connection),
      );
      return read(response, client, askedAt);
    });

  return {
    async exchange(idToken, signal) {
      const application = await options.application();
      return sendSigned(
        options.signer,
        (signer) => exchangeWith(signer, application, idToken, signal),
        signal,
        (sent) =>
          sent.status === 'rejected' && sent.reason instanceof TokenUnavailable && sent.reason.keyRefused,
      );
    },

    async refresh(refreshToken, signal) {
      const application = await options.application();
      try {
        return await refreshWith(application, refreshToken, signal);
      } catch (error) {
        if (!(error instanceof TokenUnavailable && error.error === 'invalid_client')) throw error;
        // A client that is refused has spent nothing.
        const next = await options.application(application);
        if (next.apiSecret.expose() === application.apiSecret.expose()) throw error;
        return refreshWith(next, refreshToken, signal);
      }
    },
  };
}

/**
 * Once more over a new connection, when an idle one had died. Should the platform have carried the first try out
 * after all, an exchange gives other tokens, and a refresh token that is spent leads to an exchange.
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
/** What a `Retry-After` may sensibly say, in seconds. */
const maxRetryAfterSeconds = 300;

interface FetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/**
 * `fetch` for the token endpoint: bounded in time and size, follows no redirect, and keeps of the headers the content
 * type alone.
 */
const tokenFetch =
  (client: HttpClient, signal: AbortSignal, connection: Connection, onCall: TokenEndpointOptions['onCall']) =>
  async (url: string, { method = 'GET', headers = {}, body }: FetchInit): Promise<Response> => {
    const request = {
      ...{ method, url: new URL(url), headers },
      body: body instanceof URLSearchParams ? Buffer.from(body.toString()) : undefined,
    };
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
 * An access token is used however odd what stands beside it. So the library, which refuses the whole response for one member
 * that it does not like, is given only what must be right.
 *
 * @param askedAt - when the tokens were asked for: their life is counted from there, for they were issued no earlier
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
 * The life of an access token whose response does not say one, or says what cannot be: long enough for the calls of one page,
 * and short enough that a token which is over is soon replaced.
 */
const defaultLifetimeSeconds = 60;

/** It becomes a header, and is stored: no space, no line end. Both tokens are far below the 400 KB of a DynamoDB item. */
const maxTokenLength = 32 * 1024;
const isToken = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= maxTokenLength && /^[\x21-\x7e]+$/.test(value);

/** A life in whole seconds; the platform writes its numbers as text. Undefined for what is absent or cannot be one. */
function secondsOf(life: unknown): number | undefined {
  const written = typeof life === 'number' ? String(life) : life;
  const seconds =
    typeof written === 'string' && /^\d{1,9}(?:\.\d{1,9})?$/.test(written) ? Math.floor(Number(written)) : 0;
  return seconds > 0 ? seconds : undefined;
}

/** What the library threw, in our words: its own errors hold the response. */
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
