/**
 * Base class of our errors. `code` is stable and may be shown to a client if it is in the table of problems; the message
 * is for an operator and is never sent over HTTP. Each class sets its `name`, because bundling shortens class names and
 * logs contain the name.
 */
export abstract class BffError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
