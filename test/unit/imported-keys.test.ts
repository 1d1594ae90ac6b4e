/** Private keys that were made elsewhere. */
import { describe, expect, test } from '@jest/globals';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { generateKeyPairSync } from 'node:crypto';
import { ChangeRefused, importKey, type Change, type KeyManagerPorts } from '../../lambdas/keys/index.ts';
import { poolKey } from '../support/key-pool.ts';
import { createWorld, startOfTime, type World } from './key-world.ts';

const key = poolKey(1_000).privateJwk;
const other = poolKey(1_001).privateJwk;
const shortJwk = (bits: number): JWK =>
  generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ format: 'jwk' });

const take = (world: World, jwk: unknown, wish: { kid?: unknown; now?: boolean; dryRun?: boolean } = {}) =>
  importKey(world.ports, { jwk, kid: wish.kid, now: wish.now ?? false, dryRun: wish.dryRun ?? false });

const refusalOf = async (work: Promise<Change>): Promise<ChangeRefused> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ChangeRefused)) throw new Error('not refused', { cause: error });
  return error;
};

describe('a private key that was made elsewhere', () => {
  test('comes next under its thumbprint, and has to be published before it signs', async () => {
    const world = await createWorld({ leadSeconds: 3_600 });
    const [current, next] = [world.kidAt('current'), world.kidAt('next')];
    world.time.now += 10;
    const change = await take(world, { ...key, use: 'sig', x5c: ['hunter2'] });
    const kid = await calculateJwkThumbprint(key);
    expect(world.ring().keys.map((one) => one.kid)).toEqual([current, kid]);
    expect(world.publishedKids()).toEqual([current, kid]);
    expect(world.published.record?.since[kid]).toBe(startOfTime + 10);
    expect(change.notices.join(' ')).toContain(next);
    expect([...world.keySecret.labels.keys()]).toEqual(['AWSCURRENT']);
    expect([...world.keySecret.versions.values()].join()).not.toContain('hunter2');
  });

  test('signs at once when it is to, and the key before it goes on verifying', async () => {
    const world = await createWorld();
    const [current, next] = [world.kidAt('current'), world.kidAt('next')];
    world.time.now += 10;
    const change = await take(world, key, { kid: 'at-cis2-already', now: true });
    expect(world.ring().keys.map((one) => [one.place, one.kid, one.signingSince])).toEqual([
      ['previous', current, startOfTime],
      ['current', 'at-cis2-already', startOfTime + 10],
      ['next', next, null],
    ]);
    expect(world.publishedKids().sort()).toEqual([current, 'at-cis2-already', next].sort());
    expect(change.after.map(({ kid }) => kid)).toEqual([current, 'at-cis2-already', next]);
    const signer = await world.ports.signerOf(world.ring().keys[1]!);
    expect(await signer.sign({ clientId: 'c', audience: 'a', lifetimeSeconds: 60 })).toMatch(
      /^[\w-]+\.[\w-]+\.[\w-]+$/,
    );
  });

  test('is published before it signs, and in every set from then on', async () => {
    const world = await createWorld();
    const { moveCurrent } = world.keySecret;
    let publishedThen: string[] = [];
    world.keySecret.moveCurrent = (...asked) => {
      publishedThen = world.publishedKids();
      world.published.history.length = 0;
      return moveCurrent(...asked);
    };
    await take(world, key, { kid: 'mine', now: true });
    expect(publishedThen).toEqual(
      expect.arrayContaining(['mine', world.kidAt('previous'), world.kidAt('next')]),
    );
    for (const kids of world.published.history) expect(kids).toContain('mine');
  });

  test('is only looked at in a dry run', async () => {
    const world = await createWorld();
    const before = [...world.keySecret.versions];
    const change = await take(world, key, { kid: 'mine', dryRun: true });
    expect(change.after.map(({ kid }) => kid)).toEqual([world.kidAt('current'), 'mine']);
    expect([...world.keySecret.versions]).toEqual(before);
    expect(world.published.history).toHaveLength(1);
  });

  test('is not taken in twice, under whatever name, nor under a name that is taken', async () => {
    const world = await createWorld();
    await take(world, key, { kid: 'mine' });
    for (const [jwk, kid] of [
      [key, 'mine'],
      [key, 'another'],
      [key, undefined],
      [other, 'mine'],
      [other, world.kidAt('current')],
    ] as const) {
      expect((await refusalOf(take(world, jwk, { kid }))).code).toBe('key_known');
    }
  });

  test('is not taken in where private keys never leave KMS', async () => {
    const world = await createWorld();
    const ports: KeyManagerPorts = { ...world.ports, keyMaker: { ...world.ports.keyMaker, storage: 'kms' } };
    const refused = await refusalOf(importKey(ports, { jwk: key, kid: undefined, now: true, dryRun: false }));
    expect(refused.code).toBe('custody_kms');
  });

  const text = (jwk: JWK, name: keyof JWK): string => jwk[name] as string;
  const even = (value: string): string => {
    const bytes = Buffer.from(value, 'base64url');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) & 0xfe;
    return bytes.toString('base64url');
  };
  test.each<[string, () => unknown]>([
    ['null', () => null],
    ['text', () => JSON.stringify(key)],
    ['a list', () => [key]],
    ['a set', () => ({ keys: [key] })],
    ['a public key', () => ({ kty: key.kty, n: key.n, e: key.e })],
    [
      'an EC key',
      () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
    ],
    ['a key of 1,024 bits', () => shortJwk(1024)],
    ['a key of 2,047 bits', () => shortJwk(2040)],
    ['a key without its primes', () => ({ kty: key.kty, n: key.n, e: key.e, d: key.d })],
    ['a key with an empty member', () => ({ ...key, p: '' })],
    ['a key with a member that is a number', () => ({ ...key, qi: 7 })],
    ['a key with a member that is a list', () => ({ ...key, dp: [key.dp] })],
    ['a key with padding', () => ({ ...key, n: `${text(key, 'n')}==` })],
    ['a key with another’s modulus', () => ({ ...key, n: other.n })],
    ['a key with another’s primes', () => ({ ...key, p: other.p, q: other.q })],
    ['a key with another’s exponent', () => ({ ...key, d: other.d })],
    ['a key with another’s coefficient', () => ({ ...key, qi: other.qi })],
    ['a key with an even modulus', () => ({ ...key, n: even(text(key, 'n')) })],
    ['a key with an even exponent', () => ({ ...key, e: 'AQAA' })],
    ['a key with the exponent 1', () => ({ ...key, e: 'AQ' })],
    ['a key that is all hunter2', () => ({ ...key, d: 'hunter2', p: 'hunter2', q: 'hunter2' })],
  ])('is refused when it is %s, and none of it is quoted', async (_, jwk) => {
    const world = await createWorld();
    const before = [...world.keySecret.versions];
    const refused = await refusalOf(take(world, jwk(), { now: true }));
    expect(refused.code).toBe('key_unusable');
    expect(refused.message).toMatch(/^The key.*\.$/);
    const output = `${refused.message} ${refused.stack ?? ''} ${String(refused.cause)}`;
    for (const secret of ['hunter2', text(key, 'd').slice(0, 16), text(key, 'n').slice(0, 16)]) {
      expect(output).not.toContain(secret);
    }
    expect([...world.keySecret.versions]).toEqual(before);
  });

  test.each([
    [''],
    ['a b'],
    ['../x<y>'],
    ['a/b'],
    ['a\tb'],
    ['ключ'],
    ['a'.repeat(129)],
    [7],
    [null],
    [['a']],
  ])('is refused under the name %j', async (kid) => {
    const world = await createWorld();
    expect((await refusalOf(take(world, key, { kid }))).code).toBe('key_unusable');
  });

  test.each([['a'.repeat(128)], ['A-Z_a~z.0'], ['-']])('is taken in under the name %j', async (kid) => {
    const world = await createWorld();
    await take(world, key, { kid });
    expect(world.kidAt('next')).toBe(kid);
  });
});
