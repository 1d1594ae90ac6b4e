import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** A secret that is changed while it is used: who still sends the previous value is believed. */
const stages = ['AWSCURRENT', 'AWSPREVIOUS'] as const;

/**
 * The values of the secret that the edge sends: the current one, and the previous one where there is one.
 *
 * @throws what Secrets Manager says, or an Error for a value that is none
 */
export async function edgeSecrets(
  client: SecretsManagerClient,
  secretId: string,
): Promise<readonly string[]> {
  const values = await Promise.all(
    stages.map((VersionStage) =>
      client.send(new GetSecretValueCommand({ SecretId: secretId, VersionStage })).then(
        ({ SecretString }) => SecretString,
        (error: unknown) => {
          const isMissing = error instanceof Error && error.name === 'ResourceNotFoundException';
          if (isMissing && VersionStage === 'AWSPREVIOUS') return undefined;
          throw error;
        },
      ),
    ),
  );
  const found = values.filter((value) => value !== undefined);
  // Bytes in the place of a text are no value: without a current one nothing could ever be compared.
  if (values[0] === undefined || !found.every((value) => /^[\w+/=-]{43,}$/.test(value)))
    throw new Error('the secret of the edge is not one');
  return found;
}
