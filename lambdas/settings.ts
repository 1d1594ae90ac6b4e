/**
 * Every setting of the deployed functions: its name (an environment variable), its type and its rule. The same rules
 * run when a function starts and when the infrastructure is synthesised, so a bad value is found before it is deployed.
 * Nothing secret is ever a setting.
 */

import type { Role } from './common/healthcare-worker.ts';
import { isBffPath } from './routes.ts';

/** CIS2's own limits (NHS CIA Ses Req 005 and 007), in seconds. They can be shortened, never lengthened. */
const maxIdleSeconds = 900;
const maxAbsoluteSeconds = 43_200;

/** CIS2's longest `max_age` for a sign-in that does not send `prompt=login` (NHS CIA Ses Req 002), in seconds. */
const maxSignInMaxAgeSeconds = 300;

/** The authentication assurance level each CIS2 `acr_values` value asks for. */
export const acrLevels = {
  AAL1_USERPASS: 1,
  AAL2_ANY: 2,
  AAL2_OR_AAL3_ANY: 2,
  AAL2_TOTP: 2,
  AAL2_NHSMAIL: 2,
  AAL3_ANY: 3,
  AAL3_IOS: 3,
  AAL3_FIDO2: 3,
  AAL3_N3_SMARTCARD: 3,
  AAL3_CIS2_SMARTCARD: 3,
  AAL3_SMARTCARD: 3,
} as const;

export type AcrValue = keyof typeof acrLevels;
export const isAcrValue = (value: string): value is AcrValue => Object.hasOwn(acrLevels, value);

/** A value that breaks its rule. The message says the rule and the value got: settings hold nothing secret. */
class RuleBroken extends Error {}

type Rule<T> = (text: string) => T;

const refuse = (rule: string, text: string): never => {
  throw new RuleBroken(`must be ${rule}, got ${JSON.stringify(text)}`);
};

const text: Rule<string> = (value) =>
  /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)
    ? value
    : refuse('printable text without spaces at its ends', value);

const wholeNumber =
  (least: number, most: number): Rule<number> =>
  (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : NaN;
    return number >= least && number <= most
      ? number
      : refuse(`a whole number from ${String(least)} to ${String(most)}`, value);
  };

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

/** True when nothing sent to this address can leave the machine. */
export const isLoopback = (url: URL): boolean => loopbackHosts.has(url.hostname);

const secureUrl = (value: string): URL => {
  const url = URL.canParse(value) ? new URL(value) : refuse('an absolute URL', value);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url))) {
    refuse('an https URL (http only for a loopback address)', value);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    refuse('a URL without credentials, query or fragment', value);
  }
  return url;
};

/** An origin, without a trailing slash. */
const origin: Rule<string> = (value) =>
  secureUrl(value).origin === value ? value : refuse('an origin such as https://app.example.nhs.uk', value);

/** False for what a URL parser would forgive: spaces, backslashes, an empty query. */
const isPlainUrl = (value: string): boolean =>
  /^https?:\/\/[\x21-\x7e]+$/.test(value) && !/[?#@\\]/.test(value);

/** A URL that is kept as the very string that was configured, where a URL parser would change what it names. */
const plainUrl =
  (rule: string): Rule<string> =>
  (value) => {
    secureUrl(value);
    return isPlainUrl(value) ? value : refuse(`${rule}, character for character`, value);
  };

/** CIS2's issuer: its `:443` is part of the name that tokens carry. */
const issuer = plainUrl('an issuer such as https://am.example.nhs.uk:443/realm');

/** A page of the app's. One of our own routes would send a person in circles. */
const path: Rule<string> = (value) =>
  /^\/(?!\/)[A-Za-z0-9/_.-]*$/.test(value) && !isBffPath(value)
    ? value
    : refuse('a plain path such as /signed-out, and not under /auth or /api', value);

const acr: Rule<AcrValue> = (value) =>
  isAcrValue(value) ? value : refuse(`one of ${Object.keys(acrLevels).join(', ')}`, value);

const scope: Rule<string> = (value) =>
  /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(value) &&
  value.split(' ').includes('openid')
    ? value
    : refuse('scopes with single spaces between them, openid among them', value);

/** CIS2's requirement that an app asks for no more than it uses. */
export const scopesRequirement = 'NHS CIA SC Req 003';

/** What the app makes use of. */
const usedScopes = ['openid', 'profile', 'nhsperson', 'nationalrbacaccess', 'associatedorgs', 'selectedrole'];

/** The scopes that are asked for and never used: CIS2's assessors will have them removed. */
export const unneededScopes = (value: string): string[] =>
  value.split(' ').filter((asked) => !usedScopes.includes(asked));

const oneOf =
  <const Choice extends string>(...choices: Choice[]): Rule<Choice> =>
  (value) =>
    choices.find((choice) => choice === value) ?? refuse(`one of ${choices.join(', ')}`, value);

/** `login`: every sign-in sends `prompt=login`. A number: it sends `max_age` with these seconds instead. */
const freshness: Rule<'login' | number> = (value) =>
  value === 'login' ? value : wholeNumber(1, maxSignInMaxAgeSeconds)(value);

/**
 * Accepts a role that matches every list that is given. A list matches when it holds a code of the role's; an
 * organisation is named by its ODS code.
 */
export interface RoleRule {
  readonly activityCodes?: readonly string[];
  readonly jobRoleCodes?: readonly string[];
  readonly organisations?: readonly string[];
  readonly workgroups?: readonly string[];
}

/**
 * Which roles can be worked in. `optional`: any, and a person who has none may sign in; `any`: any, and a sign-in needs
 * one; rules: a sign-in needs a role that one of them accepts.
 */
export type RolePolicy = 'optional' | 'any' | readonly RoleRule[];

/** The codes of a role's that each list of a rule is held against. */
const codesOfRole = {
  activityCodes: (role) => role.activityCodes,
  jobRoleCodes: (role) => (role.jobRoleCode === null ? [] : [role.jobRoleCode]),
  organisations: (role) => [role.orgCode],
  workgroups: (role) => role.workgroupCodes,
} as const satisfies Record<keyof RoleRule, (role: Role) => readonly string[]>;

type RuleList = keyof typeof codesOfRole;
const ruleLists = Object.keys(codesOfRole) as RuleList[];
const isRuleList = (name: string): name is RuleList => Object.hasOwn(codesOfRole, name);

/**
 * Whether a role can be worked in.
 *
 * @param apartFrom - a list that is taken as matching, to find out whether it alone stands in the way
 */
export const acceptsRole = (policy: RolePolicy, role: Role, apartFrom?: RuleList): boolean =>
  typeof policy === 'string' ||
  policy.some((rule) =>
    ruleLists.every((name) => {
      const wanted = rule[name];
      return (
        name === apartFrom ||
        wanted === undefined ||
        codesOfRole[name](role).some((code) => wanted.includes(code))
      );
    }),
  );

/** Whether a sign-in needs a role that is accepted. */
export const demandsRole = (policy: RolePolicy): boolean => policy !== 'optional';

/** Lambda gives a function 4 KB for all its settings together: these two leave the rest of them a quarter of it. */
const maxRoleRules = 2_000;
const maxUpstreams = 1_000;

const isCodes = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((code) => typeof code === 'string' && /^[\x21-\x7e]{1,64}$/.test(code));

const isRoleRule = (value: unknown): value is RoleRule => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const lists = Object.entries(value);
  return lists.length > 0 && lists.every(([name, codes]) => isRuleList(name) && isCodes(codes));
};

/** A rule that is misspelt must not quietly accept more, or nobody: every member is known and none is empty. */
const rolePolicy: Rule<RolePolicy> = (value) => {
  if (value === 'optional' || value === 'any') return value;
  if (value.length > maxRoleRules) {
    refuse(`no longer than ${String(maxRoleRules)} characters`, `${value.slice(0, 40)}…`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text(value));
  } catch {
    return refuse('optional, any, or rules as a JSON list', value);
  }
  return Array.isArray(parsed) && parsed.length > 0 && parsed.every(isRoleRule)
    ? parsed
    : refuse(`a list of rules, each of one or more of ${ruleLists.join(', ')}, each a list of codes`, value);
};

/** CIS2's end-session endpoint, or `off`. */
const endSessionUrl: Rule<string> = (value) =>
  value === 'off' ? value : plainUrl('off, or a plain URL')(value);

/** A year, the longest that AWS lets a rotation wait. */
const maxKeyLeadSeconds = 365 * 86_400;

/** What KMS takes in a tag's value, with room for what a ring is for. */
const keyRingName: Rule<string> = (value) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value)
    ? value
    : refuse('a plain name of at most 100 characters such as cis2-bff-dev', value);

/** Where a service that gets users' tokens is: its host, and a path where it has one, without a slash at its end. */
const serviceUrl = (value: unknown): string | undefined => {
  if (typeof value !== 'string' || !isPlainUrl(value) || !URL.canParse(value)) return undefined;
  const { protocol, hostname, origin, pathname } = new URL(value);
  const local = loopbackHosts.has(hostname);
  // An address in figures would go past the check of what a name leads to.
  if (!local && (protocol !== 'https:' || /^[\d.]+$|^\[/.test(hostname))) return undefined;
  const path = pathname.replace(/\/$/, '');
  // Compared as it was written, but for the host's case and a port that says nothing.
  const written = /^https?:\/\/[^/]+(\/.*)?$/.exec(value)?.[1]?.replace(/\/$/, '') ?? '';
  return /^(?:\/[A-Za-z0-9._~-]+)*$/.test(path) && path === written ? origin + path : undefined;
};

/** JSON: an upstream's name in the route manifest → its base URL. One that is not named is not there. */
const upstreams: Rule<Readonly<Record<string, string>>> = (value) => {
  const rule =
    'upstreams as a JSON object: name to an https URL of a host name (http only for loopback), plain';
  if (value.length > maxUpstreams) refuse(rule, `${value.slice(0, 40)}…`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text(value));
  } catch {
    return refuse(rule, value);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return refuse(rule, value);
  return Object.fromEntries(
    Object.entries(parsed).map(([name, url]) => [
      /^[a-z][a-z0-9-]*$/.test(name) ? name : refuse(rule, value),
      serviceUrl(url) ?? refuse(rule, value),
    ]),
  );
};

/**
 * The API platform's token endpoint, kept as the very string that was configured: our assertions are made out to it, and
 * the platform compares it as text.
 */
const tokenUrl: Rule<string> = (value) =>
  serviceUrl(value) !== undefined
    ? value
    : refuse(
        'an https URL of a host name (http only for loopback) such as https://api.example.nhs.uk/oauth2/token',
        value,
      );

const rules = {
  /** The one origin of the SPA and the BFF. */
  BASE_URL: origin,
  CIS2_ISSUER: issuer,
  CIS2_CLIENT_ID: text,
  CIS2_SCOPE: scope,
  /** `acr_values` of an ordinary sign-in. */
  CIS2_ACR: acr,
  /** How a sign-in proves that the person is present: `login`, or a `max_age` in seconds. */
  CIS2_FRESHNESS: freshness,
  /** The least authentication assurance level that gets a session. */
  MINIMUM_AAL: wholeNumber(1, 3),
  /** The least identity assurance level that gets a session. */
  MINIMUM_IAL: wholeNumber(0, 3),
  /** Which of a user's roles can be worked in, and whether a sign-in needs one. */
  ACCEPTED_ROLES: rolePolicy,
  IDLE_SECONDS: wholeNumber(1, maxIdleSeconds),
  ABSOLUTE_SECONDS: wholeNumber(1, maxAbsoluteSeconds),
  /** Live sessions a user may have; the oldest ends when there are more. */
  SESSIONS_PER_USER: wholeNumber(1, 500),
  /**
   * What becomes of a user's other sessions when they sign in: they stay (`allow`), they end (`newest-wins`), or the new
   * session says how many there are so that the user can be asked (`ask`).
   */
  CONCURRENT_SESSIONS: oneOf('allow', 'newest-wins', 'ask'),
  /** Where the browser lands when a sign-in failed, with `?code=…&reference=…`. */
  SIGN_IN_ERROR_PATH: path,
  SIGNED_OUT_PATH: path,
  /** CIS2's end-session endpoint, where a browser that signs out is sent on to; `off` keeps it in the app. */
  END_SESSION_URL: endSessionUrl,
  /** Names of the AWS resources a function uses. */
  SESSION_TABLE: text,
  PUBLISHED_KEYS_TABLE: text,
  SIGNING_KEYS_SECRET: text,
  /** The secret with the key under which users and CIS2's sessions are found in the table. */
  IDENTIFIER_KEY_SECRET: text,
  /** The secret with what the edge sends, to show that a request came through it. */
  EDGE_SECRET: text,
  /** Whether the API platform trusts the keys that CIS2 does, or keys of its own. */
  API_PLATFORM_KEYS: oneOf('shared', 'own'),
  /** The secret with the API platform's keys: the same one when they are shared. */
  API_PLATFORM_KEYS_SECRET: text,
  /** Where a new key's private half lives: in the secret, or in KMS and nowhere else. */
  KEY_CUSTODY: oneOf('secret', 'kms'),
  /** How long a key must have been published before a rotation lets it sign: whoever caches the set knows it by then. */
  KEY_LEAD_SECONDS: wholeNumber(0, maxKeyLeadSeconds),
  /** Names this installation's keys in KMS, so that rights can be bound to them. */
  KEY_RING_NAME: keyRingName,
  /** Where the deployment's custom resource is answered: `aws`, or the local run's CloudFormation. */
  CLOUDFORMATION_RESPONSE_ORIGIN: (value) =>
    value === 'aws' || isLoopback(new URL(origin(value))) ? value : refuse('aws or a loopback origin', value),
  /** How long a function keeps the signing keys before it reads them again. */
  KEY_CACHE_SECONDS: wholeNumber(0, 3_600),
  /** Size of a new RSA signing key. */
  SIGNING_KEY_BITS: (value) => Number(oneOf('2048', '3072', '4096')(value)),
  /** Where the upstreams of the API proxy are. */
  UPSTREAMS: upstreams,
  /** How many calls a session may make in a window of a minute, or of a fifteenth of the idle limit if that is less. */
  CALLS_PER_WINDOW: wholeNumber(1, 100_000),
  /** Where the API platform gives out users' tokens. */
  API_PLATFORM_TOKEN_URL: tokenUrl,
  /** The secret with what the API platform knows our application by. */
  API_PLATFORM_CREDENTIALS_SECRET: text,
  LOG_LEVEL: oneOf('debug', 'info', 'warn', 'error'),
  /** `off` leaves out the warm-up at start, for measuring what it saves. */
  WARM_UP: oneOf('on', 'off'),
} satisfies Record<string, Rule<unknown>>;

export type SettingName = keyof typeof rules;
export type Settings<Name extends SettingName = SettingName> = {
  readonly [Key in Name]: ReturnType<(typeof rules)[Key]>;
};

export const settingNames = Object.keys(rules) as SettingName[];

const everyFunction = ['LOG_LEVEL', 'WARM_UP'] as const;
/** What a function behind the gateway needs to tell its own page from another, and to send a person to it. */
const everyRoute = ['BASE_URL', 'SIGN_IN_ERROR_PATH'] as const;
const everySession = ['SESSION_TABLE', 'IDLE_SECONDS', 'ABSOLUTE_SECONDS'] as const;
/** What only requests that came through the edge may reach. */
const behindTheEdge = [...everySession, ...everyRoute, 'EDGE_SECRET'] as const;

/** Which settings each function reads. The infrastructure gives a function these and no others. */
export const functionSettings = {
  'sign-in': [
    ...everyFunction,
    ...behindTheEdge,
    'CIS2_ISSUER',
    'CIS2_CLIENT_ID',
    'CIS2_SCOPE',
    'CIS2_ACR',
    'CIS2_FRESHNESS',
    'MINIMUM_AAL',
    'MINIMUM_IAL',
    'ACCEPTED_ROLES',
    'CONCURRENT_SESSIONS',
    'SESSIONS_PER_USER',
    'SIGNING_KEYS_SECRET',
    'IDENTIFIER_KEY_SECRET',
    'KEY_CACHE_SECONDS',
  ],
  session: [
    ...everyFunction,
    ...behindTheEdge,
    'CIS2_CLIENT_ID',
    'ACCEPTED_ROLES',
    'SIGNED_OUT_PATH',
    'END_SESSION_URL',
  ],
  'api-proxy': [
    ...everyFunction,
    ...behindTheEdge,
    'CIS2_ACR',
    'MINIMUM_AAL',
    'ACCEPTED_ROLES',
    'UPSTREAMS',
    'CALLS_PER_WINDOW',
    'API_PLATFORM_TOKEN_URL',
    'API_PLATFORM_CREDENTIALS_SECRET',
    'API_PLATFORM_KEYS_SECRET',
    'KEY_CACHE_SECONDS',
  ],
  'backchannel-logout': [
    ...everyFunction,
    ...behindTheEdge,
    'CIS2_ISSUER',
    'CIS2_CLIENT_ID',
    'IDENTIFIER_KEY_SECRET',
  ],
  jwks: [...everyFunction, ...everyRoute, 'PUBLISHED_KEYS_TABLE', 'API_PLATFORM_KEYS'],
  'unknown-route': [...everyFunction, ...everyRoute],
  'keys-status': [
    ...everyFunction,
    'PUBLISHED_KEYS_TABLE',
    'SIGNING_KEYS_SECRET',
    'API_PLATFORM_KEYS_SECRET',
    'API_PLATFORM_KEYS',
    'KEY_CUSTODY',
    'KEY_LEAD_SECONDS',
  ],
  canary: [
    ...everyFunction,
    'BASE_URL',
    'CIS2_ISSUER',
    'CIS2_CLIENT_ID',
    'PUBLISHED_KEYS_TABLE',
    'API_PLATFORM_KEYS',
  ],
  'operator-sessions': [...everyFunction, ...everySession, 'CIS2_ISSUER', 'IDENTIFIER_KEY_SECRET'],
  'audit-trail': [],
  'rotate-signing-keys': [
    ...everyFunction,
    'BASE_URL',
    'SIGNING_KEYS_SECRET',
    'API_PLATFORM_KEYS',
    'API_PLATFORM_KEYS_SECRET',
    'PUBLISHED_KEYS_TABLE',
    'SIGNING_KEY_BITS',
    'KEY_CUSTODY',
    'KEY_LEAD_SECONDS',
    'KEY_RING_NAME',
    'CLOUDFORMATION_RESPONSE_ORIGIN',
  ],
} as const satisfies Record<string, readonly SettingName[]>;

export type FunctionName = keyof typeof functionSettings;
export type FunctionSettings<Name extends FunctionName> = Settings<(typeof functionSettings)[Name][number]>;

/** Settings that are missing or break their rule: every one of them, by name. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`settings: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/**
 * Reads settings from environment variables (or from an environment's entry at synth).
 *
 * @param names - the settings wanted
 * @param source - name → text
 * @returns the values, parsed
 * @throws SettingsError naming every setting that is missing or breaks its rule
 */
export function readSettings<Name extends SettingName>(
  names: readonly Name[],
  source: Readonly<Record<string, string | undefined>>,
): Settings<Name> {
  const problems: string[] = [];
  const values: Partial<Record<Name, unknown>> = {};
  for (const name of names) {
    const value = source[name];
    if (value === undefined || value === '') {
      problems.push(`${name} is missing`);
      continue;
    }
    try {
      values[name] = rules[name](value);
    } catch (error) {
      if (!(error instanceof RuleBroken)) throw error;
      problems.push(`${name} ${error.message}`);
    }
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return values as Settings<Name>;
}
