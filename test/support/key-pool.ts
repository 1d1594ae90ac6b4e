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

/** For what all tests of a worker share: no other pair has these keys, however many there are. */
export const sharedKeys = { provider: 2_000, providerBehindProxy: 2_001 } as const;

const maxPairs = 48;
let pairs = 0;

const nextNumber = (): number => {
  pairs += 1;
  return pairs % maxPairs;
};

/**
 * A key pair for an RSA algorithm of JOSE.
 *
 * @param number - of its key. @default one that none of the last 47 had
 */
export async function signingPair(
  alg: string,
  number: number = nextNumber(),
): Promise<{ privateKey: CryptoKey; publicJwk: JWK }> {
  const { privateJwk } = poolKey(number);
  const { kty, n, e } = privateJwk as { kty: 'RSA'; n: string; e: string };
  const privateKey = await importJWK({ ...privateJwk, kty }, alg, { extractable: true });
  return { privateKey, publicJwk: { kty, n, e } };
}

/** What nobody may see: the private exponents of all keys that this process has used. */
export const privateExponents = (): string[] =>
  [...known.values()].map(({ privateJwk }) => privateJwk.d ?? '');
