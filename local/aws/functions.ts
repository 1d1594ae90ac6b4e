/** Makes the functions of the template. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { manifestFileName } from '../../lambdas/api/manifest-file.ts';
import type { SettingName } from '../../lambdas/settings/index.ts';
import type { LogSink } from '../cli/log.ts';
import { StartError } from '../errors.ts';
import { functionOf, integrations, upstreamRoute } from './apis.ts';
import { LambdaFunction } from './lambda-runtime.ts';
import type { FunctionSpec } from './lambda-runtime.ts';
import type { StoreEndpoints } from './stores.ts';
import { arnOf, objectAt, physicalName } from './template.ts';
import type { Assembly, Resource } from './template.ts';

/** Instances of one function at a time. In AWS it is more; here it shows that a function is not alone. */
const maxInstances = 4;
/** Every instance asks CIS2 for a key that it does not know, once a minute: one instance shows what one allows. */
const maxLogoutInstances = 1;

interface Endpoints extends StoreEndpoints {
  /** Where messages to connections are posted, once there are any: a function that posts is made then, at its first event. */
  readonly connections?: () => string | undefined;
}

/** Setting → the value that takes the place of the template's. */
type Overrides = Readonly<Record<string, string>>;

interface FunctionsOptions {
  readonly endpoints: Endpoints;
  /** They reach only the functions that have a variable of that name. */
  readonly overrides: Overrides;
  /** The same, and only for functions that no route of the HTTP API leads to. */
  readonly overridesBehindTheApi?: Overrides;
  /** Text of the file that lies beside the proxy's code. @default what the template has there */
  readonly manifest?: string;
  readonly log: LogSink;
}

/** The functions of the template, made when they are first asked for. */
export class Functions {
  readonly #assembly: Assembly;
  readonly #options: FunctionsOptions;
  readonly #routed: ReadonlySet<Resource | undefined>;
  readonly #proxy: Resource | undefined;
  readonly #logout: Resource | undefined;
  /** Directories of code that only this run has. */
  readonly #temporary: string[] = [];
  readonly #made = new Map<Resource, LambdaFunction>();
  /** By name and by ARN. */
  readonly #named = new Map<string, Resource>();

  /** @throws Error when no function reads an override: the local run and the template have drifted apart */
  constructor(assembly: Assembly, options: FunctionsOptions) {
    this.#assembly = assembly;
    this.#options = options;
    const leads = integrations(assembly);
    this.#routed = new Set(leads.map(({ target }) => target));
    this.#proxy = leads.find(({ routeKey }) => upstreamRoute.test(routeKey))?.target;
    this.#logout = leads.find(({ routeKey }) => routeKey.endsWith(' /auth/backchannel-logout'))?.target;
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
    const made = this.#made.get(resource) ?? new LambdaFunction(this.#spec(resource), this.#options.log);
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
    const { manifest } = this.#options;
    if (resource !== this.#proxy || manifest === undefined) return directory;
    const copy = mkdtempSync(path.join(os.tmpdir(), 'cis2-bff-'));
    this.#temporary.push(copy);
    cpSync(directory, copy, { recursive: true });
    writeFileSync(path.join(copy, manifestFileName), manifest);
    return copy;
  }

  #spec(resource: Resource): FunctionSpec {
    const { properties, stack } = resource;
    const number = (name: string, fallback: number): number => Number(properties[name] ?? fallback);
    const variables = Object.entries(objectAt(properties, 'Environment', 'Variables'));
    const { endpoints } = this.#options;
    const overrides = {
      ...this.#options.overrides,
      ...(this.#routed.has(resource) ? {} : this.#options.overridesBehindTheApi),
    };
    const instances = resource === this.#logout ? maxLogoutInstances : maxInstances;
    const connections = endpoints.connections?.();
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
        AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
        AWS_ENDPOINT_URL_KMS: endpoints.kms,
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
