/** Nothing is reported but what this run left behind, whole. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBroken, outcomeOf } from './reporter.ts';
import { readResults, ResultsRefused, resultsFile } from './results.ts';

const run = 'this-run';
const file = 'test/contract/x.test.ts';
const root = '/project';
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cis2-bff-results-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const good = [
  { kind: 'test', run, file, titles: ['a group', 'a test [B-01]'], outcome: 'passed', milliseconds: 3 },
  { kind: 'file', run, file, outcome: 'ran' },
  { kind: 'end', run },
];
const write = (name: string, records: readonly unknown[]): void => {
  writeFileSync(join(directory, name), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
};
const read = () => readResults(directory, run, [file], root);

test('a whole run is read, each test with its own exchanges', () => {
  write(resultsFile, good);
  const exchange = { run, at: 'product', request: ['GET /'], response: ['200'] };
  write('exchanges-12.ndjson', [
    { ...exchange, file: join(root, file), test: 'a group a test [B-01]' },
    { ...exchange, file: join(root, file), test: 'a group another test' },
    { ...exchange, file: join(root, 'test/contract/y.test.ts'), test: 'a group a test [B-01]' },
  ]);
  write('step-03-cancelled.png', []);
  expect(read()).toEqual({
    screenshots: ['step-03-cancelled.png'],
    tests: [
      {
        file,
        titles: ['a group', 'a test [B-01]'],
        outcome: 'passed',
        milliseconds: 3,
        exchanges: [{ at: 'product', request: ['GET /'], response: ['200'] }],
      },
    ],
    broken: [],
  });
});

describe('nothing is read from', () => {
  test.each<[string, () => void]>([
    ['a directory without results', () => undefined],
    [
      'results of another run',
      () =>
        write(
          resultsFile,
          good.map((record) => ({ ...record, run: 'yesterday' })),
        ),
    ],
    ['one line of another run', () => write(resultsFile, [{ ...good[0], run: 'yesterday' }, ...good])],
    ['a line without a run', () => write(resultsFile, [{ ...good[0], run: undefined }, ...good])],
    ['a run that did not come to its end', () => write(resultsFile, good.slice(0, -1))],
    ['a run that did not run a file it should have', () => write(resultsFile, good.slice(-1))],
    [
      'results of a file that was not to be run',
      () => write(resultsFile, [{ ...good[0], file: 'test/contract/y.test.ts' }, ...good]),
    ],
    ['a line that is no JSON', () => writeFileSync(join(directory, resultsFile), 'passed\n')],
    [
      'a line that is cut off',
      () => {
        writeFileSync(join(directory, resultsFile), good.map((record) => JSON.stringify(record)).join('\n'));
      },
    ],
    [
      'a directory with a file of somebody else’s',
      () => {
        write(resultsFile, good);
        write('report.json', []);
      },
    ],
    [
      'exchanges of another run',
      () => {
        write(resultsFile, good);
        write('exchanges-1.ndjson', [
          { run: 'yesterday', file, test: 'x', at: 'product', request: [], response: [] },
        ]);
      },
    ],
  ])('%s', (_, prepare) => {
    prepare();
    expect(read).toThrow(ResultsRefused);
  });
});

test.each([
  [{ status: 'passed' }, 'passed'],
  [{ status: 'passed', failing: true }, 'failed'],
  [{ status: 'failed' }, 'failed'],
  [{ status: 'pending' }, 'skipped'],
  [{ status: 'skipped' }, 'skipped'],
  [{ status: 'todo' }, 'skipped'],
  [{ status: 'disabled' }, 'skipped'],
  [{ status: 'focused' }, 'skipped'],
] as const)('what Jest calls %j counts as %s', (result, outcome) => {
  expect(outcomeOf(result)).toBe(outcome);
});

test.each([
  ['says no error', { testResults: [{}] }, false],
  ['says null', { testExecError: null, testResults: [{}] }, false],
  ['says an error', { testExecError: { message: 'no such module' }, testResults: [{}] }, true],
  ['ran no test', { testExecError: null, testResults: [] }, true],
])('a file of which the runner %s was run to its end or not', (_, result, broken) => {
  expect(isBroken(result)).toBe(broken);
});
