import { gatewayMessage, decodedPath, httpApiEvent, httpApiResponse } from './http-api-event.ts';
import type { GatewayRequest, GatewayResponse, MatchedRoute } from './http-api-event.ts';
import { maxPayloadBytes } from '../aws/lambda-runtime.ts';
import type { LambdaFunction } from '../aws/lambda-runtime.ts';

/** A route of the template: `ANY /auth/login`, `GET /items/{id}`, `ANY /auth/{proxy+}` or `$default`. */
export interface ApiRoute {
  readonly routeKey: string;
  readonly function: LambdaFunction;
  /** How long the gateway waits for the function, in milliseconds. */
  readonly timeoutMilliseconds: number;
}

/** The maximum size of request line and headers together, and of a body, in bytes. */
export const maxHeaderBytes = 10_240;
export const maxBodyBytes = 6_291_456;

interface Pattern {
  readonly route: ApiRoute;
  readonly method: string;
  readonly segments: readonly string[];
}

const readPattern = (route: ApiRoute): Pattern => {
  const [method = '', path = ''] = route.routeKey.split(' ');
  return { route, method, segments: path.split('/').slice(1) };
};

const variable = /^\{([^}+]+)(\+?)\}$/;

/** Values of the path's variables, or undefined when the path does not fit. */
function match(segments: readonly string[], path: readonly string[]): Record<string, string> | undefined {
  const values: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const [, name, greedy] = variable.exec(segment) ?? [];
    const value = path[index];
    if (value === undefined) return undefined;
    if (name !== undefined && greedy === '+') {
      const rest = path.slice(index).join('/');
      return rest === '' ? undefined : { ...values, [name]: rest };
    }
    if (name !== undefined && value !== '') values[name] = value;
    else if (segment !== value) return undefined;
  }
  return segments.length === path.length ? values : undefined;
}

/** More literal segments first, then a variable before a greedy one, then a method before `ANY`. */
const rank = ({ method, segments }: Pattern): string =>
  segments.map((segment) => (segment.endsWith('+}') ? '2' : segment.startsWith('{') ? '1' : '0')).join('') +
  (method === 'ANY' ? '9' : '8');

export class HttpApi {
  readonly #patterns: readonly Pattern[];
  readonly #fallback: ApiRoute | undefined;
  readonly #identity: { readonly id: string; readonly domainName: string };

  constructor(routes: readonly ApiRoute[], identity: { readonly id: string; readonly domainName: string }) {
    this.#identity = identity;
    this.#fallback = routes.find((route) => route.routeKey === '$default');
    this.#patterns = routes
      .filter((route) => route.routeKey !== '$default')
      .map(readPattern)
      .sort((one, other) => (rank(one) < rank(other) ? -1 : Number(rank(one) > rank(other))));
  }

  /** The most specific route for a request, as an HTTP API finds it. */
  route(method: string, path: string): (MatchedRoute & { readonly route: ApiRoute }) | undefined {
    const segments = path.split('/').slice(1);
    for (const pattern of this.#patterns) {
      if (pattern.method !== 'ANY' && pattern.method !== method) continue;
      const pathParameters = match(pattern.segments, segments);
      if (pathParameters !== undefined) {
        return { route: pattern.route, routeKey: pattern.route.routeKey, pathParameters };
      }
    }
    return this.#fallback && { route: this.#fallback, routeKey: '$default', pathParameters: {} };
  }

  /** Responds to a request by the function that its route leads to, within the gateway's own limits. */
  async handle(request: GatewayRequest): Promise<GatewayResponse> {
    const path = decodedPath(request.target);
    if (path === undefined) return gatewayMessage(400, 'Bad Request');
    const found = this.route(request.method, path);
    if (found === undefined) return gatewayMessage(404, 'Not Found');

    const event = httpApiEvent(request, path, found, this.#identity);
    if (Buffer.byteLength(event.body ?? '') > maxPayloadBytes)
      return gatewayMessage(413, 'Request Entity Too Large');

    const { timeoutMilliseconds, function: target } = found.route;
    const invocation = await target.invokeWithin(timeoutMilliseconds, event);
    if (invocation === undefined) return gatewayMessage(503, 'Service Unavailable');
    return (
      (invocation.ok ? httpApiResponse(invocation.payload) : undefined) ??
      gatewayMessage(500, 'Internal Server Error')
    );
  }
}

/** The length of a request line and headers. */
export const headBytes = (request: Pick<GatewayRequest, 'method' | 'target' | 'rawHeaders'>): number =>
  request.rawHeaders.reduce(
    (sum, text) => sum + Buffer.byteLength(text) + 2,
    request.method.length + Buffer.byteLength(request.target) + 12,
  );
