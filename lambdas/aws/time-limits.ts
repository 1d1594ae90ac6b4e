/** Leaves time for one retry and a response within the time limit of every function. */
export const timeLimits = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 500, requestTimeout: 1_000, throwOnRequestTimeout: true },
} as const;
