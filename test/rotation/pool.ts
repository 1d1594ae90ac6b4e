/** RSA keys for worlds in memory. Making one takes a tenth of a second, so all worlds of a test file use the same ones. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';

export interface PoolKey {
  readonly privateJwk: JWK;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const made = new Map<number, PoolKey>();

/** The key of this number; made when it is first asked for. */
export function poolKey(number: number): PoolKey {
  const known = made.get(number);
  if (known !== undefined) return known;
  const pair = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const key = { ...pair, privateJwk: pair.privateKey.export({ format: 'jwk' }) };
  made.set(number, key);
  return key;
}

/** What nobody may see: the private exponents of all keys. */
export const privateExponents = (): string[] =>
  [...made.values()].map(({ privateJwk }) => privateJwk.d ?? '');
