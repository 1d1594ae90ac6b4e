/** The routes of a checked manifest, as requests are matched against them. */
import type { Method, RouteDefinition, UpstreamDefinitions } from './manifest-types.ts';

type WithDefault =
  'parameters' | 'query' | 'requestHeaders' | 'responseHeaders' | 'timeoutSeconds' | 'countsAsActivity';

/** A checked route with all defaults filled in. */
export interface ApiRoute
  extends Omit<RouteDefinition, WithDefault>, Required<Pick<RouteDefinition, WithDefault>> {
  readonly upstream: string;
  readonly method: Method;
  /** As a client calls it: `/api/UPSTREAM/…`. */
  readonly path: string;
  /** What follows the upstream's base URL. */
  readonly upstreamPath: string;
  readonly accept: readonly string[];
}

/** The maximum time of an upstream. */
export const maxTimeoutSeconds = 20;

/** Every route of every upstream, with defaults filled in. */
export const routesOf = (upstreams: UpstreamDefinitions): readonly ApiRoute[] =>
  Object.entries(upstreams).flatMap(([upstream, { accept, routes }]) =>
    Object.entries<RouteDefinition>(routes).map(([key, route]) => {
      const { method, path } = splitKey(key);
      return {
        ...route,
        upstream,
        method,
        path: `/api/${upstream}${path}`,
        upstreamPath: path,
        accept,
        parameters: route.parameters ?? {},
        query: route.query ?? {},
        requestHeaders: route.requestHeaders ?? [],
        responseHeaders: route.responseHeaders ?? [],
        timeoutSeconds: route.timeoutSeconds ?? maxTimeoutSeconds,
        countsAsActivity: route.countsAsActivity ?? true,
      };
    }),
  );

/** `METHOD /path` in its two parts. */
export const splitKey = (key: string): { method: Method; path: string } => {
  const space = key.indexOf(' ');
  return { method: key.slice(0, space) as Method, path: key.slice(space + 1) };
};

/** The paths that the gateway sends to the proxy; every other path under `/api` is unknown. */
export const apiPaths = (upstreams: UpstreamDefinitions): readonly string[] =>
  Object.keys(upstreams).map((name) => `/api/${name}/{proxy+}`);
