import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

export interface BffStorageProps {
  /**
   * Read units a second at which DynamoDB throttles: a fuse against runaway cost, well above the busiest hour.
   * @default 4000
   */
  readonly maxReadUnits?: number;
  /**
   * Write units a second at which DynamoDB throttles.
   * @default 2000
   */
  readonly maxWriteUnits?: number;
}

/**
 * The items of the sessions table, by the patterns of their partition keys. `lambdas/session/items.ts` says what they are;
 * `warm-up` is the key of an item that is never there.
 */
export type SessionItems =
  'session#*' | 'user#*' | 'provider-session#*' | 'attempt#*' | 'logout-token#*' | 'warm-up';

/** DynamoDB action → the items that a function may use it on. */
export type SessionUses = Readonly<
  Partial<
    Record<
      'BatchGetItem' | 'DeleteItem' | 'GetItem' | 'PutItem' | 'Query' | 'UpdateItem',
      readonly SessionItems[]
    >
  >
>;

/**
 * The tables: sessions, and the public halves of the signing keys.
 * @stateful
 */
export class BffStorage extends Construct {
  readonly sessions: dynamodb.Table;
  readonly publishedKeys: dynamodb.Table;
  /** Encrypts the sessions table. */
  readonly encryptionKey: kms.Key;

  constructor(scope: Construct, id: string, props: BffStorageProps = {}) {
    super(scope, id);
    const { maxReadUnits = 4_000, maxWriteUnits = 2_000 } = props;

    this.encryptionKey = new kms.Key(this, 'EncryptionKey', {
      description: 'CIS2 BFF: sessions at rest',
      enableKeyRotation: true,
    });
    this.sessions = new dynamodb.Table(this, 'Sessions', {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
      timeToLiveAttribute: 'ttl',
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      maxReadRequestUnits: maxReadUnits,
      maxWriteRequestUnits: maxWriteUnits,
      encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: this.encryptionKey,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: false },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    Validations.of(this.sessions).acknowledge({
      id: 'AwsSolutions-DDB3',
      reason:
        'A restore would bring ended sessions back to life and widen where personal data lies. Recovery is an empty ' +
        'table: everybody signs in again.',
    });

    // The keys in it are published to the world, so DynamoDB's own encryption is enough, and the function that serves
    // them needs no right to any encryption key.
    this.publishedKeys = new dynamodb.Table(this, 'PublishedKeys', {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      maxReadRequestUnits: maxReadUnits,
      maxWriteRequestUnits: maxWriteUnits,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  /**
   * What a function must be allowed to use the sessions table so.
   * Whoever could delete a spent sign-in attempt could use its code twice, so nobody may; no index can be deleted either,
   * with the end marks of a logout in it. Here IAM tells items apart, and not what is written to them: that what has ended
   * stays so is up to the conditions of each write.
   */
  sessionStatements(uses: SessionUses): iam.PolicyStatement[] {
    return [
      ...Object.entries(uses).map(
        ([action, items]) =>
          new iam.PolicyStatement({
            sid: `Sessions${action}`,
            actions: [`dynamodb:${action}`],
            resources: [this.sessions.tableArn],
            conditions: {
              'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': items },
              // Of no key at all the condition above would hold.
              Null: { 'dynamodb:LeadingKeys': 'false' },
            },
          }),
      ),
      new iam.PolicyStatement({
        sid: 'SessionsAtRest',
        actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'],
        resources: [this.encryptionKey.keyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': `dynamodb.${Stack.of(this).region}.amazonaws.com` },
        },
      }),
    ];
  }

  /**
   * What a function must be allowed to use the published keys with these actions.
   *
   * @param actions - names of DynamoDB actions, such as `GetItem`
   */
  publishedKeyStatements(...actions: readonly string[]): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        sid: 'PublishedKeys',
        actions: actions.map((action) => `dynamodb:${action}`),
        resources: [this.publishedKeys.tableArn],
      }),
    ];
  }
}
