/** How many letters must be added, taken away or changed to make one word of another (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [line, letter] of one.split('').entries()) {
    const next = [line + 1];
    for (const [column, wanted] of other.split('').entries()) {
      next.push(
        Math.min(
          (next[column] ?? 0) + 1,
          (row[column + 1] ?? 0) + 1,
          (row[column] ?? 0) + (letter === wanted ? 0 : 1),
        ),
      );
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The known name that is most like a mistyped one. What begins with it, or holds it, is nearer than what only looks alike. */
export function nearest(name: string, known: readonly string[]): string {
  const rank = (candidate: string): number =>
    distance(name.toLowerCase(), candidate.toLowerCase()) -
    (candidate.startsWith(name) ? 2 * candidate.length : candidate.includes(name) ? candidate.length : 0);
  return [...known].sort((one, other) => rank(one) - rank(other))[0] ?? '';
}
