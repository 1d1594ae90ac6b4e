import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from './support.ts';

const root = resolve(import.meta.dirname, '../..');
const cli = join(root, 'node_modules/aws-cdk/bin/cdk');

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly directory: string;
}

/** Runs node with nothing of AWS in its environment, and no network that could help it. */
const run = (environment: Record<string, string>, ...args: string[]): Promise<Outcome> => {
  const directory = temporaryDirectory();
  const env = {
    PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
    HOME: directory,
    HTTPS_PROXY: 'http://127.0.0.1:9',
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
    ...environment,
  };
  const output = join(directory, 'out');
  const withOutput = args.map((arg) => (arg === 'OUT' ? output : arg));
  return new Promise((done) => {
    execFile(
      process.execPath,
      withOutput,
      { cwd: root, env: environment['DIRECT'] === 'yes' ? { ...env, CDK_OUTDIR: output } : env },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        done({ code, output: stdout + stderr, directory: output });
      },
    );
  });
};

const fixtures = join(import.meta.dirname, 'fixtures');
const appWithBuiltFunctions = join(fixtures, 'app-with-built-functions.ts');
const direct = (
  context: Record<string, string>,
  environment: Record<string, string> = {},
): Promise<Outcome> =>
  run({ DIRECT: 'yes', CDK_CONTEXT_JSON: JSON.stringify(context), ...environment }, appWithBuiltFunctions);
const withCli = (...args: string[]): Promise<Outcome> =>
  run({}, cli, 'synth', '--quiet', '--output', 'OUT', ...args);

/** Relative path → hash, of every file below. */
const fingerprint = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((file) => statSync(join(directory, file)).isFile())
      .sort()
      .map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(join(directory, file)))
          .digest('hex'),
      ]),
  );

/** What a synthesis of fewer stacks says otherwise, and where in the code a resource was made. Nothing of it is deployed. */
const notDeployed = /^(?:manifest|tree|.*\.metadata)\.json$/;

const withoutChecks = { CDK_VALIDATION: 'false' };

const templates = (directory: string): string[] =>
  readdirSync(directory)
    .filter((file) => file.endsWith('.template.json'))
    .sort();

describe('synthesis', () => {
  let everything: Outcome;
  beforeAll(async () => {
    everything = await withCli();
  }, 120_000);

  test('makes every environment, offline and without credentials, with nothing to object to', () => {
    expect(everything.code).toBe(0);
    expect(everything.output).not.toMatch(/ERROR|WARNING/);
    expect(everything.output).toMatch(/INFO \d+ concurrent executions are reserved/);
    expect(templates(everything.directory)).toEqual(
      ['dev', 'int', 'prod'].flatMap((name) => [
        `cis2-bff-${name}-edge-alarms.template.json`,
        `cis2-bff-${name}-edge.template.json`,
        `cis2-bff-${name}-stateful.template.json`,
        `cis2-bff-${name}-stateless.template.json`,
      ]),
    );
  });

  test('makes the same bytes again for one environment, without the command line and without the slow checks', async () => {
    const one = await direct({ env: 'int' }, withoutChecks);
    expect(one.code).toBe(0);
    expect(templates(one.directory)).toEqual([
      'cis2-bff-int-edge-alarms.template.json',
      'cis2-bff-int-edge.template.json',
      'cis2-bff-int-stateful.template.json',
      'cis2-bff-int-stateless.template.json',
    ]);
    const files = Object.entries(fingerprint(one.directory)).filter(([name]) => !notDeployed.test(name));
    expect(fingerprint(everything.directory)).toMatchObject(Object.fromEntries(files));
  }, 120_000);

  test('makes the environment of a pull request when asked, here with session events, with nothing to object to', async () => {
    const { code, output, directory } = await direct({
      ...{ env: 'pr-7', complete: 'true', baseUrl: 'https://first.cloudfront.net' },
      issuer: 'https://provider.trust.nhs.uk',
    });
    expect([code, output.match(/ERROR|WARNING/g)]).toEqual([0, null]);
    expect(templates(directory)).toEqual([
      'cis2-bff-pr-7-stateful.template.json',
      'cis2-bff-pr-7-stateless.template.json',
    ]);
  }, 120_000);

  test('refuses an environment that it does not know, in one line', async () => {
    const { code, output } = await direct({ env: 'nowhere' });
    expect(code).toBe(1);
    expect(output.trim()).toBe(
      'cis2-bff refused: no environment named "nowhere", only dev, int, prod and pr-NUMBER',
    );
  }, 120_000);
});

describe('a finding', () => {
  const fixture = join(fixtures, 'app-with-a-finding.ts');

  test('of the kind warning makes synthesis exit 1', async () => {
    const { code, output } = await run({ DIRECT: 'yes' }, fixture, 'warning');
    expect(output).toMatch(/WARNING[^]*be careful/);
    expect(output).not.toMatch(/ERROR/);
    expect(code).toBe(1);
  }, 120_000);

  test('of the kind error makes the command line exit 1 as well', async () => {
    const { code, output } = await withCli('--app', `${process.execPath} ${fixture} error`);
    for (const rule of ['AwsSolutions-SNS3', 'Cis2Bff-LogGroups'])
      expect(output).toMatch(new RegExp(`ERROR[^]*${rule}`));
    expect(output).not.toMatch(/WARNING/);
    expect(code).toBe(1);
  }, 120_000);
});
