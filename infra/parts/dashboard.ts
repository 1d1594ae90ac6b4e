import { Duration } from 'aws-cdk-lib';
import type * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionName } from '../../lambdas/settings/index.ts';
import type { BffAlarms } from './alarms.ts';
import { apiMetric, type InstallationMetrics, tableErrors, tableThrottles } from './metrics.ts';
import { edgeRegion } from './firewall.ts';
import { budgets } from './objectives.ts';

export interface BffDashboardProps {
  /** Of the dashboard: it tells this installation from others in the account. */
  readonly name: string;
  readonly metrics: InstallationMetrics;
  readonly alarms: BffAlarms;
  readonly api: apigateway.HttpApi;
  readonly functions: ReadonlyMap<FunctionName, lambda.Function>;
  readonly tables: Readonly<Record<string, dynamodb.Table>>;
  readonly rings: Readonly<Record<string, string>>;
  readonly distributionId: string;
}

/** Width of the whole dashboard. */
const full = 24;
const third = full / 3;

const heading = (markdown: string): cloudwatch.TextWidget =>
  new cloudwatch.TextWidget({
    markdown,
    width: full,
    height: 1,
    background: cloudwatch.TextWidgetBackground.TRANSPARENT,
  });

const graph = (
  title: string,
  left: readonly cloudwatch.IMetric[],
  more: Partial<cloudwatch.GraphWidgetProps> = {},
): cloudwatch.GraphWidget =>
  new cloudwatch.GraphWidget({ title, left: [...left], width: third, height: 6, ...more });

const fromZero = { leftYAxis: { min: 0 } };
const fiveMinutes = Duration.minutes(5);

/** One page that answers: are people getting in, and if not, whose fault is it? */
export class BffDashboard extends Construct {
  readonly dashboard: cloudwatch.Dashboard;

  constructor(
    scope: Construct,
    id: string,
    { name, metrics, alarms, api, functions, tables, rings, distributionId }: BffDashboardProps,
  ) {
    super(scope, id);
    const all = [...functions];
    this.dashboard = new cloudwatch.Dashboard(this, 'Dashboard', {
      dashboardName: name,
      defaultInterval: Duration.hours(3),
      periodOverride: cloudwatch.PeriodOverride.INHERIT,
    });
    this.dashboard.addWidgets(heading('# Are people getting in?'));
    this.dashboard.addWidgets(
      graph(
        'Sign-ins',
        [
          metrics.metric('SignInStarted', { label: 'started' }),
          metrics.metric('SignInCompleted', { label: 'completed' }),
          metrics.metric('SignInFailed', { label: 'failed, for whatever reason' }),
        ],
        fromZero,
      ),
      graph(
        'Sign-ins and requests that failed, as a part of all',
        [metrics.failedSignIns(fiveMinutes), metrics.failedRequests(api, fiveMinutes)],
        {
          leftYAxis: { min: 0 },
          leftAnnotations: [{ value: budgets.signIns, label: 'objective of sign-ins' }],
        },
      ),
      new cloudwatch.AlarmStatusWidget({
        title: 'Alarms',
        alarms: [...alarms.all.values()],
        width: third,
        height: 6,
      }),
    );
    this.dashboard.addWidgets(heading('# If not, whose fault is it?'));
    this.dashboard.addWidgets(
      graph(
        'CIS2: not available, or errors',
        [metrics.metric('ProviderUnavailable', { label: 'CIS2 unavailable' })],
        {
          ...fromZero,
          right: [metrics.metric('ProviderLatency', { statistic: 'p99', label: 'p99, ms' })],
        },
      ),
      graph(
        'Why sign-ins failed',
        [
          ...[
            'provider_unavailable',
            'provider_error',
            'response_invalid',
            'internal_error',
            'access_denied',
          ],
          ...['login_expired', 'assurance_insufficient', 'role_required', 'provider_logout'],
        ].map((code) => metrics.metric('SignInFailed', { dimensions: { Code: code }, label: code })),
        { ...fromZero, stacked: true },
      ),
      graph(
        'Ours: errors of functions',
        all.map(([called, made]) => made.metricErrors({ period: fiveMinutes, label: called })),
        {
          ...fromZero,
          stacked: true,
        },
      ),
    );
    this.dashboard.addWidgets(
      graph(
        'Ours: the tables',
        Object.entries(tables).flatMap(([words, table], index) => [
          tableThrottles(table, `t${String(index)}`).with({ label: `${words}, throttled` }),
          tableErrors(table, `t${String(index)}`).with({ label: `${words}, errors` }),
        ]),
        fromZero,
      ),
      graph(
        'The NHS API platform and the APIs',
        [
          metrics.metric('ApiPlatformFailed', { label: 'no token from the platform' }),
          metrics.metric('TokenRefreshFailed', { label: 'refresh failed' }),
          metrics.metric('UpstreamFailed', { label: 'an API failed' }),
        ],
        {
          ...fromZero,
          right: [
            metrics.metric('ApiPlatformLatency', { statistic: 'p99', label: 'platform p99, ms' }),
            metrics.metric('UpstreamLatency', { statistic: 'p99', label: 'APIs p99, ms' }),
          ],
        },
      ),
      graph(
        'Too many at once: throttled, and refused by the gateway',
        [
          ...all.map(([called, made]) => made.metricThrottles({ period: fiveMinutes, label: called })),
          apiMetric(api, '4xx', { label: 'answered 4xx' }),
        ],
        fromZero,
      ),
    );
    this.dashboard.addWidgets(
      graph(
        'The edge: errors of CloudFront, in per cent, and requests that the firewall refused',
        [
          new cloudwatch.Metric({
            namespace: 'AWS/CloudFront',
            metricName: '5xxErrorRate',
            dimensionsMap: { DistributionId: distributionId, Region: 'Global' },
            region: edgeRegion,
            period: fiveMinutes,
            label: 'answered 5xx',
          }),
        ],
        {
          ...fromZero,
          right: [
            // By rule, of every web ACL in the account: the name of ours is not known here.
            new cloudwatch.MathExpression({
              expression: `SEARCH('{AWS/WAFV2,Rule,WebACL} MetricName="BlockedRequests"', 'Sum')`,
              searchRegion: edgeRegion,
              period: fiveMinutes,
              label: 'refused by the firewall',
            }),
          ],
          width: full,
        },
      ),
    );
    this.dashboard.addWidgets(heading('# Requests, sessions and keys'));
    this.dashboard.addWidgets(
      graph(
        'Requests',
        [apiMetric(api, 'Count', { label: 'all' }), apiMetric(api, '5xx', { label: 'answered 5xx' })],
        fromZero,
      ),
      graph(
        'Latency at the gateway, ms',
        ['p50', 'p95', 'p99'].map((statistic) => apiMetric(api, 'Latency', { statistic, label: statistic })),
        fromZero,
      ),
      graph(
        'Sessions',
        [
          metrics.metric('SessionHit', { label: 'found' }),
          metrics.metric('SessionMiss', { label: 'none or over' }),
          metrics.metric('BackchannelLogout', { label: 'ended by CIS2' }),
          metrics.metric('BackchannelLogoutFailed', { label: 'CIS2’s logouts that failed' }),
        ],
        fromZero,
      ),
    );
    this.dashboard.addWidgets(
      graph('Refused, cold starts and leases', [
        metrics.metric('Refused', { label: 'refused by a guard' }),
        metrics.metric('ColdStart', { label: 'cold starts' }),
        metrics.metric('LeaseWait', { label: 'waited for a token' }),
      ]),
      graph(
        'Signing keys',
        Object.entries(rings).map(([purpose, ring]) =>
          metrics.metric('SigningKeyAgeSeconds', {
            statistic: 'Maximum',
            dimensions: { Ring: ring },
            period: Duration.hours(1),
            label: `age, ${purpose}, s`,
          }),
        ),
        {
          right: Object.entries(rings).map(([purpose, ring]) =>
            metrics.metric('SecondsToNextRotation', {
              statistic: 'Minimum',
              dimensions: { Ring: ring },
              period: Duration.hours(1),
              label: `to the next rotation, ${purpose}, s`,
            }),
          ),
        },
      ),
      graph('Clock difference to CIS2, s', [
        metrics.metric('ClockDifference', { statistic: 'Maximum', label: 'highest' }),
        metrics.metric('ClockDifference', { statistic: 'Minimum', label: 'lowest' }),
      ]),
    );
  }
}

export interface SavedQueriesProps {
  /** Begins the names of the queries. */
  readonly name: string;
  readonly functions: ReadonlyMap<FunctionName, logs.ILogGroup>;
  readonly accessLogs: logs.ILogGroup;
  readonly auditTrail: logs.ILogGroup;
}

/** Queries of CloudWatch Logs Insights, ready to run, under the stack's name. */
export class SavedQueries extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { name: installation, functions, accessLogs, auditTrail }: SavedQueriesProps,
  ) {
    super(scope, id);
    const every = [...functions.values()];
    const of = (...names: FunctionName[]): logs.ILogGroup[] =>
      names.flatMap((name) => functions.get(name) ?? []);
    const add = (name: string, logGroups: readonly logs.ILogGroup[], lines: readonly string[]): void => {
      new logs.CfnQueryDefinition(this, name.replaceAll(/[^a-z]/gi, ''), {
        name: `${installation}/${name}`,
        queryString: lines.join('\n| '),
        logGroupNames: logGroups.map(({ logGroupName }) => logGroupName),
      });
    };
    add('a reference that a user was shown', every, [
      'fields @timestamp, function, event, @message',
      "filter reference = 'PUT-THE-REFERENCE-HERE'",
      'sort @timestamp asc',
    ]);
    add('why sign-ins failed', of('login', 'callback'), [
      "filter event = 'sign_in_failed'",
      'stats count(*) as failed by code, check, bin(15m)',
      'sort failed desc',
    ]);
    add('errors that nobody expected', every, [
      "filter level = 'error' or ispresent(errorType)",
      'stats count(*) as times, latest(@timestamp) as last by function, event, error, cause, at, errorType',
      'sort times desc',
    ]);
    add('the slowest routes', every, [
      "filter event = 'request'",
      'stats count(*) as requests, pct(durationMs, 50) as p50, pct(durationMs, 99) as p99 by route',
      'sort p99 desc',
    ]);
    add('calls to APIs that failed', of('api-proxy'), [
      "filter event = 'request' and ispresent(upstream) and (status >= 500 or ispresent(fault))",
      'stats count(*) as failed by upstream, route, fault, upstreamStatus, refusedBy',
      'sort failed desc',
    ]);
    add('logouts by CIS2', of('backchannel-logout'), [
      "filter event in ['backchannel_logout', 'logout_token_refused', 'dependency_failed']",
      'stats count(*) as times by event, check, code, bin(1h)',
    ]);
    add(
      'what a person did',
      [auditTrail],
      [
        'fields time, function, event, reason, code, reference',
        "filter person = 'PUT-THE-PERSON-OF-sessions-list-HERE'",
        'sort time asc',
        // CloudWatch Logs may have delivered a line twice.
        'dedup @message',
      ],
    );
    add(
      'what the gateway answered by itself',
      [accessLogs],
      [
        "filter ispresent(error) and error != '-'",
        'stats count(*) as times by error, status, routeKey, bin(5m)',
        'sort times desc',
      ],
    );
  }
}
