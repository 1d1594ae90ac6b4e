import { randomInt, randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import type { CreateTableCommandInput, KeyType, ScalarAttributeType } from '@aws-sdk/client-dynamodb';
import { manifestFileName } from '../../lambdas/api/manifest-file.ts';
import type { SettingName } from '../../lambdas/settings/index.ts';
import { createTables } from './dynamodb.ts';
import { reasonOf, StartError } from '../errors.ts';
import type { ApiRoute } from '../edge/http-api.ts';
import type { WebSocketApi } from '../edge/session-events.ts';
import { LambdaFunction } from './lambda-runtime.ts';
import type { FunctionSpec } from './lambda-runtime.ts';
import type { LogSink } from '../cli/log.ts';
import type { LocalState } from '../state-file.ts';
import { startLoopbackServer } from '../loopback-server.ts';
import type { LoopbackServer } from '../loopback-server.ts';
import { accountId, isObject, listAt, objectAt, textOf } from './template.ts';
import type { Assembly, Json, JsonObject, Resource } from './template.ts';

/** Plays CloudFormation: makes what the template describes, as far as the functions can see it. */

/** Instances of one function at a time. In AWS it is more; here it shows that a function is not alone. */
const maxInstances = 4;
/** Every instance asks CIS2 for a key that it does not know, once a minute: one instance shows what one allows. */
const maxLogoutInstances = 1;

/** What an HTTP API waits for a function when the template does not say, in milliseconds. */
const defaultIntegrationTimeout = 30_000;

export interface StoreEndpoints {
  readonly dynamodb: string;
  readonly secretsManager: string;
  readonly kms: string;
}

export interface Endpoints extends StoreEndpoints {
  /** Where messages to connections are posted, once there are any: a function that posts is made then, at its first event. */
  readonly connections?: () => string | undefined;
}

/** Setting → the value that takes the place of the template's. */
export type Overrides = Readonly<Record<string, string>>;

const tableTypes = ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'];

const arnOf = (assembly: Assembly, resource: Resource, service: string, name: string): string =>
  `arn:aws:${service}:${assembly.regionOf(resource)}:${accountId}:${name}`;

/** CloudFormation's own names: the stack's and the resource's. */
const physicalName = (assembly: Assembly, resource: Resource, property: string): string => {
  const given = resource.properties[property];
  return given === undefined
    ? `${resource.stack}-${resource.logicalId}`
    : assembly.text(resource.stack, given);
};

/** Makes the tables of the template. */
export async function makeTables(assembly: Assembly, endpoint: string): Promise<void> {
  const byRegion = new Map<string, CreateTableCommandInput[]>();
  for (const resource of assembly.resources(...tableTypes)) {
    const name = physicalName(assembly, resource, 'TableName');
    const arn = arnOf(assembly, resource, 'dynamodb', `table/${name}`);
    assembly.define(resource, { ref: name, attributes: { Arn: arn, StreamArn: `${arn}/stream/local` } });
    const region = assembly.regionOf(resource);
    byRegion.set(region, [
      ...(byRegion.get(region) ?? []),
      {
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: listAt(resource.properties, 'KeySchema').map((key) => ({
          AttributeName: textOf(objectAt(key)['AttributeName']),
          KeyType: textOf(objectAt(key)['KeyType']) as KeyType,
        })),
        AttributeDefinitions: listAt(resource.properties, 'AttributeDefinitions').map((attribute) => ({
          AttributeName: textOf(objectAt(attribute)['AttributeName']),
          AttributeType: textOf(objectAt(attribute)['AttributeType']) as ScalarAttributeType,
        })),
      },
    ]);
  }
  await Promise.all([...byRegion].map(([region, tables]) => createTables(endpoint, region, tables)));
}

/** Makes the secrets of the template: empty, unless the template has a value for them or has one generated. */
export async function makeSecrets(assembly: Assembly, endpoint: string): Promise<void> {
  await Promise.all(
    assembly.resources('AWS::SecretsManager::Secret').map(async (resource) => {
      const name = physicalName(assembly, resource, 'Name');
      const value = resource.properties['SecretString'] ?? generatedValue(assembly, resource);
      const arn = await createSecret(endpoint, {
        Name: name,
        ClientRequestToken: randomUUID(),
        ...(value === undefined ? {} : { SecretString: assembly.text(resource.stack, value) }),
      });
      assembly.define(resource, { ref: arn, attributes: { Arn: arn } });
    }),
  );
}

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * The value that Secrets Manager would generate; undefined where the template asks for none.
 *
 * @throws StartError when it asks for anything but letters and digits
 */
function generatedValue(assembly: Assembly, { stack, logicalId, properties }: Resource): string | undefined {
  const wanted = properties['GenerateSecretString'];
  if (wanted === undefined) return undefined;
  const { PasswordLength = 32, ExcludePunctuation, ...others } = objectAt(assembly.resolve(stack, wanted));
  if (ExcludePunctuation !== true || Object.keys(others).length > 0) {
    throw new StartError(
      `the local run cannot generate the value of the secret ${logicalId}: only letters and digits, of some length`,
    );
  }
  return Array.from({ length: Number(PasswordLength) }, () =>
    alphanumeric.charAt(randomInt(alphanumeric.length)),
  ).join('');
}

/** Gives a secret a value, as somebody does by hand whose secret the template makes empty. */
export async function putSecret(endpoint: string, secretId: string, value: object): Promise<void> {
  const purpose = 'fill a secret';
  const response = await callSecretsManager(endpoint, purpose, 'PutSecretValue', {
    SecretId: secretId,
    ClientRequestToken: randomUUID(),
    SecretString: JSON.stringify(value),
  });
  arnIn(response, endpoint, purpose);
}

/**
 * A text of the template with a reference to a secret resolved, as CloudFormation does when it deploys.
 *
 * @throws StartError when there is no such secret
 */
export async function resolveSecret(endpoint: string, text: string): Promise<string> {
  const [, secretId] = /^\{\{resolve:secretsmanager:(.+):SecretString:*\}\}$/.exec(text) ?? [];
  if (secretId === undefined) return text;
  const response = await callSecretsManager(endpoint, 'read a secret', 'GetSecretValue', {
    SecretId: secretId,
    VersionStage: 'AWSCURRENT',
  });
  arnIn(response, endpoint, 'read a secret');
  return textOf(response['SecretString']);
}

async function createSecret(endpoint: string, input: JsonObject): Promise<string> {
  const purpose = 'make the secrets';
  let response = await callSecretsManager(endpoint, purpose, 'CreateSecret', input);
  if (/ResourceExistsException$/.test(textOf(response['__type']))) {
    response = await callSecretsManager(endpoint, purpose, 'DescribeSecret', {
      SecretId: input['Name'] ?? '',
    });
  }
  return arnIn(response, endpoint, purpose);
}

/**
 * Sets up the rotation of the template's secrets, as their schedules say.
 *
 * @param endpoint - of a Secrets Manager that can run the functions
 */
export async function makeRotationSchedules(assembly: Assembly, endpoint: string): Promise<void> {
  const purpose = 'set up the rotation';
  for (const { stack, properties } of assembly.resources('AWS::SecretsManager::RotationSchedule')) {
    const { SecretId, RotationLambdaARN, RotationRules, RotateImmediatelyOnUpdate } = properties;
    const response = await callSecretsManager(endpoint, purpose, 'RotateSecret', {
      SecretId: assembly.text(stack, SecretId ?? ''),
      ClientRequestToken: randomUUID(),
      RotationLambdaARN: assembly.text(stack, RotationLambdaARN ?? ''),
      RotationRules: assembly.resolve(stack, RotationRules ?? {}),
      RotateImmediately: RotateImmediatelyOnUpdate !== false,
    });
    arnIn(response, endpoint, purpose);
  }
}

/** One call at Secrets Manager without its SDK, whose loading would take longer than the rest of this step. */
async function callSecretsManager(
  endpoint: string,
  purpose: string,
  operation: string,
  body: JsonObject,
): Promise<JsonObject> {
  const text = await post(endpoint, `secretsmanager.${operation}`, JSON.stringify(body)).catch(
    (error: unknown) => {
      throw new StartError(`cannot ${purpose} at ${endpoint}: ${reasonOf(error)}`);
    },
  );
  return objectAt(JSON.parse(text) as Json);
}

/** The ARN of a secret, which every response about one has; a refusal has none. */
function arnIn(response: JsonObject, endpoint: string, purpose: string): string {
  const arn = response['ARN'];
  if (typeof arn === 'string') return arn;
  throw new StartError(`cannot ${purpose} at ${endpoint}: ${textOf(response['__type'] ?? 'no answer')}`);
}

const post = (url: string, target: string, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = send(
      url,
      {
        method: 'POST',
        timeout: 5_000,
        agent: false,
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': target,
          authorization:
            'AWS4-HMAC-SHA256 Credential=local/20000101/local/secretsmanager/aws4_request, SignedHeaders=host, Signature=local',
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve(Buffer.concat(chunks).toString());
        });
        response.on('error', reject);
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer within 5 s')));
    request.on('error', reject);
    request.end(body);
  });

/** The functions of the template, made when they are first asked for. */
export class Functions {
  readonly #assembly: Assembly;
  readonly #endpoints: Endpoints;
  readonly #overrides: Overrides;
  readonly #overridesBehindTheApi: Overrides;
  readonly #routed: ReadonlySet<Resource | undefined>;
  readonly #proxy: Resource | undefined;
  readonly #logout: Resource | undefined;
  readonly #manifest: string | undefined;
  /** Directories of code that only this run has. */
  readonly #temporary: string[] = [];
  readonly #log: LogSink;
  readonly #made = new Map<Resource, LambdaFunction>();
  /** By name and by ARN. */
  readonly #named = new Map<string, Resource>();

  /**
   * @param options.overrides - they reach only the functions that have a variable of that name
   * @param options.overridesBehindTheApi - the same, and only for functions that no route of the HTTP API leads to
   * @param options.manifest - text of the file that lies beside the proxy's code. @default what the template has there
   * @throws Error when no function has one: the local run and the template have drifted apart
   */
  constructor(
    assembly: Assembly,
    options: {
      endpoints: Endpoints;
      overrides: Overrides;
      overridesBehindTheApi?: Overrides;
      manifest?: string;
      log: LogSink;
    },
  ) {
    this.#assembly = assembly;
    this.#endpoints = options.endpoints;
    this.#overrides = options.overrides;
    this.#overridesBehindTheApi = { ...options.overrides, ...options.overridesBehindTheApi };
    const leads = integrations(assembly);
    this.#routed = new Set(leads.map(({ target }) => target));
    this.#proxy = leads.find(({ routeKey }) => upstreamRoute.test(routeKey))?.target;
    this.#logout = leads.find(({ routeKey }) => routeKey.endsWith(' /auth/backchannel-logout'))?.target;
    this.#manifest = options.manifest;
    this.#log = options.log;
    const used = new Set(
      assembly
        .resources('AWS::Lambda::Function')
        .flatMap((resource) => Object.keys(objectAt(resource.properties, 'Environment', 'Variables'))),
    );
    const unused = Object.keys(options.overrides).filter((name) => !used.has(name));
    if (unused.length > 0) throw new Error(`no function of the template reads ${unused.join(', ')}`);
    for (const resource of assembly.resources('AWS::Lambda::Function')) {
      const name = physicalName(assembly, resource, 'FunctionName');
      const arn = arnOf(assembly, resource, 'lambda', `function:${name}`);
      assembly.define(resource, { ref: name, attributes: { Arn: arn } });
      this.#named.set(name, resource).set(arn, resource);
    }
    for (const alias of assembly.resources('AWS::Lambda::Alias')) {
      const called = functionOf(assembly, alias);
      if (called === undefined) continue;
      const arn = `${assembly.text(called.stack, { 'Fn::GetAtt': [called.logicalId, 'Arn'] })}:${assembly.text(alias.stack, alias.properties['Name'] ?? '')}`;
      assembly.define(alias, { ref: arn });
      this.#named.set(arn, called);
    }
  }

  /** The function of a name or an ARN. */
  find(nameOrArn: string): LambdaFunction | undefined {
    const resource = this.#named.get(nameOrArn);
    return resource && this.get(resource);
  }

  get(resource: Resource): LambdaFunction {
    const made = this.#made.get(resource) ?? new LambdaFunction(this.#spec(resource), this.#log);
    this.#made.set(resource, made);
    return made;
  }

  /** @throws StartError when a function that has been made does not load */
  async warm(functions: readonly LambdaFunction[]): Promise<void> {
    await Promise.all(
      functions.map(async (made) => {
        const failure = await made.warm();
        if (failure !== undefined)
          throw new StartError(`the function ${made.spec.name} does not start: ${failure}`);
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#made.values()].map((made) => made.close()));
    for (const directory of this.#temporary) rmSync(directory, { recursive: true, force: true });
  }

  /** The proxy has the app's own manifest beside its code, where a deployment has it. */
  #codeOf(resource: Resource): string {
    const directory = this.#assembly.assetOf(resource);
    if (resource !== this.#proxy || this.#manifest === undefined) return directory;
    const copy = mkdtempSync(path.join(os.tmpdir(), 'cis2-bff-'));
    this.#temporary.push(copy);
    cpSync(directory, copy, { recursive: true });
    writeFileSync(path.join(copy, manifestFileName), this.#manifest);
    return copy;
  }

  #spec(resource: Resource): FunctionSpec {
    const { properties, stack } = resource;
    const number = (name: string, fallback: number): number => Number(properties[name] ?? fallback);
    const variables = Object.entries(objectAt(properties, 'Environment', 'Variables'));
    const overrides = this.#routed.has(resource) ? this.#overrides : this.#overridesBehindTheApi;
    const instances = resource === this.#logout ? maxLogoutInstances : maxInstances;
    const connections = this.#endpoints.connections?.();
    return {
      name: this.#assembly.text(stack, { Ref: resource.logicalId }),
      directory: this.#codeOf(resource),
      handler: this.#assembly.text(stack, properties['Handler'] ?? ''),
      timeoutSeconds: number('Timeout', 3),
      memoryMegabytes: number('MemorySize', 128),
      concurrency: Math.min(instances, number('ReservedConcurrentExecutions', instances)),
      region: this.#assembly.regionOf(resource),
      environment: {
        ...Object.fromEntries(
          variables
            // The SDK's own are for endpoints, which are here.
            .filter(([name]) => !name.startsWith('AWS_ENDPOINT_URL_'))
            .map(([name, value]) => [name, overrides[name] ?? this.#assembly.text(stack, value)]),
        ),
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_ENDPOINT_URL_DYNAMODB: this.#endpoints.dynamodb,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: this.#endpoints.secretsManager,
        AWS_ENDPOINT_URL_KMS: this.#endpoints.kms,
        ...(connections === undefined ? {} : { AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: connections }),
      },
    };
  }
}

/** What the functions of the template have for a setting; undefined when none of them has it. */
export function settingInTemplate(assembly: Assembly, name: SettingName): string | undefined {
  for (const { stack, properties } of assembly.resources('AWS::Lambda::Function')) {
    const value = objectAt(properties, 'Environment', 'Variables')[name];
    if (value !== undefined) return assembly.text(stack, value);
  }
  return undefined;
}

interface Integration {
  readonly routeKey: string;
  readonly api: Resource | undefined;
  readonly properties: JsonObject;
  readonly target: Resource | undefined;
}

/** Where the routes of the APIs lead. */
const integrations = (assembly: Assembly): Integration[] =>
  assembly.resources('AWS::ApiGatewayV2::Route').map((route) => {
    const integration = assembly.target(route.stack, route.properties['Target']);
    const uri = integration && assembly.target(integration.stack, integration.properties['IntegrationUri']);
    return {
      routeKey: assembly.text(route.stack, route.properties['RouteKey'] ?? ''),
      api: assembly.target(route.stack, route.properties['ApiId']),
      properties: integration?.properties ?? {},
      target: functionOf(assembly, uri),
    };
  });

/** The function that an alias stands for: here there is one version of it. */
const functionOf = (assembly: Assembly, found: Resource | undefined): Resource | undefined =>
  found?.type === 'AWS::Lambda::Alias'
    ? assembly.target(found.stack, found.properties['FunctionName'])
    : found;

const upstreamRoute = /^\S+ \/api\/([^/{}]+)\/\{proxy\+\}$/;

/**
 * The HTTP API of the template: its own name, and where its routes lead.
 *
 * @param upstreams - those that there are routes for, in place of those of the template
 */
export function readApi(
  assembly: Assembly,
  functions: Functions,
  upstreams: readonly string[] = upstreamsInTemplate(assembly),
): { routes: ApiRoute[]; identity: { id: string; domainName: string } } {
  const [api, another] = assembly
    .resources('AWS::ApiGatewayV2::Api')
    .filter((found) => !isWebSocketApi(found));
  if (api === undefined || another !== undefined) throw new StartError('the template must have one HTTP API');
  const id = 'localhttpapi';
  const routes = integrations(assembly)
    .filter((integration) => !isWebSocketApi(integration.api))
    .map(({ routeKey, properties, target }): ApiRoute => {
      if (properties['PayloadFormatVersion'] !== '2.0' || target?.type !== 'AWS::Lambda::Function') {
        throw new StartError(
          `the route ${routeKey} of the template does not lead to a function in format 2.0`,
        );
      }
      return {
        routeKey,
        function: functions.get(target),
        timeoutMilliseconds: Number(properties['TimeoutInMillis'] ?? defaultIntegrationTimeout),
      };
    });
  const proxy = routes.find(({ routeKey }) => upstreamRoute.test(routeKey));
  if (proxy === undefined && upstreams.length > 0) {
    throw new StartError('the template has no route of an upstream');
  }
  return {
    routes: [
      ...routes.filter(({ routeKey }) => !upstreamRoute.test(routeKey)),
      ...(proxy === undefined
        ? []
        : upstreams.map((name) => ({ ...proxy, routeKey: `ANY /api/${name}/{proxy+}` }))),
    ],
    identity: { id, domainName: `${id}.execute-api.${assembly.regionOf(api)}.amazonaws.com` },
  };
}

/** Whether an API of the template is one for WebSockets. */
export const isWebSocketApi = (api: Resource | undefined): boolean =>
  api?.properties['ProtocolType'] === 'WEBSOCKET';

/**
 * The WebSocket API of the template: its own name, and the function that connections lead to.
 *
 * @throws StartError when it has other routes than `$connect`
 */
export function readWebSocketApi(assembly: Assembly, functions: Functions): WebSocketApi {
  const [connect, another] = integrations(assembly).filter(({ api }) => isWebSocketApi(api));
  if (
    connect?.target?.type !== 'AWS::Lambda::Function' ||
    connect.routeKey !== '$connect' ||
    another !== undefined
  ) {
    throw new StartError('the WebSocket API of the template must have the one route $connect, to a function');
  }
  const stage = assembly
    .resources('AWS::ApiGatewayV2::Stage')
    .find(({ stack, properties }) => isWebSocketApi(assembly.target(stack, properties['ApiId'])));
  const id = 'localwebsocketapi';
  return {
    id,
    domainName: `${id}.execute-api.${assembly.regionOf(connect.target)}.amazonaws.com`,
    stage: stage === undefined ? '' : assembly.text(stage.stack, stage.properties['StageName'] ?? ''),
    connect: functions.get(connect.target),
    timeoutMilliseconds: Number(connect.properties['TimeoutInMillis'] ?? defaultIntegrationTimeout),
  };
}

/** The upstreams of the API proxy, by the routes that lead to it. */
const upstreamsInTemplate = (assembly: Assembly): string[] =>
  integrations(assembly).flatMap(({ routeKey }) => upstreamRoute.exec(routeKey)?.[1] ?? []);

/**
 * The outputs of the stacks as a local run has them.
 *
 * @param baseUrl - stands in every address on the origin that the template is for
 */
export function readOutputs(assembly: Assembly, baseUrl: string): Record<string, string> {
  const deployedAt = settingInTemplate(assembly, 'BASE_URL');
  return Object.fromEntries(
    Object.entries(assembly.outputs()).map(([name, value]) => [
      name,
      deployedAt !== undefined && (value === deployedAt || value.startsWith(`${deployedAt}/`))
        ? baseUrl + value.slice(deployedAt.length)
        : value,
    ]),
  );
}

/** The alarms of the stacks, as a deployment would have them. */
export const readAlarms = (assembly: Assembly): LocalState['alarms'] =>
  assembly
    .resources('AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm')
    .map(({ logicalId, properties }) => ({
      name: textOf(properties['AlarmName']) || logicalId,
      description: textOf(properties['AlarmDescription']),
      actions: listAt(properties, 'AlarmActions').length,
      enabled: properties['ActionsEnabled'] !== false,
    }));

/** Where the responses for custom resources go: every request at an address of its own. */
export interface CustomResourceResponses extends LoopbackServer {
  expect(): { readonly address: string; readonly response: Promise<JsonObject> };
}

export async function startCustomResourceResponses(): Promise<CustomResourceResponses> {
  const expected = new Map<string, (result: JsonObject) => void>();
  const server = await startLoopbackServer((request, body) => {
    const resolve = request.method === 'PUT' ? expected.get(request.url ?? '') : undefined;
    resolve?.(objectAt(JSON.parse(body) as Json));
    return Promise.resolve({ status: resolve === undefined ? 403 : 200, body: '' });
  });
  return {
    ...server,
    expect: () => {
      const path = `/${randomUUID()}`;
      const response = new Promise<JsonObject>((resolve) => expected.set(path, resolve));
      return { address: server.url + path, response };
    },
  };
}

/** Runs the custom resources of the template, each by the function that its service token names. */
export async function makeCustomResources(
  assembly: Assembly,
  functions: Functions,
  responses: CustomResourceResponses,
): Promise<void> {
  const resources = assembly.resources(
    ...new Set(assembly.types().filter((type) => type.startsWith('Custom::'))),
    'AWS::CloudFormation::CustomResource',
  );
  for (const resource of resources) {
    const token = resource.properties['ServiceToken'];
    const target = assembly.target(resource.stack, token);
    if (target?.type !== 'AWS::Lambda::Function') {
      throw new StartError(`the custom resource ${resource.logicalId} of the template leads to no function`);
    }
    await createCustomResource(assembly, resource, functions.get(target), responses);
  }
}

async function createCustomResource(
  assembly: Assembly,
  resource: Resource,
  target: LambdaFunction,
  responses: CustomResourceResponses,
): Promise<void> {
  const { address, response } = responses.expect();
  const properties = assembly.resolve(resource.stack, resource.properties);
  const invocation = target.invoke({
    RequestType: 'Create',
    ServiceToken: isObject(properties) ? properties['ServiceToken'] : undefined,
    ResponseURL: address,
    StackId: arnOf(assembly, resource, 'cloudformation', `stack/${resource.stack}/${randomUUID()}`),
    RequestId: randomUUID(),
    LogicalResourceId: resource.logicalId,
    ResourceType: resource.type,
    ResourceProperties: properties,
  });
  // The response goes to the address in the event; what the function returns says only that it came to its end.
  const silent = invocation.then((result) => ({
    Status: 'FAILED',
    Reason: result.ok
      ? 'the function ended without an answer'
      : `${result.errorType}: ${result.errorMessage}`,
  }));
  const outcome: JsonObject = await Promise.race([
    response,
    silent.then((end) => Promise.race([response, afterTurn(end)])),
  ]);
  if (outcome['Status'] !== 'SUCCESS') {
    throw new StartError(`${resource.type} could not be made: ${textOf(outcome['Reason'])}`);
  }
  const attributes = Object.entries(objectAt(outcome, 'Data')).map(([name, value]) => [name, textOf(value)]);
  assembly.define(resource, {
    ref: textOf(outcome['PhysicalResourceId']),
    attributes: Object.fromEntries(attributes) as Record<string, string>,
  });
  await invocation;
}

/** Lets a response that is already on its way through the loopback socket come first. */
const afterTurn = <T>(value: T): Promise<T> =>
  new Promise((resolve) =>
    setTimeout(() => {
      resolve(value);
    }, 200),
  );
