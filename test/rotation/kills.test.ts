/**
 * Every call of every step and operation goes wrong in every way, once each; afterwards the same is done again, or what
 * comes next, or a whole new rotation. What must hold at every moment is checked after every call.
 */
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { rotationSteps } from '../../lambdas/keys/index.ts';
import type { Command } from '../races/embedded-table.ts';
import { fatesOf, movesCurrent, runWith } from './kills.ts';
import { poolKey } from '../support/key-pool.ts';
import { World, type Event, type WorldOptions } from './world.ts';

jest.setTimeout(120_000);

const reportLines: string[] = [];
let accidents = 0;
afterAll(() => {
  process.stdout.write(`\nAccidents: ${String(accidents)}\n${reportLines.join('\n')}\n`);
});

/** What happens before, what goes wrong, and what is done about it; throws when it did not heal. */
interface Case {
  readonly options: WorldOptions;
  /** What comes before; gives the event that goes wrong. */
  readonly prepare: (world: World) => Promise<Event>;
  readonly heal: (world: World, event: Event) => Promise<void>;
}

/** Has each call of the event go wrong in each way. */
async function everyAccident({ options, prepare, heal }: Case): Promise<void> {
  const world = await World.create(options, 1);
  world.now += options.leadSeconds + 1;
  const event = await prepare(world);
  const made = await withEveryAccident(world, event, () => heal(world, event));
  reportLines.push(`  ${String(made).padStart(4)}: ${expect.getState().currentTestName ?? ''}`);
  expect(made).toBeGreaterThan(0);
}

/** @returns how many accidents there were */
async function withEveryAccident(world: World, event: Event, heal: () => Promise<void>): Promise<number> {
  const restore = world.snapshot();
  const commands: Command[] = [];
  await world.handler((command) => {
    commands.push(command);
    return world.perform(command);
  })(event);
  let made = 0;
  for (const [at, command] of commands.entries()) {
    for (const fate of fatesOf(command)) {
      restore();
      await runWith(world.perform, { at, fate }, (call) => world.handler(call)(event));
      try {
        await heal();
      } catch (error) {
        throw new Error(`${fate}, call ${String(at)}: ${String(error)}`, { cause: error });
      }
      made += 1;
    }
  }
  accidents += made;
  return made;
}

const worlds: readonly WorldOptions[] = [
  { storage: 'secret', leadSeconds: 0 },
  { storage: 'kms', leadSeconds: 3_600 },
];

/** Throws unless nothing was ever wrong, and nothing is left to be done. */
const expectWhole = (world: World, at: { pending?: boolean } = {}): void => {
  expect(world.atRest(at)).toEqual([]);
};
const kids = (world: World) => ['previous', 'current', 'next'].map((place) => world.kidAt(place));

/** Long enough for the lead time of the next key to be met, for drafts of operators to be void and for retired keys to be deleted. */
const aWhile = 7_201;

async function checkLater(world: World): Promise<void> {
  world.now += aWhile;
  await world.handler()({ operation: 'check' });
  expect(world.kmsKeysLeft).toEqual([]);
  // The one key whose maker was killed before it had stored its ARN.
  expect(world.kmsOrphans.length).toBeLessThanOrEqual(1);
}

describe.each(worlds)('with %j', (options) => {
  const beforeStep = (position: number) => async (world: World) => {
    const token = world.versionName('rotation');
    // Secrets Manager names the version; nobody responds, so no step is done.
    world.rotateWith(() => Promise.reject(new Error('nobody responds')));
    await world.aws.rotateSecret(token);
    for (const step of rotationSteps.slice(0, position)) await world.handler()(world.stepEvent(step, token));
    return world.stepEvent(rotationSteps[position] ?? '', token);
  };

  describe.each(rotationSteps.map((step, position) => ({ step, position })))(
    'when a call of $step goes wrong',
    ({ position }) => {
      test('the same step again and the later ones make one whole rotation', async () => {
        await everyAccident({
          options,
          prepare: beforeStep(position),
          heal: async (world, event) => {
            const token = String(event['ClientRequestToken']);
            for (const step of rotationSteps.slice(position)) {
              await world.handler()(world.stepEvent(step, token));
            }
            expectWhole(world);
            expect(world.ring.draft?.rotation).toBe(token);
          },
        });
      });

      test('the later steps break nothing, and one rotation more heals', async () => {
        await everyAccident({
          options,
          prepare: beforeStep(position),
          heal: async (world, event) => {
            const before = kids(world);
            for (const step of rotationSteps.slice(position + 1)) {
              await world
                .handler()(world.stepEvent(step, String(event['ClientRequestToken'])))
                .catch(() => undefined);
            }
            world.now += options.leadSeconds + 1;
            await world.rotate();
            expectWhole(world);
            expect(kids(world)).not.toEqual(before);
            expect([before[1], before[2]]).toContain(kids(world)[0]);
          },
        });
      });

      test('one rotation more heals', async () => {
        await everyAccident({
          options,
          prepare: beforeStep(position),
          heal: async (world) => {
            // In one world a draft is still fresh then, in the others it is made anew.
            world.now += options.leadSeconds + 1;
            const [, , next] = kids(world);
            await world.rotate();
            expectWhole(world);
            expect(kids(world)[1]).toBe(next);
          },
        });
      });

      test('the hourly check puts everything right, but for the draft that the next rotation goes on with', async () => {
        await everyAccident({
          options,
          prepare: beforeStep(position),
          heal: async (world) => {
            await checkLater(world);
            expectWhole(world, { pending: true });
            await world.rotate();
            expectWhole(world);
          },
        });
      });
    },
  );

  const imported = (now: boolean): Event => ({ operation: 'import', jwk: poolKey(1_000).privateJwk, now });
  const changes: readonly (readonly [string, Event])[] = [
    ['promote', { operation: 'promote' }],
    ...(options.storage === 'kms' || options.leadSeconds === 0
      ? []
      : [['import as next', imported(false)] as const, ['import to sign at once', imported(true)] as const]),
  ];
  describe.each(changes)('when a call of %s goes wrong', (name, event) => {
    test('the hourly check leaves the ring of before or the one of after, whole', async () => {
      await everyAccident({
        options,
        prepare: () => Promise.resolve(event),
        heal: async (world) => {
          await checkLater(world);
          expectWhole(world);
          expect(world.withdrawn.size).toBeLessThanOrEqual(name === 'promote' ? 1 : 0);
        },
      });
    });

    test('the same again is done or refused, and a rotation afterwards is whole', async () => {
      await everyAccident({
        options,
        prepare: () => Promise.resolve(event),
        heal: async (world) => {
          const response = await world.handler()(event);
          if (response?.ok !== true) expect(response).toMatchObject({ code: 'key_known' });
          await checkLater(world);
          expectWhole(world);
          await world.rotate();
          expectWhole(world);
        },
      });
    });

    test('a rotation right afterwards is whole by itself, or refused while the next key is too new', async () => {
      await everyAccident({
        options,
        prepare: () => Promise.resolve(event),
        heal: async (world) => {
          const [, , next] = kids(world);
          await world.rotate();
          if (kids(world)[1] === next) expectWhole(world);
          else expect(options.leadSeconds).toBeGreaterThan(0);
        },
      });
    });

    test('while a rotation is under way, one rotation more is whole', async () => {
      await everyAccident({
        options,
        prepare: async (world) => {
          await beforeStep(3)(world);
          return event;
        },
        heal: async (world) => {
          world.now += options.leadSeconds + 1;
          await world.rotate();
          await checkLater(world);
          expectWhole(world);
        },
      });
    });
  });

  test('while the old set is served, or one with a private member, no rotation moves the ring', async () => {
    const world = await World.create(options, 1);
    world.now += options.leadSeconds + 1;
    const before = kids(world);
    const old = { keys: world.publishedKeys };
    for (const served of [old, { keys: [...old.keys, poolKey(1_000).privateJwk] }, { keys: [] }, 'nothing']) {
      world.served = served;
      await world.rotate();
      expect(kids(world)).toEqual(before);
      expect(world.atRest({ pending: true })).toEqual([]);
    }
    world.served = undefined;
    await world.rotate();
    expectWhole(world);
    expect(kids(world)[0]).toBe(before[1]);
  });

  test('when a call of the first fill goes wrong, the deployment again makes one ring and publishes it', async () => {
    for (const request of ['same', 'another']) {
      const world = new World(options);
      const event = world.fillEvent();
      await withEveryAccident(world, event, async () => {
        await world.handler()(request === 'same' ? event : world.fillEvent());
        expectWhole(world);
        await world.rotate();
        expectWhole(world);
      });
    }
  });

  test('when a call of the check goes wrong, the next one puts right what it did not', async () => {
    await everyAccident({
      options,
      prepare: async (world) => {
        await beforeStep(2)(world);
        // A promotion that was killed when the ring had moved: nothing is withdrawn yet, and a rotation has become stale.
        await runWith(world.perform, { at: movesCurrent, fate: 'killed after' }, (call) =>
          world.handler(call)({ operation: 'promote' }),
        );
        return { operation: 'check' };
      },
      heal: async (world) => {
        await world.handler()({ operation: 'check' });
        await checkLater(world);
        expectWhole(world);
        expect(world.withdrawn.size).toBe(1);
      },
    });
  });
});
