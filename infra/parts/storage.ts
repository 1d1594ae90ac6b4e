import { Validations } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { allow, viaService } from './statements.ts';
import { BffLogs } from './logs.ts';
import { refuseProblems, storageChecks } from './prop-checks.ts';
import { retainOnUpdateOrDelete } from './removal.ts';
import { addGeneratedSecret, readingStatements, type EncryptedSecret } from './secrets.ts';

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
  /**
   * Whether the ends of sessions can be pushed to pages: the sessions table has a stream then.
   * @default false
   */
  readonly sessionEvents?: boolean;
}

/**
 * The items of the sessions table, by the patterns of their partition keys. `lambdas/session/items.ts` says what they are;
 * `warm-up` is the key of an item that is never there.
 */
export type SessionItems =
  'session#*' | 'user#*' | 'provider-session#*' | 'attempt#*' | 'logout-token#*' | 'warm-up';

/** The items of the published keys' table: the sets as they are served, and how each ring's last rotation ended. */
export type PublishedItems = 'jwks#*' | 'rotation#*';

/** DynamoDB action → the items that a function may use it on. */
export type ItemUses<Items extends string> = Readonly<
  Partial<
    Record<
      'BatchGetItem' | 'ConditionCheckItem' | 'DeleteItem' | 'GetItem' | 'PutItem' | 'Query' | 'UpdateItem',
      readonly Items[]
    >
  >
>;

/**
 * The tables: sessions, and the public halves of the signing keys. Beside them the secret with the key under which the
 * sessions table has users and CIS2's sessions, and the log group of the audit trail.
 * @stateful
 */
export class BffStorage extends Construct {
  readonly sessions: dynamodb.Table;
  readonly publishedKeys: dynamodb.Table;
  /** Encrypts the sessions table. */
  readonly encryptionKey: kms.Key;
  /** Where the audit trail is stored. */
  readonly auditLogGroup: logs.LogGroup;
  private readonly identifierKey: EncryptedSecret;

  /** @throws DeploymentRefused naming everything in `props` that breaks a rule */
  constructor(scope: Construct, id: string, props: BffStorageProps = {}) {
    super(scope, id);
    refuseProblems(storageChecks, props);
    const { maxReadUnits = 4_000, maxWriteUnits = 2_000, sessionEvents = false } = props;

    this.encryptionKey = new kms.Key(this, 'EncryptionKey', {
      description: 'CIS2 BFF: sessions at rest',
      enableKeyRotation: true,
      removalPolicy: retainOnUpdateOrDelete,
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
      ...(sessionEvents ? { stream: dynamodb.StreamViewType.NEW_IMAGE } : {}),
      deletionProtection: true,
      removalPolicy: retainOnUpdateOrDelete,
    });
    Validations.of(this.sessions).acknowledge({
      id: 'AwsSolutions-DDB3',
      reason:
        'A restore would bring ended sessions back to life and widen where personal data lies. Recovery is an empty ' +
        'table: everybody signs in again.',
    });

    this.identifierKey = addGeneratedSecret(
      new Construct(this, 'IdentifierKey'),
      'Secret',
      {
        secret: "the key under which the sessions table has users and CIS2's sessions",
        atRest: 'the key of the identifiers at rest',
        rotated:
          'With a new key no logout of CIS2’s finds a session from before: all are ended by an operator. It is replaced by hand ' +
          'when it may have leaked, as the operations guide says.',
      },
      { passwordLength: 64, excludePunctuation: true },
    );

    // The keys in it are published to the world, so DynamoDB's own encryption is enough, and the function that serves
    // them needs no right to any encryption key.
    this.publishedKeys = new dynamodb.Table(this, 'PublishedKeys', {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      maxReadRequestUnits: maxReadUnits,
      maxWriteRequestUnits: maxWriteUnits,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: retainOnUpdateOrDelete,
    });
    Validations.of(this.publishedKeys).acknowledge({
      id: 'Cis2Bff-TableEncryption',
      reason: 'The keys in it are published to the world: DynamoDB’s own encryption is enough.',
    });

    this.auditLogGroup = new BffLogs(this, 'AuditTrailKey').auditGroup(this, 'AuditTrail');
  }

  /** Holds the key under which the sessions table has users and CIS2's sessions. */
  get identifierKeySecret(): secretsmanager.Secret {
    return this.identifierKey.secret;
  }

  /** What a function must be allowed to find sessions by whose they are. */
  identifierKeyStatements(): iam.PolicyStatement[] {
    return readingStatements(this.identifierKey, 'IdentifierKey');
  }

  /**
   * What a function must be allowed to use the sessions table so.
   * Whoever could delete a spent sign-in attempt could use its code twice, so nobody may; no index can be deleted either,
   * with the end marks of a logout in it. Here IAM tells items apart, and not what is written to them: that what has ended
   * stays so is up to the conditions of each write.
   */
  sessionStatements(uses: ItemUses<SessionItems>): iam.PolicyStatement[] {
    return [
      ...itemStatements('Sessions', this.sessions, uses),
      allow(
        'SessionsAtRest',
        ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'],
        [this.encryptionKey.keyArn],
        viaService(this, 'dynamodb'),
      ),
    ];
  }

  /**
   * What a function must be allowed to find everybody's live sessions. A scan cannot be bound to items; it is bound to the
   * attributes that say whether a session lives.
   */
  sessionScanStatement(): iam.PolicyStatement {
    return allow('SessionsScan', ['dynamodb:Scan'], [this.sessions.tableArn], {
      'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['pk', 'sk', 'state', 'signedInAt'] },
      // Of no attribute at all the condition above would hold.
      Null: { 'dynamodb:Attributes': 'false' },
      StringEquals: { 'dynamodb:Select': 'SPECIFIC_ATTRIBUTES' },
    });
  }

  /** What a function must be allowed to be run with the stream of the sessions table. It may touch no item. */
  sessionStreamStatements(): iam.PolicyStatement[] {
    return [
      allow(
        'SessionsStream',
        [
          'dynamodb:DescribeStream',
          'dynamodb:GetRecords',
          'dynamodb:GetShardIterator',
          'dynamodb:ListStreams',
        ],
        [this.sessions.tableStreamArn ?? ''],
      ),
      allow(
        'SessionsStreamAtRest',
        ['kms:Decrypt'],
        [this.encryptionKey.keyArn],
        viaService(this, 'dynamodb'),
      ),
    ];
  }

  /** What a function must be allowed to use the published keys so. */
  publishedKeyStatements(uses: ItemUses<PublishedItems>): iam.PolicyStatement[] {
    return itemStatements('PublishedKeys', this.publishedKeys, uses);
  }
}

/** One statement an action, for the items that it may be used on. */
const itemStatements = (sid: string, table: dynamodb.Table, uses: ItemUses<string>): iam.PolicyStatement[] =>
  Object.entries(uses).map(([action, items]) =>
    allow(`${sid}${action}`, [`dynamodb:${action}`], [table.tableArn], {
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': items },
      // Of no key at all the condition above would hold.
      Null: { 'dynamodb:LeadingKeys': 'false' },
    }),
  );
