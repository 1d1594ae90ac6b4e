/** `$connect` of the WebSocket API: notes which connection hears of a session's end. It can read no session. */
import { dynamoDb, edgeSecrets, secretsManager } from '../aws/index.ts';
import { systemClock as clock } from '../common/index.ts';
import { listenForEnd } from '../handlers/session-events.ts';
import { connectFunction, edgeCheck } from '../http/index.ts';
import { createEventStore } from '../session/index.ts';
import { eventFunctionSettings } from '../settings/index.ts';
import { startFunction, warmUp } from '../start.ts';

const { settings, log } = startFunction('session-events', eventFunctionSettings['session-events']);
const secrets = secretsManager();
const edge = edgeCheck(() => edgeSecrets(secrets, settings.EDGE_SECRET));

await warmUp({ settings, log }, [edge.prepare]);

export const handler = connectFunction({
  baseUrl: settings.BASE_URL,
  log,
  edge,
  connect: listenForEnd(
    createEventStore({
      client: dynamoDb(),
      table: settings.SESSION_TABLE,
      limits: { idleSeconds: settings.IDLE_SECONDS, absoluteSeconds: settings.ABSOLUTE_SECONDS },
      clock,
    }),
  ),
});
