/**
 * Requirement ids in the titles of tests. A test, or the `describe` around it, carries them in square brackets at the
 * very end of its title: `refuses a logout token with a nonce [L-05, ASVS-10.5.5]`.
 */

/** What looks like an id, well written or not: a slip of the pen must be seen, not passed over. */
const looksLikeId = /^(?:[A-Z]{1,2}-?\d+\b|ASVS\b|CIS2\b|oidcc\b)/i;
const bracketAtEnd = /\[([^[\]]*)\]\s*$/;

/** The ids at the end of one title, as they are written; none where the brackets hold something else. */
export function idsInTitle(title: string): string[] {
  const parts = (bracketAtEnd.exec(title)?.[1] ?? '').split(',').map((part) => part.trim());
  return parts.some((part) => looksLikeId.test(part)) ? parts : [];
}

/** Every id of a test: of its own title, and of those around it. */
export const idsOfTest = (titles: readonly string[]): string[] => [...new Set(titles.flatMap(idsInTitle))];

/** Whether a test file's source names one of these ids, wherever. */
export const namesAnId = (source: string, ids: readonly string[]): string[] => {
  const words = new Set(source.match(/[A-Za-z0-9]+(?:[-.][A-Za-z0-9]+)*/g) ?? []);
  return ids.filter((id) => words.has(id));
};
