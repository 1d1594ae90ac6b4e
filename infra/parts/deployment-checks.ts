/** What is wrong with a deployment beyond the types of its properties and the rules of the settings, and what is worth knowing about it. */
import { Annotations, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { apiPlatformKeySetCacheSeconds } from '../../lambdas/key-set-cache.ts';
import { scopesRequirement, unneededScopes } from '../../lambdas/settings/index.ts';
import type { Cis2BffProps } from '../cis2-bff.ts';
import { certificateProblems, webAclProblems, type Place } from './arns.ts';
import { edgeRegion } from './firewall.ts';
import type { ReservedConcurrency } from './functions.ts';
import { defaultRotationPeriod } from './key-rotation.ts';
import { operatorProblems } from './operator-roles.ts';
import { defaultKeyLeadTime } from './settings.ts';
import { unansweredHost } from './web-edge.ts';

/**
 * Everything that is wrong, by the name of the property.
 *
 * @param place - where the API is deployed
 */
export const deploymentProblems = (
  props: Cis2BffProps,
  reservedConcurrency: ReservedConcurrency,
  place: Place,
): readonly string[] => [
  ...clientProblems(props),
  ...(props.distribution === undefined ? distributionProblems(props) : foreignDistributionProblems(props)),
  ...edgeSecretProblems(props),
  ...originProblems(props),
  ...arnProblems(props, place),
  ...concurrencyProblems(reservedConcurrency),
  ...alarmProblems(props),
  ...runbookProblems(props),
  ...keyProblems(props),
  ...operatorProblems(props.operatorPrincipals),
  ...eventProblems(props),
];

/** A placeholder of the documents has spaces, and no client id of CIS2's. */
const clientProblems = ({ clientId }: Cis2BffProps): readonly string[] =>
  typeof clientId === 'string' && /\s/.test(clientId.trim())
    ? [`clientId must be the client id from CIS2, without spaces, got ${JSON.stringify(clientId)}`]
    : [];

/** What belongs to a distribution that is made here, where the app brings its own. */
const foreignDistributionProblems = (props: Cis2BffProps): readonly string[] => [
  ...(['certificate', 'webAclArn', 'withoutWebAcl'] as const)
    .filter((name) => props[name] !== undefined)
    .map((name) => `${name} belongs to the distribution, and distribution is your own`),
  ...(['contentSecurityPolicy', 'permissionsPolicy'] as const)
    .filter((name) => props[name] !== undefined)
    .map((name) => `${name} is for documents of our distribution, and distribution is your own`),
];

/** What a distribution that is made here lacks. */
const distributionProblems = (props: Cis2BffProps): readonly string[] => {
  const { production = true, certificate, webAclArn, withoutWebAcl } = props;
  const problems: string[] = [];
  if (production && certificate === undefined) {
    problems.push(
      "certificate (in an environment: certificateArn or hostedZone) is missing: without it the base URL's host cannot reach the distribution",
    );
  }
  if (production && webAclArn === undefined && withoutWebAcl === undefined) {
    problems.push('webAclArn is missing: give one, or say in withoutWebAcl why there is none');
  }
  if (withoutWebAcl !== undefined && withoutWebAcl.trim() === '')
    problems.push('withoutWebAcl gives no reason');
  if (webAclArn !== undefined && withoutWebAcl !== undefined) {
    problems.push('withoutWebAcl says that there is no web ACL, and webAclArn names one');
  }
  return problems;
};

const edgeSecretProblems = ({ edgeSecret, edgeSecretDeployment }: Cis2BffProps): readonly string[] =>
  edgeSecret !== undefined && edgeSecretDeployment !== undefined
    ? [
        'edgeSecretDeployment is for the secret that is made here: give the number to new EdgeSecret(…, { deployment })',
      ]
    : [];

const originProblems = ({ baseUrl, originDomain }: Cis2BffProps): readonly string[] =>
  originDomain === undefined ? [] : hostProblems('originDomain.domainName', originDomain.domainName, baseUrl);

/** What is wrong with the name by which the edge calls the API: it must be a host, and not the app's. */
export const hostProblems = (property: string, host: string, baseUrl: string): readonly string[] =>
  Token.isUnresolved(host) ||
  (/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(host) &&
    !(URL.canParse(baseUrl) && new URL(baseUrl).hostname === host))
    ? []
    : [`${property} must be a host name of its own, got ${host}`];

/** CloudFront takes a certificate and a web ACL from one region only, the gateway a certificate from its own. */
const arnProblems = (
  { certificate, webAclArn, originDomain }: Cis2BffProps,
  { account, region }: Place,
): readonly string[] => [
  ...(certificate === undefined
    ? []
    : certificateProblems('certificate', certificate.certificateArn, { account, region: edgeRegion })),
  ...(webAclArn === undefined ? [] : webAclProblems('webAclArn', webAclArn, { account, region: edgeRegion })),
  ...(originDomain === undefined
    ? []
    : certificateProblems('originDomain.certificate', originDomain.certificate.certificateArn, {
        account,
        region,
      })),
];

const concurrencyProblems = (reserved: ReservedConcurrency): readonly string[] =>
  Object.entries(reserved)
    .filter(([, instances]) => !(Number.isInteger(instances) && instances >= 1))
    .map(
      ([name, instances]) =>
        `reservedConcurrency of ${name} must be a whole number from 1, got ${String(instances)}`,
    );

const alarmProblems = ({
  alarmTopic,
  warningTopic = alarmTopic,
  alarmEmail,
  warningEmail,
}: Cis2BffProps): readonly string[] =>
  Object.entries({
    alarmEmail: [alarmEmail, 'alarmTopic', alarmTopic],
    warningEmail: [warningEmail, 'warningTopic, or alarmTopic without one,', warningTopic],
  } as const).flatMap(([name, [email, other, topic]]) => {
    if (email === undefined) return [];
    if (topic !== undefined)
      return [`${name} is for the topic that is made here, and ${other} names another`];
    return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email) ? [] : [`${name} must be an address, got ${email}`];
  });

const runbookProblems = ({ runbookUrl }: Cis2BffProps): readonly string[] =>
  runbookUrl === undefined || (URL.canParse(runbookUrl) && /^https?:[^\s#]+$/.test(runbookUrl))
    ? []
    : [`runbookUrl must be a web address without #, got ${runbookUrl}`];

/** Storage of the app's own must have been made for it. */
const eventProblems = ({ sessionEvents, storage }: Cis2BffProps): readonly string[] =>
  sessionEvents === true && storage !== undefined && storage.sessions.tableStreamArn === undefined
    ? ['sessionEvents needs the stream of the sessions table: new BffStorage(…, { sessionEvents: true })']
    : [];

/** What is wrong with how the signing keys are stored and rotated. */
const keyProblems = (props: Cis2BffProps): readonly string[] => {
  const {
    production = true,
    rotationPeriod = defaultRotationPeriod,
    keyLeadTime = defaultKeyLeadTime,
    signingKeys,
    apiPlatformKeyStore,
  } = props;
  const problems: string[] = [];
  const days = rotationPeriod.toDays({ integral: false });
  const lead = keyLeadTime.toSeconds({ integral: false });
  if (!(Number.isInteger(days) && days >= 7 && days <= 365)) {
    problems.push(`rotationPeriod must be whole days from 7 to 365, got ${String(days)}`);
  }
  if (!(lead < rotationPeriod.toSeconds({ integral: false }))) {
    problems.push('keyLeadTime must be shorter than rotationPeriod, or no key would ever be due to sign');
  }
  if (production && !(lead >= apiPlatformKeySetCacheSeconds)) {
    problems.push(
      `keyLeadTime must be at least an hour in production, for which the API platform caches a set of keys, got ${String(lead)} s`,
    );
  }
  if (signingKeys !== undefined && signingKeys.purpose !== 'cis2') {
    problems.push(`signingKeys is a store for ${signingKeys.purpose}, not for cis2`);
  }
  if (apiPlatformKeyStore !== undefined && apiPlatformKeyStore.purpose !== 'api-platform') {
    problems.push(`apiPlatformKeyStore is a store for ${apiPlatformKeyStore.purpose}, not for api-platform`);
  }
  if (apiPlatformKeyStore !== undefined && props.apiPlatformKeys !== 'own') {
    problems.push("apiPlatformKeyStore is given, but apiPlatformKeys is not 'own'");
  }
  return problems;
};

/** Not an error: what CIS2 makes of a scope is for CIS2 to say. */
const addScopeWarning = (scope: Construct, asked: string): void => {
  const unneeded = Token.isUnresolved(asked) ? [] : unneededScopes(asked);
  if (unneeded.length > 0) {
    Annotations.of(scope).addWarningV2(
      'cis2-bff:unneeded-scopes',
      `nothing here uses ${unneeded.join(', ')}: CIS2 refuses scopes that an app does not need (${scopesRequirement})`,
    );
  }
};

/** Lambda leaves no fewer of an account's concurrent executions to functions that have none reserved. */
const minUnreserved = 100;

/** Not an error: only AWS knows the account's limit. */
const addConcurrencyInfo = (scope: Construct, reserved: ReservedConcurrency): void => {
  const sum = Object.values(reserved).reduce((total, instances) => total + instances, 0);
  if (sum === 0) return;
  Annotations.of(scope).addInfoV2(
    'cis2-bff:reserved-concurrency',
    `${String(sum)} concurrent executions are reserved: the account's limit must be ${String(sum + minUnreserved)} at least ` +
      '(aws lambda get-account-settings shows it; a new account may have 10). Ask for more under Service Quotas, or set ' +
      "reservedConcurrency: 'none'",
  );
};

/** Not an error: the edge can do without. */
const addOpenApiInfo = (scope: Construct, { originDomain }: Cis2BffProps): void => {
  if (originDomain !== undefined) return;
  Annotations.of(scope).addInfoV2(
    'cis2-bff:open-api',
    "without originDomain the API's own address stays open: whoever finds it comes around the firewall, and can use up what the " +
      'gateway takes',
  );
};

/** Not an error: another distribution, or a name that is not there yet, may stand before this one. */
const addUnansweredHostInfo = (
  scope: Construct,
  { baseUrl, certificate, distribution }: Cis2BffProps,
): void => {
  const problem = distribution === undefined ? unansweredHost(baseUrl, certificate !== undefined) : undefined;
  if (problem !== undefined) Annotations.of(scope).addInfoV2('cis2-bff:unanswered-host', problem);
};

/** Not an error: somebody may subscribe to the topics by hand. */
const addAlarmInfo = (
  scope: Construct,
  { production = true, alarmTopic, alarmEmail }: Cis2BffProps,
): void => {
  if (!production || alarmTopic !== undefined || alarmEmail !== undefined) return;
  Annotations.of(scope).addInfoV2(
    'cis2-bff:no-alarm-address',
    'without alarmEmail or alarmTopic nobody is told of an alarm until somebody subscribes to the topic (output AlarmTopicArn)',
  );
};

/** What is no error, and worth knowing at synthesis. */
export const addNotices = (
  scope: Construct,
  props: Cis2BffProps,
  reservedConcurrency: ReservedConcurrency,
  oidcScope: string,
): void => {
  addScopeWarning(scope, oidcScope);
  addConcurrencyInfo(scope, reservedConcurrency);
  addOpenApiInfo(scope, props);
  addUnansweredHostInfo(scope, props);
  addAlarmInfo(scope, props);
};
