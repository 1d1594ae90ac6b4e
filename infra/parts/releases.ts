import { Validations } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as codedeploy from 'aws-cdk-lib/aws-codedeploy';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { allow } from './statements.ts';
import type { FunctionName } from '../../lambdas/settings/index.ts';

/**
 * How a new version takes over. `canary`: a tenth of the requests for a quarter of an hour, then all; an alarm meanwhile brings the
 * old version back. `all-at-once`: for a correction while an alarm is on, which would undo it.
 */
export type Rollout = 'canary' | 'all-at-once';

export interface BffReleasesProps {
  /** Of the functions that answer requests: the alias that requests go to, and the alarms that bring the old version back. */
  readonly releases: ReadonlyMap<
    FunctionName,
    { readonly alias: lambda.Alias; readonly alarms: readonly cloudwatch.Alarm[] }
  >;
  readonly rollout: Rollout;
}

/** Shifts requests to a new version gradually, and back when an alarm goes on. */
export class BffReleases extends Construct {
  constructor(scope: Construct, id: string, { releases, rollout }: BffReleasesProps) {
    super(scope, id);
    const application = new codedeploy.LambdaApplication(this, 'Application');
    const functions = [...releases.values()].map(({ alias }) => alias.lambda.functionArn);
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('codedeploy.amazonaws.com'),
      inlinePolicies: {
        releases: new iam.PolicyDocument({
          statements: [
            allow(
              'Shift',
              ['lambda:GetAlias', 'lambda:GetProvisionedConcurrencyConfig', 'lambda:UpdateAlias'],
              [...functions, ...functions.map((arn) => `${arn}:live`)],
            ),
            allow('Alarms', ['cloudwatch:DescribeAlarms'], ['*']),
          ],
        }),
      },
    });
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        'CloudWatch lets nobody describe single alarms: the right to read their state is for all or none.',
    });
    for (const [name, { alias, alarms }] of releases) {
      new codedeploy.LambdaDeploymentGroup(this, name, {
        application,
        alias,
        // The AWS managed policy that the construct would add says more than is needed.
        role: role.withoutPolicyUpdates(),
        deploymentConfig:
          rollout === 'canary'
            ? // The alarms on failures need some minutes of failures, and their metrics come a minute or two late.
              codedeploy.LambdaDeploymentConfig.CANARY_10PERCENT_15MINUTES
            : codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE,
        alarms: rollout === 'canary' ? [...alarms] : [],
        autoRollback: {
          failedDeployment: true,
          stoppedDeployment: true,
          deploymentInAlarm: rollout === 'canary',
        },
      });
    }
  }
}
