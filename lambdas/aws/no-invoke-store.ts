/**
 * Stands in for the store in which the AWS SDK looks for an event's trace, at bundling time. That is for functions that
 * handle several events at once; ours handle one, whose trace is in their environment, where the SDK looks next.
 */
export const InvokeStore = { getInstanceAsync: (): Promise<undefined> => Promise.resolve(undefined) };
