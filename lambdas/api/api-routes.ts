/** The routes of a checked manifest, as requests are matched against them. */
import type { Method, RouteDefinition, TokenKind, UpstreamDefinitions } from './manifest-types.ts';
import type { QueryRule, ValueRule } from './value-rules.ts';

/** A checked route with all defaults filled in. */
export interface ApiRoute {
  readonly upstream: string;
  readonly method: Method;
  /** As a client calls it: `/api/UPSTREAM/…`. */
  readonly path: string;
  /** What follows the upstream's base URL. */
  readonly upstreamPath: string;
  readonly summary: string;
  readonly accept: readonly string[];
  readonly parameters: Readonly<Record<string, ValueRule>>;
  readonly query: Readonly<Record<string, QueryRule>>;
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  readonly body: RouteDefinition['body'];
  readonly token: TokenKind;
  readonly minimumAal: 2 | 3 | undefined;
  readonly maximumSignInAge: number | undefined;
  readonly role: RouteDefinition['role'];
  readonly timeoutSeconds: number;
  readonly countsAsActivity: boolean;
}

/** The maximum time of an upstream. */
export const maxTimeoutSeconds = 20;

/** Every route of every upstream, with defaults filled in. */
export const routesOf = (upstreams: UpstreamDefinitions): readonly ApiRoute[] =>
  Object.entries(upstreams).flatMap(([upstream, { accept, routes }]) =>
    Object.entries<RouteDefinition>(routes).map(([key, route]) => {
      const { method, path } = splitKey(key);
      return {
        upstream,
        method,
        path: `/api/${upstream}${path}`,
        upstreamPath: path,
        summary: route.summary,
        accept,
        parameters: route.parameters ?? {},
        query: route.query ?? {},
        requestHeaders: route.requestHeaders ?? [],
        responseHeaders: route.responseHeaders ?? [],
        body: route.body,
        token: route.token,
        minimumAal: route.minimumAal,
        maximumSignInAge: route.maximumSignInAge,
        role: route.role,
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
