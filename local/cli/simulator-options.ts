import { readFileSync } from 'node:fs';
import {
  exampleRegistrations,
  readRegistrations,
  RegistrationError,
  type ClientRegistration,
} from '../cis2-simulator/index.ts';
import { calledAs } from './called-as.ts';
import { parseCommandLine, type OptionKind } from './command-line.ts';
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

export const simulatorHelp = (): string => `Usage: ${calledAs('simulator')} --clients FILE [options]
       ${calledAs('simulator')} --client-id ID --redirect-uri URL --client-secret SECRET [options]
       ${calledAs('simulator')} --client-id ID --redirect-uri URL --jwks-uri URL [options]

Runs an OpenID provider that behaves like NHS CIS2, alone, on this machine. It knows your apps from a file, or one app
from the command line.

  --clients FILE                   registered apps, as JSON (see below)
  --client-id ID                   id of the one app
  --redirect-uri URL               where sign-ins come back to; may be given several times
  --client-secret SECRET           its secret (client_secret_post); make one up
  --jwks-uri URL                   where it publishes its keys (private_key_jwt)
  --signing-algorithm ALG          what its assertions are signed with: RS512 or RS256 (RS512)
  --backchannel-logout-uri URL     where logout tokens go
  --post-logout-redirect-uri URL   where a browser may be sent after signing out; may be given several times
  --port N                         port on 127.0.0.1; 0 takes any free one (${defaultPort})
  --issuer-port-in-name            spell the port in the issuer so that URL parsers tidy it away, as they do CIS2's :443
  --quiet                          print the ready line only
  --help                           this text

A file looks like this (the names are those of CIS2's Connection Manager):

${exampleRegistrations}`;

const howToRegister = `no app is registered: give --clients FILE, or --client-id and what goes with it (--help says more)

A file looks like this:

${exampleRegistrations.trimEnd()}`;

const optionKinds = {
  clients: 'value',
  'client-id': 'value',
  'redirect-uri': 'values',
  'client-secret': 'value',
  'jwks-uri': 'value',
  'signing-algorithm': 'value',
  'backchannel-logout-uri': 'value',
  'post-logout-redirect-uri': 'values',
  port: 'value',
  'issuer-port-in-name': 'switch',
  quiet: 'switch',
} as const satisfies Record<string, OptionKind>;

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

/** Options that describe the one app, as the members of a registration. */
const memberOfOption = {
  'client-id': 'client_id',
  'redirect-uri': 'redirect_uris',
  'client-secret': 'client_secret',
  'jwks-uri': 'jwks_uri',
  'signing-algorithm': 'jwks_uri_signing_algorithm',
  'backchannel-logout-uri': 'backchannel_logout_uri',
  'post-logout-redirect-uri': 'post_logout_redirect_uris',
} as const;

/** What was typed stands in the message, not what it stands for. */
const inOptions = (problem: string): string =>
  Object.entries(memberOfOption)
    .sort(([, one], [, other]) => other.length - one.length)
    .reduce(
      (text, [option, member]) => text.replaceAll(new RegExp(`\\b${member}\\b`, 'g'), `--${option}`),
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
  const given = parseCommandLine(args, optionKinds);
  if (given['help'] === true) return 'help';
  const members = Object.fromEntries(
    Object.entries(memberOfOption).flatMap(([option, member]) => {
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
