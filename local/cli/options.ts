import path from 'node:path';
import { acrLevels, readSettings, SettingsError } from '../../lambdas/settings/index.ts';
import type { SettingName } from '../../lambdas/settings/index.ts';
import { calledAs } from './called-as.ts';
import { parseCommandLine, type GivenOptions } from './command-line.ts';
import { optionLines, type OptionSpec } from './option-specs.ts';
import { StartError } from '../errors.ts';
import { logFormats, type LogFormat } from './log.ts';

interface RunOption extends OptionSpec {
  readonly default?: string;
  /** For the help text, of an option that has no default: what applies when nobody gives it. */
  readonly otherwise?: string;
  /** The setting of the functions that the option stands for: it gives the rule, and the value goes there. */
  readonly setting?: SettingName;
}

/** What the functions do is said once, by the app or else by the template. */
const asInTemplate = 'as in bff.config or the template';

const specs = {
  port: { value: 'N', help: 'port of the one origin; 0 takes any free one', default: '3000' },
  'base-url': {
    value: 'URL',
    help: 'the origin that browsers use, where a TLS proxy on this machine stands in front (http for loopback only)',
    otherwise: 'http://localhost:PORT',
    setting: 'BASE_URL',
  },
  spa: {
    value: 'DIR|URL',
    help: 'the built files, or the development server, of a page of your own',
    otherwise: 'what bff.config says',
  },
  issuer: {
    value: 'URL',
    help: 'sign in at this OpenID provider in place of the CIS2 simulator (http for loopback only)',
    setting: 'CIS2_ISSUER',
  },
  'client-id': {
    value: 'ID',
    help: 'our client id there',
    default: 'cis2-bff-local',
    setting: 'CIS2_CLIENT_ID',
  },
  'token-exchange-url': {
    value: 'URL',
    help: 'get tokens there in place of the API platform simulator (http for loopback only)',
    setting: 'API_PLATFORM_TOKEN_URL',
  },
  'api-key': { value: 'KEY', help: 'our key at the API platform', default: 'local-api-key' },
  'api-secret': { value: 'SECRET', help: 'the secret that goes with it', default: 'local-api-secret' },
  upstream: {
    value: 'NAME=URL',
    help: 'call this API in place of a simulator; once for each of several',
    repeatable: true,
  },
  'idle-seconds': {
    value: 'N',
    help: 'end a session after N seconds without activity',
    otherwise: asInTemplate,
    setting: 'IDLE_SECONDS',
  },
  'absolute-seconds': {
    value: 'N',
    help: 'end a session N seconds after its sign-in',
    otherwise: asInTemplate,
    setting: 'ABSOLUTE_SECONDS',
  },
  acr: {
    value: 'VALUE',
    help: 'acr_values of a sign-in; the values are below',
    otherwise: asInTemplate,
    setting: 'CIS2_ACR',
  },
  'min-aal': {
    value: 'N',
    help: 'minimum authentication assurance level that gets a session',
    otherwise: asInTemplate,
    setting: 'MINIMUM_AAL',
  },
  'min-ial': {
    value: 'N',
    help: 'minimum identity assurance level that gets a session',
    otherwise: asInTemplate,
    setting: 'MINIMUM_IAL',
  },
  'accepted-roles': {
    value: 'RULES',
    help: 'optional, any, or rules as JSON: the roles a sign-in needs',
    otherwise: asInTemplate,
    setting: 'ACCEPTED_ROLES',
  },
  'concurrent-sessions': {
    value: 'POLICY',
    help: 'allow, newest-wins or ask',
    otherwise: asInTemplate,
    setting: 'CONCURRENT_SESSIONS',
  },
  'end-session-url': {
    value: 'URL',
    help: 'where a browser that signs out goes on to, or off',
    otherwise: asInTemplate,
    setting: 'END_SESSION_URL',
  },
  'key-cache-seconds': {
    value: 'N',
    help: 'how long a function keeps the signing keys',
    otherwise: asInTemplate,
    setting: 'KEY_CACHE_SECONDS',
  },
  'key-lead-seconds': {
    value: 'N',
    help: 'how long a signing key is published before a rotation lets it sign',
    default: '0',
    setting: 'KEY_LEAD_SECONDS',
  },
  'key-custody': {
    value: 'WHERE',
    help: 'secret or kms: where new signing keys are made and stored',
    default: 'secret',
    setting: 'KEY_CUSTODY',
  },
  'key-bits': {
    value: 'N',
    help: 'size of new signing keys: 2048, 3072 or 4096',
    otherwise: asInTemplate,
    setting: 'SIGNING_KEY_BITS',
  },
  'dynamodb-endpoint': { value: 'URL', help: 'use this DynamoDB in place of the embedded store' },
  'secrets-endpoint': { value: 'URL', help: 'use this Secrets Manager in place of the embedded one' },
  'kms-endpoint': { value: 'URL', help: 'use this KMS in place of the embedded one' },
  log: { value: 'FILE', help: 'append the structured logs to FILE (else: standard output)' },
  'log-format': {
    value: 'FORMAT',
    help: 'json, one document a line, or pretty, one short line a request',
    otherwise: 'pretty on a terminal, else json',
  },
  quiet: { help: 'print the ready line only; logs go to --log FILE or nowhere' },
} as const satisfies Record<string, RunOption>;

type OptionName = keyof typeof specs;
/** Every option, by its name. */
export const optionSpecs: Readonly<Record<OptionName, RunOption>> = specs;
const optionNames = Object.keys(specs) as OptionName[];
const specOf = (name: OptionName): RunOption => specs[name];

/** `--idle-seconds` can be given as `BFF_IDLE_SECONDS`. */
export const variableOf = (name: OptionName): string => `BFF_${name.replaceAll('-', '_').toUpperCase()}`;

/** Where the single-page app is: a folder of built files, or a development server. */
export type SpaSource = { readonly directory: string } | { readonly server: URL };

export interface Options {
  /** 0: any free port. */
  readonly port: number;
  /** Absent: the CIS2 simulator. */
  readonly issuer: string | undefined;
  readonly clientId: string;
  /** Absent: the API platform simulator. */
  readonly tokenExchangeUrl: string | undefined;
  /** What the API platform knows us by. It never becomes a setting: the functions read it from a secret. */
  readonly application: { readonly apiKey: string; readonly apiSecret: string };
  /** Where an upstream is, by its name in the route manifest; a simulator stands in for one that is not here. */
  readonly upstreams: Readonly<Record<string, string>>;
  readonly dynamodbEndpoint: string | undefined;
  readonly secretsEndpoint: string | undefined;
  readonly kmsEndpoint: string | undefined;
  /** Absent: standard output. */
  readonly logFile: string | undefined;
  /** Absent: `pretty` on a terminal, else `json`. */
  readonly logFormat: LogFormat | undefined;
  readonly quiet: boolean;
  /** Absent: `http://localhost:PORT`. */
  readonly baseUrl: string | undefined;
  /** Absent: what the app says, or else a page that says what to do next. */
  readonly spa: SpaSource | undefined;
  /** Values that take the place of what the template says, by the name of the setting: those that were given. */
  readonly settings: Readonly<Partial<Record<SettingName, string>>>;
}

const withDefault = ({ default: fallback, otherwise = fallback, ...spec }: RunOption): OptionSpec => ({
  ...spec,
  help: otherwise === undefined ? spec.help : `${spec.help} (${otherwise})`,
});

export const helpText = (): string =>
  [
    `Usage: ${calledAs('dev')} [options]`,
    '',
    'Runs an app on this machine, and everything behind it: the functions, their stores, simulators of CIS2 and the API platform.',
    'What is the app’s own stands in bff.config.ts (or .js, .mjs) beside its package.json.',
    '',
    ...optionLines(Object.fromEntries(optionNames.map((name) => [name, withDefault(specOf(name))])), 32),
    '',
    'Values of acr, which also say the authentication assurance level that a sign-in must reach:',
    ...Object.entries(acrLevels).map(([value, level]) => `  ${value.padEnd(30)}AAL${String(level)}`),
    '',
    'Each option can also be an environment variable: BFF_PORT, BFF_CLIENT_ID, … (BFF_QUIET=1; BFF_UPSTREAM=NAME=URL,NAME=URL).',
    'An option wins.',
  ].join('\n');

/** The values of a repeatable option's environment variable, where commas stand between them. */
export const valuesOfVariable = (variable = ''): readonly string[] =>
  variable
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value !== '');

const endpointUrl = (name: OptionName, value: string | undefined): string | undefined => {
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new StartError(`--${name} must be an http or https URL, got ${JSON.stringify(value)}`);
  }
  return value;
};

/**
 * A folder or a URL, as `--spa` and an app's configuration have it.
 *
 * @param directory - what a relative path is relative to
 * @throws StartError for a URL that is no plain origin
 */
export function spaSource(value: string, directory: string): SpaSource {
  if (value === '') throw new StartError('--spa must be a folder, or the URL of a development server');
  if (!/^(?:https?:|[a-z][a-z0-9+.-]*:\/\/)/i.test(value))
    return { directory: path.resolve(directory, value) };
  const server = URL.canParse(value) ? new URL(value) : undefined;
  if (server === undefined || !/^https?:$/.test(server.protocol) || server.href !== `${server.origin}/`) {
    throw new StartError(
      `--spa must be a folder, or the URL of a development server such as http://localhost:5173, got ${JSON.stringify(value)}`,
    );
  }
  return { server };
}

const oneOf = <Value extends string>(
  name: OptionName,
  values: readonly Value[],
  value: string | undefined,
): Value | undefined => {
  const found = values.find((known) => known === value);
  if (value === undefined || found !== undefined) return found;
  throw new StartError(`--${name} must be one of ${values.join(', ')}, got ${JSON.stringify(value)}`);
};

/** @throws StartError when it is no port number */
export const portNumber = (value: string): number => {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : NaN;
  if (!(port <= 65_535)) {
    throw new StartError(`--port must be a whole number from 0 to 65535, got ${JSON.stringify(value)}`);
  }
  return port;
};

const switchValue = (name: OptionName, value: string | undefined): boolean => {
  if (value === undefined || ['', '0', 'false', 'off'].includes(value.toLowerCase())) return false;
  if (['1', 'true', 'on'].includes(value.toLowerCase())) return true;
  throw new StartError(`${variableOf(name)} must be 1 or 0, got ${JSON.stringify(value)}`);
};

/** The value is not repeated: one of the two is a secret. */
const credential = (name: OptionName, value: string | undefined): string => {
  if (value !== undefined && /^[\x21-\x7e]{1,512}$/.test(value)) return value;
  throw new StartError(`--${name} must be up to 512 printable characters without spaces`);
};

/** `NAME=URL`, each; whether there is an upstream of a name is for the template to say. */
export function upstreamUrls(values: readonly string[]): Record<string, string> {
  const urls: Record<string, string> = {};
  for (const value of values) {
    const mark = value.indexOf('=');
    const [name, url] = [value.slice(0, Math.max(mark, 0)), value.slice(mark + 1)];
    if (Object.hasOwn(urls, name)) throw new StartError(`--upstream is given twice for ${name}`);
    try {
      readSettings(['UPSTREAMS'], { UPSTREAMS: JSON.stringify({ [name]: url }) });
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      throw new StartError(
        `--upstream must be NAME=URL, a plain https URL of a host name (http only for loopback), got ${JSON.stringify(value)}`,
      );
    }
    urls[name] = url;
  }
  return urls;
}

/** The rule of the setting decides; the message names the option, which is what the reader typed. */
const checkSetting = (name: OptionName, setting: SettingName, value: string): void => {
  try {
    readSettings([setting], { [setting]: value });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new StartError(error.problems.join('; ').replaceAll(setting, `--${name}`));
  }
};

/**
 * Reads the options of a local run.
 *
 * @param args - the command line, without the program's own name
 * @param environment - where `BFF_…` variables are looked up; an option on the command line wins
 * @returns the options, or `'help'` when the help text was asked for
 * @throws StartError for an unknown option, a value that breaks its rule, or a limit above its maximum
 */
export function parseOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Options | 'help' {
  const given = parseCommandLine(args, specs);
  if (given['help'] === true) return 'help';
  try {
    return optionsOf(given, environment);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    // By what the reader has to look for: they may not know that it is set.
    const named = (option: string, name: string): string =>
      given[name] === undefined && isFromEnvironment(name, environment) ? variableOf(name) : option;
    throw new StartError(error.message.replaceAll(/--([a-z][a-z-]*)/g, named));
  }
}

type Variables = Readonly<Record<string, string | undefined>>;

const isFromEnvironment = (name: string, environment: Variables): name is OptionName =>
  Object.hasOwn(specs, name) && (environment[variableOf(name as OptionName)] ?? '') !== '';

function optionsOf(given: GivenOptions, environment: Variables): Options {
  const text = (name: OptionName): string | undefined => {
    const option = given[name];
    if (typeof option === 'string') return option;
    const variable = environment[variableOf(name)];
    return variable === undefined || variable === '' ? specOf(name).default : variable;
  };
  const texts = (name: OptionName): readonly string[] => {
    const option = given[name];
    if (typeof option === 'object') return option;
    return valuesOfVariable(environment[variableOf(name)]);
  };

  const settings: Partial<Record<SettingName, string>> = {};
  for (const name of optionNames) {
    const { setting } = specOf(name);
    const value = text(name);
    if (setting === undefined || value === undefined) continue;
    checkSetting(name, setting, value);
    settings[setting] = value;
  }

  const spa = text('spa');
  return {
    port: portNumber(text('port') ?? ''),
    issuer: text('issuer'),
    clientId: text('client-id') ?? '',
    tokenExchangeUrl: text('token-exchange-url'),
    application: {
      apiKey: credential('api-key', text('api-key')),
      apiSecret: credential('api-secret', text('api-secret')),
    },
    upstreams: upstreamUrls(texts('upstream')),
    dynamodbEndpoint: endpointUrl('dynamodb-endpoint', text('dynamodb-endpoint')),
    secretsEndpoint: endpointUrl('secrets-endpoint', text('secrets-endpoint')),
    kmsEndpoint: endpointUrl('kms-endpoint', text('kms-endpoint')),
    logFile: text('log'),
    logFormat: oneOf('log-format', logFormats, text('log-format')),
    baseUrl: settings.BASE_URL,
    spa: spa === undefined ? undefined : spaSource(spa, process.cwd()),
    quiet: given['quiet'] === true || switchValue('quiet', environment[variableOf('quiet')]),
    settings,
  };
}
