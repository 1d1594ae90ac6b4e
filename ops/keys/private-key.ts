import { createPrivateKey, type KeyObject } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { CouldNot } from '../errors.ts';
import { isKid } from './kid.ts';

/** An RSA private key with every member of RFC 7518 section 6.3.2 but `oth`, and nothing else. */
export interface PrivateRsaJwk {
  readonly kty: 'RSA';
  readonly n: string;
  readonly e: string;
  readonly d: string;
  readonly p: string;
  readonly q: string;
  readonly dp: string;
  readonly dq: string;
  readonly qi: string;
}

export interface PrivateKeyFile {
  readonly jwk: PrivateRsaJwk;
  /** The id that a JWK brings along. */
  readonly kid: string | undefined;
  /** Others on this machine can read the file. */
  readonly readableByOthers: boolean;
}

/** In bytes; a key of 16,384 bits has 13,000 as PEM. */
const maxFile = 65_536;

/** The least that CIS2's algorithm RS512 is used with, in bits. */
const minModulus = 2_048;

/** No message ever quotes what is in the file. */
const unusable = (message: string): CouldNot => new CouldNot('key_unusable', message);

/**
 * Reads a private key from a file.
 *
 * @param file - its path; `-` for standard input
 * @throws CouldNot when it cannot be read, or does not hold exactly one RSA private key
 */
export async function readPrivateKeyFile(file: string): Promise<PrivateKeyFile> {
  const { text, readableByOthers } = await readText(file);
  return { ...readPrivateKey(text, file === '-' ? 'standard input' : file), readableByOthers };
}

async function readText(file: string): Promise<{ text: string; readableByOthers: boolean }> {
  if (file === '-')
    return { text: await readWhole(process.stdin, 'standard input'), readableByOthers: false };
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    const { mode } = await handle.stat();
    const text = await readWhole(handle.createReadStream({ autoClose: false }), file);
    return { text, readableByOthers: (mode & 0o077) !== 0 };
  } catch (error) {
    if (error instanceof CouldNot) throw error;
    throw new CouldNot('file_unreadable', `cannot read ${file}: ${reasonOf(error)}`);
  } finally {
    await handle?.close();
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'you may not read it',
  EISDIR: 'it is a directory',
};
const reasonOf = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException).code ?? 'it cannot be opened';
  return reasons[code] ?? code;
};

async function readWhole(stream: AsyncIterable<unknown>, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Buffer);
    length += bytes.length;
    if (length > maxFile) throw unusable(`${name} is larger than 64 KiB, which no private key is`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8').trim();
}

/**
 * @param text - PEM (PKCS#8 or PKCS#1), a JWK, or a JWK Set of one key
 * @param name - what to call it in a message
 * @throws CouldNot when it is not one RSA private key; the message says what it is instead
 */
export function readPrivateKey(text: string, name: string): Omit<PrivateKeyFile, 'readableByOthers'> {
  if (text === '') throw unusable(`${name} is empty`);
  if (text.startsWith('{')) return readJwk(text, name);
  if (text.includes('-----BEGIN ')) return { jwk: readPem(text, name), kid: undefined };
  throw unusable(`${name} is neither a PEM file nor a JWK`);
}

function readPem(text: string, name: string): PrivateRsaJwk {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----/gs)];
  const privateKeys = blocks.filter(([, label = '']) => label.endsWith('PRIVATE KEY'));
  if (privateKeys.length > 1) {
    throw unusable(`${name} holds ${String(privateKeys.length)} private keys: give one`);
  }
  const [pem = '', label = ''] = privateKeys[0] ?? [];
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
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    throw unusable(`${name} says that it is a private key in PEM, but it cannot be read as one`);
  }
  return rsaOf(key, name);
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readJwk(text: string, name: string): Omit<PrivateKeyFile, 'readableByOthers'> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable(`${name} is neither a PEM file nor JSON`);
  }
  const jwk = onlyKeyOf(value, name);
  const { kty, kid, use } = jwk;
  if (kty !== 'RSA')
    throw notRsa(name, kty === 'EC' ? 'an EC key' : kty === 'OKP' ? 'an Edwards-curve key' : 'no RSA key');
  if (jwk['d'] === undefined) throw unusable(`${name} holds a public key, not a private key`);
  if (use !== undefined && use !== 'sig') throw unusable(`${name} holds a key that is not for signing`);
  if (kid !== undefined && (typeof kid !== 'string' || !isKid(kid))) {
    throw unusable(
      `the kid in ${name} is not 1 to 128 printable ASCII characters without spaces: take it out, or change it`,
    );
  }
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    throw unusable(`${name} is not a whole RSA private key: it needs n, e, d, p, q, dp, dq and qi`);
  }
  return { jwk: rsaOf(key, name), kid };
}

function onlyKeyOf(value: unknown, name: string): Fields {
  if (!isObject(value)) throw unusable(`${name} is neither a PEM file nor a JWK`);
  const { keys } = value;
  if (keys === undefined) return value;
  if (Array.isArray(keys) && keys.length === 1 && isObject(keys[0])) return keys[0];
  throw unusable(`${name} is a JWK Set, which must hold exactly one key: give one JWK`);
}

const notRsa = (name: string, kind: string): CouldNot =>
  unusable(`${name} holds ${kind}; CIS2 needs RSA, with which RS512 signs`);

function rsaOf(key: KeyObject, name: string): PrivateRsaJwk {
  const type = key.asymmetricKeyType ?? 'unknown';
  if (type !== 'rsa') throw notRsa(name, type === 'ec' ? 'an EC key' : `a key of the type ${type}`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < minModulus) {
    throw unusable(
      `${name} holds an RSA key of ${String(bits)} bits; it must have ${String(minModulus)} at least`,
    );
  }
  const { kty, n, e, d, p, q, dp, dq, qi } = key.export({ format: 'jwk' });
  const jwk = { kty, n, e, d, p, q, dp, dq, qi };
  if (Object.values(jwk).some((member) => typeof member !== 'string')) {
    throw unusable(`${name} is not a whole RSA private key`);
  }
  return jwk as PrivateRsaJwk;
}
