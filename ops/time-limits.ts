/**
 * For the configuration of an AWS client: how long it waits.
 *
 * @param maxResponseMs - for a response
 */
export const timeLimits = (maxResponseMs = 20_000) => ({
  requestHandler: { connectionTimeout: 5_000, socketTimeout: maxResponseMs },
});
