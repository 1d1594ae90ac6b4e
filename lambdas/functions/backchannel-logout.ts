/** `POST /auth/backchannel-logout`: ends sessions and does nothing else to them; opens no session and signs nothing. */
import { dynamoDb, edgeSecrets, secretsManager } from '../aws/index.ts';
import { createLogoutTokenVerifier } from '../cis2/index.ts';
import { preciseClock, systemClock as clock } from '../common/index.ts';
import { backchannelLogout } from '../handlers/backchannel-logout.ts';
import { edgeCheck, httpFunction } from '../http/index.ts';
import { createLogoutStore, identifierKeyIn } from '../session/index.ts';
import { measureProvider } from '../handlers/provider-metrics.ts';
import { startFunction, warmUp } from '../start.ts';

const { settings, log } = startFunction('backchannel-logout');

const verifier = createLogoutTokenVerifier({
  issuer: settings.CIS2_ISSUER,
  clientId: settings.CIS2_CLIENT_ID,
  clock,
  onStale: (document, ageSeconds) => {
    log('provider_metadata_stale', { document, ageSeconds });
  },
  onCall: measureProvider(log),
});

const secrets = secretsManager();
const edge = edgeCheck(() => edgeSecrets(secrets, settings.EDGE_SECRET));
const identifierKey = identifierKeyIn(secrets, settings.IDENTIFIER_KEY_SECRET);

const sessions = createLogoutStore({
  client: dynamoDb(),
  table: settings.SESSION_TABLE,
  limits: { idleSeconds: settings.IDLE_SECONDS, absoluteSeconds: settings.ABSOLUTE_SECONDS },
  clock,
  identifierKey,
});

await warmUp({ settings, log }, [
  edge.prepare,
  () => sessions.warmUp(),
  identifierKey,
  () => verifier.prepare(AbortSignal.timeout(1_400)),
]);

export const handler = httpFunction({
  name: 'backchannel-logout',
  handlers: {
    'POST /auth/backchannel-logout': backchannelLogout({ verifier, sessions, clock: preciseClock }),
  },
  baseUrl: settings.BASE_URL,
  signInErrorPath: settings.SIGN_IN_ERROR_PATH,
  log,
  edge,
});
