import { BffError } from '../common/index.ts';
import { describeError, type Logger } from '../telemetry/index.ts';
import type { HttpResponse } from './response.ts';

/** The error table: code of a problem → its status, and its title for a person. */
const problems = {
  invalid_request: [400, 'The request is not valid'],
  session_required: [401, 'Sign in to continue'],
  session_ended: [401, 'Your session has ended. Sign in to continue'],
  step_up_required: [401, 'Sign in again to do this'],
  csrf_rejected: [403, 'The request did not come from this application'],
  role_not_permitted: [403, 'You cannot work in this role here'],
  role_required: [403, 'Choose a role first'],
  not_found: [404, 'Not found'],
  method_not_allowed: [405, 'This method cannot be used here'],
  session_changed: [409, 'You are signed in differently now'],
  payload_too_large: [413, 'The request is too large'],
  unsupported_media_type: [415, 'This content type cannot be used here'],
  rate_limited: [429, 'Too many requests. Try again shortly'],
  internal_error: [500, 'Something went wrong'],
  upstream_invalid: [502, 'The service behind this one did not answer properly'],
  store_unavailable: [503, 'The service is not available. Try again shortly'],
  provider_unavailable: [503, 'An NHS service is not available. Try again shortly'],
  keys_unavailable: [503, 'The service is not available. Try again shortly'],
  upstream_timeout: [504, 'The service behind this one took too long'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof problems;
const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(problems, code);

const retryAfterSeconds = 5;

/** A response that is an error. Throw it from anywhere in a handler. */
export class Problem extends BffError {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly status: number;
  /** Members in addition to the standard ones: never a value of the request. */
  readonly members: Readonly<Record<string, string | boolean>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    options: {
      members?: Record<string, string | boolean>;
      headers?: Record<string, string>;
      cause?: unknown;
    } = {},
  ) {
    super(problems[code][1], { cause: options.cause });
    this.code = code;
    this.status = problems[code][0];
    this.members = options.members ?? {};
    this.headers = options.headers ?? {};
  }
}

/**
 * The problem of an error: itself if it is one, the one with the code of a module's error, else `internal_error`.
 */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof BffError && isProblemCode(error.code))
    return new Problem(error.code, { cause: error });
  return new Problem('internal_error', { cause: error });
}

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

/**
 * Problem details (RFC 9457), and a header that is never passed on from an upstream: it tells a page that the error is
 * ours.
 */
export function problemResponse(problem: Problem, reference: string): HttpResponse {
  const { status } = problem;
  const [, title] = problems[problem.code];
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 503 || status === 429 ? { 'retry-after': String(retryAfterSeconds) } : {}),
      ...problem.headers,
      'x-bff-problem': problem.code,
    },
    body: JSON.stringify({
      type: `urn:cis2-bff:problem:${problem.code}`,
      title,
      status,
      code: problem.code,
      reference,
      ...(status === 401 ? { loginUrl: '/auth/login' } : {}),
      ...problem.members,
    }),
  };
}
