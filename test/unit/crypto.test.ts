import { Sha256 } from '../../lambdas/aws/sha256.ts';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeBase64Url, deriveKey, open, randomSecret, seal, sha256 } from '../../lambdas/common/crypto.ts';
import { Secret } from '../../lambdas/common/secret.ts';
import { asEpochSeconds, toRfc3339, type EpochSeconds } from '../../lambdas/common/time.ts';

const keys = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => new Secret<Buffer>(Buffer.from(bytes)));
const bytes = fc.uint8Array({ maxLength: 200 });
const same = (left: Secret<Buffer>, right: Secret<Buffer>) => left.expose().equals(right.expose());

describe('a seal [ASVS-11.3.3]', () => {
  test('opens under its own key and context', () => {
    fc.assert(
      fc.property(keys, fc.string(), bytes, (key, context, plain) => {
        expect(open(key, context, seal(key, context, plain))).toEqual(Buffer.from(plain));
      }),
    );
  });

  test('does not open under another key', () => {
    fc.assert(
      fc.property(keys, keys, bytes, (key, other, plain) => {
        fc.pre(!same(key, other));
        expect(open(other, 'c', seal(key, 'c', plain))).toBeUndefined();
      }),
    );
  });

  test('does not open in another context', () => {
    fc.assert(
      fc.property(keys, fc.string(), fc.string(), bytes, (key, context, other, plain) => {
        fc.pre(!Buffer.from(context).equals(Buffer.from(other)));
        expect(open(key, other, seal(key, context, plain))).toBeUndefined();
      }),
    );
  });

  test('does not open once a bit of it was altered, or bytes were cut off or added', () => {
    fc.assert(
      fc.property(keys, bytes, fc.nat(), fc.nat(7), (key, plain, at, bit) => {
        const sealed = seal(key, 'c', plain);
        const altered = Buffer.from(sealed);
        altered[at % sealed.length] = (altered[at % sealed.length] ?? 0) ^ (1 << bit);
        expect(open(key, 'c', altered)).toBeUndefined();
        expect(open(key, 'c', sealed.subarray(0, at % sealed.length))).toBeUndefined();
        expect(open(key, 'c', sealed.subarray(1))).toBeUndefined();
        expect(open(key, 'c', Buffer.concat([sealed, Buffer.of(0)]))).toBeUndefined();
      }),
    );
  });

  test('is never made twice alike, and arbitrary bytes are none', () => {
    fc.assert(
      fc.property(keys, bytes, (key, data) => {
        expect(seal(key, 'c', data).equals(seal(key, 'c', data))).toBe(false);
        expect(open(key, 'c', data)).toBeUndefined();
      }),
    );
  });
});

describe('derived keys', () => {
  test('are 256 bits, the same again, and another for each use, salt and secret', () => {
    fc.assert(
      fc.property(keys, keys, fc.string(), fc.string(), (one, other, use, otherUse) => {
        fc.pre(!same(one, other) && use !== otherUse);
        expect(same(deriveKey(one, use), deriveKey(one, use))).toBe(true);
        const derived = [
          deriveKey(one, use),
          deriveKey(one, otherUse),
          deriveKey(one, use, 'salt'),
          deriveKey(other, use),
        ].map((key) => key.expose().toString('hex'));
        expect(derived[0]).toHaveLength(64);
        expect(new Set([...derived, one.expose().toString('hex')]).size).toBe(5);
      }),
    );
  });
});

describe('strict base64url', () => {
  test('decodes the canonical text of any bytes, and only when they are as many as expected', () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 0, max: 220 }), (data, length) => {
        const text = Buffer.from(data).toString('base64url');
        expect(decodeBase64Url(text, data.length)).toEqual(Buffer.from(data));
        expect(decodeBase64Url(text, length) !== undefined).toBe(length === data.length);
      }),
    );
  });

  test('gives nothing for any other text, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[A-Za-z0-9_+/=-]*$/)),
        fc.integer({ min: 0, max: 64 }),
        (text, length) => {
          const decoded = decodeBase64Url(text, length);
          if (decoded === undefined) return;
          expect(decoded).toHaveLength(length);
          expect(decoded.toString('base64url')).toBe(text);
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each(['AB', 'AA=', 'AA==', 'A A', 'AA\n', '+A', '/A', 'Aé'])('refuses %j', (text) => {
    expect(decodeBase64Url(text, 1)).toBeUndefined();
    expect(decodeBase64Url(text, 2)).toBeUndefined();
  });
});

describe('a secret', () => {
  const secret = new Secret('hunter2');

  test.each([
    ['String()', () => String(secret)],
    // eslint-disable-next-line @typescript-eslint/restrict-template-expressions -- that is what is tried
    ['a template', () => `${secret}`],
    ['JSON', () => JSON.stringify({ secret, list: [secret] })],
    ['inspect', () => inspect({ deep: { secret } }, { showHidden: true, depth: 9 })],
    ['its members', () => JSON.stringify([Object.entries(secret), Object.getOwnPropertyNames(secret)])],
    ['a copy', () => inspect(Object.assign({}, secret))],
    ['a structured clone', () => inspect(structuredClone(secret))],
    ['an error', () => inspect(new Error(String(secret), { cause: secret }))],
  ])('does not show itself through %s', (_, print) => {
    expect(print()).not.toContain('hunter2');
  });

  test('is given away by expose, and by nothing else', () => {
    expect(secret.expose()).toBe('hunter2');
    expect(String(secret)).toBe('[redacted]');
    expect(JSON.stringify(secret)).toBe('"[redacted]"');
  });

  test('of random bytes has the length asked for and never comes twice', () => {
    const values = Array.from({ length: 50 }, () => randomSecret(32).expose());
    expect(values.every((value) => value.length === 32)).toBe(true);
    expect(new Set(values.map(sha256)).size).toBe(50);
  });
});

describe('instants from outside', () => {
  test('are whole, positive, sane seconds, or nothing', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const instant = asEpochSeconds(value);
        if (instant === undefined) return;
        expect(Number.isInteger(value)).toBe(true);
        expect(toRfc3339(instant)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
      }),
    );
  });

  test.each([
    0,
    -1,
    1.5,
    NaN,
    Infinity,
    -0,
    2 ** 53,
    100_000_000_000,
    '1800000000',
    null,
    undefined,
    [1],
    true,
  ])('are not %p', (value) => {
    expect(asEpochSeconds(value)).toBeUndefined();
  });

  test('are shown in RFC 3339, UTC, with milliseconds', () => {
    expect(toRfc3339(1_767_258_000 as EpochSeconds)).toBe('2026-01-01T09:00:00.000Z');
  });
});

describe('the SHA-256 that the AWS SDK signs with', () => {
  const hex = async (work: Sha256): Promise<string> => Buffer.from(await work.digest()).toString('hex');

  test('is FIPS 180-4’s, can be read on the way and begun again', async () => {
    const hash = new Sha256();
    hash.update(Buffer.from('ab'));
    await hash.digest();
    hash.update(Buffer.from('c'));
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(await hex(hash)).toBe(abc);
    hash.reset();
    hash.update(Buffer.from('abc'));
    expect(await hex(hash)).toBe(abc);
  });

  test.each([
    ['text', 'Jefe'],
    ['bytes', Buffer.from('Jefe')],
    ['part of a buffer', new Uint8Array(Uint8Array.from(Buffer.from('xJefex')).buffer, 1, 4)],
  ])('with a secret of %s is RFC 4231’s HMAC', async (_, secret) => {
    const mac = new Sha256(secret);
    mac.update(Buffer.from('what do ya want for nothing?'));
    expect(await hex(mac)).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
  });
});
