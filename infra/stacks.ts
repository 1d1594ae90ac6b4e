import { CfnOutput, Fn, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type { Construct } from 'constructs';
import bff from '../bff.config.ts';
import { Cis2Bff } from './cis2-bff.ts';
import { exampleAccount, type Environment } from './environments.ts';
import { packagedRunbooks } from './parts/alarms.ts';
import { EdgeAlarms } from './parts/edge-alarms.ts';
import { ApiPlatformCredentials, apiPlatformTokenUrls } from './parts/api-platform.ts';
import { EdgeSecret } from './parts/edge-secret.ts';
import { Firewall } from './parts/firewall.ts';
import { SigningKeyStore } from './parts/signing-key-store.ts';
import { DeploymentRefused } from './parts/settings.ts';
import { BffStorage } from './parts/storage.ts';
import { unansweredHost } from './parts/web-edge.ts';
import { UndeployableSynthesizer } from './parts/undeployable.ts';

/** Health data stays in London. */
const region = 'eu-west-2';
/** CloudFront takes its firewall from there alone. No health data goes there. */
const edgeRegion = 'us-east-1';
const webAclOutput = 'WebAclArn';
const distributionOutput = 'DistributionId';

export interface EnvironmentStacks {
  readonly stateful: Stack;
  readonly stateless: Stack;
  /** The firewall, where one is made. */
  readonly edge: Stack | undefined;
  /** The alarms of what is measured where the firewall stands. */
  readonly edgeAlarms: Stack;
}

/**
 * Adds the stacks of an environment: what must never be lost, everything that can be made again, and the firewall and the alarms of
 * the edge, which have to stand in another region.
 *
 * @param name - the environment's name, which its stacks carry
 * @param environment - its entry
 * @param bundles - directory of the bundled functions
 * @param refusal - why the stacks may be looked at and not deployed, in words with hyphens between them
 * @throws DeploymentRefused when the entry breaks a rule; its message names the environment
 */
export function addEnvironment(
  scope: Construct,
  name: string,
  environment: Environment,
  bundles?: string,
  refusal?: string,
): EnvironmentStacks {
  const { production, account, certificateArn, origin, firewall, maxReadUnits, maxWriteUnits, ...others } =
    environment;
  // Where it is deployed an environment says it, and not the app: two of its stacks need to know.
  const { sessionEvents = false, ...bffProps } = others;
  refuseUndeployable(name, environment);
  const why =
    refusal ?? (account === exampleAccount ? 'put-your-own-account-into-infra-environments' : undefined);
  const common = {
    env: { account, region },
    tags: { Service: 'cis2-bff', Environment: name },
    terminationProtection: true,
    ...(why === undefined ? {} : { synthesizer: new UndeployableSynthesizer(why) }),
  };

  const stateful = new Stack(scope, `cis2-bff-${name}-stateful`, {
    ...common,
    description: `CIS2 BFF, ${name}: sessions, signing keys and credentials`,
  });
  const storage = new BffStorage(stateful, 'Storage', { maxReadUnits, maxWriteUnits, sessionEvents });
  const signingKeys = new SigningKeyStore(stateful, 'SigningKeys');
  const apiPlatformKeyStore =
    environment.apiPlatformKeys === 'own'
      ? new SigningKeyStore(stateful, 'ApiPlatformKeys', { purpose: 'api-platform' })
      : undefined;
  const apiPlatformCredentials = new ApiPlatformCredentials(stateful, 'ApiPlatformCredentials');
  const edgeSecret = new EdgeSecret(stateful, 'EdgeSecret', environment.edgeSecretDeployment);
  new CfnOutput(stateful, 'EdgeSecretArn', { value: edgeSecret.secret.secretArn });
  new CfnOutput(stateful, 'SessionTable', { value: storage.sessions.tableName });
  new CfnOutput(stateful, 'PublishedKeysTable', { value: storage.publishedKeys.tableName });
  new CfnOutput(stateful, 'IdentifierKeySecretArn', { value: storage.identifierKeySecret.secretArn });
  new CfnOutput(stateful, 'SigningKeysSecretArn', { value: signingKeys.secret.secretArn });
  if (apiPlatformKeyStore !== undefined) {
    new CfnOutput(stateful, 'ApiPlatformKeysSecretArn', { value: apiPlatformKeyStore.secret.secretArn });
  }
  new CfnOutput(stateful, 'ApiPlatformCredentialsSecretArn', {
    value: apiPlatformCredentials.secret.secretArn,
  });

  const edge =
    environment.webAclArn === undefined && environment.withoutWebAcl === undefined
      ? new Stack(scope, `cis2-bff-${name}-edge`, {
          ...common,
          env: { account, region: edgeRegion },
          description: `CIS2 BFF, ${name}: firewall`,
        })
      : undefined;
  const made =
    edge && new Firewall(edge, 'Firewall', { logRetention: environment.logRetention, ...firewall });
  if (edge !== undefined && made !== undefined) {
    new CfnOutput(edge, webAclOutput, { value: made.webAclArn });
  }

  const stateless = new Stack(scope, `cis2-bff-${name}-stateless`, {
    ...common,
    description: `CIS2 BFF, ${name}: functions, API and web edge`,
  });
  const deployed = withName(
    name,
    () =>
      new Cis2Bff(stateless, 'Bff', {
        ...bff,
        ...bffProps,
        sessionEvents,
        production,
        storage,
        signingKeys,
        ...(apiPlatformKeyStore === undefined ? {} : { apiPlatformKeyStore }),
        apiPlatformCredentials,
        edgeSecret,
        keyRingName: `cis2-bff-${name}`,
        bundles,
        // Across regions there are no exports. The ARN of a web ACL changes only with its name.
        ...(edge === undefined
          ? {}
          : { webAclArn: Fn.getStackOutput(edge.stackName, webAclOutput, edgeRegion) }),
        ...(origin === undefined
          ? {}
          : {
              originDomain: {
                domainName: origin.domainName,
                certificate: acm.Certificate.fromCertificateArn(
                  stateless,
                  'OriginCertificate',
                  origin.certificateArn,
                ),
              },
            }),
        ...(certificateArn === undefined
          ? {}
          : { certificate: acm.Certificate.fromCertificateArn(stateless, 'Certificate', certificateArn) }),
      }),
  );
  new CfnOutput(stateless, 'DistributionDomain', { value: deployed.distribution.distributionDomainName });
  new CfnOutput(stateless, distributionOutput, { value: deployed.distribution.distributionId });
  new CfnOutput(stateless, 'SpaBucket', { value: deployed.spaBucket.bucketName });
  new CfnOutput(stateless, 'JwksUrl', { value: deployed.jwksUrl });
  new CfnOutput(stateless, 'RotateSigningKeysFunction', {
    value: deployed.functions.get('rotate-signing-keys').functionName,
  });

  new CfnOutput(stateless, 'AlarmTopicArn', { value: deployed.alarmTopic.topicArn });
  new CfnOutput(stateless, 'WarningTopicArn', { value: deployed.warningTopic.topicArn });
  new CfnOutput(stateless, 'KeysStatusFunction', {
    value: deployed.functions.live('keys-status').functionArn,
  });
  new CfnOutput(stateless, 'OperatorSessionsFunction', {
    value: deployed.functions.live('operator-sessions').functionArn,
  });
  new CfnOutput(stateless, 'FunctionLogGroups', {
    value: Fn.join(
      ',',
      [...deployed.functions.logGroups().values()].map(({ logGroupName }) => logGroupName),
    ),
  });
  new CfnOutput(stateless, 'AuditLogGroup', { value: deployed.functions.auditLogGroup.logGroupName });
  new CfnOutput(stateless, 'Issuer', { value: environment.issuer });
  new CfnOutput(stateless, 'ApiPlatformTokenUrl', {
    value: environment.apiPlatformTokenUrl ?? apiPlatformTokenUrls[production ? 'live' : 'integration'],
  });
  new CfnOutput(stateless, 'ClientId', { value: environment.clientId });
  new CfnOutput(stateless, 'OperatorReadOnlyRoleArn', { value: deployed.operatorRoles.readOnly.roleArn });
  new CfnOutput(stateless, 'OperatorRoleArn', { value: deployed.operatorRoles.operator.roleArn });

  if (edge !== undefined) stateless.addStackDependency(edge);
  const edgeAlarms = new Stack(scope, `cis2-bff-${name}-edge-alarms`, {
    ...common,
    env: { account, region: edgeRegion },
    description: `CIS2 BFF, ${name}: alarms of the edge and its firewall`,
  });
  new EdgeAlarms(edgeAlarms, 'EdgeAlarms', {
    runbookUrl: environment.runbookUrl ?? packagedRunbooks,
    alarmEmail: environment.alarmEmail,
    warningEmail: environment.warningEmail,
    firewall: made,
    distributionId: Fn.getStackOutput(stateless.stackName, distributionOutput, region),
  });
  edgeAlarms.addStackDependency(stateless);
  if (deployed.origin !== undefined) {
    new CfnOutput(stateless, 'OriginTarget', { value: deployed.origin.regionalDomainName });
  }
  return { stateful, stateless, edge, edgeAlarms };
}

/** What stands in the examples and belongs to nobody, in the text of an entry. */
const examples = new RegExp(`\\bexample\\.nhs\\.uk\\b|${exampleAccount}|EXAMPLE`);

/**
 * What would fail late, or half way: a host that nothing answers on, and whatever is left of the example in an entry with an account
 * of its own, which is meant to be deployed.
 */
const refuseUndeployable = (name: string, environment: Environment): void => {
  const { account, ...entry } = environment;
  const problems = /^\d{12}$/.test(account)
    ? []
    : [`${name}: account must be the twelve digits of an AWS account, got ${JSON.stringify(account)}`];
  const unanswered = unansweredHost(environment.baseUrl, environment.certificateArn !== undefined);
  // Production is refused without a certificate in any case.
  if (unanswered !== undefined && !(environment.production && environment.certificateArn === undefined)) {
    problems.push(`${name}: ${unanswered}`);
  }
  if (account !== exampleAccount) {
    for (const [property, value] of Object.entries(entry)) {
      const found = examples.exec(JSON.stringify(value));
      if (found !== null) problems.push(`${name}: ${property} still has ${found[0]} of the example`);
    }
  }
  if (problems.length > 0) throw new DeploymentRefused(problems);
};

const withName = <T>(name: string, make: () => T): T => {
  try {
    return make();
  } catch (error) {
    if (error instanceof DeploymentRefused) {
      throw new DeploymentRefused(error.problems.map((problem) => `${name}: ${problem}`));
    }
    throw error;
  }
};
