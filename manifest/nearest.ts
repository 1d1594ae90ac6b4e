/** How many letters must be added, taken away, changed or swapped with the next to make one word of another. */
function distance(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, index) => index)];
  for (let line = 1; line <= one.length; line += 1) {
    const row = [line];
    for (let column = 1; column <= other.length; column += 1) {
      const at = (up: number, left: number): number => rows[line - up]?.[column - left] ?? Infinity;
      const isSwap = one[line - 1] === other[column - 2] && one[line - 2] === other[column - 1];
      row.push(
        Math.min(
          (row[column - 1] ?? Infinity) + 1,
          at(1, 0) + 1,
          at(1, 1) + (one[line - 1] === other[column - 1] ? 0 : 1),
          isSwap ? at(2, 2) + 1 : Infinity,
        ),
      );
    }
    rows.push(row);
  }
  return rows.at(-1)?.at(-1) ?? 0;
}

/**
 * `: did you mean NAME?`, with the known name that is most like a mistyped one; empty when none is like it. A name that begins
 * with it, or holds it, is nearer than one that only looks alike. One that is a part of it (`env` of `environment`) is like it.
 */
export function didYouMean(given: string, known: readonly string[]): string {
  const one = comparable(given);
  // Two words that differ in more than a third of their letters are not one of them mistyped.
  const limit = one.length / 3;
  const rank = (name: string): number => {
    const other = comparable(name);
    if (other.startsWith(one)) return -2;
    if (other.includes(one)) return -1;
    return Math.min(distance(one, other), one.includes(other) ? limit : Infinity);
  };
  const [best] = known.map((name) => [rank(name), name] as const).sort(([a], [b]) => a - b);
  return best !== undefined && best[0] <= limit ? `: did you mean ${best[1]}?` : '';
}

/** Without the dashes of an option, and in lower case. */
const comparable = (name: string): string => name.toLowerCase().replace(/^-+/, '');
