/**
 * Keys that are made in AWS KMS and never leave it. Loaded only for a ring with such a key, because it loads the
 * client of KMS.
 */
import {
  CreateKeyCommand,
  DisabledException,
  GetPublicKeyCommand,
  KMSClient,
  KMSInvalidStateException,
  NotFoundException,
  ScheduleKeyDeletionCommand,
  SignCommand,
  type KeySpec,
  type KMSClientConfig,
} from '@aws-sdk/client-kms';
import type { JWK } from 'jose';
import { createPublicKey } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ringTag } from '../../ring-tag.ts';
import { KeyRetired, KeysUnavailable } from '../errors.ts';
import type { SignBytes } from '../signer.ts';

/** The minimum that KMS allows. Until then a deletion can be cancelled. */
const minPendingDays = 7;

/** KMS is eventually consistent: a new key may not be found at once. */
const newKeyTries = 5;
const newKeyPauseMs = 1_000;

export const createKms = (options: KMSClientConfig): KMSClient => new KMSClient(options);

/**
 * Makes a key in KMS. It is deleted again if its public half cannot be read. If the call is killed before the ARN is
 * stored, the key stays unused; its tag and its age identify it.
 *
 * @param bits - size of the key
 * @param ringName - the value of the key's tag
 * @throws KeysUnavailable
 */
export async function newKmsKey(
  client: KMSClient,
  bits: number,
  ringName: string,
): Promise<{ keyArn: string; publicJwk: JWK }> {
  try {
    const { KeyMetadata: key } = await client.send(
      new CreateKeyCommand({
        KeySpec: `RSA_${String(bits)}` as KeySpec,
        KeyUsage: 'SIGN_VERIFY',
        Description: `CIS2 BFF: a signing key of ${ringName}`,
        Tags: [{ TagKey: ringTag, TagValue: ringName }],
      }),
    );
    if (key?.Arn === undefined) throw new KeysUnavailable('KMS made a key without an ARN');
    const keyArn = key.Arn;
    const publicJwk = await publicJwkOf(client, keyArn).catch(async (error: unknown) => {
      await destroyKmsKey(client, keyArn).catch(() => undefined);
      throw error;
    });
    return { keyArn, publicJwk };
  } catch (cause) {
    throw cause instanceof KeysUnavailable ? cause : new KeysUnavailable('KMS made no key', { cause });
  }
}

async function publicJwkOf(client: KMSClient, keyArn: string): Promise<JWK> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { PublicKey: der } = await client.send(new GetPublicKeyCommand({ KeyId: keyArn }));
      if (der === undefined) throw new KeysUnavailable('KMS gave no public key');
      return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }).export({
        format: 'jwk',
      });
    } catch (error) {
      if (!(error instanceof NotFoundException) || tries === newKeyTries) throw error;
      await pause(newKeyPauseMs);
    }
  }
}

/** Schedules the deletion of a key after the minimum wait. Does nothing if it is scheduled or gone. */
export async function destroyKmsKey(client: KMSClient, keyArn: string): Promise<void> {
  try {
    await client.send(new ScheduleKeyDeletionCommand({ KeyId: keyArn, PendingWindowInDays: minPendingDays }));
  } catch (cause) {
    if (cause instanceof KMSInvalidStateException || cause instanceof NotFoundException) return;
    throw new KeysUnavailable('a key in KMS could not be scheduled for deletion', { cause });
  }
}

/** Has KMS sign with a key. */
export const kmsSign =
  (client: KMSClient, keyArn: string): SignBytes =>
  async (bytes) => {
    try {
      // The text may exceed the limit of KMS, so KMS gets the digest.
      const { Signature } = await client.send(
        new SignCommand({
          KeyId: keyArn,
          Message: new Uint8Array(await crypto.subtle.digest('SHA-512', bytes)),
          MessageType: 'DIGEST',
          SigningAlgorithm: 'RSASSA_PKCS1_V1_5_SHA_512',
        }),
      );
      if (Signature === undefined) throw new KeysUnavailable('KMS gave no signature');
      return Signature;
    } catch (cause) {
      if (cause instanceof KeysUnavailable) throw cause;
      if (isRetired(cause)) throw new KeyRetired('the key is not to be used any more', { cause });
      throw new KeysUnavailable('KMS did not sign', { cause });
    }
  };

const isRetired = (error: unknown): boolean =>
  error instanceof KMSInvalidStateException ||
  error instanceof DisabledException ||
  error instanceof NotFoundException;
