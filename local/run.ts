import path from 'node:path';
import { manifestFileText } from '../lambdas/api/manifest-file.ts';
import { scopesRequirement, unneededScopes, type SettingName } from '../lambdas/settings/index.ts';
import { settingsOfConfig } from '../manifest/bff-config.ts';
import { contentSecurityPolicyOf, permissionsPolicyOf } from '../manifest/page-policies.ts';
import type { App } from './app.ts';
import { simulatedCacheSeconds, startApiServices } from './api-services.ts';
import type { ApiServices } from './api-services.ts';
import { assemblyDirectory, ensureBuilt, spaDirectory } from './build.ts';
import { readApi, readWebSocketApi } from './aws/apis.ts';
import { makeCustomResources, startCustomResourceResponses } from './aws/custom-resources.ts';
import { Functions, settingInTemplate } from './aws/functions.ts';
import { readAlarms, readOutputs } from './aws/outputs.ts';
import { makeRotationSchedules, makeSecrets, makeTables, putSecret, resolveSecret } from './aws/stores.ts';
import type { StoreEndpoints } from './aws/stores.ts';
import { originHeaders, readDistribution, withoutEvents, withPagePolicies } from './edge/cloudfront.ts';
import { DevelopmentServer } from './edge/development-server.ts';
import { startDynamoDb, type EmbeddedDynamoDb } from './aws/dynamodb.ts';
import { eventSources } from './aws/event-source-mappings.ts';
import { HttpApi } from './edge/http-api.ts';
import { HttpFront } from './edge/http-front.ts';
import { SessionEvents } from './edge/session-events.ts';
import type { Cis2Simulator } from './cis2-simulator/index.ts';
import { checkIssuer } from './issuer-check.ts';
import { startKms } from './aws/kms.ts';
import { telemetryPath } from './control-panel/path.ts';
import { startLambdaEndpoint } from './aws/lambda-endpoint.ts';
import { startLogsEndpoint } from './aws/cloudwatch-logs.ts';
import { calledAs } from './cli/called-as.ts';
import { createLogSink } from './cli/log.ts';
import type { LogFormat, LogSink } from './cli/log.ts';
import type { LoopbackServer } from './loopback-server.ts';
import { spaSource, type Options, type SpaSource } from './cli/options.ts';
import { readSchedules, runSchedules } from './aws/schedules.ts';
import { startSecretsManager } from './aws/secrets-manager.ts';
import type { SecretsManager } from './aws/secrets-manager.ts';
import { builtSpa } from './edge/spa.ts';
import { withTour } from './edge/tour.ts';
import { writeStateFile } from './state-file.ts';
import { accountId, Assembly } from './aws/template.ts';
import { telemetryOf } from './telemetry.ts';

/** Says what a start is doing once it has taken longer than anybody waits without wondering, in milliseconds. */
const maxSilence = 2_000;

/** Where everything is, as far as names of AWS's say it. */
const region = 'eu-west-2';

/** How long CIS2 does not read our keys again after it has, in seconds. */
const maxKeyRefetchSeconds = 60;

/** What is registered for us at the provider: those of our routes that it must know. */
const registered = {
  callback: '/auth/callback',
  publicKeys: '/auth/jwks.json',
  backchannelLogout: '/auth/backchannel-logout',
};

/** What a first page and a sign-in call. Their functions are loaded before all is ready, the others at their first request. */
const signInPaths: readonly string[] = ['/auth/session', '/auth/login', registered.callback];

/** Where a browser may be sent when it has signed out at the provider: a page of the app, not a route. */
const signedOutPageOf = (app: App): string => app.config.signedOutPath ?? '/signed-out';

/** A page for an app that has none yet. */
const nextStepsDirectory = path.join(import.meta.dirname, 'next-steps');

const nameOf = (directory: string): string =>
  directory === nextStepsDirectory ? 'ours, which says what to do next' : directory;

interface SignInService {
  readonly issuer: string;
  /** Of the simulator: address of its control panel. */
  readonly panel?: string;
  /** Address of the page with the run's metrics and audit trail. */
  readonly telemetry: string;
  readonly personas: readonly Cis2Simulator['personas'][number][];
}

/** Where the API platform finds our public keys, by whether it trusts those that CIS2 does. */
const keysOfApiPlatform: Readonly<Record<string, string>> = {
  shared: registered.publicKeys,
  own: '/auth/jwks/api-platform.json',
};

interface Started extends SignInService {
  readonly signedOutPage: string;
  readonly baseUrl: string;
  readonly port: number;
  readonly spa: string;
  readonly apis: ApiServices;
}

/** Something that is open, and is closed when the run ends. */
interface Closable {
  close(): void | Promise<void>;
}
export type Opened = <Thing extends Closable>(thing: Thing) => Thing;

/**
 * Starts the whole product, says when it is ready, and stays until it is stopped.
 *
 * @param stop - ends everything that was started
 * @throws StartError when it cannot start
 */
export async function run(options: Options, stop: AbortSignal, app: App): Promise<void> {
  const open: Closable[] = [];
  const opened: Opened = (thing) => {
    open.push(thing);
    return thing;
  };
  const { logFile: file, quiet } = options;
  const format = options.logFormat ?? (file === undefined && process.stdout.isTTY ? 'pretty' : 'json');
  const log = createLogSink({ file, quiet, format });
  const say = (line: string): void => {
    if (!options.quiet) process.stdout.write(`${line}\n`);
  };
  try {
    if (app.file === undefined) {
      say(
        'no bff.config here: this runs with the API that ships (pds), and a page that says what to do next',
      );
    }
    const started = await untilStopped(start(options, app, { say, log, opened, stop }), stop);
    say(summary(options, started, format));
    process.stdout.write(`ready ${started.baseUrl}\n`);
    log.open(addressLine(started));
    await untilStopped(new Promise<never>(() => undefined), stop);
  } finally {
    await Promise.allSettled(open.map(async (thing) => thing.close()));
    await log.close();
  }
}

interface Run {
  readonly say: (line: string) => void;
  readonly log: LogSink;
  readonly opened: Opened;
  readonly stop: AbortSignal;
}

async function start(options: Options, app: App, run: Run): Promise<Started> {
  const { say, log, opened, stop } = run;
  const during = <T>(what: string, work: Promise<T>): Promise<T> => {
    const timer = setTimeout(() => {
      say(`${what} …`);
    }, maxSilence);
    return work.finally(() => {
      clearTimeout(timer);
    });
  };

  const { upstreams, spa: page } = app.config;
  const source: SpaSource =
    options.spa ?? (page === undefined ? { directory: nextStepsDirectory } : spaSource(page, app.directory));
  const signedOutPage = signedOutPageOf(app);
  const isDemo = 'directory' in source && source.directory === spaDirectory;
  const server = 'server' in source ? new DevelopmentServer(source.server, say) : undefined;
  const given = 'directory' in source && !isDemo ? builtSpa(source.directory) : undefined;

  // The port first: when it is in use, nobody wants to have waited for a build.
  const hosts = options.baseUrl === undefined ? [] : [new URL(options.baseUrl).hostname];
  const front = opened(new HttpFront(log, hosts));
  const port = await front.takePort(options.port);
  // What runs on this machine calls it directly: a proxy in front may come later, with a certificate that only browsers take.
  const ownUrl = `http://localhost:${String(port)}`;
  const baseUrl = options.baseUrl ?? ownUrl;

  const [, signIn, { endpoints, secrets, dynamodb }] = await Promise.all([
    during('building what has changed', ensureBuilt({ say, signal: stop, demo: isDemo })),
    during('looking for the issuer', startSignIn(options, { port, ownUrl, baseUrl, signedOutPage }, run)),
    startStores(options, opened),
    server?.waitUntilReachable(stop),
  ]);

  const assembly = Assembly.read(assemblyDirectory);
  await during(
    'making the tables and the secrets',
    Promise.all([makeTables(assembly, endpoints.dynamodb), makeSecrets(assembly, endpoints.secretsManager)]),
  );

  // What the functions call, and the functions.
  const { issuer } = signIn;
  const jwksUri = ownUrl + (keysOfApiPlatform[settingInTemplate(assembly, 'API_PLATFORM_KEYS') ?? ''] ?? '');
  const names = Object.keys(upstreams);
  const apis = await startApiServices(options, { names, port, issuer, jwksUri, log, opened });
  const responses = opened(await startCustomResourceResponses());
  const overrides: Partial<Record<SettingName, string>> = {
    ...settingsOfConfig(app.config),
    ...options.settings,
    BASE_URL: baseUrl,
    CIS2_ISSUER: issuer,
    API_PLATFORM_TOKEN_URL: apis.tokenUrl,
    UPSTREAMS: JSON.stringify(apis.upstreams),
    CLOUDFORMATION_RESPONSE_ORIGIN: responses.url,
  };
  let events: SessionEvents | undefined;
  const functions = opened(
    new Functions(assembly, {
      endpoints: { ...endpoints, connections: () => events?.connectionsUrl },
      overrides,
      overridesBehindTheApi: { BASE_URL: ownUrl },
      manifest: manifestFileText(upstreams),
      log,
    }),
  );

  // Their routes, the keys and credentials that they need, and those that a sign-in calls: loaded before all is ready.
  const { routes, identity } = readApi(assembly, functions, names);
  const routeAt = (path: string): (typeof routes)[number] => {
    const route = routes.find(({ routeKey }) => routeKey.endsWith(` ${path}`));
    if (route === undefined) throw new Error(`the template has no route ${path}, which a sign-in needs`);
    return route;
  };
  Object.values(registered).forEach(routeAt);
  warnOfScopes(routes.map((route) => route.function.spec.environment.CIS2_SCOPE));
  await during('making the signing keys', makeCustomResources(assembly, functions, responses));
  responses.close();
  const credentials = settingInTemplate(assembly, 'API_PLATFORM_CREDENTIALS_SECRET') ?? '';
  await putSecret(endpoints.secretsManager, credentials, options.application);
  const signInFunctions = new Set(signInPaths.map((path) => routeAt(path).function));
  await during('starting the functions', functions.warm([...signInFunctions]));

  const listens = app.config.sessionEvents === true;
  // A store of somebody else's has no stream: pages that come to listen are refused, and ask.
  if (listens && dynamodb !== undefined) {
    const streams = eventSources(assembly, functions);
    events = opened(new SessionEvents(readWebSocketApi(assembly, functions), () => dynamodb.stream(streams)));
  }
  const distribution = readDistribution(assembly);
  front.serve({
    distribution: withPagePolicies(listens ? distribution : withoutEvents(distribution), {
      'content-security-policy': contentSecurityPolicyOf(app.config.contentSecurityPolicy),
      'permissions-policy': permissionsPolicyOf(app.config.permissionsPolicy),
    }),
    originHeaders: await Promise.all(
      originHeaders(assembly).map(
        async ([name, value]) => [name, await resolveSecret(endpoints.secretsManager, value)] as const,
      ),
    ),
    api: new HttpApi(routes, identity),
    events,
    spa: server ?? given ?? withTour(builtSpa(spaDirectory), signIn.panel),
    baseUrl,
  });

  // What the operator commands call, and where they find it.
  const lambda = opened(await startLambdaEndpoint((name) => functions.find(name)));
  const logs = opened(await startLogsEndpoint(() => log.recent()));
  await during('setting up the rotation of keys', startRotation(assembly, functions, secrets, opened));
  // Nobody would take the file away again.
  stop.throwIfAborted();
  const close = writeStateFile(port, {
    pid: process.pid,
    baseUrl,
    region,
    endpoints: { ...endpoints, lambda: lambda.url, logs: logs.url },
    outputs: {
      ...readOutputs(assembly, baseUrl),
      Issuer: issuer,
      ClientId: options.clientId,
      ...(options.settings.END_SESSION_URL === undefined
        ? {}
        : { EndSessionUrl: options.settings.END_SESSION_URL }),
      ApiPlatformTokenUrl: apis.tokenUrl,
      UpstreamUrls: JSON.stringify(apis.upstreams),
    },
    alarms: readAlarms(assembly),
  });
  opened({ close });
  const spa = isDemo ? 'demo app' : 'server' in source ? source.server.origin : nameOf(source.directory);
  return { ...signIn, baseUrl, port, spa, signedOutPage, apis };
}

/**
 * Has Secrets Manager and EventBridge run functions as the template says. What they run as soon as they are set up comes to
 * its end here, so that a run that is ready is quiet.
 *
 * @param secrets - absent: it is somebody else's, and so are its rotations
 */
async function startRotation(
  assembly: Assembly,
  functions: Functions,
  secrets: SecretsManager | undefined,
  opened: Opened,
): Promise<void> {
  if (secrets !== undefined) {
    secrets.rotateWith(
      async (arn, event) =>
        (await functions.find(arn)?.invoke(event)) ?? {
          ok: false,
          errorType: 'ResourceNotFoundException',
          errorMessage: `Function not found: ${arn}`,
        },
    );
    await makeRotationSchedules(assembly, secrets.url);
    await secrets.settled();
  }
  const schedules = readSchedules(assembly);
  const invoke = (schedule: (typeof schedules)[number]) =>
    functions.get(schedule.function).invoke(schedule.event);
  for (const schedule of schedules) await invoke(schedule);
  opened({ close: runSchedules(schedules, invoke) });
}

/** Warns of scopes that CIS2's assessors would have removed: nothing of the product uses them. */
function warnOfScopes(configured: readonly (string | undefined)[]): void {
  const unneeded = new Set(configured.flatMap((scope) => (scope === undefined ? [] : unneededScopes(scope))));
  if (unneeded.size === 0) return;
  process.stderr.write(
    `cis2-bff: warning: the template asks CIS2 for scopes that are not used: ${[...unneeded].join(', ')} (${scopesRequirement})\n`,
  );
}

/** The provider that the options name, or else the simulator of CIS2. */
async function startSignIn(
  options: Options,
  addresses: { port: number; ownUrl: string; baseUrl: string; signedOutPage: string },
  { log, opened }: Run,
): Promise<SignInService> {
  const { port, ownUrl, baseUrl, signedOutPage } = addresses;
  const telemetry = () => telemetryOf(log.recent());
  const portAfter = port < 65_535 ? port + 1 : 0;
  if (options.issuer !== undefined) {
    const warning = await checkIssuer(options.issuer);
    if (warning !== undefined) process.stderr.write(`cis2-bff: ${warning}\n`);
    const { startTelemetryServer } = await import('./telemetry-server.ts');
    const server = opened(await startTelemetryServer(telemetry, portAfter));
    return { issuer: options.issuer, telemetry: server.page, personas: [] };
  }
  const { startCis2Simulator } = await import('./cis2-simulator/index.ts');
  const simulator = opened(
    await startCis2Simulator({
      port: portAfter,
      fallbackToFreePort: true,
      keyRefetchSeconds: simulatedCacheSeconds(options, maxKeyRefetchSeconds),
      clients: [
        {
          clientId: options.clientId,
          redirectUris: [baseUrl + registered.callback],
          jwksUri: ownUrl + registered.publicKeys,
          backchannelLogoutUri: ownUrl + registered.backchannelLogout,
          postLogoutRedirectUris: [baseUrl + signedOutPage],
        },
      ],
      log: (line) => {
        log.entry('info', 'cis2_simulator', { message: line });
      },
      telemetry,
    }),
  );
  return { ...simulator, telemetry: new URL(telemetryPath, simulator.panel).href };
}

/** The services of AWS that the functions use: those that the options name, and embedded ones for the rest. */
async function startStores(
  options: Options,
  opened: Opened,
): Promise<{
  endpoints: StoreEndpoints;
  secrets: SecretsManager | undefined;
  dynamodb: EmbeddedDynamoDb | undefined;
}> {
  const startUnless = async <Server extends LoopbackServer>(
    given: string | undefined,
    startServer: () => Promise<Server>,
  ): Promise<{ url: string; embedded: Server | undefined }> => {
    if (given !== undefined) return { url: given, embedded: undefined };
    const embedded = opened(await startServer());
    return { url: embedded.url, embedded };
  };
  const place = { region, account: accountId };
  const [dynamodb, secrets, kms] = await Promise.all([
    startUnless(options.dynamodbEndpoint, startDynamoDb),
    startUnless(options.secretsEndpoint, () => startSecretsManager(place)),
    startUnless(options.kmsEndpoint, () => startKms(place)),
  ]);
  return {
    endpoints: { dynamodb: dynamodb.url, secretsManager: secrets.url, kms: kms.url },
    secrets: secrets.embedded,
    dynamodb: dynamodb.embedded,
  };
}

/** The first clause of a sentence: the whole stands on the sign-in page, and lines here should not wrap. */
const gist = (sentence: string): string => /^[^.,:]+/.exec(sentence)?.[0] ?? sentence;

/** The people most sign-ins are tried with; the others would fill the screen. */
function peopleToName(personas: SignInService['personas']): string[] {
  const everyday = personas.filter(({ group }) => group === 'everyday');
  const widest = Math.max(0, ...everyday.map(({ name }) => name.length));
  const others = personas.length - everyday.length;
  return [
    ...everyday.map(({ uid, name, summary: use }) => `${uid}  ${name.padEnd(widest)}  ${gist(use)}`),
    ...(others === 0 ? [] : [`and ${String(others)} with something awkward about them: see the panel`]),
  ].map((line) => `            ${line}`);
}

/** The addresses that a browser is sent to, in one line. */
const addressLine = ({ baseUrl, panel }: Started): string =>
  `  Open ${baseUrl}${panel === undefined ? '' : `  ·  Panel ${panel}`}`;

const logPlace: Readonly<Record<LogFormat, string>> = {
  json: 'below, one JSON object a line',
  pretty: 'below, a line a request; --log-format json has every entry whole',
};

/** What an operator of the provider has to enter for us there. */
const registrations = ({ baseUrl, signedOutPage }: Started): string[] =>
  [
    ['redirect URI', registered.callback],
    ['public keys', registered.publicKeys],
    ['back-channel logout', registered.backchannelLogout],
    ['after signing out', signedOutPage],
  ].map(([what = '', path = '']) => `            ${what.padEnd(21)}${baseUrl}${path}`);

function summary(options: Options, started: Started, format: LogFormat): string {
  const { baseUrl, port, spa, issuer, panel, telemetry, personas, apis } = started;
  const [tokens = '', ...upstreams] = apis.summary;
  return [
    '',
    `  Open      ${baseUrl}`,
    `  Page      ${spa}${spa === 'demo app' ? `, and a guided tour at ${baseUrl}/tour` : ''}`,
    ...(options.baseUrl === undefined ? [] : [`  Proxy to  http://localhost:${String(port)}`]),
    `  Sign-in   ${panel === undefined ? issuer : `CIS2 simulator, ${new URL(issuer).origin}`}`,
    ...peopleToName(personas),
    ...(panel === undefined ? registrations(started) : [`  Panel     ${panel}`]),
    `  APIs      ${tokens}`,
    ...upstreams.map((line) => `            ${line}`),
    `  Logs      ${options.logFile === undefined ? logPlace[format] : path.resolve(options.logFile)}`,
    `  Metrics   ${telemetry}`,
    `  Operate   ${calledAs('ops')} keys status --local ${String(port)}`,
    '  Stop      Ctrl+C',
    '',
  ].join('\n');
}

/** The work's result, unless the stop comes first: then it ends with the stop's reason. */
function untilStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onStop = (): void => {
      reject(stop.reason as Error);
    };
    if (stop.aborted) onStop();
    stop.addEventListener('abort', onStop, { once: true });
    work.then(resolve, reject);
  });
}
