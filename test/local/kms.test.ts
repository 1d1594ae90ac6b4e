import { createHash, createPublicKey, verify } from 'node:crypto';
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
  ListKeysCommand,
  ListResourceTagsCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
} from '@aws-sdk/client-kms';
import type { KeySpec, SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { importSPKI, jwtVerify } from 'jose';
import { startKms } from '../../local/aws/kms.ts';
import type { LoopbackServer } from '../../local/loopback-server.ts';
import { localAws } from '../support/aws-client.ts';
import { send } from './helpers.ts';

let kms: LoopbackServer;
let client: KMSClient;

beforeAll(async () => {
  kms = await startKms({ region: 'eu-west-2', account: '000000000000' });
  client = new KMSClient({ ...localAws(kms.url), maxAttempts: 1 });
});
afterAll(() => {
  client.destroy();
  kms.close();
});

const create = async (KeySpec: KeySpec = 'RSA_2048') => {
  const { KeyMetadata } = await client.send(
    new CreateKeyCommand({
      KeySpec,
      KeyUsage: 'SIGN_VERIFY',
      Description: 'a key of a test',
      Tags: [{ TagKey: 'purpose', TagValue: 'test' }],
    }),
  );
  return KeyMetadata?.Arn ?? '';
};

const publicKeyOf = async (KeyId: string) => {
  const { PublicKey } = await client.send(new GetPublicKeyCommand({ KeyId }));
  return createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
};

const sign = async (
  KeyId: string,
  Message: Buffer,
  SigningAlgorithm: SigningAlgorithmSpec = 'RSASSA_PKCS1_V1_5_SHA_512',
  MessageType: 'RAW' | 'DIGEST' = 'RAW',
) => {
  const response = await client.send(new SignCommand({ KeyId, Message, SigningAlgorithm, MessageType }));
  expect(response).toMatchObject({ SigningAlgorithm });
  return Buffer.from(response.Signature ?? []);
};

describe('the local KMS, called by the AWS SDK', () => {
  test.each([
    ['RSA_2048', 2_048],
    ['RSA_3072', 3_072],
    ['RSA_4096', 4_096],
  ] as const)('a key of %s has %d bits, and is described as it was ordered', async (spec, bits) => {
    const arn = await create(spec);
    expect(arn).toMatch(/^arn:aws:kms:eu-west-2:000000000000:key\/[0-9a-f-]{36}$/);
    const id = arn.slice(-36);
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: id }));
    expect(KeyMetadata).toMatchObject({
      Arn: arn,
      KeyId: id,
      KeySpec: spec,
      KeyUsage: 'SIGN_VERIFY',
      KeyState: 'Enabled',
      Enabled: true,
      Description: 'a key of a test',
      CreationDate: expect.any(Date),
      SigningAlgorithms: expect.arrayContaining(['RSASSA_PKCS1_V1_5_SHA_512']),
    });
    expect(KeyMetadata).not.toHaveProperty('DeletionDate');
    expect((await publicKeyOf(arn)).asymmetricKeyDetails?.modulusLength).toBe(bits);
    const { Tags } = await client.send(new ListResourceTagsCommand({ KeyId: arn }));
    expect(Tags).toEqual([{ TagKey: 'purpose', TagValue: 'test' }]);
  });

  test.each([
    ['RSASSA_PKCS1_V1_5_SHA_256', 'sha256'],
    ['RSASSA_PKCS1_V1_5_SHA_384', 'sha384'],
    ['RSASSA_PKCS1_V1_5_SHA_512', 'sha512'],
  ] as const)('%s signs a message or its digest, which is the same', async (algorithm, hash) => {
    const arn = await create();
    const message = Buffer.from('a message');
    const signature = await sign(arn, message, algorithm);
    expect(verify(hash, message, await publicKeyOf(arn), signature)).toBe(true);
    expect(verify(hash, Buffer.from('another'), await publicKeyOf(arn), signature)).toBe(false);
    const digest = createHash(hash).update(message).digest();
    expect(await sign(arn, digest, algorithm, 'DIGEST')).toEqual(signature);
  });

  test('what it signs is a JWS that jose accepts', async () => {
    const arn = await create();
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const input = `${encode({ alg: 'RS512', typ: 'JWT' })}.${encode({ sub: 'client' })}`;
    const digest = createHash('sha512').update(input).digest();
    const signature = await sign(arn, digest, 'RSASSA_PKCS1_V1_5_SHA_512', 'DIGEST');
    const pem = (await publicKeyOf(arn)).export({ type: 'spki', format: 'pem' }).toString();
    const token = `${input}.${signature.toString('base64url')}`;
    const { payload } = await jwtVerify(token, await importSPKI(pem, 'RS512'));
    expect(payload).toEqual({ sub: 'client' });
  });

  test('a key that is disabled neither signs nor shows its public half, until it is enabled again', async () => {
    const arn = await create();
    await client.send(new DisableKeyCommand({ KeyId: arn }));
    await expect(sign(arn, Buffer.from('x'))).rejects.toMatchObject({
      name: 'DisabledException',
      message: `${arn} is disabled.`,
    });
    await expect(publicKeyOf(arn)).rejects.toMatchObject({ name: 'DisabledException' });
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: arn }));
    expect(KeyMetadata).toMatchObject({ KeyState: 'Disabled', Enabled: false });
    await client.send(new EnableKeyCommand({ KeyId: arn }));
    await expect(sign(arn, Buffer.from('x'))).resolves.toHaveLength(256);
  });

  test('a key that is to be deleted waits for its window, signs no more, and changes no more', async () => {
    const arn = await create();
    const schedule = (days?: number) =>
      client.send(
        new ScheduleKeyDeletionCommand({
          KeyId: arn,
          ...(days === undefined ? {} : { PendingWindowInDays: days }),
        }),
      );
    await expect(schedule(6)).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(schedule(31)).rejects.toMatchObject({ name: 'ValidationException' });
    const response = await schedule(7);
    expect(response).toMatchObject({ KeyId: arn, KeyState: 'PendingDeletion', PendingWindowInDays: 7 });
    expect((Number(response.DeletionDate) - Date.now()) / 86_400_000).toBeCloseTo(7, 3);
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: arn }));
    expect(KeyMetadata).toMatchObject({ KeyState: 'PendingDeletion', Enabled: false });
    expect(KeyMetadata?.DeletionDate).toEqual(response.DeletionDate);

    const refused = { name: 'KMSInvalidStateException', message: `${arn} is pending deletion.` };
    await expect(sign(arn, Buffer.from('x'))).rejects.toMatchObject(refused);
    await expect(publicKeyOf(arn)).rejects.toMatchObject(refused);
    await expect(schedule(7)).rejects.toMatchObject(refused);
    await expect(client.send(new EnableKeyCommand({ KeyId: arn }))).rejects.toMatchObject(refused);
    await expect(client.send(new DisableKeyCommand({ KeyId: arn }))).rejects.toMatchObject(refused);
  });

  test('a window is thirty days where nobody says', async () => {
    const KeyId = await create();
    const response = await client.send(new ScheduleKeyDeletionCommand({ KeyId }));
    expect(response.PendingWindowInDays).toBe(30);
  });

  test('refusals have the names that AWS gives them', async () => {
    const arn = await create();
    const refused = (call: Promise<unknown>, name: string) => expect(call).rejects.toMatchObject({ name });
    await refused(client.send(new DescribeKeyCommand({ KeyId: 'none' })), 'NotFoundException');
    await refused(sign(arn, Buffer.from('x'), 'ECDSA_SHA_512'), 'InvalidKeyUsageException');
    await refused(sign(arn, Buffer.from('x'), 'RSASSA_PSS_SHA_512'), 'InvalidKeyUsageException');
    await refused(sign(arn, Buffer.alloc(32), 'RSASSA_PKCS1_V1_5_SHA_512', 'DIGEST'), 'ValidationException');
    await refused(sign(arn, Buffer.alloc(4_097)), 'ValidationException');
    await refused(client.send(new CreateKeyCommand({})), 'UnsupportedOperationException');
    await refused(
      client.send(new CreateKeyCommand({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' })),
      'UnsupportedOperationException',
    );
    await refused(client.send(new ListKeysCommand({})), 'UnknownOperationException');
  });

  test('a page in a browser is refused', async () => {
    const KeyId = await create();
    const response = await send(Number(new URL(kms.url).port), '/', {
      method: 'POST',
      headers: { 'x-amz-target': 'TrentService.DescribeKey', origin: 'http://localhost:3000' },
      body: JSON.stringify({ KeyId }),
    });
    expect(response.status).toBe(403);
    expect(response.body).not.toContain('KeyMetadata');
  });
});
