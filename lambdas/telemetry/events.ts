/**
 * Every event that can be logged, with the fields that it may have: nothing reaches a log that nobody decided to put there.
 *
 * Events of the audit trail (`audit: true` here and in the log; in CloudWatch: `{ $.audit IS TRUE }`) are written at every level.
 * A person is in them as `person`, the keyed hash that the sessions table has for them.
 */
import type { RequestMetric } from './metrics.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface EventSpec {
  /** @default info */
  readonly level?: Level;
  /** Names, with a space between them: the registry is part of every bundle. */
  readonly fields: string;
  /** Belongs to the audit trail. */
  readonly audit?: true;
  /** The metric that counts it. */
  readonly counts?: RequestMetric;
  /** The field whose value is that metric's dimension, or the value itself. */
  readonly by?: string;
}

/** Event → its level and the fields it may carry. */
export const events = {
  /**
   * One a request. `route` is the pattern, never the path; `code` is the problem's or the failed sign-in's. From `upstream` on, of
   * a proxied call: `requestId` is the `X-Request-ID` that the upstream was sent; `refusedBy` the step that ended the call, `fault`
   * what the upstream did. Never a path's variables, a query or a body.
   */
  request: {
    fields:
      'route method status code durationMs upstream requestId upstreamStatus upstreamMs tokenMs tries refreshed refusedBy fault',
  },
  /** Something that nobody expected. Name and place of the error; its message may hold anything, so it stays out. */
  unexpected_error: { level: 'error', fields: 'error cause at' },
  /** Something we depend on did not respond: the store, CIS2, the keys. */
  dependency_failed: { level: 'error', fields: 'code detail error cause at' },
  warm_up: { fields: 'durationMs failed' },
  manifest_unusable: { level: 'error', fields: 'problem' },
  settings_invalid: { level: 'error', fields: 'problems' },
  /** Scopes that the app has no use for; `requirement` is the rule of CIS2's that they break. */
  scopes_unneeded: { level: 'warn', fields: 'scopes requirement' },
  provider_metadata_stale: { level: 'warn', fields: 'document ageSeconds' },
  signing_keys_stale: { level: 'warn', fields: 'error' },
  signing_keys_created: { audit: true, fields: 'purpose kids' },
  signing_keys_published: { fields: 'purpose kids' },
  /** A step of a rotation was done. */
  rotation_step_done: { fields: 'purpose step' },
  /** A step of a rotation failed; `detail` is in our own words. Nothing else has changed which key signs. */
  rotation_step_failed: {
    level: 'error',
    audit: true,
    fields: 'purpose step code detail error cause at',
  },
  signing_keys_rotated: { audit: true, fields: 'purpose kids' },
  signing_keys_promoted: { level: 'warn', audit: true, fields: 'purpose kids' },
  signing_key_imported: { level: 'warn', audit: true, fields: 'purpose kids' },
  /** An operator's change that was not made. */
  signing_keys_change_refused: { level: 'warn', audit: true, fields: 'purpose operation code' },
  /** Something else was published than belongs to the ring; it has been put right. */
  published_set_differed: { level: 'error', audit: true, fields: 'purpose kids' },
  /** `members` of CIS2's token response that were not what they should be, and could be done without. */
  token_response_odd: { level: 'warn', fields: 'members' },
  sign_in_started: { counts: 'SignInStarted', fields: 'acr prompt role' },
  sign_in_completed: {
    audit: true,
    counts: 'SignInCompleted',
    fields: 'person authenticationLevel identityLevel roles roleChosen',
  },
  /** Somebody who was signed in has proved who they are once more, by a sign-in that was asked to. */
  step_up_completed: { audit: true, fields: 'person authenticationLevel' },
  /** `check` names the rule that failed, in our words. `person` is there once CIS2 had said who it is. */
  sign_in_failed: {
    level: 'warn',
    audit: true,
    counts: 'SignInFailed',
    by: 'code',
    fields: 'person code check',
  },
  /** `doctor` completed a sign-in with its own code, and CIS2 refused that code alone. */
  sign_in_probed: { audit: true, fields: 'check' },
  /** A session cookie that opens no session: never ours, or long gone. */
  session_refused: { counts: 'SessionMiss', fields: 'why' },
  /** A user learned that their session is over, and why. */
  session_over: { counts: 'SessionMiss', fields: 'reason' },
  session_unreadable: { level: 'error', counts: 'SessionMiss', fields: 'item' },
  session_ended: { audit: true, fields: 'person reason count' },
  /** A batch of sessions that have ended: how many of their pages were told, are gone, or could not be told. */
  session_ends_told: { fields: 'sent gone failed' },
  /** An operator ended sessions: one person's, or everybody's, who is then absent. */
  sessions_ended_by_operator: { level: 'warn', audit: true, fields: 'person reason count' },
  /** Not to which role: it says where a person works, and as what. */
  role_changed: { audit: true, fields: 'person' },
  /** A user's tokens for another service were got. `waitedMs`: how long the call had waited by then. */
  token_exchanged: { fields: 'audience waitedMs' },
  token_refreshed: { counts: 'TokenRefreshed', fields: 'audience waitedMs' },
  /** `error` is the token endpoint's code, where it is a known one, or what else went wrong. */
  token_refused: { level: 'warn', counts: 'TokenRefreshFailed', fields: 'audience error' },
  /** A token response was used, but for the members in `ignored`, whose values cannot be right. */
  token_answer_odd: { level: 'warn', fields: 'audience ignored' },
  /** A call waited for the tokens that another got. */
  lease_waited: { counts: 'LeaseWait', fields: 'audience waitedMs' },
  /** What CIS2 said is over, and how many sessions that ended. `repeated`: the same token came before. */
  backchannel_logout: {
    audit: true,
    counts: 'BackchannelLogout',
    fields: 'person by ended repeated',
  },
  /** `check` names the rule that failed, in our words. */
  logout_token_refused: {
    level: 'warn',
    audit: true,
    counts: 'Refused',
    by: 'logout_token',
    fields: 'check',
  },
  request_refused: { level: 'warn', audit: true, counts: 'Refused', by: 'guard', fields: 'guard' },
} as const satisfies Record<string, EventSpec>;
