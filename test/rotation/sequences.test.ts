/**
 * Random histories of a ring: rotations, promotions, imports, checks, accidents and time. Beside it stand what must be
 * able to live with all that: a function that keeps the ring for a minute, and a platform that keeps our keys for an hour
 * and does not ask again.
 */
import { expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { fates, killed, runWith, type Accident } from './kills.ts';
import { poolKey } from '../support/key-pool.ts';
import { World, type HandlerResult, type Event, type WorldOptions } from './world.ts';

jest.setTimeout(120_000);

const hour = 3_600;
const cacheSeconds = 60;

/** A platform that keeps what it fetched for an hour, and refuses what it does not find there. */
class Platform {
  readonly #world: World;
  #kids: readonly (string | undefined)[] = [];
  #fetchedAt = -Infinity;

  constructor(world: World) {
    this.#world = world;
  }

  accepts(kid: string): boolean {
    if (this.#world.now >= this.#fetchedAt + hour) {
      this.#kids = this.#world.publishedKeys.map((key) => key.kid);
      this.#fetchedAt = this.#world.now;
    }
    return this.#kids.includes(kid);
  }
}

const accident = fc.option(fc.record({ at: fc.nat({ max: 24 }), fate: fc.constantFrom(...fates) }), {
  freq: 2,
});
const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('rotate' as const), accident }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('promote' as const), accident }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('import' as const), now: fc.boolean(), accident }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('check' as const), accident }) },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 20, 61, 301, 1_801, hour + 1, 86_401),
    }),
  },
);
type Act = typeof act extends fc.Arbitrary<infer Value> ? Value : never;

/** One history, and everything that is reported of it when it fails. */
class History {
  readonly world: World;
  readonly #platform: Platform;
  readonly #signer;
  /** Until when the platform may refuse us, for an operator did not wait for it. */
  #riskUntil = -Infinity;
  #imports = 1_000;

  constructor(world: World) {
    this.world = world;
    this.#platform = new Platform(world);
    this.#signer = world.signer(cacheSeconds);
  }

  async take(next: Act): Promise<void> {
    const { world } = this;
    if (next.act === 'wait') {
      world.now += next.seconds;
      return;
    }
    if (next.act === 'rotate') {
      let calls = 0;
      const at = next.accident?.at ?? Infinity;
      world.rotateWith(async (event) => {
        // The accident is of the whole rotation: its calls are counted over the steps.
        const run = await runWith(
          world.perform,
          { at: at - calls, fate: next.accident?.fate ?? 'failed' },
          (call) => world.handler(call)(event),
        );
        calls += run.calls;
        if (run.result === killed || run.result.status === 'rejected') throw new Error('a step failed');
      });
      await world.aws.rotateSecret(world.versionName('rotation'));
      return;
    }
    const event = this.#event(next);
    const isRisky = next.act === 'promote' || (next.act === 'import' && next.now);
    const { result } = await runWith(world.perform, accidentOf(next.accident), (call) =>
      world.handler(call)(event),
    );
    const response =
      result !== killed && result.status === 'fulfilled' ? (result.value as HandlerResult) : undefined;
    if (!isRisky || isRefused(response)) return;
    this.#riskUntil = gapEndOf(response) ?? world.now + hour;
  }

  #event(next: Exclude<Act, { act: 'wait' | 'rotate' }>): Event {
    if (next.act !== 'import') return { operation: next.act };
    this.#imports += 1;
    return { operation: 'import', jwk: poolKey(this.#imports).privateJwk, now: next.now };
  }

  /** Somebody signs in: with the key in memory, and once more with another when that is refused. */
  async signIn(): Promise<void> {
    const first = (await this.#signer()).kid;
    if (this.#platform.accepts(first)) return;
    const { kid } = await this.#signer(first);
    if (this.#platform.accepts(kid) || this.world.now < this.#riskUntil) return;
    throw new Error(
      `refused with ${first} and ${kid}, ${String(this.world.now - this.#riskUntil)} s after any risk`,
    );
  }

  /** Time passes, and what is due is done: everything is whole then. */
  async comesToRest(): Promise<void> {
    const { world } = this;
    world.now += 86_401;
    await world.rotate();
    world.now += 7_201;
    await world.handler()({ operation: 'check' });
    expect(world.atRest()).toEqual([]);
    expect(world.kmsKeysLeft).toEqual([]);
    await this.signIn();
  }
}

const accidentOf = (given: Accident | null): Accident => given ?? { at: Infinity, fate: 'failed' };
const isRefused = (response: HandlerResult): boolean =>
  response?.ok === false && response.code !== 'keys_unavailable';
const gapEndOf = (response: HandlerResult): number | undefined =>
  response?.ok === true && 'gapEndsAt' in response ? Date.parse(response.gapEndsAt ?? '') / 1000 : undefined;

test.each<WorldOptions>([
  { storage: 'secret', leadSeconds: hour },
  { storage: 'kms', leadSeconds: hour },
])('no history of a ring with %j breaks what must hold, or has a platform refuse us', async (options) => {
  let acts = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 14 }), async (history) => {
      const run = new History(await World.create(options));
      // What is published in the second of the first set cannot be distinguished from it.
      run.world.now += 1;
      for (const next of history) {
        await run.take(next);
        expect(run.world.faults).toEqual([]);
        await run.signIn();
        acts += 1;
      }
      await run.comesToRest();
    }),
    { numRuns: 400, seed: 20_260, endOnFailure: false },
  );
  process.stdout.write(`\n${String(acts)} acts of histories with ${JSON.stringify(options)}\n`);
});
