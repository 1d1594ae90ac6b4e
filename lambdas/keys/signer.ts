/**
 * Signs `private_key_jwt` (RFC 7523 section 2.2; OpenID Connect Core section 9), with a private key in the secret or in KMS.
 */
import type { KMSClientConfig } from '@aws-sdk/client-kms';
import { randomUUID, type webcrypto } from 'node:crypto';
import { after, type AssertionSigner, type Clock } from '../common/index.ts';
import { KeysUnavailable } from './errors.ts';
import { kmsLoader } from './load-kms.ts';
import { signingAlgorithm, type RingKey } from './ring.ts';

/** Gives the signer of a key, stored in the secret or in KMS. @throws KeysUnavailable */
export type SignerOf = (key: RingKey) => Promise<AssertionSigner>;

/** RSASSA-PKCS1-v1_5 with SHA-512 over these bytes. */
export type SignBytes = (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

/** @param options.kmsOptions - of KMS’s client: how long it may take to sign, and how often it is asked */
export function createSignerOf({
  kmsOptions,
  clock,
}: {
  kmsOptions: KMSClientConfig;
  clock: Clock;
}): SignerOf {
  const kms = kmsLoader(kmsOptions);
  return async ({ kid, place, privateHalf }) => {
    if (privateHalf === null) throw new KeysUnavailable(`the ${place} key cannot sign`);
    if (privateHalf.storage === 'kms') {
      const { client, keys } = await kms();
      return assertionSigner(kid, clock, keys.kmsSign(client, privateHalf.keyArn));
    }
    const key = await importPrivateKey(privateHalf.jwk.expose());
    return assertionSigner(
      kid,
      clock,
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

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The compact serialisation (RFC 7515 section 7.1) is made here, because KMS signs bytes, not JWTs. */
export const assertionSigner = (kid: string, clock: Clock, signBytes: SignBytes): AssertionSigner => ({
  kid,
  sign: async ({ clientId, audience, lifetimeSeconds }) => {
    const now = clock();
    const header = encode({ alg: signingAlgorithm, typ: 'JWT', kid });
    const payload = encode({
      iss: clientId,
      sub: clientId,
      aud: audience,
      iat: now,
      exp: after(now, lifetimeSeconds),
      jti: randomUUID(),
    });
    const signature = await signBytes(Uint8Array.from(Buffer.from(`${header}.${payload}`)));
    return `${header}.${payload}.${Buffer.from(signature).toString('base64url')}`;
  },
});
