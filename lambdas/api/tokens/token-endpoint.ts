/** The API platform's token endpoint. */
import * as oauth from 'oauth4webapi';
import { after, asEpochSeconds, Secret, type Clock } from '../../common/index.ts';
import type { IssuedTokens } from '../../session/index.ts';
import type { Application } from './application.ts';
import { tokenErrors, TokenUnavailable } from './errors.ts';

/** Signs client assertions (RFC 7523) with one of our keys: RS512, `typ` JWT, a fresh `jti`. */
export interface AssertionSigner {
  /** The name its key is published under. */
  readonly kid: string;
  sign(assertion: {
    readonly clientId: string;
    readonly audience: string;
    readonly lifeSeconds: number;
  }): Promise<string>;
}

export interface TokenEndpointOptions {
  /** Where to, and the very characters that an assertion is addressed to. */
  readonly tokenUrl: string;
  /** Our application's credentials; told of ones that were refused, it looks whether there are others by now. */
  readonly application: (refused?: Application) => Promise<Application>;
  /** Our key of the moment; told the name of one that was refused, it looks whether there is another by now. */
  readonly signer: (refusedKid?: string) => Promise<AssertionSigner>;
  readonly clock: Clock;
}

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
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** The platform takes five minutes at most. */
const assertionLifeSeconds = 240;

export function createTokenEndpoint(options: TokenEndpointOptions): TokenEndpoint {
  const { tokenUrl, clock } = options;
  const as: oauth.AuthorizationServer = { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl };
  const requestOptions = (signal: AbortSignal) => ({
    [oauth.customFetch]: tokenFetch(signal),
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- settings allow it for a loopback address only
    [oauth.allowInsecureRequests]: tokenUrl.startsWith('http:'),
  });

  const exchangeWith = async (
    signer: AssertionSigner,
    { apiKey }: Application,
    idToken: Secret,
    signal: AbortSignal,
  ): Promise<IssuedTokens> => {
    const client = { client_id: apiKey };
    const askedAt = clock();
    const response = await oauth.genericTokenEndpointRequest(
      as,
      client,
      async (_as, _client, body) => {
        body.set('client_assertion_type', assertionType);
        body.set(
          'client_assertion',
          await signer.sign({ clientId: apiKey, audience: tokenUrl, lifeSeconds: assertionLifeSeconds }),
        );
      },
      exchangeGrant,
      { subject_token: idToken.expose(), subject_token_type: idTokenType },
      requestOptions(signal),
    );
    return readTokens(as, client, response, askedAt);
  };

  const refreshWith = async (
    { apiKey, apiSecret }: Application,
    refreshToken: Secret,
    signal: AbortSignal,
  ): Promise<IssuedTokens> => {
    const client = { client_id: apiKey };
    const askedAt = clock();
    const response = await oauth.refreshTokenGrantRequest(
      as,
      client,
      oauth.ClientSecretPost(apiSecret.expose()),
      refreshToken.expose(),
      requestOptions(signal),
    );
    return readTokens(as, client, response, askedAt);
  };

  return {
    async exchange(idToken, signal) {
      const [application, signer] = await Promise.all([options.application(), options.signer()]);
      try {
        return await exchangeWith(signer, application, idToken, signal);
      } catch (error) {
        if (!(error instanceof TokenUnavailable && error.keyRefused)) throw error;
        const next = await options.signer(signer.kid);
        if (next.kid === signer.kid) throw error;
        return exchangeWith(next, application, idToken, signal);
      }
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

/** No answer of the platform's comes near this. */
const maxAnswerBytes = 64 * 1024;
/** What a `Retry-After` may sensibly say, in seconds. */
const maxRetryAfterSeconds = 300;

type FetchInit = Omit<RequestInit, 'body' | 'signal'> & { body?: unknown; signal?: unknown };

/**
 * `fetch` for the token endpoint: bounded in time and size, follows no redirect, and keeps of the headers the content
 * type alone.
 */
const tokenFetch =
  (signal: AbortSignal) =>
  async (url: string, init: FetchInit): Promise<Response> => {
    let response: Response;
    let body: Uint8Array<ArrayBuffer>;
    try {
      response = await fetch(url, { ...(init as RequestInit), redirect: 'manual', signal });
      body = await readBounded(response);
    } catch (error) {
      throw error instanceof TokenUnavailable ? error : new TokenUnavailable('unreachable');
    }
    const { status } = response;
    if (status === 429) throw rateLimited(response.headers.get('retry-after'));
    if (status >= 500) throw new TokenUnavailable('server_error');
    if (status !== 200 && status < 400) throw new TokenUnavailable('malformed');
    const type = response.headers.get('content-type') ?? '';
    return new Response(body, { status, headers: { 'content-type': type } });
  };

const rateLimited = (retryAfter: string | null): TokenUnavailable => {
  const seconds = /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : 0;
  return new TokenUnavailable(
    'rate_limited',
    seconds > 0 && seconds <= maxRetryAfterSeconds ? { retryAfterSeconds: seconds } : {},
  );
};

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new TokenUnavailable('malformed');
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}

/**
 * @param askedAt - when the tokens were asked for: their life is counted from there, for they were issued no earlier
 * @throws TokenUnavailable unless the answer is whole and sane
 */
async function readTokens(
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  response: Response,
  askedAt: ReturnType<Clock>,
): Promise<IssuedTokens> {
  // The library forgives much in a number that comes as text.
  const raw: unknown = await response
    .clone()
    .json()
    .catch(() => undefined);
  let answer: oauth.TokenEndpointResponse;
  try {
    answer = await oauth.processGenericTokenEndpointResponse(as, client, response);
  } catch (error) {
    throw refusal(error);
  }
  const expiresAt = expiryOf(askedAt, (raw as { expires_in?: unknown }).expires_in);
  const { refresh_token_expires_in: refreshLife, issued_token_type: type = accessTokenType } = answer;
  const refreshTokenExpiresAt = refreshLife === undefined ? undefined : expiryOf(askedAt, refreshLife);
  if (
    answer.token_type !== 'bearer' ||
    type !== accessTokenType ||
    expiresAt === undefined ||
    (refreshLife !== undefined && refreshTokenExpiresAt === undefined) ||
    !isToken(answer.access_token) ||
    !(answer.refresh_token === undefined || isToken(answer.refresh_token))
  ) {
    throw new TokenUnavailable('malformed');
  }
  return {
    accessToken: new Secret(answer.access_token),
    issuedAt: askedAt,
    expiresAt,
    refreshToken: answer.refresh_token === undefined ? undefined : new Secret(answer.refresh_token),
    refreshTokenExpiresAt,
  };
}

/** It becomes a header: no space, no line end, no more than a header holds. */
const isToken = (value: string): boolean => /^[\x21-\x7e]{1,8192}$/.test(value);

/** The platform writes its numbers as text. */
const expiryOf = (from: ReturnType<Clock>, life: unknown): ReturnType<Clock> | undefined => {
  const written = typeof life === 'number' ? String(life) : life;
  return typeof written === 'string' && /^[1-9]\d{0,8}$/.test(written)
    ? asEpochSeconds(after(from, Number(written)))
    : undefined;
};

/** What the library threw, in our words: its own errors hold the answer. */
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
