import type { Installation } from './installation.ts';
import type { Io, Result } from './io.ts';

/** What a command works on: an environment, a stack of an app's own, or a local start. */
export type Target =
  | { readonly kind: 'environment'; readonly name: string; readonly region: string }
  | {
      readonly kind: 'stack';
      readonly name: string;
      /** The construct, by its path in the stack. */
      readonly construct: string | undefined;
      readonly region: string;
    }
  | { readonly kind: 'local'; readonly port: number };

export type Purpose = 'cis2' | 'api-platform';

/** The command line, checked. Options that the command does not have are absent or off. */
export interface Arguments {
  readonly operands: readonly string[];
  readonly target: Target;
  readonly purpose: Purpose;
  readonly json: boolean;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly kid: string | undefined;
  readonly now: boolean;
  readonly uid: string | undefined;
  readonly all: boolean;
  readonly hours: number | undefined;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

export interface Context {
  readonly io: Io;
  readonly clock: Clock;
  /** Finds the installation. Call it after the checks that need none. */
  open(target: Target): Promise<Installation>;
}

/** Options that only some commands have. */
export type OwnOption = 'purpose' | 'yes' | 'dry-run' | 'kid' | 'now' | 'uid' | 'all' | 'hours';

export interface Command {
  /** The words that call it, e.g. `keys status`. */
  readonly name: string;
  /** Names of the operands after them, all required. */
  readonly operands: readonly string[];
  readonly options: readonly OwnOption[];
  /** One line for the list of commands. */
  readonly summary: string;
  /** Lines for the command's own help. */
  readonly help: readonly string[];
  /** What AWS must allow whoever runs it. */
  readonly actions: readonly string[];
  /** It changes nothing: the read-only role has its rights. */
  readonly readOnly?: true;
  /** What is wrong with a combination of valid options, in words that follow the command's name. */
  readonly misuse?: (args: Arguments) => string | undefined;
  /** @throws CommandFailed */
  run(args: Arguments, context: Context): Promise<Result>;
}
