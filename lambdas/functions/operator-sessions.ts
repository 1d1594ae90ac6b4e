/** Shows operators a user's sessions, and ends a user's or everybody's. It has no route, and opens no session. */
import { readSecretText, secretsManager } from '../aws/index.ts';
import { preciseClock, systemClock as clock } from '../common/index.ts';
import { operatorSessions } from '../handlers/operator-sessions.ts';
import { createOperatorStore, identifierKeyFrom } from '../session/index.ts';
import { startFunction } from '../start.ts';
import { sessionTable } from '../wiring.ts';

const { settings, log } = startFunction('operator-sessions');
const secrets = secretsManager();

export const handler = operatorSessions({
  sessions: createOperatorStore({
    ...sessionTable(settings),
    preciseClock,
    identifierKey: identifierKeyFrom(() => readSecretText(secrets, settings.IDENTIFIER_KEY_SECRET)),
  }),
  issuer: settings.CIS2_ISSUER,
  clock,
  log,
});
