import { decodeBase64Url, deriveKey, randomSecret, Secret, sha256 } from '../common/index.ts';

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

/**
 * What lets a later sign-in of the same browser end this session in its place: the session's key, and a proof that only
 * the holder of the cookie can make. It opens nothing and is of no use as a cookie.
 */
export const replacementOf = ({ key, secret }: SessionCredential): string =>
  `${key}.${replacementProof(secret)}`;

const replacementProof = (secret: Secret<Buffer>): string =>
  deriveKey(secret, 'replacement').expose().toString('base64url');

/** What the table keeps of the proof. */
export const replacementHash = (secret: Secret<Buffer>): string => sha256(replacementProof(secret));

/** Undefined for what {@link replacementOf} never made. */
export function parseReplacement(text: string): { key: string; hash: string } | undefined {
  const [, key, proof] = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
  return key === undefined || proof === undefined ? undefined : { key, hash: sha256(proof) };
}
