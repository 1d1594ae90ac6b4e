/** What makes a row green, and what does not. */
import { describe, expect, test } from '@jest/globals';
import { catalogue } from './catalogue/index.ts';
import { makeReport, type Report, type RequirementReport, type RunFacts } from './report.ts';
import type { Requirement, Standard } from './requirement.ts';
import type { Outcome, TestResult } from './results.ts';

const facts: RunFacts = {
  id: 'this-run',
  startedAt: '2026-01-01T09:00:00.000Z',
  seconds: 1,
  only: null,
  commit: 'c0ffee',
  clean: true,
  node: 'v24.0.0',
  packages: {},
};
const row = (id: string, more: Partial<Requirement> = {}): Requirement => ({
  id,
  section: '1',
  level: 'M',
  requirement: 'Something.',
  ...more,
});
const standard = (...requirements: Requirement[]): Standard => ({
  key: 'standard',
  title: 'A standard',
  about: 'Something.',
  requirements,
});
const result = (title: string, outcome: Outcome = 'passed', more: Partial<TestResult> = {}): TestResult => ({
  file: 'test/x.test.ts',
  titles: [title],
  outcome,
  milliseconds: 1,
  exchanges: [],
  ...more,
});

const screenshots = Array.from(
  { length: 14 },
  (_, index) => `step-${String(index + 1).padStart(2, '0')}-page.png`,
);

const reportOf = (
  tests: readonly TestResult[],
  requirements: readonly Requirement[] = [row('B-01')],
  broken: readonly string[] = [],
  only: string | null = null,
): Report =>
  makeReport({ ...facts, only }, [standard(...requirements)], { tests, broken, screenshots }, (file) =>
    file === 'test/names-b-01.test.ts' ? ['B-01'] : [],
  );
const rowOf = (report: Report, id = 'B-01'): RequirementReport | undefined =>
  report.standards.flatMap(({ requirements }) => requirements).find((candidate) => candidate.id === id);

describe('a requirement that asks for tests', () => {
  test('is shown when a test of this run carries its id and passed', () => {
    const report = reportOf([result('x [B-01]')]);
    expect(rowOf(report)).toMatchObject({
      state: 'shown',
      reason: null,
      tests: ['test/x.test.ts › x [B-01]'],
    });
    expect(report).toMatchObject({ passed: true, problems: [], counts: { shown: 1 } });
  });

  test('is not shown without a test, nor by tests that carry other ids', () => {
    for (const tests of [[], [result('x')], [result('x [B-02]')], [result('B-01 in other words')]]) {
      const report = reportOf(tests, [row('B-01'), row('B-02')]);
      expect([rowOf(report)?.state, report.passed]).toEqual(['not-shown', false]);
    }
  });

  test.each<Outcome>(['failed', 'skipped'])('is failing when one of many tests is %s', (outcome) => {
    const report = reportOf([result('x [B-01]'), result('y [B-01]', outcome), result('z [B-01]')]);
    expect([rowOf(report)?.state, report.passed]).toEqual(['failing', false]);
  });

  test('is failing when a file that names it could not be run, whatever passed elsewhere', () => {
    const report = reportOf([result('x [B-01]')], undefined, ['test/names-b-01.test.ts']);
    expect([rowOf(report)?.state, report.passed]).toEqual(['failing', false]);
  });

  test('stays shown, and the run fails all the same, when another file could not be run', () => {
    const report = reportOf([result('x [B-01]')], undefined, ['test/other.test.ts']);
    expect([rowOf(report)?.state, report.passed]).toEqual(['shown', false]);
  });

  test('is carried by the titles around a test as well', () => {
    const report = reportOf([result('', 'passed', { titles: ['a group [B-01]', 'x'] })]);
    expect(rowOf(report)?.state).toBe('shown');
  });

  test('cannot be marked by hand: whatever else stands in its row is not looked at', () => {
    const marked = { ...row('B-01'), state: 'shown', result: 'passed', passed: true, tests: ['x'] };
    expect(rowOf(reportOf([], [marked]))).toMatchObject({ state: 'not-shown', tests: [] });
  });
});

describe('a requirement that asks for none', () => {
  test.each([
    [{ notApplicable: 'because' }, 'not-applicable'],
    [{ needsLiveCis2: 'because' }, 'needs-live-cis2'],
    [{ notBuiltYet: 'because' }, 'not-built-yet'],
  ] as const)('%j is %s, with its reason', (open, state) => {
    const report = reportOf([], [row('B-01', { open })]);
    expect(rowOf(report)).toMatchObject({ state, reason: 'because' });
    expect(report).toMatchObject({ passed: true, counts: { [state]: 1, shown: 0 } });
  });

  test.each<Outcome>(['passed', 'failed', 'skipped'])(
    'is a contradiction when a test carries its id all the same (%s), and never shown',
    (outcome) => {
      const report = reportOf(
        [result('x [B-01]', outcome)],
        [row('B-01', { open: { notBuiltYet: 'because' } })],
      );
      expect(rowOf(report)?.state).toBe('not-built-yet');
      expect(report.passed).toBe(false);
      expect(report.problems).toEqual([expect.stringContaining('B-01 stands as open')]);
    },
  );
});

describe('a run', () => {
  test('fails for an id that is not in the catalogue', () => {
    const report = reportOf([result('x [B-01]'), result('y [B-99]')]);
    expect(report.passed).toBe(false);
    expect(report.problems).toEqual(['“B-99” is no requirement of the catalogue: test/x.test.ts › y [B-99]']);
  });

  test('of some rows tells of those alone, and still knows the ids of the others', () => {
    const report = reportOf(
      [result('x [B-01]'), result('y [B-02]', 'failed')],
      [row('B-01'), row('B-02')],
      [],
      '^B-01$',
    );
    expect(report.passed).toBe(true);
    expect(report.problems).toEqual([]);
    expect(rowOf(report, 'B-02')).toBeUndefined();
    expect(Object.keys(report.tests)).toEqual(['test/x.test.ts › x [B-01]']);
  });

  const exchange = (start: string, status = '200') => ({
    at: 'product' as const,
    request: [start],
    response: [status],
  });

  test('keeps tests of one title apart', () => {
    const report = reportOf([result('x [B-01]'), result('x [B-01]', 'failed')]);
    expect(rowOf(report)).toMatchObject({
      state: 'failing',
      tests: ['test/x.test.ts › x [B-01]', 'test/x.test.ts › x [B-01] (2)'],
    });
  });

  test('shows the last exchange of a test, unless the row says which one shows it', () => {
    const exchanges = [exchange('GET /auth/login', '302'), exchange('GET /auth/session')];
    const tests = [result('x [B-01]', 'passed', { exchanges })];
    expect(rowOf(reportOf(tests))?.exchange).toEqual(exchanges[1]);
    const chosen = { ...row('B-01'), exchange: 'product GET /auth/login 302' as const };
    expect(rowOf(reportOf(tests, [chosen]))?.exchange).toEqual(exchanges[0]);
  });

  test('fails where no exchange fits what the row says', () => {
    const tests = [result('x [B-01]', 'passed', { exchanges: [exchange('GET /auth/session')] })];
    const report = reportOf(tests, [{ ...row('B-01'), exchange: 'provider POST /token 200' as const }]);
    expect(report.passed).toBe(false);
    expect(report.problems).toEqual(['B-01: no recorded exchange fits “provider POST /token 200”.']);
  });
});

describe('the catalogue', () => {
  const rows = catalogue.flatMap(({ requirements }) => requirements);
  const numbered = (letter: string, last: number): string[] =>
    Array.from({ length: last }, (_, index) => `${letter}-${String(index + 1).padStart(2, '0')}`);

  test('has every numbered requirement once', () => {
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of [
      ...[...numbered('B', 26), ...numbered('S', 19), ...numbered('O', 17), ...numbered('L', 13)],
    ]) {
      expect(ids).toContain(id);
    }
    expect(ids.filter((id) => id.startsWith('CIS2-'))).toHaveLength(13);
    // Fourteen of the basic plan, five more of the configuration plan, eight of back-channel logout.
    expect(ids.filter((id) => id.startsWith('oidcc-'))).toHaveLength(27);
  });

  test('has no place for a result, and a reason wherever no test is asked for', () => {
    const members = ['confidence', 'exchange', 'id', 'level', 'limits', 'open', 'requirement', 'section'];
    for (const requirement of rows) {
      expect(members).toEqual(expect.arrayContaining(Object.keys(requirement)));
      const reasons = Object.entries(requirement.open ?? {});
      expect(reasons.length).toBeLessThanOrEqual(1);
      for (const [kind, reason] of reasons) {
        expect(['notApplicable', 'needsLiveCis2', 'notBuiltYet']).toContain(kind);
        expect(reason).toMatch(/^[A-Z].{15,}\.$/);
      }
    }
  });

  test('says how sure it is of what CIS2 asks, and that the list is not CIS2’s own', () => {
    const cis2 = catalogue.find(({ key }) => key === 'cis2');
    expect(cis2?.about).toMatch(
      /recovered from public sources.*not CIS2’s own list.*ask for the current one/s,
    );
    for (const { confidence } of cis2?.requirements ?? []) expect(confidence).toMatch(/high|medium/);
  });
});
