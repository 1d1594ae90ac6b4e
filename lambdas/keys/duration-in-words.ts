const units = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** A duration as text, in the two largest units: `1 d 4 h`, `2 h 5 min`, `45 s`. */
export function durationInWords(seconds: number): string {
  let rest = seconds;
  const parts = units.map(([unit, name]) => {
    const count = Math.floor(rest / unit);
    rest %= unit;
    return { count, text: `${String(count)} ${name}` };
  });
  const first = parts.findIndex(({ count }) => count > 0);
  const words = parts.slice(first, first + 2).flatMap(({ count, text }) => (count > 0 ? [text] : []));
  return first === -1 ? '0 s' : words.join(' ');
}
