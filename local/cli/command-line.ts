import { parseArgs } from 'node:util';
import { reasonOf, StartError } from '../errors.ts';

/** What an option takes: nothing, one value, or one value each time that it is given. */
export type OptionKind = 'switch' | 'value' | 'values';

/** Given options by name. */
export type GivenOptions = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** How many letters must be added, taken away or changed to make one word of another (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [line, letter] of one.split('').entries()) {
    const next = [line + 1];
    for (const [column, wanted] of other.split('').entries()) {
      next.push(
        Math.min(
          (next[column] ?? 0) + 1,
          (row[column + 1] ?? 0) + 1,
          (row[column] ?? 0) + (letter === wanted ? 0 : 1),
        ),
      );
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The known name that is most like a mistyped one. What begins with it, or holds it, is nearer than what only looks alike. */
function nearest(name: string, known: readonly string[]): string {
  const rank = (candidate: string): number =>
    distance(name, candidate) -
    (candidate.startsWith(name) ? 2 * candidate.length : candidate.includes(name) ? candidate.length : 0);
  return [...known].sort((one, other) => rank(one) - rank(other))[0] ?? '';
}

/**
 * Reads a command line.
 *
 * @param args - without the program's own name
 * @param options - by name; `--help` and `-h` are always there
 * @throws StartError in one line, for an unknown option with the nearest known one
 */
export function parseCommandLine(
  args: readonly string[],
  options: Readonly<Record<string, OptionKind>>,
): GivenOptions {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        help: { type: 'boolean', short: 'h' },
        ...Object.fromEntries(
          Object.entries(options).map(([name, kind]) => [
            name,
            { type: kind === 'switch' ? 'boolean' : 'string', multiple: kind === 'values' } as const,
          ]),
        ),
      },
    }).values;
  } catch (error) {
    // The parser adds hints, some on lines of their own; the first sentence says it all.
    const message = reasonOf(error).replace(/\.(?: .*)?$/, '');
    const unknown = /^Unknown option '--?([^']+)'/.exec(message)?.[1];
    const hint =
      unknown === undefined ? '' : `: did you mean --${nearest(unknown, ['help', ...Object.keys(options)])}?`;
    throw new StartError(`${message}${hint} (--help lists the options)`);
  }
}
