import type { ClientRegistration } from './clients.ts';
import { repeatedParameter } from './http.ts';
import { defaultAcr, isScope, knownAcrValues, type Scope } from './metadata.ts';

export interface AuthorizationRequest {
  readonly client: ClientRegistration;
  readonly redirectUri: string;
  readonly scopes: readonly Scope[];
  readonly state: string | undefined;
  readonly nonce: string | undefined;
  readonly codeChallenge: string | undefined;
  readonly acrValues: readonly [string, ...string[]];
  readonly prompt: 'login' | 'none' | undefined;
  /** Seconds that may have passed since the person signed in. */
  readonly maxAge: number | undefined;
}

export type ReadRequest =
  | { readonly kind: 'valid'; readonly request: AuthorizationRequest }
  /** The client or its redirect URI is not to be trusted: the person sees an error page, nothing is redirected. */
  | { readonly kind: 'untrusted'; readonly fault: string; readonly client: ClientRegistration | undefined }
  /** Everything else goes back to the app. */
  | {
      readonly kind: 'refused';
      readonly redirectUri: string;
      readonly state: string | undefined;
      readonly error: string;
      readonly description: string;
    };

/** Something wrong with a request whose client and redirect URI are good. */
class Refusal extends Error {
  readonly error: string;

  constructor(error: string, description: string) {
    super(description);
    this.error = error;
  }
}

const refuse = (error: string, description: string): never => {
  throw new Refusal(error, description);
};

const words = (value: string | null): string[] => (value ?? '').split(' ').filter((word) => word !== '');

function readScopes(query: URLSearchParams): Scope[] {
  const scopes = words(query.get('scope'));
  if (!scopes.includes('openid')) refuse('invalid_scope', 'The scope openid is required.');
  return scopes.map((scope) => (isScope(scope) ? scope : refuse('invalid_scope', 'A scope is not known.')));
}

function readAcrValues(query: URLSearchParams): [string, ...string[]] {
  const [first = defaultAcr, ...others] = words(query.get('acr_values'));
  if ([first, ...others].some((value) => !knownAcrValues.includes(value))) {
    refuse('invalid_request', 'An acr value is not known.');
  }
  return [first, ...others];
}

function readPrompt(query: URLSearchParams): 'login' | 'none' | undefined {
  const prompt = query.get('prompt');
  if (prompt === null || prompt === 'login' || prompt === 'none') return prompt ?? undefined;
  return refuse('invalid_request', 'prompt must be login or none.');
}

function readMaxAge(query: URLSearchParams): number | undefined {
  const maxAge = query.get('max_age');
  if (maxAge === null) return undefined;
  return /^\d{1,9}$/.test(maxAge)
    ? Number(maxAge)
    : refuse('invalid_request', 'max_age must be whole seconds.');
}

/** PKCE (RFC 7636), S256 only: the plain method protects nothing. */
function readCodeChallenge(query: URLSearchParams): string | undefined {
  const challenge = query.get('code_challenge');
  const method = query.get('code_challenge_method');
  if (challenge === null && method === null) return undefined;
  if (method !== 'S256') refuse('invalid_request', 'code_challenge_method must be S256.');
  return challenge !== null && /^[A-Za-z0-9_-]{43}$/.test(challenge)
    ? challenge
    : refuse('invalid_request', 'code_challenge is missing or malformed.');
}

/**
 * Reads and judges the query of an authorisation request (RFC 6749 section 4.1.1, OpenID Connect Core 3.1.2.1).
 */
export function readAuthorizationRequest(
  query: URLSearchParams,
  clients: ReadonlyMap<string, ClientRegistration>,
): ReadRequest {
  const only = (name: string) => (query.getAll(name).length === 1 ? query.get(name) : null);
  const client = clients.get(only('client_id') ?? '');
  if (client === undefined) {
    return { kind: 'untrusted', fault: 'The client_id is missing or not registered here.', client };
  }
  const redirectUri = only('redirect_uri');
  if (redirectUri === null || !client.redirectUris.includes(redirectUri)) {
    return {
      kind: 'untrusted',
      fault: 'The redirect_uri is missing or not registered for this client.',
      client,
    };
  }
  const state = only('state') ?? undefined;
  try {
    if (repeatedParameter(query) !== undefined) refuse('invalid_request', 'A parameter was sent twice.');
    if (query.get('response_type') !== 'code')
      refuse('unsupported_response_type', 'response_type must be code.');
    if ((query.get('response_mode') ?? 'query') !== 'query') {
      refuse('invalid_request', 'response_mode must be query.');
    }
    if (query.has('request')) refuse('request_not_supported', 'Request objects are not supported.');
    if (query.has('request_uri')) refuse('request_uri_not_supported', 'Request URIs are not supported.');
    const request: AuthorizationRequest = {
      client,
      redirectUri,
      scopes: readScopes(query),
      state,
      nonce: query.get('nonce') ?? undefined,
      codeChallenge: readCodeChallenge(query),
      acrValues: readAcrValues(query),
      prompt: readPrompt(query),
      maxAge: readMaxAge(query),
    };
    return { kind: 'valid', request };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { kind: 'refused', redirectUri, state, error: error.error, description: error.message };
  }
}
