import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, describe, expect, test } from '@jest/globals';
import { readApi } from '../../local/aws/apis.ts';
import { makeCustomResources, startCustomResourceResponses } from '../../local/aws/custom-resources.ts';
import { Functions } from '../../local/aws/functions.ts';
import { readOutputs } from '../../local/aws/outputs.ts';
import { makeRotationSchedules, makeSecrets, makeTables } from '../../local/aws/stores.ts';
import { startDynamoDb } from '../../local/aws/dynamodb.ts';
import { readSchedules, runSchedules } from '../../local/aws/schedules.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager.ts';
import { Assembly } from '../../local/aws/template.ts';
import { localAws } from '../support/aws-client.ts';
import { collectedLog, until } from './helpers.ts';
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
    endpoints: { dynamodb: dynamodb.url, secretsManager: secrets.url, kms: 'http://127.0.0.1:1' },
    overrides: options.overrides ?? {},
    log,
  });
  const responses = await startCustomResourceResponses();
  closers.push(
    () => functions.close(),
    () => {
      responses.close();
    },
  );
  return { assembly, functions, responses, dynamodb, secrets, log };
};

const environmentOf = async (functions: Functions, assembly: Assembly): Promise<Record<string, string>> => {
  const echo = assembly.resources('AWS::Lambda::Function').find(({ logicalId }) => logicalId === 'Echo');
  if (echo === undefined) throw new Error('no function');
  const response = await functions.get(echo).invoke({ body: 'environment' });
  if (!response.ok) throw new Error(response.errorMessage);
  return JSON.parse(response.payload) as Record<string, string>;
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
      AWS_ENDPOINT_URL_KMS: 'http://127.0.0.1:1',
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
    const { assembly, functions, responses } = await deploy();
    await makeCustomResources(assembly, functions, responses);
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
    const { assembly, functions, responses } = await deploy({ code: { create } });
    await expect(makeCustomResources(assembly, functions, responses)).rejects.toThrow(
      'Custom::SigningKeys could not be made: no ring',
    );
  });

  test.each([
    ['throws', "export const handler = async () => { throw new Error('boom'); };", 'Error: boom'],
    ['says nothing', 'export const handler = async () => undefined;', 'the function ended without an answer'],
  ])('a custom resource whose function %s stops the start', async (_what, create, reason) => {
    const { assembly, functions, responses } = await deploy({ code: { create } });
    await expect(makeCustomResources(assembly, functions, responses)).rejects.toThrow(reason);
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

  test('a function is found by its name and by its ARN', async () => {
    const { assembly, functions } = await deploy();
    const [echo] = assembly.resources('AWS::Lambda::Function');
    const arn = 'arn:aws:lambda:eu-west-2:000000000000:function:stateless-Echo';
    expect(functions.find('stateless-Echo')).toBe(echo && functions.get(echo));
    expect(functions.find(arn)).toBe(functions.find('stateless-Echo'));
    expect(functions.find('Echo')).toBeUndefined();
  });

  describe('a rotation schedule', () => {
    const withSchedule = (properties: object = {}): FixtureStacks => {
      const stacks = fixtureStacks();
      stacks.stateless.Resources['Schedule'] = {
        Type: 'AWS::SecretsManager::RotationSchedule',
        Properties: {
          SecretId: { 'Fn::GetStackOutput': { StackName: 'stateful', OutputName: 'SecretArn' } },
          RotationLambdaARN: { 'Fn::GetAtt': ['Echo', 'Arn'] },
          RotationRules: { ScheduleExpression: 'rate(30 days)' },
          ...properties,
        },
      };
      return stacks;
    };
    const rotated = async (properties?: object) => {
      const { assembly, secrets } = await deploy({ stacks: withSchedule(properties) });
      const asked: unknown[] = [];
      secrets.rotateWith((arn, { Step }) => {
        asked.push([arn, Step]);
        return Promise.resolve({ ok: true, payload: 'null' });
      });
      await makeRotationSchedules(assembly, secrets.url);
      await secrets.settled();
      const client = new SecretsManagerClient(localAws(secrets.url));
      const about = await client.send(new DescribeSecretCommand({ SecretId: 'stateful-Secret' }));
      client.destroy();
      return { asked, about };
    };
    const arn = 'arn:aws:lambda:eu-west-2:000000000000:function:stateless-Echo';

    test('is given to Secrets Manager, and rotates at once unless it says otherwise', async () => {
      const { asked, about } = await rotated();
      expect(about).toMatchObject({
        RotationEnabled: true,
        RotationLambdaARN: arn,
        RotationRules: { ScheduleExpression: 'rate(30 days)' },
        NextRotationDate: expect.any(Date),
      });
      expect(asked).toEqual(
        ['createSecret', 'setSecret', 'testSecret', 'finishSecret'].map((step) => [arn, step]),
      );
    });

    test('that shall not rotate at once does not', async () => {
      const { asked, about } = await rotated({ RotateImmediatelyOnUpdate: false });
      expect(asked).toEqual([]);
      expect(about.RotationEnabled).toBe(true);
    });

    test('that Secrets Manager refuses stops the start', async () => {
      const stacks = withSchedule({ RotationRules: { ScheduleExpression: 'cron(0 8 1 * ? *)' } });
      const { assembly, secrets } = await deploy({ stacks });
      secrets.rotateWith(() => Promise.resolve({ ok: true, payload: 'null' }));
      await expect(makeRotationSchedules(assembly, secrets.url)).rejects.toThrow(
        `cannot set up the rotation at ${secrets.url}: InvalidParameterException`,
      );
    });
  });

  describe('a rule of EventBridge', () => {
    const target = { Id: 'Target0', Arn: { 'Fn::GetAtt': ['Echo', 'Arn'] }, Input: '{"operation":"check"}' };
    const schedulesOf = async (...rules: object[]) => {
      const stacks = fixtureStacks();
      rules.forEach((Properties, index) => {
        stacks.stateless.Resources[`Rule${String(index)}`] = { Type: 'AWS::Events::Rule', Properties };
      });
      return readSchedules((await deploy({ stacks })).assembly);
    };

    test.each([
      ['rate(1 minute)', 60_000],
      ['rate(1 hour)', 3_600_000],
      ['rate(2 days)', 172_800_000],
    ])('with %s runs its function with its input', async (ScheduleExpression, everyMilliseconds) => {
      const [schedule, ...others] = await schedulesOf({ ScheduleExpression, Targets: [target] });
      expect(others).toEqual([]);
      expect(schedule).toMatchObject({
        function: { logicalId: 'Echo' },
        event: { operation: 'check' },
        everyMilliseconds,
      });
    });

    test('of another kind stays in AWS', async () => {
      const rate = { ScheduleExpression: 'rate(1 hour)' };
      expect(
        await schedulesOf(
          { EventPattern: { source: ['aws.secretsmanager'] }, Targets: [target] },
          { ScheduleExpression: 'cron(0 8 * * ? *)', Targets: [target] },
          { ...rate, State: 'DISABLED', Targets: [target] },
          { ...rate, Targets: [{ Id: 'Target0', Arn: target.Arn }] },
          { ...rate, Targets: [{ ...target, Arn: 'arn:aws:sqs:eu-west-2:000000000000:queue' }] },
          rate,
        ),
      ).toEqual([]);
    });

    test('runs its function again and again, until it is ended', async () => {
      const [schedule] = await schedulesOf({ ScheduleExpression: 'rate(1 hour)', Targets: [target] });
      if (schedule === undefined) throw new Error('no schedule');
      const seen: unknown[] = [];
      const end = runSchedules([{ ...schedule, everyMilliseconds: 20 }], ({ event }) => {
        seen.push(event);
        return Promise.resolve();
      });
      expect(seen).toEqual([]);
      await until(() => seen.length >= 2);
      end();
      const count = seen.length;
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(seen).toHaveLength(count);
      expect(seen[0]).toEqual({ operation: 'check' });
    });

    test('whose period is longer than a timer can wait never runs here', async () => {
      const [schedule] = await schedulesOf({ ScheduleExpression: 'rate(30 days)', Targets: [target] });
      let runs = 0;
      const end = runSchedules(schedule === undefined ? [] : [schedule], () => {
        runs += 1;
        return Promise.resolve();
      });
      await new Promise((resolve) => setTimeout(resolve, 30));
      end();
      expect([schedule?.everyMilliseconds, runs]).toEqual([2_592_000_000, 0]);
    });
  });

  test('outputs of the stacks are worked out; an address of the deployment becomes one of this machine', async () => {
    const stacks = fixtureStacks() as FixtureStacks & { stateless: { Outputs?: object } };
    stacks.stateless.Outputs = {
      Function: { Value: { Ref: 'Echo' } },
      Origin: { Value: 'https://app.example.nhs.uk' },
      JwksUrl: { Value: 'https://app.example.nhs.uk/auth/jwks.json' },
      Elsewhere: { Value: 'https://app.example.nhs.uk.example.org/' },
      Domain: { Value: { 'Fn::GetAtt': ['Distribution', 'DomainName'] } },
    };
    const { assembly } = await deploy({ stacks });
    expect(readOutputs(assembly, 'http://localhost:3000')).toEqual({
      TableName: 'stateful-Table',
      SecretArn: 'arn:aws:secretsmanager:eu-west-2:000000000000:secret:stateful-Secret-LocaL1',
      Function: 'stateless-Echo',
      Origin: 'http://localhost:3000',
      JwksUrl: 'http://localhost:3000/auth/jwks.json',
      Elsewhere: 'https://app.example.nhs.uk.example.org/',
    });
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
