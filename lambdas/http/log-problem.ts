import { describeError, type Logger } from '../telemetry/index.ts';
import type { Problem } from './problem.ts';

/** Whether a rule refused a request that reached a route. A missing or ended session is no such rule. */
const isRefusal = ({ status, code }: Problem): boolean =>
  code === 'step_up_required' || (status < 500 && ![401, 404, 405].includes(status));

/** Logs why a request failed, in addition to its own line. An unexpected error is logged without its message. */
export function logProblem(problem: Problem, log: Logger): void {
  const { cause } = problem;
  if (problem.code === 'internal_error') log('unexpected_error', describeError(cause ?? problem));
  else if (cause !== undefined) log('dependency_failed', { code: problem.code, ...describeError(cause) });
  if (isRefusal(problem)) log.measure('Refused', 1, problem.code);
}
