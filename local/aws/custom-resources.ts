/** Makes the custom resources of the template. */
import { randomUUID } from 'node:crypto';
import { StartError } from '../errors.ts';
import { startLoopbackServer } from '../loopback-server.ts';
import type { LoopbackServer } from '../loopback-server.ts';
import type { Functions } from './functions.ts';
import type { LambdaFunction } from './lambda-runtime.ts';
import { arnOf, isObject, objectAt, textOf } from './template.ts';
import type { Assembly, Json, JsonObject, Resource } from './template.ts';

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
