import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { readSecretText } from './secret-text.ts';

/** The previous value is accepted too, because the secret is changed while it is used. */
const stages = ['AWSCURRENT', 'AWSPREVIOUS'] as const;

/**
 * The values that the edge may send: the current one, and the previous one if it exists.
 *
 * @throws the error of Secrets Manager, or an Error for a value of an invalid format
 */
export async function edgeSecrets(
  client: SecretsManagerClient,
  secretId: string,
): Promise<readonly string[]> {
  const values = await Promise.all(
    stages.map((stage) =>
      readSecretText(client, secretId, stage).catch((error: unknown) => {
        const isMissing = error instanceof Error && error.name === 'ResourceNotFoundException';
        if (isMissing && stage === 'AWSPREVIOUS') return undefined;
        throw error;
      }),
    ),
  );
  const found = values.filter((value) => value !== undefined);
  // A secret of bytes has no text, and without a current value no request could ever pass.
  if (values[0] === undefined || !found.every((value) => /^[\w+/=-]{43,}$/.test(value)))
    throw new Error('the edge secret has an invalid format');
  return found;
}
