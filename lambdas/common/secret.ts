const inspectSymbol = Symbol.for('nodejs.util.inspect.custom');

/**
 * A value that must not be written anywhere. Every conversion to text gives `[redacted]`; only
 * {@link Secret.expose} returns the value, which makes every use easy to find.
 */
export class Secret<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  expose(): T {
    return this.#value;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [Symbol.toPrimitive](): string {
    return '[redacted]';
  }

  [inspectSymbol](): string {
    return '[redacted]';
  }
}
