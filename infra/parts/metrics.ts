import { Duration } from 'aws-cdk-lib';
import type * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { faultCodes } from '../../lambdas/fault-codes.ts';

const fiveMinutes = Duration.minutes(5);

export interface MetricChoice {
  /** @default Sum */
  readonly statistic?: string;
  /** @default - five minutes */
  readonly period?: Duration;
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly label?: string;
}

/** What an HTTP API measures; its names are not those of a REST API. */
export const apiMetric = (
  api: apigateway.HttpApi,
  metricName: '4xx' | '5xx' | 'Count' | 'IntegrationLatency' | 'Latency',
  { statistic = 'Sum', period = fiveMinutes, label }: MetricChoice = {},
): cloudwatch.Metric =>
  new cloudwatch.Metric({
    namespace: 'AWS/ApiGateway',
    metricName,
    statistic,
    period,
    dimensionsMap: { ApiId: api.apiId },
    label,
  });

export interface FaultChoice {
  /** @default - all */
  readonly codes?: readonly (typeof faultCodes)[number][];
  /** @default 3 */
  readonly minFaults?: number;
}

/** Fewer faults in a period than this say nothing about a rate. */
const defaultMinFaults = 3;

/** Faults as a part of all: 0 where there are too few to tell. */
const ratio = (
  faults: string,
  all: string,
  usingMetrics: Record<string, cloudwatch.IMetric>,
  period: Duration,
  label: string,
  minFaults = defaultMinFaults,
): cloudwatch.MathExpression =>
  new cloudwatch.MathExpression({
    expression: `IF((${faults}) >= ${String(minFaults)}, (${faults}) / (${all}), 0)`,
    usingMetrics,
    period,
    label,
  });

/** What the functions of one installation measure. */
export class InstallationMetrics {
  private readonly namespace: string;

  /** @param namespace - the functions' setting METRICS_NAMESPACE */
  constructor(namespace: string) {
    this.namespace = namespace;
  }

  metric(
    metricName: string,
    { statistic = 'Sum', period = fiveMinutes, dimensions, label }: MetricChoice = {},
  ): cloudwatch.Metric {
    const { namespace } = this;
    return new cloudwatch.Metric({
      namespace,
      metricName,
      statistic,
      period,
      dimensionsMap: dimensions,
      label,
    });
  }

  /**
   * Which part of the sign-ins that ended failed for a fault of somebody's, CIS2 included.
   *
   * @param options.codes - of the faults
   * @param options.minFaults - in a period; with fewer the part is 0
   */
  failedSignIns(
    period: Duration,
    { codes: named = faultCodes, minFaults }: FaultChoice = {},
  ): cloudwatch.MathExpression {
    const codes = named.map(
      (code, index) =>
        [`f${String(index)}`, this.metric('SignInFailed', { period, dimensions: { Code: code } })] as const,
    );
    const faults = codes.map(([id]) => `FILL(${id}, 0)`).join(' + ');
    return ratio(
      faults,
      `FILL(completed, 0) + ${faults}`,
      { ...Object.fromEntries(codes), completed: this.metric('SignInCompleted', { period }) },
      period,
      'failed sign-ins',
      minFaults,
    );
  }

  /**
   * Which part of the requests was answered 5xx, by our functions or by the gateway, and not because the API platform or an upstream
   * failed.
   */
  failedRequests(api: apigateway.HttpApi, period: Duration): cloudwatch.MathExpression {
    return ratio(
      'FILL(errors, 0) - FILL(platform, 0) - FILL(upstreams, 0)',
      'requests',
      {
        errors: apiMetric(api, '5xx', { period }),
        platform: this.metric('ApiPlatformFailed', { period }),
        upstreams: this.metric('UpstreamFailed', { period }),
        requests: apiMetric(api, 'Count', { period }),
      },
      period,
      'requests that we answered 5xx',
    );
  }

  /**
   * 1 for a period in which people began to sign in and nobody got a session, for whatever reason; else 0.
   *
   * @param minStarted - by people: with fewer they may have given up
   * @param canaryRuns - each of which begins a sign-in and leaves it
   */
  nobodySignsIn(
    period: Duration,
    minStarted: number,
    canaryRuns: cloudwatch.IMetric,
  ): cloudwatch.MathExpression {
    return new cloudwatch.MathExpression({
      expression: `IF(FILL(started, 0) - FILL(canary, 0) >= ${String(minStarted)} AND FILL(completed, 0) < 1, 1, 0)`,
      usingMetrics: {
        started: this.metric('SignInStarted', { period }),
        completed: this.metric('SignInCompleted', { period }),
        canary: canaryRuns,
      },
      period,
      label: 'sign-ins were started and none was completed',
    });
  }

  /** Which part of the attempts of one kind failed. */
  failedPart(
    failed: string,
    succeeded: string,
    label: string,
    period: Duration = fiveMinutes,
  ): cloudwatch.MathExpression {
    return ratio(
      'FILL(failed, 0)',
      'FILL(failed, 0) + FILL(succeeded, 0)',
      { failed: this.metric(failed, { period }), succeeded: this.metric(succeeded, { period }) },
      period,
      label,
    );
  }
}

/**
 * Reads and writes of a table that DynamoDB turned away because they were too many.
 *
 * @param prefix - begins the ids of its parts, which must be unique in a graph
 */
export const tableThrottles = (table: dynamodb.Table, prefix = ''): cloudwatch.MathExpression =>
  new cloudwatch.MathExpression({
    expression: `FILL(${prefix}reads, 0) + FILL(${prefix}writes, 0)`,
    usingMetrics: {
      [`${prefix}reads`]: table.metric('ReadThrottleEvents', { statistic: 'Sum' }),
      [`${prefix}writes`]: table.metric('WriteThrottleEvents', { statistic: 'Sum' }),
    },
    period: fiveMinutes,
    label: 'throttled',
  });

/** What functions ask of a table. */
const operations = [
  ...[
    'BatchGetItem',
    'DeleteItem',
    'GetItem',
    'PutItem',
    'Query',
    'Scan',
    'TransactWriteItems',
    'UpdateItem',
  ],
] as const;

/**
 * Requests to a table that failed inside DynamoDB.
 *
 * @param prefix - begins the ids of its parts, which must be unique in a graph
 */
export const tableErrors = (table: dynamodb.Table, prefix = ''): cloudwatch.MathExpression => {
  const parts = operations.map((operation) => [`${prefix}on${operation}`, operation] as const);
  return new cloudwatch.MathExpression({
    expression: parts.map(([id]) => `FILL(${id}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(
      parts.map(([id, operation]) => [
        id,
        table.metric('SystemErrors', {
          statistic: 'Sum',
          dimensionsMap: { TableName: table.tableName, Operation: operation },
        }),
      ]),
    ),
    period: fiveMinutes,
    label: 'system errors',
  });
};
