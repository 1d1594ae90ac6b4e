import { Construct } from 'constructs';
import { configMembers } from '../../manifest/bff-config.ts';
import type { BffConfig } from '../../manifest/index.ts';
import { didYouMean } from '../../manifest/nearest.ts';
import { isText, mustBe } from '../../manifest/problems.ts';
import { eventFunctionSettings, functionSettings } from '../../lambdas/settings/index.ts';
import type { Cis2BffProps } from '../cis2-bff.ts';

type Check = readonly [allowed: string, isAllowed: (value: unknown) => boolean];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const construct = (example: string): Check => [
  `a construct, such as ${example} gives`,
  (value) => Construct.isConstruct(value),
];
const truth: Check = ['true or false', (value) => typeof value === 'boolean'];
const number: Check = ['a number', (value) => Number.isFinite(value)];
/** An empty one is not the same as none: a web ACL without a name would be no firewall. */
const text: Check = ['text', isText];
const duration: Check = [
  'a Duration',
  (value) => isObject(value) && typeof value['toSeconds'] === 'function',
];
const functionNames = Object.keys({ ...functionSettings, ...eventFunctionSettings });

/** The other properties have a rule as a setting of the functions. */
const byItsSetting: Check = ['', () => true];

/** Every property that is not a member of `bff.config`: the compiler refuses a list that is not whole. */
const checks: Readonly<Record<Exclude<keyof Cis2BffProps, keyof BffConfig>, Check>> = {
  acr: byItsSetting,
  alarmEmail: text,
  alarmTopic: construct('new sns.Topic'),
  apiPlatformCredentials: construct('new ApiPlatformCredentials'),
  apiPlatformKeys: byItsSetting,
  apiPlatformKeyStore: construct('new SigningKeyStore'),
  apiPlatformTokenUrl: byItsSetting,
  baseUrl: byItsSetting,
  bundles: text,
  certificate: construct('Certificate.fromCertificateArn'),
  clientId: byItsSetting,
  distribution: construct('new cloudfront.Distribution'),
  edgeSecret: construct('new EdgeSecret'),
  edgeSecretDeployment: byItsSetting,
  endSessionUrl: byItsSetting,
  freshness: byItsSetting,
  hostedZone: construct('HostedZone.fromLookup'),
  issuer: byItsSetting,
  keyCacheSeconds: byItsSetting,
  keyCustody: byItsSetting,
  keyLeadTime: duration,
  keyRingName: byItsSetting,
  keysRemainInKms: truth,
  logLevel: byItsSetting,
  logRetention: number,
  minimumAal: byItsSetting,
  minimumIal: byItsSetting,
  operatorPrincipals: [
    'an object: readOnly or operator to a principal',
    (value) =>
      isObject(value) &&
      Object.entries(value).every(
        ([name, principal]) =>
          ['readOnly', 'operator'].includes(name) &&
          (principal === undefined || (isObject(principal) && 'policyFragment' in principal)),
      ),
  ],
  originDomain: [
    'an object with domainName and certificate',
    (value) => isObject(value) && isText(value['domainName']) && Construct.isConstruct(value['certificate']),
  ],
  production: truth,
  requestBurst: number,
  requestsPerSecond: number,
  reservedConcurrency: [
    `"none" or an object: number by function, of ${functionNames.join(', ')}`,
    (value) =>
      value === 'none' ||
      (isObject(value) && Object.keys(value).every((name) => functionNames.includes(name))),
  ],
  rollout: ['"canary" or "all-at-once"', (value) => value === 'canary' || value === 'all-at-once'],
  rotationPeriod: duration,
  runbookUrl: text,
  signingKeyBits: byItsSetting,
  signingKeys: construct('new SigningKeyStore'),
  spaBucket: construct('new s3.Bucket'),
  storage: construct('new BffStorage'),
  upstreamUrls: byItsSetting,
  warmUp: truth,
  warningEmail: text,
  warningTopic: construct('new sns.Topic'),
  webAclArn: text,
  // Empty, it is refused for the reason that it does not give.
  withoutWebAcl: ['text', (value) => typeof value === 'string'],
};
const known: readonly string[] = [...Object.keys(checks), ...configMembers];

/**
 * What Node.js lets through, which runs a CDK app in TypeScript without checking its types: a misspelt policy must not quietly be
 * none.
 *
 * @returns a problem for each property that there is not, or that is of another type
 */
export const propProblems = (props: Cis2BffProps): readonly string[] =>
  Object.entries(props).flatMap(([name, value]: [string, unknown]) => {
    if (!known.includes(name)) return [`there is no property ${name}${didYouMean(name, known)}`];
    const [allowed, isAllowed] =
      (checks as Readonly<Record<string, Check | undefined>>)[name] ?? byItsSetting;
    return value === undefined || isAllowed(value) ? [] : [mustBe(name, allowed, value)];
  });
