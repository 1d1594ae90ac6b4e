import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { functionSettings } from '../lambdas/settings.ts';
import type { FunctionName } from '../lambdas/settings.ts';

const root = resolve(import.meta.dirname, '..');

/** Every deployed function. */
export const functionNames = Object.keys(functionSettings) as FunctionName[];

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

/**
 * Bundles every function into one ES module, `<output>/<name>/index.mjs`, with the AWS SDK inside, and writes
 * esbuild's metafile beside them as `meta.json`. The same sources give the same bytes.
 *
 * @returns the directory with one subdirectory a function
 * @throws Error naming each function that has no entry point; esbuild's own error when a source does not build
 */
export function bundleFunctions(options: BundleOptions = {}): string {
  const entries = options.entries ?? join(root, 'lambdas/functions');
  const output = options.output ?? join(root, 'build/lambdas');
  const missing = functionNames
    .map((name) => join(entries, `${name}.ts`))
    .filter((file) => !existsSync(file));
  if (missing.length > 0) throw new Error(`no entry point for a function: ${missing.join(', ')}`);

  const { outputFiles, metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: functionNames.map((name) => ({ in: join(entries, `${name}.ts`), out: `${name}/index` })),
    outdir: output,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    // Lambda's credentials are in the environment. The SDK's whole chain would double the bundle and load an HTTP
    // client while the function starts.
    alias: {
      '@aws-sdk/credential-provider-node': join(root, 'lambdas/aws/environment-credentials.ts'),
      '@aws-sdk/endpoint-cache': join(root, 'lambdas/aws/no-endpoint-cache.ts'),
    },
    // What is still CommonJS inside the SDK calls `require` for Node's own modules.
    banner: {
      js: "import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url);",
    },
    // Only services that stream events load this, and we use none: without it the bundles are 15 KB lighter.
    external: ['@smithy/core/event-streams'],
    logLevel: 'silent',
  });
  for (const { path, contents } of outputFiles) writeWhole(path, contents);
  writeWhole(join(output, 'meta.json'), Buffer.from(JSON.stringify(metafile)));
  return output;
}
