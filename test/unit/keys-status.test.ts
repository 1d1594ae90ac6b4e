/** The state of the keys, from public facts only. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { keysStatus } from '../../lambdas/handlers/keys-status.ts';
import { promote, takeRotationStep, rotationSteps, type StatusPorts } from '../../lambdas/keys/index.ts';
import { createLogger } from '../../lambdas/telemetry/index.ts';
import { createWorld, type World } from './key-world.ts';

/** What the function has: no value of the secret, and no way to write. */
const portsOf = ({ keySecret, published }: World): StatusPorts => ({
  purpose: 'cis2',
  keySecret: { describe: keySecret.describe },
  published: { read: published.read, lastRotation: published.lastRotation },
  leadSeconds: 0,
  storage: 'secret',
  wait: () => Promise.resolve(),
});
const ask = async (
  world: World,
  event: unknown = { purpose: 'cis2' },
  changes: Partial<StatusPorts> = {},
) => {
  const lines: string[] = [];
  const log = createLogger({ functionName: 'unit', level: 'debug', write: (line) => void lines.push(line) });
  const result = await keysStatus({ rings: [{ ...portsOf(world), ...changes }], log })(event);
  return { result, lines };
};
const kidsOf = async (world: World): Promise<readonly (string | undefined)[]> => {
  const { result } = await ask(world);
  if (!result.ok) throw new Error(result.message);
  expect(result.publishedEqualsRing).toBe(true);
  return ['previous', 'current', 'next'].map((at) => result.keys.find(({ place }) => place === at)?.kid);
};
const ringOf = (world: World) => ['previous', 'current', 'next'].map(world.kidAt);

describe('the state of the keys', () => {
  test('is that of the ring after each step of a rotation and after a promotion', async () => {
    const world = await createWorld();
    const token = randomUUID();
    for (const step of rotationSteps) {
      await takeRotationStep(world.ports, step, token);
      if (step !== 'createSecret') expect(await kidsOf(world)).toEqual(ringOf(world));
    }
    await promote(world.ports, { dryRun: false });
    expect(await kidsOf(world)).toEqual(ringOf(world));
  });

  test('is the new ring as soon as it signs, before the change is finished', async () => {
    const world = await createWorld();
    const { moveCurrent } = world.keySecret;
    const seen: unknown[] = [];
    world.keySecret.moveCurrent = async (...asked) => {
      seen.push((await ask(world)).result);
      const hasMoved = await moveCurrent(...asked);
      seen.push((await ask(world)).result);
      return hasMoved;
    };
    const next = world.kidAt('next');
    await promote(world.ports, { dryRun: false });
    expect(seen).toMatchObject([
      { keys: [{ place: 'current' }, { place: 'next', kid: next }] },
      { keys: [{ place: 'current', kid: next }, { place: 'next' }], publishedEqualsRing: false },
    ]);
  });

  test('holds nothing of a private half, and neither does the record that it is read from', async () => {
    const world = await createWorld();
    const secrets = world
      .ring()
      .keys.flatMap(({ privateHalf }) =>
        privateHalf?.storage === 'secret' ? [String(privateHalf.jwk.expose().d)] : [],
      );
    expect(secrets).toHaveLength(2);
    const output = JSON.stringify([(await ask(world)).result, world.published.record]);
    for (const secret of secrets) expect(output).not.toContain(secret);
  });

  test('says that other keys are published than belong to the ring', async () => {
    const world = await createWorld();
    const { record } = world.published;
    if (record === undefined) throw new Error('nothing is published');
    world.published.record = { ...record, keys: record.keys.slice(1) };
    expect((await ask(world)).result).toMatchObject({ ok: true, publishedEqualsRing: false });
  });

  test('is not to be had while the record does not have the ring that is current, and says what corrects it', async () => {
    const world = await createWorld();
    world.keySecret.labels.set('AWSCURRENT', 'another version');
    let waits = 0;
    const wait = () => Promise.resolve(void (waits += 1));
    const { result, lines } = await ask(world, undefined, { wait });
    expect(result).toMatchObject({ ok: false, code: 'keys_unavailable' });
    expect(result).toHaveProperty('message', expect.stringContaining('keys check'));
    expect(lines.join()).toContain('dependency_failed');
    expect(waits).toBe(4);
  });

  test.each([
    [null],
    ['cis2'],
    [[]],
    [{}],
    [{ purpose: 'api-platform' }],
    [{ purpose: ['cis2'] }],
    [{ purpose: 'cis2', operation: 'promote' }],
    [{ operation: 'promote' }],
    [{ Purpose: 'cis2' }],
  ])('is refused to %j', async (event) => {
    const world = await createWorld();
    expect((await ask(world, event)).result).toMatchObject({ ok: false, code: 'invalid_request' });
  });
});
