/**
 * What the management of the signing keys needs of the world. Each of these can fail, be slow, or be overtaken by
 * another caller at any moment; what is written here is all that may be relied on.
 */
import type { EpochSeconds, Secret } from '../common/index.ts';
import type { AssertionSigner } from './assertion.ts';
import type { NewKey } from './changes.ts';
import type { Custody, PublicJwk, RingKey } from './ring.ts';

/** Whom a ring's keys prove us to. */
export type Purpose = 'cis2' | 'api-platform';

/** One version of a secret. */
export interface SecretVersion {
  readonly versionId: string;
  readonly text: Secret;
}

/** A secret's versions by their labels, and when it is rotated next. */
export interface SecretDescription {
  /** Label → the one version that carries it. */
  readonly labels: ReadonlyMap<string, string>;
  /** Null while no rotation is scheduled. */
  readonly nextRotationAt: EpochSeconds | null;
}

/**
 * A ring's secret. Every version keeps its value for ever; only labels move. A change is made of what stands there, but what
 * is read may be what stood there a moment ago: Secrets Manager is eventually consistent. All of these throw
 * KeysUnavailable when the secret cannot be reached.
 */
export interface Vault {
  /** The version that signs; undefined while there is none. */
  current(): Promise<SecretVersion | undefined>;
  /** Undefined when there is no such version, or it has no value. */
  version(versionId: string): Promise<SecretVersion | undefined>;
  describe(): Promise<SecretDescription>;
  /**
   * Adds a version and gives it this label, which leaves the version that had it.
   *
   * @returns false when the version exists with another value
   */
  put(versionId: string, text: Secret, label: string): Promise<boolean>;
  /** Moves AWSCURRENT, in one step. @returns false when `from` does not carry it (any more) */
  moveCurrent(from: string, to: string): Promise<boolean>;
  /** Takes a label away; one that is not there (any more) counts as taken. */
  removeLabel(label: string, versionId: string): Promise<void>;
}

/** What is published, and since when. */
export interface PublishedRecord {
  readonly keys: readonly PublicJwk[];
  /** Kid → since when it has been in the set without a gap. */
  readonly since: Readonly<Record<string, EpochSeconds>>;
  /** When the very first set was published; null when that is not known. */
  readonly firstAt: EpochSeconds | null;
}

/** What a reader of the record found; it names that state of it, so that a write can insist on nothing having changed. */
export interface PublishedState {
  /** Undefined while nothing was ever published. */
  readonly record: PublishedRecord | undefined;
  /** Undefined while nothing was ever published. */
  readonly revision: string | undefined;
}

/** How a ring's last rotation ended. */
export interface RotationResult {
  /** The `ClientRequestToken` it was started with. */
  readonly token: string;
  readonly at: EpochSeconds;
  readonly result: 'done' | 'failed';
  /** Why it failed. */
  readonly code?: string;
}

/** Where the JWKS is served from, and the memory of the last rotation. All of these throw KeysUnavailable. */
export interface PublishedKeys {
  read(): Promise<PublishedState>;
  /** @returns false when the record has changed since `revision` was read */
  replace(record: PublishedRecord, revision: string | undefined): Promise<boolean>;
  lastRotation(): Promise<RotationResult | undefined>;
  recordRotation(result: RotationResult): Promise<void>;
}

/** Makes new keys, where the settings say, and ends keys that lie in KMS. */
export interface KeyMaker {
  readonly custody: Custody;
  /** @throws KeysUnavailable */
  make(): Promise<NewKey>;
  /** Has a key in KMS deleted; one that is about to be, or is gone, counts as done. @throws KeysUnavailable */
  destroy(keyArn: string): Promise<void>;
}

/** Reads the published set as CIS2 does. @throws RotationFailed when no answer can be had that is a JWK Set */
export type FetchJwks = (signal: AbortSignal) => Promise<unknown>;

/** Gives what signs with a key, wherever its private half is. @throws KeysUnavailable */
export type SignerOf = (key: RingKey) => Promise<AssertionSigner>;
