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
  makeQuickToCopy(client.config);
  return client;
}

/**
 * The SDK copies a client's settings three times a call. It has added them one after the other, for which V8 keeps them in a hash
 * table, and that is slow to copy. What is read a few times through an object that inherits it, V8 keeps in its quick form.
 */
function makeQuickToCopy(settings: object): void {
  const heir = Object.create(settings) as { serviceId?: unknown };
  Array.from({ length: 100 }, () => heir.serviceId);
}

/** @param maxAttempts - what writes keys has time for more than one more try */
export const secretsManager = (maxAttempts: number = timeLimits.maxAttempts): SecretsManagerClient =>
  new SecretsManagerClient({ ...timeLimits, maxAttempts });
