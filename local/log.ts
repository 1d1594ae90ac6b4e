import { createWriteStream, openSync } from 'node:fs';
import { reasonOf, StartError } from './errors.ts';

/** Where the structured logs of a local run go, one JSON object a line. */
export interface LogSink {
  /** One line, without its end: as a function wrote it. */
  line(text: string): void;
  /** An entry of the local run itself, in the functions' own shape. */
  entry(level: 'info' | 'warn' | 'error', event: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Lines that came earlier were kept back; they are written now, and later ones at once. */
  open(): void;
  close(): Promise<void>;
}

/**
 * @param options.file - appended to; made readable by its owner alone
 * @param options.quiet - without a file, nothing is written at all
 * @throws StartError when the file cannot be opened
 */
export function createLogSink(options: { file: string | undefined; quiet: boolean }): LogSink {
  const stream = options.file === undefined ? undefined : openFile(options.file);
  const write = (text: string): void => {
    if (stream !== undefined) stream.write(`${text}\n`);
    else if (!options.quiet) process.stdout.write(`${text}\n`);
  };

  // What the run prints for people comes first on standard output; a file can have its lines at once.
  let keptBack: string[] | undefined = stream === undefined ? [] : undefined;
  const line = (text: string): void => {
    if (keptBack === undefined) write(text);
    else keptBack.push(text);
  };
  return {
    line,
    entry: (level, event, fields = {}) => {
      line(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }));
    },
    open: () => {
      const lines = keptBack ?? [];
      keptBack = undefined;
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
