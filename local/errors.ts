/** The local run cannot start, or cannot go on. The message is one line for the person at the keyboard. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** What went wrong, in one line, whatever was thrown. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const message = error.message === '' ? error.name : error.message;
  const line = message.split('\n', 1)[0] ?? message;
  return error.cause instanceof Error && !line.includes(error.cause.message)
    ? `${line} (${reasonOf(error.cause)})`
    : line;
}
