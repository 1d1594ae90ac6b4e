/** Seconds since the epoch. */
export type Clock = () => number;

/** A map whose entries vanish when a fixed time has passed since they were set. */
export class ExpiringMap<Value> {
  readonly #entries = new Map<string, { value: Value; expires: number }>();
  readonly #lifetimeSeconds: number;
  readonly #clock: Clock;

  constructor(lifetimeSeconds: number, clock: Clock) {
    this.#lifetimeSeconds = lifetimeSeconds;
    this.#clock = clock;
  }

  set(key: string, value: Value): void {
    this.#dropExpired();
    this.#entries.delete(key);
    this.#entries.set(key, { value, expires: this.#clock() + this.#lifetimeSeconds });
  }

  get(key: string): Value | undefined {
    this.#dropExpired();
    return this.#entries.get(key)?.value;
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  deleteWhere(matches: (value: Value) => boolean): void {
    for (const [key, entry] of this.#entries) {
      if (matches(entry.value)) this.#entries.delete(key);
    }
  }

  /** What has not expired, the oldest first. */
  values(): Value[] {
    this.#dropExpired();
    return [...this.#entries.values()].map(({ value }) => value);
  }

  /** All entries live equally long, so the oldest stand first. */
  #dropExpired(): void {
    const now = this.#clock();
    for (const [key, entry] of this.#entries) {
      if (entry.expires > now) return;
      this.#entries.delete(key);
    }
  }
}
