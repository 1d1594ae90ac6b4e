/**
 * An error of ours. `code` is stable and may be shown to a client when it stands in the contract's table; the message
 * is for an operator and never leaves through HTTP. Each class spells its `name` out: bundling shortens class names, and
 * logs carry this one.
 */
export abstract class BffError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
