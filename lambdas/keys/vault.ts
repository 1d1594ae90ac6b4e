import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  InvalidParameterException,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  UpdateSecretVersionStageCommand,
  type GetSecretValueCommandInput,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { Secret, asEpochSeconds } from '../common/index.ts';
import type { SecretVersion, Vault } from './ports.ts';
import { KeysUnavailable, readRing, type Ring } from './ring.ts';

/** The label of the version that signs. */
export const currentLabel = 'AWSCURRENT';

/**
 * The ring that signs. A function that signs may read this one version and no other.
 *
 * @returns undefined while the secret has never been given a value
 * @throws KeysUnavailable when it cannot be read or is not a ring
 */
export async function loadRing(client: SecretsManagerClient, secretId: string): Promise<Ring | undefined> {
  const found = await readVersion(client, { SecretId: secretId, VersionStage: currentLabel });
  return found && readRing(found.text);
}

async function readVersion(
  client: SecretsManagerClient,
  input: GetSecretValueCommandInput,
): Promise<SecretVersion | undefined> {
  let found: { SecretString?: string | undefined; VersionId?: string | undefined };
  try {
    found = await client.send(new GetSecretValueCommand(input));
  } catch (cause) {
    if (cause instanceof ResourceNotFoundException) return undefined;
    throw new KeysUnavailable('the signing keys could not be read', { cause });
  }
  const { SecretString: text, VersionId: versionId } = found;
  if (text === undefined || versionId === undefined)
    throw new KeysUnavailable('the signing keys are not text');
  return { versionId, text: new Secret(text) };
}

/** A ring's secret in AWS Secrets Manager. */
export function createVault(client: SecretsManagerClient, secretId: string): Vault {
  /** Labels may have been moved by somebody else meanwhile; that is an answer, not a fault. */
  const moveLabel = async (label: string, from: string, to?: string): Promise<boolean> => {
    try {
      await client.send(
        new UpdateSecretVersionStageCommand({
          SecretId: secretId,
          VersionStage: label,
          RemoveFromVersionId: from,
          ...(to === undefined ? {} : { MoveToVersionId: to }),
        }),
      );
      return true;
    } catch (cause) {
      if (cause instanceof InvalidParameterException || cause instanceof ResourceNotFoundException)
        return false;
      throw new KeysUnavailable('a version of the signing keys could not be labelled', { cause });
    }
  };

  return {
    current: () => readVersion(client, { SecretId: secretId, VersionStage: currentLabel }),
    version: (versionId) => readVersion(client, { SecretId: secretId, VersionId: versionId }),

    async describe() {
      try {
        const { VersionIdsToStages = {}, NextRotationDate: next } = await client.send(
          new DescribeSecretCommand({ SecretId: secretId }),
        );
        const labelled = Object.entries(VersionIdsToStages).flatMap(([versionId, labels]) =>
          labels.map((label) => [label, versionId] as const),
        );
        return {
          labels: new Map(labelled),
          nextRotationAt:
            next === undefined ? null : (asEpochSeconds(Math.floor(next.getTime() / 1000)) ?? null),
        };
      } catch (cause) {
        throw new KeysUnavailable('the versions of the signing keys could not be listed', { cause });
      }
    },

    async put(versionId, text, label) {
      try {
        await client.send(
          new PutSecretValueCommand({
            SecretId: secretId,
            SecretString: text.expose(),
            ClientRequestToken: versionId,
            VersionStages: [label],
          }),
        );
        return true;
      } catch (cause) {
        if (cause instanceof ResourceExistsException) return false;
        throw new KeysUnavailable('the signing keys could not be stored', { cause });
      }
    },

    moveCurrent: (from, to) => moveLabel(currentLabel, from, to),

    async removeLabel(label, versionId) {
      await moveLabel(label, versionId);
    },
  };
}
