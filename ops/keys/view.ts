import { age, instantWithAge, table } from '../wording.ts';
import type { KeysChange, KeyView } from './answers.ts';

/** A ring as a table; the whole kid, since its first letters do not tell two keys apart. */
export const keyTable = (keys: readonly KeyView[], now: number): string[] =>
  table([
    ['PLACE', 'KID', 'CREATED', 'SIGNING SINCE', 'PUBLISHED SINCE'],
    ...keys.map(({ place, kid, createdAt, signingSince, publishedSince }) => [
      place,
      kid,
      age(createdAt, now),
      signingSince === null ? 'never' : age(signingSince, now),
      publishedSince === null ? 'not published' : age(publishedSince, now),
    ]),
  ]);

export const nextRotationLine = (at: string | null, now: number): string =>
  `Next rotation  ${at === null ? 'none is planned' : instantWithAge(at, now)}`;

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

/** What a change is going to do. */
export function foresight(title: string, change: KeysChange, now: number): string[] {
  const staying = new Set(change.after.map(({ kid }) => kid));
  const going = change.before.filter(({ kid }) => !staying.has(kid));
  return [
    title,
    '',
    'Now',
    ...indented(keyTable(change.before, now)),
    '',
    'Then',
    ...indented(keyTable(change.after, now)),
    '',
    ...going.map(({ kid, place }) => `Withdrawn from the published set: ${kid} (${place})`),
    ...change.notices,
  ];
}

/** The ring after a change. */
export const outcome = (heading: string, keys: readonly KeyView[], now: number): string[] => [
  '',
  heading,
  ...indented(keyTable(keys, now)),
];
