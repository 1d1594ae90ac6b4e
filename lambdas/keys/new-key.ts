import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { Secret, type EpochSeconds } from '../common/index.ts';
import { publicJwk, signingAlgorithm, type RingKey } from './ring.ts';

/** Makes a key of `bits` bits: 0.1 s for 2048, up to 1 s for 4096 on one core. */
export async function newRingKey(
  place: 'current' | 'next',
  bits: number,
  now: EpochSeconds,
): Promise<RingKey> {
  const { privateKey } = await generateKeyPair(signingAlgorithm, { modulusLength: bits, extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    kid,
    place,
    createdAt: now,
    signingSince: place === 'current' ? now : null,
    publicJwk: publicJwk({ ...jwk, kid }),
    privateJwk: new Secret({ ...jwk, kid }),
  };
}
