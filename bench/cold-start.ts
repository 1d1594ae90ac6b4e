/**
 * What a function loads before its first request: the time to import each bundle in a bare process, above an empty
 * module, beside the DynamoDB client bundled the usual way (with the SDK's whole credential chain). Ratios of one run;
 * the machine's noise is in all of them alike.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { functionSettings } from '../lambdas/settings/index.ts';
import { proxyBundle } from '../test/support/proxy-bundle.ts';
import { median } from './api-proxy/measure.ts';
import { bundleSource, settingsOf } from './support/functions.ts';

const root = join(import.meta.dirname, '..');
const runs = Number(process.argv[2] ?? 15);

const environment: Record<string, string> = {
  ...{ AWS_REGION: 'eu-west-2', AWS_ACCESS_KEY_ID: 'none', AWS_SECRET_ACCESS_KEY: 'none' },
  ...settingsOf({ issuer: 'https://issuer.example.nhs.uk', logLevel: 'error', warmUp: false }),
};

/** Milliseconds one import takes in a process of its own. */
function importOnce(file: string): number {
  const code = `const t=performance.now();await import(${JSON.stringify(file)});console.log(performance.now()-t)`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    env: environment,
  });
  if (status !== 0)
    throw new Error(`${file} could not be imported: ${stdout.toString()}${stderr.toString()}`);
  return Number(stdout.toString().trim().split('\n').at(-1));
}

/** What one import reads: a bundle, and the parts that it names. Those that it may load later do not count. */
function bytesAtStart(file: string): number {
  const seen = new Set<string>();
  const read = (name: string): number => {
    if (seen.has(name)) return 0;
    seen.add(name);
    const parts = readFileSync(name, 'utf8').matchAll(/(?:from|import)"(\.\/[\w-]+\.mjs)"/g);
    return [...parts].reduce(
      (sum, [, part = '']) => sum + read(join(dirname(name), part)),
      statSync(name).size,
    );
  };
  return read(file);
}

const proxy = proxyBundle();
const folder = mkdtempSync(join(tmpdir(), 'cis2-bff-bench-'));
try {
  writeFileSync(join(folder, 'empty.mjs'), 'export const handler = () => {};\n');
  await bundleSource(
    join(folder, 'client-dynamodb.mjs'),
    "import{DynamoDBClient,GetItemCommand}from'@aws-sdk/client-dynamodb';const client=new DynamoDBClient({});export const handler=()=>client.send(new GetItemCommand({TableName:'none',Key:{}}));",
  );

  const subjects = [
    ['empty module', join(folder, 'empty.mjs')],
    ['client-dynamodb, bundled as usual', join(folder, 'client-dynamodb.mjs')],
    ...Object.keys(functionSettings).map((name) => [
      name,
      name === 'api-proxy' ? proxy.file : join(root, 'build/lambdas', name, 'index.mjs'),
    ]),
  ] as [string, string][];

  // Round by round, so that whatever else the machine does falls on all of them.
  const times = new Map(subjects.map(([name]) => [name, [] as number[]]));
  console.log(`importing each of ${String(subjects.length)} bundles ${String(runs)} times …`);
  for (let round = 0; round < runs; round += 1) {
    for (const [name, file] of subjects) times.get(name)?.push(importOnce(file));
  }

  const empty = median(times.get('empty module') ?? []);
  const usual = median(times.get('client-dynamodb, bundled as usual') ?? []) - empty;
  console.log(
    '\nbundle                               KB   ms above empty   ratio to client-dynamodb as usual',
  );
  for (const [name, file] of subjects.slice(1)) {
    const above = median(times.get(name) ?? []) - empty;
    const size = (bytesAtStart(file) / 1000).toFixed(0);
    console.log(
      `${name.padEnd(34)} ${size.padStart(4)} ${above.toFixed(1).padStart(16)} ${(above / usual).toFixed(2).padStart(35)}`,
    );
  }
} finally {
  proxy.remove();
  rmSync(folder, { recursive: true });
}
