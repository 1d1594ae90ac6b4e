import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import {
  edgeHeader,
  routes,
  type Access,
  type HttpFunctionName,
  type Route,
  type RouteKey,
} from '../routes.ts';
import type { Logger } from '../telemetry/index.ts';
import type { EdgeCheck } from './edge-check.ts';
import { checkBody, checkProxiedBody, crossSiteRefusal, type BodyRule } from './guards.ts';
import { matchPath, pathPattern, type PathPattern } from './path.ts';
import { logProblem, Problem, problemResponse, toProblem } from './problem.ts';
import { isNavigation, readRequest, type HttpRequest } from './request.ts';
import { redirectToErrorPage, writeResponse, type ErrorPage, type HttpResponse } from './response.ts';

/** The handler of one route. Throws a {@link Problem} or a module's error to refuse. */
export type RouteHandler = (request: HttpRequest, log: Logger) => Promise<HttpResponse>;

/** The state of one request, shared by the middleware and the handler: middy's event. */
interface Exchange {
  request: HttpRequest;
  readonly log: Logger;
  readonly startedAt: number;
  routeKey: string;
  handle: RouteHandler;
  code?: string;
}

type Middleware = middy.MiddlewareObj<Exchange, HttpResponse>;
type MiddlewareRequest = Parameters<NonNullable<Middleware['after']>>[0];

/** A route as requests are matched against it. */
interface Entry {
  /** `METHOD /path`, variables by their names: safe to log. */
  readonly key: string;
  readonly method: string;
  readonly path: PathPattern;
  readonly access: Access;
  /** Throws a {@link Problem} for a body that the route does not take. */
  readonly checkBody: (request: HttpRequest) => void;
  readonly handle: RouteHandler;
}

export type LambdaHandler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

/** What every function behind the gateway is given: requests must come from the origin `baseUrl`. */
interface SiteOptions extends ErrorPage {
  readonly log: Logger;
  /**
   * Whether requests came through the edge. `jwks` and `unknown-route` do not check it: what they return is public, they would
   * need to read the secret, and our keys could not be served while the secret cannot be read. The rate limit of the gateway
   * stops a flood of requests around the edge.
   */
  readonly edge?: EdgeCheck;
}

const openExchange = (event: APIGatewayProxyEventV2, log: Logger): Exchange => {
  const request = readRequest(event);
  return {
    request,
    log: log.withReference(request.reference),
    startedAt: performance.now(),
    routeKey: 'unknown',
    handle: () => Promise.reject(new Problem('not_found')),
  };
};

/** Logs one line for each request, also a failed one. */
const requestLog = (): Middleware => {
  const write = ({ event: exchange, response }: MiddlewareRequest): void => {
    exchange.log('request', {
      route: exchange.routeKey,
      method: exchange.request.method,
      status: response?.status,
      code: exchange.code ?? response?.code,
      durationMs: Math.round(performance.now() - exchange.startedAt),
    });
  };
  return { after: write, onError: write };
};

/** Turns every error into problem details, or for a navigation into a redirect to the error page of the app. */
const refusals = (site: ErrorPage): Middleware => ({
  onError: (call) => {
    const exchange = call.event;
    const problem = toProblem(call.error);
    logProblem(problem, exchange.log);
    exchange.code = problem.code;
    const { request } = exchange;
    const { reference } = request;
    call.response = isNavigation(request)
      ? redirectToErrorPage(site, { code: problem.code, reference })
      : problemResponse(problem, reference);
  },
});

/** A request that bypassed the edge, and so the firewall, is `not_found`. */
const throughEdge = ({ passes }: EdgeCheck): Middleware => ({
  before: async ({ event: { request, log } }) => {
    if (await passes(request.headers[edgeHeader])) return;
    log('request_refused', { guard: 'edge' });
    throw new Problem('not_found');
  },
});

/** Finds the route's entry; the guards that it names run before its handler can. */
const routing = (
  entries: readonly Entry[],
  baseUrl: string,
  onUnknown: ((log: Logger) => void) | undefined,
): Middleware => ({
  before: ({ event: exchange }) => {
    const { request, log } = exchange;
    const matching = entries.flatMap((entry) => {
      const pathVariables = matchPath(entry.path, request.path);
      return pathVariables === undefined ? [] : [{ ...entry, pathVariables }];
    });
    const [first] = matching;
    if (first === undefined) {
      onUnknown?.(log);
      throw new Problem('not_found');
    }
    const found = matching.find(({ method }) => method === request.method);
    if (found === undefined) {
      exchange.routeKey = first.key.slice(first.method.length + 1);
      throw new Problem('method_not_allowed', {
        headers: { allow: [...new Set(matching.map(({ method }) => method))].join(', ') },
      });
    }
    exchange.routeKey = found.key;
    if (found.access !== 'public') {
      const guard = crossSiteRefusal(request, baseUrl);
      if (guard !== undefined) {
        log('request_refused', { guard });
        throw new Problem('csrf_rejected');
      }
    }
    found.checkBody(request);
    exchange.request = { ...request, pathVariables: found.pathVariables };
    exchange.handle = found.handle;
  },
});

/**
 * A Lambda handler for one function's routes.
 *
 * @param options.handlers - one for each route that `routes.ts` lists under `name`, all of them and no other
 */
export function httpFunction<Name extends HttpFunctionName>(
  options: {
    name: Name;
    handlers: { readonly [Key in RouteKey<Name>]: RouteHandler };
  } & SiteOptions,
): LambdaHandler {
  const entries = Object.entries<Route>(routes[options.name]).map(([key, route]): Entry => {
    const [method = '', path = ''] = key.split(' ');
    return {
      key,
      method,
      path: pathPattern(path),
      access: route.access,
      checkBody: (request) => checkBody(request, route),
      handle: options.handlers[key as RouteKey<Name>],
    };
  });
  return serve(entries, options);
}

/** A route that is forwarded. Only our own page may call it, so every guard stands before it. */
export interface ProxiedRoute {
  readonly method: string;
  /** Literal segments, and `{name}` for a variable one. */
  readonly path: string;
  /** A variable's name → which values it takes. Any other makes the path an unknown one. */
  readonly accepts: Readonly<Record<string, (value: string) => boolean>>;
  /** Undefined where no body is taken. */
  readonly body: BodyRule | undefined;
  readonly handle: RouteHandler;
}

/**
 * A Lambda handler for routes that are forwarded to another service.
 *
 * @param options.routes - what is not among them is `not_found`, and another method on one of them `method_not_allowed`
 */
export const proxyFunction = (
  options: { readonly routes: readonly ProxiedRoute[] } & SiteOptions,
): LambdaHandler =>
  serve(
    options.routes.map(({ method, path, accepts, body, handle }) => ({
      key: `${method} ${path}`,
      method,
      path: pathPattern(path, accepts),
      access: 'same-origin',
      checkBody: (request) => checkProxiedBody(request, body),
      handle,
    })),
    options,
    (log) => log.note({ refusedBy: 'request' }),
  );

/** A Lambda handler that knows no route: every request is `not_found`. */
export const unknownRouteFunction = (options: SiteOptions): LambdaHandler => serve([], options);

/** @param onUnknown - called for a path that no route has */
function serve(
  entries: readonly Entry[],
  site: SiteOptions,
  onUnknown?: (log: Logger) => void,
): LambdaHandler {
  const handle = middy<Exchange, HttpResponse>((exchange: Exchange) =>
    exchange.handle(exchange.request, exchange.log),
  )
    .use(requestLog())
    .use(refusals(site))
    .use(site.edge === undefined ? [] : throughEdge(site.edge))
    .use(routing(entries, site.baseUrl, onUnknown));
  return async (event, context) => {
    const exchange = openExchange(event, site.log);
    return writeResponse(await handle(exchange, context), exchange.request.reference);
  };
}
