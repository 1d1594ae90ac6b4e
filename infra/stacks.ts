import { Aws, CfnOutput, Fn, Stack, Validations } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as route53 from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import bff from '../bff.config.ts';
import { Cis2Bff } from './cis2-bff.ts';
import { refuseUndeployable } from './environment-checks.ts';
import { makeEphemeral } from './ephemeral.ts';
import { exampleAccount, type Environment } from './environments.ts';
import { ApiPlatformCredentials } from './parts/api-platform.ts';
import { EdgeAlarms } from './parts/edge-alarms.ts';
import { EdgeSecret } from './parts/edge-secret.ts';
import { edgeRegion, Firewall } from './parts/firewall.ts';
import { SigningKeyStore } from './parts/signing-key-store.ts';
import { DeploymentRefused } from './parts/settings.ts';
import { BffStorage } from './parts/storage.ts';
import { allow } from './parts/statements.ts';
import { hostOf } from './parts/web-edge.ts';
import { UndeployableSynthesizer } from './parts/undeployable.ts';

/** Health data stays in London. */
const region = 'eu-west-2';
const webAclOutput = 'WebAclArn';
const certificateOutput = 'CertificateArn';
const distributionOutput = 'DistributionId';

export interface EnvironmentStacks {
  readonly stateful: Stack;
  readonly stateless: Stack;
  /** The firewall and the certificate of the base URL's host, where one of them is made. */
  readonly edge: Stack | undefined;
  /** The alarms of what is measured where the firewall stands; none in an environment of a pull request. */
  readonly edgeAlarms: Stack | undefined;
}

/**
 * Adds the stacks of an environment: what must never be lost, everything that can be made again, and the firewall, the
 * certificate and the alarms of the edge, which have to stand in another region.
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
  const { production, ephemeral = false, account, hostedZone, certificateArn, origin, ...more } = environment;
  const { firewall, maxReadUnits, maxWriteUnits, ...others } = more;
  // Where it is deployed an environment says it, and not the app: two of its stacks need to know.
  const { sessionEvents = false, edgeSecretDeployment, ...bffProps } = others;
  refuseUndeployable(name, environment, region);
  const why =
    refusal ?? (account === exampleAccount ? 'put-your-own-account-into-infra-environments' : undefined);
  const common = {
    env: { account, region },
    tags: { Service: 'cis2-bff', Environment: name },
    terminationProtection: !ephemeral,
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
  const edgeSecret = new EdgeSecret(stateful, 'EdgeSecret', { deployment: edgeSecretDeployment });
  addNamedOutputs(stateful, {
    EdgeSecretArn: edgeSecret.secret.secretArn,
    SessionTable: storage.sessions.tableName,
    PublishedKeysTable: storage.publishedKeys.tableName,
    IdentifierKeySecretArn: storage.identifierKeySecret.secretArn,
    SigningKeysSecretArn: signingKeys.secret.secretArn,
    ApiPlatformKeysSecretArn: apiPlatformKeyStore?.secret.secretArn,
    ApiPlatformCredentialsSecretArn: apiPlatformCredentials.secret.secretArn,
  });

  const hasFirewall = environment.webAclArn === undefined && environment.withoutWebAcl === undefined;
  const makesCertificate = hostedZone !== undefined && certificateArn === undefined;
  const edge =
    hasFirewall || makesCertificate
      ? new Stack(scope, `cis2-bff-${name}-edge`, {
          ...common,
          env: { account, region: edgeRegion },
          description: `CIS2 BFF, ${name}: ${[...(hasFirewall ? ['firewall'] : []), ...(makesCertificate ? ['certificate'] : [])].join(' and ')}`,
        })
      : undefined;
  const madeFirewall =
    edge && hasFirewall
      ? new Firewall(edge, 'Firewall', { logRetention: environment.logRetention, ...firewall })
      : undefined;
  if (edge !== undefined && madeFirewall !== undefined) {
    new CfnOutput(edge, webAclOutput, { value: madeFirewall.webAclArn });
  }
  if (edge !== undefined && makesCertificate) {
    const { certificateArn: value } = new acm.Certificate(edge, 'Certificate', {
      domainName: hostOf(environment.baseUrl),
      validation: acm.CertificateValidation.fromDns(zoneIn(edge, hostedZone)),
    });
    new CfnOutput(edge, certificateOutput, { value });
  }
  // Across regions there are no exports. Either ARN changes only with a name.
  const fromEdge = (output: string): string | undefined =>
    edge && Fn.getStackOutput(edge.stackName, output, edgeRegion);

  const stateless = new Stack(scope, `cis2-bff-${name}-stateless`, {
    ...common,
    description: `CIS2 BFF, ${name}: functions, API and web edge`,
  });
  const zone = hostedZone && zoneIn(stateless, hostedZone);
  const originName = origin?.domainName ?? (zone && `origin.${hostOf(environment.baseUrl)}`);
  const givenCertificate = makesCertificate ? fromEdge(certificateOutput) : certificateArn;
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
        ...(hasFirewall ? { webAclArn: fromEdge(webAclOutput) } : {}),
        hostedZone: zone,
        ...(originName === undefined
          ? {}
          : {
              originDomain: {
                domainName: originName,
                certificate: originCertificate(stateless, originName, origin?.certificateArn, zone),
                hostedZone: zone,
              },
            }),
        ...(givenCertificate === undefined
          ? {}
          : { certificate: acm.Certificate.fromCertificateArn(stateless, 'Certificate', givenCertificate) }),
      }),
  );
  // One installation a stack: its outputs need no longer names.
  for (const [output, made] of Object.entries(deployed.outputs)) made.overrideLogicalId(output);

  if (edge !== undefined) stateless.addStackDependency(edge);
  if (ephemeral) {
    for (const stack of [stateful, stateless, edge]) if (stack !== undefined) makeEphemeral(stack);
    return { stateful, stateless, edge, edgeAlarms: undefined };
  }
  const edgeAlarms = new Stack(scope, `cis2-bff-${name}-edge-alarms`, {
    ...common,
    env: { account, region: edgeRegion },
    description: `CIS2 BFF, ${name}: alarms of the edge and its firewall`,
  });
  const { topics } = new EdgeAlarms(edgeAlarms, 'EdgeAlarms', {
    runbookUrl: environment.runbookUrl,
    alarmEmail: environment.alarmEmail,
    warningEmail: environment.warningEmail,
    firewall: madeFirewall,
    distributionId: Fn.getStackOutput(stateless.stackName, distributionOutput, region),
  });
  const topicArns = { AlarmTopicArn: topics.critical.topicArn, WarningTopicArn: topics.warning.topicArn };
  addNamedOutputs(edgeAlarms, topicArns);
  addEdgeRights(edgeAlarms, stateless, Object.values(topicArns));
  edgeAlarms.addStackDependency(stateless);
  return { stateful, stateless, edge, edgeAlarms };
}

const addNamedOutputs = (stack: Stack, values: Readonly<Record<string, string | undefined>>): void => {
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) new CfnOutput(stack, name, { value });
  }
};

/** What `doctor` must be allowed in the edge's region, in the roles of operators: they are made before its topics are. */
const addEdgeRights = (edgeAlarms: Stack, stateless: Stack, topicArns: readonly string[]): void => {
  const stackArn = `arn:${Aws.PARTITION}:cloudformation:${edgeRegion}:${edgeAlarms.account}:stack/${edgeAlarms.stackName}/*`;
  const policy = new iam.Policy(edgeAlarms, 'OperatorsAtTheEdge', {
    roles: ['OperatorReadOnlyRoleArn', 'OperatorRoleArn'].map((output) =>
      iam.Role.fromRoleArn(edgeAlarms, output, Fn.getStackOutput(stateless.stackName, output, region)),
    ),
    statements: [
      allow('EdgeInstallation', ['cloudformation:DescribeStacks'], [stackArn]),
      allow('EdgeAlarmSubscriptions', ['sns:ListSubscriptionsByTopic'], topicArns),
    ],
  });
  Validations.of(policy).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${stackArn.replace(Aws.PARTITION, '<AWS::Partition>')}]`,
    reason:
      'A stack is described by its name; what follows it in the ARN is an id that CloudFormation makes up.',
  });
};

const zoneIn = (stack: Stack, { id, name }: { id: string; name: string }): route53.IHostedZone =>
  route53.HostedZone.fromHostedZoneAttributes(stack, 'HostedZone', { hostedZoneId: id, zoneName: name });

/** The origin's certificate: the one that is given, or one that is made by the zone. */
const originCertificate = (
  stack: Stack,
  domainName: string,
  arn: string | undefined,
  zone: route53.IHostedZone | undefined,
): acm.ICertificate =>
  arn === undefined
    ? new acm.Certificate(stack, 'OriginCertificate', {
        domainName,
        validation: acm.CertificateValidation.fromDns(zone),
      })
    : acm.Certificate.fromCertificateArn(stack, 'OriginCertificate', arn);

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
