import { randomUUID } from 'node:crypto';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
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
const moveStage = (VersionStage: string, ids: { MoveToVersionId?: string; RemoveFromVersionId?: string }) =>
  client.send(new UpdateSecretVersionStageCommand({ SecretId: arn, VersionStage, ...ids }));
const stages = async () =>
  (await client.send(new DescribeSecretCommand({ SecretId: arn }))).VersionIdsToStages;
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
    expect(await stages()).toEqual({
      [second.VersionId ?? '']: ['AWSPREVIOUS'],
      [third.VersionId ?? '']: ['AWSCURRENT'],
    });
    expect((await get({ VersionId: first.VersionId ?? '' })).VersionStages).toEqual([]);
  });

  test('a version without a label can be read, and is gone when twenty newer ones have none either', async () => {
    const { VersionId = '' } = await put('0');
    for (let count = 1; count <= 21; count += 1) await put(String(count));
    expect(Object.values((await stages()) ?? {})).toEqual([['AWSPREVIOUS'], ['AWSCURRENT']]);
    expect((await get({ VersionId })).SecretString).toBe('0');

    await put('22');
    await expect(get({ VersionId })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: `Secrets Manager can't find the specified secret value for VersionId: ${VersionId}`,
    });
  });

  test('moving AWSCURRENT leaves AWSPREVIOUS where it was, and back again swaps the two', async () => {
    const { VersionId: one = '' } = await put('one');
    const { VersionId: two = '' } = await put('two', randomUUID(), ['AWSPENDING']);
    await moveStage('AWSCURRENT', { MoveToVersionId: two, RemoveFromVersionId: one });
    expect(await stages()).toEqual({ [one]: ['AWSPREVIOUS'], [two]: ['AWSPENDING', 'AWSCURRENT'] });
    expect((await get()).SecretString).toBe('two');
    await moveStage('AWSCURRENT', { MoveToVersionId: one, RemoveFromVersionId: two });
    expect(await stages()).toEqual({ [one]: ['AWSCURRENT'], [two]: ['AWSPENDING', 'AWSPREVIOUS'] });
  });

  test('a label can be put on a version and taken off it', async () => {
    const { VersionId: one = '' } = await put('one');
    await moveStage('DRAFT', { MoveToVersionId: one });
    expect(await stages()).toEqual({ [one]: ['AWSCURRENT', 'DRAFT'] });
    await moveStage('DRAFT', { MoveToVersionId: one });
    await moveStage('DRAFT', { RemoveFromVersionId: one });
    expect(await stages()).toEqual({ [one]: ['AWSCURRENT'] });
  });

  test('a label moves only from where the caller says that it stands', async () => {
    const { VersionId: one = '' } = await put('one');
    const { VersionId: two = '' } = await put('two', randomUUID(), ['AWSPENDING']);
    const before = await stages();
    const refused = async (ids: Parameters<typeof moveStage>[1], name: string, message: string) => {
      await expect(moveStage('AWSCURRENT', ids)).rejects.toMatchObject({ name, message });
      expect(await stages()).toEqual(before);
    };
    await refused(
      { MoveToVersionId: two },
      'InvalidParameterException',
      `The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version ${one}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
    await refused(
      { MoveToVersionId: two, RemoveFromVersionId: two },
      'InvalidParameterException',
      `The staging label AWSCURRENT is not attached to version ${two}.`,
    );
    await refused(
      { RemoveFromVersionId: one },
      'InvalidParameterException',
      "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
    );
    const unknown = randomUUID();
    await refused(
      { MoveToVersionId: unknown, RemoveFromVersionId: one },
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for VersionId: ${unknown}`,
    );
    await refused(
      {},
      'InvalidParameterException',
      'You must provide either MoveToVersionId or RemoveFromVersionId.',
    );
    await refused(
      { MoveToVersionId: 'short', RemoveFromVersionId: one },
      'InvalidParameterException',
      'MoveToVersionId must be 32 to 64 characters long.',
    );
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
    const response = await send(Number(new URL(secrets.url).port), '/', {
      method: 'POST',
      headers: { 'x-amz-target': 'secretsmanager.GetSecretValue', origin: 'http://localhost:3000' },
      body: JSON.stringify({ SecretId: 'ring' }),
    });
    expect(response.status).toBe(403);
    expect(response.body).not.toContain('one');
  });
});
