/**
 * Stands in for the AWS SDK's endpoint cache at bundling time. DynamoDB's endpoint discovery is off unless somebody
 * asks for it, and nobody here does; the cache would bring two libraries with it.
 */
export class EndpointCache {
  getEndpoint(): undefined {
    return undefined;
  }

  get(): undefined {
    return undefined;
  }

  has(): boolean {
    return false;
  }

  set(): void {
    // Nothing is kept.
  }

  delete(): void {
    // Nothing was kept.
  }

  clear(): void {
    // Nothing was kept.
  }
}
