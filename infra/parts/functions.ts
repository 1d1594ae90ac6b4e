import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { manifestFileName, manifestFileText } from '../../lambdas/api/manifest-file.ts';
import { routes } from '../../lambdas/routes.ts';
import { eventFunctionSettings, functionSettings } from '../../lambdas/settings/index.ts';
import type { EventFunctionName, FunctionName, SettingName } from '../../lambdas/settings/index.ts';
import {
  acknowledgeKeysByTag,
  kmsKeepingStatements,
  kmsMakingStatements,
  kmsSigningStatements,
} from './signing-key-store.ts';
import type { UpstreamDefinitions } from '../../manifest/index.ts';
import type { ApiPlatformCredentials } from './api-platform.ts';
import type { EdgeSecret } from './edge-secret.ts';
import type { SigningKeyStore } from './signing-key-store.ts';
import type { BffLogs } from './logs.ts';
import { pascalCase } from './names.ts';
import { retainOnUpdateOrDelete } from './removal.ts';
import type { EventsApi } from './session-events.ts';
import { allow } from './statements.ts';
import type { BffStorage } from './storage.ts';

/** Function → how many of its instances may run at once. One that is not named shares what the account has left. */
export type ReservedConcurrency = Readonly<Partial<Record<FunctionName, number>>>;

export interface BffFunctionsProps {
  readonly storage: BffStorage;
  /** The keys that CIS2 trusts. */
  readonly signingKeys: SigningKeyStore;
  /** The keys that the API platform trusts, where they are not the same. */
  readonly apiPlatformKeyStore: SigningKeyStore | undefined;
  readonly apiPlatformCredentials: ApiPlatformCredentials;
  readonly edgeSecret: EdgeSecret;
  /** Where pages listen for the end of their session, where they do. */
  readonly eventsApi: EventsApi | undefined;
  /** Whether the rings may hold keys that KMS keeps. */
  readonly usesKms: boolean;
  readonly logs: BffLogs;
  /** Directory with one bundle a function, `<name>/index.mjs`. */
  readonly bundles: string;
  /** The route manifest, which is deployed beside the proxy's bundle. */
  readonly upstreams: UpstreamDefinitions;
  /** Every setting as text; each function gets those it reads and no others. */
  readonly settings: Readonly<Record<SettingName, string>>;
  readonly reservedConcurrency: ReservedConcurrency;
}

interface Size {
  readonly description: string;
  /** @default 512, which is enough for what only reads and answers */
  readonly memoryMegabytes?: number;
  readonly timeout: Duration;
}

const sizes: Readonly<Record<FunctionName, Size>> = {
  login: {
    description: 'CIS2 BFF: sends people to CIS2 to sign in',
    // An instance that is new waits for Secrets Manager and for CIS2's metadata.
    timeout: Duration.seconds(10),
  },
  callback: {
    description: 'CIS2 BFF: ends a sign-in with a session. It can use the signing keys that CIS2 trusts',
    memoryMegabytes: 1_024,
    timeout: Duration.seconds(10),
  },
  session: {
    description: 'CIS2 BFF: reads, extends and ends a session, and changes its role',
    // Ending a listed session is five calls one after the other, each of which the store may be late with.
    timeout: Duration.seconds(10),
  },
  'api-proxy': {
    description:
      "CIS2 BFF: forwards calls with the user's token. It can use the signing keys that the API platform trusts",
    // A call takes 3 ms of a whole CPU, as measured, and waits for the rest: 10 ms with this memory, 5 with twice as much.
    memoryMegabytes: 512,
    // An upstream may take 20 seconds, a token that has to be got first some of the rest.
    timeout: Duration.seconds(28),
  },
  'backchannel-logout': {
    description: 'CIS2 BFF: ends sessions when CIS2 says so',
    timeout: Duration.seconds(10),
  },
  jwks: {
    description: 'CIS2 BFF: serves the public signing keys',
    timeout: Duration.seconds(5),
  },
  'unknown-route': {
    description: 'CIS2 BFF: answers every path that is not a route',
    timeout: Duration.seconds(5),
  },
  'keys-status': {
    description: 'CIS2 BFF: shows operators the state of the signing keys. It can read and change no key',
    // Secrets Manager may take some seconds to show what was done to it.
    timeout: Duration.seconds(20),
  },
  canary: {
    description: 'CIS2 BFF: looks from outside, every five minutes, whether people can sign in',
    // Six requests, of ten seconds at most each, which are made one after the other.
    timeout: Duration.seconds(60),
  },
  'operator-sessions': {
    description: "CIS2 BFF: shows operators a user's sessions, and ends a user's or everybody's",
    // It goes through everybody's sessions for a quarter of a minute at a time.
    timeout: Duration.seconds(30),
  },
  'audit-trail': {
    description: "CIS2 BFF: copies the audit events of every function's log to a log group of their own",
    memoryMegabytes: 256,
    timeout: Duration.seconds(30),
  },
  'session-events': {
    description: 'CIS2 BFF: notes which connection hears of a session’s end. It can read no session',
    timeout: Duration.seconds(5),
  },
  'session-end-events': {
    description: 'CIS2 BFF: has the pages of ended sessions ask who is signed in',
    timeout: Duration.seconds(10),
  },
  'rotate-signing-keys': {
    description:
      'CIS2 BFF: makes, rotates and publishes the signing keys. The only function that writes them',
    // One whole CPU, which making an RSA key needs.
    memoryMegabytes: 1_769,
    // A rotation's test waits until the set of keys is seen through the edge, which keeps the old one for a minute.
    timeout: Duration.seconds(180),
  },
};

/** Calls `use` with a temporary copy of a directory that has one file more. CDK copies an asset when the function is made. */
function withFile<T>(directory: string, file: string, content: string, use: (directory: string) => T): T {
  const copy = mkdtempSync(join(tmpdir(), 'cis2-bff-'));
  try {
    cpSync(directory, copy, { recursive: true });
    writeFileSync(join(copy, file), content);
    return use(copy);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const tracing = allow('Traces', ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], ['*']);

/** Whether requests reach a function, by a route of the gateway. */
export const isBehindTheApi = (name: FunctionName): boolean =>
  Object.hasOwn(routes, name) || name === 'api-proxy' || name === 'unknown-route';

/** Whether pages call the function: a new version takes over gradually, and an alarm rolls it back. */
export const isReleasedGradually = (name: FunctionName): boolean =>
  isBehindTheApi(name) || name === 'session-events';

/**
 * Functions whose calls to other services are worth a trace: where the time of a slow request went. X-Ray takes the first request a
 * second and one in twenty of the others; no library of its own is loaded. Elsewhere the time is the function's own or the store's,
 * and the log line of a request has it.
 */
const traced: readonly FunctionName[] = ['callback', 'api-proxy'];

type Rights = Readonly<Record<Exclude<FunctionName, EventFunctionName>, readonly iam.PolicyStatement[]>> &
  Readonly<Partial<Record<EventFunctionName, readonly iam.PolicyStatement[]>>>;

/** A function, and the name under which the version that is in force is called. */
interface DeployedFunction {
  readonly made: lambda.Function;
  readonly live: lambda.Alias;
  readonly logGroup: logs.LogGroup;
}

/** The deployed functions, each with a role, a log group and settings of its own. */
export class BffFunctions extends Construct {
  private readonly functions: ReadonlyMap<FunctionName, DeployedFunction>;

  constructor(scope: Construct, id: string, props: BffFunctionsProps) {
    super(scope, id);
    const { storage, signingKeys, apiPlatformKeyStore, apiPlatformCredentials, usesKms, settings } = props;
    const { edgeSecret: edge, eventsApi } = props;
    const stores = apiPlatformKeyStore === undefined ? [signingKeys] : [signingKeys, apiPlatformKeyStore];
    const platformKeys = apiPlatformKeyStore ?? signingKeys;
    const ofCis2 = { name: settings.KEY_RING_NAME, purposes: [signingKeys.purpose] };
    const ofPlatform = { name: settings.KEY_RING_NAME, purposes: [platformKeys.purpose] };
    const ofAll = { name: settings.KEY_RING_NAME, purposes: stores.map(({ purpose }) => purpose) };
    const makesInKms = settings.KEY_CUSTODY === 'kms';

    /** What each function may do. */
    const rights: Rights = {
      login: edge.readStatements(),
      callback: [
        ...storage.sessionStatements({
          BatchGetItem: ['session#*'],
          DeleteItem: ['session#*'],
          GetItem: ['warm-up'],
          PutItem: ['session#*', 'attempt#*'],
          UpdateItem: ['session#*', 'user#*', 'provider-session#*'],
        }),
        ...edge.readStatements(),
        ...storage.identifierKeyStatements(),
        ...signingKeys.readStatements(),
        ...(usesKms ? kmsSigningStatements(ofCis2) : []),
      ],
      session: [
        ...edge.readStatements(),
        ...storage.sessionStatements({
          BatchGetItem: ['session#*'],
          DeleteItem: ['session#*'],
          GetItem: ['session#*', 'user#*', 'warm-up'],
          Query: ['session#*'],
          UpdateItem: ['session#*', 'user#*', 'provider-session#*'],
        }),
      ],
      'api-proxy': [
        ...edge.readStatements(),
        ...storage.sessionStatements({
          ConditionCheckItem: ['session#*'],
          GetItem: ['session#*', 'warm-up'],
          Query: ['session#*'],
          UpdateItem: ['session#*'],
        }),
        ...platformKeys.readStatements(),
        ...(usesKms ? kmsSigningStatements(ofPlatform) : []),
        ...apiPlatformCredentials.readStatements(),
      ],
      'backchannel-logout': [
        ...edge.readStatements(),
        ...storage.sessionStatements({
          GetItem: ['user#*', 'provider-session#*', 'logout-token#*', 'warm-up'],
          PutItem: ['logout-token#*'],
          UpdateItem: ['session#*', 'user#*', 'provider-session#*'],
        }),
        ...storage.identifierKeyStatements(),
      ],
      jwks: storage.publishedKeyStatements({ GetItem: ['jwks#*'] }),
      'unknown-route': [],
      'keys-status': [
        ...storage.publishedKeyStatements({ GetItem: ['jwks#*', 'rotation#*'] }),
        ...stores.map((store) => store.describeStatement()),
      ],
      canary: storage.publishedKeyStatements({ GetItem: ['jwks#*'] }),
      'operator-sessions': [
        ...storage.sessionStatements({
          BatchGetItem: ['session#*'],
          GetItem: ['user#*'],
          UpdateItem: ['session#*', 'user#*'],
        }),
        storage.sessionScanStatement(),
        ...storage.identifierKeyStatements(),
      ],
      'audit-trail': [],
      'rotate-signing-keys': [
        ...storage.publishedKeyStatements({
          GetItem: ['jwks#*'],
          PutItem: ['jwks#*', 'rotation#*'],
        }),
        ...stores.flatMap((store) => store.writeStatements()),
        ...(usesKms ? [...kmsSigningStatements(ofAll), ...kmsKeepingStatements(ofAll)] : []),
        ...(makesInKms ? kmsMakingStatements(ofAll, settings.SIGNING_KEY_BITS) : []),
      ],
      ...(eventsApi === undefined
        ? {}
        : {
            'session-events': [
              ...edge.readStatements(),
              ...storage.sessionStatements({ UpdateItem: ['session#*'] }),
            ],
            'session-end-events': [...storage.sessionStreamStatements(), eventsApi.postStatement()],
          }),
    };
    this.functions = new Map(
      (Object.entries(rights) as [FunctionName, readonly iam.PolicyStatement[]][]).map(
        ([name, statements]) => [name, this.add(name, props, statements)],
      ),
    );
    if (eventsApi !== undefined) this.postTo(eventsApi, this.get('session-end-events'));
  }

  private postTo(api: EventsApi, sender: lambda.Function): void {
    // The SDK's own variable for the address of a service.
    sender.addEnvironment('AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI', api.connectionsUrl);
    if (sender.role !== undefined) api.acknowledgePosts(sender.role);
  }

  /** @throws Error for a function that this deployment has not */
  private one(name: FunctionName): DeployedFunction {
    const found = this.functions.get(name);
    if (found === undefined) throw new Error(`there is no function ${name} without sessionEvents`);
    return found;
  }

  get(name: FunctionName): lambda.Function {
    return this.one(name).made;
  }

  /** The version in force: what requests and schedules call. */
  live(name: FunctionName): lambda.Alias {
    return this.one(name).live;
  }

  /** Every function, by name. */
  byName(): ReadonlyMap<FunctionName, lambda.Function> {
    return this.each(({ made }) => made);
  }

  /** The version in force of every function, by name. */
  liveByName(): ReadonlyMap<FunctionName, lambda.Alias> {
    return this.each(({ live }) => live);
  }

  /** Every function's log, by its name; without the audit trail, which repeats lines of the others. */
  logGroups(): ReadonlyMap<FunctionName, logs.LogGroup> {
    const groups = this.each(({ logGroup }) => logGroup);
    groups.delete('audit-trail');
    return groups;
  }

  private each<T>(part: (deployed: DeployedFunction) => T): Map<FunctionName, T> {
    return new Map([...this.functions].map(([name, deployed]) => [name, part(deployed)]));
  }

  /** The maximum time that the function may take for one event. */
  timeout(name: FunctionName): Duration {
    return sizes[name].timeout;
  }

  private add(
    name: FunctionName,
    props: BffFunctionsProps,
    statements: readonly iam.PolicyStatement[],
  ): DeployedFunction {
    const { description, memoryMegabytes = 512, timeout } = sizes[name];
    const scope = new Construct(this, pascalCase(name));
    const logGroup = name === 'audit-trail' ? props.storage.auditLogGroup : props.logs.group(scope, 'Logs');
    // Everything the function may do stands in this one inline policy: a managed policy would say more than it needs.
    const role = new iam.Role(scope, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: {
        [name]: new iam.PolicyDocument({
          statements: [
            allow('Logs', ['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]),
            ...(traced.includes(name) ? [tracing] : []),
            ...statements,
          ],
        }),
      },
    });
    acknowledgeKeysByTag(role, statements);
    if (traced.includes(name)) {
      Validations.of(role).acknowledge({
        id: 'AwsSolutions-IAM5[Resource::*]',
        reason:
          'Traces are no resources: the right to send them is for all or none. Nothing can be read with it.',
      });
    }
    const make = (code: string): lambda.Function =>
      new lambda.Function(scope, 'Function', {
        description,
        runtime: lambda.Runtime.NODEJS_24_X,
        architecture: lambda.Architecture.ARM_64,
        handler: 'index.handler',
        code: lambda.Code.fromAsset(code),
        memorySize: memoryMegabytes,
        timeout,
        environment: Object.fromEntries(
          { ...functionSettings, ...eventFunctionSettings }[name].map((setting) => [
            setting,
            props.settings[setting],
          ]),
        ),
        reservedConcurrentExecutions: props.reservedConcurrency[name],
        role,
        logGroup,
        // The functions write one JSON object a line themselves. Lambda adds what ended badly, and no line for every call.
        loggingFormat: lambda.LoggingFormat.JSON,
        systemLogLevelV2: lambda.SystemLogLevel.WARN,
        // What a version is made of stays with it, so that an older one can be gone back to.
        currentVersionOptions: { removalPolicy: retainOnUpdateOrDelete },
      });
    const bundle = join(props.bundles, name);
    const made =
      name === 'api-proxy'
        ? withFile(bundle, manifestFileName, manifestFileText(props.upstreams), make)
        : make(bundle);
    if (traced.includes(name)) {
      // The construct's own switch would put the right into a policy of its own.
      (made.node.defaultChild as lambda.CfnFunction).tracingConfig = { mode: lambda.Tracing.ACTIVE };
    }
    const live = new lambda.Alias(scope, 'Live', { aliasName: 'live', version: made.currentVersion });
    return { made, live, logGroup };
  }
}
