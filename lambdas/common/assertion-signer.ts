interface AssertionRequest {
  readonly clientId: string;
  /** The token endpoint, character for character as its owner writes it. */
  readonly audience: string;
  readonly lifetimeSeconds: number;
}

/** Signs client assertions with one of our keys: RS512, `typ` JWT, a fresh `jti`. */
export interface AssertionSigner {
  /** The name that the key is published under. */
  readonly kid: string;
  /** @returns a client assertion. @throws BffError `keys_unavailable` when the key cannot be used */
  sign(request: AssertionRequest): Promise<string>;
}
