/** `GET /auth/login`: sends people to CIS2. It has no key and no access to sessions. */
import { secretsManager } from '../aws/index.ts';
import { createAuthorisation } from '../cis2/index.ts';
import { preciseClock, systemClock as clock } from '../common/index.ts';
import { login } from '../handlers/login.ts';
import { httpFunction } from '../http/index.ts';
import { scopesRequirement, unneededScopes } from '../settings/index.ts';
import { startFunction, warmUp } from '../start.ts';
import { edgeOf, providerHooks, siteOf } from '../wiring.ts';

const { settings, log } = startFunction('login');
const scopes = unneededScopes(settings.CIS2_SCOPE);
if (scopes.length > 0) log('scopes_unneeded', { scopes, requirement: scopesRequirement });

const secrets = secretsManager();
const edge = edgeOf(secrets, settings);

const authorisation = createAuthorisation({
  issuer: settings.CIS2_ISSUER,
  clientId: settings.CIS2_CLIENT_ID,
  redirectUri: `${settings.BASE_URL}/auth/callback`,
  scope: settings.CIS2_SCOPE,
  clock,
  ...providerHooks(log),
});

await warmUp({ settings, log }, [edge.prepare, (signal) => authorisation.readMetadata(signal)]);

export const handler = httpFunction({
  name: 'login',
  handlers: { 'GET /auth/login': login({ authorisation, settings, clock: preciseClock }) },
  ...siteOf(settings, log),
  edge,
});
