/** `$connect` of the WebSocket API: subscribes a connection to the end of a session. It cannot read sessions. */
import { secretsManager } from '../aws/index.ts';
import { subscribeToSessionEnd } from '../handlers/session-events.ts';
import { connectFunction } from '../http/index.ts';
import { createEventStore } from '../session/index.ts';
import { eventFunctionSettings } from '../settings/index.ts';
import { startFunction, warmUp } from '../start.ts';
import { edgeOf, sessionTable } from '../wiring.ts';

const { settings, log } = startFunction('session-events', eventFunctionSettings['session-events']);
const secrets = secretsManager();
const edge = edgeOf(secrets, settings);

await warmUp({ settings, log }, [edge.prepare]);

export const handler = connectFunction({
  baseUrl: settings.BASE_URL,
  log,
  edge,
  connect: subscribeToSessionEnd(createEventStore(sessionTable(settings))),
});
