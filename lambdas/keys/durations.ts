const units = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** Seconds in words for a person, to the two largest units: `1 d 4 h`, `2 h 5 min`, `45 s`. */
export function inWords(seconds: number): string {
  const largest = units.findIndex(([unit]) => seconds >= unit);
  if (largest === -1) return '0 s';
  let rest = seconds;
  return units
    .slice(largest, largest + 2)
    .flatMap(([unit, name]) => {
      const count = Math.floor(rest / unit);
      rest -= count * unit;
      return count === 0 ? [] : [`${String(count)} ${name}`];
    })
    .join(' ');
}
