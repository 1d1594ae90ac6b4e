import type { CloudWatchClientConfig } from '@aws-sdk/client-cloudwatch';
import type { SNSClientConfig } from '@aws-sdk/client-sns';
import { packageMissing, type Failure } from './aws-failure.ts';
import type { TemplateAlarm } from '../local/state-file.ts';

export interface Alarm extends TemplateAlarm {
  /** `OK`, `ALARM` or `INSUFFICIENT_DATA`; absent in a local start, which measures nothing. */
  readonly state?: string;
}

/** Subscriptions to the topic that alarms are sent to. */
export interface AlarmSubscriptions {
  readonly confirmed: number;
  /** Not yet confirmed by whoever was subscribed. */
  readonly pending: number;
}

/**
 * The alarms whose names begin with a prefix, composite alarms included.
 *
 * @param failure - turns an error of a call into the command's own
 * @throws CommandFailed
 */
export async function readAlarms(
  prefix: string,
  config: CloudWatchClientConfig,
  failure: Failure,
): Promise<readonly Alarm[]> {
  const sdk = await import('@aws-sdk/client-cloudwatch').catch(packageMissing('@aws-sdk/client-cloudwatch'));
  const client = new sdk.CloudWatchClient(config);
  const alarms: Alarm[] = [];
  try {
    for await (const page of sdk.paginateDescribeAlarms(
      { client },
      { AlarmNamePrefix: prefix, AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] },
    )) {
      for (const alarm of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])]) {
        alarms.push({
          name: alarm.AlarmName ?? '',
          description: alarm.AlarmDescription ?? '',
          state: alarm.StateValue ?? '',
          actions: alarm.AlarmActions?.length ?? 0,
          enabled: alarm.ActionsEnabled === true,
        });
      }
    }
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
  failure: Failure,
): Promise<AlarmSubscriptions> {
  const sdk = await import('@aws-sdk/client-sns').catch(packageMissing('@aws-sdk/client-sns'));
  const client = new sdk.SNSClient(config);
  const arns: (string | undefined)[] = [];
  try {
    for await (const page of sdk.paginateListSubscriptionsByTopic({ client }, { TopicArn: topicArn })) {
      arns.push(...(page.Subscriptions ?? []).map(({ SubscriptionArn }) => SubscriptionArn));
    }
  } catch (error) {
    throw failure(error, 'sns:ListSubscriptionsByTopic');
  } finally {
    client.destroy();
  }
  // In place of an ARN, SNS writes `PendingConfirmation` or `Deleted`.
  return {
    confirmed: arns.filter((arn) => arn?.startsWith('arn:')).length,
    pending: arns.filter((arn) => arn === 'PendingConfirmation').length,
  };
}
