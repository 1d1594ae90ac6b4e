/** What is this repository's own and the same in every environment: the demo with the upstream that ships. */
import { defineBff, defineUpstreams, pds } from './manifest/index.ts';

export const upstreams = defineUpstreams({ pds });

// Session events for the local start: an environment says for itself whether it has them.
export default defineBff({ upstreams, spa: 'demo/dist', sessionEvents: true });
