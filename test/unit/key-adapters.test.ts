/** The secret and KMS as the keys module sees them, at the local endpoints. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DescribeKeyCommand, DisableKeyCommand, GetPublicKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { Secret, type EpochSeconds } from '../../lambdas/common/index.ts';
import {
  createKeyMaker,
  createKeySecret,
  KeysUnavailable,
  createSignerOf,
  type KeySecret,
} from '../../lambdas/keys/index.ts';
import { asCurrent } from '../../lambdas/keys/ring-changes.ts';
import { newKmsKey } from '../../lambdas/keys/kms/index.ts';
import { KeyRetired } from '../../lambdas/keys/errors.ts';
import { startKms } from '../../local/aws/kms.ts';
import { localAws } from '../support/aws-client.ts';
import { startSecrets } from '../support/secrets.ts';

describe('the key secret', () => {
  let secrets: Awaited<ReturnType<typeof startSecrets>>;
  let keySecret: KeySecret;
  const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
  beforeEach(async () => {
    secrets = await startSecrets();
    keySecret = createKeySecret(secrets.client, 'ring');
  });
  afterEach(() => {
    secrets.close();
  });

  const labels = async () => Object.fromEntries((await keySecret.describe()).labels);
  const put = (versionId: string, label: string, text = versionId) =>
    keySecret.put(versionId, new Secret(text), label);

  test('is empty before its first value', async () => {
    expect(await keySecret.current()).toBeUndefined();
    expect(await keySecret.version(first)).toBeUndefined();
    expect(await keySecret.describe()).toEqual({ labels: new Map(), nextRotationAt: null });
  });

  test('gives versions by label and by name, and keeps one’s value', async () => {
    expect(await put(first, 'AWSCURRENT')).toBe(true);
    expect(await put(second, 'AWSPENDING')).toBe(true);
    expect((await keySecret.current())?.versionId).toBe(first);
    expect((await keySecret.version(second))?.text.expose()).toBe(second);
    expect(await put(second, 'AWSPENDING')).toBe(true);
    expect(await put(second, 'AWSPENDING', 'another value')).toBe(false);
    expect((await keySecret.version(second))?.text.expose()).toBe(second);
  });

  test('moves the current version only from the one that the caller read', async () => {
    await put(first, 'AWSCURRENT');
    await put(second, 'AWSPENDING');
    await put(third, 'CIS2BFF_DRAFT_x');
    expect(await keySecret.moveCurrent(first, second)).toBe(true);
    expect(await keySecret.moveCurrent(first, third)).toBe(false);
    expect(await keySecret.moveCurrent(second, randomUUID())).toBe(false);
    expect(await labels()).toMatchObject({ AWSCURRENT: second, AWSPREVIOUS: first });
  });

  test('takes a label away from the version it is on, and from no other', async () => {
    await put(first, 'AWSCURRENT');
    await put(second, 'AWSPENDING');
    await keySecret.removeLabel('AWSPENDING', first);
    expect(await labels()).toEqual({ AWSCURRENT: first, AWSPENDING: second });
    await keySecret.removeLabel('AWSPENDING', second);
    await keySecret.removeLabel('AWSPENDING', second);
    expect(await labels()).toEqual({ AWSCURRENT: first });
  });

  test('that cannot be reached is said to be unavailable, whatever was asked [ASVS-16.5.3]', async () => {
    secrets.close();
    for (const work of [
      () => keySecret.current(),
      () => keySecret.describe(),
      () => put(first, 'AWSPENDING'),
      () => keySecret.moveCurrent(first, second),
      () => keySecret.removeLabel('AWSPENDING', first),
    ]) {
      await expect(work()).rejects.toThrow(KeysUnavailable);
    }
  });
});

describe('a key in KMS', () => {
  const now = 1_800_000_000 as EpochSeconds;
  const clock = () => now;
  const request = { clientId: 'rp.unit', audience: 'https://am.example:443/token', lifetimeSeconds: 240 };
  let kms: Awaited<ReturnType<typeof startKms>>;
  let client: KMSClient;
  const options = () => ({ ...localAws(kms.url), maxAttempts: 1 });
  beforeAll(async () => {
    kms = await startKms({ region: 'eu-west-2', account: '000000000000' });
    client = new KMSClient(options());
  });
  afterAll(() => {
    client.destroy();
    kms.close();
  });

  const maker = () =>
    createKeyMaker({ storage: 'kms', bits: 2048, ringName: 'unit/cis2', kmsOptions: options(), clock });
  const made = async () => {
    const key = await maker().make();
    if (key.privateHalf?.storage !== 'kms') throw new Error('not in KMS');
    const signer = await createSignerOf({ kmsOptions: options(), clock })(asCurrent(key, now));
    return { key, signer, KeyId: key.privateHalf.keyArn };
  };

  test('signs what its public half verifies, and has no private half here [ASVS-13.3.3, S-06, CIS2-PKJ]', async () => {
    const { key, signer } = await made();
    const { payload, protectedHeader } = await jwtVerify(
      await signer.sign(request),
      createLocalJWKSet({ keys: [{ ...key.publicJwk }] }),
      { currentDate: new Date(now * 1000), audience: request.audience, issuer: request.clientId },
    );
    expect(protectedHeader).toEqual({ alg: 'RS512', typ: 'JWT', kid: key.kid });
    expect(payload).toMatchObject({ sub: request.clientId, iat: now, exp: now + 240 });
    expect(Object.keys(key.publicJwk).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  });

  test('that is destroyed waits a week, signs no more, and can be destroyed again', async () => {
    const { signer, KeyId } = await made();
    await maker().destroy(KeyId);
    await maker().destroy(KeyId);
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }));
    expect(KeyMetadata?.KeyState).toBe('PendingDeletion');
    const days = (Number(KeyMetadata?.DeletionDate) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(7);
    await expect(signer.sign(request)).rejects.toThrow(KeyRetired);
    await maker().destroy(`arn:aws:kms:eu-west-2:000000000000:key/${randomUUID()}`);
  });

  test('whose public half cannot be had is not left behind', async () => {
    const asked: Parameters<KMSClient['send']>[0][] = [];
    const failing = {
      send: (command: Parameters<KMSClient['send']>[0]) => {
        asked.push(command);
        return command instanceof GetPublicKeyCommand
          ? Promise.reject(new Error('not allowed'))
          : client.send(command);
      },
    };
    await expect(newKmsKey(failing as unknown as KMSClient, 2048, 'unit/cis2')).rejects.toThrow(
      KeysUnavailable,
    );
    const { KeyId } = asked.find((command) => command instanceof GetPublicKeyCommand)?.input as {
      KeyId: string;
    };
    const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId }));
    expect(KeyMetadata?.KeyState).toBe('PendingDeletion');
  });

  test('that is disabled signs no more', async () => {
    const { signer, KeyId } = await made();
    await client.send(new DisableKeyCommand({ KeyId }));
    await expect(signer.sign(request)).rejects.toThrow(KeyRetired);
  });

  test('cannot be had when KMS cannot be reached [ASVS-16.5.3]', async () => {
    const { signer, KeyId } = await made();
    kms.close();
    for (const work of [() => signer.sign(request), () => maker().make(), () => maker().destroy(KeyId)]) {
      const error: unknown = await work().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(KeysUnavailable);
      expect(error).not.toBeInstanceOf(KeyRetired);
    }
  });
});
