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
import { Secret, asEpochSeconds, type EpochSeconds } from '../common/index.ts';
import { KeysUnavailable } from './errors.ts';
import { readRing, type Ring } from './ring.ts';

/** The label of the version that signs. */
export const currentLabel = 'AWSCURRENT';

interface SecretVersion {
  readonly versionId: string;
  readonly text: Secret;
}

/**
 * The ring that signs. A function that signs may read no other version.
 *
 * @returns undefined while the secret has no value
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

/**
 * The secret of one ring in AWS Secrets Manager. The value of a version never changes; labels move. Secrets Manager is
 * eventually consistent, so a read may be out of date. All methods throw KeysUnavailable when it cannot be reached.
 */
export type KeySecret = ReturnType<typeof createKeySecret>;

export function createKeySecret(client: SecretsManagerClient, secretId: string) {
  /** @returns false when the labels have changed since the caller read them */
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
    /** The version that signs; undefined while there is none. */
    current: () => readVersion(client, { SecretId: secretId, VersionStage: currentLabel }),

    /** Undefined when there is no such version, or it has no value. */
    version: (versionId: string) => readVersion(client, { SecretId: secretId, VersionId: versionId }),

    /** Each label with the one version that carries it, and the next rotation; null while none is scheduled. */
    async describe(): Promise<{ labels: ReadonlyMap<string, string>; nextRotationAt: EpochSeconds | null }> {
      const { VersionIdsToStages: versions = {}, NextRotationDate: next } = await client
        .send(new DescribeSecretCommand({ SecretId: secretId }))
        .catch((cause: unknown) => {
          throw new KeysUnavailable('the versions of the signing keys could not be listed', { cause });
        });
      return {
        labels: new Map(
          Object.entries(versions).flatMap(([id, labels]) => labels.map((label) => [label, id] as const)),
        ),
        nextRotationAt: asEpochSeconds(next && Math.floor(next.getTime() / 1000)) ?? null,
      };
    },

    /** Adds a version and moves this label to it. @returns false when the version exists with another value */
    async put(versionId: string, text: Secret, label: string): Promise<boolean> {
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

    /** Moves AWSCURRENT, in one step. @returns false when `from` does not have it */
    moveCurrent: (from: string, to: string) => moveLabel(currentLabel, from, to),

    /** Does nothing when the version does not have the label. */
    async removeLabel(label: string, versionId: string): Promise<void> {
      await moveLabel(label, versionId);
    },
  };
}
