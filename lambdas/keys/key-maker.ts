/** Makes keys, whose private halves are stored in the secret or in KMS. */
import type { KMSClientConfig } from '@aws-sdk/client-kms';
import type { Clock } from '../common/index.ts';
import { kmsLoader } from './load-kms.ts';
import { keyOfKms, newSecretKey } from './private-key.ts';
import type { NewKey } from './ring-changes.ts';
import type { KeyStorage } from './ring.ts';

export type KeyMaker = ReturnType<typeof createKeyMaker>;

/**
 * @param options.bits - size of a new key
 * @param options.ringName - what a key in KMS is tagged with
 * @param options.kmsOptions - of KMS’s client: how long it may take to make a key, and how often it is asked
 */
export function createKeyMaker(options: {
  storage: KeyStorage;
  bits: number;
  ringName: string;
  kmsOptions: KMSClientConfig;
  clock: Clock;
}) {
  const { storage, bits, ringName, clock } = options;
  const kms = kmsLoader(options.kmsOptions);
  return {
    /** Where new keys are made. */
    storage,

    /** @throws KeysUnavailable */
    async make(): Promise<NewKey> {
      if (storage === 'secret') return newSecretKey(bits, clock);
      const { client, keys } = await kms();
      const { keyArn, publicJwk } = await keys.newKmsKey(client, bits, ringName);
      return keyOfKms(keyArn, publicJwk, clock);
    },

    /** Schedules the deletion of a key in KMS; does nothing if it is scheduled or gone. @throws KeysUnavailable */
    async destroy(keyArn: string): Promise<void> {
      const { client, keys } = await kms();
      await keys.destroyKmsKey(client, keyArn);
    },
  };
}
