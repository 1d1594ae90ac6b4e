/** Why a command failed. The message is one line: what, why, what to do. */
abstract class CommandError extends Error {
  /** Stable; `--json` prints it. */
  abstract readonly code: string;
  abstract readonly exitCode: 1 | 2;
}

/** The command could not be carried out. */
export class CommandFailed extends CommandError {
  override readonly name = 'CommandFailed';
  override readonly exitCode = 1;
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The code of wrong usage: there is no other. */
export const usageCode = 'bad_usage';

/** The command line is wrong. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';
  override readonly exitCode = 2;
  readonly code = usageCode;
}

export const isCommandError = (error: unknown): error is CommandError => error instanceof CommandError;
