/** What a session contains: sealed under its data key, which is wrapped under the secret in the cookie. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  deriveKey,
  open,
  randomSecret,
  seal,
  Secret,
  type EpochSeconds,
  type HealthcareWorker,
  type SignInTokens,
} from '../common/index.ts';
import { roleKeyOf, type SessionCredential } from './credential.ts';
import { format, secretHash, type Item } from './items.ts';

const context = (use: string, key: string): string => `${use}|session#${key}|${String(format)}`;

/**
 * The attributes of a core item that never change. They are part of the context of its seals, so that an item in which one of
 * them was changed cannot be opened.
 */
const unchanging = [
  'format',
  'userHash',
  'providerSessionHash',
  'signedInAt',
  'idleSeconds',
  'absoluteSeconds',
  'absoluteAt',
  'replacementHash',
];

/** The context of a seal in a core item: its use, its key, and attributes of the item. */
const coreContext = (use: string, key: string, core: Item, ...others: readonly string[]): string =>
  JSON.stringify([
    context(use, key),
    ...[...unchanging, ...others].map((name) => [core[name]?.S, core[name]?.N]),
  ]);

const wrap = (key: string, secret: Secret<Buffer>, core: Item, dataKey: Secret<Buffer>): Buffer =>
  seal(deriveKey(secret, 'wrap data key'), coreContext('data key', key, core), dataKey.expose());

/**
 * The key that everything in a session is sealed under; undefined when it was not wrapped for this cookie and
 * this item.
 */
export const openDataKey = (key: string, secret: Secret<Buffer>, core: Item): Secret<Buffer> | undefined => {
  const wrapped = core['wrappedKey']?.B;
  const dataKey =
    wrapped && open(deriveKey(secret, 'wrap data key'), coreContext('data key', key, core), wrapped);
  return dataKey === undefined ? undefined : new Secret(dataKey);
};

/** Bound to the secret's hash as well: an earlier role cannot be put back beside a later secret. */
const sealRole = (key: string, roleKey: Secret<Buffer>, core: Item, roleId: string | null): Buffer =>
  seal(roleKey, coreContext('role', key, core, 'secretHash'), Buffer.from(roleId ?? ''));

/** The id of the role that the person works in, null for none; undefined when it was not sealed for this item. */
export const openRole = (key: string, roleKey: Secret<Buffer>, core: Item): string | null | undefined => {
  const sealed = core['role']?.B;
  const roleId = sealed && open(roleKey, coreContext('role', key, core, 'secretHash'), sealed);
  if (roleId === undefined) return undefined;
  return roleId.length === 0 ? null : roleId.toString();
};

/** Uses less memory than the defaults of zlib: a profile is a kilobyte or two, seldom 25. */
const deflate = (text: string): Buffer => deflateRawSync(text, { windowBits: 13, memLevel: 6 });
const inflate = (deflated: Buffer): string =>
  inflateRawSync(deflated, deflated.length < 1_024 ? { chunkSize: 2_048 } : {}).toString();

/** The profile of the person; undefined when it was not sealed for this session. */
export const openProfile = (
  key: string,
  dataKey: Secret<Buffer>,
  sealed: Uint8Array | undefined,
): HealthcareWorker | undefined => {
  const profile = sealed && open(deriveKey(dataKey, 'profile'), context('profile', key), sealed);
  // Authenticated by its seal, so it is in our format.
  return profile === undefined ? undefined : (JSON.parse(inflate(profile)) as HealthcareWorker);
};

/** The sealed content of a session: the profile, the role, the tokens of CIS2, and the wrapped data key. */
export interface SealedContent {
  readonly wrappedKey: Buffer;
  readonly profile: Buffer;
  readonly roleId: Buffer;
  readonly tokens: Buffer;
}

/**
 * Seals a new session's content under a fresh data key, and that key under the cookie's secret.
 *
 * @param core - the session's item without the sealed attributes
 */
export function sealContent(
  credential: SessionCredential,
  core: Item,
  { worker, roleId, tokens }: { worker: HealthcareWorker; roleId: string | null; tokens: SignInTokens },
): SealedContent {
  const { key, secret } = credential;
  const dataKey = randomSecret(32);
  return {
    wrappedKey: wrap(key, secret, core, dataKey),
    profile: seal(deriveKey(dataKey, 'profile'), context('profile', key), deflate(JSON.stringify(worker))),
    roleId: sealRole(key, roleKeyOf(credential), core, roleId),
    tokens: sealJson(key, dataKey, signInTokensUse, {
      ...tokens,
      idToken: tokens.idToken.expose(),
      accessToken: tokens.accessToken.expose(),
    }),
  };
}

/** Opens a session's content; undefined when a part was not sealed for this session and cookie, or was changed. */
export function openContent(
  credential: SessionCredential,
  core: Item,
  profile: Item | undefined,
): { worker: HealthcareWorker; roleId: string | null } | undefined {
  const { key, secret } = credential;
  const dataKey = openDataKey(key, secret, core);
  if (dataKey === undefined) return undefined;
  const worker = openProfile(key, dataKey, profile?.['sealed']?.B);
  const roleId = openRole(key, roleKeyOf(credential), core);
  return worker === undefined || roleId === undefined ? undefined : { worker, roleId };
}

/**
 * Seals another role, and wraps the same data key under the secret of the session's next cookie: the other items stay sealed
 * under that key. Undefined when the present secret does not open the key.
 */
export function resealRole(
  present: SessionCredential,
  next: SessionCredential,
  core: Item,
  roleId: string,
): Pick<SealedContent, 'wrappedKey' | 'roleId'> | undefined {
  const { key } = present;
  const dataKey = openDataKey(key, present.secret, core);
  if (dataKey === undefined) return undefined;
  const changed = { ...core, secretHash: { S: secretHash(next.secret) } };
  return {
    wrappedKey: wrap(key, next.secret, changed, dataKey),
    roleId: sealRole(key, roleKeyOf(next), changed, roleId),
  };
}

/** A user's tokens for a service, as its token endpoint issued them. */
export interface IssuedTokens {
  readonly accessToken: Secret;
  readonly issuedAt: EpochSeconds;
  readonly expiresAt: EpochSeconds;
  /** Undefined where none was issued. */
  readonly refreshToken: Secret | undefined;
  /** Undefined where the service does not say. */
  readonly refreshTokenExpiresAt: EpochSeconds | undefined;
}

const signInTokensUse = 'token cis2';

type InTheOpen<Tokens> = {
  readonly [Name in keyof Tokens]: Tokens[Name] extends Secret
    ? string
    : Tokens[Name] extends Secret | undefined
      ? string | undefined
      : Tokens[Name];
};

const sealJson = (
  key: string,
  dataKey: Secret<Buffer>,
  use: string,
  value: InTheOpen<SignInTokens> | InTheOpen<IssuedTokens>,
  generation?: number,
): Buffer =>
  seal(deriveKey(dataKey, use), context(tokenUse(use, generation), key), Buffer.from(JSON.stringify(value)));

/** Authenticated by its seal, so it is in our format. */
const openJson = (
  key: string,
  dataKey: Secret<Buffer>,
  use: string,
  sealed: Uint8Array | undefined,
  generation?: number,
): unknown => {
  const plain = sealed && open(deriveKey(dataKey, use), context(tokenUse(use, generation), key), sealed);
  return plain === undefined ? undefined : JSON.parse(plain.toString());
};

/** The generation is part of the seal: an older item cannot replace a newer one. */
const tokenUse = (use: string, generation: number | undefined): string =>
  generation === undefined ? use : `${use} ${String(generation)}`;

/** What CIS2 issued at the sign-in; undefined when it was not sealed for this session. */
export function openSignInTokens(
  key: string,
  dataKey: Secret<Buffer>,
  sealed: Uint8Array | undefined,
): SignInTokens | undefined {
  const tokens = openJson(key, dataKey, signInTokensUse, sealed) as InTheOpen<SignInTokens> | undefined;
  return (
    tokens && {
      idToken: new Secret(tokens.idToken),
      idTokenExpiresAt: tokens.idTokenExpiresAt,
      accessToken: new Secret(tokens.accessToken),
      accessTokenExpiresAt: tokens.accessTokenExpiresAt,
    }
  );
}

/** Seals tokens for a service, as this generation of them. */
export const sealIssuedTokens = (
  key: string,
  dataKey: Secret<Buffer>,
  audience: string,
  generation: number,
  tokens: IssuedTokens,
): Buffer =>
  sealJson(
    key,
    dataKey,
    `token ${audience}`,
    {
      ...tokens,
      accessToken: tokens.accessToken.expose(),
      refreshToken: tokens.refreshToken?.expose(),
    },
    generation,
  );

/** Undefined when these were not sealed for this session and service, as this generation. */
export function openIssuedTokens(
  key: string,
  dataKey: Secret<Buffer>,
  audience: string,
  generation: number,
  sealed: Uint8Array | undefined,
): IssuedTokens | undefined {
  const tokens = openJson(key, dataKey, `token ${audience}`, sealed, generation) as
    InTheOpen<IssuedTokens> | undefined;
  return (
    tokens && {
      ...tokens,
      accessToken: new Secret(tokens.accessToken),
      refreshToken: tokens.refreshToken === undefined ? undefined : new Secret(tokens.refreshToken),
      // JSON leaves out what is undefined.
      refreshTokenExpiresAt: tokens.refreshTokenExpiresAt,
    }
  );
}
