import { randomUUID } from 'node:crypto';
import { startLoopbackServer } from './loopback-server.ts';
import type { LoopbackServer } from './loopback-server.ts';

interface Version {
  readonly id: string;
  readonly secretString: string | undefined;
  readonly secretBinary: string | undefined;
  readonly createdAt: number;
  readonly stages: Set<string>;
}

interface StoredSecret {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly versions: Map<string, Version>;
}

type Input = Readonly<Record<string, unknown>>;
type Output = Record<string, unknown>;

/** A refusal in the words of Secrets Manager's API. */
class Refusal extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

const longestSecret = 65_536;
const now = (): number => Date.now() / 1000;

const optionalText = (input: Input, name: string): string | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new Refusal('SerializationException', `${name} must be text`);
  return value;
};

const requiredText = (input: Input, name: string): string => {
  const value = optionalText(input, name);
  if (value === undefined || value === '') {
    throw new Refusal('ValidationException', `1 validation error detected: ${name} must not be null`);
  }
  return value;
};

/** Secrets Manager's calls that the functions and the local run use, on a store in memory. */
class SecretStore {
  readonly #secrets = new Map<string, StoredSecret>();
  readonly #arnPrefix: string;

  constructor(region: string, account: string) {
    this.#arnPrefix = `arn:aws:secretsmanager:${region}:${account}:secret:`;
  }

  call(operation: string, input: Input): Output {
    switch (operation) {
      case 'CreateSecret':
        return this.#create(input);
      case 'DescribeSecret':
        return this.#describe(input);
      case 'GetSecretValue':
        return this.#get(input);
      case 'PutSecretValue':
        return this.#put(input);
      default:
        throw new Refusal('UnknownOperationException', '');
    }
  }

  #create(input: Input): Output {
    const name = requiredText(input, 'Name');
    if (this.#secrets.has(name)) {
      throw new Refusal(
        'ResourceExistsException',
        `The operation failed because the secret ${name} already exists.`,
      );
    }
    // AWS adds six characters of its own to the name.
    const secret: StoredSecret = {
      name,
      arn: `${this.#arnPrefix}${name}-LocaL1`,
      createdAt: now(),
      versions: new Map(),
    };
    this.#secrets.set(name, secret);
    const hasValue = input['SecretString'] !== undefined || input['SecretBinary'] !== undefined;
    const { VersionId } = hasValue ? this.#put({ ...input, SecretId: name }) : {};
    return { ARN: secret.arn, Name: name, ...(VersionId === undefined ? {} : { VersionId }) };
  }

  #describe(input: Input): Output {
    const secret = this.#find(input);
    return {
      ARN: secret.arn,
      Name: secret.name,
      CreatedDate: secret.createdAt,
      LastChangedDate: Math.max(
        secret.createdAt,
        ...[...secret.versions.values()].map(({ createdAt }) => createdAt),
      ),
      VersionIdsToStages: Object.fromEntries(
        [...secret.versions.values()]
          .filter(({ stages }) => stages.size > 0)
          .map(({ id, stages }) => [id, [...stages]]),
      ),
    };
  }

  #get(input: Input): Output {
    const secret = this.#find(input);
    const id = optionalText(input, 'VersionId');
    const stage = optionalText(input, 'VersionStage') ?? (id === undefined ? 'AWSCURRENT' : undefined);
    const version = [...secret.versions.values()].find(
      (candidate) =>
        (id === undefined || candidate.id === id) && (stage === undefined || candidate.stages.has(stage)),
    );
    if (version === undefined) {
      throw new Refusal(
        'ResourceNotFoundException',
        id === undefined
          ? `Secrets Manager can't find the specified secret value for staging label: ${stage ?? ''}`
          : `Secrets Manager can't find the specified secret value for VersionId: ${id}`,
      );
    }
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: version.id,
      ...(version.secretString === undefined ? {} : { SecretString: version.secretString }),
      ...(version.secretBinary === undefined ? {} : { SecretBinary: version.secretBinary }),
      VersionStages: [...version.stages],
      CreatedDate: version.createdAt,
    };
  }

  #put(input: Input): Output {
    const secret = this.#find(input);
    const secretString = optionalText(input, 'SecretString');
    const secretBinary = optionalText(input, 'SecretBinary');
    if ((secretString === undefined) === (secretBinary === undefined)) {
      throw new Refusal('InvalidParameterException', 'You must provide either SecretString or SecretBinary.');
    }
    if (
      Buffer.byteLength(secretString ?? '') > longestSecret ||
      Buffer.byteLength(secretBinary ?? '', 'base64') > longestSecret
    ) {
      throw new Refusal('ValidationException', 'Member must have length less than or equal to 65536');
    }
    const id = optionalText(input, 'ClientRequestToken') ?? randomUUID();
    if (id.length < 32 || id.length > 64) {
      throw new Refusal('InvalidParameterException', 'ClientRequestToken must be 32 to 64 characters long.');
    }
    const wanted = input['VersionStages'] ?? ['AWSCURRENT'];
    if (
      !Array.isArray(wanted) ||
      wanted.length === 0 ||
      !wanted.every((stage) => typeof stage === 'string')
    ) {
      throw new Refusal('InvalidParameterException', 'VersionStages must name at least one stage.');
    }

    // The same token again is a retry when the value is the same, and a mistake when it is another.
    const earlier = secret.versions.get(id);
    if (
      earlier !== undefined &&
      (earlier.secretString !== secretString || earlier.secretBinary !== secretBinary)
    ) {
      throw new Refusal(
        'ResourceExistsException',
        `You can't use ClientRequestToken ${id} because that value is already in use for a version of secret ${secret.arn}.`,
      );
    }
    const version = earlier ?? {
      id,
      secretString,
      secretBinary,
      createdAt: now(),
      stages: new Set<string>(),
    };
    if (earlier === undefined) {
      secret.versions.set(id, version);
      for (const stage of wanted) this.#moveStage(secret, version, stage);
    }
    return { ARN: secret.arn, Name: secret.name, VersionId: id, VersionStages: [...version.stages] };
  }

  /** A stage stands on one version. Where AWSCURRENT was, AWSPREVIOUS goes. */
  #moveStage(secret: StoredSecret, to: Version, stage: string): void {
    const from = [...secret.versions.values()].find(
      (candidate) => candidate !== to && candidate.stages.has(stage),
    );
    from?.stages.delete(stage);
    to.stages.add(stage);
    if (stage === 'AWSCURRENT' && from !== undefined) this.#moveStage(secret, from, 'AWSPREVIOUS');
    for (const [id, { stages }] of secret.versions) if (stages.size === 0) secret.versions.delete(id);
  }

  /** By name, by ARN, or by ARN without the characters that AWS added. */
  #find(input: Input): StoredSecret {
    const id = requiredText(input, 'SecretId');
    for (const secret of this.#secrets.values()) {
      if ([secret.name, secret.arn, secret.arn.slice(0, -7)].includes(id)) return secret;
    }
    throw new Refusal('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
}

/**
 * Starts a Secrets Manager in memory on 127.0.0.1, for the AWS SDK (AWS JSON 1.1, signatures are not looked at).
 *
 * @param options.region, options.account - stand in the ARNs
 */
export async function startSecretsManager(options: {
  region: string;
  account: string;
}): Promise<LoopbackServer> {
  const store = new SecretStore(options.region, options.account);
  return startLoopbackServer((request, body) => {
    const answer = (status: number, value: Output) => ({
      status,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() },
      body: JSON.stringify(value),
    });
    const refuse = (type: string, message: string) => answer(400, { __type: type, message });

    // No page in a browser has any business here.
    if (request.headers.origin !== undefined) return Promise.resolve(refuse('AccessDeniedException', ''));
    const [, operation] = /^secretsmanager\.([A-Za-z]+)$/.exec(String(request.headers['x-amz-target'])) ?? [];
    if (request.method !== 'POST' || operation === undefined) {
      return Promise.resolve(refuse('UnknownOperationException', ''));
    }
    try {
      const input = JSON.parse(body) as unknown;
      if (typeof input !== 'object' || input === null) throw new SyntaxError();
      return Promise.resolve(answer(200, store.call(operation, input as Input)));
    } catch (error) {
      if (error instanceof Refusal) return Promise.resolve(refuse(error.type, error.message));
      if (error instanceof SyntaxError) return Promise.resolve(refuse('SerializationException', ''));
      throw error;
    }
  });
}
