/** Secrets, their versions and the staging labels on them, as Secrets Manager has them. */
import { randomUUID } from 'node:crypto';
import { now, optionalText, Refusal, requiredText } from './aws-json.ts';
import type { Input, Output } from './aws-json.ts';

export interface Version {
  readonly id: string;
  /** Undefined: a rotation has named the version, and its value has not come yet. */
  value: string | undefined;
  readonly createdAt: number;
  readonly stages: Set<string>;
}

/** How a secret is rotated. */
export interface RotationSettings {
  readonly functionArn: string;
  /** As they were given. */
  readonly rules: Input;
  readonly intervalSeconds: number;
}

export interface StoredSecret {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  changedAt: number;
  rotation: RotationSettings | undefined;
  lastRotatedAt: number | undefined;
  readonly versions: Map<string, Version>;
}

const maxSecret = 65_536;

/** How many versions without a label stay: AWS keeps them for a day at least. */
const maxDeprecated = 20;

const invalid = (message: string): Refusal => new Refusal('InvalidParameterException', message);
const notFound = (what: string): Refusal =>
  new Refusal('ResourceNotFoundException', `Secrets Manager can't find the specified secret${what}`);

/** @throws Refusal when it cannot name a version */
export const versionId = (input: Input, name: string): string | undefined => {
  const id = optionalText(input, name);
  if (id !== undefined && (id.length < 32 || id.length > 64)) {
    throw invalid(`${name} must be 32 to 64 characters long.`);
  }
  return id;
};

/** The version that has a label. */
export const labelled = (secret: StoredSecret, stage: string): Version | undefined =>
  [...secret.versions.values()].find(({ stages }) => stages.has(stage));

export function addVersion(secret: StoredSecret, id: string, value?: string): Version {
  const version = { id, value, createdAt: now(), stages: new Set<string>() };
  secret.versions.set(id, version);
  return version;
}

/** A label is on one version, or on none. Where AWSCURRENT was, AWSPREVIOUS goes. */
export function moveStage(secret: StoredSecret, stage: string, to: Version | undefined): void {
  const from = labelled(secret, stage);
  secret.changedAt = now();
  if (from !== to) {
    from?.stages.delete(stage);
    to?.stages.add(stage);
    if (stage === 'AWSCURRENT' && from !== undefined) moveStage(secret, 'AWSPREVIOUS', from);
  }
  const deprecated = [...secret.versions.values()].filter(({ stages }) => stages.size === 0);
  for (const { id } of deprecated.slice(0, -maxDeprecated)) secret.versions.delete(id);
}

/** When the next rotation is due: an interval after the last one; a value that was put by hand counts as one. */
function nextRotation(secret: StoredSecret, { intervalSeconds }: RotationSettings): number {
  const put = labelled(secret, 'AWSCURRENT')?.createdAt ?? 0;
  return Math.max(secret.createdAt, secret.lastRotatedAt ?? 0, put) + intervalSeconds;
}

/** The calls that read and write secrets. Values are text: nothing here stores bytes. */
export class SecretStore {
  readonly #secrets = new Map<string, StoredSecret>();
  readonly #arnPrefix: string;

  constructor(region: string, account: string) {
    this.#arnPrefix = `arn:aws:secretsmanager:${region}:${account}:secret:`;
  }

  create(input: Input): Output {
    const name = requiredText(input, 'Name');
    if (this.#secrets.has(name)) {
      throw new Refusal(
        'ResourceExistsException',
        `The operation failed because the secret ${name} already exists.`,
      );
    }
    const secret: StoredSecret = {
      name,
      // AWS adds six characters of its own to the name.
      arn: `${this.#arnPrefix}${name}-LocaL1`,
      createdAt: now(),
      changedAt: now(),
      rotation: undefined,
      lastRotatedAt: undefined,
      versions: new Map(),
    };
    this.#secrets.set(name, secret);
    const put = input['SecretString'] === undefined ? {} : this.put({ ...input, SecretId: name });
    return { ARN: secret.arn, Name: name, VersionId: put['VersionId'] };
  }

  describe(input: Input): Output {
    const secret = this.find(input);
    const { rotation } = secret;
    return {
      ARN: secret.arn,
      Name: secret.name,
      CreatedDate: secret.createdAt,
      LastChangedDate: secret.changedAt,
      LastRotatedDate: secret.lastRotatedAt,
      ...(rotation && {
        RotationEnabled: true,
        RotationLambdaARN: rotation.functionArn,
        RotationRules: rotation.rules,
        NextRotationDate: nextRotation(secret, rotation),
      }),
      VersionIdsToStages: Object.fromEntries(
        [...secret.versions.values()]
          .filter(({ stages }) => stages.size > 0)
          .map(({ id, stages }) => [id, [...stages]]),
      ),
    };
  }

  get(input: Input): Output {
    const secret = this.find(input);
    const id = optionalText(input, 'VersionId');
    const stage = optionalText(input, 'VersionStage') ?? (id === undefined ? 'AWSCURRENT' : undefined);
    const version = [...secret.versions.values()].find(
      (candidate) =>
        candidate.value !== undefined &&
        (id === undefined || candidate.id === id) &&
        (stage === undefined || candidate.stages.has(stage)),
    );
    if (version === undefined) {
      throw notFound(
        id === undefined ? ` value for staging label: ${stage ?? ''}` : ` value for VersionId: ${id}`,
      );
    }
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: version.id,
      SecretString: version.value,
      VersionStages: [...version.stages],
      CreatedDate: version.createdAt,
    };
  }

  put(input: Input): Output {
    const secret = this.find(input);
    const value = optionalText(input, 'SecretString');
    if (value === undefined) throw invalid('You must provide SecretString.');
    if (Buffer.byteLength(value) > maxSecret) {
      throw new Refusal('ValidationException', 'Member must have length less than or equal to 65536');
    }
    const id = versionId(input, 'ClientRequestToken') ?? randomUUID();
    const wanted = input['VersionStages'] ?? ['AWSCURRENT'];
    if (!Array.isArray(wanted) || wanted.length === 0 || wanted.some((stage) => typeof stage !== 'string')) {
      throw invalid('VersionStages must name at least one stage.');
    }
    // The same token again is a retry when the value is the same, and a mistake when it is another.
    const version = secret.versions.get(id) ?? addVersion(secret, id);
    if (version.value === undefined) {
      version.value = value;
      for (const stage of wanted as string[]) moveStage(secret, stage, version);
    } else if (version.value !== value) {
      throw new Refusal(
        'ResourceExistsException',
        `You can't use ClientRequestToken ${id} because that value is already in use for a version of secret ${secret.arn}.`,
      );
    }
    return { ARN: secret.arn, Name: secret.name, VersionId: id, VersionStages: [...version.stages] };
  }

  updateStage(input: Input): Output {
    const secret = this.find(input);
    const stage = requiredText(input, 'VersionStage');
    const moveTo = versionId(input, 'MoveToVersionId');
    const removeFrom = versionId(input, 'RemoveFromVersionId');
    const holder = labelled(secret, stage);
    if (moveTo === undefined && removeFrom === undefined) {
      throw invalid('You must provide either MoveToVersionId or RemoveFromVersionId.');
    }
    if (removeFrom !== undefined && holder?.id !== removeFrom) {
      throw invalid(`The staging label ${stage} is not attached to version ${removeFrom}.`);
    }
    if (removeFrom === undefined && holder !== undefined && holder.id !== moveTo) {
      throw invalid(
        `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${holder.id}, so you must explicitly reference that version in RemoveFromVersionId.`,
      );
    }
    if (moveTo === undefined && stage === 'AWSCURRENT') {
      throw invalid(
        "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
      );
    }
    const to = moveTo === undefined ? undefined : secret.versions.get(moveTo);
    if (moveTo !== undefined && to === undefined) throw notFound(` value for VersionId: ${moveTo}`);
    moveStage(secret, stage, to);
    return { ARN: secret.arn, Name: secret.name };
  }

  /**
   * By name, by ARN, or by ARN without the characters that AWS added.
   *
   * @throws Refusal when there is no such secret
   */
  find(input: Input): StoredSecret {
    const id = requiredText(input, 'SecretId');
    for (const secret of this.#secrets.values()) {
      if ([secret.name, secret.arn, secret.arn.slice(0, -7)].includes(id)) return secret;
    }
    throw notFound('.');
  }
}
