import type { OutgoingHttpHeaders } from 'node:http';
import { isLoopback } from '../../lambdas/settings/index.ts';
import { headerPairs, type GatewayRequest } from './http-api-event.ts';

/**
 * A page can be reached at the address of its own development server, which passes `/auth` and `/api` on and says in
 * `X-Forwarded-Host` where the browser is. A sign-in that began there comes back there: the provider sends the browser to
 * the one address that is registered, which knows the sign-in by its `state`.
 */

/** Sign-ins that are remembered at once: more than anybody begins on one machine. */
const maxSignIns = 1_000;

const isForwarded = (name: string): boolean => /^x-forwarded-(?:host|proto)$/i.test(name);

export class PageOrigins {
  readonly #baseUrl: string;
  /** `state` of a sign-in → origin of the page that it began at, the oldest first. */
  readonly #signIns = new Map<string, string>();

  /** @param baseUrl - the origin that the functions know */
  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  /**
   * Responds to a request, and leads the browser to the page that it came from.
   *
   * @param handle - gets the request without what a deployment would not believe either
   */
  async through<Result extends { readonly headers: OutgoingHttpHeaders }>(
    request: GatewayRequest,
    handle: (request: GatewayRequest) => Promise<Result>,
  ): Promise<Result> {
    const origin = this.#originOf(request.rawHeaders);
    const response = await handle({
      ...request,
      rawHeaders: headerPairs(request.rawHeaders)
        .filter(([name]) => !isForwarded(name))
        .flat(),
    });
    const { location } = response.headers;
    if (typeof location !== 'string' || !URL.canParse(location, this.#baseUrl)) return response;
    const target = new URL(location, this.#baseUrl);
    if (target.origin !== new URL(this.#baseUrl).origin) {
      if (origin !== undefined) this.#remember(target.searchParams.get('state'), origin);
      return response;
    }
    const page = origin ?? this.#signIns.get(stateOf(request.target));
    return page === undefined
      ? response
      : {
          ...response,
          headers: { ...response.headers, location: page + target.href.slice(target.origin.length) },
        };
  }

  /** The origin that the browser shows. One that is not on this machine is not believed. */
  #originOf(rawHeaders: readonly string[]): string | undefined {
    const valuesOf = (name: string): string[] =>
      headerPairs(rawHeaders).flatMap(([sent, value]) => (sent.toLowerCase() === name ? [value] : []));
    const [host, anotherHost] = valuesOf('x-forwarded-host');
    const [scheme = 'http', anotherScheme] = valuesOf('x-forwarded-proto');
    if (host === undefined || anotherHost !== undefined || anotherScheme !== undefined) return undefined;
    const text = `${scheme}://${host}`;
    const url = /^https?:\/\/[a-z0-9.:[\]-]+$/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
    return url !== undefined && isLoopback(url) ? url.origin : undefined;
  }

  #remember(state: string | null, origin: string): void {
    if (state === null) return;
    this.#signIns.set(state, origin);
    const [oldest] = this.#signIns.keys();
    if (this.#signIns.size > maxSignIns && oldest !== undefined) this.#signIns.delete(oldest);
  }
}

const stateOf = (target: string): string => {
  const mark = target.indexOf('?');
  return mark < 0 ? '' : (new URLSearchParams(target.slice(mark)).get('state') ?? '');
};
