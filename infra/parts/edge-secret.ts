import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { addGeneratedSecret, secretStatements } from './secrets.ts';

/**
 * The secret with what the edge sends with every request, so that functions can tell who came through the firewall. Secrets Manager
 * fills it; functions take the value in force and the one before it.
 * @stateful
 */
export class EdgeSecret extends Construct {
  readonly secret: secretsmanager.Secret;
  /** Encrypts the secret. */
  readonly encryptionKey: kms.Key;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const { secret, encryptionKey } = addGeneratedSecret(
      this,
      'Value',
      {
        secret: 'what the edge sends, to show that a request came through it',
        atRest: 'what the edge sends at rest',
        rotated:
          'A new value has to reach CloudFront as well, which only a deployment changes: the operations guide says how. Functions ' +
          'take the former value meanwhile.',
      },
      { passwordLength: 64, excludePunctuation: true },
    );
    this.secret = secret;
    this.encryptionKey = encryptionKey;
  }

  /** What a function must be allowed to read the value in force and the one before it. */
  readStatements(): iam.PolicyStatement[] {
    return secretStatements(this, 'Edge', ['GetSecretValue'], ['Decrypt'], {
      'ForAnyValue:StringEquals': { 'secretsmanager:VersionStage': ['AWSCURRENT', 'AWSPREVIOUS'] },
    });
  }
}
