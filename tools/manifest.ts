/**
 * `npm run manifest`: writes what is made of this repository's route manifest. With `-- --check`: writes nothing, and fails
 * when a file is stale. With `-- --probe NAME=URL`: tries an upstream.
 */
import { join, relative, resolve } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { routesOf } from '../lambdas/api/api-routes.ts';
import { readSettings, SettingsError } from '../lambdas/settings.ts';
import { BffConfigInvalid, ManifestInvalid, type UpstreamDefinitions } from '../manifest/index.ts';
import { probe } from './probe.ts';
import { writeManifest } from './write-manifest.ts';

const root = resolve(import.meta.dirname, '..');
const usage = 'usage: npm run manifest [-- --check | --probe NAME=URL]';

/** Read late, so that what is wrong with it can be said in lines of its own. */
const readUpstreams = async (): Promise<UpstreamDefinitions> => (await import('../bff.config.ts')).upstreams;

/** As the project's files are. */
const formatted = async (file: string, content: string): Promise<string> =>
  format(content, { ...(await resolveConfig(file)), filepath: file });

async function write(check: boolean): Promise<boolean> {
  const written = await writeManifest(await readUpstreams(), {
    out: join(root, 'docs'),
    types: join(root, 'client/api-types.ts'),
    check,
    format: formatted,
  });
  const stale = written.filter((document) => document.stale);
  for (const { file } of stale) {
    const path = relative(root, file);
    console.log(check ? `${path} is stale: run npm run manifest` : `${path} written`);
  }
  return !check || stale.length === 0;
}

async function tryUpstream(argument: string): Promise<boolean> {
  const upstreams = await readUpstreams();
  const [, name = '', url = ''] = /^([^=]+)=(.+)$/.exec(argument) ?? [];
  if (!Object.hasOwn(upstreams, name)) {
    console.error(`the manifest knows ${Object.keys(upstreams).join(', ')}\n${usage}`);
    return false;
  }
  const { UPSTREAMS } = readSettings(['UPSTREAMS'], { UPSTREAMS: JSON.stringify({ [name]: url }) });
  const routes = routesOf(upstreams).filter(({ upstream }) => upstream === name);
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
  const isKnown =
    error instanceof SettingsError || error instanceof ManifestInvalid || error instanceof BffConfigInvalid;
  if (!isKnown) throw error;
  console.error(error.problems.join('\n'));
  process.exitCode = 1;
}
