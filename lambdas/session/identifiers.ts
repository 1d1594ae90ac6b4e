/**
 * Keyed hashes of users, of CIS2's sessions and of its logout tokens, as stored in the table. The identifiers can be guessed
 * (a user id has twelve digits), so plain hashes would identify all users of a stolen table. The key is in Secrets Manager,
 * not in the table.
 */
import { createHmac, createSecretKey } from 'node:crypto';
import { Secret } from '../common/index.ts';
import { IdentifierKeyUnavailable } from './errors.ts';
import type { StoreOptions } from './store.ts';

export type IdentifierKey = Secret<Buffer>;

/** Options of the stores that find sessions by user. */
export interface IdentifyingStoreOptions extends StoreOptions {
  /** Reads the key unless it is in memory. @throws IdentifierKeyUnavailable */
  readonly identifierKey: () => Promise<IdentifierKey>;
}

/** HMAC-SHA-256, base64url. The parts are length-prefixed, so no two lists collide. */
export const identifierHash = (
  key: IdentifierKey,
  kind: 'user' | 'provider-session' | 'logout-token',
  parts: readonly string[],
): string =>
  createHmac('sha256', createSecretKey(key.expose()))
    .update([kind, ...parts].map((part) => `${String(Buffer.byteLength(part))}:${part}`).join(''))
    .digest('base64url');

/**
 * The identifier key in Secrets Manager: at least 43 characters of base64, for 256 bits.
 *
 * @param readText - reads the text of the secret
 * @returns gives the key, which is read once, and again only after a failure. Parallel callers share one read. Throws
 *   IdentifierKeyUnavailable when the key cannot be read or has an invalid format
 */
export function identifierKeyFrom(readText: () => Promise<string | undefined>): () => Promise<IdentifierKey> {
  let reading: Promise<IdentifierKey> | undefined;
  return () =>
    (reading ??= readKey(readText).catch((error: unknown) => {
      reading = undefined;
      throw error;
    }));
}

async function readKey(readText: () => Promise<string | undefined>): Promise<IdentifierKey> {
  const text = await readText().catch((cause: unknown) => {
    throw new IdentifierKeyUnavailable('the identifier key could not be read', { cause });
  });
  if (text === undefined || !/^[\w+/=-]{43,}$/.test(text)) {
    throw new IdentifierKeyUnavailable('the identifier key has an invalid format');
  }
  return new Secret(Buffer.from(text));
}
