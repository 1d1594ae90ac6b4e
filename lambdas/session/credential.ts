import { randomBytes } from 'node:crypto';
import { decodeBase64Url, deriveKey, randomSecret, Secret, sha256 } from '../common/index.ts';

const selectorBytes = 32;
const secretBytes = 32;

/**
 * What the session cookie holds: a selector, whose hash is the session's key in the table and never changes while the
 * session lives, and a secret, which opens what the session contains and changes with the role.
 */
export interface SessionCredential {
  /** Where the session lies: the hash of the selector. Of no use as a cookie. */
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

/** Reads a cookie value; undefined for anything that cannot be one of ours. */
export function parseCredential(cookie: string): SessionCredential | undefined {
  const bytes = decodeBase64Url(cookie, selectorBytes + secretBytes);
  return bytes === undefined ? undefined : credential(bytes);
}

/**
 * The key that the chosen role is sealed under, and nothing else. It comes from the selector, so that a sign-in begun
 * before the role changed can carry over the role that is chosen by then.
 */
export const roleKeyOf = ({ selector }: SessionCredential): Secret<Buffer> => deriveKey(selector, 'role');

/**
 * What lets a later sign-in of the same browser end this session in its place, and carry over the role chosen in it: the
 * session's key, and its role key, which only a holder of the cookie can make. It opens nothing but the role, and is of
 * no use as a cookie.
 */
export const replacementOf = (credential: SessionCredential): string =>
  `${credential.key}.${roleKeyOf(credential).expose().toString('base64url')}`;

/** What the table has of the proof that a sign-in may take this session's place. */
export const replacementHash = (roleKey: Secret<Buffer>): string =>
  sha256(deriveKey(roleKey, 'replacement').expose());

/** Names the session that a sign-in takes the place of. */
export interface Replacement {
  readonly key: string;
  readonly hash: string;
  readonly roleKey: Secret<Buffer>;
}

/** Undefined for what {@link replacementOf} never made. */
export function parseReplacement(text: string): Replacement | undefined {
  const [key = '', encoded = '', ...others] = text.split('.');
  const bytes = decodeBase64Url(encoded, selectorBytes);
  if (bytes === undefined || others.length > 0 || decodeBase64Url(key, selectorBytes) === undefined) {
    return undefined;
  }
  const roleKey = new Secret(bytes);
  return { key, hash: replacementHash(roleKey), roleKey };
}
