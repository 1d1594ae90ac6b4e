import { age, instantWithAge, table } from '../wording.ts';
import type { KeysChange, KeyView } from './responses.ts';

/** A ring as a table, with whole kids: the first letters of two may be the same. */
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

const section = (heading: string, keys: readonly KeyView[], now: number): string[] => [
  '',
  heading,
  ...keyTable(keys, now).map((line) => `  ${line}`),
];

/** What a change would do. */
export function plannedLines(title: string, change: KeysChange, now: number): string[] {
  const staying = new Set(change.after.map(({ kid }) => kid));
  const withdrawn = change.before.filter(({ kid }) => !staying.has(kid));
  return [
    title,
    ...section('Now', change.before, now),
    ...section('Then', change.after, now),
    '',
    ...withdrawn.map(({ kid, place }) => `Withdrawn from the published set: ${kid} (${place})`),
    ...change.notices,
  ];
}

/** What was done. */
export const doneLines = (
  heading: string,
  change: KeysChange,
  now: number,
  more: string[] = [],
): string[] => [
  ...section(heading, change.after, now),
  '',
  ...more,
  nextRotationLine(change.nextRotationAt, now),
];
