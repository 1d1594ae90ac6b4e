import { BffError } from '../common/index.ts';

/** The store could not be read or written, so nothing is allowed. */
export class StoreUnavailable extends BffError {
  override readonly name = 'StoreUnavailable';
  readonly code = 'store_unavailable';

  constructor(cause: unknown) {
    super('the session store did not answer', { cause });
  }
}

/** The identifier key could not be read: no session can be found by user, and none can be created. */
export class IdentifierKeyUnavailable extends BffError {
  override readonly name = 'IdentifierKeyUnavailable';
  readonly code = 'keys_unavailable';
}
