import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import {
  calculateJwkThumbprint,
  compactVerify,
  CompactSign,
  createLocalJWKSet,
  decodeJwt,
  importJWK,
  jwtVerify,
  type JWK,
} from 'jose';
import { Secret, type EpochSeconds, type AssertionSigner } from '../../lambdas/common/index.ts';
import {
  createPublishedKeys,
  currentSigner,
  KeysUnavailable,
  loadPublishedSet,
  createSignerOf,
  type Ring,
  type RingKey,
} from '../../lambdas/keys/index.ts';
import { asCurrent, asNext } from '../../lambdas/keys/ring-changes.ts';
import { newSecretKey } from '../../lambdas/keys/private-key.ts';
import { KeyRetired } from '../../lambdas/keys/errors.ts';
import { publicJwk, readRing, writeRing } from '../../lambdas/keys/ring.ts';

type Json = Record<string, unknown>;

const createdAt = 1_800_000_000 as EpochSeconds;
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

let current: RingKey;
let next: RingKey;
let previous: RingKey;
let ring: Ring;

const clock = () => createdAt;
const ringOf = (...keys: RingKey[]): Ring => ({ keys, toDestroy: [], draft: null });
const privateJwk = ({ privateHalf }: RingKey): JWK => {
  if (privateHalf?.storage !== 'secret') throw new Error('the private half is not in the ring');
  return privateHalf.jwk.expose();
};
const arn = 'arn:aws:kms:eu-west-2:000000000000:key/0a1b';

beforeAll(async () => {
  current = asCurrent(await newSecretKey(2048, clock), createdAt);
  next = asNext(await newSecretKey(2048, clock));
  previous = {
    ...asCurrent(await newSecretKey(2048, clock), createdAt),
    place: 'previous',
    privateHalf: null,
  };
  ring = ringOf(previous, current, next);
});

const exposed = ({ keys, ...rest }: Ring): unknown => ({
  ...rest,
  keys: keys.map((key) => ({ ...key, privateHalf: key.privateHalf && privateJwk(key) })),
});
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
    expect(privateJwk(current).kid).toBe(thumbprint);
    expect(current.kid).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test('has the size asked for and a public half that verifies what its private half signs', async () => {
    expect(Buffer.from(current.publicJwk.n, 'base64url')).toHaveLength(256);
    const signed = await new CompactSign(Buffer.from('text'))
      .setProtectedHeader({ alg: 'RS512' })
      .sign(await importJWK(privateJwk(current), 'RS512'));
    const { payload } = await compactVerify(signed, await importJWK({ ...current.publicJwk }, 'RS512'));
    expect(Buffer.from(payload).toString()).toBe('text');
  });

  test('signs since now when it is the current one, and not yet when it is the next', () => {
    expect(current).toMatchObject({ place: 'current', createdAt, signingSince: createdAt });
    expect(next).toMatchObject({ place: 'next', createdAt, signingSince: null });
    expect(current.kid).not.toBe(next.kid);
  });

  test('does not show its private half when it is printed', () => {
    expect(JSON.stringify(ring)).not.toContain(privateJwk(current).d);
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
    expect(publicJwk(privateJwk(current))).toEqual(current.publicJwk);
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
    const young = ringOf(current, next);
    expect(exposed(readRing(writeRing(young)))).toEqual(exposed(young));
    const drafted: Ring = {
      ...ring,
      toDestroy: [arn],
      draft: { basedOn: 'a version', rotation: 'a token', at: createdAt },
    };
    expect(exposed(readRing(writeRing(drafted)))).toEqual(exposed(drafted));
  });

  test('names a key in KMS by its ARN, and holds nothing of its private half', () => {
    const inKms: Ring = ringOf(current, { ...next, privateHalf: { storage: 'kms', keyArn: arn } });
    const text = writeRing(inKms);
    expect(readRing(text).keys[1]?.privateHalf).toEqual({ storage: 'kms', keyArn: arn });
    expect(text.expose()).not.toContain(privateJwk(next).d);
  });

  test('is not written when it could not be read again', () => {
    const two = { ...next, privateHalf: null };
    expect(() => writeRing(ringOf(current, two))).toThrow(KeysUnavailable);
    expect(() => writeRing(ringOf(current, { ...next, kid: current.kid }))).toThrow(KeysUnavailable);
    expect(() => writeRing(ringOf(current))).toThrow(KeysUnavailable);
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
    ['a next key that signs', () => changeKey(2, { signingSince: createdAt })],
    ['a current key that does not sign', () => changeKey(1, { signingSince: null })],
    ['a previous key that could sign', () => changeKey(0, { privateJwk: written().keys[1]?.['privateJwk'] })],
    ['a private half of another key', () => changeKey(1, { privateJwk: written().keys[2]?.['privateJwk'] })],
    ['a private half in two places', () => changeKey(1, { kmsKeyArn: arn })],
    [
      'an ARN of no KMS key',
      () => changeKey(1, { privateJwk: undefined, kmsKeyArn: 'arn:aws:s3:::hunter2' }),
    ],
    ['an ARN that is a list', () => changeKey(1, { privateJwk: undefined, kmsKeyArn: [arn] })],
    [
      'one key under two names',
      () => changeKey(0, { publicJwk: { ...current.publicJwk, kid: previous.kid } }),
    ],
    ['keys to destroy that are text', () => ({ ...written(), toDestroy: arn })],
    ['keys to destroy that are no ARNs', () => ({ ...written(), toDestroy: ['hunter2'] })],
    ['a draft that is text', () => ({ ...written(), draft: 'hunter2' })],
    ['a draft without a version', () => ({ ...written(), draft: { rotation: null, at: createdAt } })],
    ['a draft without a time', () => ({ ...written(), draft: { basedOn: 'v', rotation: null } })],
    ['a draft of a nameless rotation', () => ({ ...written(), draft: { basedOn: 'v', at: createdAt } })],
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
    const output = `${error.message} ${String(error.stack)} ${JSON.stringify(error.cause ?? null)}`;
    expect(error.cause).toBeUndefined();
    expect(output).not.toContain('hunter2');
    expect(output).not.toContain(current.kid);
    expect(output).not.toContain(privateJwk(current).d!.slice(0, 20));
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
    const state = { now: createdAt as number, loads: 0, imports: 0, stale: [] as unknown[], load };
    const clockNow = () => state.now as EpochSeconds;
    const signerOf = createSignerOf({ kmsOptions: {}, clock: clockNow });
    const sign = currentSigner({
      signerOf: (key) => {
        state.imports += 1;
        return signerOf(key);
      },
      load: () => {
        state.loads += 1;
        return state.load();
      },
      cacheSeconds,
      clock: clockNow,
      onStale: (error) => state.stale.push(error),
    });
    return { state, sign };
  };

  test('gives what signs with the current key, which cannot be taken out', async () => {
    const importKey = jest.spyOn(crypto.subtle, 'importKey');
    const { sign } = signer(() => Promise.resolve(ring));
    const given = await sign();
    expect(given.kid).toBe(current.kid);
    const [, , , extractable, usages] = importKey.mock.calls.at(-1) ?? [];
    importKey.mockRestore();
    expect([extractable, usages]).toEqual([false, ['sign']]);
    expect(JSON.stringify(given)).not.toContain(privateJwk(current).d);
  });

  test('signs assertions that the published key verifies, each one fresh [S-06, CIS2-PKJ]', async () => {
    const { sign } = signer(() => Promise.resolve(ring));
    const request = { clientId: 'rp.unit', audience: 'https://am.example:443/token', lifetimeSeconds: 240 };
    const assertion = await (await sign()).sign(request);
    const { payload, protectedHeader } = await jwtVerify(
      assertion,
      createLocalJWKSet({ keys: [{ ...current.publicJwk }] }),
      { currentDate: new Date(createdAt * 1000) },
    );
    expect(protectedHeader).toEqual({ alg: 'RS512', typ: 'JWT', kid: current.kid });
    expect(payload).toEqual({
      iss: 'rp.unit',
      sub: 'rp.unit',
      aud: request.audience,
      iat: createdAt,
      exp: createdAt + 240,
      jti: expect.stringMatching(/^[\w-]{36}$/),
    });
    expect(decodeJwt(await (await sign()).sign(request)).jti).not.toBe(payload.jti);
  });

  test('that may not sign any more has the ring read again, and what stands there signs', async () => {
    const retired: AssertionSigner = {
      kid: current.kid,
      sign: () => Promise.reject(new KeyRetired('retired')),
    };
    const good: AssertionSigner = { kid: next.kid, sign: () => Promise.resolve('signed') };
    const state = { now: createdAt as number, ring: ringOf(current, next) };
    const sign = currentSigner({
      load: () => Promise.resolve(state.ring),
      signerOf: ({ kid }) => Promise.resolve(kid === next.kid ? good : retired),
      cacheSeconds: 3_600,
      clock: () => state.now as EpochSeconds,
      onStale: () => undefined,
    });
    const request = { clientId: 'c', audience: 'a', lifetimeSeconds: 60 };
    const cached = await sign();
    state.now += 10;
    await expect(cached.sign(request)).rejects.toThrow(KeyRetired);
    state.ring = ringOf({ ...next, place: 'current', signingSince: createdAt });
    state.now += 10;
    expect(await cached.sign(request)).toBe('signed');
    expect(await (await sign()).sign(request)).toBe('signed');
  });

  test('caches it for `cacheSeconds`, to the second', async () => {
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
    const moved = ringOf(
      { ...current, place: 'previous', privateHalf: null },
      { ...next, place: 'current', signingSince: createdAt },
    );
    state.load = () => Promise.resolve(moved);
    const found = await sign(kid);
    expect(found.kid).toBe(next.kid);
    expect(state.loads).toBe(2);
    // What was refused is not cached any more: nothing is read for it again.
    expect((await sign(kid)).kid).toBe(found.kid);
    expect(state.loads).toBe(2);
  });

  test('reads for a refused key however short ago it was read, and shares that among all who ask meanwhile', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    const { kid } = await sign();
    // The first one's read had begun when the others were refused: they need another, and one is enough for them.
    for (const loads of [3, 5]) {
      const found = await Promise.all([sign(kid), sign(kid), sign(kid), sign(kid)]);
      expect(found.map((signing) => signing.kid)).toEqual([kid, kid, kid, kid]);
      expect(state.loads).toBe(loads);
    }
  });

  test('does not take a read that had begun before its key was refused for a read because of that', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    const { kid } = await sign();
    const moved = ringOf(
      { ...current, place: 'previous', privateHalf: null },
      { ...next, place: 'current', signingSince: createdAt },
    );
    let resolveRead: (found: Ring) => void = () => undefined;
    state.load = () => new Promise((resolve) => (resolveRead = resolve));
    state.now += 60;
    const ordinary = sign();
    state.load = () => Promise.resolve(moved);
    const afterRefusal = sign(kid);
    resolveRead(ring);
    expect((await ordinary).kid).toBe(kid);
    expect((await afterRefusal).kid).toBe(next.kid);
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
    await Promise.all(Array.from({ length: 20 }, () => sign()));
    expect(state.loads).toBe(1);
    expect(state.imports).toBe(1);
  });

  test('imports a key once, however often it is read', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    await sign();
    state.now += 60;
    await sign();
    expect(state.loads).toBe(2);
    expect(state.imports).toBe(1);
  });

  test('takes the new key once the ring has moved', async () => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    await sign();
    state.load = () => Promise.resolve(ringOf({ ...current, place: 'next' }, { ...next, place: 'current' }));
    state.now += 60;
    expect((await sign()).kid).toBe(next.kid);
  });

  test.each([
    ['cannot be read', () => Promise.reject(new KeysUnavailable('away'))],
    ['are gone', () => Promise.resolve(undefined)],
    ['have no current key', () => Promise.resolve(ringOf(next))],
  ])('goes on with the key it has when the keys %s, and says so', async (_, load) => {
    const { state, sign } = signer(() => Promise.resolve(ring));
    const before = await sign();
    state.load = load;
    state.now += 3_600;
    expect((await sign()).kid).toBe(before.kid);
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
    const jwk = new Secret<JWK>({ kty: 'RSA', d: 'x' });
    const broken: RingKey = { ...current, privateHalf: { storage: 'secret', jwk } };
    await expect(signer(() => Promise.resolve(ringOf(broken, next))).sign()).rejects.toThrow(KeysUnavailable);
    const gone = ringOf({ ...current, privateHalf: null }, next);
    await expect(signer(() => Promise.resolve(gone)).sign()).rejects.toThrow(KeysUnavailable);
  });
});

describe('the published set', () => {
  type Input = { Item?: Record<string, { S: string }>; ConditionExpression?: string };
  const clientWith = (response: () => unknown): { client: DynamoDBClient; sent: Input[] } => {
    const sent: Input[] = [];
    const send = (command: { input: Input }) => {
      sent.push(command.input);
      return Promise.resolve().then(response);
    };
    return { client: { send } as unknown as DynamoDBClient, sent };
  };
  const load = (set: string | undefined) =>
    loadPublishedSet(
      clientWith(() => (set === undefined ? {} : { Item: { set: { S: set } } })).client,
      't',
      'cis2',
    );
  const since = Object.fromEntries(['a', 'b'].map((kid) => [kid, createdAt]));

  test('holds every key of the ring and no private member, and is read as it was written', async () => {
    const { client, sent } = clientWith(() => ({}));
    // As a caller that hands over more than it should.
    const keys = [current, next].map((key) => ({ ...privateJwk(key), ...key.publicJwk }));
    await createPublishedKeys(client, 't', 'cis2').replace(
      { keys, since, firstAt: createdAt, rings: {} },
      undefined,
    );
    const text = sent[0]?.Item?.['set']?.S ?? '';
    expect(JSON.parse(text)).toEqual({ keys: [current.publicJwk, next.publicJwk] });
    expect(await load(text)).toEqual({ keys: [current.publicJwk, next.publicJwk] });
    expect(sent[0]?.Item?.['pk']).toEqual({ S: 'jwks#cis2' });
  });

  test('is written only over the state that was read', async () => {
    const { client, sent } = clientWith(() => ({}));
    const published = createPublishedKeys(client, 't', 'api-platform');
    await published.replace({ keys: [], since, firstAt: null, rings: {} }, 'r1');
    expect(sent[0]).toMatchObject({
      Item: { pk: { S: 'jwks#api-platform' } },
      ConditionExpression: 'revision = :revision',
      ExpressionAttributeValues: { ':revision': { S: 'r1' } },
    });
    const refused = createPublishedKeys(
      clientWith(() => {
        throw new ConditionalCheckFailedException({ message: '', $metadata: {} });
      }).client,
      't',
      'cis2',
    );
    expect(await refused.replace({ keys: [], since, firstAt: null, rings: {} }, 'r1')).toBe(false);
  });

  test('that cannot be made out is as good as not published, and can be written over', async () => {
    const { client } = clientWith(() => ({
      Item: { set: { S: 'x' }, since: { S: '[]' }, firstAt: { N: '-1' } },
    }));
    expect(await createPublishedKeys(client, 't', 'cis2').read()).toEqual({
      record: { keys: [], since: {}, firstAt: null, rings: {} },
      revision: undefined,
    });
  });

  test('that somebody put private keys into is served without them', async () => {
    const keys = [current, next].map((key) => ({ ...privateJwk(key), ...key.publicJwk }));
    expect(await load(JSON.stringify({ keys }))).toEqual({ keys: [current.publicJwk, next.publicJwk] });
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

  test.each<[string, () => unknown[]]>([
    ['one key only', () => [current.publicJwk]],
    ['one key twice', () => [current.publicJwk, current.publicJwk]],
    ['a broken key among good ones', () => [current.publicJwk, next.publicJwk, {}]],
    ['a key without its use', () => [current.publicJwk, { ...next.publicJwk, use: undefined }]],
    ['a key for something else', () => [current.publicJwk, { ...next.publicJwk, use: 'enc' }]],
    ['a key of another algorithm', () => [current.publicJwk, { ...next.publicJwk, alg: 'RS256' }]],
    ['a key without a modulus', () => [current.publicJwk, { ...next.publicJwk, n: '' }]],
  ])('with %s is refused: a part of a set is never served', async (_, keys) => {
    await expect(load(JSON.stringify({ keys: keys() }))).rejects.toThrow(KeysUnavailable);
  });

  test('that cannot be read is refused', async () => {
    const { client } = clientWith(() => {
      throw new Error('away');
    });
    await expect(loadPublishedSet(client, 't', 'cis2')).rejects.toThrow(KeysUnavailable);
    await expect(createPublishedKeys(client, 't', 'cis2').read()).rejects.toThrow(KeysUnavailable);
  });
});
