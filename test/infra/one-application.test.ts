/** One application has the origin to itself: what shares an origin shares its cookies and its scripts. */
import { describe, expect, test } from '@jest/globals';
import { environments } from '../../infra/environments.ts';
import { mentions, only, shipped, type Json, type TemplateJson } from './support.ts';

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

describe.each(Object.keys(environments))('the distribution of %s [B-23, ASVS-3.5.4]', (name) => {
  const template = (): TemplateJson => shipped(name).stateless;
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
