import { BffError } from '../common/index.ts';

/** The keys could not be read, stored or used, or what was read is no ring. */
export class KeysUnavailable extends BffError {
  override readonly name: string = 'KeysUnavailable';
  readonly code = 'keys_unavailable';
}

/** A key in KMS that cannot sign any more: the ring has changed since it was read. */
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
  /** Another change was first. */
  | 'busy';

/** A change of the keys that is not made; the current key goes on signing. The message is for an operator. */
export class ChangeRefused extends BffError {
  override readonly name = 'ChangeRefused';
  readonly code: ChangeRefusal;

  constructor(code: ChangeRefusal, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
