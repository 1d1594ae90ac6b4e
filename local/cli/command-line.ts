import { parseArgs } from 'node:util';
import { didYouMean } from '../../manifest/nearest.ts';
import { reasonOf, StartError } from '../errors.ts';
import { parserOptions, type OptionSpecs } from './option-specs.ts';

/** Given options by name. */
export type GivenOptions = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/**
 * Reads a command line.
 *
 * @param args - without the program's own name
 * @param options - by name; `--help` and `-h` are always there
 * @throws StartError in one line, for an unknown option with the nearest known one
 */
export function parseCommandLine(args: readonly string[], options: OptionSpecs): GivenOptions {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: parserOptions(options),
    }).values;
  } catch (error) {
    // The parser adds hints, some on lines of their own; the first sentence says it all.
    const message = reasonOf(error).replace(/\.(?: .*)?$/, '');
    const unknown = /^Unknown option '--?([^']+)'/.exec(message)?.[1];
    const names = ['help', ...Object.keys(options)].map((name) => `--${name}`);
    const hint = unknown === undefined ? '' : didYouMean(`--${unknown}`, names);
    throw new StartError(`${message}${hint} (--help lists the options)`);
  }
}
