/** What a run of the tests leaves behind for the report, and nothing else does: one line of JSON a record, in a new directory. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stepOfScreenshot } from './demonstration.ts';
import type { Exchange, RecordedExchange } from '../support/exchanges.ts';

/** How a test ended. A test that was meant to fail (`test.failing`) has shown nothing, whatever Jest calls it. */
export type Outcome = 'passed' | 'failed' | 'skipped';

interface TestRecord {
  readonly kind: 'test';
  readonly run: string;
  /** Path from the root of the project. */
  readonly file: string;
  /** Titles from the outermost `describe` to the test's own. */
  readonly titles: readonly string[];
  readonly outcome: Outcome;
  readonly milliseconds: number;
}

interface FileRecord {
  readonly kind: 'file';
  readonly run: string;
  readonly file: string;
  /** `broken`: it could not be run to its end, so nobody knows what its tests would have said. */
  readonly outcome: 'ran' | 'broken';
}

interface EndRecord {
  readonly kind: 'end';
  readonly run: string;
}

export type ResultRecord = TestRecord | FileRecord | EndRecord;

/** A test of this run. */
export interface TestResult extends Omit<TestRecord, 'kind' | 'run'> {
  readonly exchanges: readonly Exchange[];
}

export interface Results {
  readonly tests: readonly TestResult[];
  /** Files that could not be run to their end. */
  readonly broken: readonly string[];
  /** File names of the screenshots of the demonstration, in the directory of the run. */
  readonly screenshots: readonly string[];
}

/** Results that are not this run's, or not whole. Nothing is reported from them. */
export class ResultsRefused extends Error {
  override name = 'ResultsRefused';
  readonly code = 'results_refused';
}

export const resultsFile = 'results.ndjson';
const exchangesFile = /^exchanges-\d+\.ndjson$/;

function linesOf<T extends { run: string }>(directory: string, name: string, run: string): T[] {
  const text = readFileSync(join(directory, name), 'utf8');
  if (!text.endsWith('\n')) throw new ResultsRefused(`${name} stops in the middle of a line`);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => {
      const record = parsed(line) as T | undefined;
      if (record?.run !== run) throw new ResultsRefused(`${name} holds a line of another run`);
      return record;
    });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

/** The same test runs under the same name once, or (`test.each` with equal titles) several times: one key for all. */
const keyOf = (file: string, name: string): string => `${file}\n${name}`;

/**
 * Reads what the run with this id left in its directory.
 *
 * @param files - every test file that the run had to run, as paths from the root of the project
 * @param root - the project, absolute: exchanges name files by their absolute path
 * @throws ResultsRefused for anything of another run, anything unknown, and a run that did not come to its end
 */
export function readResults(directory: string, run: string, files: readonly string[], root: string): Results {
  const names = readdirSync(directory);
  const screenshots = names.filter((name) => stepOfScreenshot(name) !== undefined).sort();
  const unknown = names.find(
    (name) => name !== resultsFile && !exchangesFile.test(name) && !screenshots.includes(name),
  );
  if (unknown !== undefined) throw new ResultsRefused(`${unknown} is not of a run`);
  if (!names.includes(resultsFile)) throw new ResultsRefused('the run left no results');

  const records = linesOf<ResultRecord>(directory, resultsFile, run);
  if (records.at(-1)?.kind !== 'end') throw new ResultsRefused('the run did not come to its end');
  const ran = records.filter((record) => record.kind === 'file');
  const missing = files.find((file) => !ran.some((record) => record.file === file));
  if (missing !== undefined) throw new ResultsRefused(`${missing} was not run`);
  const foreign = records.find((record) => record.kind !== 'end' && !files.includes(record.file));
  if (foreign !== undefined) throw new ResultsRefused('a file has results that was not to be run');

  const exchanges = new Map<string, Exchange[]>();
  for (const name of names.filter((candidate) => exchangesFile.test(candidate))) {
    for (const { file, test, at, request, response } of linesOf<RecordedExchange>(directory, name, run)) {
      const key = keyOf(file, test);
      const known = exchanges.get(key) ?? [];
      exchanges.set(key, known);
      known.push({ at, request, response });
    }
  }
  const tests = records
    .filter((record) => record.kind === 'test')
    .map(({ file, titles, outcome, milliseconds }) => ({
      file,
      titles,
      outcome,
      milliseconds,
      exchanges: exchanges.get(keyOf(join(root, file), titles.join(' '))) ?? [],
    }));
  const broken = ran.filter(({ outcome }) => outcome === 'broken').map(({ file }) => file);
  return { tests, broken, screenshots };
}
