/**
 * The CPU time of a session read beside that of one read by the AWS SDK, and of a callback beside that of its parts. One
 * process measures all of them, in turns, round by round; ratios are taken within a round, and their median is shown.
 *
 * `npm run bench:requests -- [ROUNDS [CALLS]]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { sdkParts } from '../infra/bundle.ts';
import { cis2Issuers, settingValues } from '../infra/parts/settings.ts';
import { Provider } from '../test/support/provider.ts';
import { median } from './api-proxy/measure.ts';
import { Peer, type World } from './api-proxy/messages.ts';
import type { Asked, Given, Plan, StoreCall } from './requests/messages.ts';

const rounds = Number(process.argv[2] ?? 200);
const calls = Number(process.argv[3] ?? 20);
const root = join(import.meta.dirname, '..');

/** A client that makes calls and nothing else: `usual` as the SDK is bundled and configured by itself, `ours` as the functions' is. */
async function bundleClients(folder: string): Promise<Plan['clients']> {
  const bundle = async (name: 'usual' | 'ours', source: string, more: object): Promise<string> => {
    const outfile = join(folder, `${name}.mjs`);
    await build({
      stdin: { contents: `${source}export * from '@aws-sdk/client-dynamodb';`, resolveDir: root },
      ...{ outfile, bundle: true, minify: true, format: 'esm', platform: 'node', target: 'node24' },
      mainFields: ['module', 'main'],
      banner: { js: "import{createRequire as c}from'node:module';const require=c(import.meta.url);" },
      ...more,
    });
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

/**
 * A store that gives each response of the embedded one again, without its work, to whoever asks the same: a read once it has
 * been asked, a write under `/again` only. It tells which calls it has passed on.
 */
async function startStore(behind: string): Promise<{ url: string; passed: StoreCall[]; close: () => void }> {
  interface StoredResponse {
    readonly status: number;
    readonly headers: Record<string, string>;
    readonly body: Buffer;
  }
  const responses = new Map<string, StoredResponse>();
  const passed: StoreCall[] = [];
  const write = (response: ServerResponse, { status, headers, body }: StoredResponse): void => {
    response.writeHead(status, { ...headers, 'content-length': body.length }).end(body);
  };
  const server = createServer((request, response) => {
    void (async () => {
      const body = Buffer.concat(await request.toArray()).toString();
      const target = String(request.headers['x-amz-target']);
      const operation = target.split('.').at(-1) ?? '';
      const known = responses.get(`${target} ${body}`);
      const again = request.url?.startsWith('/again') === true || operation === 'Query';
      if (again && known !== undefined) {
        write(response, known);
        return;
      }
      const result = await fetch(behind, {
        method: 'POST',
        headers: Object.fromEntries(
          ['authorization', 'content-type', 'x-amz-date', 'x-amz-target'].map((name) => [
            name,
            String(request.headers[name]),
          ]),
        ),
        body,
      });
      const whole = {
        status: result.status,
        headers: Object.fromEntries(
          ['content-type', 'x-amz-crc32'].map((name) => [name, result.headers.get(name) ?? '']),
        ),
        body: Buffer.from(await result.arrayBuffer()),
      };
      responses.set(`${target} ${body}`, whole);
      passed.push({ operation, body });
      write(response, whole);
    })();
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    passed,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const folder = mkdtempSync(join(tmpdir(), 'cis2-bff-bench-'));
const worldPeer = new Peer('world.ts', { upstream: 'http://127.0.0.1:9' });
const provider = await Provider.start();
try {
  const world = await worldPeer.next<World>();
  const [cookie = ''] = await worldPeer.ask<string[]>({ ask: 'sessions', count: 1 });
  const store = await startStore(world.stores.embedded);

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
    ...settingValues(
      {
        ...{ production: false, baseUrl: 'https://app.example.nhs.uk', issuer: cis2Issuers.integration },
        ...{ clientId: 'bench', logLevel: 'info', warmUp: true },
      },
      {
        ...{ SESSION_TABLE: 'none', PUBLISHED_KEYS_TABLE: 'none', SIGNING_KEYS_SECRET: 'none' },
        ...{ API_PLATFORM_KEYS_SECRET: 'none', KEY_RING_NAME: 'none' },
        ...{ API_PLATFORM_CREDENTIALS_SECRET: 'none', IDENTIFIER_KEY_SECRET: 'none', EDGE_SECRET: 'none' },
      },
    ),
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
      store.passed.length = 0;
    } else if (asked.ask === 'passed') given = { passed: store.passed.splice(0) };
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
