import { readFileSync } from 'node:fs';
import type { InvokeCommandOutput } from '@aws-sdk/client-lambda';
import { readAlarms, readAlarmSubscriptions, type Alarm, type AlarmSubscriptions } from './alarms.ts';
import { awsFailure, isAwsError, isNoResponse } from './aws-failure.ts';
import type { Target } from './command.ts';
import { createLogReader, type LogReader } from './logs.ts';
import { CouldNot } from './errors.ts';
import { isObject } from './responses.ts';
import { calledAs } from '../local/cli/called-as.ts';
import { isAlive } from '../local/processes.ts';
import { stateFileOf } from '../local/state-file.ts';
import { oneLine } from './wording.ts';

/** One installation of the product, in AWS or on this machine: what its stacks made, and how to reach it. */
export interface Installation {
  /** E.g. `environment dev` or `Bff in the stack MyApp` */
  readonly label: string;
  /**
   * The value of a stack output.
   * @throws CouldNot when there is none of that name
   */
  output(name: string): string;
  hasOutput(name: string): boolean;
  /**
   * Runs a function and waits for its response.
   *
   * @param options.changes - it is never sent a second time by itself
   * @throws CouldNot when it could not be run, or failed
   */
  invoke(functionName: string, payload: unknown, options: { changes: boolean }): Promise<unknown>;
  /**
   * Has Secrets Manager rotate a secret; it responds before the rotation is done.
   *
   * @returns `unfinished` when it goes on with an earlier rotation instead
   */
  rotateSecret(secretId: string, token: string): Promise<'started' | 'unfinished'>;
  /** What its functions have logged. */
  readonly logs: LogReader;
  /** Its alarms; on this machine those of the template. @throws CouldNot */
  readonly alarms?: Alarms;
  /** Who is told of those of a severity; absent on this machine, which tells nobody. @throws CouldNot */
  readonly subscriptions?: Subscriptions;
  /** The same of CloudFront and its firewall, which an environment of this project's has in another region. */
  readonly edge?: { readonly alarms: Alarms; readonly subscriptions: Subscriptions };
  close(): void;
}

type Alarms = () => Promise<readonly Alarm[]>;
type Subscriptions = Readonly<Record<'alarm' | 'warning', () => Promise<AlarmSubscriptions>>>;

interface Reach {
  readonly label: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly region: string;
  /** What the names of its alarms begin with. */
  readonly alarmPrefix?: string;
  /** The stack with the alarms of the edge. */
  readonly edgeStack?: string;
  /** Absent: AWS, with the credentials of whoever runs the command. */
  readonly local?: {
    readonly port: number;
    readonly lambda: string;
    readonly secretsManager: string;
    readonly logs: string;
    readonly alarms: readonly Alarm[];
  };
}

/** Where CloudFront and its firewall are measured. */
const edgeRegion = 'us-east-1';

/** A little longer than any function of ours runs, in milliseconds. */
const maxResponseMs = 200_000;

/**
 * Finds an installation.
 *
 * @throws CouldNot when it is not there
 */
export async function openInstallation(target: Target): Promise<Installation> {
  switch (target.kind) {
    case 'environment':
      return connect(await readEnvironment(target.name, target.region));
    case 'stack':
      return connect(await readStack(target.name, target.construct, target.region));
    case 'local':
      return connect(readLocalStart(target.port));
  }
}

function connect({ label, outputs, region, local, alarmPrefix, edgeStack }: Reach): Installation {
  // A local start checks no signature; nobody's real credentials are shown to it.
  const credentials =
    local === undefined ? {} : { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  // An AWS client is loaded where it is needed: each takes a third of a second.
  const send = async (
    functionName: string,
    payload: unknown,
    changes: boolean,
  ): Promise<InvokeCommandOutput> => {
    const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
    const client = new LambdaClient({
      region,
      requestHandler: { connectionTimeout: 5_000, socketTimeout: maxResponseMs },
      ...(changes ? { maxAttempts: 1 } : {}),
      ...credentials,
      ...(local === undefined ? {} : { endpoint: local.lambda }),
    });
    try {
      return await client.send(
        new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(payload) }),
      );
    } finally {
      client.destroy();
    }
  };
  const failure = (error: unknown, action: string): CouldNot =>
    local !== undefined && isNoResponse(error) ? notRunning(local.port) : awsFailure(error, action);
  const logs = createLogReader({
    groups: () =>
      local === undefined
        ? [
            ...output('FunctionLogGroups').split(','),
            ...(outputs['AuditLogGroup'] ?? '').split(',').filter(Boolean),
          ]
        : ['local'],
    client: {
      region,
      requestHandler: { connectionTimeout: 5_000, socketTimeout: 20_000 },
      ...credentials,
      ...(local === undefined ? {} : { endpoint: local.logs }),
    },
    failure,
  });
  const missing = (stacksHave: string, name: string): CouldNot =>
    new CouldNot(
      'output_missing',
      `${stacksHave} no output ${name}: deploy this version of the project first`,
    );
  const output = (name: string): string => {
    const value = outputs[name];
    if (value !== undefined) return value;
    throw missing(`the stacks of ${label} have`, name);
  };

  const reading = { region, requestHandler: { connectionTimeout: 5_000, socketTimeout: 20_000 } };
  const subscriptionsTo = (topic: string) => () => readAlarmSubscriptions(output(topic), reading, failure);
  const readingEdge = { ...reading, region: edgeRegion };
  const edgeSubscriptionsTo = (stack: string, topic: string) => async () => {
    const [outputs] = await readStacks([stack], edgeRegion, '--env');
    const arn = outputs?.[topic]?.value;
    if (arn === undefined) throw missing(`the stack ${stack} has`, topic);
    return readAlarmSubscriptions(arn, readingEdge, failure);
  };

  return {
    label,
    output,
    logs,
    ...(local === undefined
      ? {
          subscriptions: {
            alarm: subscriptionsTo('AlarmTopicArn'),
            warning: subscriptionsTo('WarningTopicArn'),
          },
        }
      : { alarms: () => Promise.resolve(local.alarms) }),
    ...(alarmPrefix === undefined ? {} : { alarms: () => readAlarms(alarmPrefix, reading, failure) }),
    ...(alarmPrefix === undefined || edgeStack === undefined
      ? {}
      : {
          edge: {
            alarms: () => readAlarms(alarmPrefix, readingEdge, failure),
            subscriptions: {
              alarm: edgeSubscriptionsTo(edgeStack, 'AlarmTopicArn'),
              warning: edgeSubscriptionsTo(edgeStack, 'WarningTopicArn'),
            },
          },
        }),
    hasOutput: (name) => outputs[name] !== undefined,
    invoke: async (functionName, payload, { changes }) => {
      const response = await send(functionName, payload, changes).catch((error: unknown) => {
        if (changes && isNoResponse(error)) {
          throw new CouldNot(
            'no_answer',
            'no answer came back, and whether it was done is not known: check with keys status before anything else',
            { cause: error },
          );
        }
        throw failure(error, 'lambda:InvokeFunction');
      });
      if (response.FunctionError !== undefined) {
        throw new CouldNot(
          'function_failed',
          `the function failed (${errorTypeOf(response.Payload)})${changes ? ', and whether it was done is not known: check with keys status before anything else, and see' : ': see'} the log of ${functionName.replaceAll(/^arn:.*:function:|:live$/g, '')}`,
        );
      }
      return parsed(response.Payload);
    },
    rotateSecret: async (secretId, token) => {
      const { RotateSecretCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
      const secrets = new SecretsManagerClient({
        region,
        requestHandler: { connectionTimeout: 5_000, socketTimeout: 20_000 },
        ...credentials,
        ...(local === undefined ? {} : { endpoint: local.secretsManager }),
      });
      try {
        await secrets.send(new RotateSecretCommand({ SecretId: secretId, ClientRequestToken: token }));
        return 'started';
      } catch (error) {
        if (isAwsError(error) && error.name === 'InvalidRequestException') {
          // "A previous rotation isn't complete. That rotation will be reattempted."
          if (/previous rotation/i.test(error.message)) return 'unfinished';
          throw new CouldNot(
            'rotation_refused',
            `Secrets Manager does not rotate this secret (it says: ${oneLine(error.message).slice(0, 400)}); its rotation schedule comes with the stateless stack`,
            { cause: error },
          );
        }
        throw failure(error, 'secretsmanager:RotateSecret');
      } finally {
        secrets.destroy();
      }
    },
    close: () => {
      logs.close();
    },
  };
}

function parsed(payload: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(payload ?? []).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Its type alone: the message of a failure that nobody foresaw may quote anything. */
function errorTypeOf(payload: Uint8Array | undefined): string {
  const value = parsed(payload);
  const type = isObject(value) ? value['errorType'] : undefined;
  return typeof type === 'string' ? oneLine(type).slice(0, 100) : 'without a reason';
}

/** Key → what an output says. */
type Outputs = Readonly<Record<string, { readonly value: string; readonly description: string }>>;

/** An environment of this project's: its outputs have short keys, and no construct to choose. */
async function readEnvironment(name: string, region: string): Promise<Reach> {
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

/** A stack of an app's own. Outputs that are the app's are none of ours. */
async function readStack(name: string, construct: string | undefined, region: string): Promise<Reach> {
  const [stack = {}] = await readStacks([name], region, '--stack');
  const installations = new Map<string, Record<string, string>>();
  for (const { value, description } of Object.values(stack)) {
    const [, path, output] = /^CIS2 BFF (.+): (\w+)$/.exec(description) ?? [];
    if (path === undefined || output === undefined) continue;
    installations.set(path, { ...installations.get(path), [output]: value });
  }
  const paths = [...installations.keys()];
  if (paths.length === 0) {
    throw new CouldNot(
      'no_installation',
      `the stack ${name} in ${region} has no outputs of this product: name the stack that the construct Cis2Bff is in, and deploy it with this version`,
    );
  }
  const [only] = paths.length === 1 ? paths : [];
  const chosen = construct ?? only;
  if (chosen === undefined) {
    throw new CouldNot(
      'several_installations',
      `the stack ${name} has several installations: choose one with --construct ${paths.join(' or --construct ')}`,
    );
  }
  const outputs = installations.get(chosen);
  if (outputs === undefined) {
    throw new CouldNot(
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
 * @param option - by which the command line says which they are
 */
async function readStacks(
  names: readonly string[],
  region: string,
  option: string,
): Promise<readonly Outputs[]> {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const cloudFormation = new CloudFormationClient({
    region,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 20_000 },
  });
  const outputsOf = async (name: string): Promise<Outputs> => {
    const missing = (cause?: unknown): CouldNot =>
      new CouldNot(
        'no_such_environment',
        `there is no stack ${name} in ${region} of this AWS account: check ${option}, --region and whose credentials these are`,
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

const notRunning = (port: number): CouldNot =>
  new CouldNot(
    'not_running',
    `no local start runs on port ${String(port)}: start one with ${calledAs('dev')} --port ${String(port)}`,
  );

/** Every local start says in a file what it made and where it listens. */
function readLocalStart(port: number): Reach {
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
    throw new CouldNot(
      'not_running',
      `what the local start on port ${String(port)} left for this command cannot be read: start it again`,
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

/** As the template has them. */
const alarmsIn = (listed: unknown): readonly Alarm[] =>
  (Array.isArray(listed) ? (listed as readonly unknown[]) : []).filter(isObject).map((alarm) => ({
    name: String(alarm['name']),
    description: String(alarm['description']),
    actions: Number(alarm['actions']),
    enabled: alarm['enabled'] === true,
  }));
