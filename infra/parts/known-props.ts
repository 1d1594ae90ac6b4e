import { configMembers, type BffConfig } from '../../manifest/index.ts';
import { nearest } from '../../manifest/nearest.ts';
import type { Cis2BffProps } from '../cis2-bff.ts';

/** Every property that is not a member of `bff.config`. The compiler refuses a list that is not whole. */
const ownProps: Readonly<Record<Exclude<keyof Cis2BffProps, keyof BffConfig>, true>> = {
  acr: true,
  alarmEmail: true,
  alarmTopic: true,
  apiPlatformCredentials: true,
  apiPlatformKeys: true,
  apiPlatformKeyStore: true,
  apiPlatformTokenUrl: true,
  baseUrl: true,
  bundles: true,
  certificate: true,
  clientId: true,
  distribution: true,
  edgeSecret: true,
  edgeSecretDeployment: true,
  endSessionUrl: true,
  freshness: true,
  hostedZone: true,
  issuer: true,
  keyCacheSeconds: true,
  keyCustody: true,
  keyLeadTime: true,
  keyRingName: true,
  keysRemainInKms: true,
  logLevel: true,
  logRetention: true,
  minimumAal: true,
  minimumIal: true,
  operatorPrincipals: true,
  originDomain: true,
  production: true,
  requestBurst: true,
  requestsPerSecond: true,
  reservedConcurrency: true,
  rollout: true,
  rotationPeriod: true,
  signingKeys: true,
  signingKeyBits: true,
  spaBucket: true,
  storage: true,
  upstreamUrls: true,
  warmUp: true,
  webAclArn: true,
  withoutWebAcl: true,
};
const knownProps: readonly string[] = [...Object.keys(ownProps), ...configMembers];

/**
 * A misspelt policy must not quietly be none: Node.js runs a CDK app in TypeScript without checking its types.
 *
 * @returns a problem for each property that there is not
 */
export const unknownProps = (props: Cis2BffProps): readonly string[] =>
  Object.keys(props)
    .filter((name) => !knownProps.includes(name))
    .map((name) => `there is no property ${name}: did you mean ${nearest(name, knownProps)}?`);
