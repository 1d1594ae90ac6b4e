/** Why a command ends without having done what it was asked for. The message is one line: what, why, what to do. */
abstract class CommandError extends Error {
  /** Stable; `--json` prints it. */
  abstract readonly code: string;
  abstract readonly exitCode: 1 | 2;
}

/** It could not be done. */
export class CommandFailed extends CommandError {
  override readonly name = 'CommandFailed';
  override readonly exitCode = 1;
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The command line does not say what to do. */
export class UsageError extends CommandError {
  override readonly name = 'UsageError';
  override readonly exitCode = 2;
  readonly code = 'bad_usage';
}

export const isCommandError = (error: unknown): error is CommandError => error instanceof CommandError;
