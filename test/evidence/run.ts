/** `npm run evidence`: runs the tests that carry requirement ids, and writes from their results, and nothing else, what they show. */
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { directoryVariable, runVariable } from '../support/exchanges.ts';
import { catalogue } from './catalogue/index.ts';
import { toPages } from './html.ts';
import { chooseRows, makeReport, type Report } from './report.ts';
import { readResults, ResultsRefused } from './results.ts';
import { namesAnId } from './tags.ts';

const root = join(import.meta.dirname, '../..');
const output = join(root, 'evidence');

const help = `npm run evidence -- [options]

Runs every test file that names a requirement of the catalogue (test/evidence/catalogue), and writes
evidence/index.html (and a page for each standard) for a person and evidence/report.json for a machine. What evidence/ held before is deleted first.
Exits with 1 when a requirement is failing or not shown.

  --only PATTERN   only the requirements whose id matches this regular expression, e.g. --only '^CIS2-'
  --help           this text
`;

const seconds = (since: number): number => Math.round((Date.now() - since) / 1000);

const say = (text: string): void => {
  console.log(`evidence: ${text}`);
};

function git(...args: string[]): string | null {
  try {
    return execFileSync('git', ['--no-optional-locks', ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}

interface Tree {
  readonly commit: string | null;
  readonly changes: string | null;
}

const treeNow = (): Tree => ({ commit: git('rev-parse', 'HEAD'), changes: git('status', '--porcelain') });

const versionOf = (name: string): string =>
  (
    JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as {
      readonly version: string;
    }
  ).version;

/** A test file, and what it imports for the tests in it alone (`import './sign-in.ts'`). */
const sourceOf = (file: string): string => {
  const source = readFileSync(join(root, file), 'utf8');
  const parts = [...source.matchAll(/^import '(\.\/[^']+)';$/gm)].map(([, part = '']) =>
    readFileSync(join(root, dirname(file), part), 'utf8'),
  );
  return [source, ...parts].join('\n');
};

/** Test files, the report's own apart: those name ids too, and show nothing. */
const testFiles = (): string[] =>
  globSync('test/**/*.test.ts', { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !file.startsWith('test/evidence/'))
    .sort();

/** Runs a program to its end, its output where ours goes; gives its exit code. */
function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code) => {
      resolve(code ?? 1);
    });
  });
}

async function evidence(only: string | null): Promise<Report> {
  const begun = Date.now();
  const id = randomUUID();
  const ids = chooseRows(catalogue, only).flatMap(({ requirements }) =>
    requirements.map((requirement) => requirement.id),
  );
  if (ids.length === 0) throw new ResultsRefused('no requirement has such an id');
  rmSync(output, { recursive: true, force: true });
  const before = treeNow();

  say('building');
  if ((await run([join(root, 'test/support/prepare.ts')], { ...process.env, NODE_OPTIONS: '' })) !== 0) {
    throw new ResultsRefused('the build failed');
  }
  const named = new Map(testFiles().map((file) => [file, namesAnId(sourceOf(file), ids)] as const));
  // Screenshots of the demonstration belong to no single row.
  const takesScreenshots = (file: string): boolean =>
    only === null && sourceOf(file).includes('screenshotOfStep(');
  const files = [...named]
    .filter(([file, those]) => those.length > 0 || takesScreenshots(file))
    .map(([file]) => file);
  const directory = mkdtempSync(join(tmpdir(), 'cis2-bff-evidence-'));
  try {
    say(`${String(ids.length)} requirements, ${String(files.length)} test files`);
    if (files.length > 0) {
      await run(
        [
          join(root, 'node_modules/jest/bin/jest.js'),
          `--reporters=${join(root, 'test/evidence/reporter.ts')}`,
          ...['--silent', '--runTestsByPath', ...files],
        ],
        {
          ...process.env,
          NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
          [runVariable]: id,
          [directoryVariable]: directory,
        },
      );
    }
    const results =
      files.length === 0
        ? { tests: [], broken: [], screenshots: [] }
        : readResults(directory, id, files, root);
    mkdirSync(output, { recursive: true });
    for (const name of results.screenshots) copyFileSync(join(directory, name), join(output, name));
    const after = treeNow();
    return makeReport(
      {
        id,
        startedAt: new Date(begun).toISOString(),
        seconds: seconds(begun),
        only,
        commit: before.commit,
        clean:
          before.commit !== null &&
          before.changes === '' &&
          after.commit === before.commit &&
          after.changes === '',
        node: process.version,
        packages: Object.fromEntries(['oauth4webapi', 'jose'].map((name) => [name, versionOf(name)])),
      },
      catalogue,
      results,
      (file) => named.get(file) ?? [],
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function tell(report: Report): void {
  const { counts, standards, problems } = report;
  for (const { requirements } of standards) {
    for (const { id, state, reason } of requirements) {
      if (state === 'failing' || state === 'not-shown') say(`${id}: ${reason ?? state}`);
    }
  }
  for (const problem of problems) say(problem);
  const parts = [
    `${String(counts.shown)} shown`,
    `${String(counts.failing)} failing`,
    `${String(counts['not-shown'])} not shown`,
    `${String(counts['not-built-yet'])} not built`,
    `${String(counts['needs-live-cis2'])} need live CIS2`,
    `${String(counts['not-applicable'])} do not apply`,
  ];
  say(`${parts.join(', ')}, in ${String(report.run.seconds)} s`);
  say(`wrote ${join('evidence', 'index.html')} and ${join('evidence', 'report.json')}`);
}

function optionsOf(args: readonly string[]): { readonly help: boolean; readonly only: string | null } {
  const { values } = parseArgs({
    args: [...args],
    options: { help: { type: 'boolean', default: false }, only: { type: 'string' } },
  });
  return { help: values.help, only: values.only ?? null };
}

try {
  const options = optionsOf(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(help);
  } else {
    const report = await evidence(options.only);
    writeFileSync(join(output, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
    for (const [name, page] of Object.entries(toPages(report))) writeFileSync(join(output, name), page);
    tell(report);
    process.exitCode = report.passed ? 0 : 1;
  }
} catch (error) {
  console.error(`evidence: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
