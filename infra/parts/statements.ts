import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** A statement that allows actions on resources, where the conditions hold. */
export const allow = (
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
  conditions: Readonly<Record<string, unknown>> = {},
): iam.PolicyStatement =>
  new iam.PolicyStatement({ sid, actions: [...actions], resources: [...resources], conditions });

/** Holds for a call to KMS that a service makes, in the region of a construct, for whoever called the service. */
export const viaService = (scope: IConstruct, service: 'dynamodb' | 'secretsmanager') => ({
  StringEquals: { 'kms:ViaService': `${service}.${Stack.of(scope).region}.amazonaws.com` },
});
