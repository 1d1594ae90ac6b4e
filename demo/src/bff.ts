/** The client of these pages. */
import { sessionEvents } from '../../client/events/index.ts';
import { createBff } from '../../client/index.ts';
import type { upstreams } from '../../bff.config.ts';

/** It asks every 15 seconds, and is told when the session has ended. */
export const bff = createBff<typeof upstreams>({ events: sessionEvents({ askSeconds: 15 }) });
