import { json, Problem, type RouteHandler } from '../http/index.ts';
import { keySetMaxAgeSeconds } from '../key-set-cache.ts';
import type { PublishedSet } from '../keys/index.ts';

/**
 * Public signing keys (RFC 7517 section 5), for CIS2 and the API platform to cache. As `application/json`: not every provider
 * takes `application/jwk-set+json`.
 */
export const jwks =
  ({ load }: { readonly load: () => Promise<PublishedSet> }): RouteHandler =>
  async () => {
    const response = json(await load());
    const cacheControl = `public, max-age=${String(keySetMaxAgeSeconds)}`;
    return { ...response, headers: { ...response.headers, 'cache-control': cacheControl } };
  };

/** For a set that this installation does not have. */
export const noJwks: RouteHandler = () => Promise.reject(new Problem('not_found'));
