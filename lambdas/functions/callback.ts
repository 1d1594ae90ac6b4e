/** `GET /auth/callback`: creates a session from the response of CIS2. It may use the signing keys that CIS2 trusts. */
import { readSecretText, secretsManager, timeLimits } from '../aws/index.ts';
import { createRelyingParty } from '../cis2/index.ts';
import { preciseClock, systemClock as clock } from '../common/index.ts';
import { callback } from '../handlers/callback.ts';
import { httpFunction } from '../http/index.ts';
import { currentSigner, loadRing, createSignerOf } from '../keys/index.ts';
import { createSignInStore, identifierKeyFrom } from '../session/index.ts';
import { startFunction, warmUp } from '../start.ts';
import { edgeOf, logStaleKeys, providerHooks, sessionTable, siteOf } from '../wiring.ts';

const { settings, log } = startFunction('callback');

const secrets = secretsManager();
const edge = edgeOf(secrets, settings);

const signer = currentSigner({
  load: () => loadRing(secrets, settings.SIGNING_KEYS_SECRET),
  signerOf: createSignerOf({ kmsOptions: timeLimits, clock }),
  cacheSeconds: settings.KEY_CACHE_SECONDS,
  clock,
  onStale: logStaleKeys(log),
});

const relyingParty = createRelyingParty({
  issuer: settings.CIS2_ISSUER,
  clientId: settings.CIS2_CLIENT_ID,
  redirectUri: `${settings.BASE_URL}/auth/callback`,
  acceptedRoles: settings.ACCEPTED_ROLES,
  clock,
  signer,
  ...providerHooks(log),
  onIgnored: (ignored) => {
    log('token_response_ignored_members', { ignored });
  },
});

const identifierKey = identifierKeyFrom(() => readSecretText(secrets, settings.IDENTIFIER_KEY_SECRET));

const sessions = createSignInStore({
  ...sessionTable(settings),
  identifierKey,
});

await warmUp({ settings, log }, [
  edge.prepare,
  () => sessions.warmUp(),
  () => signer(),
  identifierKey,
  (signal) => relyingParty.prepare(signal),
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
  ...siteOf(settings, log),
  edge,
});
