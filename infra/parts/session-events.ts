import { Duration, Stack, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct, type IConstruct } from 'constructs';
import { allow } from './statements.ts';
import type { BffFunctions } from './functions.ts';
import { eventsShare, shareOf, type RouteRate } from './rate-limits.ts';

/** A WebSocket API answers at the path of its stage, and nowhere else. */
const stageName = 'events';

/**
 * The WebSocket API that pages listen at for the end of their session. Its functions need its address, so that it is there before
 * them, and its route after them.
 */
export class EventsApi extends Construct {
  readonly api: apigateway.WebSocketApi;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.api = new apigateway.WebSocketApi(this, 'Api', {
      apiName: `${Stack.of(this).stackName}-events`,
      description: 'CIS2 BFF: ends of sessions',
    });
    Validations.of(this).acknowledge(
      {
        id: 'Cis2Bff-OriginLock',
        reason:
          'A WebSocket API cannot share a domain name with an HTTP API, so that its own address stays on. The function refuses what ' +
          'lacks the value that the edge sends; a flood there takes the rate of this API alone, and pages ask instead.',
      },
      {
        id: 'AwsSolutions-APIG1',
        reason:
          'For a WebSocket API the gateway logs under one role of the whole account, which is not this stack’s to set. The function ' +
          'logs every connection and every refusal.',
      },
      {
        id: 'AwsSolutions-APIG4',
        reason:
          'The function checks edge, origin, cookie and session itself, against the store and on every connection.',
      },
    );
  }

  /** Host name by which the edge calls the API. */
  get domainName(): string {
    return `${this.api.apiId}.execute-api.${Stack.of(this).region}.amazonaws.com`;
  }

  get path(): string {
    return `/${stageName}`;
  }

  /** Where messages to connections are posted. */
  get connectionsUrl(): string {
    return `https://${this.domainName}${this.path}`;
  }

  private get connectionsArn(): string {
    return Stack.of(this).formatArn({
      service: 'execute-api',
      resource: this.api.apiId,
      resourceName: `${stageName}/POST/@connections/*`,
    });
  }

  /** What a function must be allowed to send a message to whoever is connected, and nothing else to a connection. */
  postStatement(): iam.PolicyStatement {
    return allow('Connections', ['execute-api:ManageConnections'], [this.connectionsArn]);
  }

  /** Says why a role that holds {@link postStatement} is for every connection. */
  acknowledgePosts(role: IConstruct): void {
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${textOf(Stack.of(this).resolve(this.connectionsArn))}]`,
      reason: 'Connections come and go: the right is for those of this API, and for messages to them alone.',
    });
  }

  /** Leads connections to their function, and ends of sessions to theirs. */
  connect(functions: BffFunctions, sessions: dynamodb.Table, rate: RouteRate): void {
    this.api.addRoute('$connect', {
      integration: new WebSocketLambdaIntegration('session-events', functions.live('session-events'), {
        timeout: functions.timeout('session-events').plus(Duration.seconds(3)),
      }),
    });
    new apigateway.WebSocketStage(this, 'Stage', {
      webSocketApi: this.api,
      stageName,
      autoDeploy: true,
      throttle: shareOf(rate, eventsShare),
    });
    const tells = functions.live('session-end-events');
    const mapping = new lambda.EventSourceMapping(this, 'Ends', {
      target: tells,
      eventSourceArn: sessions.tableStreamArn,
      startingPosition: lambda.StartingPosition.LATEST,
      // Only a MODIFY can match: a new session is never ended, and a removed one has no new image.
      filters: [
        lambda.FilterCriteria.filter({
          dynamodb: {
            NewImage: {
              sk: { S: ['core'] },
              state: { S: ['ended'] },
              eventsConnection: { S: [{ exists: true }] },
            },
          },
        }),
      ],
      // A page that was not told within a minute has asked meanwhile.
      maxRecordAge: Duration.minutes(1),
      retryAttempts: 2,
      bisectBatchOnError: true,
    });
    // By the alias itself: the construct would put the name together out of parts.
    (mapping.node.defaultChild as lambda.CfnEventSourceMapping).functionName = tells.functionArn;
  }
}

/** An ARN as the checks write it: references in angle brackets. */
const textOf = (arn: unknown): string => {
  if (typeof arn === 'string') return arn;
  const { Ref: name, 'Fn::Join': join } = arn as {
    readonly Ref?: string;
    readonly 'Fn::Join'?: [string, unknown[]];
  };
  return name === undefined ? (join?.[1] ?? []).map(textOf).join('') : `<${name}>`;
};
