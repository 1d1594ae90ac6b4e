/** `GET /auth/login`: sends people to CIS2. It holds no key and knows no session. */
import { edgeSecrets, secretsManager } from '../aws/index.ts';
import { createAuthorisation } from '../cis2/index.ts';
import { preciseClock, systemClock as clock } from '../common/index.ts';
import { login } from '../handlers/login.ts';
import { measureProvider } from '../handlers/provider-metrics.ts';
import { edgeCheck, httpFunction } from '../http/index.ts';
import { scopesRequirement, unneededScopes } from '../settings/index.ts';
import { startFunction, warmUp } from '../start.ts';

const { settings, log } = startFunction('login');
const scopes = unneededScopes(settings.CIS2_SCOPE);
if (scopes.length > 0) log('scopes_unneeded', { scopes, requirement: scopesRequirement });

const secrets = secretsManager();
const edge = edgeCheck(() => edgeSecrets(secrets, settings.EDGE_SECRET));

const authorisation = createAuthorisation({
  issuer: settings.CIS2_ISSUER,
  clientId: settings.CIS2_CLIENT_ID,
  redirectUri: `${settings.BASE_URL}/auth/callback`,
  scope: settings.CIS2_SCOPE,
  clock,
  onStale: (document, ageSeconds) => {
    log('provider_metadata_stale', { document, ageSeconds });
  },
  onCall: measureProvider(log),
});

await warmUp({ settings, log }, [edge.prepare, () => authorisation.readMetadata(AbortSignal.timeout(1_400))]);

export const handler = httpFunction({
  name: 'login',
  handlers: { 'GET /auth/login': login({ authorisation, settings, clock: preciseClock }) },
  baseUrl: settings.BASE_URL,
  signInErrorPath: settings.SIGN_IN_ERROR_PATH,
  log,
  edge,
});
