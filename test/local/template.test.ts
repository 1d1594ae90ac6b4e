import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  Functions,
  makeCustomResources,
  makeSecrets,
  makeTables,
  readApi,
} from '../../local/cloudformation.ts';
import { startDynamoDb } from '../../local/dynamodb.ts';
import { startSecretsManager } from '../../local/secrets-manager.ts';
import { Assembly } from '../../local/template.ts';
import { collectedLog } from './helpers.ts';
import { fixtureCode, fixtureStacks, writeFixture } from './fixture-assembly.ts';
import type { FixtureStacks } from './fixture-assembly.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(
    closers.splice(0).map(async (close) => {
      await close();
    }),
  );
});

/** Makes what the fixture's template describes. */
const deploy = async (
  options: {
    stacks?: FixtureStacks;
    code?: Partial<typeof fixtureCode>;
    overrides?: Record<string, string>;
  } = {},
) => {
  const directory = writeFixture(options);
  closers.push(() => rmSync(directory, { recursive: true }));
  const assembly = Assembly.read(directory);
  const [dynamodb, secrets] = await Promise.all([
    startDynamoDb(),
    startSecretsManager({ region: 'eu-west-2', account: '000000000000' }),
  ]);
  closers.push(
    () => {
      dynamodb.close();
    },
    () => {
      secrets.close();
    },
  );
  await makeTables(assembly, dynamodb.url);
  await makeSecrets(assembly, secrets.url);
  const log = collectedLog();
  const functions = new Functions(assembly, {
    endpoints: { dynamodb: dynamodb.url, secretsManager: secrets.url },
    overrides: options.overrides ?? {},
    log,
  });
  closers.push(() => functions.close());
  return { assembly, functions, dynamodb, secrets, log };
};

const environmentOf = async (functions: Functions, assembly: Assembly): Promise<Record<string, string>> => {
  const echo = assembly.resources('AWS::Lambda::Function').find(({ logicalId }) => logicalId === 'Echo');
  if (echo === undefined) throw new Error('no function');
  const answer = await functions.get(echo).invoke({ body: 'environment' });
  if (!answer.ok) throw new Error(answer.errorMessage);
  return JSON.parse(answer.payload) as Record<string, string>;
};

describe('a synthesised template, made on this machine', () => {
  test('variables of a function are worked out through imports, joins and references', async () => {
    const { assembly, functions, dynamodb, secrets } = await deploy();
    expect(await environmentOf(functions, assembly)).toMatchObject({
      BASE_URL: 'https://app.example.nhs.uk',
      SESSION_TABLE: 'stateful-Table',
      SECRET: 'arn:aws:secretsmanager:eu-west-2:000000000000:secret:stateful-Secret-LocaL1',
      JOINED: 'a-eu-west-2-info',
      SUBBED: '000000000000/arn:aws:lambda:eu-west-2:000000000000:function:stateless-Echo',
      SELECTED: 'b',
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
    });
  });

  test('an override takes the place of a value, and gives no function a variable that it does not read', async () => {
    const { assembly, functions } = await deploy({ overrides: { BASE_URL: 'http://localhost:3000' } });
    expect((await environmentOf(functions, assembly))['BASE_URL']).toBe('http://localhost:3000');
    const unknown = assembly
      .resources('AWS::Lambda::Function')
      .find(({ logicalId }) => logicalId === 'Unknown');
    expect(unknown && Object.keys(functions.get(unknown).spec.environment)).not.toContain('BASE_URL');
  });

  test('an override that no function reads is an error', async () => {
    await expect(deploy({ overrides: { RENAMED: '1' } })).rejects.toThrow(
      'no function of the template reads RENAMED',
    );
  });

  test('a table that is there already is used as it is', async () => {
    const { assembly, dynamodb } = await deploy();
    await expect(makeTables(assembly, dynamodb.url)).resolves.toBeUndefined();
  });

  test('a secret that is there already is used as it is', async () => {
    const { assembly, secrets } = await deploy();
    await expect(makeSecrets(assembly, secrets.url)).resolves.toBeUndefined();
  });

  test('routes lead to the functions of their integrations', async () => {
    const { assembly, functions } = await deploy();
    const { routes } = readApi(assembly, functions);
    expect(
      routes.map((route) => [route.routeKey, route.function.spec.name, route.timeoutMilliseconds]),
    ).toEqual([
      ['ANY /auth/echo', 'stateless-Echo', 2_500],
      ['ANY /auth/{proxy+}', 'stateless-Unknown', 2_500],
      ['$default', 'stateless-Unknown', 2_500],
    ]);
    expect(routes[1]?.function).toBe(routes[2]?.function);
  });

  test('a custom resource is made by its function, as CloudFormation asks it', async () => {
    const { assembly, functions } = await deploy();
    await makeCustomResources(assembly, functions);
    const seen = JSON.parse(assembly.text('stateless', { 'Fn::GetAtt': ['Keys', 'Seen'] })) as Record<
      string,
      unknown
    >;
    expect(seen).toEqual({
      RequestType: 'Create',
      ServiceToken: 'arn:aws:lambda:eu-west-2:000000000000:function:stateless-Create',
      ResponseURL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]{36}$/),
      StackId: expect.stringMatching(/^arn:aws:cloudformation:eu-west-2:000000000000:stack\/stateless\//),
      RequestId: expect.any(String),
      LogicalResourceId: 'Keys',
      ResourceType: 'Custom::SigningKeys',
      ResourceProperties: { ServiceToken: 'arn:aws:lambda:eu-west-2:000000000000:function:stateless-Create' },
    });
    expect(assembly.text('stateless', { Ref: 'Keys' })).toBe('ring');
  });

  test('a custom resource whose function says that it failed stops the start with its reason', async () => {
    const create = fixtureCode.create.replace("Status: 'SUCCESS'", "Status: 'FAILED', Reason: 'no ring'");
    const { assembly, functions } = await deploy({ code: { create } });
    await expect(makeCustomResources(assembly, functions)).rejects.toThrow(
      'Custom::SigningKeys could not be made: no ring',
    );
  });

  test.each([
    ['throws', "export const handler = async () => { throw new Error('boom'); };", 'Error: boom'],
    ['says nothing', 'export const handler = async () => undefined;', 'the function ended without an answer'],
  ])('a custom resource whose function %s stops the start', async (_what, create, reason) => {
    const { assembly, functions } = await deploy({ code: { create } });
    await expect(makeCustomResources(assembly, functions)).rejects.toThrow(reason);
  });

  test('a function that does not load stops the start with its name', async () => {
    const { assembly, functions } = await deploy({
      code: { echo: "throw new Error('settings: X is missing');" },
    });
    const { routes } = readApi(assembly, functions);
    await expect(functions.warm(routes.map((route) => route.function))).rejects.toThrow(
      'the function stateless-Echo does not start: Error: settings: X is missing',
    );
  });

  test('what the local run cannot work out is named', async () => {
    const stacks = fixtureStacks();
    const echo = stacks.stateless.Resources['Echo']?.Properties as {
      Environment: { Variables: Record<string, unknown> };
    };
    echo.Environment.Variables['ODD'] = { 'Fn::Cidr': ['10.0.0.0/16', 1, 8] };
    const { assembly, functions } = await deploy({ stacks });
    expect(() => readApi(assembly, functions)).toThrow(
      'cannot work out Fn::Cidr in the template of stateless',
    );
  });

  test('an unreachable store stops the start with its address', async () => {
    const { assembly, secrets } = await deploy();
    secrets.close();
    await expect(makeSecrets(assembly, secrets.url)).rejects.toThrow(
      `cannot make the secrets at ${secrets.url}`,
    );
    await expect(makeTables(assembly, 'http://127.0.0.1:9')).rejects.toThrow(
      'cannot make the tables at http://127.0.0.1:9',
    );
  });

  test('a folder without a synthesised template is refused', () => {
    const empty = mkdtempSync(path.join(os.tmpdir(), 'local-run-'));
    closers.push(() => rmSync(empty, { recursive: true }));
    expect(() => Assembly.read(empty)).toThrow('there is no synthesised template');
  });
});
