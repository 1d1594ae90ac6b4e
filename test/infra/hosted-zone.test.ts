/** An environment whose names are in a hosted zone of its account: certificates and records are made. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Environment } from '../../infra/environments.ts';
import type { EnvironmentStacks } from '../../infra/stacks.ts';
import {
  changedEnvironment,
  only,
  resourcesOfType,
  toJson,
  type Json,
  type TemplateJson,
} from './support.ts';

const webAclArn =
  'arn:aws:wafv2:us-east-1:111122223333:global/webacl/example/11111111-2222-3333-4444-555555555555';
const certificateArn = 'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';
const hostedZone = { id: 'Z000000000000', name: 'example.nhs.uk' };
const withZone: Partial<Environment> = { hostedZone, certificateArn: undefined, origin: undefined };

const deploy = (change: Partial<Environment>): EnvironmentStacks => changedEnvironment('prod', change);
/** The templates of the edge and of the stateless stack. */
const templatesOf = ({ edge, stateless }: EnvironmentStacks): readonly [TemplateJson, TemplateJson] => {
  if (edge === undefined) throw new Error('no edge');
  return [toJson(edge), toJson(stateless)];
};
const records = (template: TemplateJson): Readonly<Record<string, Json>> =>
  Object.fromEntries(
    resourcesOfType(template, 'AWS::Route53::RecordSet').map(([, { Properties }]) => {
      expect(Properties['HostedZoneId']).toBe(hostedZone.id);
      const [name, type] = [Properties['Name'], Properties['Type']].map(String);
      return [`${name ?? ''} ${type ?? ''}`, Properties['AliasTarget'] ?? null];
    }),
  );
const validated = (host: string): object => ({
  DomainName: host,
  ValidationMethod: 'DNS',
  DomainValidationOptions: [{ DomainName: host, HostedZoneId: hostedZone.id }],
});

describe('an environment with a hosted zone', () => {
  let stacks: EnvironmentStacks;
  let edge: TemplateJson;
  let stateless: TemplateJson;
  beforeAll(() => {
    stacks = deploy(withZone);
    [edge, stateless] = templatesOf(stacks);
  });

  test('makes the certificate of the app’s host where CloudFront takes it from, and hands it over', () => {
    const [id, certificate] = only(edge, 'AWS::CertificateManager::Certificate');
    expect(certificate.Properties).toMatchObject(validated('app.example.nhs.uk'));
    expect(edge.Outputs?.['CertificateArn']?.Value).toEqual({ Ref: id });
    const [, distribution] = only(stateless, 'AWS::CloudFront::Distribution');
    expect(distribution.Properties['DistributionConfig']).toMatchObject({
      Aliases: ['app.example.nhs.uk'],
      ViewerCertificate: {
        AcmCertificateArn: {
          'Fn::GetStackOutput': {
            StackName: 'cis2-bff-prod-edge',
            OutputName: 'CertificateArn',
            Region: 'us-east-1',
          },
        },
      },
    });
    expect(stacks.stateless.dependencies).toContain(stacks.edge);
  });

  test('makes the certificate of the origin beside the API, under a name of its own below the app’s', () => {
    const [id, certificate] = only(stateless, 'AWS::CertificateManager::Certificate');
    expect(certificate.Properties).toMatchObject(validated('origin.app.example.nhs.uk'));
    const [, domain] = only(stateless, 'AWS::ApiGatewayV2::DomainName');
    expect(domain.Properties).toMatchObject({
      DomainName: 'origin.app.example.nhs.uk',
      DomainNameConfigurations: [{ CertificateArn: { Ref: id } }],
    });
    const [, api] = only(stateless, 'AWS::ApiGatewayV2::Api');
    expect(api.Properties['DisableExecuteApiEndpoint']).toBe(true);
  });

  test('leads the app’s host to the distribution and the origin’s to the API', () => {
    const [distribution] = only(stateless, 'AWS::CloudFront::Distribution');
    const [domain] = only(stateless, 'AWS::ApiGatewayV2::DomainName');
    const toDistribution = expect.objectContaining({
      DNSName: { 'Fn::GetAtt': [distribution, 'DomainName'] },
    });
    expect(records(stateless)).toEqual({
      'app.example.nhs.uk. A': toDistribution,
      'app.example.nhs.uk. AAAA': toDistribution,
      'origin.app.example.nhs.uk. A': {
        DNSName: { 'Fn::GetAtt': [domain, 'RegionalDomainName'] },
        HostedZoneId: { 'Fn::GetAtt': [domain, 'RegionalHostedZoneId'] },
      },
    });
  });

  test('leaves the checks nothing to object to', () => {
    for (const stack of [stacks.edge, stacks.stateless]) {
      if (stack === undefined) throw new Error('no edge');
      expect(new AwsSolutionsChecks().validateScope(stack).violations).toEqual([]);
    }
  });

  test('has the stack in us-east-1 for the certificate alone, when the firewall is another’s', () => {
    const [certificateOnly, guarded] = templatesOf(deploy({ ...withZone, webAclArn }));
    only(certificateOnly, 'AWS::CertificateManager::Certificate');
    expect(resourcesOfType(certificateOnly, 'AWS::WAFv2::WebACL')).toEqual([]);
    const [, distribution] = only(guarded, 'AWS::CloudFront::Distribution');
    expect(distribution.Properties['DistributionConfig']).toMatchObject({ WebACLId: webAclArn });
  });

  test('takes a certificate that there is, and makes what is missing', () => {
    const [own, others] = templatesOf(
      deploy({ hostedZone, certificateArn, origin: { domainName: 'api.example.nhs.uk' } }),
    );
    expect(resourcesOfType(own, 'AWS::CertificateManager::Certificate')).toEqual([]);
    expect(JSON.stringify(only(others, 'AWS::CloudFront::Distribution'))).toContain(certificateArn);
    expect(only(others, 'AWS::CertificateManager::Certificate')[1].Properties).toMatchObject(
      validated('api.example.nhs.uk'),
    );
    expect(Object.keys(records(others))).toContain('api.example.nhs.uk. A');
  });
});

test('an environment without a hosted zone makes neither certificates nor records', () => {
  for (const template of templatesOf(deploy({}))) {
    for (const type of ['AWS::CertificateManager::Certificate', 'AWS::Route53::RecordSet']) {
      expect(resourcesOfType(template, type)).toEqual([]);
    }
  }
});

test.each<[string, Partial<Environment>, RegExp]>([
  [
    'in whose zone the app’s host is not',
    { ...withZone, hostedZone: { id: 'Z000000000000', name: 'other.nhs.uk' } },
    /prod: hostedZone other\.nhs\.uk does not cover app\.example\.nhs\.uk/,
  ],
  [
    'whose zone only ends alike',
    { ...withZone, hostedZone: { id: 'Z000000000000', name: 'ple.nhs.uk' } },
    /prod: hostedZone ple\.nhs\.uk does not cover app\.example\.nhs\.uk/,
  ],
  [
    'in whose zone the origin is not',
    { ...withZone, origin: { domainName: 'origin.trust.nhs.uk' } },
    /prod: hostedZone example\.nhs\.uk does not cover origin\.trust\.nhs\.uk/,
  ],
  [
    'without a zone and without the origin’s certificate',
    { origin: { domainName: 'origin.app.example.nhs.uk' } },
    /prod: origin needs its certificateArn, or the environment a hostedZone/,
  ],
  ['without an address', { ...withZone, baseUrl: 'app' }, /prod: baseUrl must be an absolute URL, got "app"/],
])('an environment %s is refused', (_, change, message) => {
  expect(() => deploy(change)).toThrow(message);
});
