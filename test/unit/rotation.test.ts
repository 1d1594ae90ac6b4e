/** The four steps of a rotation, one after the other, again, and out of order. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  checkRing,
  ensureRing,
  previewRotation,
  importKey,
  KeysUnavailable,
  promote,
  ChangeRefused,
  readStatus,
  rotationSteps,
  takeRotationStep,
  type KeyManagerPorts,
  type Ring,
} from '../../lambdas/keys/index.ts';
import { poolKey } from '../support/key-pool.ts';
import { createWorld, MemoryKeySecret, startOfTime, type World } from './key-world.ts';

type Step = (ports: KeyManagerPorts, token: string) => Promise<Ring | undefined>;
const steps = rotationSteps.map(
  (step) => (ports: KeyManagerPorts, token: string) => takeRotationStep(ports, step, token),
) as [Step, Step, Step, Step];
const [createSecret, setSecret, testSecret, finishSecret] = steps;

async function rotate(ports: KeyManagerPorts, token: string = randomUUID()): Promise<void> {
  for (const step of steps) await step(ports, token);
}

const kidsNow = (world: World) => (['previous', 'current', 'next'] as const).map(world.kidAt);
const failureOf = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ChangeRefused)) throw new Error('no ChangeRefused', { cause: error });
  return error.code;
};

describe('a rotation', () => {
  test('moves every key one place, forgets the previous one, and publishes exactly the ring', async () => {
    const world = await createWorld();
    const [, a, b] = kidsNow(world);
    await rotate(world.ports);
    const [previous, current, c] = kidsNow(world);
    expect([previous, current]).toEqual([a, b]);
    expect(world.publishedKids()).toEqual([a, b, c]);
    await rotate(world.ports);
    expect(kidsNow(world).slice(0, 2)).toEqual([b, c]);
    expect(world.publishedKids()).toEqual(kidsNow(world));
    expect(world.publishedKids()).not.toContain(a);
  });

  test('publishes the key that signs in every set, and each key before it signs', async () => {
    const world = await createWorld();
    const signing: (string | undefined)[] = [];
    const { replace } = world.published;
    world.published.replace = (...asked) => {
      signing.push(world.kidAt('current'));
      return replace(...asked);
    };
    world.published.history.length = 0;
    for (let count = 0; count < 3; count += 1) await rotate(world.ports);
    expect(world.published.history.length).toBeGreaterThanOrEqual(3);
    world.published.history.forEach((kids, index) => {
      expect(kids).toContain(signing[index]);
    });
  });

  test('leaves the retired private half in no version that a label names', async () => {
    const world = await createWorld();
    const retired = world.ring().keys.find(({ place }) => place === 'current')?.privateHalf;
    const d = retired?.storage === 'secret' ? retired.jwk.expose().d : undefined;
    expect(d).toBeDefined();
    await rotate(world.ports);
    expect([...world.keySecret.labels.keys()]).toEqual(['AWSCURRENT']);
    for (const versionId of world.keySecret.labels.values()) {
      expect(world.keySecret.versions.get(versionId)).not.toContain(d);
    }
  });

  test('says when a key began to sign, and remembers that it was done', async () => {
    const world = await createWorld();
    world.time.now += 1_000;
    const token = randomUUID();
    await rotate(world.ports, token);
    expect(world.ring().keys.map(({ signingSince }) => signingSince)).toEqual([
      startOfTime,
      startOfTime + 1_000,
      null,
    ]);
    expect(world.published.last).toEqual({ token, at: startOfTime + 1_000, result: 'done' });
  });

  test('can repeat each step, and all of them when it is over, without another change', async () => {
    const world = await createWorld();
    const token = randomUUID();
    const made = world.keysMade();
    for (const step of steps) {
      await step(world.ports, token);
      await step(world.ports, token);
    }
    const after = kidsNow(world);
    await rotate(world.ports, token);
    expect(kidsNow(world)).toEqual(after);
    expect(world.keysMade()).toBe(made + 1);
  });

  test('run twice at once under one token makes one whole step', async () => {
    const world = await createWorld();
    const [, , b] = kidsNow(world);
    const token = randomUUID();
    for (const step of steps) await Promise.all([step(world.ports, token), step(world.ports, token)]);
    expect(world.kidAt('current')).toBe(b);
    expect(world.publishedKids()).toEqual(kidsNow(world));
  });

  test('goes on with what an earlier one left: no second key is made', async () => {
    const world = await createWorld();
    await createSecret(world.ports, randomUUID());
    const made = world.keysMade();
    await rotate(world.ports);
    expect(world.keysMade()).toBe(made);
    expect(world.publishedKids()).toEqual(kidsNow(world));
  });

  test('that is taken up a day later says when the key really began to sign', async () => {
    const world = await createWorld();
    const token = randomUUID();
    await createSecret(world.ports, token);
    world.time.now += 86_400;
    await rotate(world.ports, token);
    const current = world.ring().keys.find(({ place }) => place === 'current');
    expect(current?.signingSince).toBe(startOfTime + 86_400);
  });

  test('that an operator’s change overtakes changes nothing, and the next one heals', async () => {
    const world = await createWorld();
    const token = randomUUID();
    await createSecret(world.ports, token);
    await setSecret(world.ports, token);
    const pending = world.keySecret.labels.get('AWSPENDING');
    await promote(world.ports, { dryRun: false });
    // As a rotation sees it whose label was put back at the wrong moment.
    world.keySecret.labels.set('AWSPENDING', pending ?? '');
    const promoted = kidsNow(world);
    expect(await failureOf(finishSecret(world.ports, token))).toBe('draft_stale');
    expect(kidsNow(world)).toEqual(promoted);
    expect(world.keySecret.labels.has('AWSPENDING')).toBe(false);
    await rotate(world.ports, token);
    expect(world.kidAt('previous')).toBe(promoted[1]);
    expect(world.publishedKids()).toEqual(kidsNow(world));
  });

  test.each([
    ['setSecret', setSecret],
    ['finishSecret', finishSecret],
  ] as const)('that begins with %s has no draft, and moves nothing', async (_, step) => {
    const world = await createWorld();
    const before = kidsNow(world);
    expect(await failureOf(step(world.ports, randomUUID()))).toBe('draft_missing');
    expect(kidsNow(world)).toEqual(before);
  });

  test.each<[string, (world: World, token: string) => void]>([
    ['holds nothing yet', (world, token) => world.keySecret.labels.set('AWSPENDING', token)],
    [
      'is a copy of the ring',
      (world, token) => {
        const current = world.keySecret.versions.get(world.keySecret.labels.get('AWSCURRENT') ?? '');
        world.keySecret.versions.set(token, current ?? '');
        world.keySecret.labels.set('AWSPENDING', token);
      },
    ],
  ])(
    'is only tried out by Secrets Manager when a schedule is set: the version it names %s, and nothing moves',
    async (_, name) => {
      const world = await createWorld();
      await rotate(world.ports);
      const before = kidsNow(world);
      const token = randomUUID();
      name(world, token);
      await testSecret(world.ports, token);
      expect(kidsNow(world)).toEqual(before);
      expect(await failureOf(finishSecret(world.ports, token))).toMatch(/^draft_(missing|stale)$/);
      expect(kidsNow(world)).toEqual(before);
    },
  );

  test('takes a version that Secrets Manager has named and that has no value yet for no draft', async () => {
    const world = await createWorld();
    const token = randomUUID();
    world.keySecret.labels.set('AWSPENDING', token);
    await rotate(world.ports, token);
    expect(world.keySecret.labels.get('AWSCURRENT')).toBe(token);
  });

  test('whose token names a version of another value drafts under a name of its own, and knows when it is done', async () => {
    const world = await createWorld();
    const token = randomUUID();
    world.keySecret.versions.set(token, 'what is left of an older rotation');
    await rotate(world.ports, token);
    expect(world.keySecret.labels.get('AWSCURRENT')).not.toBe(token);
    const after = kidsNow(world);
    await rotate(world.ports, token);
    expect(kidsNow(world)).toEqual(after);
  });

  test('replaces a draft that nobody can read', async () => {
    const world = await createWorld();
    world.keySecret.versions.set('x', 'hunter2');
    world.keySecret.labels.set('AWSPENDING', 'x');
    const [, , b] = kidsNow(world);
    await rotate(world.ports);
    expect(world.kidAt('current')).toBe(b);
  });
});

describe('a next key', () => {
  const lead = 86_400;

  test('of the very first set may sign at once; the one that follows it may not [S-06]', async () => {
    const world = await createWorld({ leadSeconds: lead });
    await rotate(world.ports);
    const before = kidsNow(world);
    const made = world.keysMade();
    expect(await failureOf(createSecret(world.ports, randomUUID()))).toBe('lead_time_not_met');
    expect(kidsNow(world)).toEqual(before);
    expect(world.keysMade()).toBe(made);
    world.time.now += lead - 1;
    expect(await failureOf(createSecret(world.ports, randomUUID()))).toBe('lead_time_not_met');
    world.time.now += 1;
    await rotate(world.ports);
    expect(world.kidAt('current')).toBe(before[2]);
  });

  test('that was out of the published set for a moment begins to wait anew', async () => {
    const world = await createWorld({ leadSeconds: lead });
    await rotate(world.ports);
    world.time.now += lead;
    const record = world.published.record;
    if (record === undefined) throw new Error('nothing is published');
    world.published.record = {
      ...record,
      keys: record.keys.filter(({ kid }) => kid !== world.kidAt('next')),
    };
    expect(await failureOf(createSecret(world.ports, randomUUID()))).toBe('lead_time_not_met');
    expect(world.publishedKids()).toContain(world.kidAt('next'));
  });

  test('is not taken for the first set’s when the memory of what was published is gone', async () => {
    const world = await createWorld({ leadSeconds: lead });
    await rotate(world.ports);
    world.published.record = undefined;
    expect(await failureOf(createSecret(world.ports, randomUUID()))).toBe('lead_time_not_met');
  });
});

describe('a published set that was lost', () => {
  const withoutSet = async (leadSeconds: number) => {
    const world = await createWorld({ leadSeconds });
    await rotate(world.ports);
    world.time.now += leadSeconds;
    world.published.record = undefined;
    return world;
  };

  test('is published again by a rotation that need not wait', async () => {
    const world = await withoutSet(0);
    const next = world.kidAt('next');
    expect((await previewRotation(world.ports)).after.map(({ kid }) => kid)).toContain(next);
    await rotate(world.ports);
    expect(world.kidAt('current')).toBe(next);
  });

  test('has a rotation refused that would have to wait, which says what mends it', async () => {
    const world = await withoutSet(3_600);
    await expect(previewRotation(world.ports)).rejects.toThrow(
      /is not published\. The hourly check sees to that/,
    );
    await checkRing(world.ports);
    world.time.now += 3_600;
    await rotate(world.ports);
  });
});

describe('a published set that does not say since when a key is in it', () => {
  test('is repaired by the next check, so that the key can be let sign again', async () => {
    const world = await createWorld({ leadSeconds: 3_600 });
    await rotate(world.ports);
    world.time.now += 3_600;
    const { record } = world.published;
    if (record === undefined) throw new Error('nothing is published');
    world.published.record = { ...record, since: {} };
    expect((await readStatus({ ...world.ports, storage: 'secret' })).publishedEqualsRing).toBe(false);
    expect((await checkRing(world.ports)).differed).toBe(true);
    expect(await failureOf(createSecret(world.ports, randomUUID()))).toBe('lead_time_not_met');
    world.time.now += 3_600;
    const next = world.kidAt('next');
    await rotate(world.ports);
    expect(world.kidAt('current')).toBe(next);
  });
});

describe('where the secret is read as it was a moment ago', () => {
  /** Reads show nothing that was done since the last wait. */
  const lagging = (world: World): KeyManagerPorts => {
    let seen = { versions: new Map(world.keySecret.versions), labels: new Map(world.keySecret.labels) };
    const past = () => Object.assign(new MemoryKeySecret(), seen);
    return {
      ...world.ports,
      keySecret: {
        ...world.ports.keySecret,
        current: () => past().current(),
        version: (versionId) => past().version(versionId),
        describe: () => past().describe(),
      },
      wait: async (seconds) => {
        seen = { versions: new Map(world.keySecret.versions), labels: new Map(world.keySecret.labels) };
        await world.ports.wait(seconds);
      },
    };
  };

  test.each<[string, (ports: KeyManagerPorts) => Promise<{ after: readonly { kid: string }[] }>]>([
    ['a promotion', (ports) => promote(ports, { dryRun: false })],
    [
      'an import that signs at once',
      (ports) =>
        importKey(ports, { jwk: poolKey(1_000).privateJwk, kid: undefined, now: true, dryRun: false }),
    ],
  ])('%s publishes the key before it signs, and ends with the new ring', async (_, change) => {
    const world = await createWorld();
    await rotate(world.ports);
    const signed = world.kidAt('current');
    const ports = lagging(world);
    const { moveCurrent } = world.keySecret;
    ports.keySecret.moveCurrent = async (...asked) => {
      const before = world.publishedKids();
      const hasMoved = await moveCurrent(...asked);
      expect(before).toContain(world.kidAt('current'));
      return hasMoved;
    };
    const { after } = await change(ports);
    expect(world.kidAt('current')).not.toBe(signed);
    expect(after.map(({ kid }) => kid)).toEqual(kidsNow(world).filter((kid) => kid !== undefined));
    expect([...world.publishedKids()].sort()).toEqual(after.map(({ kid }) => kid).sort());
  });

  test('a rotation’s last step publishes the new ring, and says so only then', async () => {
    const world = await createWorld();
    const token = randomUUID();
    await createSecret(world.ports, token);
    await setSecret(world.ports, token);
    const ring = await finishSecret(lagging(world), token);
    expect(ring?.keys.map(({ kid }) => kid)).toEqual(kidsNow(world));
    expect(world.publishedKids()).toEqual(kidsNow(world));
  });
});

describe('a promotion', () => {
  test('leaves no key that has ever signed, in the ring or in what is published', async () => {
    const world = await createWorld();
    await rotate(world.ports);
    const [previous, current, next] = kidsNow(world);
    expect(world.publishedKids()).toEqual([previous, current, next]);
    await promote(world.ports, { dryRun: false });
    expect(kidsNow(world)).toEqual([undefined, next, expect.any(String)]);
    expect(world.publishedKids()).toEqual(kidsNow(world).slice(1));
    await rotate(world.ports);
    expect(world.kidAt('previous')).toBe(next);
  });
});

describe('testSecret', () => {
  const drafted = async (changes: Partial<KeyManagerPorts>) => {
    const token = randomUUID();
    const world = await createWorld();
    await createSecret(world.ports, token);
    await setSecret(world.ports, token);
    return { world, test: () => testSecret({ ...world.ports, ...changes }, token) };
  };

  test('waits for the edge, which may serve the set of a minute ago', async () => {
    const { world } = await drafted({});
    const fresh = world.published.record;
    const old = { keys: fresh?.keys.slice(0, 2) };
    let served = 0;
    const fetchJwks = () => Promise.resolve((served += 1) < 12 ? old : fresh);
    await testSecret({ ...world.ports, fetchJwks }, world.keySecret.labels.get('AWSPENDING') ?? '');
    expect(world.time.waited).toBe(55);
  });

  test.each<[string, string, () => Promise<unknown>]>([
    ['is never complete', 'published_set_incomplete', () => Promise.resolve({ keys: [] })],
    ['is no set', 'published_set_unreachable', () => Promise.resolve('keys')],
    ['is null', 'published_set_unreachable', () => Promise.resolve(null)],
    [
      'cannot be had',
      'published_set_unreachable',
      () => Promise.reject(new ChangeRefused('published_set_unreachable', 'away')),
    ],
    [
      'holds a private member',
      'published_set_unsafe',
      () => Promise.resolve({ keys: [{ kty: 'RSA', d: 'hunter2' }] }),
    ],
  ])('stops the rotation when what is served %s', async (_, code, fetchJwks) => {
    const { world, test } = await drafted({ fetchJwks });
    expect(await failureOf(test())).toBe(code);
    expect(world.time.waited).toBeLessThanOrEqual(130);
  });

  test('does not wait for keys that another change has taken out of the published set', async () => {
    const { world } = await drafted({});
    const fetchJwks = async () => {
      await promote(world.ports, { dryRun: false });
      return world.published.record;
    };
    const token = world.keySecret.labels.get('AWSPENDING') ?? '';
    expect(await failureOf(testSecret({ ...world.ports, fetchJwks }, token))).toBe('busy');
    expect(world.time.waited).toBe(0);
  });

  test('stops the rotation when the key that comes does not sign what the set verifies', async () => {
    const { world } = await drafted({});
    const { signerOf } = world.ports;
    const [other] = world.ring().keys;
    if (other === undefined) throw new Error('no key');
    const token = world.keySecret.labels.get('AWSPENDING') ?? '';
    const lying: KeyManagerPorts = {
      ...world.ports,
      signerOf: async (key) => signerOf({ ...other, kid: key.kid }),
    };
    expect(await failureOf(testSecret(lying, token))).toBe('signature_unverified');
    const failing: KeyManagerPorts = {
      ...world.ports,
      signerOf: () => Promise.reject(new KeysUnavailable('away')),
    };
    await expect(testSecret(failing, token)).rejects.toThrow(KeysUnavailable);
  });
});

describe('keys in KMS', () => {
  const inKms = async () => {
    let made = 0;
    const world = await createWorld();
    const keyMaker = {
      ...world.ports.keyMaker,
      storage: 'kms' as const,
      make: async () => {
        made += 1;
        const keyArn = `arn:aws:kms:eu-west-2:000000000000:key/${String(made)}`;
        const key = await world.ports.keyMaker.make();
        return { ...key, privateHalf: { storage: 'kms' as const, keyArn } };
      },
    };
    // What is signed with is not what these tests are about.
    const ports = { ...world.ports, keyMaker };
    const step = async () => {
      const token = randomUUID();
      await createSecret(ports, token);
      await setSecret(ports, token);
      await finishSecret(ports, token);
    };
    return { world, ports, step };
  };

  test('take over in two rotations, and are deleted once no function can still hold them [ASVS-13.3.4]', async () => {
    const { world, ports, step } = await inKms();
    await step();
    await step();
    const custodies = world.ring().keys.map(({ privateHalf }) => privateHalf?.storage);
    expect(custodies).toEqual([undefined, 'kms', 'kms']);
    await step();
    expect(world.ring().toDestroy).toEqual(['arn:aws:kms:eu-west-2:000000000000:key/1']);
    await checkRing(ports);
    expect(world.destroyed).toEqual([]);
    world.time.now += 7_200;
    await checkRing(ports);
    expect(world.destroyed).toEqual(['arn:aws:kms:eu-west-2:000000000000:key/1']);
  });

  test('that are still to be deleted are not forgotten by rotations that follow at once', async () => {
    const { world, step } = await inKms();
    for (let count = 0; count < 4; count += 1) await step();
    expect(world.ring().toDestroy.map((arn) => arn.at(-1))).toEqual(['1', '2']);
    world.time.now += 7_200;
    await step();
    expect(world.destroyed.map((arn) => arn.at(-1))).toEqual(['1', '2']);
    expect(world.ring().toDestroy.map((arn) => arn.at(-1))).toEqual(['3']);
  });

  test('that KMS does not delete keep no ring from moving: the operator hears of it, and the check tries again', async () => {
    const { world, ports, step } = await inKms();
    await step();
    await step();
    await createSecret(ports, randomUUID());
    const current = world.kidAt('current');
    const destroy = () => Promise.reject(new KeysUnavailable('away'));
    const whileAway = { ...ports, keyMaker: { ...ports.keyMaker, destroy } };
    const { after, notices } = await promote(whileAway, { dryRun: false });
    expect(world.kidAt('current')).not.toBe(current);
    expect(after.map(({ kid }) => kid)).toEqual(world.publishedKids());
    expect(notices.at(-1)).toMatch(/disable it in KMS now \(arn:aws:kms:[^,]*key\/1\)/);
    expect(world.keySecret.labels.has('AWSPENDING')).toBe(true);

    world.time.now += 7_200;
    await checkRing(ports);
    expect(world.destroyed.map((arn) => arn.at(-1)).sort()).toEqual(['1', '3']);
    expect([...world.keySecret.labels.keys()]).toEqual(['AWSCURRENT']);
    await step();
  });

  test('that were made for a first ring which another call had stored already are deleted', async () => {
    const { world, ports } = await inKms();
    const keySecret = {
      ...world.ports.keySecret,
      current: () => Promise.resolve(undefined),
      put: () => Promise.resolve(false),
    };
    await expect(ensureRing({ ...ports, keySecret })).rejects.toThrow(KeysUnavailable);
    expect(world.destroyed.map((arn) => arn.at(-1)).sort()).toEqual(['1', '2']);
  });

  test('that are compromised are deleted at once', async () => {
    const { world, ports, step } = await inKms();
    await step();
    await step();
    const compromised = world.ring().keys.find(({ place }) => place === 'current')?.privateHalf;
    await promote(ports, { dryRun: false });
    expect(compromised).toMatchObject({ storage: 'kms', keyArn: world.destroyed[0] });
    expect(world.destroyed).toHaveLength(1);
  });

  test('that were made for a draft which lost are deleted, and no other', async () => {
    const { world, ports, step } = await inKms();
    await step();
    const token = randomUUID();
    await createSecret(ports, token);
    await promote(ports, { dryRun: false });
    expect(world.destroyed.map((arn) => arn.at(-1))).toEqual(['2']);
    expect(world.ring().keys.map(({ privateHalf }) => privateHalf)).toMatchObject([
      { keyArn: expect.stringMatching(/1$/) },
      { keyArn: expect.stringMatching(/3$/) },
    ]);
  });
});
