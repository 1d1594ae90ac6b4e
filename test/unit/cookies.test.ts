import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { clearCookie, readCookie, setCookie } from '../../lambdas/http/cookies.ts';
import { newCredential, parseCredential } from '../../lambdas/session/credential.ts';

const names = { session: '__Host-Http-session', signIn: '__Host-Http-sign-in' } as const;
const which = fc.constantFrom('session', 'signIn');
/** What a cookie's value can be made of (RFC 6265 section 4.1.1). */
const cookieValue = fc.stringMatching(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/);
const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));

describe('a cookie header', () => {
  test('never makes the reader throw, and gives nothing for names that are not ours', () => {
    fc.assert(
      fc.property(which, fc.array(anyText), (cookie, pairs) => {
        const ours = pairs.filter(
          (pair) => pair.split('=')[0]?.replace(/^[ \t]+/, '') === names[cookie] && pair.includes('='),
        );
        expect(readCookie(cookie, pairs)).toHaveLength(ours.length);
      }),
    );
  });

  test('gives the value back as it was set, whatever stands around it', () => {
    fc.assert(
      fc.property(which, cookieValue, fc.array(fc.string()), (cookie, value, others) => {
        const around = others.filter((other) => !other.includes('__Host-Http-'));
        const pair = setCookie(cookie, value).split(';')[0] ?? '';
        expect(readCookie(cookie, [...around, pair, ...around])).toEqual([value]);
      }),
    );
  });

  test('gives every duplicate, in the order they came', () => {
    fc.assert(
      fc.property(which, fc.array(cookieValue, { minLength: 2, maxLength: 5 }), (cookie, values) => {
        const pairs = values.map((value) => `${names[cookie]}=${value}`);
        expect(readCookie(cookie, pairs)).toEqual(values);
      }),
    );
  });

  test.each([
    '__Host-Http-session2=x',
    'x__Host-Http-session=x',
    '__Host-Http-sessio=x',
    '__Host-session=x',
    '__host-http-session=x',
    '__HOST-HTTP-SESSION=x',
    'session=x',
    '__Host-Http-session',
    '=__Host-Http-session=x',
    'a=__Host-Http-session=x',
    '"__Host-Http-session"=x',
    '__Host-Http-session\u0000=x',
    // White space that a browser keeps in the name, and so does not guard as ours.
    '\u00a0__Host-Http-session=x',
    '\u2000__Host-Http-session=x',
    '\ufeff__Host-Http-session=x',
    '\u000b__Host-Http-session=x',
    '__Host-Http-session =x',
    '__Host-Http-session\u00a0=x',
    '__Host-Http-sign-in=x',
    '',
    '=',
  ])('is not read from %j as the session', (pair) => {
    expect(readCookie('session', [pair])).toEqual([]);
  });

  test('tells the two cookies apart [C-05]', () => {
    const pairs = [`${names.session}=one`, `${names.signIn}=two`];
    expect(readCookie('session', pairs)).toEqual(['one']);
    expect(readCookie('signIn', pairs)).toEqual(['two']);
  });
});

describe('a Set-Cookie value', () => {
  test('carries exactly the attributes of its cookie', () => {
    expect(setCookie('session', 'v')).toBe(
      '__Host-Http-session=v; Path=/; Secure; HttpOnly; SameSite=Strict',
    );
    expect(setCookie('signIn', 'v', 600)).toBe(
      '__Host-Http-sign-in=v; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600',
    );
    expect(clearCookie('session')).toBe(
      '__Host-Http-session=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0',
    );
  });
});

describe('the session credential', () => {
  test('comes back from its cookie value as the same key and secret', () => {
    const fresh = newCredential();
    const value = fresh.cookie.expose();
    expect(value).toMatch(/^[A-Za-z0-9_-]{86}$/);
    const read = parseCredential(value);
    expect(read?.key).toBe(fresh.key);
    expect(read?.secret.expose().equals(fresh.secret.expose())).toBe(true);
    expect(read?.cookie.expose()).toBe(value);
  });

  test('is read from the canonical text of any 64 bytes, and from no other text for them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.nat(15), (bytes, bits) => {
        const value = Buffer.from(bytes).toString('base64url');
        expect(parseCredential(value)?.cookie.expose()).toBe(value);
        // The last of 86 characters carries four bits that stand for nothing: fifteen texts more decode alike.
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
        const last = alphabet.indexOf(value.at(-1) ?? '');
        const twin = value.slice(0, -1) + (alphabet[(last & 0b110000) | bits] ?? '');
        expect(parseCredential(twin) !== undefined).toBe(twin === value);
        expect(parseCredential(`${value}=`)).toBeUndefined();
        expect(parseCredential(`${value}==`)).toBeUndefined();
        expect(parseCredential(` ${value}`)).toBeUndefined();
        expect(parseCredential(`${value}\n`)).toBeUndefined();
      }),
    );
  });

  test('is read from no text of another length or alphabet, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.string({ minLength: 86, maxLength: 86, unit: 'binary' }),
          fc.uint8Array({ maxLength: 130 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
          fc
            .uint8Array({ minLength: 64, maxLength: 64 })
            .map((bytes) => Buffer.from(bytes).toString('base64')),
        ),
        (value) => {
          const canonical =
            value.length === 86 &&
            /^[A-Za-z0-9_-]+$/.test(value) &&
            Buffer.from(value, 'base64url').toString('base64url') === value;
          expect(parseCredential(value) !== undefined).toBe(canonical);
        },
      ),
    );
  });

  test('shows neither its secret nor its cookie value when it is printed', () => {
    const credential = newCredential();
    const printed = `${JSON.stringify(credential)} ${String(credential.secret)} ${credential.cookie.toString()}`;
    expect(printed).not.toContain(credential.cookie.expose());
    expect(printed).not.toContain(credential.cookie.expose().slice(44));
    expect(printed).not.toContain('Buffer');
  });

  test('never comes twice', () => {
    const cookies = Array.from({ length: 100 }, () => newCredential().cookie.expose());
    expect(new Set(cookies.map((cookie) => cookie.slice(0, 43))).size).toBe(100);
    expect(new Set(cookies.map((cookie) => cookie.slice(43))).size).toBe(100);
  });
});
