/**
 * Stands in for the AWS SDK's endpoint discovery at bundling time. It is off by default in the
 * client of DynamoDB and not used here; its cache of endpoints would add two libraries to the bundle.
 */
export const resolveEndpointDiscoveryConfig = <Config>(config: Config): Config => config;

/** No source can switch it on. */
export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = {
  environmentVariableSelector: (): undefined => undefined,
  configFileSelector: (): undefined => undefined,
  default: undefined,
};
