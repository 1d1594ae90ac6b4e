import { expect, test } from '@jest/globals';
import { age, instantWithAge, oneLine, table } from '../../ops/wording.ts';

const now = Date.parse('2026-01-31T12:00:00.000Z');

test.each([
  ['2026-01-31T12:00:00.400Z', 'just now'],
  ['2026-01-31T11:59:59.000Z', '1 second ago'],
  ['2026-01-31T11:00:01.000Z', '59 minutes ago'],
  ['2026-01-31T10:01:00.000Z', '1 hour ago'],
  ['2026-01-29T12:00:01.000Z', '1 day ago'],
  ['2026-01-01T12:00:00.000Z', '30 days ago'],
  ['2026-03-02T11:59:50.000Z', 'in 30 days'],
  ['2026-01-31T12:45:00.000Z', 'in 45 minutes'],
  ['soon', 'at an unknown time'],
])('%s is %s', (instant, words) => {
  expect(age(instant, now)).toBe(words);
});

test('an instant is shown in UTC and in words', () => {
  expect(instantWithAge('2026-01-01T09:00:00.000Z', now)).toBe('2026-01-01 09:00:00 UTC (30 days ago)');
  expect(instantWithAge('soon', now)).toBe('at an unknown time');
});

test('columns are as wide as their widest cell, and no line ends in spaces', () => {
  expect(
    table([
      ['A', 'LONG', 'C'],
      ['wide', 'b', ''],
    ]),
  ).toEqual(['A     LONG  C', 'wide  b']);
});

test('what comes from elsewhere stays on one line and moves no cursor', () => {
  expect(oneLine(' a\r\nb\t\u001b[2J\u202Ec\u0007 ')).toBe('a b ?[2J?c?');
});
