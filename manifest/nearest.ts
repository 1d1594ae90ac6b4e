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
 * with it, or holds it, is nearer than one that only looks alike.
 */
export function didYouMean(given: string, known: readonly string[]): string {
  const rank = (name: string): number =>
    name.startsWith(given)
      ? -2
      : name.includes(given)
        ? -1
        : distance(given.toLowerCase(), name.toLowerCase());
  const [best] = known.map((name) => [rank(name), name] as const).sort(([one], [other]) => one - other);
  // Two words that differ in more than a third of their letters are not one of them mistyped.
  return best !== undefined && best[0] <= given.length / 3 ? `: did you mean ${best[1]}?` : '';
}
