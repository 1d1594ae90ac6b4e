/** Time limits that leave room for a response, and for one more try, inside every function's own. */
export const timeLimits = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 500, requestTimeout: 1_000, throwOnRequestTimeout: true },
} as const;
