/** What a session contains: sealed under its data key, which is wrapped under the secret in the cookie. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { deriveKey, open, randomSecret, seal, Secret, type HealthcareWorker } from '../common/index.ts';
import { format } from './items.ts';

const context = (use: string, key: string): string => `${use}|session#${key}|${String(format)}`;

const wrap = (key: string, secret: Secret<Buffer>, dataKey: Secret<Buffer>): Buffer =>
  seal(deriveKey(secret, 'wrap data key'), context('data key', key), dataKey.expose());

const unwrap = (key: string, secret: Secret<Buffer>, wrappedKey: Uint8Array): Secret<Buffer> | undefined => {
  const dataKey = open(deriveKey(secret, 'wrap data key'), context('data key', key), wrappedKey);
  return dataKey === undefined ? undefined : new Secret(dataKey);
};

const sealRole = (key: string, dataKey: Secret<Buffer>, roleId: string | null): Buffer =>
  seal(deriveKey(dataKey, 'role'), context('role', key), Buffer.from(roleId ?? ''));

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
    wrappedKey: wrap(key, secret, dataKey),
    profile: seal(
      deriveKey(dataKey, 'profile'),
      context('profile', key),
      deflateRawSync(JSON.stringify(worker)),
    ),
    roleId: sealRole(key, dataKey, roleId),
  };
}

/** Opens a session's content; undefined when any part was not sealed for this session and this cookie. */
export function openContent(
  key: string,
  secret: Secret<Buffer>,
  sealed: { [Part in keyof SealedContent]: Uint8Array | undefined },
): { worker: HealthcareWorker; roleId: string | null } | undefined {
  if (!sealed.wrappedKey || !sealed.profile || !sealed.roleId) return undefined;
  const dataKey = unwrap(key, secret, sealed.wrappedKey);
  if (dataKey === undefined) return undefined;
  const profile = open(deriveKey(dataKey, 'profile'), context('profile', key), sealed.profile);
  const roleId = open(deriveKey(dataKey, 'role'), context('role', key), sealed.roleId);
  if (profile === undefined || roleId === undefined) return undefined;
  return {
    // Authenticated: we wrote it, in this format.
    worker: JSON.parse(inflateRawSync(profile).toString()) as HealthcareWorker,
    roleId: roleId.length === 0 ? null : roleId.toString(),
  };
}

/**
 * Seals another role, and wraps the same data key under the secret of the session's next cookie: what else is sealed
 * under that key stays as it is. Undefined when the present secret does not open the key.
 */
export function resealRole(
  key: string,
  secrets: { readonly present: Secret<Buffer>; readonly next: Secret<Buffer> },
  wrappedKey: Uint8Array | undefined,
  roleId: string,
): Omit<SealedContent, 'profile'> | undefined {
  const dataKey = wrappedKey && unwrap(key, secrets.present, wrappedKey);
  if (dataKey === undefined) return undefined;
  return { wrappedKey: wrap(key, secrets.next, dataKey), roleId: sealRole(key, dataKey, roleId) };
}
