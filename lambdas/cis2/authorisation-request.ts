/** The authorisation request, which starts a sign-in. It needs CIS2's metadata and no key. */
import * as oauth from 'oauth4webapi';
import type { Clock } from '../common/index.ts';
import type { AcrValue } from '../settings/index.ts';
import { createProvider } from './provider.ts';
import type { ProviderCall } from './transport.ts';

export interface AuthorisationOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Registered at CIS2; from configuration, never from a request. */
  readonly redirectUri: string;
  readonly scope: string;
  readonly clock: Clock;
  /** Called when CIS2's metadata could not be read again and the old one is used. */
  readonly onStale: (document: 'metadata' | 'keys', ageSeconds: number) => void;
  /** Called after every call to CIS2. */
  readonly onCall?: (call: ProviderCall) => void;
}

/** The parameters that differ between sign-ins. */
interface AuthorisationRequest {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly acr: AcrValue;
  /** `login`, or the `max_age` in seconds. */
  readonly freshness: 'login' | number;
  /** CIS2's own choice or change of role (scopes `selectedrole` and `changedrole`). */
  readonly role: 'select' | 'change' | undefined;
}

export interface Authorisation {
  /** Reads CIS2's metadata, so that the first request need not wait for it. @throws ProviderUnavailable */
  readMetadata(signal: AbortSignal): Promise<unknown>;
  /** Where to send the browser (OpenID Connect Core 3.1.2.1). @throws ProviderUnavailable */
  authorisationRequest(request: AuthorisationRequest, signal: AbortSignal): Promise<URL>;
}

const scopeOfRole = { select: 'selectedrole', change: 'changedrole' } as const;

export function createAuthorisation(options: AuthorisationOptions): Authorisation {
  const provider = createProvider(options);
  return {
    readMetadata: (signal) => provider.metadata(signal),

    async authorisationRequest(request, signal) {
      const as = await provider.metadata(signal);
      const url = new URL(as.authorization_endpoint);
      const scopes = options.scope
        .split(' ')
        .filter((scope) => scope !== 'selectedrole' || request.role === undefined);
      if (request.role !== undefined) scopes.push(scopeOfRole[request.role]);
      const parameters = {
        response_type: 'code',
        client_id: options.clientId,
        redirect_uri: options.redirectUri,
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
  };
}
