/**
 * The table's items.
 *
 * | pk                        | sk         | what                                                                  |
 * |---------------------------|------------|-----------------------------------------------------------------------|
 * | `session#KEY`             | `core`     | state, times, handles, hashes; the data key, wrapped; the chosen role, sealed |
 * | `session#KEY`             | `profile`  | who the person is and every role, deflated and sealed                 |
 * | `user#HASH`               | `sessions` | which sessions a user has: one attribute each                         |
 * | `provider-session#HASH`   | `sessions` | which sessions one CIS2 session has: one attribute each               |
 * | `attempt#ID`              | `spent`    | a sign-in attempt that came back                                      |
 *
 * Only `core` decides whether a session lives. Everything personal is sealed under the session's data key, which only
 * the secret in the browser's cookie can unwrap. `ttl` lets DynamoDB clear away what has run out; no rule leans on it.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  asEpochSeconds,
  deriveKey,
  open,
  randomSecret,
  seal,
  Secret,
  sha256,
  type EpochSeconds,
  type HealthcareWorker,
} from '../common/index.ts';

export type Item = Record<string, AttributeValue>;

/** The format this release writes and reads. It stands in every item and is bound into every seal. */
export const format = 1;

export const sessionKey = (key: string, item: 'core' | 'profile'): Item => ({
  pk: { S: `session#${key}` },
  sk: { S: item },
});
export const userIndexKey = (userHash: string): Item => ({
  pk: { S: `user#${userHash}` },
  sk: { S: 'sessions' },
});
export const providerSessionIndexKey = (providerSessionHash: string): Item => ({
  pk: { S: `provider-session#${providerSessionHash}` },
  sk: { S: 'sessions' },
});
export const attemptKey = (attemptId: string): Item => ({
  pk: { S: `attempt#${attemptId}` },
  sk: { S: 'spent' },
});

export const text = (attribute: AttributeValue | undefined): string | undefined => attribute?.S;
export const instant = (attribute: AttributeValue | undefined): EpochSeconds | undefined =>
  attribute?.N === undefined ? undefined : asEpochSeconds(Number(attribute.N));
/** A length of time of at least a second. */
export const seconds = (attribute: AttributeValue | undefined): number | undefined =>
  /^[1-9]\d{0,8}$/.test(attribute?.N ?? '') ? Number(attribute?.N) : undefined;
export const number = (value: number): AttributeValue => ({ N: String(value) });

/** A hash under which a user or a CIS2 session is found. The parts are length-prefixed, so no two lists collide. */
export const indexHash = (...parts: readonly string[]): string =>
  sha256(parts.map((part) => `${String(Buffer.byteLength(part))}:${part}`).join(''));

export const secretHash = (secret: Secret<Buffer>): string => sha256(secret.expose());

const context = (use: string, key: string): string => `${use}|session#${key}|${String(format)}`;

/** What of a session's content can be sealed: who the person is, and the id of the role they work in. */
export interface SealedContent {
  readonly wrappedKey: Buffer;
  readonly profile: Buffer;
  readonly roleId: Buffer;
}

/** Seals a new session's content under a fresh data key, and that key under the cookie's secret. */
export function sealContent(
  key: string,
  secret: Secret<Buffer>,
  worker: HealthcareWorker,
  roleId: string | null,
): SealedContent {
  const dataKey = randomSecret(32);
  return {
    wrappedKey: seal(deriveKey(secret, 'wrap data key'), context('data key', key), dataKey.expose()),
    profile: seal(
      deriveKey(dataKey, 'profile'),
      context('profile', key),
      deflateRawSync(JSON.stringify(worker)),
    ),
    roleId: seal(deriveKey(dataKey, 'role'), context('role', key), Buffer.from(roleId ?? '')),
  };
}

/** Opens a session's content; undefined when any part was not sealed for this session and this cookie. */
export function openContent(
  key: string,
  secret: Secret<Buffer>,
  sealed: { [Part in keyof SealedContent]: Uint8Array | undefined },
): { worker: HealthcareWorker; roleId: string | null } | undefined {
  if (!sealed.wrappedKey || !sealed.profile || !sealed.roleId) return undefined;
  const dataKey = open(deriveKey(secret, 'wrap data key'), context('data key', key), sealed.wrappedKey);
  if (dataKey === undefined) return undefined;
  const unwrapped = new Secret(dataKey);
  const profile = open(deriveKey(unwrapped, 'profile'), context('profile', key), sealed.profile);
  const roleId = open(deriveKey(unwrapped, 'role'), context('role', key), sealed.roleId);
  if (profile === undefined || roleId === undefined) return undefined;
  return {
    // Authenticated: we wrote it, in this format.
    worker: JSON.parse(inflateRawSync(profile).toString()) as HealthcareWorker,
    roleId: roleId.length === 0 ? null : roleId.toString(),
  };
}
