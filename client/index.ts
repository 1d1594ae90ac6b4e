/** `cis2-bff/client`: the browser's side of the BFF. */
import { createClient } from './core.ts';
import type { Bff, BffOptions } from './types.ts';

export { BffError, type BffErrorDetails } from './errors.ts';
export type * from './types.ts';

/**
 * Makes the client of this page; one is enough. In a browser it asks at once who is signed in; on a server its state
 * stays `loading`, and nothing is started.
 *
 * @typeParam Upstreams - the app's manifest (`typeof upstreams`); without it any route can be called
 */
export const createBff = <Upstreams = unknown>(options: BffOptions = {}): Bff<Upstreams> =>
  createClient(globalThis, options.events)[0];
