import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import type { Clock } from '../cis2-simulator/expiring-map.ts';

/** How long a fetch may take, in milliseconds. */
const maxFetchMs = 55_000;

export type JwksKeys = ReturnType<typeof createLocalJWKSet>;

/** A document that could not be had: no response, another status than 200, or not what it should be. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  readonly code = 'unreachable';
}

/**
 * Fetches a JSON document as the platform does.
 *
 * @throws Unreachable
 */
export async function fetchDocument(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, {
      headers: { 'user-agent': 'APIM' },
      redirect: 'error',
      signal: AbortSignal.timeout(maxFetchMs),
    });
    if (response.status !== 200) throw new Error('another status than 200');
    return await response.json();
  } catch (error) {
    throw new Unreachable('the document could not be had', { cause: error });
  }
}

/** Key sets by the URL they were fetched from. What could not be fetched is not remembered. */
export class JwksCache {
  readonly #entries = new Map<string, { readonly keys: JwksKeys; readonly fetchedAt: number }>();
  readonly #clock: Clock;
  /** How long a set is used; what has been fetched before goes by it too. */
  lifetimeSeconds: number;
  /** How many fetches were tried. */
  fetches = 0;

  constructor(lifetimeSeconds: number, clock: Clock) {
    this.lifetimeSeconds = lifetimeSeconds;
    this.#clock = clock;
  }

  /** @throws Unreachable */
  async get(url: string): Promise<{ readonly keys: JwksKeys; readonly fresh: boolean }> {
    const entry = this.#entries.get(url);
    if (entry !== undefined && entry.fetchedAt + this.lifetimeSeconds > this.#clock()) {
      return { keys: entry.keys, fresh: false };
    }
    return { keys: await this.fetch(url), fresh: true };
  }

  /**
   * Whatever is in the cache.
   *
   * @throws Unreachable
   */
  async fetch(url: string): Promise<JwksKeys> {
    this.fetches += 1;
    const set = await fetchDocument(url);
    try {
      const keys = createLocalJWKSet(set as JSONWebKeySet);
      this.#entries.set(url, { keys, fetchedAt: this.#clock() });
      return keys;
    } catch (error) {
      throw new Unreachable('the document is no key set', { cause: error });
    }
  }

  forget(): void {
    this.#entries.clear();
  }
}
