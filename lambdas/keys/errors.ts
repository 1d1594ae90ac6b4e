import { BffError } from '../common/index.ts';

/** The keys could not be read, stored or used, or the stored text is not a ring. */
export class KeysUnavailable extends BffError {
  override readonly name: string = 'KeysUnavailable';
  readonly code = 'keys_unavailable';
}

/** A key in KMS that can no longer sign: the ring has changed since it was read. */
export class KeyRetired extends KeysUnavailable {
  override readonly name = 'KeyRetired';
}

export type ChangeRefusal =
  /** The next key has not been published for long enough. */
  | 'lead_time_not_met'
  /** The rotation has no draft to continue with. */
  | 'draft_missing'
  /** The ring has changed since the draft was made. */
  | 'draft_stale'
  | 'published_set_unreachable'
  | 'published_set_incomplete'
  | 'published_set_unsafe'
  | 'signature_unverified'
  | 'key_unusable'
  | 'key_known'
  | 'custody_kms'
  /** Another change came first. */
  | 'busy';

/** A refused change of the keys; the current key stays in use. The message is for an operator. */
export class ChangeRefused extends BffError {
  override readonly name = 'ChangeRefused';
  readonly code: ChangeRefusal;

  constructor(code: ChangeRefusal, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
