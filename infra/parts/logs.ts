import { Fn, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { nameInStack } from './names.ts';
import { retainOnUpdateOrDelete } from './removal.ts';

export interface BffLogsProps {
  /**
   * How long every log is kept but the audit trail, which is kept for a year.
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
      removalPolicy: retainOnUpdateOrDelete,
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
    return this.add(scope, id);
  }

  /**
   * A log group that another service of AWS writes to. Each service writes its groups into the account's resource policy for
   * logs, which has room for 5,120 characters; a name under this prefix is covered by one entry.
   */
  vendedGroup(scope: Construct, id: string, name: string): logs.LogGroup {
    return this.add(scope, id, {
      logGroupName: `/aws/vendedlogs/${nameInStack(scope)}/${name}/${uniqueIn(scope)}`,
    });
  }

  /** A log group that a web ACL writes to: AWS WAF takes no other names. */
  firewallGroup(scope: Construct, id: string): logs.LogGroup {
    return this.add(scope, id, {
      logGroupName: `aws-waf-logs-${Stack.of(scope).stackName}-${uniqueIn(scope)}`,
    });
  }

  /**
   * The log group of the audit trail: a year, however long other logs are kept. Nobody can delete it, or a stream in it, before they
   * have switched its protection off. It is made beside the tables, because a creation of its stack that fails cannot remove it.
   */
  auditGroup(scope: Construct, id: string): logs.LogGroup {
    return this.add(scope, id, { retention: logs.RetentionDays.ONE_YEAR, deletionProtectionEnabled: true });
  }

  private add(scope: Construct, id: string, more: logs.LogGroupProps = {}): logs.LogGroup {
    return new logs.LogGroup(scope, id, {
      retention: this.retention,
      encryptionKey: this.encryptionKey,
      removalPolicy: retainOnUpdateOrDelete,
      ...more,
    });
  }
}

/** The stack's own id: the group of a deleted stack stays, and must not be in the way of the next. */
const uniqueIn = (scope: Construct): string => Fn.select(2, Fn.split('/', Stack.of(scope).stackId));
