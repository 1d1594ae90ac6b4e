/** `cis2-bff manifest`: writes what is made of an app's route manifest, or tries its upstreams. */
import path from 'node:path';
import { routesOf } from '../lambdas/api/api-routes.ts';
import { loadApp } from '../local/app.ts';
import { calledAs } from '../local/cli/called-as.ts';
import { parseCommandLine } from '../local/cli/command-line.ts';
import { optionLines, type OptionSpecs } from '../local/cli/option-specs.ts';
import { upstreamUrls, valuesOfVariable, variableOf } from '../local/cli/options.ts';
import { reasonOf, StartError } from '../local/errors.ts';
import type { UpstreamDefinitions } from '../manifest/index.ts';
import { probe } from '../tools/probe.ts';
import { writeManifest } from '../tools/write-manifest.ts';

const specs = {
  out: { value: 'DIR', help: 'write into DIR (beside the app’s package.json)' },
  types: {
    value: 'FILE',
    help: 'write TypeScript declarations as well, for a page in another repository',
  },
  check: { help: 'write nothing, and exit 1 when a file is not as it would be written' },
  probe: { help: 'write nothing, and call each GET route of the APIs once, without a token' },
  upstream: {
    value: 'NAME=URL',
    help: 'where --probe finds an API; once for each of several (or BFF_UPSTREAM)',
    repeatable: true,
  },
} as const satisfies OptionSpecs;

const help = (): string =>
  [
    `Usage: ${calledAs('manifest')} [--out DIR] [--types FILE] [--check]`,
    `       ${calledAs('manifest')} --probe NAME=URL …`,
    '',
    'Writes openapi.json and api-routes.md of the APIs that bff.config lists.',
    '',
    ...optionLines(specs, 27),
    '',
  ].join('\n');

/** `--probe NAME=URL` is short for `--probe --upstream NAME=URL`. */
const spelledOut = (args: readonly string[]): string[] =>
  args.flatMap((argument, index) => {
    const joined = /^--probe=(.*)$/s.exec(argument)?.[1];
    if (joined !== undefined) return ['--probe', '--upstream', joined];
    return args[index - 1] === '--probe' && !argument.startsWith('-') ? ['--upstream', argument] : [argument];
  });

function written(...given: Parameters<typeof writeManifest>): ReturnType<typeof writeManifest> {
  try {
    return writeManifest(...given);
  } catch (error) {
    throw new StartError(`cannot write: ${reasonOf(error)}`);
  }
}

function write(
  upstreams: UpstreamDefinitions,
  options: { out: string; types: string | undefined; check: boolean },
): boolean {
  const stale = written(upstreams, options).filter((document) => document.stale);
  for (const { file } of stale) {
    const name = path.relative(process.cwd(), file);
    process.stdout.write(
      options.check ? `${name} is stale: run ${calledAs('manifest')}\n` : `${name} written\n`,
    );
  }
  return !options.check || stale.length === 0;
}

async function tryUpstreams(
  upstreams: UpstreamDefinitions,
  urls: Readonly<Record<string, string>>,
): Promise<boolean> {
  const known = Object.keys(upstreams).join(', ');
  const stranger = Object.keys(urls).find((name) => !Object.hasOwn(upstreams, name));
  if (stranger !== undefined)
    throw new StartError(`--upstream names ${stranger}, and the manifest has ${known}`);
  if (Object.keys(urls).length === 0) {
    throw new StartError(`--probe needs --upstream NAME=URL for each API to try, of ${known}`);
  }
  let isGood = true;
  for (const [name, url] of Object.entries(urls)) {
    const routes = routesOf(upstreams).filter(({ upstream }) => upstream === name);
    for (const { route, finding, isReachable } of await probe(url, routes)) {
      process.stdout.write(`${name}  ${route}  ${finding}\n`);
      isGood &&= isReachable !== false;
    }
  }
  return isGood;
}

async function run(args: readonly string[]): Promise<boolean> {
  const given = parseCommandLine(spelledOut(args), specs);
  if (given['help'] === true) {
    process.stdout.write(help());
    return true;
  }
  const text = (name: 'out' | 'types'): string | undefined => {
    const value = given[name];
    if (value === '') throw new StartError(`--${name} needs a value`);
    return typeof value === 'string' ? path.resolve(value) : undefined;
  };
  const [out, types] = [text('out'), text('types')];
  const { directory, config } = await loadApp(process.cwd());
  if (given['probe'] === true) {
    const named = typeof given['upstream'] === 'object' ? given['upstream'] : undefined;
    const values = named ?? valuesOfVariable(process.env[variableOf('upstream')]);
    return tryUpstreams(config.upstreams, upstreamUrls(values));
  }
  return write(config.upstreams, { out: out ?? directory, types, check: given['check'] === true });
}

export async function manifest(args: readonly string[]): Promise<void> {
  try {
    process.exitCode = (await run(args)) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`cis2-bff: ${error.message}\n`);
    process.exitCode = 1;
  }
}
