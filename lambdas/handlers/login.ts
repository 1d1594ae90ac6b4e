import {
  attemptLifetimeSeconds,
  codeVerifierOf,
  newAttempt,
  nonceOf,
  sealState,
  type Authorisation,
} from '../cis2/index.ts';
import { randomSecret, withDeadline, type PreciseClock } from '../common/index.ts';
import {
  isNavigation,
  parseReturnTo,
  Problem,
  redirect,
  setCookie,
  type RouteHandler,
} from '../http/index.ts';
import { acrLevels, isAcrValue, type AcrValue, type Settings } from '../settings/index.ts';
import { replacementOf } from '../session/index.ts';
import { presentedCredential, presentedSecret, signInSecretBytes } from './presented-session.ts';
import { signInFailure } from './sign-in-failure.ts';

export interface LoginDependencies {
  readonly authorisation: Authorisation;
  readonly settings: Settings<
    'BASE_URL' | 'CIS2_ACR' | 'CIS2_FRESHNESS' | 'MINIMUM_AAL' | 'SIGN_IN_ERROR_PATH'
  >;
  readonly clock: PreciseClock;
}

const maxMetadataMs = 4_000;

/** `GET /auth/login`: starts a sign-in. Warm, it makes no network call. */
export function login({ authorisation, settings, clock }: LoginDependencies): RouteHandler {
  const start: RouteHandler = async (request, log) => {
    const query = readQuery(request.query, settings);
    const browserSecret = presentedSecret(request) ?? randomSecret(signInSecretBytes);
    const presented = presentedCredential(request);
    const presenceDemanded = query.reauth || query.role !== undefined || query.acr !== undefined;
    const attempt = newAttempt({
      startedAt: clock(),
      returnTo: query.returnTo,
      requiredAal: query.acr === undefined ? 0 : acrLevels[query.acr],
      replaces: presented === undefined ? null : replacementOf(presented),
      presenceDemanded,
    });
    const acr = query.acr ?? settings.CIS2_ACR;
    const freshness = presenceDemanded ? 'login' : settings.CIS2_FRESHNESS;
    const authorisationRequest = {
      state: sealState(browserSecret, attempt),
      nonce: nonceOf(browserSecret, attempt.id),
      codeVerifier: codeVerifierOf(browserSecret, attempt.id),
      acr,
      freshness,
      role: query.role,
    };
    const location = await withDeadline(maxMetadataMs, (signal) =>
      authorisation.authorisationRequest(authorisationRequest, signal),
    );
    log('sign_in_started', { acr, prompt: freshness === 'login' ? 'login' : 'max_age', role: query.role });
    const cookieValue = browserSecret.expose().toString('base64url');
    return redirect(302, location.href, [setCookie('signIn', cookieValue, attemptLifetimeSeconds)]);
  };

  return async (request, log) => {
    try {
      return await start(request, log);
    } catch (error) {
      // If CIS2 is unavailable, a person who navigates gets the page of a failed sign-in.
      if (error instanceof Problem || !isNavigation(request)) throw error;
      return signInFailure(settings, request, log, error);
    }
  };
}

interface LoginQuery {
  readonly returnTo: string;
  readonly acr: AcrValue | undefined;
  readonly role: 'select' | 'change' | undefined;
  readonly reauth: boolean;
}

/** Other parameters are ignored, and never sent to CIS2. */
function readQuery(query: URLSearchParams, settings: LoginDependencies['settings']): LoginQuery {
  const returnTo = parseReturnTo(single(query, 'returnTo') ?? '/', settings.BASE_URL);
  const acr = single(query, 'acr');
  const role = single(query, 'role');
  const reauth = single(query, 'reauth');
  const configuredLevel = Math.max(settings.MINIMUM_AAL, acrLevels[settings.CIS2_ACR]);
  if (returnTo === undefined) throw new Problem('invalid_request');
  if (acr !== undefined && !(isAcrValue(acr) && acrLevels[acr] >= configuredLevel)) {
    throw new Problem('invalid_request');
  }
  if (role !== undefined && role !== 'select' && role !== 'change') throw new Problem('invalid_request');
  if (reauth !== undefined && reauth !== '1') throw new Problem('invalid_request');
  return { returnTo, acr, role, reauth: reauth === '1' };
}

function single(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) throw new Problem('invalid_request');
  return values[0];
}
