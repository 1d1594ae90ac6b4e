import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type * as logs from 'aws-cdk-lib/aws-logs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import { apiPaths } from '../../lambdas/api/api-routes.ts';
import { bffPrefixes, routes } from '../../lambdas/routes.ts';
import type { HttpFunctionName } from '../../lambdas/routes.ts';
import type { UpstreamDefinitions } from '../../manifest/index.ts';
import type { BffFunctions } from './functions.ts';
import type { BffLogs } from './logs.ts';
import { pathsOf } from './paths.ts';
import { routeShares, shareOf, type RouteRate } from './rate-limits.ts';

export interface BffHttpApiProps extends RouteRate {
  readonly functions: BffFunctions;
  readonly logs: BffLogs;
  /** The route manifest. */
  readonly upstreams: UpstreamDefinitions;
  /** The name under which the edge calls the API, with its certificate in this region. The API's own address is off then. */
  readonly originDomain: OriginDomain | undefined;
}

/** A name for the edge to call the API by, which people never see. */
export interface OriginDomain {
  /** Such as `origin.app.example.nhs.uk`. */
  readonly domainName: string;
  /** Certificate for it, in the API's own region. */
  readonly certificate: acm.ICertificate;
  /**
   * The hosted zone of the name: it gets a record that leads to the API.
   * @default - no record is made
   */
  readonly hostedZone?: route53.IHostedZone;
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
  /** What DNS has to lead the origin's name to, where it has one. */
  readonly origin: apigateway.DomainName | undefined;

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
      disableExecuteApiEndpoint: props.originDomain !== undefined,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'Sign-in is what this API is for, so its routes begin anonymous. Every function checks the session itself, ' +
        'against the store and on every request: an authoriser would cache its answer and keep ended sessions alive.',
    });

    if (props.originDomain === undefined) {
      Validations.of(this.api).acknowledge({
        id: 'Cis2Bff-OriginLock',
        reason:
          'Without a name of its own the API has no other address for the edge to call. Functions refuse what lacks the value that ' +
          'the edge sends; the synthesis says what this leaves open.',
      });
    }

    // Any method, so that a wrong one gets our own 405 and not the gateway's 404.
    const addRoutes = (paths: Iterable<string>, target: HttpLambdaIntegration): apigateway.HttpRoute[] =>
      [...paths].flatMap((path) =>
        this.api.addRoutes({ path, methods: [apigateway.HttpMethod.ANY], integration: target }),
      );
    const unknown = integration('unknown-route');
    const made = [
      ...(Object.keys(routes) as HttpFunctionName[]).flatMap((name) =>
        addRoutes(pathsOf(name), integration(name)),
      ),
      ...addRoutes(apiPaths(props.upstreams), integration('api-proxy')),
      ...addRoutes(
        bffPrefixes.map((prefix) => `${prefix}/{proxy+}`),
        unknown,
      ),
      new apigateway.HttpRoute(this, 'DefaultRoute', {
        httpApi: this.api,
        routeKey: apigateway.HttpRouteKey.DEFAULT,
        integration: unknown,
      }),
    ];

    this.accessLogs = props.logs.vendedGroup(this, 'AccessLogs', 'api-access');
    const stage = this.api.addStage('Stage', {
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: props.requestsPerSecond, burstLimit: props.requestBurst },
      accessLogSettings: {
        destination: new apigateway.LogGroupLogDestination(this.accessLogs),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
    throttle(stage, made, props);
    if (props.originDomain !== undefined) {
      const { domainName, certificate, hostedZone } = props.originDomain;
      this.origin = new apigateway.DomainName(this, 'Origin', {
        domainName,
        certificate,
        endpointType: apigateway.EndpointType.REGIONAL,
        securityPolicy: apigateway.SecurityPolicy.TLS_1_2,
      });
      new apigateway.ApiMapping(this, 'OriginMapping', { api: this.api, domainName: this.origin, stage });
      if (hostedZone !== undefined) {
        // Over IPv4 alone: a regional name has no other address, and CloudFront asks for none.
        new route53.ARecord(this, 'OriginRecord', {
          zone: hostedZone,
          recordName: `${domainName}.`,
          target: route53.RecordTarget.fromAlias(
            new ApiGatewayv2DomainProperties(
              this.origin.regionalDomainName,
              this.origin.regionalHostedZoneId,
            ),
          ),
        });
      }
    }
  }
}

/**
 * Gives each route a rate of its own, so that a flood on one does not starve the others: whether routes without one share the stage's
 * was not verified on AWS. The gateway takes them only once the routes are there.
 */
const throttle = (
  stage: apigateway.HttpStage,
  made: readonly apigateway.HttpRoute[],
  rate: RouteRate,
): void => {
  (stage.node.defaultChild as apigateway.CfnStage).routeSettings = Object.fromEntries(
    made.map(({ node }) => {
      const { routeKey } = node.defaultChild as apigateway.CfnRoute;
      const { rateLimit, burstLimit } = shareOf(rate, routeShares[routeKey] ?? 1);
      return [routeKey, { ThrottlingRateLimit: rateLimit, ThrottlingBurstLimit: burstLimit }];
    }),
  );
  stage.node.addDependency(...made);
};
