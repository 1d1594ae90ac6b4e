/**
 * Every event that can be logged, with its permitted fields. Nothing else reaches a log.
 *
 * Events of the audit trail (`audit: true` here and in the log; in CloudWatch: `{ $.audit IS TRUE }`) are written at every level.
 * `person` in them is the keyed hash of the person, as in the sessions table.
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
  /** The field with the value of the metric's dimension, or the value itself. */
  readonly by?: string;
}

/** Event → its level and the fields it may carry. */
export const events = {
  /**
   * One a request. `route` is the pattern, never the path; `code` is the problem's or the failed sign-in's. From `upstream` on, of
   * a proxied call: `requestId` is the `X-Request-ID` that the upstream was sent; `refusedBy` the step that ended the call, `request`
   * where no route has its path; `fault` what the upstream did. Never a path's variables, a query or a body.
   */
  request: {
    fields:
      'route method status code durationMs upstream requestId upstreamStatus upstreamMs tokenMs tries refreshed refusedBy fault',
  },
  /** An unexpected error: its name and place, without its message, which may hold any data. */
  unexpected_error: { level: 'error', fields: 'error cause at' },
  /** A dependency failed: the store, CIS2, the keys. */
  dependency_failed: { level: 'error', fields: 'code detail error cause at' },
  /** `failed`: the name of the first error, or `too slow` when the time limit of the warm-up was reached first. */
  warm_up: { fields: 'durationMs failed' },
  manifest_unusable: { level: 'error', fields: 'problem' },
  settings_invalid: { level: 'error', fields: 'problems' },
  /** Scopes that the app does not use; `requirement` is the rule of CIS2 that they break. */
  scopes_unneeded: { level: 'warn', fields: 'scopes requirement' },
  provider_metadata_stale: { level: 'warn', fields: 'document ageSeconds' },
  signing_keys_stale: { level: 'warn', fields: 'error' },
  signing_keys_created: { audit: true, fields: 'purpose kids' },
  signing_keys_published: { fields: 'purpose kids' },
  /** A step of a rotation was done. */
  rotation_step_done: { fields: 'purpose step' },
  /** A step of a rotation failed; `detail` is in our own words. The current key has not changed. */
  rotation_step_failed: {
    level: 'error',
    audit: true,
    fields: 'purpose step code detail error cause at',
  },
  signing_keys_rotated: { audit: true, fields: 'purpose kids' },
  signing_keys_promoted: { level: 'warn', audit: true, fields: 'purpose kids' },
  signing_key_imported: { level: 'warn', audit: true, fields: 'purpose kids' },
  /** A refused change of an operator. */
  signing_keys_change_refused: { level: 'warn', audit: true, fields: 'purpose operation code' },
  /** The published keys differed from the ring, and have been corrected. */
  published_set_differed: { level: 'error', audit: true, fields: 'purpose kids' },
  /** A token response was used without its members in `ignored`, which had invalid values. Without `audience` it was CIS2’s. */
  token_response_ignored_members: { level: 'warn', fields: 'audience ignored' },
  sign_in_started: { counts: 'SignInStarted', fields: 'acr prompt role' },
  sign_in_completed: {
    audit: true,
    counts: 'SignInCompleted',
    fields: 'person authenticationLevel identityLevel roles roleChosen',
  },
  /** A signed-in user has authenticated again, because a step-up was requested. */
  step_up_completed: { audit: true, fields: 'person authenticationLevel' },
  /** `check` names the rule that failed, in our words. `person` is set once CIS2 has named the user. */
  sign_in_failed: {
    level: 'warn',
    audit: true,
    counts: 'SignInFailed',
    by: 'code',
    fields: 'person code check',
  },
  /** `doctor` completed a sign-in with its own code, and CIS2 refused that code alone. */
  sign_in_probed: { audit: true, fields: 'check' },
  /** A session cookie that opens no session: forged, or of a deleted session. */
  session_refused: { counts: 'SessionMiss', fields: 'why' },
  /** A request with the cookie of an ended session. */
  session_over: { counts: 'SessionMiss', fields: 'reason' },
  session_unreadable: { level: 'error', counts: 'SessionMiss', fields: 'item' },
  session_ended: { audit: true, fields: 'person reason count' },
  /** A batch of sessions that have ended: how many of their pages were notified, are gone, or could not be notified. */
  session_ends_pushed: { fields: 'sent gone failed' },
  /** An operator ended sessions: those of one person, or of all users without `person`. */
  sessions_ended_by_operator: { level: 'warn', audit: true, fields: 'person reason count' },
  /** Without the role, which tells where a person works. */
  role_changed: { audit: true, fields: 'person' },
  /** Tokens of a user for another service were issued. `waitedMs`: how long the call had waited. */
  token_exchanged: { fields: 'audience waitedMs' },
  token_refreshed: { counts: 'TokenRefreshed', fields: 'audience waitedMs' },
  /** `error` is the token endpoint's code, where it is a known one, or what else went wrong. */
  token_refused: { level: 'warn', counts: 'TokenRefreshFailed', fields: 'audience error' },
  /** A call waited for tokens that another call requested. */
  lease_waited: { counts: 'LeaseWait', fields: 'audience waitedMs' },
  /** A logout by CIS2, and how many sessions it ended. `repeated`: the same token arrived before. */
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
