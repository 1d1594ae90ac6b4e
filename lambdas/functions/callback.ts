/** `GET /auth/callback`: makes a session of what CIS2 says. It may use the signing keys that CIS2 trusts. */
import { dynamoDb, edgeSecrets, timeLimits, secretsManager } from '../aws/index.ts';
import { createRelyingParty } from '../cis2/index.ts';
import { preciseClock, systemClock as clock } from '../common/index.ts';
import { callback } from '../handlers/callback.ts';
import { edgeCheck, httpFunction } from '../http/index.ts';
import { currentSigner, loadRing, createSignerOf } from '../keys/index.ts';
import { createSignInStore, identifierKeyIn } from '../session/index.ts';
import { measureProvider } from '../handlers/provider-metrics.ts';
import { startFunction, warmUp } from '../start.ts';
import { describeError } from '../telemetry/index.ts';

const { settings, log } = startFunction('callback');

const secrets = secretsManager();
const edge = edgeCheck(() => edgeSecrets(secrets, settings.EDGE_SECRET));

const signer = currentSigner({
  load: () => loadRing(secrets, settings.SIGNING_KEYS_SECRET),
  signerOf: createSignerOf({ kmsOptions: timeLimits, clock }),
  cacheSeconds: settings.KEY_CACHE_SECONDS,
  clock,
  onStale: (error) => {
    log('signing_keys_stale', { error: describeError(error).error });
  },
});

const relyingParty = createRelyingParty({
  issuer: settings.CIS2_ISSUER,
  clientId: settings.CIS2_CLIENT_ID,
  redirectUri: `${settings.BASE_URL}/auth/callback`,
  acceptedRoles: settings.ACCEPTED_ROLES,
  clock,
  signer,
  onStale: (document, ageSeconds) => {
    log('provider_metadata_stale', { document, ageSeconds });
  },
  onCall: measureProvider(log),
  onOddMembers: (members) => {
    log('token_response_odd', { members });
  },
});

const identifierKey = identifierKeyIn(secrets, settings.IDENTIFIER_KEY_SECRET);

const sessions = createSignInStore({
  client: dynamoDb(),
  table: settings.SESSION_TABLE,
  limits: { idleSeconds: settings.IDLE_SECONDS, absoluteSeconds: settings.ABSOLUTE_SECONDS },
  clock,
  identifierKey,
});

await warmUp({ settings, log }, [
  edge.prepare,
  () => sessions.warmUp(),
  signer,
  identifierKey,
  () => relyingParty.prepare(AbortSignal.timeout(1_400)),
]);

export const handler = httpFunction({
  name: 'callback',
  handlers: {
    'GET /auth/callback': callback({
      relyingParty,
      loadSigningKey: signer,
      loadIdentifierKey: identifierKey,
      sessions,
      settings,
      clock: preciseClock,
    }),
  },
  baseUrl: settings.BASE_URL,
  signInErrorPath: settings.SIGN_IN_ERROR_PATH,
  log,
  edge,
});
