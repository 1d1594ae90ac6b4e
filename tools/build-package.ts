/**
 * Makes what the package has that the repository has not, in `dist/`: the entry points as JavaScript with declarations, the
 * bundles of the functions, the template for the local run, and the command line with everything that it needs.
 */
import { execFile } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { build, type Metafile, type Plugin } from 'esbuild';
import { assemblyDirectory, buildDirectory, ensureBuilt } from '../local/build.ts';
import { readStylesheet } from '../local/cis2-simulator/layout.ts';
import { packageRoot } from '../local/package-root.ts';

const dist = path.join(packageRoot, 'dist');
const bundles = path.join(buildDirectory, 'lambdas');

/** The entry points: one file a module, so that an app's bundler can leave out what the app does not use. */
async function compile(project: string): Promise<void> {
  const tsc = path.join(packageRoot, 'node_modules', 'typescript', 'bin', 'tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', path.join(packageRoot, 'tools', project)]).catch(
    (error: unknown) => {
      throw new Error(`tsc ${project}:\n${(error as { stdout: string }).stdout}`);
    },
  );
}

/** TypeScript leaves `.ts` and `.tsx` in the imports of declarations. */
function renameImportsOfDeclarations(): void {
  for (const file of globSync('**/*.d.ts', { cwd: dist })) {
    const text = readFileSync(path.join(dist, file), 'utf8');
    const renamed = text.replaceAll(/((?:from|import)\s*\(?\s*['"]\.{1,2}\/[^'"]+)\.tsx?(['"])/g, '$1.js$2');
    if (renamed !== text) writeFileSync(path.join(dist, file), renamed);
  }
}

/**
 * The store that the local run has in memory finds its parts by name while it runs, and can write to a disk by a native
 * module that nothing here uses.
 */
const dynalite: Plugin = {
  name: 'dynalite',
  setup(build) {
    build.onLoad({ filter: /[\\/]dynalite[\\/]index\.js$/ }, ({ path: file }) => ({
      contents: readFileSync(file, 'utf8').replaceAll(
        /require\('(\.\/(?:actions|validations)\/)' \+ action\)/g,
        "require('$1' + action + '.js')",
      ),
    }));
    build.onResolve({ filter: /^level$/ }, () => ({ path: 'level', namespace: 'not-used' }));
    build.onLoad({ filter: /.*/, namespace: 'not-used' }, () => ({ contents: 'exports.Level = undefined;' }));
  },
};

async function bundleCommand(): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: packageRoot,
    entryPoints: {
      main: 'cli/main.ts',
      'lambda-worker': 'local/aws/lambda-worker.ts',
    },
    outdir: path.join(dist, 'cli'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    mainFields: ['module', 'main'],
    // Names stay: they stand in what an error says.
    minifySyntax: true,
    minifyWhitespace: true,
    metafile: true,
    plugins: [dynalite],
    banner: {
      js: "import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url);",
    },
    logLevel: 'silent',
  });
  cpSync(path.join(packageRoot, 'cli', 'bin.js'), path.join(dist, 'cli', 'bin.js'));
  cpSync(path.join(packageRoot, 'local', 'next-steps'), path.join(dist, 'cli', 'next-steps'), {
    recursive: true,
  });
  writeFileSync(path.join(dist, 'cli', 'simulator.css'), readStylesheet());
  return metafile;
}

const functions = (): string[] =>
  readdirSync(bundles, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

function copyBundles(): void {
  for (const name of functions()) {
    cpSync(path.join(bundles, name), path.join(dist, 'build', 'lambdas', name), { recursive: true });
  }
}

interface Assets {
  readonly files: Record<string, { source: { path: string; packaging: string } }>;
}

/** The template of the local run. Its functions' code is that of the bundles, which are in the package already. */
function copyTemplate(): void {
  const to = path.join(dist, 'cdk.out');
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(assemblyDirectory)) {
    if (name === 'manifest.json' || name.endsWith('.template.json')) {
      cpSync(path.join(assemblyDirectory, name), path.join(to, name));
    }
    if (!name.endsWith('.assets.json')) continue;
    const assets = JSON.parse(readFileSync(path.join(assemblyDirectory, name), 'utf8')) as Assets;
    for (const { source } of Object.values(assets.files)) {
      if (source.packaging === 'zip') source.path = `../build/lambdas/${functionOf(source.path)}`;
    }
    writeFileSync(path.join(to, name), JSON.stringify(assets));
  }
}

/** The function whose bundle an asset is. */
function functionOf(asset: string): string {
  const code = readFileSync(path.join(assemblyDirectory, asset, 'index.mjs'));
  const found = functions().find((name) => readFileSync(path.join(bundles, name, 'index.mjs')).equals(code));
  if (found === undefined) throw new Error(`${asset} is the bundle of no function`);
  return found;
}

/** The licences of the packages of others that are inside the bundles; those with the same text together. */
function writeLicences(...metafiles: readonly Pick<Metafile, 'inputs'>[]): void {
  const inside = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//;
  const names = metafiles
    .flatMap(({ inputs }) => Object.keys(inputs))
    .flatMap((file) => inside.exec(file)?.[1] ?? []);
  const packagesOf = new Map<string, string[]>();
  for (const name of [...new Set([...names, 'nhsuk-frontend'])].sort()) {
    const directory = path.join(packageRoot, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as {
      version: string;
      license: string;
    };
    const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? license : readFileSync(path.join(directory, file), 'utf8').trim();
    packagesOf.set(text, [...(packagesOf.get(text) ?? []), `${name} ${version}`]);
  }
  const sections = [...packagesOf].map(([text, packages]) => `${packages.join('\n')}\n\n${text}`);
  writeFileSync(
    path.join(dist, 'THIRD-PARTY-LICENCES.txt'),
    `Software of others that is inside this package.\n\n${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`,
  );
}

rmSync(dist, { recursive: true, force: true });
const [, , metafile] = await Promise.all([
  compile('package.tsconfig.json'),
  compile('package-client.tsconfig.json'),
  bundleCommand(),
  ensureBuilt({ say: () => undefined, signal: new AbortController().signal, demo: false }),
]);
renameImportsOfDeclarations();
cpSync(
  path.join(packageRoot, 'infra', 'parts', 'spa-rewrite.js'),
  path.join(dist, 'infra', 'parts', 'spa-rewrite.js'),
);
copyBundles();
copyTemplate();
writeLicences(metafile, JSON.parse(readFileSync(path.join(bundles, 'meta.json'), 'utf8')) as Metafile);
