import type { SettingName } from './rules.ts';

export const everyFunction = ['LOG_LEVEL', 'METRICS_NAMESPACE', 'WARM_UP'] as const;
/** For every function behind the gateway: to check the origin of a request, and to redirect to the error page. */
const everyRoute = ['BASE_URL', 'SIGN_IN_ERROR_PATH'] as const;
export const everySession = ['SESSION_TABLE', 'IDLE_SECONDS', 'ABSOLUTE_SECONDS'] as const;
/** For functions that accept only requests through the edge. */
const behindTheEdge = [...everyRoute, 'EDGE_SECRET'] as const;

/** Which settings each function of every deployment reads. The infrastructure sets only these. */
export const functionSettings = {
  login: [
    ...everyFunction,
    ...behindTheEdge,
    'CIS2_ISSUER',
    'CIS2_CLIENT_ID',
    'CIS2_SCOPE',
    'CIS2_ACR',
    'CIS2_FRESHNESS',
    'MINIMUM_AAL',
  ],
  callback: [
    ...everyFunction,
    ...everySession,
    ...behindTheEdge,
    'CIS2_ISSUER',
    'CIS2_CLIENT_ID',
    'MINIMUM_AAL',
    'MINIMUM_IAL',
    'ACCEPTED_ROLES',
    'CONCURRENT_SESSIONS',
    'SESSIONS_PER_USER',
    'SIGNING_KEYS_SECRET',
    'IDENTIFIER_KEY_SECRET',
    'KEY_CACHE_SECONDS',
  ],
  session: [
    ...everyFunction,
    ...everySession,
    ...behindTheEdge,
    'CIS2_CLIENT_ID',
    'ACCEPTED_ROLES',
    'SIGNED_OUT_PATH',
    'END_SESSION_URL',
  ],
  'api-proxy': [
    ...everyFunction,
    ...everySession,
    ...behindTheEdge,
    'CIS2_ACR',
    'MINIMUM_AAL',
    'ACCEPTED_ROLES',
    'UPSTREAMS',
    'CALLS_PER_WINDOW',
    'API_PLATFORM_TOKEN_URL',
    'API_PLATFORM_CREDENTIALS_SECRET',
    'API_PLATFORM_KEYS_SECRET',
    'KEY_CACHE_SECONDS',
  ],
  'backchannel-logout': [
    ...everyFunction,
    ...everySession,
    ...behindTheEdge,
    'CIS2_ISSUER',
    'CIS2_CLIENT_ID',
    'IDENTIFIER_KEY_SECRET',
  ],
  jwks: [...everyFunction, ...everyRoute, 'PUBLISHED_KEYS_TABLE', 'API_PLATFORM_KEYS'],
  'unknown-route': [...everyFunction, ...everyRoute],
  'keys-status': [
    ...everyFunction,
    'PUBLISHED_KEYS_TABLE',
    'SIGNING_KEYS_SECRET',
    'API_PLATFORM_KEYS_SECRET',
    'API_PLATFORM_KEYS',
    'KEY_CUSTODY',
    'KEY_LEAD_SECONDS',
  ],
  canary: [
    ...everyFunction,
    'BASE_URL',
    'CIS2_ISSUER',
    'CIS2_CLIENT_ID',
    'PUBLISHED_KEYS_TABLE',
    'API_PLATFORM_KEYS',
  ],
  'operator-sessions': [...everyFunction, ...everySession, 'CIS2_ISSUER', 'IDENTIFIER_KEY_SECRET'],
  'audit-trail': [],
  'rotate-signing-keys': [
    ...everyFunction,
    'BASE_URL',
    'SIGNING_KEYS_SECRET',
    'API_PLATFORM_KEYS',
    'API_PLATFORM_KEYS_SECRET',
    'PUBLISHED_KEYS_TABLE',
    'SIGNING_KEY_BITS',
    'KEY_CUSTODY',
    'KEY_LEAD_SECONDS',
    'KEY_RING_NAME',
    'CLOUDFORMATION_RESPONSE_ORIGIN',
  ],
} as const satisfies Record<string, readonly SettingName[]>;
