import type { Commands } from '../control-panel/api.ts';
import { readChoice, readText, readWhole, required, type CommandInput } from '../control-panel/input.ts';
import type { Fault, Faults } from './faults.ts';

/** What a tester can do to a simulator while something uses it, from within the process and over HTTP alike. */
export interface ControlPanel extends Commands {
  /** Each returns what it has done, in a sentence. */
  readonly commands: Readonly<Record<string, (input: CommandInput) => string>>;
}

const kinds = ['slow', 'reset', 'drop', 'status', 'quota'] as const;

function readFault(input: CommandInput): Fault {
  const kind = required(readChoice(input, 'kind', kinds), 'kind');
  const retryAfterSeconds = readWhole(input, 'retryAfterSeconds', 0, 86_400);
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  switch (kind) {
    case 'slow':
      return { kind, milliseconds: required(readWhole(input, 'milliseconds', 1, 120_000), 'milliseconds') };
    case 'status': {
      const [error, description] = [readText(input, 'error'), readText(input, 'description')];
      return {
        kind,
        status: required(readWhole(input, 'status', 200, 599), 'status'),
        ...(error === undefined ? {} : { error }),
        ...(description === undefined ? {} : { description }),
        ...retry,
      };
    }
    case 'quota':
      return { kind, ...retry };
    default:
      return { kind };
  }
}

/**
 * The command `fault`: `{"kind": "slow" | "reset" | "drop" | "status" | "quota" | "off", "operation"?, "times"?}`, with
 * `milliseconds`, or `status`, `error`, `description` and `retryAfterSeconds` where they belong.
 */
export const faultCommand =
  <Operation extends string>(faults: Faults<Operation>, operations: readonly Operation[]) =>
  (input: CommandInput): string => {
    if (input['kind'] === 'off') {
      faults.clear();
      return 'Nothing fails any more.';
    }
    const fault = readFault(input);
    const operation = readChoice(input, 'operation', operations);
    const times = readWhole(input, 'times', 1, 1_000);
    faults.add(fault, operation, times);
    const howOften = times === undefined ? 'until it is switched off' : `${String(times)} times`;
    return `${operation ?? 'Every operation'}: ${fault.kind}, ${howOften}.`;
  };
