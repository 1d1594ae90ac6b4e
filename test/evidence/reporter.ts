/** A Jest reporter that writes down how each test of this run ended, and tells a person how far the run has come. */
import { appendFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { AggregatedResult, Test, TestResult as JestFileResult } from '@jest/test-result';
import { directoryVariable, runVariable } from '../support/exchanges.ts';
import { resultsFile, type Outcome, type ResultRecord } from './results.ts';

const root = join(import.meta.dirname, '../..');

const signOfLifeMs = 10_000;

const fileOf = (path: string): string => relative(root, path).replaceAll('\\', '/');

type Assertion = JestFileResult['testResults'][number];

/** Only a test that ran and passed has passed. */
export function outcomeOf({ status, failing }: Pick<Assertion, 'status' | 'failing'>): Outcome {
  if (failing === true) return 'failed';
  if (status === 'passed' || status === 'failed') return status;
  return 'skipped';
}

/** Whether a file could not be run to its end. Of one that was, Jest's own runner says no error, and jest-light-runner `null`. */
export const isBroken = ({
  testExecError,
  testResults,
}: {
  testExecError?: unknown;
  testResults: readonly unknown[];
}): boolean => (testExecError ?? undefined) !== undefined || testResults.length === 0;

export default class EvidenceReporter {
  readonly #run = process.env[runVariable] ?? '';
  readonly #directory = process.env[directoryVariable] ?? '';
  #files = 0;
  #done = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #running = new Set<string>();

  onRunStart({ numTotalTestSuites }: AggregatedResult): void {
    if (this.#run === '' || this.#directory === '') throw new Error('start it by npm run evidence');
    this.#files = numTotalTestSuites;
    this.#timer = setInterval(() => {
      console.log(`   … ${[...this.#running].join(', ')}`);
    }, signOfLifeMs);
  }

  onTestFileStart({ path }: Test): void {
    this.#running.add(fileOf(path));
  }

  onTestFileResult(test: Test, result: JestFileResult): void {
    const file = fileOf(test.path);
    this.#running.delete(file);
    const broken = isBroken(result);
    for (const assertion of result.testResults) {
      this.#write({
        kind: 'test',
        run: this.#run,
        file,
        titles: [...assertion.ancestorTitles, assertion.title],
        outcome: outcomeOf(assertion),
        milliseconds: assertion.duration ?? 0,
      });
    }
    this.#write({ kind: 'file', run: this.#run, file, outcome: broken ? 'broken' : 'ran' });
    this.#done += 1;
    const failed = result.testResults.filter((assertion) => outcomeOf(assertion) !== 'passed');
    const seconds = ((result.perfStats.end - result.perfStats.start) / 1000).toFixed(1);
    const counted = `${String(result.testResults.length - failed.length)} passed`;
    const rest = failed.length > 0 ? `, ${String(failed.length)} not` : '';
    console.log(
      `${String(this.#done)}/${String(this.#files)} ${file}: ${broken ? 'could not be run' : counted + rest} (${seconds} s)`,
    );
    if (broken) console.log(result.failureMessage ?? 'it has no test that ran');
    for (const { fullName, failureMessages } of failed) {
      console.log(`  ${fullName}\n    ${failureMessages.join('\n').split('\n').slice(0, 12).join('\n    ')}`);
    }
  }

  onRunComplete(): void {
    clearInterval(this.#timer);
    this.#write({ kind: 'end', run: this.#run });
  }

  #write(record: ResultRecord): void {
    appendFileSync(join(this.#directory, resultsFile), `${JSON.stringify(record)}\n`);
  }
}
