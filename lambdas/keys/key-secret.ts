import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { Secret } from '../common/index.ts';
import { KeysUnavailable, readRing, writeRing, type Ring } from './ring.ts';

/**
 * The ring in Secrets Manager.
 *
 * @returns undefined while the secret has never been given a value
 * @throws KeysUnavailable when it cannot be read or is not a ring
 */
export async function loadRing(client: SecretsManagerClient, secretId: string): Promise<Ring | undefined> {
  let text: string | undefined;
  try {
    ({ SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: secretId })));
  } catch (cause) {
    if (cause instanceof ResourceNotFoundException) return undefined;
    throw new KeysUnavailable('the signing keys could not be read', { cause });
  }
  if (text === undefined) throw new KeysUnavailable('the signing keys are not text');
  return readRing(new Secret(text));
}

/** Writes a ring as the secret's current value. The same `token` twice writes once. */
export async function storeRing(
  client: SecretsManagerClient,
  secretId: string,
  ring: Ring,
  token: string,
): Promise<void> {
  await client.send(
    new PutSecretValueCommand({
      SecretId: secretId,
      SecretString: writeRing(ring).expose(),
      ClientRequestToken: token,
    }),
  );
}
