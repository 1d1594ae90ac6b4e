/** `POST /auth/backchannel-logout`: ends sessions and does nothing else to them; opens no session and signs nothing. */
import { readSecretText, secretsManager } from '../aws/index.ts';
import { createLogoutTokenVerifier } from '../cis2/index.ts';
import { preciseClock, systemClock as clock } from '../common/index.ts';
import { backchannelLogout } from '../handlers/backchannel-logout.ts';
import { httpFunction } from '../http/index.ts';
import { createLogoutStore, identifierKeyFrom } from '../session/index.ts';
import { startFunction, warmUp } from '../start.ts';
import { edgeOf, providerHooks, sessionTable, siteOf } from '../wiring.ts';

const { settings, log } = startFunction('backchannel-logout');

const verifier = createLogoutTokenVerifier({
  issuer: settings.CIS2_ISSUER,
  clientId: settings.CIS2_CLIENT_ID,
  clock,
  ...providerHooks(log),
});

const secrets = secretsManager();
const edge = edgeOf(secrets, settings);
const identifierKey = identifierKeyFrom(() => readSecretText(secrets, settings.IDENTIFIER_KEY_SECRET));

const sessions = createLogoutStore({
  ...sessionTable(settings),
  identifierKey,
});

await warmUp({ settings, log }, [
  edge.prepare,
  () => sessions.warmUp(),
  identifierKey,
  (signal) => verifier.prepare(signal),
]);

export const handler = httpFunction({
  name: 'backchannel-logout',
  handlers: {
    'POST /auth/backchannel-logout': backchannelLogout({ verifier, sessions, clock: preciseClock }),
  },
  ...siteOf(settings, log),
  edge,
});
