import { CommandFailed } from '../errors.ts';
import { oneLine } from '../wording.ts';

/** What is wrong, and what to do about it. Both are shown: neither may hold a secret. */
class Problem extends Error {
  readonly advice: string;

  constructor(detail: string, advice: string) {
    super(oneLine(detail));
    this.advice = oneLine(advice);
  }
}

/** Something is wrong now. */
export class Fault extends Problem {
  override readonly name = 'Fault';
}

/** Something went wrong, and may be right by now. */
export class Warning extends Problem {
  override readonly name = 'Warning';
}

/** Nothing is known, because something that comes before it is at fault. */
export class NotChecked extends Error {
  override readonly name = 'NotChecked';
}

export type Finding =
  | { readonly check: string; readonly result: 'ok' | 'not checked'; readonly detail: string }
  | {
      readonly check: string;
      readonly result: 'fault' | 'warning';
      readonly detail: string;
      /** What to do. */
      readonly advice: string;
    };

/** Runs one check. @param work - returns what was found to be right; throws a {@link Problem} or {@link NotChecked} */
async function checked(check: string, work: () => Promise<string>): Promise<Finding> {
  try {
    return { check, result: 'ok', detail: oneLine(await work()) };
  } catch (error) {
    if (error instanceof NotChecked) return { check, result: 'not checked', detail: error.message };
    if (error instanceof Problem) {
      const result = error instanceof Warning ? 'warning' : 'fault';
      return { check, result, detail: error.message, advice: error.advice };
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

/** Runs checks one after the other, and keeps what each has found. */
export class Checks {
  readonly findings: Finding[] = [];

  /** @returns the value that the check found, or undefined where something is wrong */
  async find<T>(
    check: string,
    work: () => Promise<readonly [detail: string, value: T]>,
  ): Promise<T | undefined> {
    let value: T | undefined;
    const finding = await checked(check, async () => {
      const [detail, found] = await work();
      value = found;
      return detail;
    });
    this.findings.push(finding);
    return value;
  }

  async run(check: string, work: () => Promise<string> | string): Promise<void> {
    this.findings.push(await checked(check, async () => work()));
  }
}
