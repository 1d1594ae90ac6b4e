/** Claims as they come: every one may be missing, empty, or not what it should be. */
export type Claims = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member that is `null` counts as absent. */
export const withoutNulls = (claims: object): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));

/** An identifier or a code, exactly as it came; anything that cannot be one is none. */
export const code = (value: unknown): string | null =>
  typeof value === 'string' && /^[\x21-\x7e]{1,64}$/.test(value.trim()) ? value.trim() : null;

/** An identifier made of digits, which may come as a number: past the safe integers, digits are lost. */
export const digits = (value: unknown): string | null =>
  typeof value === 'number' ? (Number.isSafeInteger(value) && value > 0 ? String(value) : null) : code(value);
