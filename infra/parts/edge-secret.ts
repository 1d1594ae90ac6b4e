import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { edgeSecretChecks, refuseProblems } from './prop-checks.ts';
import { addGeneratedSecret, secretStatements } from './secrets.ts';

export interface EdgeSecretProps {
  /**
   * A whole number from 1. With another one than before Secrets Manager generates another value, and CloudFront takes it when it is
   * deployed.
   * @default 1
   */
  readonly deployment?: number;
}

/** More than 256 random bits. */
const minLength = 64;

/** Secrets Manager generates another value when what it is asked for changes: another number asks for another length. */
const lengthFor = (deployment: number): number => minLength + ((deployment - 1) % minLength);

/**
 * The secret with what the edge sends with every request, so that functions can tell who came through the firewall. Secrets Manager
 * fills it, and functions take the value in force and the one before it. A deployment with another number rotates it: this secret
 * gets another value, then the distribution sends it.
 *
 * No schedule in AWS does that. It would need `cloudfront:UpdateDistribution`, which no condition binds to one header: whoever took
 * over its function could lead sign-ins elsewhere, and take the firewall off.
 * @stateful
 */
export class EdgeSecret extends Construct {
  readonly secret: secretsmanager.Secret;
  /** Encrypts the secret. */
  readonly encryptionKey: kms.Key;
  /** The number of the value in it. */
  readonly deployment: number;

  /** @throws DeploymentRefused naming everything in `props` that breaks a rule */
  constructor(scope: Construct, id: string, props: EdgeSecretProps = {}) {
    super(scope, id);
    refuseProblems(edgeSecretChecks, props);
    const { deployment = 1 } = props;
    this.deployment = deployment;
    const { secret, encryptionKey } = addGeneratedSecret(
      this,
      'Value',
      {
        secret: 'what the edge sends, to show that a request came through it',
        atRest: 'what the edge sends at rest',
        rotated:
          'A new value has to reach CloudFront as well, which only a deployment changes: another number of the deployment rotates both. ' +
          'Functions take the former value meanwhile.',
      },
      { passwordLength: lengthFor(deployment), excludePunctuation: true },
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
