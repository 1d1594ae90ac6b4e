import type { CloudWatchClientConfig } from '@aws-sdk/client-cloudwatch';
import type { SNSClientConfig } from '@aws-sdk/client-sns';
import { CommandFailed } from './errors.ts';

export interface Alarm {
  readonly name: string;
  /** Severity, what users notice, and the section of the runbook. */
  readonly description: string;
  /** `OK`, `ALARM` or `INSUFFICIENT_DATA`; absent in a local start, which measures nothing. */
  readonly state?: string;
  /** How many actions the state ALARM has. */
  readonly actions: number;
  readonly enabled: boolean;
}

/** Subscriptions to the topic that alarms are sent to. */
export interface AlarmSubscriptions {
  readonly confirmed: number;
  /** Not yet confirmed by whoever was subscribed. */
  readonly pending: number;
}

const packageMissing =
  (name: string) =>
  (cause: unknown): never => {
    throw new CommandFailed(
      'package_missing',
      `this command needs the package ${name}: npm install -D ${name}`,
      {
        cause,
      },
    );
  };

/**
 * The alarms whose names begin with a prefix, composite alarms included.
 *
 * @param failure - turns an error of a call into the command's own
 * @throws CommandFailed
 */
export async function readAlarms(
  prefix: string,
  config: CloudWatchClientConfig,
  failure: (error: unknown, action: string) => CommandFailed,
): Promise<readonly Alarm[]> {
  const sdk = await import('@aws-sdk/client-cloudwatch').catch(packageMissing('@aws-sdk/client-cloudwatch'));
  const client = new sdk.CloudWatchClient(config);
  const alarms: Alarm[] = [];
  let position: string | undefined;
  try {
    do {
      const page = await client.send(
        new sdk.DescribeAlarmsCommand({
          AlarmNamePrefix: prefix,
          AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
          NextToken: position,
        }),
      );
      for (const alarm of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])]) {
        alarms.push({
          name: alarm.AlarmName ?? '',
          description: alarm.AlarmDescription ?? '',
          state: alarm.StateValue ?? '',
          actions: alarm.AlarmActions?.length ?? 0,
          enabled: alarm.ActionsEnabled === true,
        });
      }
      position = page.NextToken;
    } while (position !== undefined);
    return alarms;
  } catch (error) {
    throw failure(error, 'cloudwatch:DescribeAlarms');
  } finally {
    client.destroy();
  }
}

/**
 * Reads who has subscribed to the topic that alarms are sent to.
 *
 * @param failure - turns an error of a call into the command's own
 * @throws CommandFailed
 */
export async function readAlarmSubscriptions(
  topicArn: string,
  config: SNSClientConfig,
  failure: (error: unknown, action: string) => CommandFailed,
): Promise<AlarmSubscriptions> {
  const sdk = await import('@aws-sdk/client-sns').catch(packageMissing('@aws-sdk/client-sns'));
  const client = new sdk.SNSClient(config);
  let confirmed = 0;
  let pending = 0;
  let position: string | undefined;
  try {
    do {
      const page = await client.send(
        new sdk.ListSubscriptionsByTopicCommand({ TopicArn: topicArn, NextToken: position }),
      );
      for (const { SubscriptionArn: arn = '' } of page.Subscriptions ?? []) {
        // In place of an ARN, SNS writes `PendingConfirmation` or `Deleted`.
        if (arn.startsWith('arn:')) confirmed += 1;
        else if (arn === 'PendingConfirmation') pending += 1;
      }
      position = page.NextToken;
    } while (position !== undefined);
    return { confirmed, pending };
  } catch (error) {
    throw failure(error, 'sns:ListSubscriptionsByTopic');
  } finally {
    client.destroy();
  }
}
