/** How what is wrong with a definition is said: where it stands, what is allowed there, and what was got. */
import { didYouMean } from './nearest.ts';

/** A definition that breaks rules. */
abstract class DefinitionInvalid extends Error {
  /** Every problem, each with where it stands. */
  readonly problems: readonly string[];

  constructor(what: string, problems: readonly string[]) {
    super(`${what}: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/** Upstreams that break rules of the route manifest. */
export class ManifestInvalid extends DefinitionInvalid {
  override readonly name = 'ManifestInvalid';

  constructor(problems: readonly string[]) {
    super('route manifest', problems);
  }
}

/** An app's configuration that breaks rules. */
export class BffConfigInvalid extends DefinitionInvalid {
  override readonly name = 'BffConfigInvalid';

  constructor(problems: readonly string[]) {
    super('bff config', problems);
  }
}

/** The same problems, with where they stand. */
export const within = (where: string, problems: readonly string[]): string[] =>
  problems.map((problem) => `${where}: ${problem}`);

const maxShown = 80;

/** A value as a message can hold it. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  if (value instanceof Date || value instanceof RegExp || value instanceof Map || value instanceof Set) {
    return `a ${value.constructor.name}`;
  }
  let text: string | undefined;
  try {
    // JSON would say `null` for NaN and Infinity.
    text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  } catch {
    text = undefined;
  }
  if (text === undefined) return `a ${typeof value} that JSON cannot hold`;
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}

/** @returns the one problem of a member that is not what is allowed */
export const mustBe = (member: string, allowed: string, got: unknown): string =>
  `${member} must be ${allowed}, got ${shown(got)}`;

/** A value as a choice of words: `"a", "b" or "c"`. */
export const choice = (values: readonly unknown[]): string => values.map(shown).join(', ');

/** An object that JSON can hold: no list, and of no class. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

export const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

export const isWholeNumber = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;

/** A problem for each member that is not known, with the known one that is spelled most alike. */
export const unknownMembers = (value: object, known: readonly string[]): string[] =>
  Object.keys(value)
    .filter((member) => !known.includes(member))
    .map(
      (member) =>
        `unknown member ${JSON.stringify(member)}${didYouMean(member, known) || '.'} Known are ${known.join(', ')}`,
    );
