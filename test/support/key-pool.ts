/** RSA keys of 2,048 bits for tests. Making one takes a tenth of a second, so each is made once and kept in `build/`. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importJWK, type CryptoKey, type JWK } from 'jose';

export interface PoolKey {
  readonly privateJwk: JWK;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const folder = join(import.meta.dirname, '../../build/test-keys');
const known = new Map<number, PoolKey>();

/** The key of this number. */
export function poolKey(number: number): PoolKey {
  const key = known.get(number) ?? read(number);
  known.set(number, key);
  return key;
}

function read(number: number): PoolKey {
  const file = join(folder, `${String(number)}.json`);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    text = JSON.stringify(pair.privateKey.export({ format: 'jwk' }));
    mkdirSync(folder, { recursive: true });
    // Another worker may make the same key at the same time: what is read is whole.
    const written = `${file}.${String(process.pid)}`;
    writeFileSync(written, text, { mode: 0o600 });
    renameSync(written, file);
  }
  const privateJwk = JSON.parse(text) as JWK;
  const privateKey = createPrivateKey({ key: privateJwk, format: 'jwk' });
  return { privateJwk, privateKey, publicKey: createPublicKey(privateKey) };
}

const maxPairs = 16;
let pairs = 0;

/** A key pair that none of the last ones had, for an RSA algorithm of JOSE. */
export async function signingPair(alg: string): Promise<{ privateKey: CryptoKey; publicJwk: JWK }> {
  pairs += 1;
  const { privateJwk } = poolKey(pairs % maxPairs);
  const { kty, n, e } = privateJwk as { kty: 'RSA'; n: string; e: string };
  const privateKey = await importJWK({ ...privateJwk, kty }, alg, { extractable: true });
  return { privateKey: privateKey, publicJwk: { kty, n, e } };
}

/** What nobody may see: the private exponents of all keys that this process has used. */
export const privateExponents = (): string[] =>
  [...known.values()].map(({ privateJwk }) => privateJwk.d ?? '');
