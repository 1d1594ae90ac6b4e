import type { JsonObject } from '../common/index.ts';

/** Claims as they come. */
export type Claims = JsonObject;

/** An identifier or a code, exactly as it came; anything that cannot be one is none. */
export const code = (value: unknown): string | null =>
  typeof value === 'string' && /^[\x21-\x7e]{1,64}$/.test(value.trim()) ? value.trim() : null;

/** An identifier made of digits, which may come as a number: past the safe integers, digits are lost. */
export const digits = (value: unknown): string | null =>
  typeof value === 'number' ? (Number.isSafeInteger(value) && value > 0 ? String(value) : null) : code(value);
