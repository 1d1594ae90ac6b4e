import { createBff } from 'cis2-bff/client';
import type { upstreams } from '../bff.config.ts';

export const bff = createBff<typeof upstreams>();
