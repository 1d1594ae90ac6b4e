import { Aws, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

export interface KeysReaderProps {
  /** Shows the state of the keys. */
  readonly status: lambda.Function;
  /** What the installation is made of. */
  readonly parts: readonly Construct[];
}

/**
 * The role of operators who may read the state of the keys and not change them: it can find the installation and ask for the state of
 * its keys. Whoever the account's own policies let assume it, can.
 */
export class KeysReader extends Construct {
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, { status, parts }: KeysReaderProps) {
    super(scope, id);
    const names = [...new Set(parts.map((part) => Stack.of(part).stackName))];
    const arn = (name: string, partition: string, region: string, account: string): string =>
      `arn:${partition}:cloudformation:${region}:${account}:stack/${name}/*`;
    this.role = new iam.Role(this, 'Role', {
      assumedBy: new iam.AccountRootPrincipal(),
      inlinePolicies: {
        'keys-reader': new iam.PolicyDocument({
          statements: [
            new iam.PolicyStatement({
              sid: 'KeysStatus',
              actions: ['lambda:InvokeFunction'],
              resources: [status.functionArn],
            }),
            new iam.PolicyStatement({
              sid: 'Installation',
              actions: ['cloudformation:DescribeStacks'],
              resources: names.map((name) => arn(name, Aws.PARTITION, Aws.REGION, Aws.ACCOUNT_ID)),
            }),
          ],
        }),
      },
    });
    for (const name of names) {
      Validations.of(this.role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${arn(name, '<AWS::Partition>', '<AWS::Region>', '<AWS::AccountId>')}]`,
        reason:
          'A stack is described by its name; what follows it in the ARN is an id that CloudFormation makes up.',
      });
    }
  }
}
