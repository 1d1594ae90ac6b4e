import { BffError } from '../common/index.ts';

/** Why a step of a rotation was not done. Whatever stands as signing key goes on signing. */
export type RotationFailure =
  /** The next key has not been published for long enough. */
  | 'not_seasoned'
  /** There is no draft to go on with. */
  | 'draft_missing'
  /** The ring was changed since the draft was made. */
  | 'draft_stale'
  | 'published_set_unreachable'
  | 'published_set_incomplete'
  | 'published_set_unsafe'
  | 'signature_unverified';

/** A rotation that stopped. The message is for an operator. */
export class RotationFailed extends BffError {
  override readonly name = 'RotationFailed';
  readonly code: RotationFailure;

  constructor(code: RotationFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Why an operator's change is not made. */
export type ChangeRefusal = 'not_seasoned' | 'key_unusable' | 'key_known' | 'custody_kms' | 'busy';

/** A change that an operator asked for and that is not made. The message says what, why, and what to do. */
export class ChangeRefused extends BffError {
  override readonly name = 'ChangeRefused';
  readonly code: ChangeRefusal;

  constructor(code: ChangeRefusal, message: string) {
    super(message);
    this.code = code;
  }
}
