/** `private_key_jwt` (RFC 7523 section 2.2; OpenID Connect Core section 9), wherever the private key is. */
import { randomUUID } from 'node:crypto';
import { after, type Clock } from '../common/index.ts';
import { signingAlgorithm } from './ring.ts';

interface AssertionRequest {
  readonly clientId: string;
  /** The token endpoint, character for character as its owner writes it. */
  readonly audience: string;
  readonly lifetimeSeconds: number;
}

/** Signs client assertions with one key. */
export interface AssertionSigner {
  /** The name that the key is published under. */
  readonly kid: string;
  /** @returns a client assertion. @throws KeysUnavailable when the key cannot be used */
  sign(request: AssertionRequest): Promise<string>;
}

/** RSASSA-PKCS1-v1_5 with SHA-512 over these bytes. */
export type SignBytes = (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The compact serialisation (RFC 7515 section 7.1) is made here, because a key in KMS signs bytes and knows no JWT. */
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
