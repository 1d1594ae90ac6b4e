import { parseArgs } from 'node:util';
import { isKid, isUid } from '../lambdas/common/id-rules.ts';
import { didYouMean } from '../manifest/nearest.ts';
import { calledAs } from '../local/cli/called-as.ts';
import { optionLines, parserOptions, type OptionSpec, type OptionSpecs } from '../local/cli/option-specs.ts';
import type { Arguments, Command, OwnOption, Purpose, Target } from './command.ts';
import { commands } from './commands.ts';
import { UsageError } from './errors.ts';
import { defaultRegion } from './invocation.ts';

const sharedOptions = {
  env: { value: 'NAME', help: 'work on the environment NAME in AWS' },
  stack: { value: 'NAME', help: 'work on the stack NAME of your own CDK app in AWS' },
  construct: { value: 'ID', help: 'which installation, where the stack has several' },
  local: { value: 'PORT', help: 'work on the local start that runs on PORT' },
  region: { value: 'REGION', help: `AWS region of the environment or stack (${defaultRegion})` },
  json: { help: 'print one JSON document in place of the text' },
} as const satisfies OptionSpecs;

const ownOptions = {
  purpose: { value: 'PURPOSE', help: 'whose keys: cis2, or api-platform where it has its own (cis2)' },
  'dry-run': { help: 'show what would happen and change nothing' },
  yes: { help: 'do not ask' },
  kid: { value: 'KID', help: 'the key’s id (default: the JWK’s own, or the RFC 7638 thumbprint)' },
  now: { help: 'sign with the key at once: for a key that CIS2 already knows' },
  uid: { value: 'UID', help: 'the user’s uid at CIS2' },
  all: { help: 'the sessions of all users' },
  hours: { value: 'N', help: 'how far back to look in the logs (24)' },
} as const satisfies Record<OwnOption, OptionSpec>;

const optionSpecs: OptionSpecs = { ...sharedOptions, ...ownOptions };

const options = parserOptions(optionSpecs);

const wordsOf = ({ name }: Command): readonly string[] => name.split(' ');
const startsWith = (words: readonly string[], beginning: readonly string[]): boolean =>
  beginning.every((word, index) => words[index] === word);

const callOf = ({ name, operands }: Command): string => [name, ...operands].join(' ');
const commandNames = commands.map(({ name }) => name);
const commandList = (): string => commandNames.join(', ');

export type CommandLine =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'command'; readonly command: Command; readonly args: Arguments };

/**
 * Reads the command line.
 *
 * @param args - without the program's own name
 * @throws UsageError when it does not name one command with everything it needs, and nothing else
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  // The command first: the options depend on it, and a mistyped command is the more useful thing to report.
  const words = parseArgs({ args: [...args], options, strict: false, allowPositionals: true });
  const command = commands.find((candidate) => startsWith(words.positionals, wordsOf(candidate)));
  if (command === undefined) {
    const asksForHelp = args.includes('--help') || args.includes('-h');
    if (asksForHelp && commands.some((candidate) => startsWith(wordsOf(candidate), words.positionals))) {
      return { kind: 'help', text: generalHelp() };
    }
    const given = words.positionals.slice(0, 2).join(' ');
    const hint = didYouMean(given, commandNames) || '.';
    throw new UsageError(
      given === ''
        ? `no command; the commands are: ${commandList()} (see ${calledAs('ops')} --help)`
        : `unknown command ${JSON.stringify(given)}${hint} The commands are: ${commandList()} (see ${calledAs('ops')} --help)`,
    );
  }

  const { values, positionals } = parse(args, command);
  if (values['help'] === true) return { kind: 'help', text: helpOf(command) };
  const operands = positionals.slice(wordsOf(command).length);
  const missing = command.operands.find((_, index) => (operands[index] ?? '') === '');
  if (missing !== undefined) throw usage(command, `${command.name} needs ${missing}`);
  if (operands.length > command.operands.length) {
    throw usage(command, `${command.name} takes no ${JSON.stringify(operands[command.operands.length])}`);
  }
  const read = readArguments(command, operands, values);
  const misuse = command.misuse?.(read);
  if (misuse !== undefined) throw usage(command, `${command.name} ${misuse}`);
  return { kind: 'command', command, args: read };
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

const usage = (command: Command, message: string): UsageError =>
  new UsageError(`${message} (see ${calledAs('ops')} ${command.name} --help)`);

function parse(args: readonly string[], command: Command): { values: Values; positionals: string[] } {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      options,
      strict: true,
      allowPositionals: true,
      tokens: true,
    });
  } catch (error) {
    throw usage(command, parserComplaint(error as Error & { code?: string }));
  }

  const names = parsed.tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  const foreign = names.find((name) => name in ownOptions && !command.options.includes(name as OwnOption));
  if (foreign !== undefined) throw usage(command, `${command.name} has no option --${foreign}`);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw usage(command, `--${repeated} was given twice`);
  const values = parsed.values as Values;
  const empty = Object.keys(values).find((name) => values[name] === '');
  if (empty !== undefined) throw usage(command, `--${empty} needs a value`);
  return { values, positionals: parsed.positionals };
}

function parserComplaint({ code, message }: { code?: string; message: string }): string {
  const [, name = ''] = /'(?:-\w, )?--([a-z-]+)/.exec(message) ?? [];
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' && name !== '') {
    return `--${name} ${optionSpecs[name]?.value === undefined ? 'takes no value' : 'needs a value'}`;
  }
  const unknown = /^Unknown option '--?([^']+)'/.exec(message)?.[1];
  if (unknown !== undefined) {
    const names = Object.keys(options).map((option) => `--${option}`);
    return `unknown option --${unknown}${didYouMean(`--${unknown}`, names)}`;
  }
  // The parser adds hints, some on lines of their own; the first sentence is enough.
  return (message.split('\n', 1)[0] ?? message).replace(/\.(?: .*)?$/, '');
}

function readArguments(command: Command, operands: readonly string[], values: Values): Arguments {
  const text = (name: keyof typeof optionSpecs): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const purpose = text('purpose') ?? 'cis2';
  if (!isPurpose(purpose)) throw usage(command, '--purpose must be cis2 or api-platform');
  const kid = text('kid');
  if (kid !== undefined && !isKid(kid)) {
    throw usage(command, '--kid must be 1 to 128 of A-Z, a-z, 0-9 and ._~-');
  }
  const uid = text('uid');
  if (uid !== undefined && !isUid(uid)) {
    throw usage(command, '--uid must be 1 to 255 printable ASCII characters without spaces');
  }
  const hours = text('hours');
  if (hours !== undefined && !/^[1-9]\d{0,3}$/.test(hours)) {
    throw usage(command, '--hours must be a whole number from 1 to 9999');
  }
  return {
    operands,
    target: readTarget(command, text),
    purpose,
    kid,
    json: values['json'] === true,
    yes: values['yes'] === true,
    dryRun: values['dry-run'] === true,
    now: values['now'] === true,
    uid,
    all: values['all'] === true,
    hours: hours === undefined ? undefined : Number(hours),
  };
}

const isPurpose = (text: string): text is Purpose => text === 'cis2' || text === 'api-platform';

/** As CloudFormation has it. */
const stackName = /^[A-Za-z][A-Za-z0-9-]{0,127}$/;

function readTarget(
  command: Command,
  text: (name: keyof typeof sharedOptions) => string | undefined,
): Target {
  const places = (['env', 'stack', 'local'] as const).filter((name) => text(name) !== undefined);
  if (places.length === 0) {
    throw usage(
      command,
      'say where: --env NAME for an environment in AWS, --stack NAME for a stack of your own CDK app, --local PORT for a local start',
    );
  }
  if (places.length > 1) {
    throw usage(command, `give only one of ${places.map((name) => `--${name}`).join(', ')}`);
  }
  const construct = text('construct');
  if (construct !== undefined && text('stack') === undefined) {
    throw usage(command, '--construct goes with --stack');
  }
  const local = text('local');
  if (local === undefined) {
    const region = text('region') ?? defaultRegion;
    if (!/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/.test(region)) {
      throw usage(command, '--region must be an AWS region, such as eu-west-2');
    }
    const stack = text('stack');
    if (stack !== undefined) {
      if (!stackName.test(stack)) throw usage(command, '--stack must be the name of a stack in AWS');
      return { kind: 'stack', name: stack, construct, region };
    }
    const env = text('env') ?? '';
    if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,99}$/.test(env)) {
      throw usage(command, '--env must be the name of an environment: letters, digits and hyphens');
    }
    return { kind: 'environment', name: env, region };
  }
  const port = /^\d{1,5}$/.test(local) ? Number(local) : NaN;
  if (!(port >= 1 && port <= 65_535)) {
    throw usage(command, '--local must be the port of a local start, 1 to 65535');
  }
  return { kind: 'local', port };
}

/** How wide the column before the explanations of options is. */
const width = 22;

function generalHelp(): string {
  const widest = Math.max(...commands.map((command) => callOf(command).length));
  return [
    `Usage: ${calledAs('ops')} COMMAND (--env NAME | --stack NAME | --local PORT) [options]`,
    '',
    'Operates an installation, in AWS or on this machine.',
    '',
    ...commands.map((command) => `  ${callOf(command).padEnd(widest)}  ${command.summary}`),
    '',
    ...optionLines(sharedOptions, width),
    '  --version           the version of this package',
    '',
    'COMMAND --help says what else a command takes, and which rights in AWS it needs. AWS credentials are found as the AWS CLI',
    'finds them. A command that ends sessions or moves keys asks first; without a terminal it needs --yes.',
    '',
    'Exit status: 0 done, 1 failed, 2 wrong usage. Results go to standard output, everything else to standard error. npm',
    'prints lines of its own before a command: leave them out with npm run --silent ops -- COMMAND --json.',
  ].join('\n');
}

const helpOf = (command: Command): string =>
  [
    `Usage: ${calledAs('ops')} ${callOf(command)} (--env NAME | --stack NAME | --local PORT) [options]`,
    '',
    ...command.help,
    '',
    ...optionLines(
      { ...Object.fromEntries(command.options.map((name) => [name, ownOptions[name]])), ...sharedOptions },
      width,
    ),
    '',
    `In AWS it needs: ${command.actions.join(', ')}. The role in the stack output`,
    `${command.readOnly === true ? 'OperatorReadOnlyRoleArn, or in OperatorRoleArn, has' : 'OperatorRoleArn has'} these rights on what the installation made.`,
  ].join('\n');
