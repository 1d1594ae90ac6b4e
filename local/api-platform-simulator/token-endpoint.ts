import type { Clock } from '../cis2-simulator/expiring-map.ts';
import { createAssertionCheck, type Application } from './client-assertion.ts';
import type { JwksCache } from './jwks-cache.ts';
import { json, type HttpResponse } from '../control-panel/http.ts';
import { createSubjectCheck } from './subject-token.ts';
import { badRequest, errorResponse, TokenError } from './token-error.ts';
import type { AskedLifetimes, Tokens } from './tokens.ts';

/** The operations that the control panel tells apart. */
export const operations = ['exchange', 'refresh'] as const;
export type Operation = (typeof operations)[number];

const operationOfGrant: Readonly<Record<string, Operation>> = {
  'urn:ietf:params:oauth:grant-type:token-exchange': 'exchange',
  refresh_token: 'refresh',
};
const idTokenType = 'urn:ietf:params:oauth:token-type:id_token';
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

const notConfigured =
  'you have tried to request authorization but your application is not configured to use this authorization grant type';

/** The value of a parameter; undefined when it is missing, empty, or there more than once (RFC 6749 section 3.2). */
const only = (form: URLSearchParams, name: string): string | undefined => {
  const [value, ...others] = form.getAll(name);
  return others.length > 0 || value === '' ? undefined : value;
};

/** What a form asks for; undefined for a grant type that there is not. */
export function operationOf(form: URLSearchParams): Operation | undefined {
  const grant = only(form, 'grant_type') ?? '';
  return Object.hasOwn(operationOfGrant, grant) ? operationOfGrant[grant] : undefined;
}

function lifetimesAsked(form: URLSearchParams): AskedLifetimes {
  const milliseconds = (name: string): number | undefined => {
    const value = only(form, name) ?? '';
    return /^\d{1,12}$/.test(value) ? Number(value) : undefined;
  };
  return {
    accessMs: milliseconds('_access_token_expiry_ms'),
    refreshMs: milliseconds('_refresh_token_expiry_ms'),
    familyMs: milliseconds('_refresh_tokens_validity_ms'),
  };
}

export interface TokenEndpointParts {
  readonly applications: readonly Application[];
  readonly tokenUrl: string;
  /** Of CIS2, compared character by character. */
  readonly issuer: string;
  readonly applicationKeys: JwksCache;
  readonly providerKeys: JwksCache;
  readonly tokens: Tokens;
  readonly now: Clock;
}

/** How a token request ended; `kid` is that of an assertion which proved itself. */
export interface TokenResult {
  readonly response: HttpResponse;
  readonly kid?: string;
}

/**
 * The token endpoint: token exchange (RFC 8693) of an ID token, and refresh (RFC 6749 section 6).
 *
 * Parameters are checked before either JWT, and the client's JWT before the person's.
 */
export function createTokenEndpoint(
  parts: TokenEndpointParts,
): (form: URLSearchParams) => Promise<TokenResult> {
  const { tokens, now } = parts;
  const applications = new Map(parts.applications.map((application) => [application.apiKey, application]));
  const checkAssertion = createAssertionCheck(applications, parts.tokenUrl, parts.applicationKeys, now);
  const checkSubject = createSubjectCheck(parts.issuer, parts.providerKeys, now);

  const exchange = async (form: URLSearchParams): Promise<TokenResult> => {
    if (only(form, 'subject_token_type') !== idTokenType) {
      throw badRequest(`missing or invalid subject_token_type - must be '${idTokenType}'`);
    }
    if (only(form, 'client_assertion_type') !== assertionType) {
      throw badRequest(`Missing or invalid client_assertion_type - must be '${assertionType}'`);
    }
    const subjectToken = only(form, 'subject_token');
    const assertion = only(form, 'client_assertion');
    if (subjectToken === undefined) throw badRequest('Missing subject_token');
    if (assertion === undefined) throw badRequest('Missing client_assertion');
    const { application, kid } = await checkAssertion(assertion);
    const subject = await checkSubject(subjectToken);
    // An exact match: a stronger sign-in does not do for a product of a lower level.
    const products: readonly string[] = application.products ?? ['aal3', 'aal2'];
    if (!products.includes(`aal${subject.aal}`)) {
      throw new TokenError(401, 'unauthorized_client', notConfigured);
    }
    const issued = tokens.issue(application.apiKey, subject, lifetimesAsked(form));
    return { response: json(200, issued, `tokens for ${subject.uid}`), kid };
  };

  const refresh = (form: URLSearchParams): TokenResult => {
    const application = applications.get(only(form, 'client_id') ?? '');
    if (application === undefined || application.apiSecret !== only(form, 'client_secret')) {
      throw new TokenError(401, 'invalid_client', 'client_id or client_secret is invalid');
    }
    const { issued, uid } = tokens.refresh(
      application.apiKey,
      only(form, 'refresh_token'),
      lifetimesAsked(form),
    );
    return { response: json(200, issued, `refreshed tokens for ${uid}`) };
  };

  return async (form) => {
    try {
      switch (operationOf(form)) {
        case 'exchange':
          return await exchange(form);
        case 'refresh':
          return refresh(form);
        case undefined:
          throw badRequest('grant_type is invalid');
      }
    } catch (error) {
      const { status, code, message } =
        error instanceof TokenError ? error : new TokenError(500, 'unknown_error', 'Something went wrong');
      return { response: errorResponse(status, code, message) };
    }
  };
}
