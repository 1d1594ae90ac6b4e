import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { apiPaths } from '../../lambdas/api/api-routes.ts';
import { bffPrefixes, routes } from '../../lambdas/routes.ts';
import type { HttpFunctionName } from '../../lambdas/routes.ts';
import type { UpstreamDefinitions } from '../../manifest/index.ts';
import type { BffFunctions } from './functions.ts';
import type { BffLogs } from './operations.ts';

export interface BffHttpApiProps {
  readonly functions: BffFunctions;
  readonly logs: BffLogs;
  /** The route manifest. */
  readonly upstreams: UpstreamDefinitions;
  /** Requests a second, over all users, above which the gateway answers 429. */
  readonly requestsPerSecond: number;
  /** Requests that may come at once before that rate counts. */
  readonly requestBurst: number;
}

/**
 * What the access log says. An allow-list: a path or a query could carry a code or a patient's name, an address or a
 * user agent says who it was.
 */
const accessLogFields = {
  requestId: '$context.requestId',
  lambdaRequestId: '$context.integration.requestId',
  time: '$context.requestTimeEpoch',
  method: '$context.httpMethod',
  routeKey: '$context.routeKey',
  status: '$context.status',
  responseBytes: '$context.responseLength',
  latencyMilliseconds: '$context.responseLatency',
  integrationStatus: '$context.integration.status',
  integrationLatencyMilliseconds: '$context.integration.latency',
  error: '$context.error.responseType',
};

/** A function's own time-out does not count the time that a cold start takes before it. */
const coldStart = Duration.seconds(3);
/** CloudFront waits for half a minute: what comes later than this would come to nobody. */
const maxWait = Duration.seconds(29);

const shorter = (one: Duration, other: Duration): Duration =>
  one.toMilliseconds() < other.toMilliseconds() ? one : other;

/** The HTTP API: a route for every known path, and our own 404 for every other. */
export class BffHttpApi extends Construct {
  readonly api: apigateway.HttpApi;
  readonly accessLogs: logs.LogGroup;

  constructor(scope: Construct, id: string, props: BffHttpApiProps) {
    super(scope, id);
    const { functions } = props;
    const integration = (name: HttpFunctionName | 'api-proxy' | 'unknown-route'): HttpLambdaIntegration =>
      new HttpLambdaIntegration(name, functions.live(name), {
        payloadFormatVersion: apigateway.PayloadFormatVersion.VERSION_2_0,
        timeout: shorter(functions.timeout(name).plus(coldStart), maxWait),
      });

    this.api = new apigateway.HttpApi(this, 'Api', {
      apiName: Stack.of(this).stackName,
      description: 'CIS2 BFF',
      createDefaultStage: false,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'Sign-in is what this API is for, so its routes begin anonymous. Every function checks the session itself, ' +
        'against the store and on every request: an authoriser would cache its answer and keep ended sessions alive.',
    });

    // Any method, so that a wrong one gets our own 405 and not the gateway's 404.
    for (const name of Object.keys(routes) as HttpFunctionName[]) {
      const target = integration(name);
      for (const path of new Set(Object.keys(routes[name]).map((key) => key.slice(key.indexOf('/'))))) {
        this.api.addRoutes({ path, methods: [apigateway.HttpMethod.ANY], integration: target });
      }
    }
    const proxy = integration('api-proxy');
    for (const path of apiPaths(props.upstreams)) {
      this.api.addRoutes({ path, methods: [apigateway.HttpMethod.ANY], integration: proxy });
    }
    const unknown = integration('unknown-route');
    for (const prefix of bffPrefixes) {
      this.api.addRoutes({
        path: `${prefix}/{proxy+}`,
        methods: [apigateway.HttpMethod.ANY],
        integration: unknown,
      });
    }
    new apigateway.HttpRoute(this, 'DefaultRoute', {
      httpApi: this.api,
      routeKey: apigateway.HttpRouteKey.DEFAULT,
      integration: unknown,
    });

    this.accessLogs = props.logs.vendedGroup(this, 'AccessLogs', 'api-access');
    this.api.addStage('Stage', {
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: props.requestsPerSecond, burstLimit: props.requestBurst },
      accessLogSettings: {
        destination: new apigateway.LogGroupLogDestination(this.accessLogs),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
  }
}
