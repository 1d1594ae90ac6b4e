/** RSA keys that sign, as KMS has them: the private half can be used and never leaves. */
import {
  constants,
  createHash,
  generateKeyPair,
  privateEncrypt,
  randomUUID,
  type KeyObject,
} from 'node:crypto';
import { promisify } from 'node:util';
import { isObject } from '../../lambdas/common/json.ts';
import { now, optionalText, Refusal, requiredText, startAwsJsonService } from './aws-json.ts';
import type { Input, Output } from './aws-json.ts';
import type { LoopbackServer } from '../loopback-server.ts';

interface StoredKey {
  readonly id: string;
  readonly arn: string;
  readonly spec: KeySpec;
  readonly description: string;
  readonly tags: readonly Tag[];
  readonly createdAt: number;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
  deletionAt: number | undefined;
}

interface Tag {
  readonly TagKey: string;
  readonly TagValue: string;
}

const bitsOf = { RSA_2048: 2_048, RSA_3072: 3_072, RSA_4096: 4_096 } as const;
type KeySpec = keyof typeof bitsOf;

/** Per algorithm: the hash, its length in bytes, and its prefix in a signature (RFC 8017 section 9.2, note 1). */
const algorithms = {
  RSASSA_PKCS1_V1_5_SHA_256: {
    hash: 'sha256',
    length: 32,
    prefix: '3031300d060960864801650304020105000420',
  },
  RSASSA_PKCS1_V1_5_SHA_384: {
    hash: 'sha384',
    length: 48,
    prefix: '3041300d060960864801650304020205000430',
  },
  RSASSA_PKCS1_V1_5_SHA_512: {
    hash: 'sha512',
    length: 64,
    prefix: '3051300d060960864801650304020305000440',
  },
} as const;

const maxMessage = 4_096;
const daySeconds = 86_400;

const invalid = (message: string): Refusal =>
  new Refusal('ValidationException', `1 validation error detected: ${message}`);

const readTags = (value: unknown): Tag[] => {
  if (value === undefined || value === null) return [];
  const refusal = new Refusal('TagException', 'Tags are not valid');
  if (!Array.isArray(value)) throw refusal;
  return value.map((tag: unknown) => {
    const { TagKey, TagValue } = isObject(tag) ? tag : {};
    if (typeof TagKey !== 'string' || TagKey === '' || typeof TagValue !== 'string') throw refusal;
    return { TagKey, TagValue };
  });
};

class KeyStore {
  readonly #keys = new Map<string, StoredKey>();
  readonly #region: string;
  readonly #account: string;

  constructor(region: string, account: string) {
    this.#region = region;
    this.#account = account;
  }

  async create(input: Input): Promise<Output> {
    const spec = optionalText(input, 'KeySpec') ?? 'SYMMETRIC_DEFAULT';
    if (!Object.hasOwn(bitsOf, spec) || optionalText(input, 'KeyUsage') !== 'SIGN_VERIFY') {
      throw new Refusal('UnsupportedOperationException', 'Only RSA keys that sign can be made here.');
    }
    const tags = readTags(input['Tags']);
    const id = randomUUID();
    const pair = await promisify(generateKeyPair)('rsa', { modulusLength: bitsOf[spec as KeySpec] });
    const key: StoredKey = {
      id,
      arn: `arn:aws:kms:${this.#region}:${this.#account}:key/${id}`,
      spec: spec as KeySpec,
      description: optionalText(input, 'Description') ?? '',
      tags,
      createdAt: now(),
      ...pair,
      state: 'Enabled',
      deletionAt: undefined,
    };
    this.#keys.set(id, key);
    return this.#metadata(key);
  }

  describe(input: Input): Output {
    return this.#metadata(this.#find(input));
  }

  publicKey(input: Input): Output {
    const key = this.#usable(input);
    return {
      KeyId: key.arn,
      PublicKey: key.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      KeySpec: key.spec,
      CustomerMasterKeySpec: key.spec,
      KeyUsage: 'SIGN_VERIFY',
      SigningAlgorithms: Object.keys(algorithms),
    };
  }

  sign(input: Input): Output {
    const key = this.#usable(input);
    const name = requiredText(input, 'SigningAlgorithm');
    if (!Object.hasOwn(algorithms, name)) {
      throw new Refusal('InvalidKeyUsageException', `${key.arn} does not sign with ${name} here.`);
    }
    const { hash, length, prefix } = algorithms[name as keyof typeof algorithms];
    const message = Buffer.from(requiredText(input, 'Message'), 'base64');
    const type = optionalText(input, 'MessageType') ?? 'RAW';
    if (type !== 'RAW' && type !== 'DIGEST') throw invalid('MessageType must be RAW or DIGEST');
    if (message.length > maxMessage) throw invalid('Message must have 4096 bytes at most');
    const digest = type === 'RAW' ? createHash(hash).update(message).digest() : message;
    if (digest.length !== length) throw invalid(`Digest is invalid length for algorithm ${name}.`);
    // Node signs messages, not digests: this is EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) by hand.
    const signature = privateEncrypt(
      { key: key.privateKey, padding: constants.RSA_PKCS1_PADDING },
      Buffer.concat([Buffer.from(prefix, 'hex'), digest]),
    );
    return { KeyId: key.arn, Signature: signature.toString('base64'), SigningAlgorithm: name };
  }

  tags(input: Input): Output {
    return { Tags: this.#find(input).tags, Truncated: false };
  }

  scheduleDeletion(input: Input): Output {
    const key = this.#find(input);
    const days = input['PendingWindowInDays'] ?? 30;
    if (!Number.isInteger(days) || Number(days) < 7 || Number(days) > 30) {
      throw invalid('PendingWindowInDays must be 7 to 30');
    }
    this.#refusePendingDeletion(key);
    key.state = 'PendingDeletion';
    key.deletionAt = now() + Number(days) * daySeconds;
    return {
      KeyId: key.arn,
      DeletionDate: key.deletionAt,
      KeyState: key.state,
      PendingWindowInDays: days,
    };
  }

  setState(input: Input, state: 'Enabled' | 'Disabled'): Output {
    const key = this.#find(input);
    this.#refusePendingDeletion(key);
    key.state = state;
    return {};
  }

  #metadata(key: StoredKey): Output {
    return {
      KeyMetadata: {
        AWSAccountId: this.#account,
        KeyId: key.id,
        Arn: key.arn,
        CreationDate: key.createdAt,
        Description: key.description,
        Enabled: key.state === 'Enabled',
        KeyState: key.state,
        ...(key.deletionAt === undefined ? {} : { DeletionDate: key.deletionAt }),
        KeyUsage: 'SIGN_VERIFY',
        KeySpec: key.spec,
        CustomerMasterKeySpec: key.spec,
        SigningAlgorithms: Object.keys(algorithms),
        KeyManager: 'CUSTOMER',
        Origin: 'AWS_KMS',
        MultiRegion: false,
      },
    };
  }

  #usable(input: Input): StoredKey {
    const key = this.#find(input);
    this.#refusePendingDeletion(key);
    if (key.state === 'Disabled') throw new Refusal('DisabledException', `${key.arn} is disabled.`);
    return key;
  }

  #refusePendingDeletion(key: StoredKey): void {
    if (key.state === 'PendingDeletion') {
      throw new Refusal('KMSInvalidStateException', `${key.arn} is pending deletion.`);
    }
  }

  /** By id or by ARN. */
  #find(input: Input): StoredKey {
    const name = requiredText(input, 'KeyId');
    for (const key of this.#keys.values()) if (key.id === name || key.arn === name) return key;
    throw new Refusal('NotFoundException', `Key '${name}' does not exist`);
  }
}

/**
 * Starts a Key Management Service in memory on 127.0.0.1: the calls that the storage of signing keys needs, with RSA that is
 * real. No policy is checked.
 *
 * @param options.region, options.account - stand in the ARNs
 */
export function startKms(options: { region: string; account: string }): Promise<LoopbackServer> {
  const store = new KeyStore(options.region, options.account);
  return startAwsJsonService({
    target: 'TrentService',
    calls: {
      CreateKey: (input) => store.create(input),
      DescribeKey: (input) => store.describe(input),
      GetPublicKey: (input) => store.publicKey(input),
      Sign: (input) => store.sign(input),
      ListResourceTags: (input) => store.tags(input),
      ScheduleKeyDeletion: (input) => store.scheduleDeletion(input),
      EnableKey: (input) => store.setState(input, 'Enabled'),
      DisableKey: (input) => store.setState(input, 'Disabled'),
    },
  });
}
