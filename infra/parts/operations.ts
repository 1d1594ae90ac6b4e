import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

export interface BffLogsProps {
  /**
   * How long every log is kept.
   * @default logs.RetentionDays.ONE_YEAR
   */
  readonly logRetention?: logs.RetentionDays;
}

/** The logs, all encrypted under one key of their own. */
export class BffLogs extends Construct {
  readonly encryptionKey: kms.Key;
  private readonly retention: logs.RetentionDays;

  constructor(scope: Construct, id: string, props: BffLogsProps = {}) {
    super(scope, id);
    this.retention = props.logRetention ?? logs.RetentionDays.ONE_YEAR;
    this.encryptionKey = new kms.Key(this, 'EncryptionKey', {
      description: 'CIS2 BFF: logs at rest',
      enableKeyRotation: true,
    });
    const { account, region, partition } = Stack.of(this);
    this.encryptionKey.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal(`logs.${region}.amazonaws.com`)],
        actions: ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
        resources: ['*'],
        conditions: {
          ArnLike: {
            'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*`,
          },
        },
      }),
    );
  }

  /** A log group of this set. */
  group(scope: Construct, id: string): logs.LogGroup {
    return new logs.LogGroup(scope, id, { retention: this.retention, encryptionKey: this.encryptionKey });
  }
}
