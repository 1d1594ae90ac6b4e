/**
 * Stands in for the store of trace ids of the AWS SDK, at bundling time. Only functions that handle several events at once
 * need it; ours handle one, whose trace id is in the environment, where the SDK looks next.
 */
export const InvokeStore = { getInstanceAsync: (): Promise<undefined> => Promise.resolve(undefined) };
