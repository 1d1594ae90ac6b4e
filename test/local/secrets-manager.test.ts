import { randomUUID } from 'node:crypto';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startSecrets } from '../support/secrets.ts';
import { send } from './helpers.ts';

let secrets: Awaited<ReturnType<typeof startSecrets>>;
let client: SecretsManagerClient;
let arn: string;

beforeEach(async () => {
  secrets = await startSecrets();
  ({ client, arn } = secrets);
});
afterEach(() => {
  secrets.close();
});

const get = (input: { VersionId?: string; VersionStage?: string } = {}) =>
  client.send(new GetSecretValueCommand({ SecretId: arn, ...input }));
const put = (value: string, token: string = randomUUID(), stages?: string[]) =>
  client.send(
    new PutSecretValueCommand({
      SecretId: arn,
      SecretString: value,
      ClientRequestToken: token,
      ...(stages === undefined ? {} : { VersionStages: stages }),
    }),
  );

describe('the local Secrets Manager, called by the AWS SDK', () => {
  test('a secret that was made without a value is there and has none', async () => {
    expect(arn).toBe('arn:aws:secretsmanager:eu-west-2:000000000000:secret:ring-LocaL1');
    await expect(get()).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    });
    const described = await client.send(new DescribeSecretCommand({ SecretId: 'ring' }));
    expect(described).toMatchObject({ ARN: arn, Name: 'ring', VersionIdsToStages: {} });
  });

  test('what was put is what is read, by name, by ARN, and by ARN without its last characters', async () => {
    const { VersionId, VersionStages } = await put('{"keys":[]}');
    expect(VersionStages).toEqual(['AWSCURRENT']);
    for (const SecretId of ['ring', arn, arn.slice(0, -7)]) {
      const value = await client.send(new GetSecretValueCommand({ SecretId }));
      expect(value).toMatchObject({ SecretString: '{"keys":[]}', VersionId, VersionStages: ['AWSCURRENT'] });
      expect(value.CreatedDate).toBeInstanceOf(Date);
    }
  });

  test('a new value takes the current stage, and the one before it becomes the previous', async () => {
    const first = await put('one');
    const second = await put('two');
    const third = await put('three');
    expect((await get()).SecretString).toBe('three');
    expect((await get({ VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('two');
    expect((await get({ VersionId: second.VersionId ?? '' })).SecretString).toBe('two');
    await expect(get({ VersionId: first.VersionId ?? '' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    const { VersionIdsToStages } = await client.send(new DescribeSecretCommand({ SecretId: arn }));
    expect(VersionIdsToStages).toEqual({
      [second.VersionId ?? '']: ['AWSPREVIOUS'],
      [third.VersionId ?? '']: ['AWSCURRENT'],
    });
  });

  test('a value put as pending leaves the current one alone', async () => {
    await put('one');
    await put('two', randomUUID(), ['AWSPENDING']);
    expect((await get()).SecretString).toBe('one');
    expect((await get({ VersionStage: 'AWSPENDING' })).SecretString).toBe('two');
  });

  test('the same request again changes nothing, even after a newer one; with another value it is refused', async () => {
    const token = randomUUID();
    const first = await put('one', token);
    await put('two');
    const again = await put('one', token);
    expect(again.VersionId).toBe(first.VersionId);
    expect((await get()).SecretString).toBe('two');
    await expect(put('other', token)).rejects.toMatchObject({ name: 'ResourceExistsException' });
  });

  test('refusals have the names that AWS gives them', async () => {
    await expect(client.send(new GetSecretValueCommand({ SecretId: 'none' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    await expect(client.send(new CreateSecretCommand({ Name: 'ring' }))).rejects.toMatchObject({
      name: 'ResourceExistsException',
    });
    await expect(put('x', 'too-short')).rejects.toMatchObject({ name: 'InvalidParameterException' });
    await expect(put('x'.repeat(65_537))).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(client.send(new PutSecretValueCommand({ SecretId: arn }))).rejects.toMatchObject({
      name: 'InvalidParameterException',
    });
    await expect(client.send(new ListSecretsCommand({}))).rejects.toMatchObject({
      name: 'UnknownOperationException',
    });
  });

  test('a page in a browser is refused', async () => {
    await put('one');
    const answer = await send(Number(new URL(secrets.url).port), '/', {
      method: 'POST',
      headers: { 'x-amz-target': 'secretsmanager.GetSecretValue', origin: 'http://localhost:3000' },
      body: JSON.stringify({ SecretId: 'ring' }),
    });
    expect(answer.status).toBe(400);
    expect(answer.body).not.toContain('one');
  });
});
