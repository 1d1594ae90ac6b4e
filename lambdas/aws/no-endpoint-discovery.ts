/**
 * Stands in for the AWS SDK's endpoint discovery at bundling time. It is off in DynamoDB's client unless somebody asks for
 * it, and nobody here does; its cache of endpoints would bring two libraries with it.
 */
export const resolveEndpointDiscoveryConfig = <Config>(config: Config): Config => config;

/** Where the SDK looks whether it is on: nowhere. */
export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = {
  environmentVariableSelector: (): undefined => undefined,
  configFileSelector: (): undefined => undefined,
  default: undefined,
};
