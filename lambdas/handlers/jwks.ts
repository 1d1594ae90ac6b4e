import { json, Problem, type RouteHandler } from '../http/index.ts';
import type { PublishedSet } from '../keys/index.ts';

/**
 * Public signing keys (RFC 7517 section 5), for CIS2 and the API platform to keep. As `application/json`: not every provider
 * takes `application/jwk-set+json`.
 */
export const jwks =
  ({ load }: { readonly load: () => Promise<PublishedSet> }): RouteHandler =>
  async () => {
    const answer = json(await load());
    return { ...answer, headers: { ...answer.headers, 'cache-control': 'public, max-age=3600' } };
  };

/** The address of a set that this installation does not have. */
export const noJwks: RouteHandler = () => Promise.reject(new Problem('not_found'));
