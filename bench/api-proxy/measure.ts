/** Load on one connection after the other, and what came of it. */
import { Agent, request } from 'node:http';
import { edgeHeaders } from './messages.ts';

/** A call as the page makes it. */
export interface Caller {
  readonly cookie: string;
}

export interface Load {
  /** Milliseconds, of every call, in order of size. */
  readonly latencies: readonly number[];
  readonly perSecond: number;
  /** How often each status came; 0 where the connection was lost. */
  readonly statuses: Readonly<Record<string, number>>;
}

export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

export const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((left, right) => left - right),
    0.5,
  );

/** One call. @returns its status, once the whole response is here; 0 where the connection was lost */
function call(url: string, { cookie }: Caller, agent: Agent): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(
      url,
      {
        agent,
        headers: {
          ...edgeHeaders,
          cookie,
          'x-csrf': '1',
          'sec-fetch-site': 'same-origin',
          accept: 'application/fhir+json',
          'user-agent': 'bench',
        },
      },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
        response.once('error', () => resolve(0));
      },
    );
    sent.once('error', () => resolve(0));
    sent.end();
  });
}

/** Calls one after the other on each of so many connections, for so long. Each connection is another user's. */
export async function load(
  url: string,
  callers: readonly Caller[],
  connections: number,
  milliseconds: number,
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  const startedAt = performance.now();
  const user = async (caller: Caller): Promise<void> => {
    while (performance.now() - startedAt < milliseconds) {
      const sentAt = performance.now();
      const status = await call(url, caller, agent);
      latencies.push(performance.now() - sentAt);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  const users = Array.from({ length: connections }, (_, index) => callers[index % callers.length]);
  await Promise.all(users.map((caller) => (caller === undefined ? Promise.resolve() : user(caller))));
  const seconds = (performance.now() - startedAt) / 1_000;
  agent.destroy();
  return {
    latencies: latencies.toSorted((left, right) => left - right),
    perSecond: latencies.length / seconds,
    statuses,
  };
}
