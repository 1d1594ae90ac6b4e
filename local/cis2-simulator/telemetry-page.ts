import type { Telemetry } from '../telemetry.ts';
import { html, type Html } from './html.ts';
import type { HttpResponse } from './http.ts';
import { page } from './layout.ts';
import { controlPanelPaths } from './metadata.ts';

/** How many events of the audit trail are shown. */
const maxEvents = 100;

const tableOf = (
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): Html => html`
  <table class="nhsuk-table">
    <caption class="nhsuk-table__caption">
      ${caption}
    </caption>
    <thead class="nhsuk-table__head">
      <tr>
        ${columns.map((column) => html`<th scope="col">${column}</th>`)}
      </tr>
    </thead>
    <tbody class="nhsuk-table__body">
      ${rows.map(
        (row) =>
          html`<tr class="nhsuk-table__row">
            ${row.map((cell) => html`<td class="nhsuk-table__cell">${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>
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
      `Metrics, in the namespace ${[...new Set(metrics.map(({ namespace }) => namespace))].join(', ')}`,
      ['Metric', 'Dimension', 'Values', 'Sum', 'Average', 'Maximum', 'Unit'],
      metrics.map(({ name, dimension, unit, count, sum, max }) => [
        ...[name, dimension ?? '', String(count), rounded(sum), rounded(sum / count), rounded(max), unit],
      ]),
    )}
    ${tableOf(
      'Audit trail, the latest event first',
      ['Time', 'Event', 'Person (keyed hash)', 'Details'],
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
