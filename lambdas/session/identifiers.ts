/**
 * Keyed hashes of users, of CIS2's sessions and of its logout tokens, under which the table has them. What they are made
 * of can be guessed (a user id has twelve digits), so a plain hash would name everybody in a stolen table. The key is in
 * Secrets Manager and not in the table.
 */
import { createHmac, createSecretKey } from 'node:crypto';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Secret } from '../common/index.ts';
import { IdentifierKeyUnavailable } from './errors.ts';
import type { StoreOptions } from './store.ts';

export type IdentifierKey = Secret<Buffer>;

/** What the stores share that find sessions by whose they are. */
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
 * The key in Secrets Manager: letters, digits and what else base64 has, at least 43 of them, as many as 256 bits need.
 *
 * @returns gives the key: read once, and again only where that failed. Parallel callers share one read. It throws
 *   IdentifierKeyUnavailable when the key cannot be read, or is not such a text
 */
export function identifierKeyIn(
  client: SecretsManagerClient,
  secretId: string,
): () => Promise<IdentifierKey> {
  let reading: Promise<IdentifierKey> | undefined;
  return () =>
    (reading ??= readKey(client, secretId).catch((error: unknown) => {
      reading = undefined;
      throw error;
    }));
}

async function readKey(client: SecretsManagerClient, secretId: string): Promise<IdentifierKey> {
  let text: string | undefined;
  try {
    // The function's right to read the secret is for the version in force, and asks that the call names it.
    ({ SecretString: text } = await client.send(
      new GetSecretValueCommand({ SecretId: secretId, VersionStage: 'AWSCURRENT' }),
    ));
  } catch (cause) {
    throw new IdentifierKeyUnavailable('the key of the identifiers could not be read', { cause });
  }
  if (text === undefined || !/^[\w+/=-]{43,}$/.test(text)) {
    throw new IdentifierKeyUnavailable('the key of the identifiers is not one');
  }
  return new Secret(Buffer.from(text));
}
