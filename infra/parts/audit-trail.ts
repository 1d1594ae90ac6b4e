import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { LambdaDestination } from 'aws-cdk-lib/aws-logs-destinations';
import { Construct } from 'constructs';
import type { FunctionName } from '../../lambdas/settings/index.ts';

export interface AuditTrailProps {
  /** Copies what it is sent to its own log group. */
  readonly copier: lambda.Alias;
  /** The logs that audit events stand in: never the copier's own, which would send it what it wrote. */
  readonly sources: ReadonlyMap<FunctionName, logs.LogGroup>;
}

/** Has the audit events of every function copied to a log group of their own, and no other line. */
export class AuditTrail extends Construct {
  constructor(scope: Construct, id: string, { copier, sources }: AuditTrailProps) {
    super(scope, id);
    for (const [name, logGroup] of sources) {
      new logs.SubscriptionFilter(this, name, {
        logGroup,
        filterPattern: logs.FilterPattern.booleanValue('$.audit', true),
        destination: new LambdaDestination(copier),
      });
    }
  }
}
