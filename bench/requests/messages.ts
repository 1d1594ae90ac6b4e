/** What the measuring process is given, asks for, and tells. */
import type { JWK } from 'jose';
import type { StoreCall } from '../support/replaying-store.ts';

export interface Plan {
  readonly rounds: number;
  /** Session reads in a round. */
  readonly calls: number;
  /** A signed-in person's cookie. */
  readonly cookie: string;
  readonly issuer: string;
  readonly providerKey: JWK;
  /** Bundles of the AWS SDK with a client, and nothing else. */
  readonly clients: { readonly usual: string; readonly ours: string };
  /** The store that gives its earlier responses again. */
  readonly again: string;
  readonly bundles: string;
}

export type Asked =
  /** Codes for these authorisation requests. */
  | { readonly ask: 'authorise'; readonly locations: readonly string[] }
  /** What the store has been asked since the last codes. */
  | { readonly ask: 'passed' }
  /** A round's CPU times, in microseconds a call, by what was measured. */
  | { readonly ask: 'noted'; readonly cpu: Readonly<Record<string, number>> }
  | { readonly ask: 'done' };

export interface Given {
  readonly grants?: readonly { readonly code: string; readonly state: string }[];
  readonly passed?: readonly StoreCall[];
}
