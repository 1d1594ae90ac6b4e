import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { usageCode } from './errors.ts';
import { oneLine } from './wording.ts';

/** The result of a command. */
export interface Result {
  /** The command was carried out, and found something wrong: the exit status is 1. */
  readonly failed?: boolean;
  /** For `--json`. */
  readonly document: unknown;
  /** For people; a line each. */
  readonly lines: readonly string[];
}

/** Those of the process, or of a test. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Input and output of a command. */
export interface Io {
  /** There is a terminal to ask on. */
  readonly interactive: boolean;
  readonly stdin: Readable;
  /** Prints lines for people before anything is changed. With `--json` only where a question follows. */
  show(lines: readonly string[]): void;
  /** A line on standard error: progress, warnings. */
  note(line: string): void;
  /** Asks for a yes; anything else, or the end of the input, is a no. */
  confirm(question: string): Promise<boolean>;
  finish(result: Result): void;
  /** A failure: one line on standard error and, with `--json`, a document on standard output. */
  fail(error: { code: string; message: string }): void;
}

const printable = (line: string): string => line.replaceAll(/[\p{Cc}\p{Cf}]/gu, '?');

/**
 * @param options.json - standard output gets exactly one JSON document
 * @param options.asks - the command may ask
 */
export function createIo(
  { json, asks }: { json: boolean; asks: boolean },
  { stdin, stdout, stderr }: Streams,
): Io {
  const interactive = stdin.isTTY === true;
  const print = (stream: Writable, lines: readonly string[]): void => {
    stream.write(lines.map((line) => `${printable(line)}\n`).join(''));
  };
  const printJson = (document: unknown): void => {
    stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  };

  return {
    interactive,
    stdin,
    show: (lines) => {
      if (!json) print(stdout, lines);
      else if (asks && interactive) print(stderr, lines);
    },
    note: (line) => {
      print(stderr, [line]);
    },
    confirm: (question) =>
      new Promise((resolve) => {
        const terminal = createInterface({ input: stdin, output: stderr });
        let answer = '';
        terminal.on('close', () => {
          resolve(/^y(es)?$/i.test(answer.trim()));
        });
        terminal.on('SIGINT', () => {
          stderr.write('\n');
          terminal.close();
        });
        terminal.question(`${printable(question)} [y/N] `, (text) => {
          answer = text;
          terminal.close();
        });
      }),
    finish: ({ document, lines }) => {
      if (json) printJson(document);
      else print(stdout, lines);
    },
    fail: ({ code, message }) => {
      const line = oneLine(message);
      if (json) printJson({ error: { code, message: line } });
      // The runbooks list the codes.
      const isNamed = code === usageCode || line.includes(`(${code})`);
      print(stderr, [`cis2-bff ops: ${line}${isNamed ? '' : ` (${code})`}`]);
    },
  };
}
