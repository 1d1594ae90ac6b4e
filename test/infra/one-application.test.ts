/** One application has the origin to itself: what shares an origin shares its cookies and its scripts. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { environments } from '../../infra/environments.ts';
import { addEnvironment } from '../../infra/stacks.ts';
import { createApp } from '../../infra/synthesis.ts';
import { emptyBundles, mentions, only, toJson, type Json, type TemplateJson } from './support.ts';

interface Behaviour {
  readonly PathPattern?: string;
  readonly TargetOriginId: string;
}

interface DistributionConfig {
  readonly Aliases?: readonly string[];
  readonly DefaultCacheBehavior: Behaviour;
  readonly CacheBehaviors: readonly Behaviour[];
  readonly Origins: readonly { readonly Id: string; readonly DomainName: Json }[];
}

const templates = new Map<string, TemplateJson>();

beforeAll(() => {
  process.env['CDK_VALIDATION'] = 'false';
  const app = createApp();
  const bundles = emptyBundles();
  const added = Object.entries(environments).map(
    ([name, environment]) => [name, addEnvironment(app, name, environment, bundles)] as const,
  );
  for (const [name, { stateless }] of added) templates.set(name, toJson(stateless));
});

describe.each(Object.keys(environments))('the distribution of %s [B-23, ASVS-3.5.4]', (name) => {
  const template = (): TemplateJson => {
    const found = templates.get(name);
    if (found === undefined) throw new Error(`no environment ${name}`);
    return found;
  };
  const distribution = (): DistributionConfig =>
    only(template(), 'AWS::CloudFront::Distribution')[1].Properties[
      'DistributionConfig'
    ] as unknown as DistributionConfig;

  test('leads to our own API and our own bucket, and nowhere else', () => {
    // The API by the one name under which it takes requests.
    const [apiId] = only(template(), 'AWS::ApiGatewayV2::DomainName');
    const [, mapping] = only(template(), 'AWS::ApiGatewayV2::ApiMapping');
    expect(mapping.Properties['DomainName']).toEqual({ Ref: apiId });
    expect(mapping.Properties['ApiId']).toEqual({ Ref: only(template(), 'AWS::ApiGatewayV2::Api')[0] });
    const [bucketId] = only(template(), 'AWS::S3::Bucket');
    const { Origins, DefaultCacheBehavior, CacheBehaviors } = distribution();
    const ours = new Map(
      Origins.map(({ Id, DomainName }) => [
        Id,
        mentions(DomainName, apiId) ? 'api' : mentions(DomainName, bucketId) ? 'bucket' : 'unknown',
      ]),
    );
    const led = [DefaultCacheBehavior, ...CacheBehaviors].map(({ PathPattern, TargetOriginId }) => [
      PathPattern ?? 'default',
      ours.get(TargetOriginId),
    ]);
    expect([...ours.values()].sort()).toEqual(['api', 'bucket']);
    expect(Object.fromEntries(led)).toEqual({
      default: 'bucket',
      '/auth/jwks.json': 'api',
      '/auth/jwks/api-platform.json': 'api',
      '/auth/*': 'api',
      '/api/*': 'api',
      '/assets/*': 'bucket',
    });
  });

  test('serves one host name', () => {
    expect((distribution().Aliases ?? []).length).toBeLessThanOrEqual(1);
  });
});
