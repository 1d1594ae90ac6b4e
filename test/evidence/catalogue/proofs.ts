import type { ExchangePattern } from '../requirement.ts';

/** Requirement → the exchange that shows it, where it is not simply the last one of its tests. */
export const proofs: Readonly<Record<string, ExchangePattern>> = {
  'CIS2-UI-001': 'provider GET / *',
};
