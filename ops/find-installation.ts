/** Where an installation is: its outputs, by its stacks in AWS or by what a local start wrote. */
import { readFileSync } from 'node:fs';
import type { Alarm } from './alarms.ts';
import { awsFailure, isAwsError } from './aws-failure.ts';
import type { Target } from './command.ts';
import { CommandFailed } from './errors.ts';
import { timeLimits } from './time-limits.ts';
import { isObject } from '../lambdas/common/json.ts';
import { calledAs } from '../local/cli/called-as.ts';
import { isAlive } from '../local/processes.ts';
import { stateFileOf } from '../local/state-file.ts';

/** An installation's outputs, and how its services are reached. */
export interface ConnectionInfo {
  readonly label: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly region: string;
  /** The names of its alarms begin with it. */
  readonly alarmPrefix?: string;
  /** The stack with the alarms of CloudFront and its firewall, in another region. */
  readonly edgeStack?: string;
  /** The endpoints of a local start; absent for AWS, with the credentials of whoever runs the command. */
  readonly local?: {
    readonly port: number;
    readonly lambda: string;
    readonly secretsManager: string;
    readonly logs: string;
    readonly alarms: readonly Alarm[];
  };
}

/**
 * Finds an installation.
 *
 * @throws CommandFailed when it is not there
 */
export function findInstallation(target: Target): Promise<ConnectionInfo> {
  switch (target.kind) {
    case 'environment':
      return readEnvironment(target.name, target.region);
    case 'stack':
      return readStack(target.name, target.construct, target.region);
    case 'local':
      return Promise.resolve(readLocalStart(target.port));
  }
}

/** Key → output. */
type Outputs = Readonly<Record<string, { readonly value: string; readonly description: string }>>;

/** An environment of this project: its outputs have short keys, and there is no construct to choose. */
async function readEnvironment(name: string, region: string): Promise<ConnectionInfo> {
  const [stateful, stateless] = await readStacks(
    [`cis2-bff-${name}-stateful`, `cis2-bff-${name}-stateless`],
    region,
    '--env',
  );
  return {
    label: `environment ${name}`,
    alarmPrefix: `cis2-bff-${name}-`,
    edgeStack: `cis2-bff-${name}-edge-alarms`,
    region,
    outputs: Object.fromEntries(
      Object.entries({ ...stateful, ...stateless }).map(([key, { value }]) => [key, value]),
    ),
  };
}

/** A stack of an app's own. Its other outputs are ignored. */
async function readStack(
  name: string,
  construct: string | undefined,
  region: string,
): Promise<ConnectionInfo> {
  const [stack = {}] = await readStacks([name], region, '--stack');
  const installations = new Map<string, Record<string, string>>();
  for (const { value, description } of Object.values(stack)) {
    const [, path, output] = /^CIS2 BFF (.+): (\w+)$/.exec(description) ?? [];
    if (path === undefined || output === undefined) continue;
    installations.set(path, { ...installations.get(path), [output]: value });
  }
  const paths = [...installations.keys()];
  if (paths.length === 0) {
    throw new CommandFailed(
      'no_installation',
      `the stack ${name} in ${region} has no outputs of this product: name the stack that the construct Cis2Bff is in, and deploy it with this version`,
    );
  }
  const [only] = paths.length === 1 ? paths : [];
  const chosen = construct ?? only;
  if (chosen === undefined) {
    throw new CommandFailed(
      'several_installations',
      `the stack ${name} has several installations: choose one with --construct ${paths.join(' or --construct ')}`,
    );
  }
  const outputs = installations.get(chosen);
  if (outputs === undefined) {
    throw new CommandFailed(
      'no_installation',
      `the stack ${name} has no installation ${chosen}, only ${paths.join(', ')}`,
    );
  }
  const { Installation: installation } = outputs;
  return {
    label: `${chosen} in the stack ${name}`,
    ...(installation === undefined ? {} : { alarmPrefix: `${installation} ` }),
    region,
    outputs,
  };
}

/**
 * The outputs of stacks.
 *
 * @param option - the option that names them, for a message
 */
export async function readStacks(
  names: readonly string[],
  region: string,
  option: string,
): Promise<readonly Outputs[]> {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const cloudFormation = new CloudFormationClient({ region, ...timeLimits() });
  const outputsOf = async (name: string): Promise<Outputs> => {
    const missing = (cause?: unknown): CommandFailed =>
      new CommandFailed(
        'no_such_environment',
        `there is no stack ${name} in ${region} of this AWS account: check ${option}, --region and which account the credentials are for`,
        { cause },
      );
    const { Stacks: stacks } = await cloudFormation
      .send(new DescribeStacksCommand({ StackName: name }))
      .catch((error: unknown) => {
        if (isAwsError(error) && error.name === 'ValidationError') throw missing(error);
        throw awsFailure(error, 'cloudformation:DescribeStacks');
      });
    const stack = stacks?.[0];
    if (stack === undefined) throw missing();
    return Object.fromEntries(
      (stack.Outputs ?? []).map(
        ({ OutputKey = '', OutputValue: value = '', Description: description = '' }) => [
          OutputKey,
          { value, description },
        ],
      ),
    );
  };
  try {
    return await Promise.all(names.map(outputsOf));
  } finally {
    cloudFormation.destroy();
  }
}

export const notRunning = (port: number): CommandFailed =>
  new CommandFailed(
    'not_running',
    `no local start runs on port ${String(port)}: start one with ${calledAs('dev')} --port ${String(port)}`,
  );

/** Every local start writes its outputs and endpoints to a file. */
function readLocalStart(port: number): ConnectionInfo {
  let state: unknown;
  try {
    state = JSON.parse(readFileSync(stateFileOf(port), 'utf8'));
  } catch {
    throw notRunning(port);
  }
  const endpoints = isObject(state) ? state['endpoints'] : undefined;
  const outputs = isObject(state) ? state['outputs'] : undefined;
  if (
    !isObject(state) ||
    !isObject(endpoints) ||
    !isObject(outputs) ||
    typeof state['region'] !== 'string' ||
    typeof endpoints['lambda'] !== 'string' ||
    typeof endpoints['secretsManager'] !== 'string' ||
    typeof endpoints['logs'] !== 'string'
  ) {
    throw new CommandFailed(
      'not_running',
      `the file that the local start on port ${String(port)} wrote for this command cannot be read: start it again`,
    );
  }
  // A start that was killed leaves its file behind.
  if (!isAlive(Number(state['pid']))) throw notRunning(port);
  return {
    label: `the local start on port ${String(port)}`,
    region: state['region'],
    outputs: Object.fromEntries(
      Object.entries(outputs).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
    local: {
      port,
      lambda: endpoints['lambda'],
      secretsManager: endpoints['secretsManager'],
      logs: endpoints['logs'],
      alarms: alarmsIn(state['alarms']),
    },
  };
}

/** The alarms of the template. */
const alarmsIn = (listed: unknown): readonly Alarm[] =>
  (Array.isArray(listed) ? (listed as readonly unknown[]) : []).filter(isObject).map((alarm) => ({
    name: String(alarm['name']),
    description: String(alarm['description']),
    actions: Number(alarm['actions']),
    enabled: alarm['enabled'] === true,
  }));
