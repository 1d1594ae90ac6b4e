import { CfnOutput, Fn, Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type { Construct } from 'constructs';
import bff from '../bff.config.ts';
import { Cis2Bff } from './cis2-bff.ts';
import type { Environment } from './environments.ts';
import { ApiPlatformCredentials, apiPlatformTokenUrls } from './parts/api-platform.ts';
import { SigningKeyStore } from './parts/keys.ts';
import { DeploymentRefused } from './parts/settings.ts';
import { BffStorage } from './parts/storage.ts';

/** Health data stays in London. */
const region = 'eu-west-2';

export interface EnvironmentStacks {
  readonly stateful: Stack;
  readonly stateless: Stack;
}

/**
 * Adds the two stacks of an environment: what must never be lost, and everything that can be made again.
 *
 * @param name - the environment's name, which its stacks carry
 * @param environment - its entry
 * @param bundles - directory of the bundled functions
 * @throws DeploymentRefused when the entry breaks a rule; its message names the environment
 */
export function addEnvironment(
  scope: Construct,
  name: string,
  environment: Environment,
  bundles?: string,
): EnvironmentStacks {
  const { production, certificateArn, maxReadUnits, maxWriteUnits, ...bffProps } = environment;
  const common = { env: { region }, tags: { Service: 'cis2-bff', Environment: name } };

  const stateful = new Stack(scope, `cis2-bff-${name}-stateful`, {
    ...common,
    description: `CIS2 BFF, ${name}: sessions, signing keys and credentials`,
    terminationProtection: production,
  });
  const storage = new BffStorage(stateful, 'Storage', { maxReadUnits, maxWriteUnits });
  const signingKeys = new SigningKeyStore(stateful, 'SigningKeys');
  const apiPlatformKeyStore =
    environment.apiPlatformKeys === 'own'
      ? new SigningKeyStore(stateful, 'ApiPlatformKeys', { purpose: 'api-platform' })
      : undefined;
  const apiPlatformCredentials = new ApiPlatformCredentials(stateful, 'ApiPlatformCredentials');
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
        production,
        storage,
        signingKeys,
        ...(apiPlatformKeyStore === undefined ? {} : { apiPlatformKeyStore }),
        apiPlatformCredentials,
        keyRingName: `cis2-bff-${name}`,
        bundles,
        ...(certificateArn === undefined
          ? {}
          : { certificate: acm.Certificate.fromCertificateArn(stateless, 'Certificate', certificateArn) }),
      }),
  );
  new CfnOutput(stateless, 'DistributionDomain', { value: deployed.distribution.distributionDomainName });
  new CfnOutput(stateless, 'DistributionId', { value: deployed.distribution.distributionId });
  new CfnOutput(stateless, 'SpaBucket', { value: deployed.spaBucket.bucketName });
  new CfnOutput(stateless, 'ApiEndpoint', { value: deployed.api.apiEndpoint });
  new CfnOutput(stateless, 'JwksUrl', { value: deployed.jwksUrl });
  new CfnOutput(stateless, 'RotateSigningKeysFunction', {
    value: deployed.functions.get('rotate-signing-keys').functionName,
  });

  new CfnOutput(stateless, 'KeysStatusFunction', {
    value: deployed.functions.get('keys-status').functionName,
  });
  new CfnOutput(stateless, 'OperatorSessionsFunction', {
    value: deployed.functions.get('operator-sessions').functionName,
  });
  new CfnOutput(stateless, 'FunctionLogGroups', {
    value: Fn.join(
      ',',
      deployed.functions.all.map(({ logGroup }) => logGroup.logGroupName),
    ),
  });
  new CfnOutput(stateless, 'Issuer', { value: environment.issuer });
  new CfnOutput(stateless, 'ApiPlatformTokenUrl', {
    value: environment.apiPlatformTokenUrl ?? apiPlatformTokenUrls[production ? 'live' : 'integration'],
  });
  new CfnOutput(stateless, 'ClientId', { value: environment.clientId });
  new CfnOutput(stateless, 'KeysReaderRoleArn', { value: deployed.keysReader.roleArn });

  return { stateful, stateless };
}

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
