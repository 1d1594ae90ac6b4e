import { createWriteStream, openSync } from 'node:fs';
import { isObject, parseJson, type JsonObject } from '../../lambdas/common/json.ts';
import { reasonOf, StartError } from '../errors.ts';

export const logFormats = ['json', 'pretty'] as const;
export type LogFormat = (typeof logFormats)[number];

/** Where the logs of a local run go: the functions' structured entries, or what a person wants to read of them. */
export interface LogSink {
  /** One line, without its end: as a function wrote it. */
  line(text: string): void;
  /** The latest lines, the oldest of them first, wherever they are written. */
  recent(): readonly string[];
  /** An entry of the local run itself, in the functions' own shape. */
  entry(level: 'info' | 'warn' | 'error', event: string, fields?: JsonObject): void;
  /**
   * Lines that came earlier were buffered; they are written now, and later ones at once.
   *
   * @param reminder - stands between the lines for people every now and then, so that it can be found
   */
  open(reminder: string): void;
  close(): Promise<void>;
}

/**
 * @param options.file - appended to; made readable by its owner alone
 * @param options.format - `json` as the functions write it, or `pretty`
 * @param options.quiet - without a file, nothing is written at all
 * @throws StartError when the file cannot be opened
 */
export function createLogSink(options: {
  file: string | undefined;
  format: LogFormat;
  quiet: boolean;
}): LogSink {
  const stream = options.file === undefined ? undefined : openFile(options.file);
  let reminder: string | undefined;
  let written = 0;
  const write = (entry: string): void => {
    const text = options.format === 'pretty' ? prettyLine(entry) : entry;
    if (text === undefined) return;
    written += 1;
    if (reminder !== undefined && written % remindEvery === 0) print(reminder);
    print(text);
  };
  const print = (text: string): void => {
    if (stream !== undefined) stream.write(`${text}\n`);
    else if (!options.quiet) process.stdout.write(`${text}\n`);
  };

  // What the run prints for people comes first on standard output; a file can have its lines at once.
  let buffered: string[] | undefined = stream === undefined ? [] : undefined;
  const recent: string[] = [];
  const line = (text: string): void => {
    recent.push(text);
    if (recent.length >= 2 * maxRecent) recent.splice(0, recent.length - maxRecent);
    if (buffered === undefined) write(text);
    else buffered.push(text);
  };
  return {
    line,
    recent: () => recent.slice(-maxRecent),
    entry: (level, event, fields = {}) => {
      line(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }));
    },
    open: (text) => {
      reminder = options.format === 'pretty' ? text : undefined;
      const lines = buffered ?? [];
      buffered = undefined;
      lines.forEach(write);
    },
    close: () =>
      new Promise((resolve) => {
        if (stream === undefined || stream.destroyed) resolve();
        else
          stream.end(() => {
            resolve();
          });
      }),
  };
}

/** So many lines stay in memory, for whoever traces a reference. */
const maxRecent = 5_000;

/** After how many lines the addresses would be out of sight. */
const remindEvery = 20;

/** What stands in an entry for the machine, or is said better elsewhere on a line. */
const notShown = new Set([
  ...['time', 'level', 'event', 'function', 'route', 'method', 'status', 'durationMs', 'audit', 'person'],
]);

/** The members by which a line carries metrics to CloudWatch (embedded metric format). */
const metricMembers = ({ _aws: format, ...members }: JsonObject): string[] =>
  format === undefined ? [] : ['_aws', ...Object.keys(members).filter((name) => /^[A-Z]/.test(name))];

/** Fields as `name=value`, as far as they are there. */
const details = (entry: JsonObject): string => {
  const metrics = metricMembers(entry);
  return Object.entries(entry)
    .filter(
      ([name, value]) =>
        !notShown.has(name) && !metrics.includes(name) && value !== undefined && value !== null,
    )
    .map(([name, value]) => `  ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
};

/**
 * An entry of the functions' log as one short line: requests, warnings and errors.
 *
 * @param text - a line of the log; what is no JSON object stays as it is
 * @returns undefined for an entry that says more than a person at the terminal wants to know
 */
function prettyLine(text: string): string | undefined {
  const entry = parseJson(text);
  if (!isObject(entry)) return text;
  const { time, level, event, route, method, status, durationMs, message } = entry;
  const at = new Date(String(time));
  const clock = Number.isNaN(at.getTime()) ? '' : at.toTimeString().slice(0, 8);
  if (event === 'request') {
    const [words, milliseconds] = [String(route), String(Math.round(Number(durationMs)))];
    const what = words.includes(' ') ? words : `${String(method)} ${words}`;
    const refused = Number(status) >= 400 || 'code' in entry ? details(entry) : '';
    return `${clock}  ${String(status)}  ${what}  ${milliseconds} ms${refused}`;
  }
  // The simulators write a line a request themselves.
  if (typeof message === 'string') return `${clock}  ${String(event).replaceAll('_', ' ')}: ${message}`;
  if (level !== 'warn' && level !== 'error') return undefined;
  return `${clock}  ${level}: ${String(event).replaceAll('_', ' ')}${details(entry)}`;
}

function openFile(file: string) {
  try {
    const stream = createWriteStream(file, { fd: openSync(file, 'a', 0o600) });
    stream.on('error', (error) => {
      process.stderr.write(`cannot write the log file ${file}: ${reasonOf(error)}\n`);
      stream.destroy();
    });
    return stream;
  } catch (error) {
    throw new StartError(`cannot open the log file ${file}: ${reasonOf(error)}`);
  }
}

/** Cuts a stream of chunks into lines. */
export function lineSplitter(take: (line: string) => void): (chunk: Buffer | string) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    lines.filter((text) => text !== '').forEach(take);
  };
}
