/** Environments of pull requests: made for a while, and nothing of them stays. */
import { Aspects, RemovalPolicies, Validations, type Stack } from 'aws-cdk-lib';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { CfnKey } from 'aws-cdk-lib/aws-kms';
import { CfnLogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { environments, type Environment } from './environments.ts';
import { DeploymentRefused } from './parts/settings.ts';
import { statefulTypes } from './rules.ts';

/** Whether a name is that of a pull request's environment. */
export const isPullRequest = (name: unknown): name is string =>
  typeof name === 'string' && /^pr-[1-9]\d{0,8}$/.test(name);

/** What `-c NAME=VALUE` says of a pull request's environment, and of no other. */
export const pullRequestContext = ['baseUrl', 'issuer', 'clientId'] as const;

/**
 * The entry of a pull request's environment: `dev`, in its account, with an address and a provider of its own.
 *
 * @param given - what `-c NAME=VALUE` says
 * @throws DeploymentRefused without an address or a provider
 */
export function pullRequestEnvironment(
  name: string,
  given: Readonly<Partial<Record<(typeof pullRequestContext)[number], string>>>,
): Environment {
  const { dev } = environments;
  if (dev === undefined) throw new DeploymentRefused([`${name} is made like dev, and there is no dev`]);
  const { baseUrl, issuer, clientId = dev.clientId } = given;
  if (baseUrl === undefined || issuer === undefined) {
    throw new DeploymentRefused([
      ...(baseUrl === undefined
        ? [
            `${name}: -c baseUrl=URL is missing: the output DistributionDomain, or before there is one https://first.cloudfront.net`,
          ]
        : []),
      ...(issuer === undefined ? [`${name}: -c issuer=URL is missing: the provider to sign in with`] : []),
    ]);
  }
  return {
    ...dev,
    production: false,
    ephemeral: true,
    baseUrl,
    issuer,
    clientId,
    hostedZone: undefined,
    certificateArn: undefined,
    origin: undefined,
    alarmEmail: undefined,
    warningEmail: undefined,
    runbookUrl: undefined,
    webAclArn: undefined,
    firewall: undefined,
    withoutWebAcl: 'It is for one pull request, without data of real people, and goes with it.',
    // Alarms on the release before would only be in the way of the next.
    rollout: 'all-at-once',
  };
}

/** Has everything in a stack go when the stack goes. */
export function makeEphemeral(stack: Stack): void {
  RemovalPolicies.of(stack).destroy({ applyToResourceTypes: [...statefulTypes, 'AWS::Lambda::Version'] });
  Aspects.of(stack).add({
    visit: (node) => {
      if (node instanceof CfnTable) node.deletionProtectionEnabled = false;
      if (node instanceof CfnKey) node.pendingWindowInDays = 7;
      if (node instanceof CfnLogGroup) {
        node.deletionProtectionEnabled = false;
        node.retentionInDays = RetentionDays.ONE_WEEK;
      }
    },
  });
  const reason = 'The environment is for one pull request, without data of real people, and goes with it.';
  Validations.of(stack).acknowledge({ id: 'Cis2Bff-Retained', reason }, { id: 'Cis2Bff-AuditTrail', reason });
}
