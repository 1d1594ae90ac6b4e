/** The AWS clients. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** Time limits that leave room for an answer, and for one more try, inside every function's own. */
export const limits = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 500, requestTimeout: 1_000, throwOnRequestTimeout: true },
} as const;

export const dynamoDb = (): DynamoDBClient => new DynamoDBClient(limits);
export const secretsManager = (): SecretsManagerClient => new SecretsManagerClient(limits);
