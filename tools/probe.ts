/** Tries an upstream's routes without a token, to find out whether the proxy could use it. Changes nothing there. */
import { randomUUID } from 'node:crypto';
import type { ApiRoute } from '../lambdas/api/api-routes.ts';
import { upstreamUrl } from '../lambdas/api/request.ts';
import { createUpstreamClient, UpstreamInvalid, UpstreamTimeout } from '../lambdas/api/upstream.ts';

export interface Probed {
  readonly route: string;
  /** Undefined where the route was not tried. */
  readonly isReachable: boolean | undefined;
  /** For a person. */
  readonly finding: string;
}

const milliseconds = 10_000;

const meaning = (status: number): string => {
  if (status === 401 || status === 403) return 'is there, and wants a token';
  if (status === 404) return 'says that it knows no such thing: the base URL may be another';
  return status === 429 ? 'is there, and wants fewer calls' : 'is there';
};

/**
 * Calls every `GET` route of an upstream once, with made-up parameters. What writes is left alone.
 *
 * @param base - the upstream's base URL, as the setting `UPSTREAMS` would hold it
 */
export async function probe(base: string, routes: readonly ApiRoute[]): Promise<readonly Probed[]> {
  const client = createUpstreamClient();
  const results: Probed[] = [];
  for (const route of routes) {
    const name = `${route.method} ${route.upstreamPath}`;
    if (route.method !== 'GET') {
      results.push({ route: name, isReachable: undefined, finding: 'not tried: it writes' });
      continue;
    }
    const examples = Object.fromEntries(
      Object.entries(route.parameters).map(([parameter, { example }]) => [parameter, example]),
    );
    const startedAt = performance.now();
    const after = (): string => `${String(Math.round(performance.now() - startedAt))} ms`;
    try {
      const { status } = await client.send(
        {
          method: 'GET',
          url: upstreamUrl(base, route, examples, []),
          headers: { accept: route.accept[0] ?? '*/*', 'x-request-id': randomUUID() },
          body: undefined,
        },
        milliseconds,
      );
      results.push({
        route: name,
        isReachable: status !== 404 || Object.keys(examples).length > 0,
        finding: `${String(status)} in ${after()}: ${meaning(status)}`,
      });
    } catch (error) {
      results.push({ route: name, isReachable: false, finding: `${faultOf(error)} after ${after()}` });
    }
  }
  client.close();
  return results;
}

function faultOf(error: unknown): string {
  if (error instanceof UpstreamTimeout) return 'no answer';
  if (!(error instanceof UpstreamInvalid)) throw error;
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return `of no use to the proxy: ${error.fault}${code}`;
}
