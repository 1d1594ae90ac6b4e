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

/** `: did you mean X?` for a mistyped name, or nothing where no known name is like it. */
export function suggestion(name: string, known: readonly string[]): string {
  const found = nearest(name, known);
  const [one, other] = [name.toLowerCase(), found.toLowerCase()];
  const isAlike =
    one.includes(other) ||
    other.includes(one) ||
    distance(one, other) < Math.max(one.length, other.length) / 2;
  return isAlike ? `: did you mean ${found}?` : '';
}

/** The known name that is most like a mistyped one. What begins with it, or holds it, is nearer than what only looks alike. */
export function nearest(name: string, known: readonly string[]): string {
  const rank = (candidate: string): number =>
    distance(name.toLowerCase(), candidate.toLowerCase()) -
    (candidate.startsWith(name) ? 2_000 : candidate.includes(name) ? 1_000 : 0);
  return [...known].sort((one, other) => rank(one) - rank(other))[0] ?? '';
}
