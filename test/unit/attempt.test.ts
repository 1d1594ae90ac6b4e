import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  attemptLifetimeSeconds,
  codeVerifierOf,
  newAttempt,
  nonceOf,
  openState,
  sealState,
  type SignInAttempt,
} from '../../lambdas/cis2/attempt.ts';
import { deriveKey, seal } from '../../lambdas/common/crypto.ts';
import { Secret } from '../../lambdas/common/secret.ts';
import type { EpochMilliseconds } from '../../lambdas/common/time.ts';

const now = 1_800_000_000_123 as EpochMilliseconds;
const ago = (seconds: number) => (now - seconds * 1_000) as EpochMilliseconds;
const secretOf = (bytes: Uint8Array) => new Secret(Buffer.from(bytes));
const browserSecret = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(secretOf);
const ours = secretOf(Buffer.alloc(32, 7));
const hash = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'));
const details = fc.record({
  startedAt: fc.integer({ min: 0, max: attemptLifetimeSeconds - 1 }).map(ago),
  returnTo: fc.string({ unit: 'binary' }),
  requiredAal: fc.constantFrom(0, 1, 2, 3),
  replaces: fc.option(fc.tuple(hash, hash).map((parts) => parts.join('.'))),
  presenceDemanded: fc.boolean(),
});
const plain: Omit<SignInAttempt, 'id'> = {
  startedAt: now,
  returnTo: '/',
  requiredAal: 0,
  replaces: null,
  presenceDemanded: false,
};

describe('a sign-in’s state', () => {
  test('comes back whole in the browser it was sealed for', () => {
    fc.assert(
      fc.property(browserSecret, details, (secret, given) => {
        const attempt = newAttempt(given);
        expect(openState(secret, sealState(secret, attempt), now)).toEqual(attempt);
      }),
    );
  });

  test('tells nothing of what it holds, and never reads the same twice', () => {
    const attempt = newAttempt({ ...plain, returnTo: '/patients/9000000009' });
    const [one, two] = [sealState(ours, attempt), sealState(ours, attempt)];
    expect(one).not.toBe(two);
    expect(one).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(Buffer.from(one, 'base64url').toString('latin1')).not.toContain('patients');
  });

  test('is refused when any of its bytes was altered', () => {
    const sealed = Buffer.from(sealState(ours, newAttempt(plain)), 'base64url');
    for (let position = 0; position < sealed.length; position += 1) {
      const altered = Buffer.from(sealed);
      altered[position] = (altered[position] ?? 0) ^ (1 << (position % 8));
      expect(openState(ours, altered.toString('base64url'), now)).toBeUndefined();
    }
  });

  test('is refused when any of its characters was altered, lost or added, even ones that stand for no bits', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    fc.assert(
      fc.property(details, fc.nat(), fc.nat(62), (given, at, by) => {
        const state = sealState(ours, newAttempt(given));
        for (const position of [at % state.length, state.length - 1]) {
          const character = alphabet[(alphabet.indexOf(state[position] ?? '') + 1 + by) % 64] ?? '';
          const altered = state.slice(0, position) + character + state.slice(position + 1);
          expect(altered).not.toBe(state);
          expect(openState(ours, altered, now)).toBeUndefined();
        }
        for (const altered of [state.slice(1), state.slice(0, -1), `${state}A`, `${state}=`, ` ${state}`]) {
          expect(openState(ours, altered, now)).toBeUndefined();
        }
      }),
    );
  });

  test('is refused in another browser', () => {
    fc.assert(
      fc.property(browserSecret, browserSecret, details, (one, other, given) => {
        fc.pre(!one.expose().equals(other.expose()));
        expect(openState(other, sealState(one, newAttempt(given)), now)).toBeUndefined();
      }),
    );
  });

  test.each([
    [0, true],
    [attemptLifetimeSeconds - 1, true],
    [attemptLifetimeSeconds, false],
    [attemptLifetimeSeconds + 1, false],
    [86_400, false],
    // The clocks of two instances may differ a little.
    [-5, true],
    [-6, false],
  ])('begun %d seconds ago is taken: %s', (age, taken) => {
    const state = sealState(ours, newAttempt({ ...plain, startedAt: ago(age) }));
    expect(openState(ours, state, now) !== undefined).toBe(taken);
  });

  test('never throws on arbitrary text', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[A-Za-z0-9_-]*$/),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(openState(ours, text, now)).toBeUndefined();
      }),
    );
  });

  /** The owner of the browser can seal anything: they can read their own cookie. */
  const forge = (content: string) =>
    seal(deriveKey(ours, 'state'), 'sign-in state|1', Buffer.from(content)).toString('base64url');
  const id = 'A'.repeat(22);

  test('sealed by the owner of the cookie by hand is the one this test knows how to forge', () => {
    expect(openState(ours, forge(JSON.stringify([id, now, '/', 0, null, false])), now)).toEqual({
      id,
      ...plain,
    });
  });

  test('holds to its form whatever the owner of the cookie seals', () => {
    const values = fc.array(
      fc.oneof(fc.jsonValue(), fc.constantFrom(id, now, '/', 0, 3, null, true, 'x'.repeat(43)), fc.double()),
      { maxLength: 7 },
    );
    fc.assert(
      fc.property(values, (value) => {
        const attempt = openState(ours, forge(JSON.stringify(value)), now);
        if (attempt === undefined) return;
        expect(attempt.id).toMatch(/^[A-Za-z0-9_-]{22}$/);
        expect(now - attempt.startedAt).toBeGreaterThanOrEqual(-5_000);
        expect(now - attempt.startedAt).toBeLessThan(attemptLifetimeSeconds * 1_000);
        expect(typeof attempt.returnTo).toBe('string');
        expect([0, 1, 2, 3]).toContain(attempt.requiredAal);
        expect(typeof attempt.presenceDemanded).toBe('boolean');
        expect(
          attempt.replaces === null || /^[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/.test(attempt.replaces),
        ).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['no list', '{}'],
    ['not JSON', 'x'],
    ['null', 'null'],
    ['an id too short', JSON.stringify(['A'.repeat(21), now, '/', 0, null, false])],
    ['an id with other characters', JSON.stringify(['A'.repeat(21) + '#', now, '/', 0, null, false])],
    ['a time as text', JSON.stringify([id, String(now), '/', 0, null, false])],
    ['a time with a fraction', JSON.stringify([id, now - 0.5, '/', 0, null, false])],
    ['a path that is no text', JSON.stringify([id, now, 7, 0, null, false])],
    ['a level of four', JSON.stringify([id, now, '/', 4, null, false])],
    ['a negative level', JSON.stringify([id, now, '/', -1, null, false])],
    ['a level as text', JSON.stringify([id, now, '/', '3', null, false])],
    ['no level', JSON.stringify([id, now, '/'])],
    ['no word on presence', JSON.stringify([id, now, '/', 0, null])],
    ['a demand of presence as text', JSON.stringify([id, now, '/', 0, null, 'false'])],
    ['a demand of presence as null', JSON.stringify([id, now, '/', 0, null, null])],
    ['a session that is no hash', JSON.stringify([id, now, '/', 0, 'session', false])],
  ])('is refused with %s, even when the seal is right', (_, content) => {
    expect(openState(ours, forge(content), now)).toBeUndefined();
  });

  test('sealed for another purpose or in another format is refused', () => {
    const content = Buffer.from(JSON.stringify([id, now, '/', 0, null, false]));
    const other = [
      seal(deriveKey(ours, 'state'), 'sign-in state|2', content),
      seal(deriveKey(ours, 'nonce'), 'sign-in state|1', content),
      seal(ours, 'sign-in state|1', content),
    ];
    for (const sealed of other) expect(openState(ours, sealed.toString('base64url'), now)).toBeUndefined();
  });
});

describe('an attempt’s nonce and code verifier', () => {
  test('are of the form RFC 7636 asks for, and hold 256 bits', () => {
    fc.assert(
      fc.property(browserSecret, (secret) => {
        const { id } = newAttempt(plain);
        expect(codeVerifierOf(secret, id)).toMatch(/^[A-Za-z0-9._~-]{43,128}$/);
        expect(Buffer.from(codeVerifierOf(secret, id), 'base64url')).toHaveLength(32);
        expect(Buffer.from(nonceOf(secret, id), 'base64url')).toHaveLength(32);
      }),
    );
  });

  test('come out the same again, and differ by attempt, by browser and from each other', () => {
    fc.assert(
      fc.property(browserSecret, browserSecret, (one, other) => {
        fc.pre(!one.expose().equals(other.expose()));
        const [first, second] = [newAttempt(plain).id, newAttempt(plain).id];
        expect(nonceOf(one, first)).toBe(nonceOf(one, first));
        expect(codeVerifierOf(one, first)).toBe(codeVerifierOf(one, first));
        const values = [one, other].flatMap((secret) =>
          [first, second].flatMap((attempt) => [nonceOf(secret, attempt), codeVerifierOf(secret, attempt)]),
        );
        expect(new Set(values).size).toBe(8);
        expect(values).not.toContain(one.expose().toString('base64url'));
      }),
    );
  });
});
