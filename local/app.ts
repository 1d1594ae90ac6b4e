import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { configProblems } from '../manifest/bff-config.ts';
import { pds, type BffConfig } from '../manifest/index.ts';
import { reasonOf, StartError } from './errors.ts';

/** An app on this machine, and what it says of itself. */
export interface App {
  /** Its folder: what is relative in its configuration is relative to it. */
  readonly directory: string;
  readonly config: BffConfig;
  /** The name of its configuration; without one the app has the upstream that ships. */
  readonly file?: string;
}

const fileNames = ['bff.config.ts', 'bff.config.js', 'bff.config.mjs'];

function folderOfApp(directory: string): string {
  for (let candidate = directory; ; candidate = path.dirname(candidate)) {
    if (existsSync(path.join(candidate, 'package.json'))) return candidate;
    if (candidate === path.dirname(candidate)) return directory;
  }
}

/** By its shape: the app has a copy of that class of its own. */
const problemsOf = (error: unknown): readonly string[] | undefined =>
  error instanceof Error && 'problems' in error && Array.isArray(error.problems)
    ? error.problems.map(String)
    : undefined;

const refused = (file: string, problems: readonly string[]): StartError =>
  new StartError(
    problems.length === 1
      ? `${file}: ${problems[0] ?? ''}`
      : [`${file} has ${String(problems.length)} problems:`, ...problems].join('\n  '),
  );

/** A file, with the line of it that an error names. */
function placeOf(error: unknown, file: string): string {
  const stack = typeof error === 'object' && error !== null && 'stack' in error ? String(error.stack) : '';
  const at = stack.indexOf(`/${file}:`);
  const line = at < 0 ? undefined : /^\d+/.exec(stack.slice(at + file.length + 2))?.[0];
  return line === undefined ? file : `${file}:${line}`;
}

/**
 * Reads the configuration of the app that a folder belongs to: `bff.config.ts`, `.js` or `.mjs` beside its `package.json`.
 *
 * @throws StartError naming everything that is wrong with it
 */
export async function loadApp(from: string): Promise<App> {
  const directory = folderOfApp(from);
  const [file, another] = fileNames.filter((name) => existsSync(path.join(directory, name)));
  if (file === undefined) return { directory, config: { upstreams: { pds } } };
  if (another !== undefined) throw new StartError(`there are ${file} and ${another}: an app has one of them`);

  let exported: { readonly default?: unknown };
  try {
    exported = (await import(pathToFileURL(path.join(directory, file)).href)) as typeof exported;
  } catch (error) {
    const problems = problemsOf(error);
    throw problems === undefined
      ? new StartError(`${placeOf(error, file)} cannot be loaded: ${reasonOf(error)}`)
      : refused(file, problems);
  }
  if (exported.default === undefined) {
    throw new StartError(`${file} has no default export: export default defineBff({ … })`);
  }
  const problems = configProblems(exported.default);
  if (problems.length > 0) throw refused(file, problems);
  return { directory, config: exported.default as BffConfig, file };
}
