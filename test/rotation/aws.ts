/** What the rotation needs of AWS, in memory and in the words of its API; every call is carried out in one go. */
import { constants, privateEncrypt } from 'node:crypto';
import { KMSInvalidStateException, NotFoundException as KeyNotFoundException } from '@aws-sdk/client-kms';
import { ConditionalCheckFailedException, type AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  InvalidParameterException,
  InvalidRequestException,
  ResourceExistsException,
  ResourceNotFoundException,
} from '@aws-sdk/client-secrets-manager';
import { Refusal } from '../../local/aws/aws-json.ts';
import { SecretRotations } from '../../local/aws/secret-rotation.ts';
import { SecretStore, type StoredSecret } from '../../local/aws/secret-store.ts';
import { operationOf, type Command } from '../races/embedded-table.ts';
import type { Touch } from '../races/explore.ts';
import { poolKey, type PoolKey } from '../support/key-pool.ts';

type Item = Readonly<Record<string, AttributeValue>>;
type Input = Readonly<Record<string, unknown>>;

const secretErrors = {
  InvalidParameterException,
  InvalidRequestException,
  ResourceExistsException,
  ResourceNotFoundException,
};

/** As the SDK gives what Secrets Manager refuses. */
function sdkError(error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  const kind = Object.entries(secretErrors).find(([name]) => name === error.type)?.[1];
  return kind === undefined ? error : new kind({ message: error.message, $metadata: {} });
}

interface KmsKey extends PoolKey {
  readonly arn: string;
  isDestroyed: boolean;
}

export class Aws {
  readonly secretArn: string;
  readonly rotations = new SecretRotations();
  readonly #store = new SecretStore('eu-west-2', '000000000000');
  #items = new Map<string, Item>();
  #kmsKeys: KmsKey[] = [];
  #poolKeysUsed = 0;

  constructor() {
    this.secretArn = String(this.#store.create({ Name: 'ring' })['ARN']);
  }

  /** @returns puts everything back as it is now */
  snapshot(): () => void {
    const secret = this.#store.find({ SecretId: 'ring' });
    const [savedSecret, items, keysUsed] = [copyOf(secret), new Map(this.#items), this.#poolKeysUsed];
    const kmsKeys = this.#kmsKeys.map((key) => ({ ...key }));
    return () => {
      Object.assign(secret, copyOf(savedSecret));
      this.#items = new Map(items);
      this.#kmsKeys = kmsKeys.map((key) => ({ ...key }));
      this.#poolKeysUsed = keysUsed;
    };
  }

  /** A key that no world like this one has had. */
  nextPoolKey(): PoolKey {
    this.#poolKeysUsed += 1;
    return poolKey(this.#poolKeysUsed - 1);
  }

  get kmsKeys(): readonly Readonly<KmsKey>[] {
    return this.#kmsKeys;
  }

  item(pk: string): Item | undefined {
    return this.#items.get(pk);
  }

  setItem(pk: string, item: Item): void {
    this.#items.set(pk, item);
  }

  /** Label → version id. */
  labels(): Map<string, string> {
    const stages = this.#store.describe({ SecretId: 'ring' })['VersionIdsToStages'] as Record<
      string,
      string[]
    >;
    return new Map(Object.entries(stages).flatMap(([id, labels]) => labels.map((label) => [label, id])));
  }

  /** What a version holds; undefined when it has no value, or is no version. */
  text(versionId: string): string | undefined {
    try {
      return String(this.#store.get({ SecretId: 'ring', VersionId: versionId })['SecretString']);
    } catch {
      return undefined;
    }
  }

  /** Asks Secrets Manager for a rotation. @returns whether it began; an earlier one may be gone on with instead */
  async rotateSecret(token: string): Promise<boolean> {
    try {
      this.rotations.rotate(this.#store.find({ SecretId: 'ring' }), {
        ClientRequestToken: token,
        RotationLambdaARN: 'arn:aws:lambda:eu-west-2:000000000000:function:rotate-signing-keys',
        RotationRules: { AutomaticallyAfterDays: 30 },
      });
      return true;
    } catch (error) {
      if (error instanceof Refusal && error.type === 'InvalidRequestException') return false;
      throw error;
    } finally {
      await this.rotations.settled();
    }
  }

  /** Carries a command out. */
  perform(command: Command): Promise<unknown> {
    return new Promise((resolve) => {
      resolve(this.#perform(command));
    });
  }

  #perform({ constructor, input }: Command): unknown {
    switch (operationOf({ constructor, input })) {
      case 'GetSecretValue':
        return this.#secrets(() => this.#store.get(input));
      case 'PutSecretValue':
        return this.#secrets(() => this.#store.put(input));
      case 'UpdateSecretVersionStage':
        return this.#secrets(() => this.#store.updateStage(input));
      case 'DescribeSecret':
        return this.#secrets(() => {
          const { NextRotationDate: next, ...description } = this.#store.describe(input);
          return {
            ...description,
            ...(next === undefined ? {} : { NextRotationDate: new Date(Number(next) * 1000) }),
          };
        });
      case 'GetItem':
        return { Item: this.#items.get(nameOf(input['Key'])) };
      case 'PutItem':
        return this.#putItem(input);
      case 'CreateKey':
        return this.#createKey();
      case 'GetPublicKey':
        return { PublicKey: this.#kmsKey(input).publicKey.export({ type: 'spki', format: 'der' }) };
      case 'Sign':
        return this.#sign(input);
      case 'ScheduleKeyDeletion':
        return this.#destroy(input);
      default:
        throw new Error(`${constructor.name} is not made here`);
    }
  }

  #secrets(call: () => unknown): unknown {
    try {
      return call();
    } catch (error) {
      throw sdkError(error);
    }
  }

  #putItem(input: Input): object {
    const item = input['Item'] as Item;
    const condition = input['ConditionExpression'];
    const values = input['ExpressionAttributeValues'] as Item | undefined;
    const revision = this.#items.get(nameOf(item))?.['revision']?.S;
    const isMet =
      condition === undefined ||
      (condition === 'attribute_not_exists(revision)' && revision === undefined) ||
      (condition === 'revision = :revision' && revision === values?.[':revision']?.S);
    if (!isMet) throw new ConditionalCheckFailedException({ message: 'not so', $metadata: {} });
    this.#items.set(nameOf(item), item);
    return {};
  }

  #createKey(): object {
    const arn = `arn:aws:kms:eu-west-2:000000000000:key/${String(this.#kmsKeys.length)}`;
    this.#kmsKeys.push({ ...this.nextPoolKey(), arn, isDestroyed: false });
    return { KeyMetadata: { Arn: arn } };
  }

  #kmsKey(input: Input): KmsKey {
    const key = this.#kmsKeys.find(({ arn }) => arn === input['KeyId']);
    if (key === undefined) throw new KeyNotFoundException({ message: 'no such key', $metadata: {} });
    if (key.isDestroyed) throw new KMSInvalidStateException({ message: 'pending deletion', $metadata: {} });
    return key;
  }

  /** EMSA-PKCS1-v1_5 over a SHA-512 digest (RFC 8017 section 9.2). */
  #sign(input: Input): object {
    const { privateKey } = this.#kmsKey(input);
    const digest = Buffer.concat([
      Buffer.from('3051300d060960864801650304020305000440', 'hex'),
      input['Message'] as Uint8Array,
    ]);
    return {
      Signature: privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, digest),
    };
  }

  #destroy(input: Input): object {
    this.#kmsKey(input).isDestroyed = true;
    return {};
  }
}

const copyOf = (secret: StoredSecret): StoredSecret => ({
  ...secret,
  versions: new Map(
    [...secret.versions].map(([id, version]) => [id, { ...version, stages: new Set(version.stages) }]),
  ),
});

const nameOf = (key: unknown): string => (key as Item)['pk']?.S ?? '';

/** What a command touches: a version's value never changes, its labels do. */
export function touch(command: Command): Touch {
  const { input } = command;
  const operation = operationOf(command);
  switch (operation) {
    case 'GetSecretValue':
      return {
        items: [typeof input['VersionId'] === 'string' ? `version#${input['VersionId']}|` : 'secret|'],
        writes: false,
      };
    case 'PutSecretValue':
      return { items: ['secret|', `version#${String(input['ClientRequestToken'])}|`], writes: true };
    case 'DescribeSecret':
    case 'UpdateSecretVersionStage':
      return { items: ['secret|'], writes: operation !== 'DescribeSecret' };
    case 'GetItem':
      return { items: [`${nameOf(input['Key'])}|`], writes: false };
    case 'PutItem':
      return { items: [`${nameOf(input['Item'])}|`], writes: true };
    default:
      return { items: [`kms#${String(input['KeyId'])}|`], writes: operation === 'ScheduleKeyDeletion' };
  }
}
