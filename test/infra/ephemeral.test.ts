/** Environments of pull requests: everything goes with their stacks, and nothing of production is in them. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { AwsSolutionsChecks } from 'cdk-nag';
import { chosenEnvironments, refuseUnknownContext } from '../../infra/chosen-environments.ts';
import { environments, type Environment } from '../../infra/environments.ts';
import { isPullRequest, pullRequestEnvironment } from '../../infra/ephemeral.ts';
import { apiPlatformTokenUrls } from '../../infra/parts/api-platform.ts';
import { cis2Issuers } from '../../infra/parts/settings.ts';
import { statefulTypes } from '../../infra/rules.ts';
import { addEnvironment, type EnvironmentStacks } from '../../infra/stacks.ts';
import { createApp } from '../../infra/synthesis.ts';
import { emptyBundles, resourcesOfType, toJson, type Resource } from './support.ts';

const given = {
  baseUrl: 'https://d111111abcdef8.cloudfront.net',
  issuer: 'https://provider.trust.nhs.uk/realm',
};
let stacks: EnvironmentStacks;
const adding = (change: Partial<Environment> = {}, what: object = {}): EnvironmentStacks =>
  addEnvironment(
    createApp(),
    'pr-7',
    { ...pullRequestEnvironment('pr-7', { ...given, ...what }), ...change },
    emptyBundles(),
  );
const resources = (): [string, Resource][] =>
  [stacks.stateful, stacks.stateless].flatMap((stack) => Object.entries(toJson(stack).Resources));
beforeAll(() => {
  stacks = adding();
});

test('everything that holds data, and everything else, goes with the stacks', () => {
  const stateful = resources().filter(([, { Type }]) => statefulTypes.includes(Type));
  expect(new Set(stateful.map(([, { Type }]) => Type))).toEqual(new Set(statefulTypes));
  const stays = resources().filter(
    ([, { DeletionPolicy = 'Delete', UpdateReplacePolicy = 'Delete' }]) =>
      DeletionPolicy !== 'Delete' || UpdateReplacePolicy !== 'Delete',
  );
  expect(stays.map(([id]) => id)).toEqual([]);
});

test('nothing is protected from deletion, and logs are kept for a week', () => {
  expect([stacks.stateful.terminationProtection, stacks.stateless.terminationProtection]).toEqual([
    false,
    false,
  ]);
  const kept = resources().filter((resource) =>
    /"DeletionProtectionEnabled":true/.test(JSON.stringify(resource)),
  );
  expect(kept).toEqual([]);
  const groups = resources().filter(([, { Type }]) => Type === 'AWS::Logs::LogGroup');
  expect(groups.length).toBeGreaterThan(10);
  for (const [, { Properties }] of groups) expect(Properties['RetentionInDays']).toBe(7);
});

test('there is no firewall and no stack for one, nobody subscribes to the alarms, and a release waits for none', () => {
  expect(stacks.edge).toBeUndefined();
  const template = toJson(stacks.stateless);
  expect(resourcesOfType(template, 'AWS::SNS::Subscription')).toEqual([]);
  const groups = resourcesOfType(template, 'AWS::CodeDeploy::DeploymentGroup');
  expect(groups.length).toBeGreaterThan(0);
  for (const [, { Properties }] of groups) {
    expect(Properties['AlarmConfiguration']).toEqual({ Enabled: false });
  }
});

test('the checks have nothing to object to', () => {
  for (const stack of [stacks.stateful, stacks.stateless]) {
    expect(new AwsSolutionsChecks().validateScope(stack).violations).toEqual([]);
  }
});

test('it is in the account of dev, with what pages may call there, at the address and with the provider that it is given', () => {
  expect(stacks.stateless.account).toBe(environments['dev']?.account);
  const text = JSON.stringify(toJson(stacks.stateless));
  for (const part of [given.baseUrl, given.issuer, environments['dev']?.upstreamUrls?.['pds'] ?? 'no PDS']) {
    expect(text).toContain(part);
  }
  expect(text).not.toContain('example.nhs.uk');
  expect(JSON.stringify(toJson(adding({}, { clientId: 'for-pull-requests' }).stateless))).toContain(
    'for-pull-requests',
  );
});

describe('is refused', () => {
  test.each<[string, Partial<Environment>, object, RegExp]>([
    ['as production', { production: true }, {}, /pr-7: ephemeral is not for production/],
    ['with the live issuer of CIS2', {}, { issuer: cis2Issuers.live }, /pr-7: issuer is the live issuer/],
    [
      'with the live API platform',
      { apiPlatformTokenUrl: apiPlatformTokenUrls.live },
      {},
      /pr-7: apiPlatformTokenUrl has the live API platform/,
    ],
    [
      'at a host on which the distribution does not answer',
      {},
      { baseUrl: 'https://pr-7.trust.nhs.uk' },
      /pr-7: baseUrl names pr-7\.trust\.nhs\.uk, on which the distribution does not answer/,
    ],
  ])('%s', (_, change, what, message) => {
    expect(() => adding(change, what)).toThrow(message);
  });
});

test.each([
  ['pr-1', true],
  ['pr-12345', true],
  ['pr-0', false],
  ['pr-', false],
  ['pr-1a', false],
  ['prod', false],
  [undefined, false],
])('%j is the name of one: %j', (name, is) => {
  expect(isPullRequest(name)).toBe(is);
});

test.each<[string, Record<string, string>, string]>([
  [
    'a pull request without an address and a provider',
    { env: 'pr-7' },
    'cis2-bff refused 2 values:\n  pr-7: -c baseUrl=URL is missing: the output DistributionDomain, or before there is one https://first.cloudfront.net\n  pr-7: -c issuer=URL is missing: the provider to sign in with',
  ],
  [
    'an address for an environment that has one',
    { env: 'int', baseUrl: 'https://first.cloudfront.net' },
    'cis2-bff refused: -c baseUrl=… is for the environment of a pull request, -c env=pr-NUMBER',
  ],
])('refuses %s', (_, context, message) => {
  expect(() => chosenEnvironments((name) => context[name])).toThrow(message);
});

test('refuses a context key that is misspelt, and takes those of the CDK', () => {
  expect(() => {
    refuseUnknownContext(['env', 'enviroment']);
  }).toThrow('cis2-bff refused: there is no -c enviroment=…: did you mean env?');
  refuseUnknownContext(['env', 'baseUrl', 'aws:cdk:enable-path-metadata']);
});
