import { edgeHeader, eventsPath } from '../routes.ts';
import type { Logger } from '../telemetry/index.ts';
import type { EdgeCheck } from './edge-check.ts';
import { logProblem, Problem, toProblem } from './problem.ts';
import { newReference, type HttpRequest } from './request.ts';

/** The event of `$connect` of a WebSocket API, the used members. Header names keep their case. */
export interface ConnectEvent {
  readonly headers?: Readonly<Record<string, string | undefined>> | null;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[] | undefined>> | null;
  readonly requestContext: { readonly connectionId?: string };
}

/** Handles a connection that passed the guards. Throws a {@link Problem} or a module's error to refuse. */
export type ConnectHandler = (request: HttpRequest, connectionId: string, log: Logger) => Promise<void>;

/**
 * A Lambda handler for `$connect` of a WebSocket API: 200 connects, every other status refuses. A page cannot set a header of its
 * own here, so that `Origin`, which every browser sends, is required and must be ours.
 */
export const connectFunction =
  ({
    baseUrl,
    log: logger,
    edge,
    connect,
  }: {
    readonly baseUrl: string;
    readonly log: Logger;
    readonly edge: EdgeCheck;
    readonly connect: ConnectHandler;
  }) =>
  async (event: ConnectEvent): Promise<{ readonly statusCode: number }> => {
    const startedAt = performance.now();
    const request = readConnect(event);
    const log = logger.withReference(request.reference);
    let problem: Problem | undefined;
    try {
      await guard(request, baseUrl, edge, log);
      await connect(request, connectionIdOf(event), log);
    } catch (error) {
      problem = toProblem(error);
      logProblem(problem, log);
    }
    const status = problem?.status ?? 200;
    log('request', {
      route: `GET ${eventsPath}`,
      method: request.method,
      status,
      code: problem?.code,
      durationMs: Math.round(performance.now() - startedAt),
    });
    return { statusCode: status };
  };

async function guard(request: HttpRequest, baseUrl: string, edge: EdgeCheck, log: Logger): Promise<void> {
  const refuse = (guard: string, code: 'not_found' | 'csrf_rejected'): never => {
    log('request_refused', { guard });
    throw new Problem(code);
  };
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (!(await edge.passes(request.headers[edgeHeader]))) refuse('edge', 'not_found');
  if (origin !== baseUrl) refuse('origin', 'csrf_rejected');
  if (site !== undefined && site !== 'same-origin') refuse('sec-fetch-site', 'csrf_rejected');
}

function connectionIdOf({ requestContext: { connectionId = '' } }: ConnectEvent): string {
  if (!/^[\w+/=-]{1,128}$/.test(connectionId)) throw new Error('no connection id');
  return connectionId;
}

/** All values are kept: a repeated header is joined by commas, and a repeated cookie is there twice. */
function readConnect({ headers, multiValueHeaders }: ConnectEvent): HttpRequest {
  const found = new Map<string, string[]>();
  for (const [name, values] of Object.entries(multiValueHeaders ?? {})) {
    found.set(name.toLowerCase(), [...(found.get(name.toLowerCase()) ?? []), ...(values ?? [])]);
  }
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value !== undefined && !found.has(name.toLowerCase())) found.set(name.toLowerCase(), [value]);
  }
  return {
    method: 'GET',
    path: eventsPath,
    pathVariables: {},
    query: new URLSearchParams(),
    headers: Object.fromEntries([...found].map(([name, values]) => [name, values.join(',')])),
    cookies: (found.get('cookie') ?? []).flatMap((value) => value.split(';')),
    body: Buffer.alloc(0),
    reference: newReference(),
  };
}
