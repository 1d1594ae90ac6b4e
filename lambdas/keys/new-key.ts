import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { Secret, type Clock } from '../common/index.ts';
import type { NewKey } from './changes.ts';
import { publicJwk, signingAlgorithm, type PrivateHalf } from './ring.ts';

/** Makes a key of `bits` bits whose private half is for the secret: 0.1 s for 2048, up to 1 s for 4096 on one core. */
export async function newSecretKey(bits: number, clock: Clock): Promise<NewKey> {
  const { privateKey } = await generateKeyPair(signingAlgorithm, { modulusLength: bits, extractable: true });
  return keyOfJwk(await exportJWK(privateKey), clock);
}

/** A private JWK as a key for the ring. @param kid - its name; RFC 7638 thumbprint unless told otherwise */
export async function keyOfJwk(privateJwk: JWK, clock: Clock, kid?: string): Promise<NewKey> {
  const jwk = { ...privateJwk, kid: kid ?? (await calculateJwkThumbprint(privateJwk)) };
  return newKey(jwk, { custody: 'secret', jwk: new Secret(jwk) }, clock);
}

/** A key that lies in KMS, for the ring. */
export async function keyOfKms(keyArn: string, jwk: JWK, clock: Clock): Promise<NewKey> {
  return newKey({ ...jwk, kid: await calculateJwkThumbprint(jwk) }, { custody: 'kms', keyArn }, clock);
}

const newKey = (jwk: JWK & { kid: string }, privateHalf: PrivateHalf, clock: Clock): NewKey => ({
  kid: jwk.kid,
  createdAt: clock(),
  publicJwk: publicJwk(jwk),
  privateHalf,
});
