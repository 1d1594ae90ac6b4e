import { Validations } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { allow, viaService } from './statements.ts';
import { retainOnUpdateOrDelete } from './removal.ts';

/** A secret with an encryption key that is for nothing else. */
export interface EncryptedSecret {
  readonly secret: secretsmanager.Secret;
  readonly encryptionKey: kms.Key;
}

interface SecretDescription {
  /** What the secret holds, for its description. */
  readonly secret: string;
  /** What its encryption key protects, for the description of the key. */
  readonly atRest: string;
  /** Why the check that looks for a rotation beside it finds none. */
  readonly rotated: string;
}

/**
 * Adds a secret that CloudFormation makes empty, so that what it is to hold never stands in a template, and that stays when
 * its stack goes.
 */
export function addEmptySecret(scope: Construct, id: string, is: SecretDescription): EncryptedSecret {
  const made = addGeneratedSecret(scope, id, is);
  // Without a value of its own the construct would have a password generated.
  const resource = made.secret.node.defaultChild as secretsmanager.CfnSecret;
  resource.generateSecretString = undefined;
  return made;
}

/**
 * Adds a secret that Secrets Manager fills when it makes it, and that stays when its stack goes.
 *
 * @param generated - what it is filled with
 */
export function addGeneratedSecret(
  scope: Construct,
  id: string,
  is: SecretDescription,
  generated: secretsmanager.SecretStringGenerator = {},
): EncryptedSecret {
  const encryptionKey = new kms.Key(scope, 'EncryptionKey', {
    description: `CIS2 BFF: ${is.atRest}`,
    enableKeyRotation: true,
    removalPolicy: retainOnUpdateOrDelete,
  });
  const secret = new secretsmanager.Secret(scope, id, {
    description: `CIS2 BFF: ${is.secret}`,
    encryptionKey,
    removalPolicy: retainOnUpdateOrDelete,
    generateSecretString: generated,
  });
  Validations.of(secret).acknowledge({ id: 'AwsSolutions-SMG4', reason: is.rotated });
  return { secret, encryptionKey };
}

/** What a function must be allowed to use a secret so, which its encryption key is a part of. */
export function secretStatements(
  { secret, encryptionKey }: EncryptedSecret,
  sid: string,
  secretActions: readonly string[],
  keyActions: readonly string[],
  conditions: Readonly<Record<string, unknown>> = {},
): iam.PolicyStatement[] {
  return [
    allow(
      sid,
      secretActions.map((action) => `secretsmanager:${action}`),
      [secret.secretArn],
      conditions,
    ),
    allow(
      `${sid}AtRest`,
      keyActions.map((action) => `kms:${action}`),
      [encryptionKey.keyArn],
      viaService(secret, 'secretsmanager'),
    ),
  ];
}

/**
 * What a function must be allowed to read a secret's value in force, and no version that was or is to come. Its call must
 * name the stage AWSCURRENT: of a call that names none this condition does not hold.
 */
export const readingStatements = (secret: EncryptedSecret, sid: string): iam.PolicyStatement[] =>
  secretStatements(secret, sid, ['GetSecretValue'], ['Decrypt'], {
    'ForAnyValue:StringEquals': { 'secretsmanager:VersionStage': 'AWSCURRENT' },
  });
