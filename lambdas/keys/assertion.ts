/** `private_key_jwt` (RFC 7523 section 2.2; OpenID Connect Core section 9), with a private key in the secret or in KMS. */
import { randomUUID } from 'node:crypto';
import { after, type AssertionSigner, type Clock } from '../common/index.ts';
import { signingAlgorithm } from './ring.ts';

/** RSASSA-PKCS1-v1_5 with SHA-512 over these bytes. */
export type SignBytes = (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

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
