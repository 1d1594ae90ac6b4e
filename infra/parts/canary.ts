import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

/** Has the canary run every five minutes. A run that failed is not repeated: it is what the alarm counts. */
export class CanarySchedule extends Construct {
  constructor(scope: Construct, id: string, canary: lambda.Alias) {
    super(scope, id);
    new events.Rule(this, 'EveryFiveMinutes', {
      description: 'CIS2 BFF: looks from outside whether people can sign in',
      schedule: events.Schedule.rate(Duration.minutes(5)),
      targets: [new targets.LambdaFunction(canary, { retryAttempts: 0, maxEventAge: Duration.minutes(5) })],
    });
    canary.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(5) });
  }
}
