import type { JsonObject } from '../common/index.ts';

/** Unchecked claims. */
export type Claims = JsonObject;

/** An identifier or a code without surrounding spaces; null for any other value. */
export const readCode = (value: unknown): string | null =>
  typeof value === 'string' && /^[\x21-\x7e]{1,64}$/.test(value.trim()) ? value.trim() : null;

/** An identifier of digits, which may be a number; null beyond the safe integers, where digits are lost. */
export const readNumericId = (value: unknown): string | null =>
  typeof value === 'number'
    ? Number.isSafeInteger(value) && value > 0
      ? String(value)
      : null
    : readCode(value);
