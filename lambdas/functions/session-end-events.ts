/** Reads ended sessions from the table's stream, and notifies their pages. It may only post to connections. */
import { connectionPoster } from '../aws/index.ts';
import { notifyPages } from '../handlers/session-end-events.ts';
import { eventFunctionSettings } from '../settings/index.ts';
import { startFunction } from '../start.ts';

const { log } = startFunction('session-end-events', eventFunctionSettings['session-end-events']);

export const handler = notifyPages({ post: connectionPoster(), log });
