import {
  CommandRefused,
  readChoice,
  readJson,
  readText,
  readWhole,
  required,
  type CommandInput,
} from '../control-panel/input.ts';
import { controlPanelPath, isMarked } from '../control-panel/path.ts';
import type { Fault, Faults } from './faults.ts';
import { json, type HttpResponse, type Request } from './http.ts';

export const apiPath = `${controlPanelPath}/api/`;

/** What a tester can do to a simulator while something uses it, from within the process and over HTTP alike. */
export interface ControlPanel {
  /** Each returns what it has done, in a sentence, and throws CommandRefused for input it cannot work with. */
  readonly commands: Readonly<Record<string, (input: CommandInput) => string>>;
  /** Everything there is to see. Never a token or a secret. */
  readonly state: object;
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

/** The control API: `POST /control-panel/api/COMMAND` with `X-Control-Panel: 1`, and `GET /control-panel/api/state`. */
export function controlPanelResponse(controlPanel: ControlPanel, request: Request): HttpResponse {
  const problem = (status: number, error: string) => json(status, { error }, 'control panel: refused');
  const command = request.path.slice(apiPath.length);
  if (command === 'state') {
    return request.method === 'GET'
      ? json(200, controlPanel.state, 'control panel: state')
      : problem(405, 'Use GET.');
  }
  const run = Object.hasOwn(controlPanel.commands, command) ? controlPanel.commands[command] : undefined;
  if (run === undefined) return problem(404, 'There is no such command.');
  if (request.method !== 'POST') return problem(405, 'Use POST.');
  if (!isMarked(request.headers)) return problem(403, 'Send X-Control-Panel: 1.');
  try {
    return json(200, { message: run(readJson(request.body, request.headers)) }, `control panel: ${command}`);
  } catch (error) {
    if (!(error instanceof CommandRefused)) throw error;
    return problem(400, error.message);
  }
}
