import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseOwnPath, parseReturnTo } from '../../lambdas/http/return-to.ts';
import { encoded, good, normalised, odd, refused } from '../contract/return-to-vectors.ts';

const base = 'https://app.example.nhs.uk:8443';

/** Text of the pieces that have fooled URL checks before. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['/', '//', '\\', '/\\', '..', '.', '%2e', '%2E%2e', '%2f', '%5c', '@', ':', '?', '#', '&', ';'],
        ...[
          'evil.example',
          'https:',
          'https://',
          'javascript:',
          'data:',
          '\t',
          '\n',
          '\r',
          '\u0000',
          '\u0085',
        ],
        ...[
          ' ',
          '\u00a0',
          '\u2028',
          '\u202e',
          '\u3002',
          '\uff0f',
          '\ud800',
          '[',
          ']',
          '|',
          '<',
          '"',
          'x',
          'é',
        ],
      ),
      fc.string({ maxLength: 4, unit: 'binary' }),
    ),
    { maxLength: 10 },
  )
  .map((pieces) => pieces.join(''));
const anything = fc.oneof(
  hostile,
  hostile.map((text) => `/${text}`),
  fc.string({ unit: 'binary' }),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  fc.webPath(),
  fc.string({ unit: 'grapheme', minLength: 150, maxLength: 400 }).map((text) => `/${text}`),
);

/** A path that leads to our own origin, for whoever parses it. */
function expectOurOwn(path: string): void {
  const landed = new URL(path, base);
  expect(landed.origin).toBe(base);
  expect(landed.username + landed.password).toBe('');
  expect(path).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/);
  expect(new URL(base + path).href).toBe(landed.href);
}

/** As the callback does, with what the login put into the state. */
const readAgain = (path: string) => parseOwnPath(path, base);

describe('returnTo', () => {
  test('is, for any text, nothing or a path that leads to our own origin and nowhere else', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const path = parseReturnTo(text, base);
        if (path === undefined) return;
        expectOurOwn(path);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024);
      }),
      { numRuns: 3_000 },
    );
  });

  test('never says more than the parser understood: what comes back resolves to itself', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const path = parseReturnTo(text, base);
        if (path === undefined) return;
        const { pathname, search, hash } = new URL(path, base);
        expect(pathname + search + hash).toBe(path);
      }),
      { numRuns: 2_000 },
    );
  });

  test('that was taken once is taken again: the callback reads what the login wrote', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const path = parseReturnTo(text, base);
        if (path !== undefined) expect(readAgain(path)).toBe(path);
      }),
      { numRuns: 2_000 },
    );
  });

  const hostile = Object.entries(refused).flatMap(([kind, vectors]) =>
    vectors.map((vector) => [kind, vector] as const),
  );

  test('is tried with at least 150 hostile vectors, none of them twice', () => {
    const texts = [...hostile.map(([, vector]) => vector), ...odd];
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts.length + encoded.length).toBeGreaterThanOrEqual(150);
  });

  test.each(hostile)('is nothing for %s: %j [S-01]', (_, vector) => {
    const { hostname, port } = new URL(base);
    const text = vector.replaceAll('HOST', hostname).replaceAll('PORT', port);
    expect(parseReturnTo(text, base)).toBeUndefined();
  });

  test.each(odd)('is nothing for %j, or leads to our own origin [S-01]', (text) => {
    const path = parseReturnTo(text, base);
    if (path !== undefined) expectOurOwn(path);
  });

  test.each(good)('keeps %s as it is', (text) => {
    expect(parseReturnTo(text, base)).toBe(text);
  });

  test.each(normalised)('gives %s in the parser’s words: %s', (text, path) => {
    expect(parseReturnTo(text, base)).toBe(path);
  });

  test.each([
    ['/'.padEnd(1024, 'a'), true],
    ['/'.padEnd(1025, 'a'), false],
    [`/a${'é'.repeat(511)}`, true],
    [`/${'é'.repeat(512)}`, false],
    [`/aaa${'😀'.repeat(255)}`, true],
    [`/${'😀'.repeat(256)}`, false],
  ])('is measured in bytes of UTF-8, as it was given (%#)', (text, taken) => {
    const path = parseReturnTo(text, base);
    expect(path !== undefined).toBe(taken);
    // However long it becomes when it is escaped, the callback still takes it.
    if (path !== undefined) expect(readAgain(path)).toBe(path);
  });
});
