/** A JSON object as it comes: every member may be missing, empty, or not what it should be. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member that is `null` counts as absent. */
export const withoutNulls = (object: object): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
