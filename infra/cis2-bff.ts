import { Fn, Stack, type CfnOutput, type Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as route53 from 'aws-cdk-lib/aws-route53';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { SettingName } from '../lambdas/settings/index.ts';
import { AlarmTopics, type Severity } from './parts/alarm-topic.ts';
import { BffAlarms, packagedRunbooks } from './parts/alarms.ts';
import { AliasRecords } from './parts/alias-records.ts';
import { ApiPlatformCredentials } from './parts/api-platform.ts';
import { AuditTrail } from './parts/audit-trail.ts';
import { CanarySchedule } from './parts/canary.ts';
import { BffDashboard, SavedQueries } from './parts/dashboard.ts';
import { addNotices, deploymentProblems } from './parts/deployment-checks.ts';
import { EdgeSecret } from './parts/edge-secret.ts';
import { BffFunctions, isReleasedGradually } from './parts/functions.ts';
import type { ReservedConcurrency } from './parts/functions.ts';
import { BffHttpApi } from './parts/http-api.ts';
import { InstallationMetrics } from './parts/metrics.ts';
import { nameInStack } from './parts/names.ts';
import type { OriginDomain } from './parts/http-api.ts';
import { addOutputs } from './parts/outputs.ts';
import { SigningKeyStore } from './parts/signing-key-store.ts';
import { BffLogs } from './parts/logs.ts';
import type { BffLogsProps } from './parts/logs.ts';
import { OperatorRoles, type OperatorPrincipals } from './parts/operator-roles.ts';
import { propChecks, refuseProblems } from './parts/prop-checks.ts';
import { defaultRequestBurst, defaultRequestsPerSecond } from './parts/rate-limits.ts';
import { BffReleases, type Rollout } from './parts/releases.ts';
import { defaultRotationPeriod, KeyRotation } from './parts/key-rotation.ts';
import { manifestOf, settingValues } from './parts/settings.ts';
import type { BehaviourProps } from './parts/settings.ts';
import { EventsApi } from './parts/session-events.ts';
import { BffStorage } from './parts/storage.ts';
import { prebuiltBundles } from './prebuilt.ts';
import { hostOf, WebEdge } from './parts/web-edge.ts';

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
   * The secret with the keys for the NHS API platform, of that purpose. Only with `apiPlatformKeys: 'own'`.
   * @default - made here, when the API platform has keys of its own
   */
  readonly apiPlatformKeyStore?: SigningKeyStore;
  /**
   * The secret with what the NHS API platform knows the application by.
   * @default - made here
   */
  readonly apiPlatformCredentials?: ApiPlatformCredentials;
  /**
   * The secret with what the edge sends with every request.
   * @default - made here
   */
  readonly edgeSecret?: EdgeSecret;
  /**
   * A whole number from 1. Another one than before rotates what the edge sends: it gets another value in the secret that is made
   * here, and CloudFront takes the value in force when it is deployed. Not with `edgeSecret`, which has the number itself.
   * @default 1
   */
  readonly edgeSecretDeployment?: number;
  /**
   * Time from one rotation of the signing keys to the next: whole days, from 7 to 365, and longer than `keyLeadTime`.
   * @default Duration.days(30)
   */
  readonly rotationPeriod?: Duration;
  /**
   * Name of this installation, in the namespace of its metrics and in the tag of its keys in KMS, by which rights are bound to
   * them: never change it while there are any, and give each of several installations in an account its own.
   * @default - the stack's name and the construct's path in it
   */
  readonly keyRingName?: string;
  /**
   * True while keys that were made in KMS are still in use, though new ones go into the secret again: functions keep the
   * right to use them. To be set with the change of `keyCustody` back to `secret`, and removed when two rotations are done
   * and the last of the keys is deleted, a week later.
   * @default false
   */
  readonly keysRemainInKms?: boolean;
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
   * The hosted zone of the base URL's host: it gets records that lead there.
   * @default - no records are made
   */
  readonly hostedZone?: route53.IHostedZone;
  /**
   * A bucket of the app's own for the SPA's files.
   * @default - made here
   */
  readonly spaBucket?: s3.IBucket;
  /**
   * A distribution of the app's own, which gets the paths of the BFF; everything else about it stays the app's: its
   * certificate, its web ACL and the headers of its documents. It must not keep errors under `/auth` and `/api` (time to
   * live 0), nor have error pages, which would take the place of an API's own.
   * @default - made here
   */
  readonly distribution?: cloudfront.Distribution;
  /**
   * Instances of each function that may run at once: a fuse, so that a flood on one cannot starve another. `none` fits an account
   * whose limit is ten, as that of a new account may be.
   * @default - in production enough for several thousand users, for which the account needs a limit of some hundreds; elsewhere none
   */
  readonly reservedConcurrency?: ReservedConcurrency | 'none';
  /**
   * Requests a second to a route, over all users, above which the gateway answers 429. What anybody can call gets a part of it.
   * @default 500
   */
  readonly requestsPerSecond?: number;
  /**
   * Requests to a route that may come at once before that rate counts.
   * @default 1000
   */
  readonly requestBurst?: number;
  /**
   * A name for the edge to call the API by, and its certificate in the API's region. The API's own address, which leads around the
   * firewall, is switched off then.
   * @default - the edge calls the API by its own address, which stays open
   */
  readonly originDomain?: OriginDomain;
  /**
   * Where alarms that wake somebody are sent, and the others too without `warningTopic`: a topic that CloudWatch may write to.
   * @default - one is made here, for others to subscribe to
   */
  readonly alarmTopic?: sns.ITopic;
  /**
   * Where alarms are sent that can wait until the next working day.
   * @default - `alarmTopic`, where one is given; else one is made here
   */
  readonly warningTopic?: sns.ITopic;
  /**
   * An address that alarms are sent to, once it has agreed: all of them without `warningEmail`. Not with `alarmTopic`.
   * @default - nobody is notified until somebody subscribes to the topic
   */
  readonly alarmEmail?: string;
  /**
   * An address for alarms that can wait until the next working day. Not with a topic of your own for them.
   * @default - `alarmEmail`
   */
  readonly warningEmail?: string;
  /**
   * Where whoever is woken reads the runbooks (`docs/operations/runbooks.md` of the package), such as the address of that file in your
   * repository: the message of an alarm ends with it, `#` and the section.
   * @default - the path in the package
   */
  readonly runbookUrl?: string;
  /**
   * Who may assume the roles of operators. A principal of `*` is refused.
   * @default - whoever the account's own policies let assume them
   */
  readonly operatorPrincipals?: OperatorPrincipals;
  /**
   * How a new version takes over the requests: a tenth first, with an automatic rollback, or all at once.
   * @default canary
   */
  readonly rollout?: Rollout;
  /**
   * Directory with one bundle a function, `<name>/index.mjs`.
   * @default - those of the package
   */
  readonly bundles?: string;
}

/**
 * For several thousand users: half of them signing in within a quarter of an hour is three sign-ins a second. A callback
 * takes the longest, about a second (it waits for CIS2 twice), a session read a few milliseconds. This and the other
 * defaults stand an order of magnitude above what that needs.
 */
const productionConcurrency = {
  // Milliseconds each, but a second in an instance that is new.
  login: 50,
  // A second each, and the gateway lets thirty a second through. A flood of forged ones takes these, and none of login's.
  callback: 30,
  session: 100,
  // A call waits for an upstream, for half a second as a rule: two hundred calls a second.
  'api-proxy': 100,
  // A logout takes tens of milliseconds. Anybody can send tokens that are none, and this is all they can take.
  'backchannel-logout': 10,
  jwks: 10,
  'unknown-route': 5,
  canary: 2,
  'keys-status': 2,
  'operator-sessions': 1,
  // A burst of sign-ins comes in many batches, of tens of milliseconds each.
  'audit-trail': 10,
  // A rotation, and an operator's question meanwhile.
  'rotate-signing-keys': 2,
} as const satisfies ReservedConcurrency;

/** The same of what a deployment may do without. Ends of sessions come in batches, of a few shards. */
const eventConcurrency = {
  'session-events': 20,
  'session-end-events': 5,
} as const satisfies ReservedConcurrency;

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
  /** The secret with the keys for the NHS API platform, when it has keys of its own. */
  readonly apiPlatformKeyStore: SigningKeyStore | undefined;
  /** The secret with what the NHS API platform knows the application by: to be filled by hand. */
  readonly apiPlatformCredentials: ApiPlatformCredentials;
  readonly functions: BffFunctions;
  /** The roles of operators: one reads and can change nothing, the other acts. */
  readonly operatorRoles: OperatorRoles;
  readonly api: apigateway.HttpApi;
  /** What DNS has to lead `originDomain` to, where there is one. */
  readonly origin: apigateway.DomainName | undefined;
  /** Where alarms are sent that wake somebody. */
  readonly alarmTopic: sns.ITopic;
  /** Where alarms are sent that can wait. */
  readonly warningTopic: sns.ITopic;
  readonly distribution: cloudfront.Distribution;
  /** Where CIS2 reads our public keys. */
  readonly jwksUrl: string;
  /**
   * The outputs of the stack by their names, which the operator commands read. In the stack each has a key of its own, such as
   * `BffJwksUrl0A1B2C3D`, and its name in the description.
   */
  readonly outputs: Readonly<Record<string, CfnOutput>>;
  private readonly bucket: s3.IBucket | undefined;

  /** @throws DeploymentRefused naming everything in `props` that breaks a rule */
  constructor(scope: Construct, id: string, props: Cis2BffProps) {
    super(scope, id);
    refuseProblems(propChecks, props);
    const reservedConcurrency = concurrencyOf(props);
    const topics = topicsOf(this, props);
    [this.alarmTopic, this.warningTopic] = [topics.critical, topics.warning];
    const { sessionEvents = false } = props;
    this.storage = props.storage ?? new BffStorage(this, 'Storage', { sessionEvents });
    this.signingKeys = props.signingKeys ?? new SigningKeyStore(this, 'SigningKeys');
    this.apiPlatformKeyStore =
      props.apiPlatformKeys === 'own'
        ? (props.apiPlatformKeyStore ??
          new SigningKeyStore(this, 'ApiPlatformKeys', { purpose: 'api-platform' }))
        : undefined;
    this.apiPlatformCredentials =
      props.apiPlatformCredentials ?? new ApiPlatformCredentials(this, 'ApiPlatformCredentials');
    const edgeSecret =
      props.edgeSecret ?? new EdgeSecret(this, 'EdgeSecret', { deployment: props.edgeSecretDeployment });
    const settings = settingValues(
      props,
      {
        SESSION_TABLE: this.storage.sessions.tableName,
        PUBLISHED_KEYS_TABLE: this.storage.publishedKeys.tableName,
        IDENTIFIER_KEY_SECRET: this.storage.identifierKeySecret.secretArn,
        SIGNING_KEYS_SECRET: this.signingKeys.secret.secretArn,
        API_PLATFORM_KEYS_SECRET: (this.apiPlatformKeyStore ?? this.signingKeys).secret.secretArn,
        API_PLATFORM_CREDENTIALS_SECRET: this.apiPlatformCredentials.secret.secretArn,
        EDGE_SECRET: edgeSecret.secret.secretArn,
        KEY_RING_NAME: props.keyRingName ?? nameInStack(this),
      },
      deploymentProblems(props, reservedConcurrency, Stack.of(this)),
    );
    const upstreams = manifestOf(props);
    addNotices(this, props, reservedConcurrency, settings.CIS2_SCOPE);
    const logs = new BffLogs(this, 'Logs', { logRetention: props.logRetention });
    const eventsApi = sessionEvents ? new EventsApi(this, 'EventsApi') : undefined;
    this.functions = new BffFunctions(this, 'Functions', {
      storage: this.storage,
      signingKeys: this.signingKeys,
      apiPlatformKeyStore: this.apiPlatformKeyStore,
      apiPlatformCredentials: this.apiPlatformCredentials,
      edgeSecret,
      eventsApi,
      usesKms: props.keyCustody === 'kms' || props.keysRemainInKms === true,
      logs,
      settings,
      bundles: props.bundles ?? prebuiltBundles(),
      upstreams,
      reservedConcurrency,
    });
    new AuditTrail(this, 'AuditTrail', {
      copier: this.functions.live('audit-trail'),
      sources: this.functions.logGroups(),
    });
    const stores = [this.signingKeys, this.apiPlatformKeyStore].filter((store) => store !== undefined);
    new KeyRotation(this, 'KeyRotation', {
      rotator: this.functions.get('rotate-signing-keys'),
      rotatorTimeout: this.functions.timeout('rotate-signing-keys'),
      stores,
      publishedKeys: this.storage.publishedKeys,
      period: props.rotationPeriod ?? defaultRotationPeriod,
    });
    this.operatorRoles = new OperatorRoles(this, 'Operators', {
      functions: this.functions,
      auditLogGroup: this.storage.auditLogGroup,
      stores,
      alarmTopics: [this.alarmTopic, this.warningTopic],
      parts: [this, ...stores],
      principals: props.operatorPrincipals,
    });
    const rate = {
      requestsPerSecond: props.requestsPerSecond ?? defaultRequestsPerSecond,
      requestBurst: props.requestBurst ?? defaultRequestBurst,
    };
    eventsApi?.connect(this.functions, this.storage.sessions, rate);
    const httpApi = new BffHttpApi(this, 'HttpApi', {
      functions: this.functions,
      logs,
      upstreams,
      ...rate,
      originDomain: props.originDomain,
    });
    this.origin = httpApi.origin;
    this.api = httpApi.api;
    new CanarySchedule(this, 'Canary', this.functions.live('canary'));
    const edge = new WebEdge(this, 'WebEdge', {
      ...props,
      api: this.api,
      originDomainName: this.origin?.name,
      eventsApi,
      edgeSecret,
    });
    this.distribution = edge.distribution;
    this.bucket = edge.spaBucket;
    this.jwksUrl = `${props.baseUrl}/auth/jwks.json`;
    this.operate(props, settings, httpApi, stores);
    if (props.hostedZone !== undefined) {
      new AliasRecords(this, 'AliasRecords', {
        hostedZone: props.hostedZone,
        host: hostOf(props.baseUrl),
        distribution: this.distribution,
      });
    }
    this.outputs = addOutputs(this, {
      Installation: nameInStack(this),
      DistributionDomain: this.distribution.distributionDomainName,
      DistributionId: this.distribution.distributionId,
      SpaBucket: this.bucket?.bucketName,
      OriginTarget: this.origin?.regionalDomainName,
      JwksUrl: this.jwksUrl,
      Issuer: settings.CIS2_ISSUER,
      ClientId: settings.CIS2_CLIENT_ID,
      EndSessionUrl: settings.END_SESSION_URL,
      ApiPlatformTokenUrl: settings.API_PLATFORM_TOKEN_URL,
      UpstreamUrls: settings.UPSTREAMS,
      SigningKeysSecretArn: this.signingKeys.secret.secretArn,
      ApiPlatformKeysSecretArn: this.apiPlatformKeyStore?.secret.secretArn,
      ApiPlatformCredentialsSecretArn: this.apiPlatformCredentials.secret.secretArn,
      RotateSigningKeysFunction: this.functions.get('rotate-signing-keys').functionName,
      KeysStatusFunction: this.functions.live('keys-status').functionArn,
      OperatorSessionsFunction: this.functions.live('operator-sessions').functionArn,
      FunctionLogGroups: Fn.join(
        ',',
        [...this.functions.logGroups().values()].map(({ logGroupName }) => logGroupName),
      ),
      AuditLogGroup: this.storage.auditLogGroup.logGroupName,
      AlarmTopicArn: this.alarmTopic.topicArn,
      WarningTopicArn: this.warningTopic.topicArn,
      OperatorReadOnlyRoleArn: this.operatorRoles.readOnly.roleArn,
      OperatorRoleArn: this.operatorRoles.operator.roleArn,
    });
  }

  /**
   * Where the SPA's files go. Upload the hashed files under `assets/` first, the documents after them.
   *
   * @throws Error where the app brought its own distribution and no bucket
   */
  get spaBucket(): s3.IBucket {
    if (this.bucket === undefined)
      throw new Error('spaBucket: there is none, for the distribution is your own');
    return this.bucket;
  }

  /** Lets somebody upload the SPA's files. */
  grantDeploySpa(grantee: iam.IGrantable): iam.Grant {
    return this.spaBucket.grantReadWrite(grantee);
  }

  /** Lets somebody read how the signing keys are, and no key. */
  grantReadKeysStatus(grantee: iam.IGrantable): iam.Grant {
    return this.functions.live('keys-status').grantInvoke(grantee);
  }

  /** What is watched, shown, and brought back when it goes wrong. */
  private operate(
    props: Cis2BffProps,
    { KEY_RING_NAME: ringName, METRICS_NAMESPACE: namespace }: Readonly<Record<SettingName, string>>,
    { api, accessLogs }: BffHttpApi,
    stores: readonly SigningKeyStore[],
  ): void {
    const name = nameInStack(this);
    const metrics = new InstallationMetrics(namespace);
    const functions = this.functions.byName();
    const tables = { sessions: this.storage.sessions, 'published keys': this.storage.publishedKeys };
    const rings = Object.fromEntries(stores.map(({ purpose }) => [purpose, `${ringName}/${purpose}`]));
    const alarms = new BffAlarms(this, 'Alarms', {
      name,
      runbookUrl: props.runbookUrl ?? packagedRunbooks,
      topics: { critical: this.alarmTopic, warning: this.warningTopic },
      metrics,
      functions: this.functions.liveByName(),
      api,
      tables,
      rings,
      rotationPeriod: props.rotationPeriod ?? defaultRotationPeriod,
    });
    new BffDashboard(this, 'Dashboard', {
      name,
      metrics,
      alarms,
      api,
      functions,
      tables,
      rings,
      distributionId: this.distribution.distributionId,
    });
    new SavedQueries(this, 'Queries', {
      name,
      functions: this.functions.logGroups(),
      accessLogs,
      auditTrail: this.storage.auditLogGroup,
    });
    new BffReleases(this, 'Releases', {
      rollout: props.rollout ?? 'canary',
      releases: new Map(
        [...functions.keys()]
          .filter(isReleasedGradually)
          .map((called) => [
            called,
            { alias: this.functions.live(called), alarms: alarms.rollingBack(called) },
          ]),
      ),
    });
  }
}

/** The topics of the app's own, and those that are made for it. */
function topicsOf(scope: Construct, props: Cis2BffProps): Record<Severity, sns.ITopic> {
  const { alarmTopic, warningTopic, alarmEmail, warningEmail = alarmEmail } = props;
  if (alarmTopic !== undefined) return { critical: alarmTopic, warning: warningTopic ?? alarmTopic };
  const made = new AlarmTopics(scope, 'AlarmTopic');
  return {
    critical: made.add('critical', alarmEmail),
    warning: warningTopic ?? made.add('warning', warningEmail),
  };
}

const concurrencyOf = ({
  production = true,
  reservedConcurrency,
  sessionEvents,
}: Cis2BffProps): ReservedConcurrency =>
  reservedConcurrency === 'none'
    ? {}
    : {
        ...(production ? productionConcurrency : {}),
        ...(production && sessionEvents === true ? eventConcurrency : {}),
        ...reservedConcurrency,
      };
