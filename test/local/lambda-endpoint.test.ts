import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import type { InvokeCommandInput } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startLambdaEndpoint } from '../../local/aws/lambda-endpoint.ts';
import { LambdaFunction } from '../../local/aws/lambda-runtime.ts';
import type { LoopbackServer } from '../../local/loopback-server.ts';
import { localAws } from '../support/aws-client.ts';
import { collectedLog, send } from './helpers.ts';

const arn = 'arn:aws:lambda:eu-west-2:000000000000:function:echo';
let directory: string;
let echo: LambdaFunction;
let endpoint: LoopbackServer;
let client: LambdaClient;

beforeAll(async () => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'lambda-endpoint-'));
  writeFileSync(
    path.join(directory, 'index.mjs'),
    `export const handler = async (event) => {
       if (event?.fail) throw new TypeError('made to fail');
       return { seen: event };
     };`,
  );
  echo = new LambdaFunction(
    {
      name: 'echo',
      directory,
      handler: 'index.handler',
      timeoutSeconds: 5,
      memoryMegabytes: 128,
      region: 'eu-west-2',
      environment: {},
      concurrency: 1,
    },
    collectedLog(),
  );
  endpoint = await startLambdaEndpoint((name) => (name === 'echo' || name === arn ? echo : undefined));
  client = new LambdaClient({ ...localAws(endpoint.url), maxAttempts: 1 });
});
afterAll(async () => {
  client.destroy();
  endpoint.close();
  await echo.close();
  rmSync(directory, { recursive: true });
});

const invoke = async (input: Partial<InvokeCommandInput> = {}) => {
  const response = await client.send(new InvokeCommand({ FunctionName: 'echo', ...input }));
  return { ...response, Payload: response.Payload?.transformToString() };
};

describe('the local Lambda, called by the AWS SDK', () => {
  test.each(['echo', arn])(
    '%s is invoked with the event, and its result comes back',
    async (FunctionName) => {
      const response = await invoke({ FunctionName, Payload: JSON.stringify({ operation: 'status' }) });
      expect(response).toMatchObject({
        StatusCode: 200,
        ExecutedVersion: '$LATEST',
        Payload: '{"seen":{"operation":"status"}}',
      });
      expect(response.FunctionError).toBeUndefined();
    },
  );

  test('an event that is not said is an empty one', async () => {
    expect((await invoke()).Payload).toBe('{"seen":{}}');
  });

  test('a function that throws is a response all the same, with what it threw', async () => {
    expect(await invoke({ Payload: '{"fail":true}' })).toMatchObject({
      StatusCode: 200,
      FunctionError: 'Unhandled',
      Payload: '{"errorType":"TypeError","errorMessage":"made to fail"}',
    });
  });

  test('a dry run invokes nothing', async () => {
    expect(await invoke({ InvocationType: 'DryRun', Payload: '{"fail":true}' })).toMatchObject({
      StatusCode: 204,
    });
  });

  test('refusals have the names that AWS gives them', async () => {
    const refused = (call: Promise<unknown>, name: string, status: number) =>
      expect(call).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status } });
    await refused(invoke({ FunctionName: 'other' }), 'ResourceNotFoundException', 404);
    await refused(invoke({ Payload: '{' }), 'InvalidRequestContentException', 400);
    await refused(invoke({ InvocationType: 'Event' }), 'InvalidParameterValueException', 400);
    await refused(client.send(new ListFunctionsCommand({})), 'UnknownOperationException', 404);
  });

  test('a page in a browser is refused', async () => {
    const target = '/2015-03-31/functions/echo/invocations';
    const response = await send(Number(new URL(endpoint.url).port), target, {
      method: 'POST',
      headers: { origin: 'http://localhost:3000' },
      body: '{}',
    });
    expect(response.status).toBe(403);
    expect(response.body).not.toContain('seen');
  });
});
