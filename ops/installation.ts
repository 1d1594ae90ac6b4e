import { readFileSync } from 'node:fs';
import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { InvokeCommandOutput } from '@aws-sdk/client-lambda';
import { readAlarms, type Alarm } from './alarms.ts';
import { awsFailure, isAwsError, isNoResponse } from './aws-failure.ts';
import type { Target } from './command.ts';
import { createLogReader, type LogReader } from './logs.ts';
import { CouldNot } from './errors.ts';
import { isObject } from './responses.ts';
import { calledAs } from '../local/cli/called-as.ts';
import { stateFileOf } from '../local/state-file.ts';
import { oneLine } from './wording.ts';

/** One installation of the product, in AWS or on this machine: what its stacks made, and how to reach it. */
export interface Installation {
  /** E.g. `environment dev` */
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
   * Has Secrets Manager rotate a secret; it answers before the rotation is done.
   *
   * @returns `unfinished` when it goes on with an earlier rotation instead
   */
  rotateSecret(secretId: string, token: string): Promise<'started' | 'unfinished'>;
  /** What its functions have logged. */
  readonly logs: LogReader;
  /** Its alarms; absent on this machine, which has none. @throws CouldNot */
  readonly alarms?: () => Promise<readonly Alarm[]>;
  close(): void;
}

interface Reach {
  readonly label: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly region: string;
  /** What the names of its alarms begin with. */
  readonly alarmPrefix?: string;
  /** Absent: AWS, with the credentials of whoever runs the command. */
  readonly local?: {
    readonly port: number;
    readonly lambda: string;
    readonly secretsManager: string;
    readonly logs: string;
  };
}

/** A little longer than any function of ours runs, in milliseconds. */
const maxResponseMs = 200_000;

/**
 * Finds an installation.
 *
 * @throws CouldNot when it is not there
 */
export async function openInstallation(target: Target): Promise<Installation> {
  return connect(
    target.kind === 'local' ? readLocalStart(target.port) : await readStacks(target.name, target.region),
  );
}

function connect({ label, outputs, region, local, alarmPrefix }: Reach): Installation {
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
  const output = (name: string): string => {
    const value = outputs[name];
    if (value !== undefined) return value;
    throw new CouldNot(
      'output_missing',
      `the stacks of ${label} have no output ${name}: deploy this version of the project first`,
    );
  };

  return {
    label,
    output,
    logs,
    ...(alarmPrefix === undefined
      ? {}
      : {
          alarms: () =>
            readAlarms(
              alarmPrefix,
              { region, requestHandler: { connectionTimeout: 5_000, socketTimeout: 20_000 } },
              failure,
            ),
        }),
    hasOutput: (name) => outputs[name] !== undefined,
    invoke: async (functionName, payload, { changes }) => {
      const answer = await send(functionName, payload, changes).catch((error: unknown) => {
        if (changes && isNoResponse(error)) {
          throw new CouldNot(
            'no_answer',
            'no answer came back, and whether it was done is not known: check with keys status before anything else',
            { cause: error },
          );
        }
        throw failure(error, 'lambda:InvokeFunction');
      });
      if (answer.FunctionError !== undefined) {
        throw new CouldNot(
          'function_failed',
          `the function failed (${errorTypeOf(answer.Payload)})${changes ? ', and whether it was done is not known: check with keys status before anything else, and see' : ': see'} the log of ${functionName.replaceAll(/^arn:.*:function:|:live$/g, '')}`,
        );
      }
      return parsed(answer.Payload);
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

async function readStacks(name: string, region: string): Promise<Reach> {
  const { CloudFormationClient } = await import('@aws-sdk/client-cloudformation');
  const cloudFormation = new CloudFormationClient({
    region,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 20_000 },
  });
  try {
    const outputs = await Promise.all(
      ['stateful', 'stateless'].map((part) => outputsOf(cloudFormation, `cis2-bff-${name}-${part}`, region)),
    );
    return {
      label: `environment ${name}`,
      alarmPrefix: `cis2-bff-${name}-`,
      region,
      outputs: Object.assign({}, ...outputs) as Reach['outputs'],
    };
  } finally {
    cloudFormation.destroy();
  }
}

async function outputsOf(
  cloudFormation: CloudFormationClient,
  stackName: string,
  region: string,
): Promise<Record<string, string>> {
  const missing = (cause?: unknown): CouldNot =>
    new CouldNot(
      'no_such_environment',
      `there is no stack ${stackName} in ${region} of this AWS account: check --env, --region and whose credentials these are`,
      { cause },
    );
  const { DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const { Stacks: stacks } = await cloudFormation
    .send(new DescribeStacksCommand({ StackName: stackName }))
    .catch((error: unknown) => {
      if (isAwsError(error) && error.name === 'ValidationError') throw missing(error);
      throw awsFailure(error, 'cloudformation:DescribeStacks');
    });
  const stack = stacks?.[0];
  if (stack === undefined) throw missing();
  return Object.fromEntries(
    (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
  );
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
  if (!isAlive(state['pid'])) throw notRunning(port);
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
    },
  };
}

/** A start that was killed leaves its file behind. */
function isAlive(pid: unknown): boolean {
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is alive too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
