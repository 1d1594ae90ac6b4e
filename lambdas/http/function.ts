import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { routes, type HttpFunctionName, type Route, type RouteKey } from '../routes.ts';
import { describeError, type Logger } from '../telemetry/index.ts';
import { checkBody, crossSiteRefusal } from './guards.ts';
import { Problem, problemResponse, toProblem } from './problem.ts';
import { readRequest, type HttpRequest } from './request.ts';
import { writeResponse, type HttpResponse } from './response.ts';

/** One route's work: reads as parse, decide, act, answer. Throws a {@link Problem} or a room's error to refuse. */
export type RouteHandler = (request: HttpRequest, log: Logger) => Promise<HttpResponse>;

/** What the steps around a handler, and the handler itself, share about one request: middy's event, once it is read. */
interface Exchange {
  readonly request: HttpRequest;
  readonly log: Logger;
  readonly startedAt: number;
  routeKey: string;
  handle: RouteHandler;
  code?: string;
}

type Step = middy.MiddlewareObj<Exchange, HttpResponse>;
type Call = Parameters<NonNullable<Step['after']>>[0];
type Table = Readonly<Record<string, { readonly route: Route; readonly handle: RouteHandler }>>;

export type LambdaHandler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

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

/** One line a request, whatever became of it. */
const requestLog = (): Step => {
  const write = ({ event: exchange, response }: Call): void => {
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

/** Whatever is thrown becomes problem details; what nobody expected is logged without its message. */
const problemDetails = (): Step => ({
  onError: (call) => {
    const exchange = call.event;
    const problem = toProblem(call.error);
    const { cause } = problem;
    if (problem.code === 'internal_error') exchange.log('unexpected_error', describeError(cause ?? problem));
    else if (cause !== undefined) {
      exchange.log('dependency_failed', { code: problem.code, ...describeError(cause) });
    }
    exchange.code = problem.code;
    call.response = problemResponse(problem, exchange.request.reference);
  },
});

/** Finds the route's entry; the guards that it names run before its handler can. */
const routing = (table: Table, baseUrl: string): Step => ({
  before: ({ event: exchange }) => {
    const { request, log } = exchange;
    const methods = Object.keys(table)
      .filter((key) => key.endsWith(` ${request.path}`))
      .map((key) => key.slice(0, key.indexOf(' ')));
    if (methods.length === 0) throw new Problem('not_found');
    const found = table[`${request.method} ${request.path}`];
    if (found === undefined) {
      exchange.routeKey = request.path;
      throw new Problem('method_not_allowed', { headers: { allow: methods.join(', ') } });
    }
    exchange.routeKey = `${request.method} ${request.path}`;
    if (found.route.access !== 'public') {
      const guard = crossSiteRefusal(request, baseUrl);
      if (guard !== undefined) {
        log('request_refused', { guard });
        throw new Problem('csrf_rejected');
      }
    }
    checkBody(request, found.route);
    exchange.handle = found.handle;
  },
});

/**
 * A Lambda handler for one function's routes.
 *
 * @param handlers - one for each route that `routes.ts` lists under `name`, no more and no fewer
 * @param baseUrl - the origin requests must come from
 */
export function httpFunction<Name extends HttpFunctionName>(options: {
  name: Name;
  handlers: { readonly [Key in RouteKey<Name>]: RouteHandler };
  baseUrl: string;
  log: Logger;
}): LambdaHandler {
  const entries: Readonly<Record<string, Route>> = routes[options.name];
  const handlers: Readonly<Record<string, RouteHandler>> = options.handlers;
  const table: Table = Object.fromEntries(
    Object.entries(entries).flatMap(([key, route]) => {
      const handle = handlers[key];
      return handle === undefined ? [] : [[key, { route, handle }]];
    }),
  );
  return serve(table, options.baseUrl, options.log);
}

/** A Lambda handler that knows no route: every request is `not_found`. */
export const unknownRouteFunction = (options: { baseUrl: string; log: Logger }): LambdaHandler =>
  serve({}, options.baseUrl, options.log);

function serve(table: Table, baseUrl: string, log: Logger): LambdaHandler {
  const handle = middy<Exchange, HttpResponse>((exchange: Exchange) =>
    exchange.handle(exchange.request, exchange.log),
  )
    .use(requestLog())
    .use(problemDetails())
    .use(routing(table, baseUrl));
  return async (event, context) => {
    const exchange = openExchange(event, log);
    return writeResponse(await handle(exchange, context), exchange.request.reference);
  };
}
