/** The AWS clients. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { timeLimits } from './time-limits.ts';

export { connectionPoster } from './connections.ts';
export { edgeSecrets } from './edge-secret.ts';
export { timeLimits };

/**
 * The SDK's steps around a call are put together once for each kind of command; a call with options of its own, such as an
 * abort signal, still gets its own. The step that logs is left out: nothing listens to it, and it would copy every input
 * and output for nobody.
 */
export function dynamoDb(): DynamoDBClient {
  const client = new DynamoDBClient({ ...timeLimits, cacheMiddleware: true });
  client.middlewareStack.remove('loggerMiddleware');
  return client;
}
/** @param maxAttempts - what writes keys has time for more than one more try */
export const secretsManager = (maxAttempts: number = timeLimits.maxAttempts): SecretsManagerClient =>
  new SecretsManagerClient({ ...timeLimits, maxAttempts });
