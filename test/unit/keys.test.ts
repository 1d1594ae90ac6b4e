import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { calculateJwkThumbprint, compactVerify, CompactSign, importJWK, type JWK } from 'jose';
import { Secret, type EpochSeconds } from '../../lambdas/common/index.ts';
import {
  currentSigningKey,
  KeysUnavailable,
  loadPublishedSet,
  newRingKey,
  publish,
  type Ring,
  type RingKey,
} from '../../lambdas/keys/index.ts';
import { publicJwk, readRing, writeRing } from '../../lambdas/keys/ring.ts';

type Json = Record<string, unknown>;

const createdAt = 1_800_000_000 as EpochSeconds;
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

let current: RingKey;
let next: RingKey;
let previous: RingKey;
let ring: Ring;

beforeAll(async () => {
  [current, next] = await Promise.all([
    newRingKey('current', 2048, createdAt),
    newRingKey('next', 2048, createdAt),
  ]);
  const retired = await newRingKey('current', 2048, createdAt);
  previous = { ...retired, place: 'previous', privateJwk: null };
  ring = [previous, current, next];
});

const exposed = (given: Ring): unknown =>
  given.map(({ privateJwk, ...key }) => ({ ...key, privateJwk: privateJwk?.expose() ?? null }));
const written = (): { format: number; keys: Json[] } =>
  JSON.parse(writeRing(ring).expose()) as { format: number; keys: Json[] };

describe('a new key', () => {
  test('is named by its RFC 7638 thumbprint, in every place the name stands', async () => {
    const thumbprint = await calculateJwkThumbprint({
      kty: 'RSA',
      n: current.publicJwk.n,
      e: current.publicJwk.e,
    });
    expect(current.kid).toBe(thumbprint);
    expect(current.publicJwk.kid).toBe(thumbprint);
    expect(current.privateJwk?.expose().kid).toBe(thumbprint);
    expect(current.kid).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test('has the size asked for and a public half that verifies what its private half signs', async () => {
    expect(Buffer.from(current.publicJwk.n, 'base64url')).toHaveLength(256);
    const signed = await new CompactSign(Buffer.from('text'))
      .setProtectedHeader({ alg: 'RS512' })
      .sign(await importJWK(current.privateJwk!.expose(), 'RS512'));
    const { payload } = await compactVerify(signed, await importJWK({ ...current.publicJwk }, 'RS512'));
    expect(Buffer.from(payload).toString()).toBe('text');
  });

  test('signs since now when it is the current one, and not yet when it is the next', () => {
    expect(current).toMatchObject({ place: 'current', createdAt, signingSince: createdAt });
    expect(next).toMatchObject({ place: 'next', createdAt, signingSince: null });
    expect(current.kid).not.toBe(next.kid);
  });

  test('does not show its private half when it is printed', () => {
    expect(JSON.stringify(ring)).not.toContain(current.privateJwk?.expose().d);
  });
});

describe('a public JWK', () => {
  test('is made of the public members alone, whatever stands beside them', () => {
    const extra = fc.dictionary(
      fc.oneof(fc.constantFrom(...privateMembers, 'use', 'alg', 'key_ops', 'x5c'), fc.string()),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(extra, (members) => {
        const { kty, n, e, kid } = current.publicJwk;
        const made = publicJwk({ ...members, kty, n, e, kid });
        expect(made).toEqual({ kty, n, e, kid, use: 'sig', alg: 'RS512' });
      }),
    );
    expect(publicJwk(current.privateJwk?.expose())).toEqual(current.publicJwk);
  });

  test.each([
    [null],
    ['text'],
    [[]],
    [{}],
    [{ kty: 'EC', n: 'n', e: 'e', kid: 'k' }],
    [{ kty: 'oct', k: 'secret', kid: 'k' }],
    [{ kty: 'RSA', e: 'e', kid: 'k' }],
    [{ kty: 'RSA', n: 'n', kid: 'k' }],
    [{ kty: 'RSA', n: 'n', e: 'e' }],
    [{ kty: 'RSA', n: 7, e: 'e', kid: 'k' }],
  ])('is not made of %j', (value) => {
    expect(() => publicJwk(value)).toThrow(KeysUnavailable);
  });
});

describe('the ring', () => {
  test('is read as it was written', () => {
    expect(exposed(readRing(writeRing(ring)))).toEqual(exposed(ring));
    const young = [current, next];
    expect(exposed(readRing(writeRing(young)))).toEqual(exposed(young));
  });

  test('holds the private half of the keys that sign or will, and no other', () => {
    const [kept, ...signing] = written().keys;
    expect(kept).not.toHaveProperty('privateJwk');
    expect(signing.map((key) => typeof (key['privateJwk'] as JWK).d)).toEqual(['string', 'string']);
    for (const key of written().keys) {
      expect(Object.keys(key['publicJwk'] as Json).filter((name) => privateMembers.includes(name))).toEqual(
        [],
      );
    }
  });

  const changeKey = (position: number, change: Json) => {
    const value = written();
    value.keys[position] = { ...value.keys[position], ...change };
    return value;
  };
  const malformed: [string, () => unknown][] = [
    ['nothing', () => ({})],
    ['null', () => null],
    ['a list', () => written().keys],
    ['another format', () => ({ ...written(), format: 2 })],
    ['the format as text', () => ({ ...written(), format: '1' })],
    ['no format', () => ({ keys: written().keys })],
    ['no keys', () => ({ ...written(), keys: [] })],
    ['keys that are no list', () => ({ ...written(), keys: {} })],
    ['a key that is null', () => ({ ...written(), keys: [...written().keys, null] })],
    ['no current key', () => ({ ...written(), keys: [written().keys[0], written().keys[2]] })],
    ['no next key', () => ({ ...written(), keys: written().keys.slice(0, 2) })],
    ['a place taken twice', () => ({ ...written(), keys: [...written().keys, written().keys[1]] })],
    ['two previous keys', () => ({ ...written(), keys: [...written().keys, written().keys[0]] })],
    ['an unknown place', () => changeKey(0, { place: 'retired' })],
    ['a current key without its private half', () => changeKey(1, { privateJwk: undefined })],
    ['a next key without its private half', () => changeKey(2, { privateJwk: undefined })],
    ['a private half that is public', () => changeKey(1, { privateJwk: current.publicJwk })],
    ['a private half that is text', () => changeKey(1, { privateJwk: 'hunter2' })],
    ['a private half that is null', () => changeKey(1, { privateJwk: null })],
    ['another kid', () => changeKey(1, { kid: 'hunter2' })],
    ['no kid', () => changeKey(1, { kid: undefined })],
    ['no public half', () => changeKey(1, { publicJwk: undefined })],
    ['a public half of another kind', () => changeKey(1, { publicJwk: { kty: 'EC', kid: current.kid } })],
    ['a time as text', () => changeKey(1, { createdAt: 'hunter2' })],
    ['no time', () => changeKey(1, { createdAt: undefined })],
    ['an impossible signing time', () => changeKey(1, { signingSince: -1 })],
    ['no signing time', () => changeKey(2, { signingSince: undefined })],
  ];

  const refusal = (text: string): Error => {
    try {
      readRing(new Secret(text));
    } catch (error) {
      if (error instanceof KeysUnavailable) return error;
      throw error;
    }
    throw new Error('it was taken for a ring');
  };

  test.each(malformed)('is refused with %s, and none of it is quoted', (_, value) => {
    const error = refusal(JSON.stringify(value()));
    const told = `${error.message} ${String(error.stack)} ${JSON.stringify(error.cause ?? null)}`;
    expect(error.cause).toBeUndefined();
    expect(told).not.toContain('hunter2');
    expect(told).not.toContain(current.kid);
    expect(told).not.toContain(current.privateJwk!.expose().d!.slice(0, 20));
  });

  test.each(['', 'hunter2', '{"format":1,"keys":[hunter2', '-----BEGIN PRIVATE KEY-----\nhunter2'])(
    'that is not JSON is refused, and none of it is quoted (%#)',
    (text) => {
      const error = refusal(text);
      expect(`${String(error.stack)}${String(error.cause)}`).not.toContain('hunter2');
    },
  );

  test('is read whole or refused, whatever text lies there', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(() => readRing(new Secret(text))).toThrow(KeysUnavailable);
      }),
    );
  });
});

describe('the signer', () => {
  const signer = (load: () => Promise<Ring | undefined>, cacheSeconds = 60) => {
    const state = { now: createdAt as number, loads: 0, stale: [] as unknown[], load };
    const sign = currentSigningKey({
      load: () => {
        state.loads += 1;
        return state.load();
      },
      cacheSeconds,
      clock: () => state.now as EpochSeconds,
      onStale: (error) => state.stale.push(error),
    });
    return { state, sign };
  };

  test('gives the current key, which can sign and cannot be taken out', async () => {
    const { sign } = signer(() => Promise.resolve(ring));
    const { kid, key } = await sign();
    expect(kid).toBe(current.kid);
    expect(key.extractable).toBe(false);
    expect(key.usages).toEqual(['sign']);
    const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', key, Buffer.from('text'));
    const verifier = await crypto.subtle.importKey(
      'jwk',
      { ...current.publicJwk },
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' },
      false,
      ['verify'],
    );
    expect(await crypto.subtle.verify('RSASSA-PKCS1-v1_5', verifier, signature, Buffer.from('text'))).toBe(
      true,
    );
  });

  test('keeps it for as long as it is told to, to the second', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    await sign();
    state.now += 59;
    await sign();
    expect(state.loads).toBe(1);
    state.now += 1;
    await sign();
    expect(state.loads).toBe(2);
  });

  test('reads again at once when its key was refused, and knows the ring that has moved', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    const { kid } = await sign();
    const moved: Ring = [
      { ...current, place: 'previous', privateJwk: null },
      { ...next, place: 'current', signingSince: createdAt },
    ];
    state.load = () => Promise.resolve(moved);
    state.now += 5;
    const found = await sign(kid);
    expect(found.kid).toBe(next.kid);
    expect(state.loads).toBe(2);
    // What was refused is not held any more: nothing is read for it again.
    expect((await sign(kid)).kid).toBe(found.kid);
    expect(state.loads).toBe(2);
  });

  test('reads for a refused key every five seconds at most, for it may be refused for good', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    const { kid } = await sign();
    for (const [later, loads] of [
      [0, 1],
      [4, 1],
      [1, 2],
      [4, 2],
      [1, 3],
    ] as const) {
      state.now += later;
      expect((await sign(kid)).kid).toBe(kid);
      expect(state.loads).toBe(loads);
    }
  });

  test('goes on with a refused key when the keys cannot be read again', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    const { kid } = await sign();
    state.load = () => Promise.reject(new Error('away'));
    state.now += 5;
    expect((await sign(kid)).kid).toBe(kid);
    expect(state.stale).toHaveLength(1);
  });

  test('reads every time when it keeps nothing', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring), 0);
    await sign();
    await sign();
    expect(state.loads).toBe(2);
  });

  test('reads once for many callers at the same time', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    const keys = await Promise.all(Array.from({ length: 20 }, sign));
    expect(state.loads).toBe(1);
    expect(new Set(keys.map(({ key }) => key)).size).toBe(1);
  });

  test('imports a key once, however often it is read', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    const first = await sign();
    state.now += 60;
    const second = await sign();
    expect(state.loads).toBe(2);
    expect(second.key).toBe(first.key);
  });

  test('takes the new key once the ring has moved', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    await sign();
    state.load = () =>
      Promise.resolve([
        { ...current, place: 'next' },
        { ...next, place: 'current' },
      ]);
    state.now += 60;
    expect((await sign()).kid).toBe(next.kid);
  });

  test.each([
    ['cannot be read', () => Promise.reject(new KeysUnavailable('away'))],
    ['are gone', () => Promise.resolve(undefined)],
    ['have no current key', () => Promise.resolve([{ ...next }])],
  ])('goes on with the key it has when the keys %s, and says so', async (_, load) => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    const before = await sign();
    state.load = load;
    state.now += 3_600;
    expect(await sign()).toEqual(before);
    expect(state.stale).toEqual([expect.any(KeysUnavailable)]);
    state.load = () => Promise.resolve(ring);
    await sign();
    state.now += 59;
    await sign();
    expect(state.stale).toHaveLength(1);
  });

  test('says that there are no keys when it has never had one, and has one as soon as there is one', async () => {
    const { state, sign } = signer(() => Promise.resolve(undefined));
    await expect(sign()).rejects.toThrow(KeysUnavailable);
    state.load = () => Promise.reject(new KeysUnavailable('away'));
    await expect(sign()).rejects.toThrow(KeysUnavailable);
    state.load = () => Promise.resolve(ring);
    expect((await sign()).kid).toBe(current.kid);
    expect(state.stale).toEqual([]);
  });

  test('refuses a private half that is none', async () => {
    const broken = { ...current, privateJwk: new Secret<JWK>({ kty: 'RSA', d: 'x' }) };
    await expect(signer(() => Promise.resolve([broken, next])).sign()).rejects.toThrow(KeysUnavailable);
  });
});

describe('the published set', () => {
  type Input = { Item?: Record<string, { S: string }> };
  const clientWith = (answer: () => unknown): { client: DynamoDBClient; sent: Input[] } => {
    const sent: Input[] = [];
    const send = (command: { input: Input }) => {
      sent.push(command.input);
      return Promise.resolve().then(answer);
    };
    return { client: { send } as unknown as DynamoDBClient, sent };
  };
  const load = (set: string | undefined) =>
    loadPublishedSet(clientWith(() => (set === undefined ? {} : { Item: { set: { S: set } } })).client, 't');

  test('holds every key of the ring and no private member, and is read as it was written', async () => {
    const { client, sent } = clientWith(() => ({}));
    await publish(client, 't', ring);
    const text = sent[0]?.Item?.['set']?.S ?? '';
    const { keys } = JSON.parse(text) as { keys: Json[] };
    expect(keys.map(({ kid }) => kid)).toEqual(ring.map(({ kid }) => kid));
    for (const key of keys) {
      expect(Object.keys(key).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
      expect(key).toMatchObject({ kty: 'RSA', use: 'sig', alg: 'RS512' });
    }
    expect(await load(text)).toEqual({ keys });
  });

  test('that somebody put a private key into is served without it', async () => {
    const served = await load(JSON.stringify({ keys: [current.privateJwk?.expose()] }));
    expect(served).toEqual({ keys: [current.publicJwk] });
  });

  test.each([
    [undefined],
    [''],
    ['not JSON'],
    ['null'],
    ['[]'],
    ['{}'],
    ['{"keys":[]}'],
    ['{"keys":{}}'],
    ['{"keys":[null]}'],
    ['{"keys":[{}]}'],
    ['{"keys":[{"kty":"RSA","n":"n","e":"e"}]}'],
    ['{"keys":[{"kty":"oct","k":"x","kid":"k"}]}'],
  ])('of %j is refused: an empty set is never served', async (set) => {
    await expect(load(set)).rejects.toThrow(KeysUnavailable);
  });

  test('with one broken key among good ones is refused', async () => {
    await expect(load(JSON.stringify({ keys: [current.publicJwk, {}] }))).rejects.toThrow(KeysUnavailable);
  });

  test('that cannot be read is refused', async () => {
    const { client } = clientWith(() => {
      throw new Error('away');
    });
    await expect(loadPublishedSet(client, 't')).rejects.toThrow(KeysUnavailable);
  });
});
