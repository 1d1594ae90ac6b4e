/** `/auth/session*` and `POST /auth/logout`: a user's own sessions; knows no signing key and never calls CIS2. */
import { dynamoDb, edgeSecrets, secretsManager } from '../aws/index.ts';
import { systemClock as clock } from '../common/index.ts';
import { changeRole, extendSession, logout, readDraftKey, readSession } from '../handlers/session.ts';
import { endSession, listSessions } from '../handlers/sessions.ts';
import { edgeCheck, httpFunction } from '../http/index.ts';
import { createSessionStore } from '../session/index.ts';
import { startFunction, warmUp } from '../start.ts';

const { settings, log } = startFunction('session');
const secrets = secretsManager();
const edge = edgeCheck(() => edgeSecrets(secrets, settings.EDGE_SECRET));

const sessions = createSessionStore({
  client: dynamoDb(),
  table: settings.SESSION_TABLE,
  limits: { idleSeconds: settings.IDLE_SECONDS, absoluteSeconds: settings.ABSOLUTE_SECONDS },
  clock,
});

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
  baseUrl: settings.BASE_URL,
  signInErrorPath: settings.SIGN_IN_ERROR_PATH,
  log,
  edge,
});
