/** Makes what a local run needs, when what it is made of has changed: the synthesised template and the demo app. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, reasonOf, StartError } from './errors.ts';
import { isRepository, packageRoot } from './package-root.ts';
import { isAlive } from './processes.ts';

/** Where everything goes that is made from the project, and not kept. */
export const buildDirectory = path.join(packageRoot, 'build');

/** Where the synthesised template of the environment `dev` lies; a package has it with it. */
export const assemblyDirectory = path.join(packageRoot, isRepository ? 'build' : 'dist', 'cdk.out');
/** Where the built demo app of this repository lies. */
export const spaDirectory = path.join(packageRoot, 'demo', 'dist');

interface Step {
  readonly name: string;
  readonly title: string;
  /** Files and folders, from the project's root. What is not there counts as empty. */
  readonly inputs: readonly string[];
  /** What must be there when it has run. */
  readonly output: string;
  readonly script: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const steps: readonly Step[] = [
  {
    name: 'template',
    title: 'functions and template',
    inputs: [
      'lambdas',
      'infra',
      'manifest',
      'bff.config.ts',
      'cdk.json',
      'tsconfig.json',
      'package-lock.json',
    ],
    output: path.join(assemblyDirectory, 'manifest.json'),
    script: ['infra/app.ts'],
    environment: {
      CDK_OUTDIR: assemblyDirectory,
      CDK_CONTEXT_JSON: JSON.stringify({ env: 'dev', complete: true }),
      // The checks are for deployments; `npm run synth` has them all.
      CDK_VALIDATION: 'false',
    },
  },
  {
    name: 'demo',
    title: 'demo app',
    inputs: ['demo', 'client', 'tsconfig.json', 'package.json', 'package-lock.json'],
    output: path.join(spaDirectory, 'index.html'),
    script: ['node_modules/vite/bin/vite.js', 'build', 'demo', '--logLevel', 'warn'],
    // Whoever starts it, a test run included.
    environment: { NODE_ENV: 'production' },
  },
];

const notInputs = new Set(['node_modules', 'dist', 'build', 'cdk.out']);

async function filesUnder(directory: string): Promise<string[]> {
  const entries = await readdir(path.join(packageRoot, directory), { withFileTypes: true }).catch(
    () => undefined,
  );
  if (entries === undefined) return existsSync(path.join(packageRoot, directory)) ? [directory] : [];
  const found = await Promise.all(
    entries
      .filter((entry) => !notInputs.has(entry.name))
      .map(async (entry) => {
        const name = `${directory}/${entry.name}`;
        return entry.isDirectory() ? await filesUnder(name) : [name];
      }),
  );
  return found.flat();
}

/** Changes with every name and every byte of a step's inputs, and with the runtime that builds. */
async function inputHash(step: Step): Promise<string> {
  const files = (await Promise.all(step.inputs.map(filesUnder))).flat().sort();
  const hash = createHash('sha256').update(`${process.version}\0${JSON.stringify(step)}`);
  const contents = await Promise.all(files.map((file) => readFile(path.join(packageRoot, file))));
  for (const [index, content] of contents.entries()) {
    hash.update(`\0${files[index] ?? ''}\0${String(content.length)}\0`).update(content);
  }
  return hash.digest('hex');
}

const stampOf = (step: Step): string => path.join(buildDirectory, 'stamps', step.name);

const isFresh = async (step: Step): Promise<boolean> =>
  existsSync(step.output) &&
  existsSync(stampOf(step)) &&
  readFileSync(stampOf(step), 'utf8') === (await inputHash(step));

/** Runs a step in a process of its own. What it prints is shown only when it fails. */
async function runStep(step: Step, signal: AbortSignal): Promise<void> {
  rmSync(stampOf(step), { force: true });
  const hash = await inputHash(step);
  const child = spawn(process.execPath, [...step.script], {
    cwd: packageRoot,
    env: { ...process.env, ...step.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0 || !existsSync(step.output)) {
    throw new StartError(`the build of the ${step.title} failed:\n${printed.trimEnd()}`);
  }
  mkdirSync(path.dirname(stampOf(step)), { recursive: true });
  writeFileSync(stampOf(step), hash);
}

/** One that is gone meanwhile is not held. */
const isHeld = (lock: string): boolean => {
  try {
    return isAlive(Number(readlinkSync(lock)));
  } catch {
    return false;
  }
};

/** Two runs that start at once must not build into one folder: the second waits for the first. */
async function withLock<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const lock = path.join(buildDirectory, '.lock');
  mkdirSync(buildDirectory, { recursive: true });
  for (;;) {
    try {
      // A symbolic link is made in one step and says who holds it.
      symlinkSync(String(process.pid), lock);
      break;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      if (isHeld(lock)) await sleep(100, undefined, { signal });
      else rmSync(lock, { force: true });
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/**
 * Builds what is out of date, side by side.
 *
 * @param options.say - gets a line for each step that ran; nothing when all is fresh
 * @param options.signal - ends the build
 * @param options.demo - whether the demo app is needed
 * @throws StartError with what a failed step printed
 */
export async function ensureBuilt(options: {
  say: (line: string) => void;
  signal: AbortSignal;
  demo: boolean;
}): Promise<void> {
  // An installed package has what is built, and nothing to build it from.
  const wanted = isRepository ? steps.filter(({ name }) => options.demo || name !== 'demo') : [];
  const stale = async (): Promise<Step[]> => {
    const fresh = await Promise.all(wanted.map(isFresh));
    return wanted.filter((_, index) => fresh[index] !== true);
  };
  if ((await stale()).length === 0) return;
  await withLock(async () => {
    const results = await Promise.allSettled(
      (await stale()).map(async (step) => {
        const startedAt = performance.now();
        await runStep(step, options.signal);
        options.say(`built the ${step.title} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
      }),
    );
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }, options.signal);
}

if (import.meta.main) {
  const quiet = process.argv.includes('--quiet') || /^(?:1|true|on)$/i.test(process.env['BFF_QUIET'] ?? '');
  await ensureBuilt({
    say: (line) => {
      if (!quiet) process.stdout.write(`${line}\n`);
    },
    signal: new AbortController().signal,
    demo: true,
  }).catch((error: unknown) => {
    process.stderr.write(`cis2-bff: ${error instanceof StartError ? error.message : reasonOf(error)}\n`);
    process.exitCode = 1;
  });
}
