/**
 * The only place that writes logs: one JSON object a line. What can be logged is a registry: an event must be listed
 * here with the fields it may carry, so nothing reaches a log that nobody decided to put there.
 */
import { Secret } from '../common/index.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';

/** Event → its level and the fields it may carry. */
const events = {
  /** One a request. `route` is the pattern, never the path; `code` is the problem's or the failed sign-in's. */
  request: { level: 'info', fields: ['route', 'method', 'status', 'code', 'durationMs'] },
  /** Something that nobody expected. Name and place of the error; its message may hold anything, so it stays out. */
  unexpected_error: { level: 'error', fields: ['error', 'cause', 'at'] },
  /** Something we lean on did not answer: the store, CIS2, the keys. */
  dependency_failed: { level: 'error', fields: ['code', 'detail', 'error', 'cause', 'at'] },
  /**
   * One a proxied call. `requestId` is the `X-Request-ID` that the upstream was sent; `refusedBy` the step that ended the
   * call, `fault` what the upstream did. Never a path's variables, a query or a body.
   */
  api_call: {
    level: 'info',
    fields: [
      ...['upstream', 'route', 'method', 'status', 'requestId', 'upstreamStatus', 'upstreamMs'],
      ...['tokenMs', 'tries', 'refreshed', 'refusedBy', 'fault'],
    ],
  },
  warm_up: { level: 'info', fields: ['durationMs', 'failed'] },
  manifest_unusable: { level: 'error', fields: ['problem'] },
  settings_invalid: { level: 'error', fields: ['problems'] },
  /** Scopes that the app has no use for; `requirement` is the rule of CIS2's that they break. */
  scopes_unneeded: { level: 'warn', fields: ['scopes', 'requirement'] },
  provider_metadata_stale: { level: 'warn', fields: ['document', 'ageSeconds'] },
  signing_keys_stale: { level: 'warn', fields: ['error'] },
  signing_keys_created: { level: 'info', fields: ['purpose', 'kids'] },
  signing_keys_published: { level: 'info', fields: ['purpose', 'kids'] },
  /** A step of a rotation was done. */
  rotation_step_done: { level: 'info', fields: ['purpose', 'step'] },
  /** A step of a rotation failed; `detail` is in our own words. Nothing else has changed which key signs. */
  rotation_step_failed: {
    level: 'error',
    fields: ['purpose', 'step', 'code', 'detail', 'error', 'cause', 'at'],
  },
  signing_keys_rotated: { level: 'info', fields: ['purpose', 'kids'] },
  signing_keys_promoted: { level: 'warn', fields: ['purpose', 'kids'] },
  signing_key_imported: { level: 'warn', fields: ['purpose', 'kids'] },
  /** An operator's change that was not made. */
  signing_keys_change_refused: { level: 'warn', fields: ['purpose', 'operation', 'code'] },
  /** Something else was published than belongs to the ring; it has been put right. */
  published_set_differed: { level: 'error', fields: ['purpose', 'kids'] },
  /** `members` of CIS2's token response that were not what they should be, and could be done without. */
  token_response_odd: { level: 'warn', fields: ['members'] },
  sign_in_started: { level: 'info', fields: ['acr', 'prompt', 'role'] },
  sign_in_completed: {
    level: 'info',
    fields: ['authenticationLevel', 'identityLevel', 'roles', 'roleChosen'],
  },
  /** `check` names the rule that failed, in our words. */
  sign_in_failed: { level: 'warn', fields: ['code', 'check'] },
  /** A session cookie that opens no session: never ours, or long gone. */
  session_refused: { level: 'info', fields: ['why'] },
  /** Somebody was told that their session is over, and why. */
  session_over: { level: 'info', fields: ['reason'] },
  session_unreadable: { level: 'error', fields: ['item'] },
  session_ended: { level: 'info', fields: ['reason', 'count'] },
  role_changed: { level: 'info', fields: [] },
  /** A user's tokens for another service were got. `waitedMs`: how long the call had waited by then. */
  token_exchanged: { level: 'info', fields: ['audience', 'waitedMs'] },
  token_refreshed: { level: 'info', fields: ['audience', 'waitedMs'] },
  /** `error` is the token endpoint's code, where it is a known one, or what else went wrong. */
  token_refused: { level: 'warn', fields: ['audience', 'error'] },
  /** A token answer was used, but for the members in `ignored`, whose values cannot be right. */
  token_answer_odd: { level: 'warn', fields: ['audience', 'ignored'] },
  /** A call waited for the tokens that another got. */
  lease_waited: { level: 'info', fields: ['audience', 'waitedMs'] },
  /** What CIS2 said is over, and how many sessions that ended. `repeated`: the same token came before. */
  backchannel_logout: { level: 'info', fields: ['by', 'ended', 'repeated'] },
  /** `check` names the rule that failed, in our words. */
  logout_token_refused: { level: 'warn', fields: ['check'] },
  request_refused: { level: 'warn', fields: ['guard'] },
} as const satisfies Record<string, { level: Level; fields: readonly string[] }>;

export type EventName = keyof typeof events;
type FieldOf<Name extends EventName> = (typeof events)[Name]['fields'][number];
type Value = string | number | boolean | readonly string[] | undefined;

const rank: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface Logger {
  /** Writes `event` if its level is on. Fields outside the registry are dropped, whatever a caller casts. */
  <Name extends EventName>(event: Name, fields?: { readonly [Field in FieldOf<Name>]?: Value }): void;
  /** A logger whose lines carry this reference: the one the user is shown. */
  withReference(reference: string): Logger;
}

const maxValue = 200;

/** Printable ASCII only and of bounded length, so that no value can forge a line or a terminal escape. */
const plain = (value: string): string => value.replace(/[^\x20-\x7e]/g, '?').slice(0, maxValue);

const scalar = (value: unknown): unknown => {
  if (value instanceof Secret) return String(value);
  if (typeof value === 'string') return plain(value);
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
};
const loggable = (value: unknown): unknown =>
  Array.isArray(value) ? value.slice(0, 20).map(scalar) : scalar(value);

/**
 * @param options.functionName - stands on every line
 * @param options.level - the least level that is written
 * @param options.write - takes one line without its end; standard output unless a test says otherwise
 */
export function createLogger(options: {
  functionName: string;
  level: Level;
  write?: (line: string) => void;
}): Logger {
  const write = options.write ?? ((line) => void process.stdout.write(`${line}\n`));

  const forReference = (reference: string | undefined): Logger => {
    const log = (event: EventName, fields: Record<string, unknown> = {}): void => {
      const { level, fields: allowed } = events[event];
      if (rank[level] < rank[options.level]) return;
      write(
        JSON.stringify({
          time: new Date().toISOString(),
          level,
          event,
          function: options.functionName,
          ...(reference === undefined ? {} : { reference }),
          ...Object.fromEntries(allowed.map((name) => [name, loggable(fields[name])])),
        }),
      );
    };
    return Object.assign(log, { withReference: forReference });
  };
  return forReference(undefined);
}

/** What may be said of an unexpected error: its class, its cause's class, and where in our code it was thrown. */
export function describeError(error: unknown): { error: string; cause?: string; at?: string } {
  if (!(error instanceof Error)) return { error: typeof error };
  // The stack begins with the message, which could hold anything: only what follows it is read.
  const [, ...frames] = (error.stack ?? '').split(error.message);
  const at = /\n\s+at (?:async )?([^\s(]+)/.exec(frames.join(error.message))?.[1];
  return {
    error: error.name,
    ...(error.cause instanceof Error ? { cause: error.cause.name } : {}),
    ...(at === undefined ? {} : { at: at.replace(/^.*[/\\]/, '') }),
  };
}
