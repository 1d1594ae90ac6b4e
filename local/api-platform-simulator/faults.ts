/** What a request meets in place of, before or after its work. */
export type Fault =
  | { readonly kind: 'slow'; readonly milliseconds: number }
  /** The connection is cut before anything is done. */
  | { readonly kind: 'reset' }
  /** Everything is done, and then the connection is cut: the caller cannot know. */
  | { readonly kind: 'drop' }
  /** `error` and `description` go into the response in the service's own shape. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly error?: string;
      readonly description?: string;
      readonly retryAfterSeconds?: number;
    }
  /** The response to somebody who calls too often. */
  | { readonly kind: 'quota'; readonly retryAfterSeconds?: number };

interface Entry<Operation extends string> {
  readonly fault: Fault;
  readonly operation: Operation | undefined;
  remaining: number | undefined;
}

/** The faults that are still to come, met in the order in which they were asked for. */
export class Faults<Operation extends string> {
  #entries: Entry<Operation>[] = [];

  /**
   * @param operation - the one that meets it; absent: every one
   * @param times - for so many requests; absent: until `clear`
   */
  add(fault: Fault, operation?: Operation, times?: number): void {
    this.#entries.push({ fault, operation, remaining: times });
  }

  clear(): void {
    this.#entries = [];
  }

  /** The fault that a request meets. */
  take(operation: Operation): Fault | undefined {
    const entry = this.#entries.find((one) => (one.operation ?? operation) === operation);
    if (entry?.remaining !== undefined) {
      entry.remaining -= 1;
      if (entry.remaining === 0) this.#entries = this.#entries.filter((other) => other !== entry);
    }
    return entry?.fault;
  }

  /** What is switched on; null for what has no limit. */
  describe() {
    return this.#entries.map(({ fault, operation = null, remaining = null }) => ({
      ...fault,
      operation,
      remaining,
    }));
  }
}
