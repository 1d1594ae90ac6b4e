/** A JSON object as it comes: every member may be missing, empty, or not what it should be. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member that is `null` counts as absent. */
export const withoutNulls = (object: object): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

/** Undefined for what is not JSON. Without the parser's error, whose message quotes what it read. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
