/** What is this repository's own and the same in every environment: the demo with the upstream that ships. */
import { defineBff, defineUpstreams, pds } from './manifest/index.ts';

export const upstreams = defineUpstreams({ pds });

export default defineBff({ upstreams, spa: 'demo/dist', sessionEvents: true });
