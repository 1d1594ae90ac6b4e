import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { Secret } from './secret.ts';

const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;

/** SHA-256, base64url. */
export const sha256 = (data: string | Uint8Array): string => hash('sha256', data, 'base64url');

/** A `KeyObject` takes Node a third of the time of the same bytes in a buffer. */
const keyObject = (key: Secret<Buffer>): KeyObject => createSecretKey(key.expose());

/** Fresh random bytes. */
export const randomSecret = (bytes: number): Secret<Buffer> => new Secret(randomBytes(bytes));

/**
 * Strict base64url: undefined unless `text` is the one canonical, unpadded encoding of exactly `bytes` bytes (so that
 * two different texts never name the same secret).
 */
export function decodeBase64Url(text: string, bytes: number): Buffer | undefined {
  if (text.length !== Math.ceil((bytes * 4) / 3) || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const decoded = Buffer.from(text, 'base64url');
  return decoded.toString('base64url') === text ? decoded : undefined;
}

/**
 * A 256-bit key for one use, from a secret (HKDF-SHA-256, RFC 5869).
 *
 * @param use - names the use; keys of different uses are independent
 * @param salt - separates keys of the same use, if there are several
 */
export const deriveKey = (secret: Secret<Buffer>, use: string, salt = ''): Secret<Buffer> =>
  new Secret(Buffer.from(hkdfSync('sha256', keyObject(secret), salt, `cis2-bff ${use}`, keyBytes)));

/**
 * Seals with AES-256-GCM under a fresh random nonce.
 *
 * @param context - additional authenticated data: what this is and where it is stored. It cannot be opened under another context.
 * @returns nonce ‖ ciphertext ‖ tag
 */
export function seal(key: Secret<Buffer>, context: string, plain: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', keyObject(key), nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what {@link seal} made; undefined when it was not made under this key and context, or was altered. */
export function open(key: Secret<Buffer>, context: string, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < nonceBytes + tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', keyObject(key), sealed.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  })
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(-tagBytes));
  try {
    const plain = decipher.update(sealed.subarray(nonceBytes, -tagBytes));
    // Checks the tag. It returns no more data with GCM.
    decipher.final();
    return plain;
  } catch {
    return undefined;
  }
}
