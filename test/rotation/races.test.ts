/**
 * Two of the things that can happen to a ring at the same time, in every order of their calls in which one makes way for
 * the other a few times, and in random ones beyond; what must hold at every moment is checked after every call.
 */
import { afterAll, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { rotationSteps } from '../../lambdas/keys/index.ts';
import type { Command } from '../races/embedded-table.ts';
import { explore } from '../races/explore.ts';
import { touch } from './aws.ts';
import { poolKey } from '../support/key-pool.ts';
import { World, type HandlerResult, type Call, type Event, type WorldOptions } from './world.ts';

jest.setTimeout(120_000);

const reportLines: string[] = [];
afterAll(() => {
  process.stdout.write(`\nOrders of two at once:\n${reportLines.join('\n')}\n`);
});

/** Something that happens; it may fail, and says so by throwing or by its result. */
type Doing = (world: World, call: Call) => Promise<unknown>;

const asking =
  (event: (world: World) => Event): Doing =>
  (world, call) =>
    world.handler(call)(event(world));
const rotating =
  (token: string): Doing =>
  async (world, call) => {
    for (const step of rotationSteps) await world.handler(call)(world.stepEvent(step, token));
  };
const token = (letter: string): string => `rotation-${letter.repeat(27)}`;
const imported = (number: number, now: boolean): Doing =>
  asking(() => ({ operation: 'import', jwk: poolKey(number).privateJwk, now }));

const doings = {
  rotation: rotating(token('a')),
  'the same rotation': rotating(token('a')),
  'another rotation': rotating(token('b')),
  promote: asking(() => ({ operation: 'promote' })),
  'import as next': imported(1_000, false),
  'import to sign': imported(1_001, true),
  check: asking(() => ({ operation: 'check' })),
} satisfies Record<string, Doing>;
type Name = keyof typeof doings;

const pairs: readonly (readonly [Name, Name])[] = [
  ['rotation', 'the same rotation'],
  ['rotation', 'another rotation'],
  ['rotation', 'promote'],
  ['rotation', 'import as next'],
  ['rotation', 'import to sign'],
  ['rotation', 'check'],
  ['promote', 'promote'],
  ['promote', 'import as next'],
  ['promote', 'import to sign'],
  ['promote', 'check'],
  ['import as next', 'import to sign'],
  ['import as next', 'check'],
  ['import to sign', 'check'],
];

const moves = (world: World): string =>
  ['previous', 'current', 'next'].map((place) => world.kidAt(place)).join();

/** Throws unless what they have left behind is whole as soon as the check has been there. */
async function expectWholeAfter(
  world: World,
  before: string,
  results: readonly PromiseSettledResult<unknown>[],
): Promise<void> {
  expect(world.faults).toEqual([]);
  const isDone = (result: PromiseSettledResult<unknown>): boolean =>
    result.status === 'fulfilled' && (result.value as HandlerResult)?.ok !== false;
  if (moves(world) === before && results.every(isDone)) throw new Error('done, and nothing has moved');
  await world.handler()({ operation: 'check' });
  expect(world.atRest({ pending: true })).toEqual([]);
}

/** Throws unless later everything is as if nothing had ever happened at once. */
async function expectWholeLater(world: World): Promise<void> {
  world.now += 7_201;
  await world.rotate();
  world.now += 7_201;
  await world.handler()({ operation: 'check' });
  expect(world.atRest()).toEqual([]);
  expect(world.kmsKeysLeft).toEqual([]);
}

const options: WorldOptions = { storage: 'secret', leadSeconds: 3_600 };

async function worldFor(given: WorldOptions): Promise<{ world: World; before: string }> {
  const world = await World.create(given, 1);
  world.now += given.leadSeconds + 1;
  return { world, before: moves(world) };
}

/** Every order with at most so many switches. */
async function everyOrder(names: readonly Name[], switches: number): Promise<number> {
  const { world, before } = await worldFor(options);
  const table = { send: (command: Command) => world.perform(command), touch };
  const restore = world.snapshot();
  const { runs, longest } = await explore(
    table,
    (clientOf) =>
      Promise.resolve({
        operations: names.map((name, position) => {
          const client = clientOf(`${String(position)} ${name}`) as unknown as { send: Call };
          return () => doings[name](world, (command) => client.send(command));
        }),
        check: (results) => expectWholeAfter(world, before, results),
        restore,
      }),
    { switches },
  );
  reportLines.push(`  ${String(runs).padStart(5)} of up to ${String(longest)} calls: ${names.join(' and ')}`);
  return runs;
}

// More switches find nothing more, and take minutes.
test.each(pairs)(
  '%s and %s at once leave a ring that is whole, in every order with one switch',
  async (...names) => {
    expect(await everyOrder(names, 1)).toBeGreaterThan(20);
  },
);

/** Lets them run side by side, the next call always one that is drawn. */
async function inRandomOrder(given: WorldOptions, names: fc.Arbitrary<readonly Name[]>, numRuns: number) {
  const { world, before } = await worldFor(given);
  const restore = world.snapshot();
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), names, async (scheduler, drawn) => {
      restore();
      const call: Call = async (command) => {
        await scheduler.schedule(Promise.resolve(), command.constructor.name);
        return world.perform(command);
      };
      const results = Promise.allSettled(drawn.map((name) => doings[name](world, call)));
      await scheduler.waitFor(results);
      await expectWholeAfter(world, before, await results);
      await expectWholeLater(world);
    }),
    { numRuns, seed: 20_260 },
  );
}

test.each<WorldOptions>([
  { storage: 'secret', leadSeconds: 3_600 },
  { storage: 'kms', leadSeconds: 3_600 },
  { storage: 'secret', leadSeconds: 0 },
])('two or three at once leave a ring that is whole, in random orders, with %j', async (given) => {
  const names = (Object.keys(doings) as Name[]).filter(
    (name) => given.storage === 'secret' || !name.startsWith('import'),
  );
  await inRandomOrder(given, fc.subarray(names, { minLength: 2, maxLength: 3 }), 150);
});

test('the first fill, called twice at once by a deployment, makes one ring', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const world = new World(options);
      const call: Call = async (command) => {
        await scheduler.schedule(Promise.resolve(), command.constructor.name);
        return world.perform(command);
      };
      const events = [world.fillEvent(), world.fillEvent()];
      const filled = Promise.all(events.map((event) => world.handler(call)(event)));
      await scheduler.waitFor(filled);
      await filled;
      expect(world.atRest()).toEqual([]);
    }),
    { numRuns: 150, seed: 20_260 },
  );
});
