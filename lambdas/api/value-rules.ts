/** What a path parameter or a query parameter may be: data, so that documents and types can be made of it too. */

export interface ValueRule<Value extends string = string> {
  /** What the whole value must match: a regular expression in Unicode mode, without anchors. */
  readonly pattern: string;
  /** In characters. */
  readonly maxLength: number;
  /** The only values there are, where they can be listed. */
  readonly values?: readonly Value[];
  /** One that is accepted, for documents and for trying a route. */
  readonly example: string;
}

/** A query parameter, and how often it may come. */
export interface QueryRule<Value extends string = string> extends ValueRule<Value> {
  /** More than one where it may be repeated. @default 1 */
  readonly maxCount?: number;
}

/** Exactly so many digits. */
export const digits = (length: number): ValueRule => ({
  pattern: `[0-9]{${String(length)}}`,
  maxLength: length,
  example: '9'.padEnd(length, '0'),
});

/** Letters, digits and `._~-`: what stands in an address as it is. */
export const token = (maxLength: number): ValueRule => ({
  pattern: '[A-Za-z0-9._~\\-]+',
  maxLength,
  example: 'a',
});

/** The logical id of a FHIR resource (FHIR R4, data type `id`). */
export const fhirId: ValueRule = { pattern: '[A-Za-z0-9\\-.]+', maxLength: 64, example: 'a' };

/** One of these and no other. */
export const oneOf = <const Value extends string>(...values: readonly Value[]): ValueRule<Value> => ({
  pattern: values.map((value) => value.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'),
  maxLength: Math.max(...values.map((value) => Array.from(value).length)),
  values,
  example: values[0] ?? '',
});

/** Text that a person may have typed: anything but control characters and what was no text to begin with. */
export const text = (maxLength: number): ValueRule => ({
  pattern: '[^\\p{Cc}\\p{Cs}\\uFFFD]+',
  maxLength,
  example: 'a',
});

/** A whole number from 0, of at most so many digits. */
export const wholeNumber = (maxDigits: number): ValueRule => ({
  pattern: '[0-9]+',
  maxLength: maxDigits,
  example: '1',
});

/**
 * Anything of a form of its own.
 *
 * @param pattern - matches the whole value, in Unicode mode
 * @throws TypeError for flags, which the rule cannot keep
 */
export const matching = (pattern: RegExp, maxLength: number, example: string): ValueRule => {
  if (!['', 'u'].includes(pattern.flags)) {
    throw new TypeError(`matching: a pattern has no flags but u, got ${String(pattern)}`);
  }
  return { pattern: pattern.source, maxLength, example };
};

/** The parameter may come up to `maxCount` times. */
export const repeatable = <Value extends string>(
  rule: ValueRule<Value>,
  maxCount: number,
): QueryRule<Value> => ({
  ...rule,
  maxCount,
});

/** Whether a rule accepts this value, whole. */
export const accepts = (rule: ValueRule, value: string): boolean =>
  value.length <= 2 * rule.maxLength &&
  Array.from(value).length <= rule.maxLength &&
  new RegExp(`^(?:${rule.pattern})$`, 'u').test(value);
