import { types } from 'node:util';

/** The local run cannot start, or cannot go on. The message is one line for the person at the keyboard. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** What went wrong, in one line, whatever was thrown. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!types.isNativeError(error)) return String(error);
  const message = error.message === '' ? error.name : error.message;
  const line = message.split('\n', 1)[0] ?? message;
  return types.isNativeError(error.cause) && !line.includes(error.cause.message)
    ? `${line} (${reasonOf(error.cause)})`
    : line;
}

/** The system's code of an error (`EADDRINUSE`, `ENOENT`), when it has one. */
export const codeOf = (error: unknown): string | undefined =>
  types.isNativeError(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
