import { createInterface } from 'node:readline';
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

/** Input and output of a command. */
export interface Io {
  /** There is a terminal to ask on. */
  readonly interactive: boolean;
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
export function processIo({ json, asks }: { json: boolean; asks: boolean }): Io {
  const interactive = process.stdin.isTTY;
  const print = (stream: NodeJS.WriteStream, lines: readonly string[]): void => {
    stream.write(lines.map((line) => `${printable(line)}\n`).join(''));
  };
  const printJson = (document: unknown): void => {
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  };

  return {
    interactive,
    show: (lines) => {
      if (!json) print(process.stdout, lines);
      else if (asks && interactive) print(process.stderr, lines);
    },
    note: (line) => {
      print(process.stderr, [line]);
    },
    confirm: (question) =>
      new Promise((resolve) => {
        const terminal = createInterface({ input: process.stdin, output: process.stderr });
        let answer = '';
        terminal.on('close', () => {
          resolve(/^y(es)?$/i.test(answer.trim()));
        });
        terminal.on('SIGINT', () => {
          process.stderr.write('\n');
          terminal.close();
        });
        terminal.question(`${printable(question)} [y/N] `, (text) => {
          answer = text;
          terminal.close();
        });
      }),
    finish: ({ document, lines }) => {
      if (json) printJson(document);
      else print(process.stdout, lines);
    },
    fail: ({ code, message }) => {
      const line = oneLine(message);
      if (json) printJson({ error: { code, message: line } });
      // The runbooks list the codes.
      const isNamed = code === usageCode || line.includes(`(${code})`);
      print(process.stderr, [`cis2-bff ops: ${line}${isNamed ? '' : ` (${code})`}`]);
    },
  };
}
