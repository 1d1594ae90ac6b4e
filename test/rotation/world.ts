/**
 * A ring with everything around it in memory, and an eye on every call: after each that changed something, whatever must
 * hold at every moment is checked, from what lies in the secret and in the published item and not from what the code
 * under test says of it.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { JWK } from 'jose';
import type { EpochSeconds } from '../../lambdas/common/index.ts';
import { rotateSigningKeys, type Refusal } from '../../lambdas/handlers/rotate-signing-keys.ts';
import { assertionSigner } from '../../lambdas/keys/signer.ts';
import {
  createPublishedKeys,
  createKeySecret,
  currentSigner,
  loadPublishedSet,
  loadRing,
  ChangeRefused,
  createSignerOf,
  type Change,
  type KeyStorage,
  type KeyMaker,
  type SignerOf,
} from '../../lambdas/keys/index.ts';
import { destroyKmsKey, kmsSign, newKmsKey } from '../../lambdas/keys/kms/index.ts';
import { keyOfJwk, keyOfKms } from '../../lambdas/keys/private-key.ts';
import { createLogger, createMetrics } from '../../lambdas/telemetry/index.ts';
import type { Command } from '../races/embedded-table.ts';
import { Aws, touch } from './aws.ts';
import { privateExponents } from '../support/key-pool.ts';

/** A ring as it is written. */
interface WrittenRing {
  readonly keys: readonly WrittenKey[];
  readonly toDestroy?: readonly string[];
  readonly draft?: { readonly basedOn: string; readonly rotation: string | null };
}
interface WrittenKey {
  readonly kid: string;
  readonly place: string;
  readonly publicJwk: JWK;
  readonly privateJwk?: JWK;
  readonly kmsKeyArn?: string;
}

export type Call = (command: Command) => Promise<unknown>;
/** What the function is called with. */
export type Event = Readonly<Record<string, unknown>>;
export type HandlerResult = Change | Refusal | undefined;

export interface WorldOptions {
  readonly storage: KeyStorage;
  readonly leadSeconds: number;
}

const publicMembers = ['alg', 'e', 'kid', 'kty', 'n', 'use'];
const setName = 'jwks#cis2';
/** The ways that a message can name a draft's label. */
const isDraftLabel = (label: string): boolean => label === 'AWSPENDING' || label.startsWith('CIS2BFF_DRAFT');

export class World {
  readonly aws = new Aws();
  readonly options: WorldOptions;
  now = 1_800_000_000;
  /** What was ever wrong. */
  faults: string[] = [];
  /** Everything that the function logged or returned. */
  said: unknown[] = [];
  /** Keys that a change took away from the ring while they signed, for good. */
  withdrawn = new Set<string>();
  /** What is served, where it is another set than the published one. */
  served: unknown;
  #versionsNamed = 0;
  #current: { versionId: string; ring: WrittenRing } | undefined;
  /** Since when each kid has been published without a gap. */
  #publishedSince = new Map<string, number>();
  /** Kids of the first set that have been published ever since. */
  #inFirstSet = new Set<string>();
  #everPublished = false;

  constructor(options: WorldOptions) {
    this.options = options;
  }

  /** One whose ring has been filled, and moved as often as this. */
  static async create(options: WorldOptions, rotations = 0): Promise<World> {
    const world = new World(options);
    await world.fill();
    for (let count = 0; count < rotations; count += 1) {
      world.now += options.leadSeconds + 1;
      await world.rotate();
    }
    return world;
  }

  /** @returns puts everything back as it is now */
  snapshot(): () => void {
    const restoreAws = this.aws.snapshot();
    const { now, served, faults, said, withdrawn } = this;
    const [named, current, everPublished] = [this.#versionsNamed, this.#current, this.#everPublished];
    const [publishedSince, inFirstSet] = [this.#publishedSince, this.#inFirstSet];
    const restore = () => {
      restoreAws();
      Object.assign(this, {
        now,
        served,
        faults: [...faults],
        said: [...said],
        withdrawn: new Set(withdrawn),
      });
      [this.#versionsNamed, this.#current, this.#everPublished] = [named, current, everPublished];
      [this.#publishedSince, this.#inFirstSet] = [new Map(publishedSince), new Set(inFirstSet)];
    };
    // From now on it changes copies.
    restore();
    return restore;
  }

  get clock() {
    return () => this.now as EpochSeconds;
  }

  /** A name that no version has, of the length that Secrets Manager asks for. */
  versionName(what = 'version'): string {
    this.#versionsNamed += 1;
    return `${what}-`.padEnd(36 - String(this.#versionsNamed).length, '0') + String(this.#versionsNamed);
  }

  /** Carries a call out, and checks what it has left behind. */
  readonly perform: Call = async (command) => {
    try {
      return await this.aws.perform(command);
    } finally {
      if (touch(command).writes) this.#check();
    }
  };

  /** The function, as it runs in one environment of Lambda. */
  handler(call: Call = this.perform): (event: Event) => Promise<HandlerResult> {
    const client = { send: call };
    const secrets = client as unknown as SecretsManagerClient;
    const database = client as unknown as DynamoDBClient;
    const kms = client as unknown as KMSClient;
    const { clock } = this;
    const say = (line: string) => void this.said.push(line);
    const handle = rotateSigningKeys({
      rings: [
        {
          purpose: 'cis2',
          trustedBy: ['cis2', 'api-platform'],
          secretId: this.aws.secretArn,
          ringName: 'test/cis2',
          keySecret: createKeySecret(secrets, this.aws.secretArn),
          published: createPublishedKeys(database, 'published', 'cis2'),
          keyMaker: this.#keyMaker(kms),
          signerOf: this.signerOf(kms),
          fetchJwks: async () => {
            try {
              if (this.served !== undefined) return this.served;
              return await loadPublishedSet(database, 'published', 'cis2');
            } catch {
              throw new ChangeRefused('published_set_unreachable', 'there is no set');
            }
          },
          leadSeconds: this.options.leadSeconds,
          clock,
          newVersionId: () => this.versionName(),
          wait: (seconds) => {
            this.now += seconds;
            return Promise.resolve();
          },
        },
      ],
      isResponseAddress: () => true,
      respond: (_url, { Status }) =>
        Status === 'SUCCESS' ? Promise.resolve() : Promise.reject(new Error('the deployment failed')),
      clock,
      log: createLogger({ functionName: 'rotate-signing-keys', level: 'debug', write: say }),
      metrics: createMetrics({ functionName: 'rotate-signing-keys', namespace: 'cis2-bff/unit', write: say }),
    });
    return async (event) => {
      try {
        const response = await handle(event);
        this.said.push(response);
        return response;
      } catch (error) {
        this.said.push(String(error), error);
        throw error;
      }
    };
  }

  #keyMaker(kms: KMSClient): KeyMaker {
    const { storage } = this.options;
    return {
      storage,
      make: async () => {
        if (storage === 'secret') return keyOfJwk(this.aws.nextPoolKey().privateJwk, this.clock);
        const { keyArn, publicJwk } = await newKmsKey(kms, 2_048, 'test/cis2');
        return keyOfKms(keyArn, publicJwk, this.clock);
      },
      destroy: (keyArn) => destroyKmsKey(kms, keyArn),
    };
  }

  signerOf(kms: KMSClient): SignerOf {
    const inSecret = createSignerOf({ kmsOptions: {}, clock: this.clock });
    return (key) =>
      key.privateHalf?.storage === 'kms'
        ? Promise.resolve(assertionSigner(key.kid, this.clock, kmsSign(kms, key.privateHalf.keyArn)))
        : inSecret(key);
  }

  /** What signs, as another function keeps it. */
  signer(cacheSeconds: number) {
    const client = { send: this.perform };
    return currentSigner({
      load: () => loadRing(client as unknown as SecretsManagerClient, this.aws.secretArn),
      signerOf: this.signerOf(client as unknown as KMSClient),
      cacheSeconds,
      clock: this.clock,
      onStale: () => undefined,
    });
  }

  fillEvent(request = this.versionName('deployment')): Event {
    return {
      RequestType: 'Create',
      RequestId: request,
      ResponseURL: 'https://cloudformation.invalid',
      StackId: 'stack',
      LogicalResourceId: 'SigningKeys',
    };
  }

  async fill(): Promise<void> {
    await this.handler()(this.fillEvent());
  }

  stepEvent(step: string, token: string): Event {
    return { Step: step, SecretId: this.aws.secretArn, ClientRequestToken: token };
  }

  /** Has Secrets Manager call this for the steps of rotations. */
  rotateWith(handle: (event: Event) => Promise<unknown>): void {
    this.aws.rotations.invoke = (_functionArn, event) =>
      handle(event).then(
        () => ({ ok: true, payload: 'null' }),
        () => ({ ok: false, errorType: 'Error', errorMessage: '' }),
      );
  }

  /**
   * A whole rotation, as Secrets Manager does it: one that was left unfinished is gone on with instead, and where that
   * moves nothing, for it had moved already or had become stale, it is asked for once more.
   */
  async rotate(): Promise<void> {
    this.rotateWith(this.handler());
    const token = this.versionName('rotation');
    const before = this.#readCurrent()?.versionId;
    if (await this.aws.rotateSecret(token)) return;
    if (this.#readCurrent()?.versionId === before) await this.aws.rotateSecret(token);
  }

  /** The ring that signs. @throws Error when there is none */
  get ring(): WrittenRing {
    const ring = this.#readCurrent()?.ring;
    if (ring === undefined) throw new Error('there is no ring');
    return ring;
  }

  kidAt(place: string): string | undefined {
    return this.ring.keys.find((key) => key.place === place)?.kid;
  }

  get publishedKeys(): readonly JWK[] {
    const set = this.aws.item(setName)?.['set']?.S;
    return set === undefined ? [] : (JSON.parse(set) as { keys: JWK[] }).keys;
  }

  #readCurrent(): { versionId: string; ring: WrittenRing } | undefined {
    const versionId = this.aws.labels().get('AWSCURRENT');
    const text = versionId === undefined ? undefined : this.aws.text(versionId);
    return versionId === undefined || text === undefined
      ? undefined
      : { versionId, ring: JSON.parse(text) as WrittenRing };
  }

  #wrong(what: string): void {
    this.faults.push(what);
  }

  /** What must hold at every moment. */
  #check(): void {
    this.#checkPublished();
    const current = this.#readCurrent();
    if (current === undefined) return;
    this.#checkRing(current.ring);
    if (this.#everPublished) {
      this.#checkRingIsPublished(current.ring);
      this.#checkFacts(current);
    }
    if (current.versionId !== this.#current?.versionId) this.#checkMove(this.#current?.ring, current.ring);
    this.#current = current;
  }

  #checkPublished(): void {
    const keys = this.publishedKeys;
    const kids = keys.map(({ kid }) => kid ?? '');
    for (const key of keys) {
      if (Object.keys(key).sort().join() !== publicMembers.join())
        this.#wrong('a key is published with other members');
    }
    if (new Set(kids).size !== kids.length) this.#wrong('a kid is published twice');
    for (const kid of [...this.#publishedSince.keys()]) {
      if (kids.includes(kid)) continue;
      this.#publishedSince.delete(kid);
      this.#inFirstSet.delete(kid);
    }
    for (const kid of kids) {
      if (!this.#publishedSince.has(kid)) this.#publishedSince.set(kid, this.now);
      if (!this.#everPublished) this.#inFirstSet.add(kid);
    }
    this.#everPublished ||= keys.length > 0;
  }

  #checkRing({ keys }: WrittenRing): void {
    const places = keys.map(({ place }) => place);
    if (new Set(places).size !== keys.length || keys.length > 3)
      this.#wrong(`a ring of ${places.join(', ')}`);
    if (new Set(keys.map(({ kid }) => kid)).size !== keys.length)
      this.#wrong('a kid stands in the ring twice');
    for (const place of ['current', 'next']) {
      const key = keys.find((candidate) => candidate.place === place);
      if (key === undefined) this.#wrong(`no ${place} key`);
      else if ((key.privateJwk?.d === undefined) === (key.kmsKeyArn === undefined)) {
        this.#wrong(`the ${place} key cannot sign`);
      } else if (this.aws.kmsKeys.some(({ arn, isDestroyed }) => isDestroyed && arn === key.kmsKeyArn)) {
        this.#wrong(`the ${place} key is being deleted`);
      }
    }
    const previous = keys.find(({ place }) => place === 'previous');
    if (previous !== undefined && (previous.privateJwk ?? previous.kmsKeyArn) !== undefined) {
      this.#wrong('the previous key can sign');
    }
  }

  #checkRingIsPublished({ keys }: WrittenRing): void {
    const mayChange = [...this.aws.labels().keys()].some(isDraftLabel);
    for (const { kid, place, publicJwk } of keys) {
      // What has signed goes when the next change begins.
      if (place === 'previous' && mayChange) continue;
      if (
        !this.publishedKeys.some((key) => key.kid === kid && key.n === publicJwk.n && key.e === publicJwk.e)
      ) {
        this.#wrong(`the ${place} key is not published`);
      }
    }
  }

  /** What keys-status reads has the ring that is current, and nothing of a private half. */
  #checkFacts({ versionId, ring }: { versionId: string; ring: WrittenRing }): void {
    const text = this.aws.item(setName)?.['rings']?.S ?? '{}';
    const rings = JSON.parse(text) as Record<string, { keys: { kid: string; place: string }[] }>;
    const spelled = (keys: readonly { kid: string; place: string }[] = []): string =>
      keys.map(({ kid, place }) => `${place} ${kid}`).join();
    if (spelled(rings[versionId]?.keys) !== spelled(ring.keys))
      this.#wrong('the state of the ring is not published');
    if (/"(?:d|p|q|dp|dq|qi|n|privateJwk|kmsKeyArn)":/.test(text))
      this.#wrong('more than facts is published');
  }

  #checkMove(before: WrittenRing | undefined, after: WrittenRing): void {
    const signs = after.keys.find(({ place }) => place === 'current')?.kid ?? '';
    const signed = before?.keys.find(({ place }) => place === 'current')?.kid;
    if (signed === undefined) return;
    const retired = after.keys.find(({ kid }) => kid === signed)?.place;
    const isRotation = (after.draft?.rotation ?? null) !== null;
    if (retired === undefined) {
      if (isRotation) this.#wrong('a rotation took the key away that signed');
      this.withdrawn.add(signed);
    }
    if (!isRotation) return;
    const since = this.#publishedSince.get(signs) ?? Infinity;
    if (!this.#inFirstSet.has(signs) && this.now - since < this.options.leadSeconds) {
      this.#wrong(`a rotation lets a key sign ${String(this.now - since)} s after it was published`);
    }
  }

  /**
   * What must hold besides when nothing is under way.
   *
   * @param pending - whether a rotation may have been left unfinished
   * @returns what is wrong, with everything that ever was
   */
  atRest({ pending = false }: { pending?: boolean } = {}): readonly string[] {
    const wrong = [...this.faults];
    const labels = this.aws.labels();
    const allowed = ['AWSCURRENT', ...(pending ? ['AWSPENDING'] : [])];
    for (const label of labels.keys()) if (!allowed.includes(label)) wrong.push(`${label} is left over`);

    const versions = [...labels.values()].map((id) => this.aws.text(id) ?? '');
    const { ring } = this;
    const spelled = (keys: readonly JWK[]): string =>
      keys
        .map(({ kid, n }) => `${String(kid)} ${String(n)}`)
        .sort()
        .join();
    if (
      !labels.has('AWSPENDING') &&
      spelled(this.publishedKeys) !== spelled(ring.keys.map(({ publicJwk }) => publicJwk))
    ) {
      wrong.push('what is published is not the ring');
    }
    for (const kid of this.withdrawn) {
      if (this.publishedKeys.some((key) => key.kid === kid)) wrong.push('a withdrawn key is published');
      if (versions.some((text) => text.includes(kid)))
        wrong.push('a withdrawn key stands in a labelled version');
    }
    const said = JSON.stringify([this.said, this.publishedKeys]);
    if (privateExponents().some((d) => said.includes(d))) wrong.push('a private key was said');
    return wrong;
  }

  /** Keys in KMS that are to be deleted and can still sign. */
  get kmsKeysLeft(): readonly string[] {
    const { toDestroy = [] } = this.ring;
    return this.aws.kmsKeys
      .filter(({ arn, isDestroyed }) => !isDestroyed && toDestroy.includes(arn))
      .map(({ arn }) => arn);
  }

  /** Keys in KMS that can sign and that no ring or draft knows. */
  get kmsOrphans(): readonly string[] {
    const texts = [...this.aws.labels().values()].map((id) => this.aws.text(id) ?? '');
    return this.aws.kmsKeys
      .filter(({ arn, isDestroyed }) => !isDestroyed && !texts.some((text) => text.includes(`"${arn}"`)))
      .map(({ arn }) => arn);
  }
}
