/** The AWS clients. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { timeLimits } from './time-limits.ts';

export { connectionPoster } from './connections.ts';
export { edgeSecrets } from './edge-secret.ts';
export { readSecretText } from './secret-text.ts';
export { timeLimits };

/**
 * The SDK composes its middleware once for each kind of command; a call with its own options, such as an abort signal, still
 * composes it again. The logging middleware is removed: nothing reads its output, and it copies every input and output.
 */
export function dynamoDb(): DynamoDBClient {
  const client = new DynamoDBClient({ ...timeLimits, cacheMiddleware: true });
  client.middlewareStack.remove('loggerMiddleware');
  optimiseForCopy(client.config);
  return client;
}

/**
 * The SDK copies a client's settings three times a call. It adds them one by one, so V8 stores them as a hash table, which is slow
 * to copy. V8 changes an object back to its fast form once it is read a few times as a prototype.
 */
function optimiseForCopy(settings: object): void {
  const derived = Object.create(settings) as { serviceId?: unknown };
  Array.from({ length: 100 }, () => derived.serviceId);
}

/** @param maxAttempts - the function that writes keys has time for more than one retry */
export const secretsManager = (maxAttempts: number = timeLimits.maxAttempts): SecretsManagerClient =>
  new SecretsManagerClient({ ...timeLimits, maxAttempts });
