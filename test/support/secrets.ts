/** The embedded Secrets Manager, and the AWS SDK's client for it. */
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startSecretsManager } from '../../local/aws/secrets-manager.ts';
import { localAws } from './aws-client.ts';

/** Starts one with an empty secret `ring`; `arn` is the secret's. */
export async function startSecrets() {
  const server = await startSecretsManager({ region: 'eu-west-2', account: '000000000000' });
  const client = new SecretsManagerClient({ ...localAws(server.url), maxAttempts: 1 });
  const { ARN: arn = '' } = await client.send(new CreateSecretCommand({ Name: 'ring' }));
  return {
    url: server.url,
    client,
    arn,
    close: (): void => {
      client.destroy();
      server.close();
    },
  };
}
