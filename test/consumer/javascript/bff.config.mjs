import { defineBff, defineUpstreams, pds } from 'cis2-bff/manifest';

export const upstreams = defineUpstreams({ pds });
export default defineBff({ upstreams });
