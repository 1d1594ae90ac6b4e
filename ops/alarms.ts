import type { CloudWatchClientConfig } from '@aws-sdk/client-cloudwatch';
import { CouldNot } from './errors.ts';

export interface Alarm {
  readonly name: string;
  /** `OK`, `ALARM` or `INSUFFICIENT_DATA`. */
  readonly state: string;
  /** How many there are for the state ALARM. */
  readonly actions: number;
  readonly enabled: boolean;
}

/**
 * The alarms whose names begin so, composite ones among them.
 *
 * @param failure - what a failed call means
 * @throws CouldNot
 */
export async function readAlarms(
  prefix: string,
  config: CloudWatchClientConfig,
  failure: (error: unknown, action: string) => CouldNot,
): Promise<readonly Alarm[]> {
  const sdk = await import('@aws-sdk/client-cloudwatch').catch((cause: unknown) => {
    throw new CouldNot(
      'package_missing',
      'this command needs the package @aws-sdk/client-cloudwatch: npm install -D @aws-sdk/client-cloudwatch',
      { cause },
    );
  });
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
