import { randomUUID } from 'node:crypto';
import { now, optionalFlag, optionalText, Refusal, requiredText } from './aws-json.ts';
import type { Input, Output } from './aws-json.ts';

/** Secrets, their versions and the staging labels on them, as Secrets Manager keeps them. */

export interface Version {
  readonly id: string;
  /** Neither: a rotation has named the version, and its value has not come yet. */
  secretString: string | undefined;
  secretBinary: string | undefined;
  readonly createdAt: number;
  readonly stages: Set<string>;
}

/** How a secret is rotated. */
export interface RotationSettings {
  readonly enabled: boolean;
  readonly functionArn: string;
  /** As they were given, and are told again. */
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

/** Versions without a label that are kept: AWS keeps them for a day at least, and a test wants to look for them. */
const keptDeprecated = 20;

const hasValue = ({ secretString, secretBinary }: Version): boolean =>
  secretString !== undefined || secretBinary !== undefined;

/** @throws Refusal when it cannot name a version */
export const versionId = (input: Input, name: string): string | undefined => {
  const id = optionalText(input, name);
  if (id !== undefined && (id.length < 32 || id.length > 64)) {
    throw new Refusal('InvalidParameterException', `${name} must be 32 to 64 characters long.`);
  }
  return id;
};

/** The version that a label stands on. */
export const labelled = (secret: StoredSecret, stage: string): Version | undefined =>
  [...secret.versions.values()].find(({ stages }) => stages.has(stage));

/** A version that has its name and no value yet. */
export function addVersion(secret: StoredSecret, id: string): Version {
  const version = {
    id,
    secretString: undefined,
    secretBinary: undefined,
    createdAt: now(),
    stages: new Set<string>(),
  };
  secret.versions.set(id, version);
  return version;
}

/** A label stands on one version, or on none. Where AWSCURRENT was, AWSPREVIOUS goes. */
export function moveStage(secret: StoredSecret, stage: string, to: Version | undefined): void {
  const from = labelled(secret, stage);
  secret.changedAt = now();
  if (from !== to) {
    from?.stages.delete(stage);
    to?.stages.add(stage);
    if (stage === 'AWSCURRENT' && from !== undefined) moveStage(secret, 'AWSPREVIOUS', from);
  }
  const deprecated = [...secret.versions.values()].filter(({ stages }) => stages.size === 0);
  for (const { id } of deprecated.slice(0, -keptDeprecated)) secret.versions.delete(id);
}

/** When the next rotation is due: an interval after the last one, and a value that was put by hand counts as one. */
function nextRotation(secret: StoredSecret, { intervalSeconds }: RotationSettings): number {
  const put = labelled(secret, 'AWSCURRENT')?.createdAt ?? 0;
  return Math.max(secret.createdAt, secret.lastRotatedAt ?? 0, put) + intervalSeconds;
}

/** The calls that read and write secrets. */
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
    // AWS adds six characters of its own to the name.
    const secret: StoredSecret = {
      name,
      arn: `${this.#arnPrefix}${name}-LocaL1`,
      createdAt: now(),
      changedAt: now(),
      rotation: undefined,
      lastRotatedAt: undefined,
      versions: new Map(),
    };
    this.#secrets.set(name, secret);
    const isGiven = input['SecretString'] !== undefined || input['SecretBinary'] !== undefined;
    const { VersionId } = isGiven ? this.put({ ...input, SecretId: name }) : {};
    return { ARN: secret.arn, Name: name, ...(VersionId === undefined ? {} : { VersionId }) };
  }

  describe(input: Input): Output {
    const secret = this.find(input);
    const { rotation, lastRotatedAt } = secret;
    return {
      ARN: secret.arn,
      Name: secret.name,
      CreatedDate: secret.createdAt,
      LastChangedDate: secret.changedAt,
      ...(rotation === undefined
        ? {}
        : {
            RotationEnabled: rotation.enabled,
            RotationLambdaARN: rotation.functionArn,
            RotationRules: rotation.rules,
          }),
      ...(lastRotatedAt === undefined ? {} : { LastRotatedDate: lastRotatedAt }),
      ...(rotation?.enabled === true ? { NextRotationDate: nextRotation(secret, rotation) } : {}),
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
        hasValue(candidate) &&
        (id === undefined || candidate.id === id) &&
        (stage === undefined || candidate.stages.has(stage)),
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

  put(input: Input): Output {
    const secret = this.find(input);
    const secretString = optionalText(input, 'SecretString');
    const secretBinary = optionalText(input, 'SecretBinary');
    if ((secretString === undefined) === (secretBinary === undefined)) {
      throw new Refusal('InvalidParameterException', 'You must provide either SecretString or SecretBinary.');
    }
    if (
      Buffer.byteLength(secretString ?? '') > maxSecret ||
      Buffer.byteLength(secretBinary ?? '', 'base64') > maxSecret
    ) {
      throw new Refusal('ValidationException', 'Member must have length less than or equal to 65536');
    }
    const id = versionId(input, 'ClientRequestToken') ?? randomUUID();
    const wanted = input['VersionStages'] ?? ['AWSCURRENT'];
    if (
      !Array.isArray(wanted) ||
      wanted.length === 0 ||
      !wanted.every((stage) => typeof stage === 'string')
    ) {
      throw new Refusal('InvalidParameterException', 'VersionStages must name at least one stage.');
    }

    // The same token again is a retry when the value is the same, and a mistake when it is another.
    const version = secret.versions.get(id) ?? addVersion(secret, id);
    if (!hasValue(version)) {
      Object.assign(version, { secretString, secretBinary });
      for (const stage of wanted) moveStage(secret, stage, version);
    } else if (version.secretString !== secretString || version.secretBinary !== secretBinary) {
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
    const refuse = (message: string): never => {
      throw new Refusal('InvalidParameterException', message);
    };
    if (moveTo === undefined && removeFrom === undefined) {
      refuse('You must provide either MoveToVersionId or RemoveFromVersionId.');
    }
    if (removeFrom !== undefined && holder?.id !== removeFrom) {
      refuse(`The staging label ${stage} is not attached to version ${removeFrom}.`);
    }
    if (removeFrom === undefined && holder !== undefined && holder.id !== moveTo) {
      refuse(
        `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${holder.id}, so you must explicitly reference that version in RemoveFromVersionId.`,
      );
    }
    if (moveTo === undefined && stage === 'AWSCURRENT') {
      refuse(
        "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
      );
    }
    const to = moveTo === undefined ? undefined : secret.versions.get(moveTo);
    if (moveTo !== undefined && to === undefined) {
      throw new Refusal(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for VersionId: ${moveTo}`,
      );
    }
    moveStage(secret, stage, to);
    return { ARN: secret.arn, Name: secret.name };
  }

  /** All on one page: there are never as many as a page holds. */
  listVersions(input: Input): Output {
    const secret = this.find(input);
    const all = optionalFlag(input, 'IncludeDeprecated') === true;
    return {
      ARN: secret.arn,
      Name: secret.name,
      Versions: [...secret.versions.values()]
        .filter(({ stages }) => all || stages.size > 0)
        .map(({ id, stages, createdAt }) => ({
          VersionId: id,
          CreatedDate: createdAt,
          ...(stages.size === 0 ? {} : { VersionStages: [...stages] }),
        })),
    };
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
    throw new Refusal('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
}
