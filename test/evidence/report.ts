/** From the catalogue and the results of one run to the report. A row is met by tests of that run, and by nothing else. */
import type { Exchange } from '../support/exchanges.ts';
import { demonstrationSteps, stepOfScreenshot } from './demonstration.ts';
import { fits, type Requirement, type Standard } from './requirement.ts';
import type { Outcome, Results, TestResult } from './results.ts';
import { idsOfTest } from './tags.ts';

/**
 * `shown`: at least one test that carries the id ran in this run, and every one of them passed. `failing`: one of them did
 * not. `not-shown`: no test carries it. The others say why no test is asked for.
 */
export type State =
  'shown' | 'failing' | 'not-shown' | 'not-applicable' | 'needs-live-cis2' | 'not-built-yet';

export const states: readonly State[] = [
  'shown',
  'failing',
  'not-shown',
  'not-built-yet',
  'needs-live-cis2',
  'not-applicable',
];

export type Counts = Readonly<Record<State, number>>;

/** What is known of the run itself. */
export interface RunFacts {
  readonly id: string;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly seconds: number;
  /** The pattern of `--only`; null for a whole run. */
  readonly only: string | null;
  readonly commit: string | null;
  /** Whether what was tested is what the commit holds, from the start of the run to its end. */
  readonly clean: boolean;
  readonly node: string;
  /** Package name → version. */
  readonly packages: Readonly<Record<string, string>>;
}

export interface RequirementReport {
  readonly id: string;
  readonly section: string;
  readonly level: string;
  readonly requirement: string;
  readonly confidence: string | null;
  readonly limits: string | null;
  readonly state: State;
  /** Why no test is asked for, or what is wrong; null for a row that is shown. */
  readonly reason: string | null;
  /** Keys of `tests`. */
  readonly tests: readonly string[];
  /** The request and response that show it, with everything secret cut; null where none was recorded. */
  readonly exchange: Exchange | null;
}

export interface StandardReport {
  readonly key: string;
  readonly title: string;
  readonly about: string;
  readonly counts: Counts;
  readonly requirements: readonly RequirementReport[];
}

export interface TestReport {
  readonly file: string;
  readonly title: string;
  readonly outcome: Outcome;
  readonly milliseconds: number;
}

/** A step of the demonstration, with the screenshots that tests of this run took of it. */
interface StepReport {
  readonly number: number;
  readonly title: string;
  /** File names beside the report. */
  readonly screenshots: readonly string[];
}

/** `evidence/report.json`. */
export interface Report {
  readonly format: 2;
  readonly run: RunFacts;
  /** Whether nothing is failing, missing or contradictory. */
  readonly passed: boolean;
  readonly counts: Counts;
  /** What is wrong beyond single rows. */
  readonly problems: readonly string[];
  readonly steps: readonly StepReport[];
  readonly standards: readonly StandardReport[];
  readonly tests: Readonly<Record<string, TestReport>>;
}

interface Tagged {
  readonly key: string;
  readonly ids: readonly string[];
  readonly test: TestResult;
}

/** Key → test, in the order of files and of tests in them; equal titles are told apart by a number. */
function tagged(tests: readonly TestResult[]): Tagged[] {
  const seen = new Map<string, number>();
  return [...tests]
    .sort((one, other) => (one.file < other.file ? -1 : one.file > other.file ? 1 : 0))
    .map((test) => {
      const name = `${test.file} › ${test.titles.join(' › ')}`;
      const number = (seen.get(name) ?? 0) + 1;
      seen.set(name, number);
      return { key: number === 1 ? name : `${name} (${String(number)})`, ids: idsOfTest(test.titles), test };
    })
    .filter(({ ids }) => ids.length > 0);
}

const openState = ({ open }: Requirement): { state: State; reason: string } | undefined => {
  if (open === undefined) return undefined;
  if ('notApplicable' in open) return { state: 'not-applicable', reason: open.notApplicable };
  if ('needsLiveCis2' in open) return { state: 'needs-live-cis2', reason: open.needsLiveCis2 };
  return { state: 'not-built-yet', reason: open.notBuiltYet };
};

/** What tests say of a row that asks for some. */
function verdict(
  tests: readonly Tagged[],
  brokenFiles: readonly string[],
): { state: State; reason: string | null } {
  if (brokenFiles.length > 0) {
    return { state: 'failing', reason: `Could not be run: ${brokenFiles.join(', ')}.` };
  }
  const wrong = tests.filter(({ test }) => test.outcome !== 'passed');
  if (wrong.length > 0) {
    return {
      state: 'failing',
      reason: `${String(wrong.length)} of ${String(tests.length)} tests did not pass.`,
    };
  }
  return tests.length === 0
    ? { state: 'not-shown', reason: 'No test of this run carries this id.' }
    : { state: 'shown', reason: null };
}

const countsOf = (rows: readonly { readonly state: State }[]): Counts =>
  Object.fromEntries(
    states.map((state) => [state, rows.filter((row) => row.state === state).length]),
  ) as Record<State, number>;

/**
 * The exchange that shows a requirement: the last one of its tests that fits the row's pattern or, where the row has none,
 * the last one of its first test that has any. A test checks the response to its last request as a rule.
 */
function exchangeFor({ exchange: pattern }: Requirement, tests: readonly Tagged[]): Exchange | null {
  const exchanges = tests.map(({ test }) => test.exchanges);
  return pattern === undefined
    ? (exchanges.find((some) => some.length > 0)?.at(-1) ?? null)
    : (exchanges.flat().findLast((exchange) => fits(pattern, exchange)) ?? null);
}

/** The catalogue with the rows whose id matches; all of it for null. */
export function chooseRows(catalogue: readonly Standard[], only: string | null): Standard[] {
  const pattern = new RegExp(only ?? '');
  return catalogue
    .map((standard) => ({
      ...standard,
      requirements: standard.requirements.filter(({ id }) => pattern.test(id)),
    }))
    .filter(({ requirements }) => requirements.length > 0);
}

/**
 * What the tests of a run say of the catalogue.
 *
 * @param idsNamedBy - the ids that a test file names in its source: those of a file that could not be run are in doubt
 */
export function makeReport(
  run: RunFacts,
  catalogue: readonly Standard[],
  results: Results,
  idsNamedBy: (file: string) => readonly string[],
): Report {
  const known = new Set(catalogue.flatMap(({ requirements }) => requirements.map(({ id }) => id)));
  const asked = chooseRows(catalogue, run.only);
  const carrying = tagged(results.tests);
  const problems = [
    ...results.broken.map((file) => `${file} could not be run.`),
    ...carrying.flatMap(({ key, ids }) =>
      ids.filter((id) => !known.has(id)).map((id) => `“${id}” is no requirement of the catalogue: ${key}`),
    ),
    ...asked
      .flatMap(({ requirements }) => requirements)
      .filter((requirement) => requirement.open !== undefined)
      .flatMap(({ id }) => {
        const tests = carrying.filter(({ ids }) => ids.includes(id));
        return tests.length === 0
          ? []
          : [
              `${id} stands as open, and yet ${String(tests.length)} tests carry it, such as ${tests[0]?.key ?? ''}`,
            ];
      }),
  ];

  const standards = asked.map(({ key, title, about, requirements: rows }): StandardReport => {
    const reported = rows.map((requirement): RequirementReport => {
      const { id, section, level, requirement: text, confidence = null, limits = null } = requirement;
      const tests = carrying.filter(({ ids }) => ids.includes(id));
      const broken = results.broken.filter((file) => idsNamedBy(file).includes(id));
      return {
        ...{ id, section, level, requirement: text, confidence, limits },
        ...(openState(requirement) ?? verdict(tests, broken)),
        tests: tests.map((test) => test.key),
        exchange: exchangeFor(requirement, tests),
      };
    });
    return { key, title, about, counts: countsOf(reported), requirements: reported };
  });
  const rows = standards.flatMap((standard) => standard.requirements);
  const counts = countsOf(rows);
  const reportedTests = new Set(rows.flatMap((row) => row.tests));
  const steps = run.only === null ? stepReports(results.screenshots) : [];
  problems.push(
    ...asked
      .flatMap(({ requirements }) => requirements)
      .filter(({ id, exchange }) => exchange !== undefined && lacksExchange(rows, id))
      .map(({ id, exchange = '' }) => `${id}: no recorded exchange fits “${exchange}”.`),
    ...steps
      .filter(({ screenshots }) => screenshots.length === 0)
      .map(({ number }) => `Step ${String(number)} of the demonstration has no screenshot.`),
  );
  return {
    format: 2,
    run,
    passed: problems.length === 0 && counts.failing === 0 && counts['not-shown'] === 0,
    counts,
    problems,
    steps,
    standards,
    tests: Object.fromEntries(
      carrying
        .filter(({ key }) => reportedTests.has(key))
        .map(({ key, test }): [string, TestReport] => [key, testReport(test)]),
    ),
  };
}

const testReport = ({ file, titles, outcome, milliseconds }: TestResult): TestReport => ({
  file,
  title: titles.join(' › '),
  outcome,
  milliseconds,
});

const lacksExchange = (rows: readonly RequirementReport[], id: string): boolean =>
  rows.some((row) => row.id === id && row.state === 'shown' && row.exchange === null);

const stepReports = (screenshots: readonly string[]): readonly StepReport[] =>
  demonstrationSteps.map((title, index) => ({
    number: index + 1,
    title,
    screenshots: screenshots.filter((name) => stepOfScreenshot(name) === index + 1),
  }));
