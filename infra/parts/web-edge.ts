import { join } from 'node:path';
import { Duration, Stack, Token, Validations } from 'aws-cdk-lib';
import type * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { contentSecurityPolicyOf, permissionsPolicyOf } from '../../manifest/page-policies.ts';
import { cookieNames } from '../../lambdas/cookie-names.ts';
import { keySetEdgeCacheSeconds } from '../../lambdas/key-set-cache.ts';
import { responseHeaders, strictTransportSecuritySeconds } from '../../lambdas/response-headers.ts';
import { bffPrefixes, edgeHeader, eventsPath } from '../../lambdas/routes.ts';
import type { Cis2BffProps } from '../cis2-bff.ts';
import type { EdgeSecret } from './edge-secret.ts';
import type { EventsApi } from './session-events.ts';
import { pathsOf } from './paths.ts';
import { retainOnUpdateOrDelete } from './removal.ts';
import { uncachedErrors } from './uncached-errors.ts';

/** What of the construct's properties the edge is made of. */
type OwnProps = Pick<
  Cis2BffProps,
  | 'baseUrl'
  | 'certificate'
  | 'contentSecurityPolicy'
  | 'distribution'
  | 'permissionsPolicy'
  | 'spaBucket'
  | 'webAclArn'
  | 'withoutWebAcl'
>;

export interface WebEdgeProps extends OwnProps {
  readonly api: apigateway.HttpApi;
  /** The name by which the edge calls the API. @default - the API's own */
  readonly originDomainName: string | undefined;
  /** Where pages listen for the end of their session. @default - nowhere */
  readonly eventsApi: EventsApi | undefined;
  /** What the edge sends with every request to the API. */
  readonly edgeSecret: EdgeSecret;
}

/** @param override - whether they take the place of what a response has already */
const securityHeaders = (
  contentSecurityPolicy: string,
  override: boolean,
): cloudfront.ResponseSecurityHeadersBehavior => ({
  contentSecurityPolicy: { contentSecurityPolicy, override },
  contentTypeOptions: { override },
  referrerPolicy: { referrerPolicy: cloudfront.HeadersReferrerPolicy.NO_REFERRER, override },
  strictTransportSecurity: {
    accessControlMaxAge: Duration.seconds(strictTransportSecuritySeconds),
    includeSubdomains: true,
    override,
  },
});

/** A WebSocket API answers at its stage and under no other path: the origin's path names the stage. */
const atTheStage = "function handler(event) { event.request.uri = '/'; return event.request; }";

/** The one origin: CloudFront before the SPA's files and the HTTP API. */
export class WebEdge extends Construct {
  /**
   * Where the SPA's files go: the hashed files under `assets/` first, with `Cache-Control: public, max-age=31536000,
   * immutable`, the documents after them.
   */
  readonly spaBucket: s3.IBucket | undefined;
  readonly distribution: cloudfront.Distribution;

  constructor(scope: Construct, id: string, props: WebEdgeProps) {
    super(scope, id);
    const behaviours = this.bffBehaviours(props);
    if (props.distribution === undefined) {
      this.spaBucket = props.spaBucket ?? this.makeSpaBucket();
      this.distribution = this.makeDistribution(this.spaBucket, behaviours, props);
    } else {
      this.spaBucket = props.spaBucket;
      this.distribution = props.distribution;
      for (const [path, { origin, ...options }] of Object.entries(behaviours)) {
        this.distribution.addBehavior(path, origin, options);
      }
    }
  }

  private makeSpaBucket(): s3.Bucket {
    const bucket = new s3.Bucket(this, 'Spa', {
      encryption: s3.BucketEncryption.S3_MANAGED,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: retainOnUpdateOrDelete,
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'It holds the public files of the SPA and only CloudFront reads it. CloudTrail records who changes it.',
    });
    return bucket;
  }

  /** Path → how CloudFront treats it, for the paths that the BFF serves. */
  private bffBehaviours({
    api,
    originDomainName,
    eventsApi,
    edgeSecret,
  }: WebEdgeProps): Record<string, cloudfront.BehaviorOptions> {
    const ownDomain = `${api.apiId}.execute-api.${Stack.of(this).region}.amazonaws.com`;
    const gateway = {
      // A reference that CloudFormation resolves as it deploys: the value stands in no template.
      customHeaders: { [edgeHeader]: edgeSecret.secret.secretValue.unsafeUnwrap() },
      protocolPolicy: cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
      originSslProtocols: [cloudfront.OriginSslPolicy.TLS_V1_2],
      readTimeout: Duration.seconds(30),
    };
    const bff = new origins.HttpOrigin(originDomainName ?? ownDomain, gateway);
    const bffBehaviour: cloudfront.BehaviorOptions = {
      origin: bff,
      // A call that came in the clear is refused, not led to safety: it has given everything away by then.
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
      allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
      cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
      originRequestPolicy: this.bffRequests(),
      responseHeadersPolicy: this.bffHeaders(),
      compress: false,
    };
    // The same for everybody: nothing of a request is passed on, and nothing of it tells one copy from another.
    const keySetBehaviour: cloudfront.BehaviorOptions = {
      origin: bff,
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
      // Another method is our 405, as on every route. It is not cached: the firewall's rate by address bounds it.
      allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
      cachePolicy: this.keySetCache(),
      responseHeadersPolicy: bffBehaviour.responseHeadersPolicy,
      compress: false,
    };
    const events = eventsApi && {
      [eventsPath]: {
        ...bffBehaviour,
        origin: new origins.HttpOrigin(eventsApi.domainName, { ...gateway, originPath: eventsApi.path }),
        allowedMethods: cloudfront.AllowedMethods.ALLOW_GET_HEAD,
        functionAssociations: [
          { function: this.eventsRewrite(), eventType: cloudfront.FunctionEventType.VIEWER_REQUEST },
        ],
      },
    };
    return {
      ...Object.fromEntries(pathsOf('jwks').map((path) => [path, keySetBehaviour])),
      ...events,
      ...Object.fromEntries(bffPrefixes.map((prefix) => [`${prefix}/*`, bffBehaviour])),
    };
  }

  private eventsRewrite(): cloudfront.Function {
    return new cloudfront.Function(this, 'EventsRewrite', {
      comment: 'CIS2 BFF: the path of events is the stage of its API',
      code: cloudfront.FunctionCode.fromInline(atTheStage),
      runtime: cloudfront.FunctionRuntime.JS_2_0,
    });
  }

  private makeDistribution(
    spaBucket: s3.IBucket,
    behaviours: Record<string, cloudfront.BehaviorOptions>,
    props: WebEdgeProps,
  ): cloudfront.Distribution {
    const { baseUrl, certificate, webAclArn, withoutWebAcl } = props;
    const spa = origins.S3BucketOrigin.withOriginAccessControl(spaBucket, {
      // Allowed to list, S3 says 404 for a file that is not there, and not 403.
      originAccessLevels: [cloudfront.AccessLevel.READ, cloudfront.AccessLevel.LIST],
    });
    const rewrite = new cloudfront.Function(this, 'SpaRewrite', {
      comment: 'CIS2 BFF: deep links of the SPA get its document',
      code: cloudfront.FunctionCode.fromFile({ filePath: join(import.meta.dirname, 'spa-rewrite.js') }),
      runtime: cloudfront.FunctionRuntime.JS_2_0,
    });

    const distribution = new cloudfront.Distribution(this, 'Distribution', {
      // CloudFormation resolves the reference to the value again only when something else of the distribution changes.
      comment: `CIS2 BFF, edge secret ${String(props.edgeSecret.deployment)}`,
      ...(certificate === undefined
        ? {}
        : {
            certificate,
            domainNames: [hostOf(baseUrl)],
            minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
          }),
      ...(webAclArn === undefined ? {} : { webAclId: webAclArn }),
      httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
      priceClass: cloudfront.PriceClass.PRICE_CLASS_100,
      defaultRootObject: 'index.html',
      defaultBehavior: {
        origin: spa,
        viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cachePolicy: this.documentCache(),
        responseHeadersPolicy: this.spaHeaders('DocumentHeaders', 'SPA documents', props, {
          ownCacheControlStands: false,
        }),
        functionAssociations: [{ function: rewrite, eventType: cloudfront.FunctionEventType.VIEWER_REQUEST }],
        compress: true,
      },
      additionalBehaviors: {
        '/assets/*': {
          origin: spa,
          viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
          cachePolicy: cloudfront.CachePolicy.CACHING_OPTIMIZED,
          // A hashed file carries its own `immutable`, given when it is uploaded; the bucket's 404 carries nothing, and a
          // year of that would outlive the upload it came before.
          responseHeadersPolicy: this.spaHeaders('AssetHeaders', 'SPA hashed files', props, {
            ownCacheControlStands: true,
          }),
          compress: true,
        },
        ...behaviours,
      },
      errorResponses: uncachedErrors.map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(0) })),
    });
    acknowledge(distribution, certificate !== undefined, webAclArn !== undefined, withoutWebAcl);
    return distribution;
  }

  /**
   * Everything of a request but its host, and of its cookies only ours: those that sites beside this one set for the whole
   * domain could fill the gateway's 10,240 bytes of headers, and lock a person out of every route.
   */
  private bffRequests(): cloudfront.OriginRequestPolicy {
    return new cloudfront.OriginRequestPolicy(this, 'BffRequests', {
      comment: 'CIS2 BFF: no cookies but its own',
      cookieBehavior: cloudfront.OriginRequestCookieBehavior.allowList(...Object.values(cookieNames)),
      headerBehavior: cloudfront.OriginRequestHeaderBehavior.denyList('Host'),
      queryStringBehavior: cloudfront.OriginRequestQueryStringBehavior.all(),
    });
  }

  /** A second, not zero, because CloudFront does not compress what it may not keep at all. */
  private documentCache(): cloudfront.CachePolicy {
    return new cloudfront.CachePolicy(this, 'DocumentCache', {
      comment: 'CIS2 BFF: documents are as new as their upload',
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(1),
      maxTtl: Duration.seconds(1),
      enableAcceptEncodingBrotli: true,
      enableAcceptEncodingGzip: true,
    });
  }

  private keySetCache(): cloudfront.CachePolicy {
    return new cloudfront.CachePolicy(this, 'KeySetCache', {
      comment: 'CIS2 BFF: public keys, for a minute at most',
      minTtl: Duration.seconds(0),
      // What does not say that it may be cached is not cached.
      defaultTtl: Duration.seconds(0),
      maxTtl: Duration.seconds(keySetEdgeCacheSeconds),
      queryStringBehavior: cloudfront.CacheQueryStringBehavior.none(),
      headerBehavior: cloudfront.CacheHeaderBehavior.none(),
      cookieBehavior: cloudfront.CacheCookieBehavior.none(),
    });
  }

  private spaHeaders(
    id: string,
    what: string,
    { contentSecurityPolicy, permissionsPolicy }: WebEdgeProps,
    { ownCacheControlStands }: { readonly ownCacheControlStands: boolean },
  ): cloudfront.ResponseHeadersPolicy {
    return new cloudfront.ResponseHeadersPolicy(this, id, {
      comment: `CIS2 BFF: ${what}`,
      securityHeadersBehavior: securityHeaders(contentSecurityPolicyOf(contentSecurityPolicy), true),
      customHeadersBehavior: {
        customHeaders: [
          { header: 'Cache-Control', value: 'no-cache', override: !ownCacheControlStands },
          { header: 'Cross-Origin-Opener-Policy', value: 'same-origin', override: true },
          { header: 'Permissions-Policy', value: permissionsPolicyOf(permissionsPolicy), override: true },
        ],
      },
    });
  }

  /** {@link responseHeaders}, on responses that no function wrote. The four of `securityHeadersBehavior` CloudFront takes in no other form. */
  private bffHeaders(): cloudfront.ResponseHeadersPolicy {
    return new cloudfront.ResponseHeadersPolicy(this, 'BffHeaders', {
      comment: 'CIS2 BFF: adds what an answer lacks, changes nothing that it has',
      securityHeadersBehavior: securityHeaders(responseHeaders['content-security-policy'], false),
      customHeadersBehavior: {
        customHeaders: [
          { header: 'Cache-Control', value: responseHeaders['cache-control'], override: false },
          {
            header: 'Cross-Origin-Resource-Policy',
            value: responseHeaders['cross-origin-resource-policy'],
            override: false,
          },
        ],
      },
    });
  }
}

function acknowledge(
  distribution: cloudfront.Distribution,
  hasCertificate: boolean,
  hasWebAcl: boolean,
  withoutWebAcl: string | undefined,
): void {
  Validations.of(distribution).acknowledge(
    {
      id: '@aws-cdk/aws-cloudfront-origins:listBucketSecurityRisk',
      reason:
        'A list could only be asked for at the root, which is always index.html here. The files are public.',
    },
    {
      id: 'AwsSolutions-CFR1',
      reason:
        'Who may come in is decided by signing in with CIS2, not by where a network address seems to be.',
    },
    {
      id: 'AwsSolutions-CFR3',
      reason:
        'CloudFront would log whole paths and queries, which carry sign-in codes and patients. The HTTP API logs ' +
        'every request of ours by its route instead.',
    },
  );
  if (!hasWebAcl) {
    Validations.of(distribution).acknowledge({
      id: 'AwsSolutions-CFR2',
      reason:
        withoutWebAcl ??
        'Not for production, which is refused without a web ACL or a reason of its own: no real user depends on it. ' +
          'The gateway throttles, and reserved concurrency and table limits bound what a flood can use.',
    });
  }
  if (!hasCertificate) {
    Validations.of(distribution).acknowledge({
      id: 'AwsSolutions-CFR4',
      reason:
        'Not for production, which is refused without a certificate: no real user depends on it. It answers on ' +
        "CloudFront's own name, where CloudFront alone decides which TLS versions it accepts.",
    });
  }
}

/** Why a distribution of ours does not answer on the host of the base URL; undefined when it does. */
export const unansweredHost = (baseUrl: string, hasCertificate: boolean): string | undefined => {
  if (Token.isUnresolved(baseUrl) || !URL.canParse(baseUrl)) return undefined;
  const { hostname } = new URL(baseUrl);
  const isCloudFronts = hostname.endsWith('.cloudfront.net');
  if (!hasCertificate && !isCloudFronts) {
    return (
      `baseUrl names ${hostname}, on which the distribution does not answer without a certificate: give one, or take ` +
      "CloudFront's own name. It is known after a first deployment (output DistributionDomain), for which any name under " +
      'cloudfront.net will do'
    );
  }
  return hasCertificate && isCloudFronts
    ? `baseUrl names ${hostname}, which is CloudFront's own: there can be no certificate for it`
    : undefined;
};

/** @throws Error for a base URL that is known only when it is deployed */
export const hostOf = (baseUrl: string): string => {
  if (Token.isUnresolved(baseUrl)) {
    throw new Error('baseUrl must be known at synthesis where a certificate or a hosted zone needs its host');
  }
  return new URL(baseUrl).hostname;
};
