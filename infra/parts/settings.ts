import { Duration, Token } from 'aws-cdk-lib';
import {
  checkedAsConfig,
  configMembers,
  configProblems,
  settingsOfConfig,
} from '../../manifest/bff-config.ts';
import { pds, type BffConfig, type UpstreamDefinitions } from '../../manifest/index.ts';
import { cis2KeySetCacheSeconds } from '../../lambdas/key-set-cache.ts';
import {
  isLoopback,
  maxAbsoluteSeconds,
  maxIdleSeconds,
  readSettings,
  settingNames,
  SettingsError,
} from '../../lambdas/settings/index.ts';
import type { AcrValue, SettingName } from '../../lambdas/settings/index.ts';
import { apiPlatformEnvironment, apiPlatformTokenUrls } from './api-platform.ts';
import { defaultCallsPerWindow } from './rate-limits.ts';

const realm = 'openam/oauth2/realms/root/realms/NHSIdentity/realms/Healthcare';

/** CIS2's issuers, `:443` included: it is part of the name that CIS2 puts into its tokens. */
export const cis2Issuers = {
  integration: `https://am.nhsint.auth-ptl.cis2.spineservices.nhs.uk:443/${realm}`,
  live: `https://am.nhsidentity.spineservices.nhs.uk:443/${realm}`,
} as const;

/**
 * How the BFF behaves: what `bff.config` says of the app, to be spread in (`...bff`), and what differs between environments.
 * Without `upstreams` there is the Personal Demographics Service, as it ships. `spa` is for local runs alone.
 */
export interface BehaviourProps extends Partial<BffConfig> {
  /**
   * True for real users: only the live CIS2 issuer and the live API platform are accepted, no debug log, and nothing without
   * a certificate and a web ACL. False for everything else: those two are refused.
   * @default true
   */
  readonly production?: boolean;
  /** The one origin of the SPA and the BFF, such as `https://app.example.nhs.uk`. */
  readonly baseUrl: string;
  /** CIS2's issuer: one of {@link cis2Issuers}. */
  readonly issuer: string;
  /** The client id that CIS2 gave to this deployment. */
  readonly clientId: string;
  /**
   * How an ordinary sign-in asks the user to prove who they are.
   * @default AAL3_ANY
   */
  readonly acr?: AcrValue;
  /**
   * How a sign-in proves that the person is present: `login` sends `prompt=login`, a number sends `max_age` in seconds.
   * @default login
   */
  readonly freshness?: 'login' | number;
  /**
   * The minimum authentication assurance level that gets a session.
   * @default 3
   */
  readonly minimumAal?: 1 | 2 | 3;
  /**
   * The minimum identity assurance level that gets a session.
   * @default 3
   */
  readonly minimumIal?: 0 | 1 | 2 | 3;
  /**
   * CIS2's end-session endpoint, where the browser goes on to when the user signs out. Ask CIS2 first: it must have the
   * signed-out page registered to send the user back to, or they are left on an empty page.
   * @default - the user signs out of the app only
   */
  readonly endSessionUrl?: string;
  /**
   * Where those upstreams are: a name in the route manifest, and its base URL. One that is not named here is not there.
   * @default - none
   */
  readonly upstreamUrls?: Readonly<Record<string, string>>;
  /**
   * Where the NHS API platform gives out users' tokens, which must fit where the upstreams are: one of
   * {@link apiPlatformTokenUrls}, or outside production that of another of its test environments.
   * @default - the live one in production, that of the integration environment elsewhere
   */
  readonly apiPlatformTokenUrl?: string;
  /**
   * Seconds for which a function keeps the signing keys before it reads them again.
   * @default 60
   */
  readonly keyCacheSeconds?: number;
  /**
   * Size of a new signing key, in bits.
   * @default 4096
   */
  readonly signingKeyBits?: 2048 | 3072 | 4096;
  /**
   * Whether the NHS API platform trusts the keys that CIS2 does, or keys of its own, in a second secret and with a set and
   * a rotation of their own.
   * @default shared
   */
  readonly apiPlatformKeys?: 'shared' | 'own';
  /**
   * Where new signing keys are made: in the secret, which functions that sign read, or in KMS, which never gives them out
   * and signs itself. A change takes hold as the keys rotate.
   * @default secret
   */
  readonly keyCustody?: 'secret' | 'kms';
  /**
   * How long a key must have been published before a rotation lets it sign. Production is refused with less than an hour.
   * @default Duration.hours(24)
   */
  readonly keyLeadTime?: Duration;
  /** @default info */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
  /**
   * Whether a function opens its connections while it starts, before its first request.
   * @default true
   */
  readonly warmUp?: boolean;
}

/** Names of the AWS resources, most of which are known only when they are deployed. */
export type ResourceNames = Readonly<
  Record<
    | 'SESSION_TABLE'
    | 'PUBLISHED_KEYS_TABLE'
    | 'IDENTIFIER_KEY_SECRET'
    | 'SIGNING_KEYS_SECRET'
    | 'API_PLATFORM_KEYS_SECRET'
    | 'API_PLATFORM_CREDENTIALS_SECRET'
    | 'EDGE_SECRET'
    | 'KEY_RING_NAME',
    string
  >
>;

/** Whoever caches our keys knows a new one by then. @see BehaviourProps.keyLeadTime */
export const defaultKeyLeadTime = Duration.seconds(cis2KeySetCacheSeconds);

/** @see BehaviourProps.upstreams */
export const manifestOf = ({ upstreams }: Pick<BehaviourProps, 'upstreams'>): UpstreamDefinitions =>
  upstreams ?? { pds };

/** A deployment that breaks a rule: every problem, by the name of the setting or property. */
export class DeploymentRefused extends Error {
  override readonly name = 'DeploymentRefused';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const [only, another] = problems;
    super(
      another === undefined
        ? `cis2-bff refused: ${only ?? ''}`
        : [`cis2-bff refused ${String(problems.length)} values:`, ...problems].join('\n  '),
    );
    this.problems = problems;
  }
}

/** The property that a setting comes from, where another name says the same. */
export const propertyOfSetting = {
  BASE_URL: 'baseUrl',
  CIS2_ISSUER: 'issuer',
  CIS2_CLIENT_ID: 'clientId',
  CIS2_SCOPE: 'scope',
  CIS2_ACR: 'acr',
  CIS2_FRESHNESS: 'freshness',
  MINIMUM_AAL: 'minimumAal',
  MINIMUM_IAL: 'minimumIal',
  END_SESSION_URL: 'endSessionUrl',
  KEY_CACHE_SECONDS: 'keyCacheSeconds',
  SIGNING_KEY_BITS: 'signingKeyBits',
  API_PLATFORM_KEYS: 'apiPlatformKeys',
  KEY_CUSTODY: 'keyCustody',
  KEY_LEAD_SECONDS: 'keyLeadTime',
  KEY_RING_NAME: 'keyRingName',
  METRICS_NAMESPACE: 'keyRingName',
  UPSTREAMS: 'upstreamUrls',
  API_PLATFORM_TOKEN_URL: 'apiPlatformTokenUrl',
  LOG_LEVEL: 'logLevel',
  WARM_UP: 'warmUp',
} as const satisfies Readonly<Partial<Record<SettingName, string>>>;

/** A problem of a setting, as one of the property. */
const ofProperty = (problem: string): string => {
  const [name = ''] = problem.split(' ', 1);
  const properties: Readonly<Record<string, string>> = propertyOfSetting;
  const property = properties[name];
  return property === undefined ? problem : property + problem.slice(name.length);
};

/** What is wrong with the app's own configuration; what is known only when it is deployed cannot be. */
const problemsOfConfig = (props: BehaviourProps): readonly string[] =>
  configProblems(
    Object.fromEntries(
      configMembers
        .map((member) => [member, member === 'upstreams' ? manifestOf(props) : props[member]] as const)
        .filter(([, value]) => value !== undefined && !Token.isUnresolved(value)),
    ),
  );

/** Checks by the rules of `lambdas/settings/rules.ts`, but for what is known only when it is deployed. */
const brokenRules = (values: Readonly<Record<SettingName, string>>): readonly string[] => {
  try {
    readSettings(
      settingNames.filter((name) => !checkedAsConfig.has(name) && !Token.isUnresolved(values[name])),
      values,
    );
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
};

/** The upstreams, where they are well written; {@link brokenRules} tells where they are not. */
const upstreamsOf = (values: Readonly<Record<SettingName, string>>): Readonly<Record<string, string>> => {
  try {
    return readSettings(['UPSTREAMS'], values).UPSTREAMS;
  } catch (error) {
    if (error instanceof SettingsError) return {};
    throw error;
  }
};

/** The live API platform is for production, and production for the live API platform. */
const wrongEnvironmentOnPlatform = (
  production: boolean,
  name: SettingName,
  url: string,
): readonly string[] => {
  const environment = apiPlatformEnvironment(new URL(url));
  if (production && environment === 'test') {
    return [`${name} has a test environment of the API platform, which is not for production: ${url}`];
  }
  if (!production && environment === 'live') {
    return [`${name} has the live API platform, which is for production only: ${url}`];
  }
  return [];
};

/** Users' ID tokens go there, so production knows one address and no other. */
const wrongEnvironmentTokenUrl = (production: boolean, url: string): readonly string[] => {
  if (Token.isUnresolved(url) || !URL.canParse(url)) return [];
  return production && url !== apiPlatformTokenUrls.live
    ? [`API_PLATFORM_TOKEN_URL must be ${apiPlatformTokenUrls.live} in production, got ${url}`]
    : wrongEnvironmentOnPlatform(production, 'API_PLATFORM_TOKEN_URL', url);
};

/** What would be right on a laptop, or elsewhere, and is wrong here. */
const wrongEnvironment = (
  production: boolean,
  manifest: UpstreamDefinitions,
  values: Readonly<Record<SettingName, string>>,
): readonly string[] => {
  const problems: string[] = [];
  for (const name of ['BASE_URL', 'CIS2_ISSUER', 'END_SESSION_URL', 'API_PLATFORM_TOKEN_URL'] as const) {
    if (URL.canParse(values[name]) && isLoopback(new URL(values[name]))) {
      problems.push(`${name} is a loopback address, which means nothing in AWS: ${values[name]}`);
    }
  }
  for (const [name, url] of Object.entries(upstreamsOf(values))) {
    if (!Object.hasOwn(manifest, name)) {
      problems.push(
        `UPSTREAMS names ${name}, and the route manifest has ${Object.keys(manifest).join(', ')}`,
      );
    }
    if (isLoopback(new URL(url))) {
      problems.push(`UPSTREAMS has a loopback address, which means nothing in AWS: ${url}`);
    }
    problems.push(...wrongEnvironmentOnPlatform(production, 'UPSTREAMS', url));
  }
  problems.push(...wrongEnvironmentTokenUrl(production, values.API_PLATFORM_TOKEN_URL));
  if (production && values.LOG_LEVEL === 'debug') problems.push('LOG_LEVEL debug is not for production');
  const issuer = values.CIS2_ISSUER;
  // One that is missing is said to be.
  if (issuer !== '' && !Token.isUnresolved(issuer) && production !== (issuer === cis2Issuers.live)) {
    problems.push(
      production
        ? `CIS2_ISSUER must be the live issuer in production, got ${issuer}`
        : 'CIS2_ISSUER is the live issuer, which is for production only',
    );
  }
  return problems;
};

/** JavaScript can give anything. What is no text is refused by the rule of the setting; what is not there is missing. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

/**
 * Every setting of the functions as text, checked.
 *
 * @param otherProblems - what else is wrong with the deployment, to be reported together with what is wrong here
 * @throws DeploymentRefused naming each setting that breaks a rule, and the other problems
 */
export function settingValues(
  props: BehaviourProps,
  resources: ResourceNames,
  otherProblems: readonly string[] = [],
): Readonly<Record<SettingName, string>> {
  const { production = true } = props;
  const manifest = manifestOf(props);
  const values = {
    BASE_URL: textOf(props.baseUrl),
    CIS2_ISSUER: textOf(props.issuer),
    CIS2_CLIENT_ID: textOf(props.clientId),
    CIS2_SCOPE: 'openid profile nhsperson nationalrbacaccess associatedorgs',
    CIS2_ACR: props.acr ?? 'AAL3_ANY',
    CIS2_FRESHNESS: String(props.freshness ?? 'login'),
    MINIMUM_AAL: String(props.minimumAal ?? 3),
    MINIMUM_IAL: String(props.minimumIal ?? 3),
    ACCEPTED_ROLES: 'optional',
    IDLE_SECONDS: String(maxIdleSeconds),
    ABSOLUTE_SECONDS: String(maxAbsoluteSeconds),
    SESSIONS_PER_USER: '20',
    CONCURRENT_SESSIONS: 'allow',
    SIGN_IN_ERROR_PATH: '/sign-in-error',
    SIGNED_OUT_PATH: '/signed-out',
    END_SESSION_URL: props.endSessionUrl ?? 'off',
    KEY_CACHE_SECONDS: String(props.keyCacheSeconds ?? 60),
    SIGNING_KEY_BITS: String(props.signingKeyBits ?? 4096),
    API_PLATFORM_KEYS: props.apiPlatformKeys ?? 'shared',
    KEY_CUSTODY: props.keyCustody ?? 'secret',
    KEY_LEAD_SECONDS: String((props.keyLeadTime ?? defaultKeyLeadTime).toSeconds({ integral: false })),
    // No property: only the local run replaces it.
    CLOUDFORMATION_RESPONSE_ORIGIN: 'aws',
    UPSTREAMS: JSON.stringify(props.upstreamUrls ?? {}),
    CALLS_PER_WINDOW: String(defaultCallsPerWindow),
    API_PLATFORM_TOKEN_URL:
      props.apiPlatformTokenUrl ?? apiPlatformTokenUrls[production ? 'live' : 'integration'],
    METRICS_NAMESPACE: `cis2-bff/${resources.KEY_RING_NAME}`,
    LOG_LEVEL: props.logLevel ?? 'info',
    WARM_UP: (props.warmUp ?? true) ? 'on' : 'off',
    ...settingsOfConfig(props),
    ...resources,
  } satisfies Record<SettingName, string>;

  const problems = [
    ...problemsOfConfig(props),
    ...[...brokenRules(values), ...wrongEnvironment(production, manifest, values)].map(ofProperty),
    ...otherProblems,
  ];
  if (problems.length > 0) throw new DeploymentRefused(problems);
  return values;
}
