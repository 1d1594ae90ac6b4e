/** Reads ends of sessions off the table's stream, and has their pages ask. It may post to connections and do nothing else. */
import { connectionPoster } from '../aws/index.ts';
import { tellPages } from '../handlers/session-end-events.ts';
import { eventFunctionSettings } from '../settings/index.ts';
import { startFunction } from '../start.ts';

const { log } = startFunction('session-end-events', eventFunctionSettings['session-end-events']);

export const handler = tellPages({ post: connectionPoster(), log });
