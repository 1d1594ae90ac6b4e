/** What is known of a call that did not give what was asked for. */
export interface BffErrorDetails {
  /** Of the response; 0 when none came. */
  readonly status?: number;
  readonly reference?: string | null;
  readonly retryAfterSeconds?: number | null;
  readonly problem?: Readonly<Record<string, unknown>> | null;
  readonly response?: Response;
}

/** A call that did not give what was asked for. */
export class BffError extends Error {
  declare readonly name: string;
  /**
   * A code of the BFF's problem details (RFC 9457), `upstream_refused` for a response of the upstream's own, `unreachable`
   * when no response came, or `invalid_answer` for one that makes no sense.
   */
  declare readonly code: string;
  /** Of the response; 0 when none came. */
  declare readonly status: number;
  /** Finds the entry in the service's log. */
  declare readonly reference: string | null;
  declare readonly retryAfterSeconds: number | null;
  /** The BFF's problem details; `null` when the response was not the BFF's. */
  declare readonly problem: Readonly<Record<string, unknown>> | null;
  /** The upstream's response, with its body unread; only with `upstream_refused`. */
  declare readonly response?: Response;

  constructor(code: string, details?: BffErrorDetails) {
    super(code);
    Object.assign(
      this,
      { name: 'BffError', code, status: 0, reference: null, retryAfterSeconds: null, problem: null },
      details,
    );
  }
}
