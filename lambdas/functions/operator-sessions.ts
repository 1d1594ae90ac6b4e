/** Shows operators a user's sessions, and ends a user's or everybody's. Behind no route; it opens no session. */
import { dynamoDb, secretsManager } from '../aws/index.ts';
import { preciseClock, systemClock as clock } from '../common/index.ts';
import { operatorSessions } from '../handlers/operator-sessions.ts';
import { createOperatorStore, identifierKeyIn } from '../session/index.ts';
import { startFunction } from '../start.ts';

const { settings, log } = startFunction('operator-sessions');

export const handler = operatorSessions({
  sessions: createOperatorStore({
    client: dynamoDb(),
    table: settings.SESSION_TABLE,
    limits: { idleSeconds: settings.IDLE_SECONDS, absoluteSeconds: settings.ABSOLUTE_SECONDS },
    clock,
    preciseClock,
    identifierKey: identifierKeyIn(secretsManager(), settings.IDENTIFIER_KEY_SECRET),
  }),
  issuer: settings.CIS2_ISSUER,
  clock,
  log,
});
