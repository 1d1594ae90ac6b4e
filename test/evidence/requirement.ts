/** What a row of the catalogue is. It has no place for a result: those come from a run and from nowhere else. */
import type { Exchange } from '../support/exchanges.ts';

/**
 * `ASKED METHOD PATH-PREFIX STATUS`: who was asked (`product` or `provider`), and what must stand in the exchange. `*`
 * stands for any status.
 */
export type ExchangePattern =
  `${Exchange['at']} ${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string} ${number | '*'}`;

/** Whether an exchange is one that a pattern describes. */
export function fits(pattern: ExchangePattern, { at, request, response }: Exchange): boolean {
  const [asked, method = '', path = '', status = ''] = pattern.split(' ');
  const [start = ''] = request;
  return at === asked && start.startsWith(`${method} ${path}`) && (status === '*' || response[0] === status);
}

/** Why no test is asked for. Such a row is shown as open or as not applicable, and never as met. */
type Open =
  /** The product does not do what the requirement speaks of. */
  | { readonly notApplicable: string }
  /** Only CIS2 itself, or its staff, can show it. */
  | { readonly needsLiveCis2: string }
  /** It applies, and the product does not do it (yet). */
  | { readonly notBuiltYet: string };

export interface Requirement {
  readonly id: string;
  /** Where its standard says it. */
  readonly section: string;
  /** M must, S should, R recommended; L1 to L3 of ASVS; empty where the source has no levels. */
  readonly level: '' | 'M' | 'S' | 'R' | 'L1' | 'L2' | 'L3';
  /** In our own words. */
  readonly requirement: string;
  /** How sure it is that this is what the source asks, where that is not plain. */
  readonly confidence?: string;
  /** What of it the tests do not show. */
  readonly limits?: string;
  /** Which exchange of its tests shows it. @default the last one of its first test that has any */
  readonly exchange?: ExchangePattern;
  readonly open?: Open;
}

export interface Standard {
  readonly key: string;
  readonly title: string;
  /** What a reader must know of the source. */
  readonly about: string;
  readonly requirements: readonly Requirement[];
}
