import { decodeBase64Url, randomSecret, Secret, sha256 } from '../common/index.ts';

const referenceBytes = 32;
const secretBytes = 32;

/**
 * What the session cookie holds: a reference, whose hash is the session's key in the table and never changes while the
 * session lives, and a secret, which opens what the session contains and changes with the role.
 */
export interface SessionCredential {
  /** Where the session lies: the hash of the reference. Of no use as a cookie. */
  readonly key: string;
  readonly secret: Secret<Buffer>;
  /** The whole cookie value. */
  readonly cookie: Secret;
}

const credential = (bytes: Buffer): SessionCredential => ({
  key: sha256(bytes.subarray(0, referenceBytes)),
  secret: new Secret(bytes.subarray(referenceBytes)),
  cookie: new Secret(bytes.toString('base64url')),
});

/** A fresh credential: 512 random bits. */
export const newCredential = (): SessionCredential =>
  credential(randomSecret(referenceBytes + secretBytes).expose());

/** Reads a cookie value; undefined for anything that cannot be one of ours. */
export function parseCredential(cookie: string): SessionCredential | undefined {
  const bytes = decodeBase64Url(cookie, referenceBytes + secretBytes);
  return bytes === undefined ? undefined : credential(bytes);
}
