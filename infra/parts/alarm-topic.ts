import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

/** `critical` wakes somebody; `warning` is for the next working day. */
export type Severity = 'critical' | 'warning';

/** Where alarms are sent, encrypted, for CloudWatch of this account alone to write to. */
export class AlarmTopics extends Construct {
  private readonly encryptionKey: kms.Key;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const encryptionKey = new kms.Key(this, 'EncryptionKey', {
      description: 'CIS2 BFF: alarms at rest',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    Validations.of(encryptionKey).acknowledge({
      id: 'Cis2Bff-Retained',
      reason:
        'Nothing is stored under it: it encrypts messages on their way through the topic, which goes with it.',
    });
    encryptionKey.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [cloudWatch],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
        conditions: ofThisAccount(this),
      }),
    );
    this.encryptionKey = encryptionKey;
  }

  /** @param email - an address that alarms are sent to, once it has agreed */
  add(severity: Severity, email?: string): sns.Topic {
    const topic = new sns.Topic(this, severity === 'critical' ? 'Topic' : 'Warnings', {
      displayName: `CIS2 BFF ${severity} ${Stack.of(this).stackName}`,
      masterKey: this.encryptionKey,
      enforceSSL: true,
    });
    topic.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'Alarms',
        principals: [cloudWatch],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: ofThisAccount(this),
      }),
    );
    if (email !== undefined) topic.addSubscription(new EmailSubscription(email));
    return topic;
  }
}

const cloudWatch = new iam.ServicePrincipal('cloudwatch.amazonaws.com');
const ofThisAccount = (scope: Construct): Record<string, Record<string, string>> => ({
  StringEquals: { 'aws:SourceAccount': Stack.of(scope).account },
});
