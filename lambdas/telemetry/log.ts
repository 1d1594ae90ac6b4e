/**
 * The only place that writes logs: one JSON object a line. `events.ts` lists what can be logged.
 *
 * Metrics are members of the line `request`, so that they need no line of their own.
 */
import { BffError, Secret } from '../common/index.ts';
import { events, type EventSpec, type Level } from './events.ts';
import { requestMetrics, type RequestMetric } from './metrics.ts';

export type { Level } from './events.ts';

type EventName = keyof typeof events;
type Words<Text extends string> = Text extends `${infer First} ${infer Rest}` ? First | Words<Rest> : Text;
type FieldOf<Name extends EventName> = Words<(typeof events)[Name]['fields']>;
type Value = string | number | boolean | readonly string[] | undefined;

const rank: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

type FieldsOf<Name extends EventName> = { readonly [Field in FieldOf<Name>]?: Value };

export interface Logger {
  /** Writes `event` if its level is enabled. Fields outside the registry are dropped at run time too. */
  <Name extends EventName>(event: Name, fields?: FieldsOf<Name>): void;
  /** A logger whose lines have this reference, which the user is shown. */
  withReference(reference: string): Logger;
  /** Sets fields of this request's line that only its handler knows. */
  note(fields: FieldsOf<'request'>): void;
  /**
   * Adds a measurement that belongs to no event, for the next line of a request.
   *
   * @param value - 1, where it is a count
   * @param by - the value of the metric's dimension, where it has one
   */
  measure(metric: RequestMetric, value?: number, by?: string): void;
}

const maxValue = 200;

/** Printable ASCII only and of bounded length, so that no value can forge a line or hold a terminal escape. */
const plain = (value: string): string => value.slice(0, maxValue).replace(/[^\x20-\x7e]/g, '?');

const scalar = (value: unknown): unknown => {
  if (value instanceof Secret) return String(value);
  if (typeof value === 'string') return plain(value);
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
};
const loggable = (value: unknown): unknown =>
  Array.isArray(value) ? value.slice(0, 20).map(scalar) : scalar(value);

/**
 * @param options.functionName - is on every line
 * @param options.level - the minimum level that is written
 * @param options.namespace - of the metrics; undefined for a log without metrics
 * @param options.write - writes one line without its line end. @default standard output
 */
export function createLogger(options: {
  functionName: string;
  level: Level;
  namespace?: string;
  write?: (line: string) => void;
}): Logger {
  const write = options.write ?? ((line) => void process.stdout.write(`${line}\n`));
  // Shared by all requests: an instance handles one at a time.
  const metrics = requestMetrics(options.namespace);
  const measure: Logger['measure'] = (metric, value = 1, by = '') => {
    metrics.add(metric, value, by);
  };

  const forReference = (reference: string | undefined): Logger => {
    let noted: Record<string, unknown> = {};
    const note: Logger['note'] = (fields) => {
      noted = fields;
    };
    const log = (event: EventName, given: Record<string, unknown> = {}): void => {
      const fields = event === 'request' ? { ...noted, ...given } : given;
      const { level = 'info', fields: allowed, audit, counts, by = '' }: EventSpec = events[event];
      if (counts !== undefined) metrics.add(counts, 1, loggable(fields[by]) ?? by);
      const measured = event === 'request' ? metrics.take() : undefined;
      const isOn = audit === true || rank[level] >= rank[options.level];
      if (!isOn && measured === undefined) return;
      const line: Record<string, unknown> = {};
      if (isOn) {
        const time = new Date().toISOString();
        Object.assign(line, { time, level, event, function: options.functionName, reference, audit });
        for (const name of allowed.split(' ')) line[name] = loggable(fields[name]);
      }
      write(JSON.stringify(Object.assign(line, measured)));
    };
    return Object.assign(log, { withReference: forReference, note, measure });
  };
  return forReference(undefined);
}

/** The loggable parts of an unexpected error: its class, the class of its cause, and where it was thrown. */
export function describeError(error: unknown): { error: string; cause?: string; at?: string } {
  if (!(error instanceof Error)) return { error: typeof error };
  // The stack begins with the message, which may hold any data: only the frames are read.
  const [, ...frames] = (error.stack ?? '').split(error.message);
  const at = /\n\s+at (?:async )?([^\s(]+)/.exec(frames.join(error.message))?.[1];
  return {
    error: error.name,
    ...(error.cause instanceof Error ? { cause: error.cause.name } : {}),
    ...(at === undefined ? {} : { at: at.replace(/^.*[/\\]/, '') }),
  };
}

/**
 * Logs an error as the failure of something we depend on, or as one that nobody expected.
 *
 * @param detail - in our own words
 */
export function logFailure(log: Logger, error: unknown, detail?: string): void {
  if (error instanceof BffError)
    log('dependency_failed', { code: error.code, detail, ...describeError(error) });
  else log('unexpected_error', describeError(error));
}
