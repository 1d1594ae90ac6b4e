import { randomBytes } from 'node:crypto';
import { decodeBase64Url, deriveKey, randomSecret, Secret, sha256 } from '../common/index.ts';

const selectorBytes = 32;
const secretBytes = 32;

/**
 * What the session cookie holds: a selector, whose hash is the session's key in the table and never changes while the
 * session lives, and a secret, which opens what the session contains and changes with the role.
 */
export interface SessionCredential {
  /** The key of the session in the table: the hash of the selector. Cannot be used as a cookie. */
  readonly key: string;
  readonly selector: Secret<Buffer>;
  readonly secret: Secret<Buffer>;
  /** The whole cookie value. */
  readonly cookie: Secret;
}

const credential = (bytes: Buffer): SessionCredential => ({
  key: sha256(bytes.subarray(0, selectorBytes)),
  selector: new Secret(bytes.subarray(0, selectorBytes)),
  secret: new Secret(bytes.subarray(selectorBytes)),
  cookie: new Secret(bytes.toString('base64url')),
});

/** A fresh credential: 512 random bits. */
export const newCredential = (): SessionCredential =>
  credential(randomSecret(selectorBytes + secretBytes).expose());

/** The same session under a fresh secret. */
export const renewedCredential = ({ selector }: SessionCredential): SessionCredential =>
  credential(Buffer.concat([selector.expose(), randomSecret(secretBytes).expose()]));

/** A fresh name for a session in one role; it changes with the secret. */
export const newHandle = (): string => randomBytes(16).toString('base64url');

/** Parses a cookie value; undefined if it is invalid. */
export function parseCredential(cookie: string): SessionCredential | undefined {
  const bytes = decodeBase64Url(cookie, selectorBytes + secretBytes);
  return bytes === undefined ? undefined : credential(bytes);
}

/**
 * The key that only the chosen role is sealed under. It is derived from the selector, so that a sign-in that began before a
 * role change can carry over the new role.
 */
export const roleKeyOf = ({ selector }: SessionCredential): Secret<Buffer> => deriveKey(selector, 'role');

/**
 * Lets a later sign-in of the same browser replace this session and carry over its role: the session's key and its role key,
 * which only a holder of the cookie can derive. It opens only the role, and cannot be used as a cookie.
 */
export const replacementOf = (credential: SessionCredential): string =>
  `${credential.key}.${roleKeyOf(credential).expose().toString('base64url')}`;

/** The hash in the table that proves that a sign-in may replace this session. */
export const replacementHash = (roleKey: Secret<Buffer>): string =>
  sha256(deriveKey(roleKey, 'replacement').expose());

/** The session that a sign-in replaces. */
export interface Replacement {
  readonly key: string;
  readonly hash: string;
  readonly roleKey: Secret<Buffer>;
}

/** Parses the text of {@link replacementOf}; undefined if it is invalid. */
export function parseReplacement(text: string): Replacement | undefined {
  const [key = '', encoded = '', ...others] = text.split('.');
  const bytes = decodeBase64Url(encoded, selectorBytes);
  if (bytes === undefined || others.length > 0 || decodeBase64Url(key, selectorBytes) === undefined) {
    return undefined;
  }
  const roleKey = new Secret(bytes);
  return { key, hash: replacementHash(roleKey), roleKey };
}
