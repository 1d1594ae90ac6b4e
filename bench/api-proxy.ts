/**
 * What the API proxy costs, beside two other ways to stand between a page and an upstream, and what happens when many calls
 * find a token expired. Ratios of one run: contestants take turns, round by round, so that the machine's noise is in all of
 * them alike.
 *
 * `npm run bench:api -- [ROUNDS [SECONDS]]`
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { load, median, quantile, type Load } from './api-proxy/measure.ts';
import { Peer, type Contestant, type Counters, type World } from './api-proxy/messages.ts';

const rounds = Number(process.argv[2] ?? 5);
const seconds = Number(process.argv[3] ?? 2);
const connectionCounts = [1, 16, 64];
const warmUpMs = 5_000;
const path = '/api/pds/Patient/9000000009';

const direct = 'no proxy';
const contestants = [
  { label: 'fetch', name: 'fetch', store: undefined },
  { label: 'http-proxy-middleware', name: 'http-proxy-middleware', store: undefined },
  { label: 'cis2-bff', name: 'bff', store: 'embedded' },
  { label: 'cis2-bff, store that replays', name: 'bff', store: 'replaying' },
] as const;

interface Measured extends Load {
  /** Of the contestant's process, in microseconds. */
  readonly cpuPerCall: number;
}

const cell = (text: string | number, width: number): string => String(text).padStart(width);
const print = (cells: readonly (string | number)[]): void => {
  const [first = '', ...rest] = cells;
  console.log(String(first).padEnd(30) + rest.map((value) => cell(value, 14)).join(''));
};

/** The median, over the rounds, of how one contestant's number stands to another's of the same round. */
const ratio = (
  of: readonly Measured[] | undefined = [],
  to: readonly Measured[] | undefined = [],
  number: (measured: Measured) => number = ({ perSecond }) => perSecond,
): string =>
  median(
    of.map((measured, round) => number(measured) / number(to[round] ?? { ...measured, perSecond: NaN })),
  ).toFixed(2);

async function compare(world: World, cookies: readonly string[]): Promise<void> {
  const callers = cookies.map((cookie) => ({ cookie }));
  const peers = contestants.map(({ name, store }) => {
    const contestant: Contestant = { name, upstream: world.upstream, environment: world.environment };
    return new Peer('contestant.ts', contestant, {
      ...world.environment,
      ...(store === undefined ? {} : { AWS_ENDPOINT_URL_DYNAMODB: world.stores[store] }),
    });
  });
  try {
    const urls = await Promise.all(peers.map((peer) => peer.next<string>()));
    const subjects: { label: string; url: string; cpu: () => Promise<number> }[] = [
      {
        label: direct,
        url: `${world.upstream}/Patient/9000000009`,
        cpu: () => Promise.resolve(NaN),
      },
      ...contestants.map(({ label }, index) => ({
        label,
        url: `${urls[index] ?? ''}${path}`,
        cpu: async () => (await peers[index]?.ask<number>({})) ?? NaN,
      })),
    ];
    // Every session gets its tokens, every connection and every code path its warm-up.
    for (const { url } of subjects) await load(url, callers, 64, warmUpMs);

    for (const connections of connectionCounts) {
      const results = new Map<string, Measured[]>();
      for (let round = 0; round < rounds; round += 1) {
        for (const { label, url, cpu } of subjects) {
          const before = await cpu();
          const measured = await load(url, callers, connections, seconds * 1_000);
          const cpuPerCall = ((await cpu()) - before) / measured.latencies.length;
          const failed = Object.keys(measured.statuses).filter((status) => status !== '200');
          if (failed.length > 0) throw new Error(`${label} answered ${JSON.stringify(measured.statuses)}`);
          results.set(label, [...(results.get(label) ?? []), { ...measured, cpuPerCall }]);
        }
      }
      report(connections, results);
    }
  } finally {
    for (const peer of peers) peer.close();
  }
}

function report(connections: number, results: ReadonlyMap<string, readonly Measured[]>): void {
  const added = (label: string, share: number): string =>
    median(
      (results.get(label) ?? []).map(
        ({ latencies }, round) =>
          quantile(latencies, share) - quantile(results.get(direct)?.[round]?.latencies ?? [], share),
      ),
    ).toFixed(2);
  console.log(`\n${String(connections)} connection${connections === 1 ? '' : 's'}`);
  print(['', 'calls/s', 'to fetch', 'to h-p-m', 'added p50 ms', 'added p99 ms', 'CPU to h-p-m']);
  for (const [label, measured] of results) {
    const cpu = ({ cpuPerCall }: Measured): number => cpuPerCall;
    print([
      label,
      Math.round(median(measured.map(({ perSecond }) => perSecond))),
      ratio(measured, results.get('fetch')),
      ratio(measured, results.get('http-proxy-middleware')),
      ...(label === direct ? ['', '', ''] : [added(label, 0.5), added(label, 0.99)]),
      ...(label === direct ? [] : [ratio(measured, results.get('http-proxy-middleware'), cpu)]),
    ]);
  }
}

const instances = 20;
const callsPerInstance = 5;
const expiries = 10;
/** The shortest life that still leaves time to make a first call with it. */
const shortLifeSeconds = 2;

type Outcome = readonly { readonly status: string; readonly milliseconds: number }[];

/** So many calls of one session at once, on so many instances, just after its token has expired. */
async function expire(world: World, peer: Peer, cookies: readonly string[]): Promise<void> {
  const workers = Array.from(
    { length: instances },
    () =>
      new Worker(new URL('./api-proxy/instance.ts', import.meta.url), {
        env: { ...world.environment, AWS_ENDPOINT_URL_DYNAMODB: world.stores.embedded },
        stdout: true,
      }),
  );
  try {
    const next = async (worker: Worker): Promise<Outcome> =>
      ((await once(worker, 'message')) as [Outcome])[0];
    await Promise.all(workers.map(next));
    for (const worker of workers) worker.stdout.resume();
    const everywhere = async (cookie: string, count: number): Promise<Outcome> =>
      (
        await Promise.all(
          workers.map((worker) => {
            const responded = next(worker);
            worker.postMessage({ cookie, count });
            return responded;
          }),
        )
      ).flat();

    const responses: Record<string, number> = {};
    const slowest: { alive: number[]; expired: number[] } = { alive: [], expired: [] };
    const refreshes: number[] = [];
    let reuses = 0;
    for (const cookie of cookies) {
      await peer.ask({ ask: 'token-life', seconds: shortLifeSeconds });
      const [first] = workers;
      if (first === undefined) return;
      const got = next(first);
      first.postMessage({ cookie, count: 1 });
      await got;
      await peer.ask({ ask: 'token-life', seconds: 600 });
      await sleep((shortLifeSeconds + 0.2) * 1_000);
      const before = await peer.ask<Counters>({ ask: 'counters' });
      const expired = await everywhere(cookie, callsPerInstance);
      const after = await peer.ask<Counters>({ ask: 'counters' });
      const alive = await everywhere(cookie, callsPerInstance);
      for (const { status } of [...expired, ...alive]) responses[status] = (responses[status] ?? 0) + 1;
      refreshes.push(after.refreshes - before.refreshes + (after.exchanges - before.exchanges));
      reuses += after.reuses - before.reuses;
      slowest.expired.push(Math.max(...expired.map(({ milliseconds }) => milliseconds)));
      slowest.alive.push(Math.max(...alive.map(({ milliseconds }) => milliseconds)));
    }
    console.log(
      `\n${String(instances * callsPerInstance)} calls of one session at once, just after its token expired, ` +
        `on ${String(instances)} instances; ${String(cookies.length)} times`,
    );
    console.log(`token calls each time             ${refreshes.join(', ')}`);
    console.log(`refresh tokens used twice         ${String(reuses)}`);
    console.log(`answers                           ${JSON.stringify(responses)}`);
    console.log(
      `the slowest call                  ${median(slowest.expired).toFixed(0)} ms (median); ` +
        `${median(slowest.alive).toFixed(0)} ms when the token lives`,
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

const upstreamPeer = new Peer('upstream.ts', {});
const upstream = await upstreamPeer.next<string>();
const worldPeer = new Peer('world.ts', { upstream });
try {
  const world = await worldPeer.next<World>();
  const cookies = await worldPeer.ask<string[]>({ ask: 'sessions', count: Math.max(...connectionCounts) });
  console.log(
    `${String(rounds)} rounds of ${String(seconds)} s for each of ${String(contestants.length)} contestants …`,
  );
  await compare(world, cookies);
  await expire(world, worldPeer, await worldPeer.ask<string[]>({ ask: 'sessions', count: expiries }));
} finally {
  worldPeer.close();
  upstreamPeer.close();
}
