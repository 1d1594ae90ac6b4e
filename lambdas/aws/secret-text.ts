import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/**
 * The text of a secret; undefined for a secret of bytes. The policies permit named stages only, so the call names one.
 *
 * @throws the error of Secrets Manager
 */
export async function readSecretText(
  client: SecretsManagerClient,
  secretId: string,
  stage: 'AWSCURRENT' | 'AWSPREVIOUS' = 'AWSCURRENT',
): Promise<string | undefined> {
  const command = new GetSecretValueCommand({ SecretId: secretId, VersionStage: stage });
  return (await client.send(command)).SecretString;
}
