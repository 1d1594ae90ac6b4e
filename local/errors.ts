/** The local run cannot start, or cannot go on. The message is one line for the person at the keyboard. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** By its shape and not by its class: an error of Node's own may come from another realm than this module. */
const isError = (value: unknown): value is Error =>
  typeof value === 'object' &&
  value !== null &&
  'message' in value &&
  typeof value.message === 'string' &&
  'name' in value &&
  typeof value.name === 'string';

/** What went wrong, in one line, whatever was thrown. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!isError(error)) return String(error);
  const message = error.message === '' ? error.name : error.message;
  const line = message.split('\n', 1)[0] ?? message;
  return isError(error.cause) && !line.includes(error.cause.message)
    ? `${line} (${reasonOf(error.cause)})`
    : line;
}

/** The system's code of an error (`EADDRINUSE`, `ENOENT`), when it has one. */
export const codeOf = (error: unknown): string | undefined =>
  isError(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
