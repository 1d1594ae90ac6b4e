import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { AlarmTopics, type Severity } from './alarm-topic.ts';
import { addAlarm, packagedRunbooks, type Alert, type AlarmTexts } from './alarms.ts';
import { rateRules, type Firewall, type RateRule } from './firewall.ts';
import { nameInStack } from './names.ts';
import { edgeAlarmsChecks, refuseProblems } from './prop-checks.ts';

export interface EdgeAlarmsProps {
  /** Id of the CloudFront distribution, e.g. `Fn.getStackOutput(…)` of its stack. */
  readonly distributionId: string;
  /**
   * The firewall in this region, whose refusals get alarms.
   * @default none: CloudFront's errors alone
   */
  readonly firewall?: Firewall | undefined;
  /**
   * The address that critical alarms are sent to.
   * @default nobody: subscribe to {@link EdgeAlarms.topics}
   */
  readonly alarmEmail?: string | undefined;
  /**
   * The address that warnings are sent to.
   * @default alarmEmail
   */
  readonly warningEmail?: string | undefined;
  /**
   * Where operators read the runbooks.
   * @default the path in the package
   */
  readonly runbookUrl?: string | undefined;
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

/**
 * Alarms on CloudFront and its firewall. Their metrics are in us-east-1 only, so this must be in a stack of that region, beside the
 * firewall or after it.
 */
export class EdgeAlarms extends Construct {
  /** Where alarms are sent. */
  readonly topics: Readonly<Record<Severity, sns.ITopic>>;

  /** @throws DeploymentRefused naming everything in `props` that breaks a rule */
  constructor(scope: Construct, id: string, props: EdgeAlarmsProps) {
    super(scope, id);
    refuseProblems(edgeAlarmsChecks, props);
    const { alarmEmail, warningEmail = alarmEmail, firewall, distributionId } = props;
    const made = new AlarmTopics(this, 'AlarmTopic');
    this.topics = { critical: made.add('critical', alarmEmail), warning: made.add('warning', warningEmail) };
    const texts: AlarmTexts = {
      name: nameInStack(this),
      runbookUrl: props.runbookUrl ?? packagedRunbooks,
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
