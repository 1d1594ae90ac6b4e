import { Construct } from 'constructs';
import { configMembers } from '../../manifest/bff-config.ts';
import type { BffConfig } from '../../manifest/index.ts';
import { didYouMean } from '../../manifest/nearest.ts';
import { isText, mustBe } from '../../manifest/problems.ts';
import { isObject } from '../../lambdas/common/json.ts';
import { eventFunctionSettings, functionSettings } from '../../lambdas/settings/index.ts';
import type { Cis2BffProps } from '../cis2-bff.ts';
import type { EdgeAlarmsProps } from './edge-alarms.ts';
import type { EdgeSecretProps } from './edge-secret.ts';
import type { FirewallProps } from './firewall.ts';
import type { OriginDomain } from './http-api.ts';
import type { OperatorPrincipals } from './operator-roles.ts';
import { DeploymentRefused, propertyOfSetting } from './settings.ts';
import type { SigningKeyStoreProps } from './signing-key-store.ts';
import type { BffStorageProps } from './storage.ts';

/** The problems of a property's value. */
type Check = (name: string, value: unknown) => readonly string[];
/** One check for each property: the compiler refuses a list that is not whole. */
export type Checks<Props> = Readonly<Record<keyof Props, Check>>;

const optional =
  (allowed: string, isAllowed: (value: unknown) => boolean): Check =>
  (name, value) =>
    value === undefined || isAllowed(value) ? [] : [mustBe(name, allowed, value)];

export const required =
  (check: Check): Check =>
  (name, value) =>
    value === undefined ? [`${name} is missing`] : check(name, value);

/** An object with these members and no others. */
export const objectOf =
  <Props>(checks: Checks<Props>): Check =>
  (name, value) => {
    if (value === undefined) return [];
    return isObject(value)
      ? memberProblems(checks, value, `${name}.`)
      : [mustBe(name, `an object with ${Object.keys(checks).join(', ')}`, value)];
  };

const construct = (example: string): Check =>
  optional(`a construct, such as ${example} gives`, (value) => Construct.isConstruct(value));
export const trueOrFalse = optional('true or false', (value) => typeof value === 'boolean');
const number = optional('a number', (value) => Number.isFinite(value));
const positiveNumber = optional(
  'a whole number from 1',
  (value) => Number.isSafeInteger(value) && (value as number) >= 1,
);
/** An empty one is not the same as none: a web ACL without a name would be no firewall. */
export const text = optional('text', isText);
const duration = optional(
  'a Duration',
  (value) => isObject(value) && typeof value['toSeconds'] === 'function',
);
const principal = optional('a principal', (value) => isObject(value) && 'policyFragment' in value);
const functionNames = Object.keys({ ...functionSettings, ...eventFunctionSettings });

/** Members of `bff.config`, and properties that are a setting of the functions: both have rules of their own. */
type CheckedElsewhere = BffConfig &
  Record<(typeof propertyOfSetting)[keyof typeof propertyOfSetting], unknown>;
const checkedElsewhere = Object.fromEntries(
  [...configMembers, ...Object.values(propertyOfSetting)].map((name) => [name, () => []]),
) as unknown as Checks<CheckedElsewhere>;

export const firewallChecks: Checks<FirewallProps> = {
  logRetention: number,
  logoutsPerAddress: positiveNumber,
  managedRules: optional('"count" or "block"', (value) => value === 'count' || value === 'block'),
  requestsPerAddress: positiveNumber,
  signInsPerAddress: positiveNumber,
};

export const edgeAlarmsChecks: Checks<EdgeAlarmsProps> = {
  alarmEmail: text,
  distributionId: required(text),
  firewall: construct('new Firewall'),
  runbookUrl: text,
  warningEmail: text,
};

export const edgeSecretChecks: Checks<EdgeSecretProps> = { deployment: positiveNumber };

export const signingKeyStoreChecks: Checks<SigningKeyStoreProps> = {
  purpose: optional('"cis2" or "api-platform"', (value) => value === 'cis2' || value === 'api-platform'),
};

export const storageChecks: Checks<BffStorageProps> = {
  maxReadUnits: positiveNumber,
  maxWriteUnits: positiveNumber,
  sessionEvents: trueOrFalse,
};

const originDomainChecks: Checks<OriginDomain> = {
  domainName: required(text),
  certificate: required(construct('Certificate.fromCertificateArn')),
  hostedZone: construct('HostedZone.fromLookup'),
};

const operatorPrincipalsChecks: Checks<OperatorPrincipals> = { readOnly: principal, operator: principal };

export const propChecks: Checks<Cis2BffProps> = {
  ...checkedElsewhere,
  alarmEmail: text,
  alarmTopic: construct('new sns.Topic'),
  apiPlatformCredentials: construct('new ApiPlatformCredentials'),
  apiPlatformKeyStore: construct('new SigningKeyStore'),
  bundles: text,
  certificate: construct('Certificate.fromCertificateArn'),
  distribution: construct('new cloudfront.Distribution'),
  edgeSecret: construct('new EdgeSecret'),
  edgeSecretDeployment: positiveNumber,
  hostedZone: construct('HostedZone.fromLookup'),
  keyLeadTime: duration,
  keysRemainInKms: trueOrFalse,
  logRetention: number,
  operatorPrincipals: objectOf(operatorPrincipalsChecks),
  originDomain: objectOf(originDomainChecks),
  production: trueOrFalse,
  requestBurst: number,
  requestsPerSecond: number,
  reservedConcurrency: optional(
    `"none" or an object: number by function, of ${functionNames.join(', ')}`,
    (value) =>
      value === 'none' ||
      (isObject(value) && Object.keys(value).every((name) => functionNames.includes(name))),
  ),
  rollout: optional('"canary" or "all-at-once"', (value) => value === 'canary' || value === 'all-at-once'),
  rotationPeriod: duration,
  runbookUrl: text,
  signingKeys: construct('new SigningKeyStore'),
  spaBucket: construct('new s3.Bucket'),
  storage: construct('new BffStorage'),
  warmUp: trueOrFalse,
  warningEmail: text,
  warningTopic: construct('new sns.Topic'),
  webAclArn: text,
  // Empty, it is refused for the reason that it does not give.
  withoutWebAcl: optional('text', (value) => typeof value === 'string'),
};

/**
 * What Node.js lets through, which runs a CDK app in TypeScript without checking its types: a misspelt policy must not quietly be
 * none.
 *
 * @returns a problem for each property that there is not, that is missing, or that is of another type
 */
export function memberProblems<Props>(checks: Checks<Props>, props: object, prefix = ''): readonly string[] {
  const known = Object.keys(checks);
  const unknown = Object.keys(props).filter((name) => !known.includes(name));
  return [
    ...unknown.map((name) => `there is no property ${prefix}${name}${didYouMean(name, known)}`),
    ...Object.entries<Check>(checks).flatMap(([name, check]) =>
      check(prefix + name, (props as Readonly<Record<string, unknown>>)[name]),
    ),
  ];
}

/** @throws DeploymentRefused naming each problem of the properties of a construct */
export function refuseProblems<Props extends object>(checks: Checks<Props>, props: Props): void {
  const problems = memberProblems(checks, props);
  if (problems.length > 0) throw new DeploymentRefused(problems);
}
