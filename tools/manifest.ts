/**
 * `npm run manifest`: writes what is made of the route manifest. With `-- --check`: writes nothing, and fails when a file
 * is stale. With `-- --probe NAME=URL`: tries an upstream.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ManifestInvalid } from '../lambdas/api/definition.ts';
import { readSettings, SettingsError } from '../lambdas/settings.ts';
import { manifestDocuments } from './manifest-documents.ts';
import { probe } from './probe.ts';

const root = resolve(import.meta.dirname, '..');
/** Read late, so that what is wrong with it can be said in lines of its own. */
const readManifest = () => import('../lambdas/api/manifest.ts');
const usage = 'usage: npm run manifest [-- --check | --probe NAME=URL]';

async function write(check: boolean): Promise<boolean> {
  const { upstreams } = await readManifest();
  const documents = Object.entries(await manifestDocuments(upstreams));
  const stale = documents.filter(([path, content]) => {
    const file = join(root, path);
    return !existsSync(file) || readFileSync(file, 'utf8') !== content;
  });
  for (const [path, content] of stale) {
    if (!check) writeFileSync(join(root, path), content);
    console.log(check ? `${path} is stale: run npm run manifest` : `${path} written`);
  }
  return !check || stale.length === 0;
}

async function tryUpstream(argument: string): Promise<boolean> {
  const { apiRoutes, upstreamNames } = await readManifest();
  const [, name = '', url = ''] = /^([^=]+)=(.+)$/.exec(argument) ?? [];
  if (!upstreamNames.includes(name)) {
    console.error(`the manifest knows ${upstreamNames.join(', ')}\n${usage}`);
    return false;
  }
  const { UPSTREAMS } = readSettings(['UPSTREAMS'], { UPSTREAMS: JSON.stringify({ [name]: url }) });
  const routes = apiRoutes.filter(({ upstream }) => upstream === name);
  const results = await probe(UPSTREAMS[name] ?? '', routes);
  for (const { route, finding } of results) console.log(`${route}  ${finding}`);
  return results.every(({ answers }) => answers !== false);
}

async function run([option, argument, ...rest]: readonly string[]): Promise<boolean> {
  if (option === '--probe' && argument !== undefined && rest.length === 0) return tryUpstream(argument);
  if (argument === undefined && (option === undefined || option === '--check')) {
    return write(option === '--check');
  }
  console.error(usage);
  return false;
}

try {
  process.exitCode = (await run(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  if (!(error instanceof SettingsError || error instanceof ManifestInvalid)) throw error;
  console.error(error.problems.join('\n'));
  process.exitCode = 1;
}
