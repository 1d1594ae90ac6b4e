import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

/** Where alarms are sent, encrypted, for CloudWatch of this account alone to write to. */
export class AlarmTopic extends Construct {
  readonly topic: sns.Topic;

  /** @param email - an address that alarms are sent to, once it has agreed */
  constructor(scope: Construct, id: string, email?: string) {
    super(scope, id);
    const { account } = Stack.of(this);
    const cloudWatch = new iam.ServicePrincipal('cloudwatch.amazonaws.com');
    const ofThisAccount = { StringEquals: { 'aws:SourceAccount': account } };
    const encryptionKey = new kms.Key(this, 'EncryptionKey', {
      description: 'CIS2 BFF: alarms at rest',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    Validations.of(encryptionKey).acknowledge({
      id: 'Cis2Bff-Kept',
      reason:
        'Nothing is stored under it: it encrypts messages on their way through the topic, which goes with it.',
    });
    encryptionKey.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [cloudWatch],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
        conditions: ofThisAccount,
      }),
    );
    this.topic = new sns.Topic(this, 'Topic', {
      displayName: `CIS2 BFF ${Stack.of(this).stackName}`,
      masterKey: encryptionKey,
      enforceSSL: true,
    });
    this.topic.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'Alarms',
        principals: [cloudWatch],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: ofThisAccount,
      }),
    );
    if (email !== undefined) this.topic.addSubscription(new EmailSubscription(email));
  }
}
