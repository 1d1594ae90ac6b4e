import type { InvokeCommandOutput } from '@aws-sdk/client-lambda';
import { readAlarms, readAlarmSubscriptions, type Alarm, type AlarmSubscriptions } from './alarms.ts';
import { awsFailure, isAwsError, isNoResponse, type Failure } from './aws-failure.ts';
import type { Target } from './command.ts';
import { createLogReader, type LogReader } from './logs.ts';
import { CommandFailed } from './errors.ts';
import { findInstallation, notRunning, readStacks, type ConnectionInfo } from './find-installation.ts';
import { isObject, parseJson } from '../lambdas/common/json.ts';
import { timeLimits } from './time-limits.ts';
import { oneLine } from './wording.ts';

/** One installation of the product, in AWS or on this machine: its stack outputs, and calls to its services. */
export interface Installation {
  /** E.g. `environment dev` or `Bff in the stack MyApp` */
  readonly label: string;
  /**
   * The value of a stack output.
   * @throws CommandFailed when there is none of that name
   */
  output(name: string): string;
  hasOutput(name: string): boolean;
  /**
   * Runs a function and waits for its response.
   *
   * @param options.changes - the call changes something: it is sent once, without retries
   * @throws CommandFailed when it could not be run, or failed
   */
  invoke(functionName: string, payload: unknown, options: { changes: boolean }): Promise<unknown>;
  /**
   * Has Secrets Manager rotate a secret. Returns before the rotation is done.
   *
   * @returns `unfinished` when it continues an earlier rotation instead
   */
  rotateSecret(secretId: string, token: string): Promise<'started' | 'unfinished'>;
  /** The log entries of its functions. */
  readonly logs: LogReader;
  /** Its alarms; of a local start those of the template. @throws CommandFailed */
  readonly alarms?: ReadAlarms;
  /** Subscriptions to the alarms of a severity; absent for a local start, which sends none. @throws CommandFailed */
  readonly subscriptions?: ReadSubscriptions;
  /** The same for CloudFront and its firewall; only an environment of this project has them, in another region. */
  readonly edge?: { readonly alarms: ReadAlarms; readonly subscriptions: ReadSubscriptions };
  close(): void;
}

type ReadAlarms = () => Promise<readonly Alarm[]>;
type ReadSubscriptions = Readonly<Record<'alarm' | 'warning', () => Promise<AlarmSubscriptions>>>;

/** CloudFront and its firewall have their metrics there. */
const edgeRegion = 'us-east-1';

/** A little longer than any function of ours runs, in milliseconds. */
const maxResponseMs = 200_000;

/**
 * Finds an installation.
 *
 * @throws CommandFailed when it is not there
 */
export const openInstallation = async (target: Target): Promise<Installation> =>
  connect(await findInstallation(target));

function connect({ label, outputs, region, local, alarmPrefix, edgeStack }: ConnectionInfo): Installation {
  /** For a client of AWS. A local start checks no signature, and must not see real credentials. */
  const config = (endpoint: string | undefined, maxMs?: number) => ({
    region,
    ...timeLimits(maxMs),
    ...(endpoint === undefined
      ? {}
      : { endpoint, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }),
  });
  // AWS clients are loaded when they are needed: each takes a third of a second.
  const send = async (
    functionName: string,
    payload: unknown,
    changes: boolean,
  ): Promise<InvokeCommandOutput> => {
    const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
    const client = new LambdaClient({
      ...config(local?.lambda, maxResponseMs),
      ...(changes ? { maxAttempts: 1 } : {}),
    });
    try {
      return await client.send(
        new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(payload) }),
      );
    } finally {
      client.destroy();
    }
  };
  const failure: Failure = (error, action) =>
    local !== undefined && isNoResponse(error) ? notRunning(local.port) : awsFailure(error, action);
  const logs = createLogReader({
    groups: () =>
      local === undefined
        ? [
            ...output('FunctionLogGroups').split(','),
            ...(outputs['AuditLogGroup'] ?? '').split(',').filter(Boolean),
          ]
        : ['local'],
    client: config(local?.logs),
    failure,
  });
  const missing = (stacksHave: string, name: string): CommandFailed =>
    new CommandFailed(
      'output_missing',
      `${stacksHave} no output ${name}: deploy this version of the project first`,
    );
  const output = (name: string): string => {
    const value = outputs[name];
    if (value !== undefined) return value;
    throw missing(`the stacks of ${label} have`, name);
  };

  const reading = config(undefined);
  const subscriptionsTo = (topic: string) => () => readAlarmSubscriptions(output(topic), reading, failure);
  const readingEdge = { ...reading, region: edgeRegion };
  const edgeSubscriptionsTo = (stack: string, topic: string) => async () => {
    const [edgeOutputs] = await readStacks([stack], edgeRegion, '--env');
    const arn = edgeOutputs?.[topic]?.value;
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
          throw new CommandFailed(
            'no_answer',
            'no response came, and it is not known whether the change was made: run keys status before anything else',
            { cause: error },
          );
        }
        throw failure(error, 'lambda:InvokeFunction');
      });
      if (response.FunctionError !== undefined) {
        throw new CommandFailed(
          'function_failed',
          `the function failed (${errorTypeOf(response.Payload)})${changes ? ', and it is not known whether the change was made: run keys status before anything else, and see' : ': see'} the log of ${functionName.replaceAll(/^arn:.*:function:|:live$/g, '')}`,
        );
      }
      return parsed(response.Payload);
    },
    rotateSecret: async (secretId, token) => {
      const { RotateSecretCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
      const secrets = new SecretsManagerClient(config(local?.secretsManager));
      try {
        await secrets.send(new RotateSecretCommand({ SecretId: secretId, ClientRequestToken: token }));
        return 'started';
      } catch (error) {
        if (isAwsError(error) && error.name === 'InvalidRequestException') {
          // "A previous rotation isn't complete. That rotation will be reattempted."
          if (/previous rotation/i.test(error.message)) return 'unfinished';
          throw new CommandFailed(
            'rotation_refused',
            `Secrets Manager does not rotate this secret (it says: ${oneLine(error.message).slice(0, 400)}); check that the stateless stack, which has the rotation schedule, is deployed`,
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

const parsed = (payload: Uint8Array | undefined): unknown =>
  parseJson(Buffer.from(payload ?? []).toString('utf8'));

/** Its type alone: the message of an unexpected error may quote anything. */
function errorTypeOf(payload: Uint8Array | undefined): string {
  const value = parsed(payload);
  const type = isObject(value) ? value['errorType'] : undefined;
  return typeof type === 'string' ? oneLine(type).slice(0, 100) : 'without a reason';
}
