/** The report as pages: no script, nothing from elsewhere, for the screen and for paper. */
import type { Exchange } from '../support/exchanges.ts';
import {
  states,
  type Counts,
  type Report,
  type RequirementReport,
  type StandardReport,
  type State,
  type TestReport,
} from './report.ts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for an element or a quoted attribute. Control characters, which no parser wants, are shown as their symbols. */
export const escapeHtml = (text: string): string =>
  text
    // eslint-disable-next-line no-control-regex -- they are what is replaced
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (control) =>
      String.fromCharCode(0x2400 + control.charCodeAt(0)),
    )
    .replace(/[&<>"']/g, (character) => entities[character] ?? '');

const e = escapeHtml;

const labels: Readonly<Record<State, string>> = {
  shown: 'Shown',
  failing: 'Failing',
  'not-shown': 'Not shown',
  'not-built-yet': 'Not built',
  'needs-live-cis2': 'Needs live CIS2',
  'not-applicable': 'Does not apply',
};

const meanings: Readonly<Record<State, string>> = {
  shown: 'At least one test that carries the id ran in this run, and all of them passed.',
  failing: 'A test that carries the id failed, was skipped or could not be run.',
  'not-shown': 'It applies and is built, and no test carries the id.',
  'not-built-yet': 'It applies, and the product does not do it. No test is asked for.',
  'needs-live-cis2': 'Only CIS2 itself can show it. No test is asked for.',
  'not-applicable': 'The product does nothing that it speaks of. The row says why.',
};

const levels: Readonly<Record<string, string>> = { M: 'must', S: 'should', R: 'recommended' };

const badge = (state: State): string => `<span class="badge ${state}">${labels[state]}</span>`;

/** How many tests of a row are listed by name. */
const maxTestsByName = 40;

const exchangeHtml = ({ at, request, response }: Exchange): string => {
  const who = at === 'product' ? 'Request to the product' : 'Request of the product to CIS2';
  return `<details><summary>The exchange that shows it</summary><figure><figcaption>${who}</figcaption><pre>${e(request.join('\n'))}</pre><pre class="response">${e(response.join('\n'))}</pre></figure></details>`;
};

const outcomeMark = { passed: 'passed', failed: 'FAILED', skipped: 'SKIPPED' } as const;

const testLine = ({ title, file, outcome, milliseconds }: TestReport): string =>
  `<li class="${outcome}"><b>${outcomeMark[outcome]}</b> ${e(title)} <small>${e(file)}, ${String(milliseconds)} ms</small></li>`;

function testsHtml(tests: readonly TestReport[]): string {
  if (tests.length === 0) return '';
  // What did not pass comes first, and is never left out.
  const wrong = tests.filter(({ outcome }) => outcome !== 'passed');
  const good = tests.filter(({ outcome }) => outcome === 'passed').slice(0, maxTestsByName);
  const left = tests.length - wrong.length - good.length;
  const more =
    left > 0 ? `<li>and ${String(left)} more, which passed; all of them are in report.json</li>` : '';
  return `<details><summary>${String(tests.length)} ${tests.length === 1 ? 'test' : 'tests'}</summary><ul class="tests">${[...wrong, ...good].map(testLine).join('')}${more}</ul></details>`;
}

function requirementHtml(report: Report, row: RequirementReport): string {
  const tests = row.tests.flatMap((key) => report.tests[key] ?? []);
  const notes = [
    ...(row.reason === null ? [] : [row.reason]),
    ...(row.limits === null ? [] : [`Limits: ${row.limits}`]),
    ...(row.confidence === null ? [] : [`How sure: ${row.confidence}.`]),
  ].map((note) => `<p class="note">${e(note)}</p>`);
  const place = [row.section, levels[row.level] ?? row.level].filter((part) => part !== '').join(', ');
  return `<article id="${e(row.id)}" class="row ${row.state}"><div class="head"><h3>${e(row.id)}</h3>${badge(row.state)}</div><div class="what"><p>${e(row.requirement)}</p><p class="place">${e(place)}</p>${notes.join('')}${testsHtml(tests)}${row.exchange === null ? '' : exchangeHtml(row.exchange)}</div></article>`;
}

const countCells = (counts: Counts): string =>
  states
    .map((state) => `<td class="${counts[state] > 0 ? state : 'none'}">${String(counts[state])}</td>`)
    .join('');

const total = (counts: Counts): number => states.reduce((sum, state) => sum + counts[state], 0);

function summaryHtml({ standards, counts }: Report): string {
  const head = states.map((state) => `<th scope="col">${labels[state]}</th>`).join('');
  const rows = standards.map(
    (standard) =>
      `<tr><th scope="row"><a href="${pageOf(standard)}">${e(standard.title)}</a></th>${countCells(standard.counts)}<td>${String(total(standard.counts))}</td></tr>`,
  );
  return `<div class="scroll" tabindex="0" role="region" aria-label="Counts by standard"><table><thead><tr><th scope="col">Standard</th>${head}<th scope="col">All</th></tr></thead><tbody>${rows.join('')}</tbody><tfoot><tr><th scope="row">All</th>${countCells(counts)}<td>${String(total(counts))}</td></tr></tfoot></table></div><dl class="meanings">${states.map((state) => `<dt>${badge(state)}</dt><dd>${meanings[state]}</dd>`).join('')}</dl>`;
}

function runHtml({ run }: Report): string {
  const facts: [string, string][] = [
    ['Commit', run.commit ?? 'unknown: this is no git clone'],
    [
      'Tree',
      run.clean
        ? 'clean: what was tested is what the commit holds'
        : 'NOT clean: files differ from the commit, or changed during the run',
    ],
    ['Date', run.startedAt],
    ['Took', `${String(run.seconds)} seconds`],
    ['Node.js', run.node],
    ...Object.entries(run.packages),
    ['Run', run.id],
    ...(run.only === null ? [] : [['Rows', `only those that match ${run.only}`] as [string, string]]),
  ];
  return `<dl class="facts">${facts.map(([name, value]) => `<div><dt>${e(name)}</dt><dd>${e(value)}</dd></div>`).join('')}</dl>`;
}

const style = `
:root { color-scheme: light; --blue: #005eb8; --text: #212b32; --grey: #4c6272; --line: #d8dde0; --back: #f0f4f5; }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 Frutiger, Arial, sans-serif; color: var(--text); background: var(--back); }
header { background: var(--blue); color: #fff; padding: 24px 0; }
header .wide, main { max-width: 1100px; margin: 0 auto; padding: 0 24px; }
header p { margin: 4px 0 0; }
h1 { margin: 0; font-size: 32px; line-height: 1.2; }
h2 { font-size: 24px; line-height: 1.3; margin: 48px 0 8px; }
h3 { font-size: 17px; margin: 0; overflow-wrap: anywhere; }
a { color: var(--blue); }
a:focus, summary:focus, .scroll:focus { outline: 3px solid #ffeb3b; outline-offset: 0; background: #ffeb3b; color: var(--text); }
.scroll:focus { background: none; }
.verdict { border-left: 8px solid #007f3b; background: #fff; padding: 16px 20px; margin: 24px 0; font-size: 19px; }
.verdict.bad { border-color: #d5281b; }
.verdict p { margin: 0; }
.verdict ul { margin: 8px 0 0; font-size: 16px; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 8px 24px; margin: 24px 0; }
.facts dt { color: var(--grey); font-size: 14px; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; background: #fff; border: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 8px 12px; border-bottom: 1px solid var(--line); vertical-align: top; }
th:first-child { text-align: left; font-weight: 400; min-width: 240px; }
thead th, tfoot th, tfoot td { font-weight: 600; }
thead th:first-child { font-weight: 600; }
tfoot th, tfoot td { border-bottom: 0; }
td.none { color: var(--grey); }
td.failing, td.not-shown { color: #b8160a; font-weight: 700; }
.meanings { display: grid; grid-template-columns: max-content 1fr; gap: 6px 16px; margin: 16px 0; font-size: 15px; }
.meanings dd { margin: 0; }
.badge { display: inline-block; padding: 1px 8px; font-size: 14px; font-weight: 600; white-space: nowrap; border: 1px solid; }
.badge.shown { color: #00401e; background: #cce5d8; }
.badge.failing, .badge.not-shown { color: #7a1009; background: #f7d4d1; }
.badge.not-built-yet { color: #594d00; background: #fff7b2; }
.badge.needs-live-cis2 { color: #003d78; background: #ccdff1; }
.badge.not-applicable { color: #384853; background: #e8edee; }
.about { max-width: 80ch; margin: 0 0 16px; }
.row { background: #fff; border: 1px solid var(--line); border-top: 0; padding: 12px 16px; display: grid; grid-template-columns: 250px 1fr; gap: 4px 24px; }
.about + .row { border-top: 1px solid var(--line); }
.row.failing, .row.not-shown { box-shadow: inset 6px 0 #d5281b; }
.head .badge { margin-top: 4px; }
.what { min-width: 0; }
.what p { margin: 0; max-width: 80ch; }
.place, .note, small { color: var(--grey); font-size: 14px; }
details { margin-top: 6px; }
summary { cursor: pointer; color: var(--blue); text-decoration: underline; overflow-wrap: anywhere; }
.tests { margin: 8px 0; padding-left: 20px; font-size: 15px; overflow-wrap: anywhere; }
.tests b { font-weight: 600; color: #00401e; }
.tests .failed b, .tests .skipped b { color: #b8160a; }
.open { padding-left: 20px; }
.open li { margin-bottom: 6px; max-width: 100ch; }
main img { display: block; max-width: 100%; border: 1px solid var(--line); margin: 8px 0 24px; }
figure { margin: 12px 0; }
figcaption { font-size: 14px; font-weight: 600; }
pre { margin: 4px 0 0; padding: 10px 12px; background: var(--back); font: 13px/1.45 ui-monospace, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.response { border-left: 4px solid var(--grey); }
footer { padding: 32px 0 48px; color: var(--grey); font-size: 14px; }
@media (max-width: 760px) {
  header .wide, main { padding: 0 16px; }
  h1 { font-size: 26px; }
  .row { grid-template-columns: 1fr; }
  .head { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; }
  .head .badge { margin: 0; }
  .meanings { grid-template-columns: 1fr; }
  .meanings dd { margin-bottom: 6px; }
  th, td { padding: 6px 8px; }
  th:first-child { min-width: 170px; }
}
@media print {
  body { background: #fff; font-size: 12px; }
  header { background: none; color: inherit; border-bottom: 3px solid var(--blue); }
  .row { break-inside: avoid; grid-template-columns: 190px 1fr; padding: 6px 8px; }
  .badge { print-color-adjust: exact; }
  .scroll { overflow: visible; }
  h2 { break-after: avoid; }
}
`;

/** A standard's own page. Its key is in the catalogue; any other character would lead elsewhere. */
const pageOf = ({ key }: StandardReport): string => `${key.replace(/[^a-z0-9-]/g, '')}.html`;

/** States of rows that no test of the run shows, the most urgent first. */
const withoutProof = [
  'failing',
  'not-shown',
  'needs-live-cis2',
  'not-built-yet',
  'not-applicable',
] as const satisfies readonly State[];

function withoutProofHtml({ standards }: Report): string {
  const rows = standards.flatMap((standard) =>
    standard.requirements.map((row) => ({ row, page: pageOf(standard) })),
  );
  const groups = withoutProof.map((state) => {
    const items = rows
      .filter(({ row }) => row.state === state)
      .map(
        ({ row, page }) =>
          `<li><a href="${page}#${e(row.id)}">${e(row.id)}</a> ${e(row.requirement)} <small>${e(row.reason ?? '')}</small></li>`,
      );
    return items.length === 0
      ? ''
      : `<h3>${badge(state)} ${String(items.length)}</h3><ul class="open">${items.join('')}</ul>`;
  });
  return groups.join('') || '<p>None in this run.</p>';
}

const demonstrationPage = 'demonstration.html';

const stepsNote =
  '<p class="about">Taken by the browser tests of this run. Where a step takes hours, the page was given the state that it would have then.</p>';

const stepsHtml = ({ steps }: Report): string =>
  steps
    .map(
      ({ number, title, screenshots }) =>
        `<section><h2>${String(number)}. ${e(title)}</h2>${
          screenshots.length === 0 ? '<p class="note">No screenshot in this run.</p>' : ''
        }${screenshots.map((name) => `<img src="${e(name)}" alt="${e(`Step ${String(number)}: ${title}`)}">`).join('')}</section>`,
    )
    .join('\n');

const document = (report: Report, title: string, main: string): string => `<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src 'self'">
<title>${e(title)} – cis2-bff – ${e(report.run.startedAt.slice(0, 10))}</title><style>${style}</style></head><body>
<header><div class="wide"><h1>${e(title)}</h1><p>cis2-bff, a backend for frontend for NHS CIS2 Authentication</p></div></header>
<main>${main}
<footer><p>Every result comes from run ${e(report.run.id)}. Requirements are stated in our own words: read the standards themselves. Everything in requests and responses that is not known to be harmless is removed.</p></footer>
</main></body></html>
`;

/** The first page: who played CIS2, what has no proof, and the counts. */
function firstPage(report: Report): string {
  const { counts, problems, passed, steps } = report;
  const asked = counts.shown + counts.failing + counts['not-shown'];
  const verdict = `${passed ? 'All' : String(counts.shown)}${passed ? '' : ' of'} ${String(asked)} requirements that tests can show are shown by tests of this run.`;
  const list =
    problems.length === 0 ? '' : `<ul>${problems.map((problem) => `<li>${e(problem)}</li>`).join('')}</ul>`;
  return document(
    report,
    'Conformance evidence',
    `<div class="verdict ${passed ? 'good' : 'bad'}"><p>${verdict}</p><p>A simulator played CIS2 and the NHS API platform. Nothing on these pages was tried against the live services or in an AWS account.</p>${list}</div>
${runHtml(report)}
<section><h2>Requirements without proof</h2>${withoutProofHtml(report)}</section>
<section><h2>Counts</h2>${summaryHtml(report)}</section>
${steps.length === 0 ? '' : `<section><h2>Demonstration</h2><p><a href="${demonstrationPage}">Screenshots of the ${String(steps.length)} steps</a></p></section>`}`,
  );
}

/**
 * The report for a person.
 *
 * @returns file name → page: `index.html`, one page a standard, and one with the screenshots of the demonstration
 */
export function toPages(report: Report): Readonly<Record<string, string>> {
  const back = '<p><a href="index.html">All standards</a></p>';
  const pages = report.standards.map((standard) => {
    const rows = standard.requirements.map((row) => requirementHtml(report, row)).join('\n');
    const main = `${back}<p class="about">${e(standard.about)}</p>${rows}`;
    return [pageOf(standard), document(report, standard.title, main)] as const;
  });
  return {
    'index.html': firstPage(report),
    ...Object.fromEntries(pages),
    ...(report.steps.length === 0
      ? {}
      : { [demonstrationPage]: document(report, 'Demonstration', back + stepsNote + stepsHtml(report)) }),
  };
}
