/** What has been asked of the control panel: everything here is off until somebody switches it on. */
import type { ClaimChanges } from './personas.ts';

export const faultyEndpoints = ['discovery', 'keys', 'authorize', 'token', 'userinfo', 'endSession'] as const;
export type FaultyEndpoint = (typeof faultyEndpoints)[number];

/** What an endpoint does in place of, or before, its work. */
export type Fault =
  | { readonly kind: 'slow'; readonly milliseconds: number }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'reset' }
  | { readonly kind: 'html' };

export const faultInWords = (fault: Fault): string => {
  switch (fault.kind) {
    case 'slow':
      return `${String(fault.milliseconds)} ms late`;
    case 'status':
      return `status ${String(fault.status)}`;
    case 'reset':
      return 'a cut connection';
    case 'html':
      return 'an HTML page';
  }
};

export const authorizationErrors = [
  'access_denied',
  'login_required',
  'interaction_required',
  'invalid_request',
  'invalid_scope',
  'unauthorized_client',
  'server_error',
  'temporarily_unavailable',
  /** A redirect with nothing in it, not even the state. */
  'no_parameters',
] as const;
export type AuthorizationError = (typeof authorizationErrors)[number];

export type ChangedDocument = 'idToken' | 'userInfo';

export interface ClaimChange {
  readonly in: ChangedDocument;
  readonly name: string;
  /** What comes in its place; absent: the claim is left out. */
  readonly value?: unknown;
}

/** How often an effect is still to come; undefined: until it is switched off. */
interface Lasting {
  remaining: number | undefined;
}

/** Uses one of the times that are left; false when that was the last. */
const isLeft = (lasting: Lasting): boolean => {
  if (lasting.remaining === undefined) return true;
  lasting.remaining -= 1;
  return lasting.remaining > 0;
};

/** The one state object of the control panel. */
export class Effects {
  readonly #faults = new Map<FaultyEndpoint, { readonly fault: Fault } & Lasting>();
  #claims: (ClaimChange & Lasting)[] = [];
  #authorizationError: ({ readonly error: AuthorizationError } & Lasting) | undefined;
  /** How far the simulator's clock is ahead of the right time, in seconds; negative when it is behind. */
  skewSeconds = 0;

  setFault(endpoint: FaultyEndpoint, fault: Fault, times: number | undefined): void {
    this.#faults.set(endpoint, { fault, remaining: times });
  }

  clearFault(endpoint: FaultyEndpoint): void {
    this.#faults.delete(endpoint);
  }

  /** The fault that a request to this endpoint meets. */
  takeFault(endpoint: FaultyEndpoint): Fault | undefined {
    const entry = this.#faults.get(endpoint);
    if (entry !== undefined && !isLeft(entry)) this.#faults.delete(endpoint);
    return entry?.fault;
  }

  /** A second change of one claim takes the place of the first. */
  changeClaim(change: ClaimChange, times: number | undefined): void {
    this.restoreClaim(change.in, change.name);
    this.#claims.push({ ...change, remaining: times });
  }

  restoreClaim(document: ChangedDocument, name: string): void {
    this.#claims = this.#claims.filter((change) => change.in !== document || change.name !== name);
  }

  /** The changes that a sign-in meets. */
  takeClaimChanges(): Readonly<Record<ChangedDocument, ClaimChanges>> {
    const changes: Record<ChangedDocument, Record<string, unknown>> = { idToken: {}, userInfo: {} };
    for (const change of this.#claims) changes[change.in][change.name] = change.value;
    this.#claims = this.#claims.filter(isLeft);
    return changes;
  }

  setAuthorizationError(error: AuthorizationError, times: number | undefined): void {
    this.#authorizationError = { error, remaining: times };
  }

  clearAuthorizationError(): void {
    this.#authorizationError = undefined;
  }

  /** The error that an authorisation request gets. */
  takeAuthorizationError(): AuthorizationError | undefined {
    const entry = this.#authorizationError;
    if (entry !== undefined && !isLeft(entry)) this.#authorizationError = undefined;
    return entry?.error;
  }

  reset(): void {
    this.#faults.clear();
    this.#claims = [];
    this.#authorizationError = undefined;
    this.skewSeconds = 0;
  }

  /** What is switched on; `remaining` is null for what lasts until it is switched off. */
  describe() {
    const lasting = ({ remaining = null }: { readonly remaining?: number | null | undefined }) => ({
      remaining,
    });
    return {
      faults: [...this.#faults].map(([endpoint, entry]) => ({
        endpoint,
        ...entry.fault,
        ...lasting(entry),
      })),
      claims: this.#claims.map((change) => ({
        in: change.in,
        name: change.name,
        ...(change.value === undefined ? { drop: true as const } : { value: change.value }),
        ...lasting(change),
      })),
      authorizationError:
        this.#authorizationError === undefined
          ? null
          : { error: this.#authorizationError.error, ...lasting(this.#authorizationError) },
      clock: { skewSeconds: this.skewSeconds },
    };
  }
}
