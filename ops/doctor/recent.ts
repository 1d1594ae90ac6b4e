/** What failed for people in the last hour, by the log. */
import { faultCodes } from '../../lambdas/fault-codes.ts';
import type { LogEntry } from '../logs.ts';
import { age } from '../wording.ts';
import { Warning } from './check.ts';
import { text } from './log-entry.ts';

export const recentHours = 1;

/** @param reference - @returns the command that shows its log entries */
export type TraceCommand = (reference: string) => string;

/** Name → the entries that have it, as they came. */
const grouped = (
  entries: readonly LogEntry[],
  nameOf: (entry: LogEntry) => string,
): readonly (readonly [string, readonly LogEntry[]])[] =>
  [...Map.groupBy(entries, nameOf)].toSorted(([, one], [, other]) => other.length - one.length);

const counts = (groups: ReturnType<typeof grouped>): string =>
  groups.map(([name, { length }]) => `${String(length)} ${name}`).join(', ');

const newest = (groups: ReturnType<typeof grouped>, now: number, trace: TraceCommand): string =>
  groups
    .flatMap(([name, [entry]]) =>
      entry === undefined
        ? []
        : [`Newest ${name}, ${age(text(entry, 'time'), now)}: ${trace(text(entry, 'reference'))}`],
    )
    .join('; ');

/**
 * Sign-ins that failed. One that a person gave up, or that a rule of the app refused, is no fault.
 *
 * @param failures - the log entries of what failed, the latest first
 */
export function checkRecentSignIns(failures: readonly LogEntry[], now: number, trace: TraceCommand): string {
  const failed = grouped(
    failures.filter((entry) => text(entry, 'event') === 'sign_in_failed'),
    (entry) => text(entry, 'code'),
  );
  const isFault = (code: string): boolean => faultCodes.some((fault) => fault === code);
  const faults = failed.filter(([code]) => isFault(code));
  const others = failed.filter(([code]) => !isFault(code));
  if (faults.length > 0) {
    throw new Warning(
      `sign-ins failed in the last hour: ${counts(faults)}${others.length === 0 ? '' : `; ended by users or by rules of the app: ${counts(others)}`}`,
      newest(faults, now, trace),
    );
  }
  return others.length === 0
    ? 'none failed in the last hour'
    : `only users or rules of the app ended some in the last hour: ${counts(others)}`;
}

/**
 * Requests that were answered 5xx, by our functions or for an upstream.
 *
 * @param failures - the log entries of what failed, the latest first
 */
export function checkRecentRequests(failures: readonly LogEntry[], now: number, trace: TraceCommand): string {
  const failed = grouped(
    failures.filter((entry) => text(entry, 'event') === 'request'),
    (entry) =>
      `${text(entry, 'code')} of ${text(entry, 'upstream') === '' ? text(entry, 'route') : `upstream ${text(entry, 'upstream')}`}`,
  );
  if (failed.length === 0) return 'none was answered 5xx in the last hour';
  throw new Warning(
    `requests were answered 5xx in the last hour: ${counts(failed)}`,
    newest(failed, now, trace),
  );
}
