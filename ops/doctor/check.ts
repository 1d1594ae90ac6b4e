import { CommandFailed } from '../errors.ts';
import { oneLine } from '../wording.ts';

/** What is wrong, and what to do about it. Both are shown: neither may hold a secret. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly advice: string;

  constructor(detail: string, advice: string) {
    super(oneLine(detail));
    this.advice = oneLine(advice);
  }
}

/** Nothing is known, because something that comes before it is at fault. */
export class NotChecked extends Error {
  override readonly name = 'NotChecked';
}

export type Finding =
  | { readonly check: string; readonly result: 'ok' | 'not checked'; readonly detail: string }
  | {
      readonly check: string;
      readonly result: 'fault';
      readonly detail: string;
      /** What to do. */
      readonly advice: string;
    };

/** Runs one check. @param work - gives what was found to be right; throws a {@link Fault} or {@link NotChecked} */
export async function checked(check: string, work: () => Promise<string>): Promise<Finding> {
  try {
    return { check, result: 'ok', detail: oneLine(await work()) };
  } catch (error) {
    if (error instanceof NotChecked) return { check, result: 'not checked', detail: error.message };
    if (error instanceof Fault) {
      return { check, result: 'fault', detail: error.message, advice: error.advice };
    }
    if (error instanceof CommandFailed) {
      return {
        check,
        result: 'fault',
        detail: `it could not be checked: ${oneLine(error.message)}`,
        advice: 'Fix that, and run doctor again.',
      };
    }
    throw error;
  }
}
