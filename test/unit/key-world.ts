/** A ring with everything around it in memory: a secret with versions and labels, the published set, KMS, and the time. */
import { randomUUID } from 'node:crypto';
import { Secret, type EpochSeconds } from '../../lambdas/common/index.ts';
import {
  ensureRing,
  createSignerOf,
  type KeyManagerPorts,
  type PublishedKeys,
  type PublishedRecord,
  type RotationResult,
  type KeySecret,
} from '../../lambdas/keys/index.ts';
import { keyOfJwk } from '../../lambdas/keys/private-key.ts';
import { readRing, type Ring } from '../../lambdas/keys/ring.ts';
import { poolKey } from '../support/key-pool.ts';

export const startOfTime = 1_800_000_000 as EpochSeconds;

/** Labels and versions as Secrets Manager has them. */
export class MemoryKeySecret implements KeySecret {
  readonly versions = new Map<string, string>();
  readonly labels = new Map<string, string>();
  nextRotationAt: EpochSeconds | null = null;

  private found(versionId: string | undefined) {
    const text = versionId === undefined ? undefined : this.versions.get(versionId);
    return Promise.resolve(
      versionId === undefined || text === undefined ? undefined : { versionId, text: new Secret(text) },
    );
  }

  current = () => this.found(this.labels.get('AWSCURRENT'));
  version = (versionId: string) => this.found(versionId);
  describe = () => Promise.resolve({ labels: new Map(this.labels), nextRotationAt: this.nextRotationAt });

  put = (versionId: string, text: Secret, label: string) => {
    const before = this.versions.get(versionId);
    if (before !== undefined && before !== text.expose()) return Promise.resolve(false);
    this.versions.set(versionId, text.expose());
    this.labels.set(label, versionId);
    return Promise.resolve(true);
  };

  moveCurrent = (from: string, to: string) => {
    if (this.labels.get('AWSCURRENT') !== from || !this.versions.has(to)) return Promise.resolve(false);
    this.labels.set('AWSCURRENT', to);
    this.labels.set('AWSPREVIOUS', from);
    return Promise.resolve(true);
  };

  removeLabel = (label: string, versionId: string) => {
    if (this.labels.get(label) === versionId) this.labels.delete(label);
    return Promise.resolve();
  };
}

export class MemoryPublished implements PublishedKeys {
  record: PublishedRecord | undefined;
  revision = 0;
  last: RotationResult | undefined;
  /** Every set that was ever published, by its kids. */
  readonly history: string[][] = [];

  read = () =>
    Promise.resolve({
      record: this.record,
      revision: this.record === undefined ? undefined : String(this.revision),
    });

  replace = (record: PublishedRecord, revision: string | undefined) => {
    const expected = this.record === undefined ? undefined : String(this.revision);
    if (expected !== revision) return Promise.resolve(false);
    this.record = record;
    this.revision += 1;
    this.history.push(record.keys.map(({ kid }) => kid));
    return Promise.resolve(true);
  };

  lastRotation = () => Promise.resolve(this.last);
  recordRotation = (last: RotationResult) => {
    this.last = last;
    return Promise.resolve();
  };
}

export async function createWorld(changes: Partial<KeyManagerPorts> = {}) {
  const keySecret = new MemoryKeySecret();
  const published = new MemoryPublished();
  const time = { now: startOfTime as number, waited: 0 };
  const destroyed: string[] = [];
  let made = 0;
  const clock = () => time.now as EpochSeconds;
  const ports: KeyManagerPorts = {
    purpose: 'cis2',
    trustedBy: ['cis2', 'api-platform'],
    keySecret,
    published,
    keyMaker: {
      storage: 'secret',
      make: () => {
        made += 1;
        return keyOfJwk(poolKey(made).privateJwk, clock);
      },
      destroy: (keyArn) => {
        destroyed.push(keyArn);
        return Promise.resolve();
      },
    },
    signerOf: createSignerOf({ kmsOptions: {}, clock }),
    fetchJwks: () => Promise.resolve({ keys: published.record?.keys }),
    leadSeconds: 0,
    clock,
    newVersionId: () => randomUUID(),
    wait: (seconds) => {
      time.now += seconds;
      time.waited += seconds;
      return Promise.resolve();
    },
    ...changes,
  };
  await ensureRing(ports);

  const ring = (): Ring =>
    readRing(new Secret(keySecret.versions.get(keySecret.labels.get('AWSCURRENT') ?? '') ?? ''));
  const kidAt = (place: string): string | undefined => ring().keys.find((key) => key.place === place)?.kid;
  const publishedKids = (): string[] => (published.record?.keys ?? []).map(({ kid }) => kid);
  return { ports, keySecret, published, time, destroyed, ring, kidAt, publishedKids, keysMade: () => made };
}

export type World = Awaited<ReturnType<typeof createWorld>>;
