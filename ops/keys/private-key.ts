import { createPrivateKey, type JsonWebKeyInput, type PrivateKeyInput } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { CommandFailed } from '../errors.ts';
import { isKid } from '../../lambdas/common/id-rules.ts';
import { isObject } from '../../lambdas/common/json.ts';

export interface PrivateKeyFile {
  /** An RSA private key: every member of RFC 7518 section 6.3.2 but `oth`, and nothing else. */
  readonly jwk: Readonly<Record<'kty' | 'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi', string>>;
  /** The id in a JWK. */
  readonly kid: string | undefined;
  /** Others on this machine can read the file. */
  readonly readableByOthers: boolean;
}
type PrivateKey = Omit<PrivateKeyFile, 'readableByOthers'>;

/** In bytes; a key of 16,384 bits has 13,000 as PEM. */
const maxFile = 65_536;
const minBits = 2_048;

/** The message never quotes the file. */
const unusable = (message: string): CommandFailed => new CommandFailed('key_unusable', message);

/**
 * Reads a private key from a file.
 *
 * @param file - its path; `-` for standard input
 * @throws CommandFailed when it cannot be read, or does not hold exactly one RSA private key
 */
export async function readPrivateKeyFile(file: string, stdin: Readable): Promise<PrivateKeyFile> {
  if (file === '-') {
    const text = await readWhole(stdin, 'standard input');
    return { ...readPrivateKey(text, 'standard input'), readableByOthers: false };
  }
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    const { mode } = await handle.stat();
    const text = await readWhole(handle.createReadStream({ autoClose: false }), file);
    return { ...readPrivateKey(text, file), readableByOthers: (mode & 0o077) !== 0 };
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'it cannot be opened';
    throw new CommandFailed('file_unreadable', `cannot read ${file}: ${reasons[code] ?? code}`);
  } finally {
    await handle?.close();
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};

async function readWhole(stream: AsyncIterable<unknown>, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Buffer);
    length += bytes.length;
    if (length > maxFile) throw unusable(`${name} is larger than 64 KiB: not a private key`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8').trim();
}

/**
 * @param text - PEM (PKCS#8 or PKCS#1), a JWK, or a JWK Set of one key
 * @param name - what to call it in a message
 * @throws CommandFailed when it is not one RSA private key; the message says what it is instead
 */
export function readPrivateKey(text: string, name: string): PrivateKey {
  if (text === '') throw unusable(`${name} is empty`);
  if (text.startsWith('{')) return readJwk(text, name);
  if (text.includes('-----BEGIN ')) return { jwk: readPem(text, name), kid: undefined };
  throw unusable(`${name} is neither a PEM file nor a JWK`);
}

function readPem(text: string, name: string): PrivateKey['jwk'] {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----/gs)];
  const privateKeys = blocks.filter(([, label = '']) => label.endsWith('PRIVATE KEY'));
  const [pem = '', label = ''] = privateKeys[0] ?? [];
  if (privateKeys.length > 1) {
    throw unusable(`${name} holds ${String(privateKeys.length)} private keys: give one`);
  }
  if (pem === '') {
    const isPublic = blocks.some(([, other = '']) => other.endsWith('PUBLIC KEY'));
    throw unusable(`${name} holds ${isPublic ? 'a public key, not a private key' : 'no private key'}`);
  }
  if (label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: *4, *ENCRYPTED/m.test(pem)) {
    throw unusable(`${name} is encrypted: decrypt it first, for example with openssl pkey -in OLD -out NEW`);
  }
  if (label === 'OPENSSH PRIVATE KEY') {
    throw unusable(
      `${name} is in OpenSSH's own format: turn it into PKCS#8 with ssh-keygen -p -m PKCS8 -f FILE`,
    );
  }
  return rsaKey(
    { key: pem, format: 'pem' },
    name,
    `${name} has the header of a private key in PEM, but cannot be read as one`,
  );
}

function readJwk(text: string, name: string): PrivateKey {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable(`${name} is neither a PEM file nor JSON`);
  }
  const keys = isObject(value) && value['keys'] !== undefined ? value['keys'] : [value];
  const jwk: unknown = Array.isArray(keys) && keys.length === 1 ? keys[0] : undefined;
  if (!isObject(jwk)) throw unusable(`${name} is a JWK Set, which must hold exactly one key: give one JWK`);
  const { kty, kid, use, d } = jwk;
  if (kty !== 'RSA') throw notRsa(name, kinds[String(kty)] ?? 'no RSA key');
  if (d === undefined) throw unusable(`${name} holds a public key, not a private key`);
  if (use !== undefined && use !== 'sig') throw unusable(`${name} holds a key that is not for signing`);
  if (kid !== undefined && !isKid(kid)) {
    throw unusable(`the kid in ${name} is not 1 to 128 of A-Z, a-z, 0-9 and ._~-: remove it, or change it`);
  }
  const broken = `${name} is not a whole RSA private key: it needs n, e, d, p, q, dp, dq and qi`;
  return { jwk: rsaKey({ key: jwk, format: 'jwk' }, name, broken), kid };
}

const kinds: Readonly<Record<string, string>> = {
  EC: 'an EC key',
  ec: 'an EC key',
  OKP: 'an Edwards-curve key',
};
const notRsa = (name: string, kind: string): CommandFailed =>
  unusable(`${name} holds ${kind}; CIS2 needs RSA, with which RS512 signs`);

function rsaKey(input: PrivateKeyInput | JsonWebKeyInput, name: string, broken: string): PrivateKey['jwk'] {
  let key;
  try {
    key = createPrivateKey(input);
  } catch {
    throw unusable(broken);
  }
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = key;
  if (type !== 'rsa') throw notRsa(name, kinds[type] ?? `a key of the type ${type}`);
  const bits = details?.modulusLength ?? 0;
  if (bits < minBits) {
    throw unusable(
      `${name} holds an RSA key of ${String(bits)} bits; at least ${String(minBits)} are needed`,
    );
  }
  const { kty, n, e, d, p, q, dp, dq, qi } = key.export({ format: 'jwk' });
  return { kty, n, e, d, p, q, dp, dq, qi } as PrivateKey['jwk'];
}
