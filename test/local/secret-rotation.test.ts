import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RotateSecretCommandInput } from '@aws-sdk/client-secrets-manager';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Invocation } from '../../local/aws/lambda-runtime.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager.ts';
import type { SecretsManager } from '../../local/aws/secrets-manager.ts';
import { localAws } from '../support/aws-client.ts';

const functionArn = 'arn:aws:lambda:eu-west-2:000000000000:function:rotate';
const schedule = { RotationLambdaARN: functionArn, RotationRules: { AutomaticallyAfterDays: 30 } };
const daySeconds = 86_400;

interface Step {
  readonly Step: string;
  readonly SecretId: string;
  readonly ClientRequestToken: string;
}

let secrets: SecretsManager;
let client: SecretsManagerClient;
let arn: string;
let current: string;
let asked: Step[];
let act: (step: Step) => Promise<void>;

/** What a rotation function has to do, and no more. */
const rotate = async ({ Step: step, SecretId, ClientRequestToken: token }: Step): Promise<void> => {
  if (step === 'createSecret') {
    await client.send(
      new PutSecretValueCommand({
        SecretId,
        SecretString: `value of ${token}`,
        ClientRequestToken: token,
        VersionStages: ['AWSPENDING'],
      }),
    );
  }
  if (step === 'finishSecret') {
    const { VersionId } = await client.send(new GetSecretValueCommand({ SecretId }));
    await client.send(
      new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: token,
        RemoveFromVersionId: VersionId,
      }),
    );
  }
};

beforeEach(async () => {
  secrets = await startSecretsManager({ region: 'eu-west-2', account: '000000000000' });
  client = new SecretsManagerClient({ ...localAws(secrets.url), maxAttempts: 1 });
  ({ ARN: arn = '', VersionId: current = '' } = await client.send(
    new CreateSecretCommand({ Name: 'ring', SecretString: 'first' }),
  ));
  asked = [];
  act = rotate;
  secrets.rotateWith(async (name, event): Promise<Invocation> => {
    expect(name).toBe(functionArn);
    const step = event as unknown as Step;
    asked.push(step);
    return act(step).then(
      () => ({ ok: true, payload: 'null' }),
      () => ({ ok: false, errorType: 'Error', errorMessage: 'failed' }),
    );
  });
});
afterEach(() => {
  client.destroy();
  secrets.close();
});

const start = (input: Partial<RotateSecretCommandInput> = {}) =>
  client.send(new RotateSecretCommand({ SecretId: arn, ...input }));
const about = () => client.send(new DescribeSecretCommand({ SecretId: arn }));
const failAt = (wanted: string) => (step: Step) =>
  step.Step === wanted ? Promise.reject(new Error(wanted)) : rotate(step);
const incomplete = {
  name: 'InvalidRequestException',
  message: "A previous rotation isn't complete. That rotation will be reattempted.",
};

describe('a rotation of the local Secrets Manager', () => {
  test('responds at once, then asks the function for the four steps, one after the other', async () => {
    let within = 0;
    act = async (step) => {
      within += 1;
      expect(within).toBe(1);
      await rotate(step);
      within -= 1;
    };
    const token = randomUUID();
    expect(await start({ ...schedule, ClientRequestToken: token })).toMatchObject({
      ARN: arn,
      VersionId: token,
    });
    expect(asked.length).toBeLessThan(4);
    await secrets.settled();
    expect(asked).toEqual(
      ['createSecret', 'setSecret', 'testSecret', 'finishSecret'].map((Step) => ({
        Step,
        SecretId: arn,
        ClientRequestToken: token,
        RotationToken: expect.stringMatching(/^[0-9a-f-]{36}$/),
      })),
    );
    expect((await about()).VersionIdsToStages).toEqual({
      [current]: ['AWSPREVIOUS'],
      [token]: ['AWSPENDING', 'AWSCURRENT'],
    });
  });

  test('has named the pending version before its first step, and it has no value yet', async () => {
    const seen: unknown[] = [];
    act = async (step) => {
      if (step.Step === 'createSecret') {
        seen.push((await about()).VersionIdsToStages);
        const pending = { SecretId: arn, VersionId: step.ClientRequestToken, VersionStage: 'AWSPENDING' };
        const read = client.send(new GetSecretValueCommand(pending));
        seen.push(await read.catch((error: unknown) => (error as Error).name));
      }
      await rotate(step);
    };
    const { VersionId: token = '' } = await start(schedule);
    await secrets.settled();
    expect(seen).toEqual([
      { [current]: ['AWSCURRENT'], [token]: ['AWSPENDING'] },
      'ResourceNotFoundException',
    ]);
  });

  test('says when it was and when the next one is due', async () => {
    const before = await about();
    expect(before).not.toHaveProperty('RotationEnabled');
    expect(before).not.toHaveProperty('NextRotationDate');
    act = failAt('finishSecret');
    await start(schedule);
    await secrets.settled();
    const unfinished = await about();
    expect(unfinished).toMatchObject({ RotationEnabled: true, ...schedule });
    expect(unfinished).not.toHaveProperty('LastRotatedDate');
    const due = Number(unfinished.NextRotationDate) / 1000;
    expect(due).toBeCloseTo(Number(before.CreatedDate) / 1000 + 30 * daySeconds, 1);

    await sleep(20);
    act = rotate;
    await expect(start()).rejects.toMatchObject(incomplete);
    await secrets.settled();
    const { LastRotatedDate, NextRotationDate } = await about();
    expect(Number(LastRotatedDate)).toBeGreaterThan(Number(unfinished.LastChangedDate));
    expect(Number(NextRotationDate)).toBe(Number(LastRotatedDate) + 30 * daySeconds * 1000);
  });

  test('a value that is put by hand moves the next one', async () => {
    await start({ ...schedule, RotateImmediately: false });
    await secrets.settled();
    const { NextRotationDate: before } = await about();
    await sleep(20);
    await client.send(new PutSecretValueCommand({ SecretId: arn, SecretString: 'by hand' }));
    expect(Number((await about()).NextRotationDate)).toBeGreaterThan(Number(before));
  });

  test.each(['createSecret', 'setSecret', 'testSecret', 'finishSecret'])(
    'ends with a %s that fails; asking again has that same rotation taken up again',
    async (step) => {
      act = failAt(step);
      const { VersionId: token = '' } = await start(schedule);
      await secrets.settled();
      expect(asked.at(-1)?.Step).toBe(step);
      expect((await about()).VersionIdsToStages).toMatchObject({
        [current]: ['AWSCURRENT'],
        [token]: ['AWSPENDING'],
      });

      act = rotate;
      asked = [];
      await expect(start()).rejects.toMatchObject(incomplete);
      await secrets.settled();
      expect(asked.map(({ Step: name, ClientRequestToken }) => [name, ClientRequestToken])).toEqual(
        ['createSecret', 'setSecret', 'testSecret', 'finishSecret'].map((name) => [name, token]),
      );
      const { VersionIdsToStages } = await about();
      expect(VersionIdsToStages?.[token]).toContain('AWSCURRENT');
      await expect(start()).resolves.toMatchObject({ ARN: arn });
      await secrets.settled();
    },
  );

  test('is one at a time: who asks while it runs is refused, and who asks again with its token is not', async () => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    act = async (step) => {
      await gate;
      await rotate(step);
    };
    const token = randomUUID();
    await start({ ...schedule, ClientRequestToken: token });
    await expect(start()).rejects.toMatchObject(incomplete);
    await expect(start({ ClientRequestToken: token })).resolves.toMatchObject({ VersionId: token });
    go();
    await secrets.settled();
    expect(asked.map(({ Step: name }) => name)).toEqual([
      'createSecret',
      'setSecret',
      'testSecret',
      'finishSecret',
    ]);
    await expect(start({ ClientRequestToken: token })).resolves.toMatchObject({ VersionId: token });
    await secrets.settled();
    expect(asked).toHaveLength(4);
  });

  test('that is asked for while the last step of another one ends runs after it', async () => {
    const [token, next] = [randomUUID(), randomUUID()];
    let asking: Promise<unknown> | undefined;
    act = async (step) => {
      await rotate(step);
      if (step.Step === 'finishSecret') asking ??= start({ ClientRequestToken: next });
      await asking;
    };
    await start({ ...schedule, ClientRequestToken: token });
    await secrets.settled();
    expect(asked.map(({ ClientRequestToken }) => ClientRequestToken)).toEqual([
      ...Array<string>(4).fill(token),
      ...Array<string>(4).fill(next),
    ]);
    expect((await about()).VersionIdsToStages).toMatchObject({ [next]: ['AWSPENDING', 'AWSCURRENT'] });
  });

  test('that is not wanted at once is tried out: testSecret alone, on a pending copy that goes again', async () => {
    let pending: string | undefined;
    act = async ({ SecretId }) => {
      const read = new GetSecretValueCommand({ SecretId, VersionStage: 'AWSPENDING' });
      ({ SecretString: pending } = await client.send(read));
    };
    const { VersionId } = await start({ ...schedule, RotateImmediately: false });
    await secrets.settled();
    expect(asked.map(({ Step: name }) => name)).toEqual(['testSecret']);
    expect(pending).toBe('first');
    const after = await about();
    expect(after.VersionIdsToStages).toEqual({ [current]: ['AWSCURRENT'] });
    await expect(client.send(new GetSecretValueCommand({ SecretId: arn, VersionId }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    expect(after).toMatchObject({ RotationEnabled: true });
    expect(after).not.toHaveProperty('LastRotatedDate');
  });

  test.each([
    ['no function', {}, 'InvalidRequestException'],
    ['no rules', { RotationLambdaARN: functionArn }, 'InvalidParameterException'],
    ['no interval', { ...schedule, RotationRules: {} }, 'InvalidParameterException'],
    ['0 days', { ...schedule, RotationRules: { AutomaticallyAfterDays: 0 } }, 'InvalidParameterException'],
    [
      '1001 days',
      { ...schedule, RotationRules: { AutomaticallyAfterDays: 1_001 } },
      'InvalidParameterException',
    ],
    [
      'two intervals',
      { ...schedule, RotationRules: { AutomaticallyAfterDays: 30, ScheduleExpression: 'rate(30 days)' } },
      'InvalidParameterException',
    ],
    [
      'a rate of three hours',
      { ...schedule, RotationRules: { ScheduleExpression: 'rate(3 hours)' } },
      'InvalidParameterException',
    ],
    [
      'a cron expression',
      { ...schedule, RotationRules: { ScheduleExpression: 'cron(0 8 1 * ? *)' } },
      'InvalidParameterException',
    ],
    ['a short token', { ...schedule, ClientRequestToken: 'short' }, 'InvalidParameterException'],
    ['an unknown secret', { ...schedule, SecretId: 'none' }, 'ResourceNotFoundException'],
  ])('with %s is refused, and nothing is set or run', async (_what, input, name) => {
    await expect(start(input)).rejects.toMatchObject({ name });
    await secrets.settled();
    expect(asked).toEqual([]);
    expect(await about()).not.toHaveProperty('RotationEnabled');
  });

  test.each([
    ['rate(4 hours)', 4 * 3_600],
    ['rate(1 day)', daySeconds],
    ['rate(30 days)', 30 * daySeconds],
  ])('%s is a schedule too', async (ScheduleExpression, seconds) => {
    await start({ ...schedule, RotationRules: { ScheduleExpression }, RotateImmediately: false });
    await secrets.settled();
    const { CreatedDate, NextRotationDate, RotationRules } = await about();
    expect(RotationRules).toEqual({ ScheduleExpression });
    expect((Number(NextRotationDate) - Number(CreatedDate)) / 1000).toBeCloseTo(seconds, 0);
  });

  test('is refused by a Secrets Manager that may call no function', async () => {
    const alone = await startSecretsManager({ region: 'eu-west-2', account: '000000000000' });
    const other = new SecretsManagerClient({ ...localAws(alone.url), maxAttempts: 1 });
    await other.send(new CreateSecretCommand({ Name: 'ring' }));
    await expect(
      other.send(new RotateSecretCommand({ SecretId: 'ring', ...schedule })),
    ).rejects.toMatchObject({ name: 'AccessDeniedException' });
    other.destroy();
    alone.close();
  });
});
