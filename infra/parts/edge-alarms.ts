import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { AlarmTopics, type Severity } from './alarm-topic.ts';
import { addAlarm, type Alert, type AlarmTexts } from './alarms.ts';
import { rateRules, type Firewall, type RateRule } from './firewall.ts';
import { nameInStack } from './names.ts';

export interface EdgeAlarmsProps extends Pick<AlarmTexts, 'runbookUrl'> {
  readonly alarmEmail: string | undefined;
  readonly warningEmail: string | undefined;
  /** The firewall, where one is made. */
  readonly firewall: Firewall | undefined;
  readonly distributionId: string;
}

/** What people notice when an address sends too much. */
const refused: Readonly<Record<RateRule, string>> = {
  CallbacksByAddress: 'People behind one address come back from CIS2 and are told to try again.',
  LoginsByAddress: 'People behind one address who want to sign in are told to try again.',
  LogoutsByAddress:
    'Nobody notices, unless the address is CIS2’s: then who signs out there may stay signed in here.',
  KeySetsByAddress: 'Nobody notices, unless the address is CIS2’s: then it may not be able to read our keys.',
  RequestsByAddress: 'People behind one address are told to try again, whatever they do.',
};

const fiveMinutes = Duration.minutes(5);

/** What CloudFront and its firewall measure in us-east-1 and nowhere else. Alarms, and what they tell, must be there too. */
export class EdgeAlarms extends Construct {
  /** Where alarms are sent. */
  readonly topics: Readonly<Record<Severity, sns.ITopic>>;

  constructor(scope: Construct, id: string, props: EdgeAlarmsProps) {
    super(scope, id);
    const { alarmEmail, warningEmail = alarmEmail, firewall, distributionId } = props;
    const made = new AlarmTopics(this, 'AlarmTopic');
    this.topics = { critical: made.add('critical', alarmEmail), warning: made.add('warning', warningEmail) };
    const texts: AlarmTexts = {
      name: nameInStack(this),
      runbookUrl: props.runbookUrl,
      topics: this.topics,
    };
    addAlarm(this, 'EdgeFails', edgeFails(distributionId), texts);
    if (firewall === undefined) return;
    for (const rule of rateRules) {
      const alert: Alert = {
        // Anybody can send as much: it wakes nobody.
        severity: 'warning',
        runbook: 'the-firewall-refuses-an-address',
        users: refused[rule],
        metric: new cloudwatch.Metric({
          namespace: 'AWS/WAFV2',
          metricName: 'BlockedRequests',
          dimensionsMap: { WebACL: firewall.metricName, Rule: rule },
          statistic: 'Sum',
          period: fiveMinutes,
        }),
        threshold: 10,
      };
      addAlarm(this, `${rule}Refused`, alert, texts);
    }
  }
}

const edgeFails = (distributionId: string): Alert => {
  const measured = (metricName: string, statistic: string): cloudwatch.Metric =>
    new cloudwatch.Metric({
      namespace: 'AWS/CloudFront',
      metricName,
      dimensionsMap: { DistributionId: distributionId, Region: 'Global' },
      statistic,
      period: fiveMinutes,
    });
  return {
    severity: 'critical',
    runbook: 'the-edge-fails',
    users: 'The app does not work: CloudFront answers most requests with errors.',
    metric: new cloudwatch.MathExpression({
      // Of few requests a few errors say nothing.
      expression: 'IF(percent / 100 * requests >= 10, percent / 100, 0)',
      usingMetrics: {
        percent: measured('5xxErrorRate', 'Average'),
        requests: measured('Requests', 'Sum'),
      },
      period: fiveMinutes,
      label: 'requests that CloudFront answered 5xx',
    }),
    // Fewer are errors of our own or of an API behind the proxy, which have their own alarms.
    threshold: 0.5,
    periods: [2, 3],
  };
};
