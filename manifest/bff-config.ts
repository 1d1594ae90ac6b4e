/** What is an app's own and the same in every environment: `bff.config.ts`. */
import type { UpstreamDefinition } from '../lambdas/api/manifest-types.ts';
import { readSettings, SettingsError, type RoleRule, type SettingName } from '../lambdas/settings/index.ts';
import {
  BffConfigInvalid,
  choice,
  isPlainObject,
  isText,
  mustBe,
  unknownMembers,
  within,
} from './problems.ts';
import { roleRulesProblems, upstreamsProblems } from './upstream-checks.ts';

/** Directives of the page's Content-Security-Policy to which sources can be added. The others stay as strict as they are. */
export const extendableDirectives = [
  ...(['connect-src', 'font-src', 'frame-src', 'img-src', 'manifest-src', 'media-src'] as const),
  ...(['script-src', 'style-src', 'worker-src'] as const),
] as const;
export type ExtendableDirective = (typeof extendableDirectives)[number];

/** An app's own configuration. Every member but `upstreams` may be left out. */
export interface BffConfig {
  /** The APIs that pages may call, from {@link defineUpstreams}. */
  readonly upstreams: Readonly<Record<string, UpstreamDefinition>>;
  /**
   * Which of a user's roles can be worked in. `optional`: any, and who has none can sign in; `any`: any, and a sign-in
   * needs one; rules: a sign-in needs a role that one of them accepts.
   * @default optional
   */
  readonly acceptedRoles?: 'optional' | 'any' | readonly RoleRule[];
  /**
   * What becomes of a user's other sessions when they sign in: they stay (`allow`), they end (`newest-wins`), or the SPA
   * learns how many there are (`ask`).
   * @default allow
   */
  readonly concurrentSessions?: 'allow' | 'newest-wins' | 'ask';
  /** The SPA for a local run: a folder of built files, or the address of a development server. @default a page of ours */
  readonly spa?: string;
  /**
   * Sources that the page's Content-Security-Policy allows beside its own origin, by directive: hashes, `data:` and `blob:`
   * where they cannot run as a script, and `https` origins. Never `unsafe-…`.
   * @default none
   */
  readonly contentSecurityPolicy?: Readonly<Partial<Record<ExtendableDirective, readonly string[]>>>;
  /**
   * Who may use a feature of the browser, by its name in the Permissions-Policy: `self` and `https` origins; nobody for an
   * empty list.
   * @default nobody may use what a clinical app has no use for
   */
  readonly permissionsPolicy?: Readonly<Record<string, readonly string[]>>;
  /** Path of the SPA where a person lands whom the BFF refuses. @default /sign-in-error */
  readonly signInErrorPath?: string;
  /** Path of the SPA where a sign-out lands. @default /signed-out */
  readonly signedOutPath?: string;
  /** What is asked of CIS2. @default person, title, roles and the names of their organisations */
  readonly scope?: string;
  /** Seconds without activity after which a session ends, 900 at most. @default 900 */
  readonly idleSeconds?: number;
  /** Seconds after which a session ends whatever the user does, 43,200 at most. @default 43200 */
  readonly absoluteSeconds?: number;
  /** Live sessions a user may have; the oldest ends when there are more. @default 20 */
  readonly sessionsPerUser?: number;
  /**
   * Whether pages can be told when a session ends, by a WebSocket at `/auth/events`, instead of asking every 4 seconds. The library
   * takes part with `createBff({ events: sessionEvents() })`. A deployment of this repository says it in `infra/environments.ts`.
   * @default false
   */
  readonly sessionEvents?: boolean;
  /** How many calls to APIs a session may make in a minute, or in a fifteenth of `idleSeconds` if that is less. @default 250 */
  readonly callsPerWindow?: number;
}

type OtherMembers<Config> = { readonly [Name in Exclude<keyof Config, keyof BffConfig>]: never };

/**
 * Checks an app's configuration, and gives it back as it is.
 *
 * @throws BffConfigInvalid naming everything that is wrong, by member, with what is allowed there
 */
export function defineBff<const Config extends BffConfig>(config: Config & OtherMembers<Config>): Config {
  const problems = configProblems(config);
  if (problems.length > 0) throw new BffConfigInvalid(problems);
  return config;
}

type Check = (member: string, value: unknown) => readonly string[];

/** What the setting's own rule says. */
const bySetting =
  (name: SettingName, type: 'string' | 'number'): Check =>
  (member, value) => {
    if (typeof value !== type) return [mustBe(member, type === 'number' ? 'a number' : 'text', value)];
    try {
      readSettings([name], { [name]: String(value) });
      return [];
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      return error.problems.map((problem) =>
        problem === `${name} is missing`
          ? mustBe(member, 'text', value)
          : problem.replace(name, member).replace(`got "${String(value)}"`, `got ${JSON.stringify(value)}`),
      );
    }
  };

const acceptedRoles: Check = (member, value) => {
  if (value === 'optional' || value === 'any') return [];
  if (!Array.isArray(value)) return [mustBe(member, '"optional", "any" or a list of role rules', value)];
  const problems = roleRulesProblems(member, value);
  return problems.length > 0
    ? problems
    : bySetting('ACCEPTED_ROLES', 'string')(member, JSON.stringify(value));
};

const spa: Check = (member, value) => {
  const allowed =
    'a folder of built files, or the address of a development server such as http://localhost:5173';
  if (!isText(value)) return [mustBe(member, allowed, value)];
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return [];
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`
    ? []
    : [mustBe(member, allowed, value)];
};

/** An `https` origin as it is written in a policy: one host and no wildcard. `wss` is for connections. */
const isOrigin = (source: string, schemes: RegExp): boolean =>
  schemes.test(source) && /^[a-z]+:\/\/[a-z0-9.-]+(?::\d{1,5})?$/.test(source) && URL.canParse(source);

const hash = /^'sha(?:256-[A-Za-z0-9+/]{43}=|384-[A-Za-z0-9+/]{64}|512-[A-Za-z0-9+/]{86}==)'$/;
const takesHashes: readonly string[] = ['script-src', 'style-src'];
const takesData: readonly string[] = ['font-src', 'img-src', 'media-src'];
const takesBlobs: readonly string[] = ['img-src', 'media-src', 'worker-src'];

const isSource = (directive: string, source: unknown): boolean =>
  typeof source === 'string' &&
  (isOrigin(source, directive === 'connect-src' ? /^(?:https|wss):/ : /^https:/) ||
    (hash.test(source) && takesHashes.includes(directive)) ||
    (source === 'data:' && takesData.includes(directive)) ||
    (source === 'blob:' && takesBlobs.includes(directive)));

const sourcesOf = (directive: string): string =>
  [
    'https://HOST',
    ...(directive === 'connect-src' ? ['wss://HOST'] : []),
    ...(takesData.includes(directive) ? ['data:'] : []),
    ...(takesBlobs.includes(directive) ? ['blob:'] : []),
    ...(takesHashes.includes(directive) ? ["'sha256-…', 'sha384-…', 'sha512-…'"] : []),
  ].join(', ');

const contentSecurityPolicy: Check = (member, value) => {
  if (!isPlainObject(value)) return [mustBe(member, 'an object: directive to list of sources', value)];
  return within(member, [
    ...unknownMembers(value, extendableDirectives),
    ...Object.entries(value)
      .filter(([directive]) => extendableDirectives.some((known) => known === directive))
      .flatMap(([directive, sources]) => {
        if (!Array.isArray(sources)) return [mustBe(directive, 'a list of sources', sources)];
        return sources
          .filter((source) => !isSource(directive, source))
          .map((source) => mustBe(directive, `any of ${sourcesOf(directive)}`, source));
      }),
  ]);
};

const permissionsPolicy: Check = (member, value) => {
  if (!isPlainObject(value)) return [mustBe(member, 'an object: feature to list of origins', value)];
  return within(
    member,
    Object.entries(value).flatMap(([feature, origins]) => {
      if (!/^[a-z]+(?:-[a-z]+)*$/.test(feature))
        return [mustBe('a feature', 'a name such as camera', feature)];
      if (!Array.isArray(origins)) return [mustBe(feature, 'a list of self and https://HOST', origins)];
      return origins
        .filter((origin) => origin !== 'self' && !(typeof origin === 'string' && isOrigin(origin, /^https:/)))
        .map((origin) => mustBe(feature, 'a list of self and https://HOST', origin));
    }),
  );
};

/** Members that are a setting of the functions as they stand. */
const settingOf = {
  concurrentSessions: 'CONCURRENT_SESSIONS',
  signInErrorPath: 'SIGN_IN_ERROR_PATH',
  signedOutPath: 'SIGNED_OUT_PATH',
  scope: 'CIS2_SCOPE',
  idleSeconds: 'IDLE_SECONDS',
  absoluteSeconds: 'ABSOLUTE_SECONDS',
  sessionsPerUser: 'SESSIONS_PER_USER',
  callsPerWindow: 'CALLS_PER_WINDOW',
} as const satisfies Partial<Record<keyof BffConfig, SettingName>>;

/**
 * What a configuration says of the functions' settings; nothing of those that it leaves out.
 *
 * @param config - checked, or to be checked as settings
 */
export function settingsOfConfig(config: Omit<BffConfig, 'upstreams'>): Partial<Record<SettingName, string>> {
  const settings: Partial<Record<SettingName, string>> = {};
  for (const [member, setting] of Object.entries(settingOf)) {
    const value = config[member as keyof typeof settingOf];
    if (value !== undefined) settings[setting] = String(value);
  }
  const { acceptedRoles } = config;
  if (acceptedRoles !== undefined) {
    settings.ACCEPTED_ROLES =
      typeof acceptedRoles === 'string' ? acceptedRoles : JSON.stringify(acceptedRoles);
  }
  return settings;
}

const checks: Readonly<Record<keyof BffConfig, Check>> = {
  upstreams: (member, value) => within(member, upstreamsProblems(value)),
  acceptedRoles,
  concurrentSessions: (member, value) =>
    ['allow', 'newest-wins', 'ask'].some((known) => known === value)
      ? []
      : [mustBe(member, `one of ${choice(['allow', 'newest-wins', 'ask'])}`, value)],
  spa,
  contentSecurityPolicy,
  permissionsPolicy,
  signInErrorPath: bySetting('SIGN_IN_ERROR_PATH', 'string'),
  signedOutPath: bySetting('SIGNED_OUT_PATH', 'string'),
  scope: bySetting('CIS2_SCOPE', 'string'),
  idleSeconds: bySetting('IDLE_SECONDS', 'number'),
  absoluteSeconds: bySetting('ABSOLUTE_SECONDS', 'number'),
  sessionsPerUser: bySetting('SESSIONS_PER_USER', 'number'),
  callsPerWindow: bySetting('CALLS_PER_WINDOW', 'number'),
  sessionEvents: (member, value) =>
    typeof value === 'boolean' ? [] : [mustBe(member, 'true or false', value)],
};

/** Every member that a configuration can have. */
export const configMembers = Object.keys(checks) as readonly (keyof BffConfig)[];

/** The settings whose rules {@link configProblems} holds. */
export const checkedAsConfig: ReadonlySet<SettingName> = new Set([
  ...Object.values(settingOf),
  'ACCEPTED_ROLES' as const,
]);

/** Everything that is wrong with a configuration, whatever it is. */
export function configProblems(config: unknown): readonly string[] {
  if (!isPlainObject(config)) return [mustBe('the configuration', 'an object', config)];
  return [
    ...unknownMembers(config, Object.keys(checks)),
    ...Object.entries(checks).flatMap(([member, check]) =>
      config[member] === undefined && member !== 'upstreams' ? [] : check(member, config[member]),
    ),
  ];
}
