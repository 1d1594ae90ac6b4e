import { readFileSync } from 'node:fs';
import {
  exampleRegistrations,
  readRegistrations,
  RegistrationError,
  type ClientRegistration,
} from '../cis2-simulator/index.ts';
import { calledAs } from './called-as.ts';
import { parseCommandLine } from './command-line.ts';
import { optionLines, type OptionSpec, type OptionSpecs } from './option-specs.ts';
import { reasonOf, StartError } from '../errors.ts';
import { portNumber } from './options.ts';

export interface SimulatorOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly issuerPortInName: boolean;
  readonly quiet: boolean;
  readonly clients: readonly ClientRegistration[];
}

const defaultPort = '3001';

/** Options that describe the one app, each with the member of a registration that it is. */
const appOptions = {
  'client-id': { value: 'ID', help: 'id of the one app', member: 'client_id' },
  'redirect-uri': {
    value: 'URL',
    help: 'where sign-ins come back to; may be given several times',
    repeatable: true,
    member: 'redirect_uris',
  },
  'client-secret': {
    value: 'SECRET',
    help: 'its secret (client_secret_post); make one up',
    member: 'client_secret',
  },
  'jwks-uri': { value: 'URL', help: 'where it publishes its keys (private_key_jwt)', member: 'jwks_uri' },
  'signing-algorithm': {
    value: 'ALG',
    help: 'what its assertions are signed with: RS512 or RS256 (RS512)',
    member: 'jwks_uri_signing_algorithm',
  },
  'backchannel-logout-uri': {
    value: 'URL',
    help: 'where logout tokens go',
    member: 'backchannel_logout_uri',
  },
  'post-logout-redirect-uri': {
    value: 'URL',
    help: 'where a browser may be sent after signing out; may be given several times',
    repeatable: true,
    member: 'post_logout_redirect_uris',
  },
} as const satisfies Record<string, OptionSpec & { readonly member: string }>;

const specs: OptionSpecs = {
  clients: { value: 'FILE', help: 'registered apps, as JSON (see below)' },
  ...appOptions,
  port: { value: 'N', help: `port on 127.0.0.1; 0 takes any free one (${defaultPort})` },
  'issuer-port-in-name': {
    help: "spell the port in the issuer so that URL parsers tidy it away, as they do CIS2's :443",
  },
  quiet: { help: 'print the ready line only' },
};

export const simulatorHelp = (): string => `Usage: ${calledAs('simulator')} --clients FILE [options]
       ${calledAs('simulator')} --client-id ID --redirect-uri URL --client-secret SECRET [options]
       ${calledAs('simulator')} --client-id ID --redirect-uri URL --jwks-uri URL [options]

Runs an OpenID provider that behaves like NHS CIS2, alone, on this machine. It knows your apps from a file, or one app
from the command line.

${optionLines(specs, 35).join('\n')}

A file looks like this (the names are those of CIS2's Connection Manager):

${exampleRegistrations}`;

const howToRegister = `no app is registered: give --clients FILE, or --client-id and what goes with it (--help says more)

A file looks like this:

${exampleRegistrations.trimEnd()}`;

function readFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError(`cannot read ${file}: ${reasonOf(error)}`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new StartError(`${file} is not JSON: ${reasonOf(error)}`);
  }
}

/** What was typed stands in the message, not what it stands for. */
const inOptions = (problem: string): string =>
  Object.entries(appOptions)
    .sort(([, one], [, other]) => other.member.length - one.member.length)
    .reduce(
      (text, [option, { member }]) => text.replaceAll(new RegExp(`\\b${member}\\b`, 'g'), `--${option}`),
      problem,
    )
    .replace(/^client 1: /, '');

/**
 * Reads the options of a simulator that runs alone.
 *
 * @param args - the command line, without the program's own name
 * @returns the options, or `'help'` when the help text was asked for
 * @throws StartError for an unknown option, or for apps that cannot be registered as they are described
 */
export function parseSimulatorOptions(args: readonly string[]): SimulatorOptions | 'help' {
  const given = parseCommandLine(args, specs);
  if (given['help'] === true) return 'help';
  const members = Object.fromEntries(
    Object.entries(appOptions).flatMap(([option, { member }]) => {
      const value = given[option];
      return value === undefined ? [] : [[member, value]];
    }),
  );
  const [file, port] = [given['clients'], given['port']].map((value) =>
    typeof value === 'string' ? value : undefined,
  );
  const isDescribed = Object.keys(members).length > 0;
  if (file !== undefined && isDescribed) {
    throw new StartError('--clients FILE stands alone: describe every app in the file');
  }
  if (file === undefined && !isDescribed) throw new StartError(howToRegister);
  try {
    return {
      port: portNumber(port ?? defaultPort),
      issuerPortInName: given['issuer-port-in-name'] === true,
      quiet: given['quiet'] === true,
      clients: readRegistrations(file === undefined ? [members] : readFile(file)),
    };
  } catch (error) {
    if (!(error instanceof RegistrationError)) throw error;
    throw new StartError(
      file === undefined ? error.problems.map(inOptions).join('; ') : `${file}: ${error.message}`,
    );
  }
}
