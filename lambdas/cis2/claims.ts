/** Claims as they come: every one may be missing, empty, or not what it should be. */
export type Claims = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An identifier or a code, exactly as it came; anything that cannot be one is none. */
export const code = (value: unknown): string | null =>
  typeof value === 'string' && /^[\x21-\x7e]{1,64}$/.test(value.trim()) ? value.trim() : null;
