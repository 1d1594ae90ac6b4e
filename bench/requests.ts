/**
 * The CPU time of a session read beside that of one read by the AWS SDK, and of a callback beside that of its parts. One
 * process measures all of them, in turns, round by round; ratios are taken within a round, and their median is shown.
 *
 * `npm run bench:requests -- [ROUNDS [CALLS]]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';
import { sdkParts } from '../infra/bundle.ts';
import { Provider } from '../test/support/provider.ts';
import { median } from './api-proxy/measure.ts';
import { Peer, type World } from './api-proxy/messages.ts';
import type { Asked, Given, Plan } from './requests/messages.ts';
import { bundleSource } from './support/functions.ts';
import { startReplayingStore, type StoreCall } from './support/replaying-store.ts';

const rounds = Number(process.argv[2] ?? 200);
const calls = Number(process.argv[3] ?? 20);
const root = join(import.meta.dirname, '..');

/** A client that makes calls and nothing else: `usual` as the SDK is bundled and configured by itself, `ours` as the functions' is. */
async function bundleClients(folder: string): Promise<Plan['clients']> {
  const bundle = async (name: 'usual' | 'ours', source: string, more: BuildOptions): Promise<string> => {
    const outfile = join(folder, `${name}.mjs`);
    await bundleSource(outfile, `${source}export * from '@aws-sdk/client-dynamodb';`, more);
    return outfile;
  };
  return {
    usual: await bundle(
      'usual',
      "import{DynamoDBClient}from'@aws-sdk/client-dynamodb';export const client=new DynamoDBClient({});",
      {},
    ),
    ours: await bundle(
      'ours',
      "import{dynamoDb}from'./lambdas/aws/index.ts';export const client=dynamoDb();",
      sdkParts,
    ),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'cis2-bff-bench-'));
const worldPeer = new Peer('world.ts', { upstream: 'http://127.0.0.1:9' });
const provider = await Provider.start();
try {
  const world = await worldPeer.next<World>();
  const [cookie = ''] = await worldPeer.ask<string[]>({ ask: 'sessions', count: 1 });
  const passed: StoreCall[] = [];
  // A read is repeated once it has been asked, a write under `/again` only.
  const store = await startReplayingStore(world.stores.embedded, {
    keyOf: ({ operation, body }) => `${operation} ${body}`,
    mayReplay: ({ operation, path }) => path.startsWith('/again') || operation === 'Query',
    onPassed: (call) => passed.push(call),
  });

  // Each sign-in is another person's, so that nobody comes to have too many sessions.
  let people = 0;
  provider.claims = ({ grant }) => {
    const { person } = grant;
    provider.userInfo = { sub: person, uid: person, nhsid_useruid: person };
    return { sub: person };
  };
  const plan: Plan = {
    ...{ rounds, calls, cookie, issuer: provider.issuer, clients: await bundleClients(folder) },
    again: `${store.url}/again`,
    providerKey: provider.signing.publicJwk,
    bundles: join(root, 'build/lambdas'),
  };
  const environment = {
    ...world.environment,
    CIS2_ISSUER: provider.issuer,
    SIGNING_KEYS_SECRET: world.environment['API_PLATFORM_KEYS_SECRET'] ?? '',
    AWS_ENDPOINT_URL_DYNAMODB: store.url,
  };
  const subject = new Peer('../requests/subject.ts', plan, environment);
  const cpu = new Map<string, number[]>();
  for (let asked = await subject.next<Asked>(); asked.ask !== 'done';) {
    let given: Given = {};
    if (asked.ask === 'authorise') {
      const grants = asked.locations.map((location) => {
        const url = new URL(location);
        url.searchParams.set('person', String(900_000_500_000 + (people += 1)));
        return provider.authorise(url.href);
      });
      given = { grants };
      passed.length = 0;
    } else if (asked.ask === 'passed') given = { passed: passed.splice(0) };
    else
      for (const [name, value] of Object.entries(asked.cpu)) cpu.set(name, [...(cpu.get(name) ?? []), value]);
    asked = await subject.ask<Asked>(given);
  }
  subject.close();
  store.close();

  const report = (title: string, of: string, to: readonly string[]): void => {
    const values = cpu.get(of) ?? [];
    console.log(`\n${title}: ${median(values).toFixed(0)} µs of CPU time`);
    for (const other of to) {
      const others = cpu.get(other) ?? [];
      const ratio = median(values.map((value, round) => value / (others[round] ?? NaN)));
      console.log(
        `  to ${other.padEnd(44)}${median(others).toFixed(0).padStart(6)} µs ${ratio.toFixed(2).padStart(6)}`,
      );
    }
  };
  console.log(`${String(rounds)} rounds, Node.js ${process.version}; medians`);
  report('GET /auth/session', 'session', ['one read, the SDK by itself', 'one read, our client']);
  report('GET /auth/callback', 'callback', ['its parts, the SDK by itself', 'its parts, our client']);
} finally {
  worldPeer.close();
  await provider.close();
  rmSync(folder, { recursive: true });
}
