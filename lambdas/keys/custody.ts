/** Where private halves are: what signs with a key, and what makes a new one, by the custody it is in. */
import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import type { webcrypto } from 'node:crypto';
import type { Clock } from '../common/index.ts';
import { assertionSigner } from './assertion.ts';
import type * as KmsKeys from './kms/index.ts';
import { keyOfKms, newSecretKey } from './new-key.ts';
import type { KeyMaker, SignerOf } from './ports.ts';
import { KeysUnavailable, type Custody } from './ring.ts';

/** KMS's client and what uses it, loaded at the first key that needs them: most installations have none. */
const lazyKms = (options: KMSClientConfig) => {
  let loaded: Promise<{ client: KMSClient; keys: typeof KmsKeys }> | undefined;
  const load = async () => {
    const keys = await import('./kms/index.ts');
    return { client: keys.createKms(options), keys };
  };
  return () => (loaded ??= load());
};

/**
 * Signs with a key wherever its private half is: which custody that is, the ring says.
 *
 * @param options.kmsOptions - of KMS’s client: how long it may take to sign, and how often it is asked
 */
export function signers(options: { kmsOptions: KMSClientConfig; clock: Clock }): SignerOf {
  const kms = lazyKms(options.kmsOptions);
  return async ({ kid, place, privateHalf }) => {
    if (privateHalf === null) throw new KeysUnavailable(`the ${place} key cannot sign`);
    if (privateHalf.custody === 'kms') {
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
 * Makes new keys where the settings say.
 *
 * @param options.bits - size of a new key
 * @param options.ringName - what a key in KMS is tagged with
 * @param options.kmsOptions - of KMS’s client: how long it may take to make a key, and how often it is asked
 */
export function createKeyMaker(options: {
  custody: Custody;
  bits: number;
  ringName: string;
  kmsOptions: KMSClientConfig;
  clock: Clock;
}): KeyMaker {
  const { custody, bits, ringName, clock } = options;
  const kms = lazyKms(options.kmsOptions);
  return {
    custody,
    make: async () => {
      if (custody === 'secret') return newSecretKey(bits, clock);
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
