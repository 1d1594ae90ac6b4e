import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { buildSync, type BuildOptions, type BuildResult, type Metafile, type OutputFile } from 'esbuild';
import { eventFunctionSettings, functionSettings } from '../lambdas/settings/index.ts';
import type { EventFunctionName, FunctionName } from '../lambdas/settings/index.ts';

const root = resolve(import.meta.dirname, '..');

/** Every function of every deployment. */
export const functionNames = Object.keys(functionSettings) as (keyof typeof functionSettings)[];

/** Every function that there can be. */
export const bundled: readonly FunctionName[] = [
  ...functionNames,
  ...(Object.keys(eventFunctionSettings) as EventFunctionName[]),
];

export interface BundleOptions {
  /** Directory with one entry point a function, `<name>.ts`. @default lambdas/functions */
  readonly entries?: string;
  /** Directory to write to. @default build/lambdas */
  readonly output?: string;
}

/** Writes a file only when its content changes, and in one step, so that nobody ever reads half of it. */
const writeWhole = (file: string, content: Uint8Array): void => {
  if (existsSync(file) && readFileSync(file).equals(content)) return;
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${String(process.pid)}`;
  writeFileSync(draft, content);
  renameSync(draft, file);
};

/** What a bundle has of the AWS SDK, as esbuild's options. */
export const sdkParts = {
  // The SDK reads nothing of its own package.json but its version, to name it to AWS; that is not worth 9 KB.
  loader: { '.json': 'empty' },
  // Lambda's credentials are in the environment. The SDK's whole chain would double the bundle and load an HTTP
  // client while the function starts. The others are parts that nothing here uses.
  alias: {
    '@aws-sdk/credential-provider-node': join(root, 'lambdas/aws/environment-credentials.ts'),
    '@aws-sdk/middleware-endpoint-discovery': join(root, 'lambdas/aws/no-endpoint-discovery.ts'),
    '@smithy/core/checksum': join(root, 'lambdas/aws/sha256.ts'),
    '@aws/lambda-invoke-store': join(root, 'lambdas/aws/no-invoke-store.ts'),
  },
  // Only services that stream events load this, and we use none: without it the bundles are 15 KB lighter.
  external: ['@smithy/core/event-streams'],
} satisfies BuildOptions;

type BundleBuild = { write: false; metafile: true };

/** A function's bundle: esbuild's result for its entry point and the files that come of it. */
function bundleFunction(name: FunctionName, entries: string, output: string): BuildResult<BundleBuild> {
  return buildSync({
    absWorkingDir: root,
    entryPoints: [{ in: join(entries, `${name}.ts`), out: 'index' }],
    outdir: join(output, name),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is loaded later only, where it is needed at all, is a file beside the one that Lambda loads.
    splitting: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    ...sdkParts,
    // What is still CommonJS inside the SDK calls `require` for Node's own modules.
    banner: {
      js: "import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url);",
    },
    logLevel: 'silent',
  });
}

/** The files that a function can ever load: esbuild also writes those whose only importer was dropped as unused. */
function reachable({ outputs }: Metafile): ReadonlySet<string> {
  const found = Object.keys(outputs).filter((file) => isEntry({ path: file }));
  for (const file of found) {
    for (const { path, external } of outputs[file]?.imports ?? []) {
      if (external !== true && !found.includes(path)) found.push(path);
    }
  }
  return new Set(found.map((file) => resolve(root, file)));
}

/** Removes what an earlier build left, so that the same sources give the same files. */
function removeOthers(directory: string, kept: ReadonlySet<string>): void {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const file = join(directory, name);
    // Another build at the same time may be writing its own.
    if (name.endsWith('.mjs') && !kept.has(file)) rmSync(file, { force: true });
  }
}

/**
 * Bundles every function on its own into `<output>/<name>`: an ES module `index.mjs` with the AWS SDK inside, and beside
 * it what it loads later. esbuild's metafile of all of them lies beside the folders as `meta.json`. The same sources give
 * the same bytes.
 *
 * @returns the directory with one subdirectory a function
 * @throws Error naming each function that has no entry point; esbuild's own error when a source does not build
 */
export function bundleFunctions(options: BundleOptions = {}): string {
  const entries = options.entries ?? join(root, 'lambdas/functions');
  const output = options.output ?? join(root, 'build/lambdas');
  const missing = bundled.map((name) => join(entries, `${name}.ts`)).filter((file) => !existsSync(file));
  if (missing.length > 0) throw new Error(`no entry point for a function: ${missing.join(', ')}`);

  const metafile: Metafile = { inputs: {}, outputs: {} };
  for (const name of bundled) {
    const built = bundleFunction(name, entries, output);
    const needed = reachable(built.metafile);
    // The entry comes last: it names files that are there by then.
    const files = built.outputFiles.filter(({ path }) => needed.has(path)).toSorted(entryLast);
    for (const { path, contents } of files) writeWhole(path, contents);
    removeOthers(join(output, name), needed);
    Object.assign(metafile.inputs, built.metafile.inputs);
    for (const [file, made] of Object.entries(built.metafile.outputs)) {
      if (needed.has(resolve(root, file))) metafile.outputs[file] = made;
    }
  }
  writeWhole(join(output, 'meta.json'), Buffer.from(JSON.stringify(metafile)));
  return output;
}

const isEntry = ({ path }: { path: string }): boolean => path.endsWith('/index.mjs');
const entryLast = (left: OutputFile, right: OutputFile): number =>
  Number(isEntry(left)) - Number(isEntry(right));
