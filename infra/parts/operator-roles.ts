import { Aws, Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { allow } from './statements.ts';
import type { BffFunctions } from './functions.ts';
import type { SigningKeyStore } from './signing-key-store.ts';

/** Who may assume the operators' roles. */
export interface OperatorPrincipals {
  /**
   * Who may read: keys status, trace and doctor.
   * @default - whoever the account's own policies let assume the role
   */
  readonly readOnly?: iam.IPrincipal;
  /**
   * Who may act as well: end sessions, and rotate, promote and import keys.
   * @default - whoever the account's own policies let assume the role
   */
  readonly operator?: iam.IPrincipal;
}

export interface OperatorRolesProps {
  readonly functions: BffFunctions;
  readonly stores: readonly SigningKeyStore[];
  /** Where the audit trail is stored. */
  readonly auditLogGroup: logs.ILogGroup;
  /** Where alarms are sent to. */
  readonly alarmTopics: readonly sns.ITopic[];
  /** What the installation is made of. */
  readonly parts: readonly Construct[];
  readonly principals: OperatorPrincipals | undefined;
}

/** What is wrong with who may assume the roles: everybody in the world may not. */
export const operatorProblems = (principals: OperatorPrincipals = {}): readonly string[] =>
  Object.entries(principals).flatMap(([name, principal]: [string, iam.IPrincipal | undefined]) => {
    const named = principal === undefined ? [] : Object.values(principal.policyFragment.principalJson).flat();
    return named.includes('*')
      ? [`operatorPrincipals.${name} is everybody: name who may assume the role`]
      : [];
  });

/**
 * The roles of operators, each with the rights of its commands and no others. One reads and can change nothing, the other acts: no
 * right to ask how things are is a right to change them.
 */
export class OperatorRoles extends Construct {
  /** Keys status, trace and doctor. */
  readonly readOnly: iam.Role;
  /** All commands. */
  readonly operator: iam.Role;

  constructor(scope: Construct, id: string, props: OperatorRolesProps) {
    super(scope, id);
    const { principals = {} } = props;
    const stackNames = [...new Set(props.parts.map((part) => Stack.of(part).stackName))];
    const reading = readingStatements(props, stackNames);
    this.readOnly = this.role('ReadOnly', principals.readOnly, reading, stackNames);
    this.operator = this.role(
      'Operator',
      principals.operator,
      [...reading, ...actingStatements(props)],
      stackNames,
    );
    Validations.of(this.operator).acknowledge({
      id: 'Cis2Bff-AliasTarget',
      reason:
        'Operators call the function that writes keys by its name, as Secrets Manager does: two versions must never write keys side ' +
        'by side. Others they call by the alias.',
    });
  }

  private role(
    id: string,
    principal: iam.IPrincipal | undefined,
    statements: readonly iam.PolicyStatement[],
    stackNames: readonly string[],
  ): iam.Role {
    const role = new iam.Role(this, id, {
      assumedBy: principal ?? new iam.AccountRootPrincipal(),
      inlinePolicies: { commands: new iam.PolicyDocument({ statements: [...statements] }) },
    });
    for (const name of stackNames) {
      Validations.of(role).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${stackArn(name, '<AWS::Partition>', '<AWS::Region>', '<AWS::AccountId>')}]`,
        reason:
          'A stack is described by its name; what follows it in the ARN is an id that CloudFormation makes up.',
      });
    }
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        'The result of a query under its id, which nobody can list with this role: the right is for all or none. The state of alarms ' +
        'by the beginning of their names, which AWS checks on every alarm of the account; composite ones want * besides.',
    });
    return role;
  }
}

const stackArn = (name: string, partition: string, region: string, account: string): string =>
  `arn:${partition}:cloudformation:${region}:${account}:stack/${name}/*`;

const readingStatements = (
  { functions, auditLogGroup, alarmTopics }: OperatorRolesProps,
  stackNames: readonly string[],
): readonly iam.PolicyStatement[] => [
  allow(
    'Installation',
    ['cloudformation:DescribeStacks'],
    stackNames.map((name) => stackArn(name, Aws.PARTITION, Aws.REGION, Aws.ACCOUNT_ID)),
  ),
  allow('KeysStatus', ['lambda:InvokeFunction'], [functions.live('keys-status').functionArn]),
  allow(
    'Logs',
    ['logs:StartQuery'],
    [...functions.logGroups().values(), auditLogGroup].map(({ logGroupArn }) => logGroupArn),
  ),
  allow('QueryResultsAndAlarms', ['logs:GetQueryResults', 'cloudwatch:DescribeAlarms'], ['*']),
  allow(
    'AlarmSubscriptions',
    ['sns:ListSubscriptionsByTopic'],
    [...new Set(alarmTopics.map(({ topicArn }) => topicArn))],
  ),
];

const actingStatements = ({ functions, stores }: OperatorRolesProps): readonly iam.PolicyStatement[] => [
  allow(
    'SessionsAndKeys',
    ['lambda:InvokeFunction'],
    // The function that writes keys has no gradual releases, and is called by its name.
    [functions.live('operator-sessions').functionArn, functions.get('rotate-signing-keys').functionArn],
  ),
  allow(
    'Rotate',
    ['secretsmanager:RotateSecret'],
    stores.map(({ secret }) => secret.secretArn),
    // The same call could have another function rotate the secret, which would be handed the keys, or change the schedule.
    {
      ArnEqualsIfExists: {
        'secretsmanager:RotationLambdaARN': functions.get('rotate-signing-keys').functionArn,
      },
      BoolIfExists: { 'secretsmanager:ModifyRotationRules': 'false' },
    },
  ),
];
