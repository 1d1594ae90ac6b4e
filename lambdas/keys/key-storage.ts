/** Signs with keys and makes keys, whose private halves are stored in the secret or in KMS. */
import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import type { webcrypto } from 'node:crypto';
import type { AssertionSigner, Clock } from '../common/index.ts';
import { assertionSigner } from './assertion.ts';
import { KeysUnavailable } from './errors.ts';
import type * as KmsKeys from './kms/index.ts';
import { keyOfKms, newSecretKey } from './private-key.ts';
import type { NewKey } from './ring-changes.ts';
import type { KeyStorage, RingKey } from './ring.ts';

/** Gives the signer of a key, stored in the secret or in KMS. @throws KeysUnavailable */
export type SignerOf = (key: RingKey) => Promise<AssertionSigner>;

export interface KeyMaker {
  /** Where new keys are made. */
  readonly storage: KeyStorage;
  /** @throws KeysUnavailable */
  make(): Promise<NewKey>;
  /** Schedules the deletion of a key in KMS; does nothing if it is scheduled or gone. @throws KeysUnavailable */
  destroy(keyArn: string): Promise<void>;
}

/** The client of KMS, loaded at the first key in KMS: most installations have none. */
const lazyKms = (options: KMSClientConfig) => {
  let loaded: Promise<{ client: KMSClient; keys: typeof KmsKeys }> | undefined;
  const load = async () => {
    const keys = await import('./kms/index.ts');
    return { client: keys.createKms(options), keys };
  };
  return () => (loaded ??= load());
};

/** @param options.kmsOptions - of KMS’s client: how long it may take to sign, and how often it is asked */
export function createSignerOf(options: { kmsOptions: KMSClientConfig; clock: Clock }): SignerOf {
  const kms = lazyKms(options.kmsOptions);
  return async ({ kid, place, privateHalf }) => {
    if (privateHalf === null) throw new KeysUnavailable(`the ${place} key cannot sign`);
    if (privateHalf.storage === 'kms') {
      const { client, keys } = await kms();
      return assertionSigner(kid, options.clock, keys.kmsSign(client, privateHalf.keyArn));
    }
    const key = await importPrivateKey(privateHalf.jwk.expose());
    return assertionSigner(
      kid,
      options.clock,
      async (bytes) => new Uint8Array(await crypto.subtle.sign(rsaSha512.name, key, bytes)),
    );
  };
}

const rsaSha512 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' } as const;

async function importPrivateKey(jwk: webcrypto.JsonWebKey): Promise<webcrypto.CryptoKey> {
  try {
    return await crypto.subtle.importKey('jwk', jwk, rsaSha512, false, ['sign']);
  } catch {
    // Without the cause: it may quote a member.
    throw new KeysUnavailable('the private key cannot be imported');
  }
}

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
}): KeyMaker {
  const { storage, bits, ringName, clock } = options;
  const kms = lazyKms(options.kmsOptions);
  return {
    storage,
    make: async () => {
      if (storage === 'secret') return newSecretKey(bits, clock);
      const { client, keys } = await kms();
      const { keyArn, publicJwk } = await keys.newKmsKey(client, bits, ringName);
      return keyOfKms(keyArn, publicJwk, clock);
    },
    destroy: async (keyArn) => {
      const { client, keys } = await kms();
      await keys.destroyKmsKey(client, keyArn);
    },
  };
}
