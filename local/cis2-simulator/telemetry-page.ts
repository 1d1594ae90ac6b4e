import type { Telemetry } from '../telemetry.ts';
import { html, type Html } from './html.ts';
import type { HttpResponse } from '../control-panel/http.ts';
import { page } from './layout.ts';
import { controlPanelPaths } from './metadata.ts';

/** How many events of the audit trail are shown. */
const maxEvents = 100;

/** How the cells of a column break: not at all, or anywhere. */
type Breaks = 'never' | 'anywhere';
type Column = readonly [title: string, breaks?: Breaks];

/** A table that scrolls sideways where the window is too narrow; its heading stays. */
const tableOf = (
  id: string,
  heading: string,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): Html => html`
  <h2 class="nhsuk-heading-m telemetry-breaks-anywhere" id="${id}">${heading}</h2>
  <div class="telemetry-table" role="region" aria-labelledby="${id}" tabindex="0">
    <table class="nhsuk-table">
      <thead class="nhsuk-table__head">
        <tr>
          ${columns.map(([title]) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody class="nhsuk-table__body">
        ${rows.map(
          (row) =>
            html`<tr class="nhsuk-table__row">
              ${row.map((cell, index) => {
                const breaks = columns[index]?.[1];
                const style = breaks === undefined ? '' : `telemetry-breaks-${breaks}`;
                return html`<td class="nhsuk-table__cell ${style}">${cell}</td>`;
              })}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>
`;

const rounded = (value: number): string => String(Math.round(value * 10) / 10);

/**
 * What a deployment would have sent to CloudWatch.
 *
 * @param options.hasControlPanel - it is a page of the simulator's; else CIS2 itself, or another, is the provider
 */
export function telemetryPage(
  { metrics, audit }: Telemetry,
  { hasControlPanel }: { hasControlPanel: boolean },
): HttpResponse {
  const main = html`
    <h1 class="nhsuk-heading-l">
      Metrics and events ${hasControlPanel ? html`<span>– simulator</span>` : undefined}
    </h1>
    <p>
      What a deployment would have sent to CloudWatch, from the latest lines of the log.
      <a href="${controlPanelPaths.telemetry}">Look again</a>
      ${hasControlPanel ? html`· <a href="${controlPanelPaths.panel}">Control panel</a>` : undefined}
    </p>
    ${tableOf(
      'metrics',
      `Metrics, in the namespace ${[...new Set(metrics.map(({ namespace }) => namespace))].join(', ')}`,
      [
        ['Metric', 'anywhere'],
        ['Dimension', 'anywhere'],
        ['Values'],
        ['Sum'],
        ['Average'],
        ['Maximum'],
        ['Unit'],
      ],
      metrics.map(({ name, dimension, unit, count, sum, max }) => [
        ...[name, dimension ?? '', String(count), rounded(sum), rounded(sum / count), rounded(max), unit],
      ]),
    )}
    ${tableOf(
      'audit-trail',
      'Audit trail, the latest event first',
      [['Time', 'never'], ['Event'], ['Person (keyed hash)', 'anywhere'], ['Details', 'anywhere']],
      audit.slice(0, maxEvents).map(({ time, event, person, details }) => [time, event, person, details]),
    )}
  `;
  return page({
    title: 'Metrics and events',
    main,
    outcome: 'metrics and events',
    ...(hasControlPanel ? {} : { service: 'CIS2 BFF, local start' }),
  });
}
