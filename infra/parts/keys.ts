import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';

/**
 * The secret that holds the ring of signing keys. CloudFormation makes it empty, so that no private key ever stands in
 * a template: the function `create-signing-keys` fills it during the first deployment.
 * @stateful
 */
export class SigningKeyStore extends Construct {
  readonly secret: secretsmanager.Secret;
  /** Encrypts the secret. */
  readonly encryptionKey: kms.Key;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.encryptionKey = new kms.Key(this, 'EncryptionKey', {
      description: 'CIS2 BFF: the private signing keys at rest',
      enableKeyRotation: true,
    });
    this.secret = new secretsmanager.Secret(this, 'Ring', {
      description: 'CIS2 BFF: the ring of private signing keys',
      encryptionKey: this.encryptionKey,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    // Without a value of its own the construct would have a password generated.
    const resource = this.secret.node.defaultChild as secretsmanager.CfnSecret;
    resource.generateSecretString = undefined;
    Validations.of(this.secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Rotation is not built yet. The secret is laid out for it as a ring: the key that comes next lies in it beside ' +
        'the one that signs, and is published with it, so that CIS2 can know it before it signs.',
    });
  }

  /**
   * What a function must be allowed to read the private keys.
   */
  readStatements(): iam.PolicyStatement[] {
    return this.statements(['GetSecretValue'], ['Decrypt']);
  }

  /**
   * What a function must be allowed to fill and change the ring.
   */
  writeStatements(): iam.PolicyStatement[] {
    return this.statements(['GetSecretValue', 'PutSecretValue'], ['Decrypt', 'GenerateDataKey']);
  }

  private statements(secretActions: readonly string[], keyActions: readonly string[]): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        sid: 'SigningKeys',
        actions: secretActions.map((action) => `secretsmanager:${action}`),
        resources: [this.secret.secretArn],
      }),
      new iam.PolicyStatement({
        sid: 'SigningKeysAtRest',
        actions: keyActions.map((action) => `kms:${action}`),
        resources: [this.encryptionKey.keyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': `secretsmanager.${Stack.of(this).region}.amazonaws.com` },
        },
      }),
    ];
  }
}
