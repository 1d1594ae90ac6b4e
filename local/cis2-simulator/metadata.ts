import { controlPanelPath, telemetryPath } from '../control-panel/path.ts';
import { authenticators } from './personas.ts';

/** Where CIS2 has its healthcare realm; the endpoints hang below it. */
export const issuerPath = '/openam/oauth2/realms/root/realms/NHSIdentity/realms/Healthcare';

export const paths = {
  discovery: `${issuerPath}/.well-known/openid-configuration`,
  authorize: `${issuerPath}/authorize`,
  token: `${issuerPath}/access_token`,
  userInfo: `${issuerPath}/userinfo`,
  jwks: `${issuerPath}/connect/jwk_uri`,
  endSession: `${issuerPath}/connect/endSession`,
  signIn: '/openam/sign-in',
  selectRole: '/openam/select-role',
  stylesheet: '/openam/sign-in.css',
} as const;

/** The control panel and its forms. */
export const controlPanelPaths = {
  panel: controlPanelPath,
  form: `${controlPanelPath}/`,
  state: `${controlPanelPath}/api/state`,
  /** What the app that is run with it has measured and logged. */
  telemetry: telemetryPath,
} as const;

const knownScopes = [
  'openid',
  'profile',
  'email',
  'nhsperson',
  'nationalrbacaccess',
  'associatedorgs',
  'organisationalmemberships',
  'professionalmemberships',
  'selectedrole',
  'changedrole',
] as const;

export type Scope = (typeof knownScopes)[number];
export const isScope = (value: string): value is Scope => knownScopes.some((scope) => scope === value);

/** What CIS2 takes when a request names no `acr_values`. */
export const defaultAcr = 'AAL3_ANY';

export const knownAcrValues: readonly string[] = [
  ...new Set(Object.values(authenticators).flatMap(({ satisfies }) => satisfies)),
];

/** The discovery document (OpenID Connect Discovery 1.0 section 3). */
export const metadata = (origin: string) => ({
  issuer: origin + issuerPath,
  authorization_endpoint: origin + paths.authorize,
  token_endpoint: origin + paths.token,
  userinfo_endpoint: origin + paths.userInfo,
  jwks_uri: origin + paths.jwks,
  end_session_endpoint: origin + paths.endSession,
  scopes_supported: knownScopes,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: ['authorization_code'],
  subject_types_supported: ['public'],
  acr_values_supported: knownAcrValues,
  // The stock list, symmetric algorithms and all: what a client receives is RS256, and it must accept nothing else.
  id_token_signing_alg_values_supported: [
    'PS384',
    'ES384',
    'RS384',
    'HS256',
    'HS512',
    'ES256',
    'RS256',
    'HS384',
    'ES512',
    'PS256',
    'PS512',
    'RS512',
  ],
  // Advertised in general; a client may use the one method that it is registered for, and no other.
  token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_jwt', 'private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ['RS256', 'RS384', 'RS512'],
  claims_parameter_supported: false,
  request_parameter_supported: false,
  request_uri_parameter_supported: false,
});
