import { CustomResource, Duration, Stack, Validations } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { KeyPurpose, SigningKeyStore } from './signing-key-store.ts';

export interface KeyRotationProps {
  /** The function that writes keys. */
  readonly rotator: lambda.Function;
  /** The maximum time that it may take for one event. */
  readonly rotatorTimeout: Duration;
  /** The rings it manages, each of another purpose. */
  readonly stores: readonly SigningKeyStore[];
  readonly publishedKeys: dynamodb.Table;
  /** Whole days from one rotation to the next. */
  readonly period: Duration;
}

/** Names of what is made for each purpose. */
const ids: Readonly<Record<KeyPurpose, { readonly id: string; readonly property: string }>> = {
  cis2: { id: 'Cis2', property: 'SigningKeysSecret' },
  'api-platform': { id: 'ApiPlatform', property: 'ApiPlatformKeysSecret' },
};

export const defaultRotationPeriod = Duration.days(30);

/** What could not be handed to the function for as long is dropped: the next check puts right what it would have. */
const maxEventAge = Duration.minutes(30);

/** When the function that writes keys runs: at the first deployment, on each ring's schedule, and every hour to check. */
export class KeyRotation extends Construct {
  constructor(scope: Construct, id: string, props: KeyRotationProps) {
    super(scope, id);
    const { rotator, rotatorTimeout, stores, publishedKeys, period } = props;
    Validations.of(this).acknowledge({
      id: 'Cis2Bff-AliasTarget',
      reason:
        'Secrets Manager, the schedule and operators call the function that writes keys by its name, and its releases are not ' +
        'gradual: two versions must never write keys side by side.',
    });

    // The deployment waits until there is a key to sign with. The function reads its settings and none of these
    // properties: a new secret or table changes one of them, and with it CloudFormation runs the function again.
    const filled = new CustomResource(this, 'FilledRings', {
      resourceType: 'Custom::SigningKeys',
      serviceToken: rotator.functionArn,
      serviceTimeout: rotatorTimeout.plus(Duration.minutes(1)),
      properties: {
        ...Object.fromEntries(stores.map(({ purpose, secret }) => [ids[purpose].property, secret.secretArn])),
        PublishedKeysTable: publishedKeys.tableName,
        // A change has the keys published again: an older release did not write what keys-status reads.
        RecordFormat: 2,
      },
    });

    for (const { purpose, secret } of stores) {
      const permission = new lambda.CfnPermission(this, `${ids[purpose].id}Permission`, {
        action: 'lambda:InvokeFunction',
        functionName: rotator.functionArn,
        principal: 'secretsmanager.amazonaws.com',
        sourceArn: secret.secretArn,
        sourceAccount: Stack.of(this).account,
      });
      // The bare resource: the construct above it would widen the function's role and the secret's encryption key.
      const schedule = new secretsmanager.CfnRotationSchedule(this, `${ids[purpose].id}Schedule`, {
        secretId: secret.secretArn,
        rotationLambdaArn: rotator.functionArn,
        rotationRules: { automaticallyAfterDays: period.toDays() },
        // A deployment must not move keys on.
        rotateImmediatelyOnUpdate: false,
      });
      schedule.node.addDependency(permission, filled);
    }

    new events.Rule(this, 'HourlyCheck', {
      description: 'CIS2 BFF: checks the signing keys, and corrects what is published',
      schedule: events.Schedule.rate(Duration.hours(1)),
      targets: [
        new targets.LambdaFunction(rotator, {
          event: events.RuleTargetInput.fromObject({ operation: 'check' }),
          retryAttempts: 2,
          maxEventAge: maxEventAge,
        }),
      ],
    });
    // Lambda would go on trying for six hours.
    new lambda.EventInvokeConfig(this, 'Retries', {
      function: rotator,
      maxEventAge: maxEventAge,
      retryAttempts: 2,
    });
  }
}
