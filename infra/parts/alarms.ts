import { Duration, Tags } from 'aws-cdk-lib';
import type * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { FunctionName } from '../../lambdas/settings/index.ts';
import type { Severity } from './alarm-topic.ts';
import { isBehindTheApi } from './functions.ts';
import { apiMetric, type InstallationMetrics, tableErrors, tableThrottles } from './metrics.ts';
import { pascalCase } from './names.ts';
import { burning } from './objectives.ts';

/** What every alarm says and tells. */
export interface AlarmTexts {
  /** Begins the names of alarms, and tells this installation from others in the account. */
  readonly name: string;
  /** Where whoever is woken finds the runbooks. */
  readonly runbookUrl: string;
  readonly topics: Readonly<Record<Severity, sns.ITopic>>;
}

export interface BffAlarmsProps extends AlarmTexts {
  readonly metrics: InstallationMetrics;
  /** Of every function, the alias of its version in force. */
  readonly functions: ReadonlyMap<FunctionName, lambda.Alias>;
  readonly api: apigateway.HttpApi;
  /** The tables, by what they are called in words. */
  readonly tables: Readonly<Record<string, dynamodb.Table>>;
  /** Names of the rings of signing keys, as metrics carry them, by what they are for. */
  readonly rings: Readonly<Record<string, string>>;
  readonly rotationPeriod: Duration;
}

export interface Alert {
  readonly severity: Severity;
  /** Heading of the section in the runbooks, as an anchor. */
  readonly runbook: string;
  /** What people who use the app notice. */
  readonly users: string;
  readonly metric: cloudwatch.IMetric;
  readonly threshold: number;
  /** @default GREATER_THAN_OR_EQUAL_TO_THRESHOLD */
  readonly comparison?: cloudwatch.ComparisonOperator;
  /** How many of how many periods must be bad. @default [1, 1] */
  readonly periods?: readonly [number, number];
  /** What silence means. @default NOT_BREACHING */
  readonly silence?: cloudwatch.TreatMissingData;
}

/** Where the runbooks are in the package. */
export const packagedRunbooks = 'docs/operations/runbooks.md';

const minute = Duration.minutes(1);
const fiveMinutes = Duration.minutes(5);
const quarterHour = Duration.minutes(15);
const hour = Duration.hours(1);

const { GREATER_THAN_THRESHOLD, LESS_THAN_THRESHOLD } = cloudwatch.ComparisonOperator;
const { BREACHING } = cloudwatch.TreatMissingData;

/**
 * What is watched. Every alarm tells a topic, and says how urgent it is, what users notice, and which section of the runbooks to
 * open.
 */
export class BffAlarms extends Construct {
  /** Every alarm, by its id. */
  readonly all: ReadonlyMap<string, cloudwatch.Alarm>;

  constructor(scope: Construct, id: string, props: BffAlarmsProps) {
    super(scope, id);
    const all = new Map<string, cloudwatch.Alarm>();
    for (const alerts of [
      signInAlerts(props),
      apiAlerts(props),
      ...[...props.functions].map(([name, live]) => functionAlerts(name, live)),
      ...Object.entries(props.tables).map(([words, table]) => tableAlerts(words, table)),
      ...Object.entries(props.rings).map(([purpose, ring]) => keyAlerts(purpose, ring, props)),
      dependencyAlerts(props),
      canaryAlerts(props),
      sessionEventAlerts(props),
    ]) {
      for (const [name, alert] of Object.entries(alerts)) all.set(name, addAlarm(this, name, alert, props));
    }
    this.all = all;
  }

  /** The alarms that bring back the version before while a release of a function is being shifted. */
  rollingBack(name: FunctionName): readonly cloudwatch.Alarm[] {
    return [
      `${pascalCase(name)}Errors`,
      'ReleaseFailsRequests',
      ...(name === 'login' || name === 'callback' ? ['ReleaseFailsSignIns'] : []),
    ].map((id) => must(this.all, id));
  }
}

/** Makes an alarm that tells the topic of its severity. */
export function addAlarm(scope: Construct, name: string, alert: Alert, texts: AlarmTexts): cloudwatch.Alarm {
  const { severity, runbook, users, metric, threshold, periods = [1, 1] } = alert;
  const alarm = new cloudwatch.Alarm(scope, name, {
    alarmName: `${texts.name} ${severity} ${name}`,
    alarmDescription: `${severity}: ${users} What to do: ${texts.runbookUrl}#${runbook}`,
    metric,
    threshold,
    comparisonOperator: alert.comparison ?? cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    datapointsToAlarm: periods[0],
    evaluationPeriods: periods[1],
    treatMissingData: alert.silence ?? cloudwatch.TreatMissingData.NOT_BREACHING,
  });
  const tell = new SnsAction(texts.topics[severity]);
  alarm.addAlarmAction(tell);
  alarm.addOkAction(tell);
  Tags.of(alarm).add('Severity', severity);
  return alarm;
}

const must = (alarms: ReadonlyMap<string, cloudwatch.Alarm>, name: string): cloudwatch.Alarm => {
  const found = alarms.get(name);
  if (found === undefined) throw new Error(`no alarm ${name}`);
  return found;
};

/** By their ids. */
type Alerts = Readonly<Record<string, Alert>>;

const signInAlerts = ({ metrics }: BffAlarmsProps): Alerts => {
  const common = { runbook: 'sign-ins-fail', comparison: GREATER_THAN_THRESHOLD };
  return {
    SignInsFailFast: {
      ...common,
      severity: 'critical',
      users: 'People who sign in land on the error page, many of them.',
      metric: metrics.failedSignIns(fiveMinutes),
      threshold: burning('signIns', 'fast'),
      periods: [2, 2],
    },
    SignInsFailSlowly: {
      ...common,
      severity: 'warning',
      users: 'Some people who sign in land on the error page, for hours now.',
      metric: metrics.failedSignIns(hour),
      threshold: burning('signIns', 'slow'),
      periods: [6, 6],
    },
    SignInsFailByUs: {
      ...common,
      severity: 'warning',
      users: 'Some people who sign in land on the error page, for a fault of ours, for hours now.',
      metric: metrics.failedSignIns(hour, { codes: ['internal_error'] }),
      threshold: burning('ourSignIns', 'slow'),
      periods: [6, 6],
    },
    ReleaseFailsSignIns: {
      ...common,
      severity: 'warning',
      users: 'Some people who sign in land on the error page. A release of login or callback goes back.',
      // A release has a tenth of the requests: what it fails are single sign-ins, minutes apart where few people sign in.
      metric: metrics.failedSignIns(minute, { minFaults: 1 }),
      threshold: burning('signIns', 'fast'),
      periods: [3, 10],
    },
  };
};

const apiAlerts = ({ metrics, api }: BffAlarmsProps): Alerts => {
  const common = { runbook: 'requests-fail', comparison: GREATER_THAN_THRESHOLD };
  return {
    RequestsFailFast: {
      ...common,
      severity: 'critical',
      users: 'The app shows errors: many requests are answered 5xx.',
      metric: metrics.failedRequests(api, minute),
      threshold: burning('requests', 'fast'),
      periods: [4, 5],
    },
    RequestsFailSlowly: {
      ...common,
      severity: 'warning',
      users: 'The app shows an error now and then, for hours now.',
      metric: metrics.failedRequests(api, hour),
      threshold: burning('requests', 'slow'),
      periods: [6, 6],
    },
    ReleaseFailsRequests: {
      ...common,
      severity: 'warning',
      users: 'The app shows errors: requests are answered 5xx. A release goes back.',
      metric: metrics.failedRequests(api, minute),
      threshold: burning('requests', 'fast'),
      periods: [2, 3],
    },
    RequestsSlow: {
      severity: 'warning',
      runbook: 'requests-are-slow',
      users: 'The app is slow: one request in a hundred takes three seconds or more.',
      metric: apiMetric(api, 'Latency', { statistic: 'p99' }),
      threshold: 3_000,
      periods: [3, 4],
    },
  };
};

/** What people notice when a function that answers no request of theirs fails. */
const nothingYet = 'Nobody notices yet.';

/** What people notice when a function fails. */
const felt: Readonly<Record<FunctionName, string>> = {
  login: 'People cannot sign in: they are not sent to CIS2.',
  callback: 'People cannot sign in: they come back from CIS2 and get no session.',
  session: 'Pages do not learn who is signed in, and people cannot sign out.',
  'api-proxy': 'Pages get no data: calls to APIs fail.',
  'backchannel-logout': 'Who signs out at CIS2, or takes a smartcard out, may stay signed in here.',
  jwks: 'CIS2 may not be able to read our keys: then nobody can sign in.',
  'unknown-route': 'Addresses that do not exist are answered with the wrong error.',
  'keys-status': `${nothingYet} Operators cannot see the state of the signing keys.`,
  'operator-sessions': `${nothingYet} Operators cannot see or end sessions.`,
  'audit-trail': `${nothingYet} Audit events stay in the functions’ own logs, and are missing from the audit trail.`,
  'rotate-signing-keys': `${nothingYet} The signing keys are not checked or do not rotate.`,
  canary: `${nothingYet} The check from outside found a fault, or could not run.`,
  'session-events': `${nothingYet} Pages are not told when a session ends, and ask for themselves, which costs more.`,
  'session-end-events': `${nothingYet} Pages learn half a minute late that a session has ended.`,
};

const functionAlerts = (name: FunctionName, live: lambda.Alias): Alerts => {
  const made = live.lambda;
  const serves = isBehindTheApi(name);
  // Requests to addresses that do not exist harm no user, so their alarm can wait.
  const severity = serves && name !== 'unknown-route' ? 'critical' : 'warning';
  // Bursts are ordinary: anybody can send one, and Lambda calls audit-trail again for hours. It is an alarm if it lasts.
  const hasBursts = serves || name === 'audit-trail';
  return {
    [`${pascalCase(name)}Errors`]: {
      severity,
      runbook: 'a-function-fails',
      users: felt[name],
      // Of what requests call: somebody's trial of another version sets off nothing.
      metric: serves ? live.metricErrors({ period: minute }) : made.metricErrors({ period: fiveMinutes }),
      // A crash now and then is seen in the error budget.
      threshold: serves ? 3 : 1,
      periods: serves ? [2, 3] : name === 'canary' ? [3, 3] : [1, 1],
    },
    [`${pascalCase(name)}Throttled`]: {
      severity,
      runbook: 'a-function-is-throttled',
      users: serves ? `${felt[name]} Requests are answered 503: too many come at once.` : felt[name],
      metric: made.metricThrottles({ period: fiveMinutes }),
      threshold: hasBursts ? 10 : 1,
      periods: hasBursts ? [2, 3] : [1, 1],
    },
  };
};

const tableAlerts = (words: string, table: dynamodb.Table): Alerts => {
  const users =
    words === 'sessions'
      ? 'People are asked to try again, or cannot sign in: the sessions cannot be read or written.'
      : 'CIS2 may not be able to read our keys: then nobody can sign in.';
  return {
    [`${pascalCase(words)}TableThrottled`]: {
      severity: 'critical',
      runbook: 'a-table-is-throttled',
      users,
      metric: tableThrottles(table),
      threshold: 10,
      periods: [1, 1],
    },
    [`${pascalCase(words)}TableErrors`]: {
      severity: 'critical',
      runbook: 'a-table-fails',
      users,
      metric: tableErrors(table),
      threshold: 5,
      periods: [1, 1],
    },
  };
};

const keyAlerts = (purpose: string, ring: string, { metrics, rotationPeriod }: BffAlarmsProps): Alerts => {
  const measured = (name: string, statistic: string): cloudwatch.Metric =>
    metrics.metric(name, { statistic, period: hour, dimensions: { Ring: ring } });
  const prefix = pascalCase(purpose);
  return {
    [`${prefix}RotationFailed`]: {
      severity: 'warning',
      runbook: 'a-rotation-of-keys-failed',
      users: `${nothingYet} The key that signs stays the same.`,
      metric: measured('RotationSucceeded', 'Minimum'),
      threshold: 1,
      comparison: LESS_THAN_THRESHOLD,
    },
    [`${prefix}KeyTooOld`]: {
      severity: 'warning',
      runbook: 'a-signing-key-is-too-old',
      users: `${nothingYet} A signing key is in use for longer than it should be, or is no longer checked.`,
      metric: measured('SigningKeyAgeSeconds', 'Maximum'),
      threshold: rotationPeriod.plus(Duration.days(7)).toSeconds(),
      periods: [3, 3],
      // The check runs every hour. Three hours of silence mean that it does not.
      silence: BREACHING,
    },
    [`${prefix}RotationOverdue`]: {
      severity: 'warning',
      runbook: 'a-rotation-is-overdue',
      users: `${nothingYet} A rotation of the signing keys is a day late, or none is scheduled.`,
      metric: measured('SecondsToNextRotation', 'Minimum'),
      threshold: -Duration.days(1).toSeconds(),
      comparison: LESS_THAN_THRESHOLD,
      periods: [3, 3],
      // Without a schedule there is nothing to measure.
      silence: BREACHING,
    },
    [`${prefix}PublishedKeysDiffer`]: {
      severity: 'critical',
      runbook: 'the-published-keys-differ',
      users:
        'People may not have been able to sign in: other keys were published than those that we sign with.',
      metric: measured('PublishedSetEqualsRing', 'Minimum'),
      threshold: 1,
      comparison: LESS_THAN_THRESHOLD,
    },
  };
};

const dependencyAlerts = ({ metrics }: BffAlarmsProps): Alerts => ({
  Cis2Unavailable: {
    severity: 'critical',
    runbook: 'cis2-is-unavailable',
    users:
      'People cannot sign in: CIS2 does not answer us, or answers with errors. Who is signed in can go on.',
    metric: metrics.metric('ProviderUnavailable'),
    threshold: 5,
    periods: [2, 3],
  },
  TokenRefreshFails: {
    severity: 'warning',
    runbook: 'token-refresh-fails',
    users: 'People are asked to sign in again while they work.',
    metric: metrics.failedPart('TokenRefreshFailed', 'TokenRefreshed', 'failed refreshes'),
    threshold: 0.05,
    comparison: GREATER_THAN_THRESHOLD,
    periods: [2, 3],
  },
  BackchannelLogoutFails: {
    severity: 'critical',
    runbook: 'back-channel-logouts-fail',
    users:
      'Who signs out at CIS2, or takes a smartcard out, may stay signed in here until the session runs out.',
    metric: metrics.metric('BackchannelLogoutFailed'),
    threshold: 3,
    periods: [2, 3],
  },
  ApiPlatformFails: {
    severity: 'critical',
    runbook: 'the-api-platform-fails',
    users: 'Pages get no data: the NHS API platform gives us no tokens. Signing in works.',
    metric: metrics.metric('ApiPlatformFailed'),
    threshold: 5,
    periods: [2, 3],
  },
  UpstreamsFail: {
    severity: 'warning',
    runbook: 'an-upstream-fails',
    users: 'Some pages get no data: an API answers with errors or too late. Signing in works.',
    metric: metrics.metric('UpstreamFailed'),
    threshold: 20,
    periods: [2, 3],
  },
  ClockDiffers: {
    severity: 'warning',
    runbook: 'the-clock-differs',
    users: `${nothingYet} CIS2’s clock and ours differ by more than 30 seconds; from 60 on sign-ins fail.`,
    metric: new cloudwatch.MathExpression({
      expression: 'MAX([ABS(highest), ABS(lowest)])',
      usingMetrics: {
        highest: metrics.metric('ClockDifference', { statistic: 'Maximum' }),
        lowest: metrics.metric('ClockDifference', { statistic: 'Minimum' }),
      },
      period: fiveMinutes,
      label: 'clock difference to CIS2',
    }),
    threshold: 30,
    periods: [2, 3],
  },
});

const sessionEventAlerts = ({ functions }: BffAlarmsProps): Alerts => {
  const tells = functions.get('session-end-events')?.lambda;
  if (tells === undefined) return {};
  return {
    SessionEndsLate: {
      severity: 'warning',
      runbook: 'a-function-fails',
      users: felt['session-end-events'],
      metric: tells.metric('IteratorAge', { statistic: 'Maximum', period: fiveMinutes }),
      threshold: 10_000,
      periods: [2, 3],
    },
  };
};

const canaryAlerts = ({ metrics, functions }: BffAlarmsProps): Alerts => {
  const canary = functions.get('canary')?.lambda;
  if (canary === undefined) return {};
  return {
    NobodySignsIn: {
      severity: 'critical',
      runbook: 'nobody-signs-in',
      users: 'People cannot sign in: for half an hour sign-ins have been started, and none was completed.',
      // Two periods, so that whoever began at the end of the first has had the time of the second.
      metric: metrics.nobodySignsIn(quarterHour, 3, canary.metricInvocations({ period: quarterHour })),
      threshold: 1,
      periods: [2, 2],
    },
    CanaryFails: {
      severity: 'critical',
      runbook: 'the-canary-fails-or-is-silent',
      users:
        'People probably cannot sign in: the check from outside fails, or has not run for a quarter of an hour.',
      metric: new cloudwatch.MathExpression({
        expression: 'runs - FILL(failed, 0)',
        usingMetrics: {
          runs: canary.metricInvocations({ period: fiveMinutes }),
          failed: canary.metricErrors({ period: fiveMinutes }),
        },
        period: fiveMinutes,
        label: 'runs that found nothing wrong',
      }),
      threshold: 1,
      comparison: LESS_THAN_THRESHOLD,
      periods: [3, 3],
      silence: BREACHING,
    },
  };
};
