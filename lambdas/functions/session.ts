/** `/auth/session*` and `POST /auth/logout`: a user's own sessions; knows no signing key and never calls CIS2. */
import { secretsManager } from '../aws/index.ts';
import { systemClock as clock } from '../common/index.ts';
import {
  changeRole,
  endSession,
  extendSession,
  listSessions,
  logout,
  readDraftKey,
  readSession,
} from '../handlers/session.ts';
import { httpFunction } from '../http/index.ts';
import { createSessionStore } from '../session/index.ts';
import { startFunction, warmUp } from '../start.ts';
import { edgeOf, sessionTable, siteOf } from '../wiring.ts';

const { settings, log } = startFunction('session');
const secrets = secretsManager();
const edge = edgeOf(secrets, settings);

const sessions = createSessionStore(sessionTable(settings));

await warmUp({ settings, log }, [edge.prepare, () => sessions.warmUp()]);

const dependencies = { sessions, settings, clock };

export const handler = httpFunction({
  name: 'session',
  handlers: {
    'GET /auth/session': readSession(dependencies),
    'GET /auth/session/draft-key': readDraftKey(dependencies),
    'POST /auth/session/extend': extendSession(dependencies),
    'PUT /auth/session/role': changeRole(dependencies),
    'GET /auth/sessions': listSessions(dependencies),
    'DELETE /auth/sessions/{handle}': endSession(dependencies),
    'POST /auth/logout': logout(dependencies),
  },
  ...siteOf(settings, log),
  edge,
});
