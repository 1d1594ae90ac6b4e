/**
 * Every setting of the deployed functions: its name (an environment variable), its type and its rule. Nothing secret is ever a
 * setting.
 */
import { acr } from './acr.ts';
import { rolePolicy } from './role-policy.ts';
import { choice, refuse, plainText, integer, type Rule } from './rule.ts';
import { scope } from './scopes.ts';
import { maxAbsoluteSeconds, maxIdleSeconds } from './session-limits.ts';
import { endSessionUrl, isLoopback, issuer, origin, path, tokenUrl, upstreams } from './urls.ts';

/** CIS2's maximum `max_age` for a sign-in that does not send `prompt=login` (NHS CIA Ses Req 002), in seconds. */
const maxSignInMaxAgeSeconds = 300;

/** `login`: every sign-in sends `prompt=login`. A number: it sends `max_age` with these seconds instead. */
const freshness: Rule<'login' | number> = (value) =>
  value === 'login' ? value : integer(1, maxSignInMaxAgeSeconds)(value);

/** A year, the maximum rotation period of AWS. */
const maxKeyLeadSeconds = 365 * 86_400;

/** What KMS takes in a tag's value, minus the purpose of a ring. */
const keyRingName: Rule<string> = (value) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value)
    ? value
    : refuse('a plain name of at most 100 characters such as cis2-bff-dev', value);

const metricsNamespace: Rule<string> = (value) =>
  /^[A-Za-z0-9][A-Za-z0-9._/-]{0,149}$/.test(value)
    ? value
    : refuse('a namespace of CloudWatch such as cis2-bff/cis2-bff-dev', value);

export const rules = {
  /** The one origin of the SPA and the BFF. */
  BASE_URL: origin,
  CIS2_ISSUER: issuer,
  CIS2_CLIENT_ID: plainText,
  CIS2_SCOPE: scope,
  /** `acr_values` of an ordinary sign-in. */
  CIS2_ACR: acr,
  /** How a sign-in proves that the person is present: `login`, or a `max_age` in seconds. */
  CIS2_FRESHNESS: freshness,
  /** The minimum authentication assurance level that gets a session. */
  MINIMUM_AAL: integer(1, 3),
  /** The minimum identity assurance level that gets a session. */
  MINIMUM_IAL: integer(0, 3),
  /** Which of a user's roles can be worked in, and whether a sign-in needs one. */
  ACCEPTED_ROLES: rolePolicy,
  IDLE_SECONDS: integer(1, maxIdleSeconds),
  ABSOLUTE_SECONDS: integer(1, maxAbsoluteSeconds),
  /** Live sessions a user may have; the oldest ends when there are more. */
  SESSIONS_PER_USER: integer(1, 500),
  /**
   * What becomes of a user's other sessions when they sign in: they stay (`allow`), they end (`newest-wins`), or the new
   * session says how many there are so that the user can be asked (`ask`).
   */
  CONCURRENT_SESSIONS: choice('allow', 'newest-wins', 'ask'),
  /** Where the browser lands when a sign-in failed, with `?code=…&reference=…`. */
  SIGN_IN_ERROR_PATH: path,
  SIGNED_OUT_PATH: path,
  /** CIS2's end-session endpoint, where a browser that signs out is sent on to; `off` keeps it in the app. */
  END_SESSION_URL: endSessionUrl,
  /** Names of the AWS resources a function uses. */
  SESSION_TABLE: plainText,
  PUBLISHED_KEYS_TABLE: plainText,
  SIGNING_KEYS_SECRET: plainText,
  /** The secret with the key under which users and CIS2's sessions are found in the table. */
  IDENTIFIER_KEY_SECRET: plainText,
  /** The secret with what the edge sends, to show that a request came through it. */
  EDGE_SECRET: plainText,
  /** Whether the API platform trusts the keys that CIS2 does, or keys of its own. */
  API_PLATFORM_KEYS: choice('shared', 'own'),
  /** The secret with the API platform's keys: the same one when they are shared. */
  API_PLATFORM_KEYS_SECRET: plainText,
  /** Where a new key's private half lives: in the secret, or in KMS and nowhere else. */
  KEY_CUSTODY: choice('secret', 'kms'),
  /** How long a key must have been published before a rotation lets it sign: whoever caches the set knows it by then. */
  KEY_LEAD_SECONDS: integer(0, maxKeyLeadSeconds),
  /** Names this installation's keys in KMS, so that rights can be bound to them. */
  KEY_RING_NAME: keyRingName,
  /** Where the response for the deployment's custom resource goes: `aws`, or the local run's CloudFormation. */
  CLOUDFORMATION_RESPONSE_ORIGIN: (value) =>
    value === 'aws' || isLoopback(new URL(origin(value))) ? value : refuse('aws or a loopback origin', value),
  /** How long a function keeps the signing keys before it reads them again. */
  KEY_CACHE_SECONDS: integer(0, 3_600),
  /** Size of a new RSA signing key. */
  SIGNING_KEY_BITS: (value) => Number(choice('2048', '3072', '4096')(value)),
  /** Where the upstreams of the API proxy are. */
  UPSTREAMS: upstreams,
  /** How many calls a session may make in a window of a minute, or of a fifteenth of the idle limit if that is less. */
  CALLS_PER_WINDOW: integer(1, 100_000),
  /** Where the API platform gives out users' tokens. */
  API_PLATFORM_TOKEN_URL: tokenUrl,
  /** The secret with what the API platform knows our application by. */
  API_PLATFORM_CREDENTIALS_SECRET: plainText,
  /** Where this installation's metrics are in CloudWatch, apart from those of others in the account. */
  METRICS_NAMESPACE: metricsNamespace,
  LOG_LEVEL: choice('debug', 'info', 'warn', 'error'),
  /** `off` leaves out the warm-up at start, for measuring what it saves. */
  WARM_UP: choice('on', 'off'),
} satisfies Record<string, Rule<unknown>>;

export type SettingName = keyof typeof rules;
export type Settings<Name extends SettingName = SettingName> = {
  readonly [Key in Name]: ReturnType<(typeof rules)[Key]>;
};

export const settingNames = Object.keys(rules) as SettingName[];
