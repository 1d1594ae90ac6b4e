/** Texts for a person: times, tables, one line. */

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const satisfies readonly (readonly [Intl.RelativeTimeFormatUnit, number])[];

const relative = new Intl.RelativeTimeFormat('en-GB', { numeric: 'always' });

/**
 * How far an instant is from now, in the largest unit that it fills: `3 days ago`, `in 27 days`, `just now`. The past is rounded
 * down: a key must not look older than it is.
 *
 * @param instant - RFC 3339
 * @param now - milliseconds since the epoch
 */
export function age(instant: string, now: number): string {
  const seconds = Math.trunc((Date.parse(instant) - now) / 1000);
  if (Number.isNaN(seconds)) return 'at an unknown time';
  if (seconds === 0) return 'just now';
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? (['second', 1] as const);
  return relative.format(seconds < 0 ? Math.trunc(seconds / size) : Math.round(seconds / size), unit);
}

/** `2026-01-01 09:00:00 UTC (3 days ago)` */
export const instantWithAge = (instant: string, now: number): string => {
  const time = Date.parse(instant);
  if (Number.isNaN(time)) return 'at an unknown time';
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC (${age(instant, now)})`;
};

/** `1 session`, `2 sessions` */
export const plural = (count: number, noun: string): string =>
  `${String(count)} ${noun}${count === 1 ? '' : 's'}`;

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** One line without control characters: text from elsewhere must not move the cursor over ours. */
export const oneLine = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\p{Cc}\p{Cf}]/gu, '?')
    .trim();
