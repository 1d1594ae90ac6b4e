/** Looks for a value in text, in every likely spelling. */
import type { Item } from './table.ts';

const spelled = new Map<string, readonly string[]>();

/** The spellings under which a value could slip through, in lower case. */
function spellings(value: string): readonly string[] {
  const known = spelled.get(value);
  if (known !== undefined) return known;
  const bytes = Buffer.from(value);
  // The same bytes in base64 look otherwise at each of three offsets; the middle of each is free of its surroundings.
  const shifted = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .slice(4, -4),
  );
  const all = [
    ...new Set([
      value,
      encodeURIComponent(value),
      new URLSearchParams({ v: value }).toString().slice(2),
      JSON.stringify(value).slice(1, -1),
      bytes.toString('hex'),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      ...shifted,
      ...shifted.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    ]),
  ]
    .filter((text) => text.length >= 8)
    .map((text) => text.toLowerCase());
  spelled.set(value, all);
  return all;
}

/** Whether a text has the value in it, in any spelling. */
export function spells(text: string, value: string): boolean {
  const lower = text.toLowerCase();
  return spellings(value).some((spelling) => lower.includes(spelling));
}

/** An item as text: its strings as they are, its bytes in several spellings. */
export const itemText = (item: Item): string =>
  JSON.stringify(item, (_, value: unknown) => {
    if (!(value instanceof Uint8Array)) return value;
    const bytes = Buffer.from(value);
    return [bytes.toString('latin1'), bytes.toString('base64url'), bytes.toString('hex')].join(' ');
  });
