/** What is wrong with an entry of an environment, most of which AWS would refuse half way through a first deployment. */
import { exampleAccount, notOfEnvironments, type Environment } from './environments.ts';
import { certificateProblems, webAclProblems } from './parts/arns.ts';
import { hostProblems } from './parts/deployment-checks.ts';
import { edgeRegion } from './parts/firewall.ts';
import {
  firewallChecks,
  memberProblems,
  objectOf,
  propChecks,
  required,
  storageChecks,
  text,
  trueOrFalse,
  type Checks,
} from './parts/prop-checks.ts';
import { DeploymentRefused } from './parts/settings.ts';
import { unansweredHost } from './parts/web-edge.ts';

const without = <T extends object, Name extends keyof T>(all: T, names: readonly Name[]): Omit<T, Name> =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name as Name))) as Omit<T, Name>;

/** Those of the construct, but for what {@link Environment} leaves out of it, and the entry's own. */
const checks: Checks<Environment> = {
  ...without(propChecks, notOfEnvironments),
  ...storageChecks,
  account: required(text),
  certificateArn: text,
  ephemeral: trueOrFalse,
  firewall: objectOf(firewallChecks),
  hostedZone: objectOf<NonNullable<Environment['hostedZone']>>({ id: required(text), name: required(text) }),
  origin: objectOf<NonNullable<Environment['origin']>>({ domainName: required(text), certificateArn: text }),
  production: required(trueOrFalse),
};

/** What stands in the examples and belongs to nobody, in the text of an entry. */
const examples = new RegExp(`\\bexample\\.nhs\\.uk\\b|${exampleAccount}|EXAMPLE`);

/**
 * Refuses an entry, naming everything that is wrong with it.
 *
 * @param region - where the environment is deployed
 */
export function refuseUndeployable(name: string, environment: Environment, region: string): void {
  const types = memberProblems(checks, environment);
  const problems = types.length > 0 ? types : valueProblems(name, environment, region);
  if (problems.length > 0) throw new DeploymentRefused(problems.map((problem) => `${name}: ${problem}`));
}

/** Refuses environments that would take each other's host names. */
export function refuseSharedHosts(environments: Readonly<Record<string, Environment>>): void {
  const problems: string[] = [];
  const owners = new Map<string, string>();
  for (const [name, { baseUrl, origin }] of Object.entries(environments)) {
    const hosts = {
      baseUrl: URL.canParse(baseUrl) ? new URL(baseUrl).hostname : undefined,
      origin: origin?.domainName,
    };
    for (const [property, host] of Object.entries(hosts)) {
      if (host === undefined) continue;
      const owner = owners.get(host);
      if (owner !== undefined) problems.push(`${name}: ${property} has the host ${host}, as ${owner} has`);
      else owners.set(host, `${property} of ${name}`);
    }
  }
  if (problems.length > 0) throw new DeploymentRefused(problems);
}

const valueProblems = (name: string, environment: Environment, region: string): readonly string[] => {
  const { account, production, ephemeral, baseUrl, hostedZone, certificateArn, origin, webAclArn } =
    environment;
  const problems: string[] = [];
  if (!/^[A-Za-z][A-Za-z0-9-]{0,39}$/.test(name)) {
    problems.push(
      'the name of an environment must be letters, digits and hyphens, at most 40, and begin with a letter',
    );
  }
  if (!/^\d{12}$/.test(account)) {
    problems.push(`account must be the twelve digits of an AWS account, got ${JSON.stringify(account)}`);
  }
  if (ephemeral === true && production) problems.push('ephemeral is not for production');
  const hasCertificate = certificateArn !== undefined || hostedZone !== undefined;
  const unanswered = unansweredHost(baseUrl, hasCertificate);
  // Production is refused without a certificate in any case.
  if (unanswered !== undefined && !(production && !hasCertificate)) problems.push(unanswered);
  if (origin !== undefined) problems.push(...hostProblems('origin.domainName', origin.domainName, baseUrl));
  if (hostedZone === undefined) {
    if (origin !== undefined && origin.certificateArn === undefined) {
      problems.push('origin needs its certificateArn, or the environment a hostedZone');
    }
  } else {
    problems.push(...zoneProblems(hostedZone, baseUrl, origin));
  }
  // An account of the examples in an entry of another is left of the example, which is said below.
  const ofExample = (arn: string): boolean => arn.includes(exampleAccount) && account !== exampleAccount;
  const edge = { account, region: edgeRegion };
  if (certificateArn !== undefined && !ofExample(certificateArn)) {
    problems.push(...certificateProblems('certificateArn', certificateArn, edge));
  }
  if (webAclArn !== undefined && !ofExample(webAclArn)) {
    problems.push(...webAclProblems('webAclArn', webAclArn, edge));
  }
  if (origin?.certificateArn !== undefined && !ofExample(origin.certificateArn)) {
    problems.push(
      ...certificateProblems('origin.certificateArn', origin.certificateArn, { account, region }),
    );
  }
  if (account !== exampleAccount) {
    for (const [property, value] of Object.entries(environment)) {
      const found = examples.exec(JSON.stringify([value]));
      if (found !== null) problems.push(`${property} still has ${found[0]} of the example`);
    }
  }
  return problems;
};

const zoneProblems = (
  zone: NonNullable<Environment['hostedZone']>,
  baseUrl: string,
  origin: Environment['origin'],
): readonly string[] => {
  const problems = /^Z[A-Z0-9]+$/.test(zone.id)
    ? []
    : [`hostedZone.id must be the id of a hosted zone, such as Z0123456789ABC, got ${zone.id}`];
  if (!URL.canParse(baseUrl)) {
    return [...problems, `baseUrl must be an absolute URL, got ${JSON.stringify(baseUrl)}`];
  }
  for (const host of [new URL(baseUrl).hostname, ...(origin === undefined ? [] : [origin.domainName])]) {
    if (!`.${host}`.endsWith(`.${zone.name}`))
      problems.push(`hostedZone ${zone.name} does not cover ${host}`);
  }
  return problems;
};
