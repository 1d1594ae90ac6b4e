/** What is this app's own: its APIs, its policies and its page. */
import { defineBff, defineUpstreams, pds } from 'cis2-bff/manifest';

export const upstreams = defineUpstreams({ pds });

export default defineBff({ upstreams, acceptedRoles: 'any', spa: 'dist' });
