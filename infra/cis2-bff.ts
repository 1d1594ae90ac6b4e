import { Annotations, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { bundleFunctions } from './bundle.ts';
import { scopesRequirement, unneededScopes } from '../lambdas/settings.ts';
import { BffFunctions } from './parts/functions.ts';
import type { ReservedConcurrency } from './parts/functions.ts';
import { BffHttpApi } from './parts/http-api.ts';
import { SigningKeyStore } from './parts/keys.ts';
import { BffLogs } from './parts/operations.ts';
import type { BffLogsProps } from './parts/operations.ts';
import { settingValues } from './parts/settings.ts';
import type { BehaviourProps } from './parts/settings.ts';
import { BffStorage } from './parts/storage.ts';
import { WebEdge } from './parts/web-edge.ts';

export interface Cis2BffProps extends BehaviourProps, BffLogsProps {
  /**
   * The tables. Give them from a stack of their own to be able to replace everything else.
   * @default - made here
   */
  readonly storage?: BffStorage;
  /**
   * The secret with the signing keys.
   * @default - made here
   */
  readonly signingKeys?: SigningKeyStore;
  /**
   * Certificate for the base URL's host. CloudFront wants it in us-east-1. Production is refused without one: CloudFront
   * answers on a name of the user's own only with a certificate for it.
   * @default - CloudFront's own certificate and name
   */
  readonly certificate?: acm.ICertificate;
  /**
   * ARN of a web ACL of scope CLOUDFRONT, which lives in us-east-1. Production is refused without one, unless
   * `withoutWebAcl` says why there is none.
   * @default - no web ACL
   */
  readonly webAclArn?: string;
  /**
   * Why this deployment has no web ACL: a sentence, which becomes the reason that the check for one is acknowledged with.
   * It lets production go without; together with `webAclArn` it is refused.
   * @default - production must have a web ACL
   */
  readonly withoutWebAcl?: string;
  /**
   * Instances of each function that may run at once: a fuse, so that a flood on one cannot starve another.
   * @default - enough for several thousand users
   */
  readonly reservedConcurrency?: Partial<ReservedConcurrency>;
  /**
   * Requests a second, over all users, above which the gateway answers 429.
   * @default 500
   */
  readonly requestsPerSecond?: number;
  /**
   * Requests that may come at once before that rate counts.
   * @default 1000
   */
  readonly requestBurst?: number;
  /**
   * Directory with one bundle a function, `<name>/index.mjs`.
   * @default - bundled from `lambdas/` when the construct is made
   */
  readonly bundles?: string;
}

/**
 * For several thousand users: half of them signing in within a quarter of an hour is three sign-ins a second. A sign-in
 * takes the longest, about a second (it waits for CIS2 twice), a session read a few milliseconds. This and the other
 * defaults stand an order of magnitude above what that needs.
 */
const defaultConcurrency: ReservedConcurrency = {
  'sign-in': 50,
  session: 100,
  // A logout takes tens of milliseconds. Anybody can send tokens that are none, and this is all they can take.
  'backchannel-logout': 10,
  jwks: 10,
  'unknown-route': 5,
  'create-signing-keys': 1,
};

/**
 * Sign-in with NHS CIS2 and a session on the server, for a single-page app on the same origin.
 *
 * @example
 * new Cis2Bff(this, 'Bff', {
 *   baseUrl: 'https://app.example.nhs.uk',
 *   issuer: cis2Issuers.live,
 *   clientId: 'the-client-id-from-cis2',
 *   certificate,
 *   webAclArn,
 * });
 */
export class Cis2Bff extends Construct {
  readonly storage: BffStorage;
  readonly signingKeys: SigningKeyStore;
  readonly functions: BffFunctions;
  readonly api: apigateway.HttpApi;
  readonly distribution: cloudfront.Distribution;
  /** Where the SPA's files go. Upload the hashed files under `assets/` first, the documents after them. */
  readonly spaBucket: s3.Bucket;
  /** Where CIS2 reads our public keys. */
  readonly jwksUrl: string;

  /** @throws DeploymentRefused naming everything in `props` that breaks a rule */
  constructor(scope: Construct, id: string, props: Cis2BffProps) {
    super(scope, id);
    this.storage = props.storage ?? new BffStorage(this, 'Storage');
    this.signingKeys = props.signingKeys ?? new SigningKeyStore(this, 'SigningKeys');
    const settings = settingValues(
      props,
      {
        SESSION_TABLE: this.storage.sessions.tableName,
        PUBLISHED_KEYS_TABLE: this.storage.publishedKeys.tableName,
        SIGNING_KEYS_SECRET: this.signingKeys.secret.secretArn,
      },
      edgeProblems(props),
    );
    warnOfScopes(this, settings.CIS2_SCOPE);
    const logs = new BffLogs(this, 'Logs', { logRetention: props.logRetention });
    this.functions = new BffFunctions(this, 'Functions', {
      storage: this.storage,
      signingKeys: this.signingKeys,
      logs,
      settings,
      bundles: props.bundles ?? bundleFunctions(),
      reservedConcurrency: { ...defaultConcurrency, ...props.reservedConcurrency },
    });
    this.api = new BffHttpApi(this, 'HttpApi', {
      functions: this.functions,
      logs,
      requestsPerSecond: props.requestsPerSecond ?? 500,
      requestBurst: props.requestBurst ?? 1_000,
    }).api;
    const edge = new WebEdge(this, 'WebEdge', {
      api: this.api,
      baseUrl: props.baseUrl,
      certificate: props.certificate,
      webAclArn: props.webAclArn,
      withoutWebAcl: props.withoutWebAcl,
    });
    this.distribution = edge.distribution;
    this.spaBucket = edge.spaBucket;
    this.jwksUrl = `${props.baseUrl}/auth/jwks.json`;
  }
}

/** Not an error: what CIS2 makes of a scope is for CIS2 to say. */
const warnOfScopes = (scope: Construct, asked: string): void => {
  const unneeded = Token.isUnresolved(asked) ? [] : unneededScopes(asked);
  if (unneeded.length > 0) {
    Annotations.of(scope).addWarningV2(
      'cis2-bff:unneeded-scopes',
      `nothing here uses ${unneeded.join(', ')}: CIS2 refuses scopes that an app does not need (${scopesRequirement})`,
    );
  }
};

/** What is wrong with how the deployment faces the world. */
const edgeProblems = (props: Cis2BffProps): readonly string[] => {
  const { production = true, certificate, webAclArn, withoutWebAcl } = props;
  const problems: string[] = [];
  if (production && certificate === undefined) {
    problems.push(
      "certificate (in an environment: certificateArn) is missing: without it the base URL's host cannot reach the distribution",
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
