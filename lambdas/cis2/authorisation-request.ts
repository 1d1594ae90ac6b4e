/** The authorisation request, which starts a sign-in. It needs CIS2's metadata and no key. */
import * as oauth from 'oauth4webapi';
import type { AcrValue } from '../settings/index.ts';
import { createProvider, type ProviderOptions } from './provider.ts';

export interface AuthorisationOptions extends ProviderOptions {
  readonly clientId: string;
  /** Registered at CIS2; from configuration, never from a request. */
  readonly redirectUri: string;
  readonly scope: string;
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

const scopeOfRole = { select: 'selectedrole', change: 'changedrole' } as const;

export type Authorisation = ReturnType<typeof createAuthorisation>;

export function createAuthorisation(options: AuthorisationOptions) {
  const provider = createProvider(options);
  return {
    /** Reads CIS2's metadata, so that the first request need not wait for it. @throws ProviderUnavailable */
    readMetadata: (signal: AbortSignal) => provider.metadata(signal),

    /** Where to send the browser (OpenID Connect Core 3.1.2.1). @throws ProviderUnavailable */
    async authorisationRequest(request: AuthorisationRequest, signal: AbortSignal): Promise<URL> {
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
