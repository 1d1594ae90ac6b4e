/** The responses of the functions that show and change the signing keys. Every instant is RFC 3339. */
import { accepted, flag, listOf, number, object, oneOf, optional, orNull, text } from '../responses.ts';
import { oneLine } from '../wording.ts';

const keyView = object({
  kid: text,
  place: oneOf('previous', 'current', 'next'),
  createdAt: text,
  /** Null: it has never signed. */
  signingSince: orNull(text),
  /** Since when it has been in the published set without a break; null: it is not in the set. */
  publishedSince: orNull(text),
});
export type KeyView = ReturnType<typeof keyView>;

const lastRotation = object({ token: text, at: text, result: oneOf('done', 'failed'), code: optional(text) });
export type LastRotation = ReturnType<typeof lastRotation>;

const keysStatus = object({
  keys: listOf(keyView),
  nextRotationAt: orNull(text),
  lastRotation: orNull(lastRotation),
  publishedEqualsRing: flag,
  leadSeconds: number,
  custody: text,
});
export type KeysStatus = ReturnType<typeof keysStatus>;

const keysChange = object({
  before: listOf(keyView),
  after: listOf(keyView),
  nextRotationAt: orNull(text),
  /** Sentences for a person. */
  notices: listOf((notice) => oneLine(text(notice))),
  /** When everybody who caches our keys for an hour has read the key that signs now. */
  gapEndsAt: optional(text),
});
export type KeysChange = ReturnType<typeof keysChange>;

export const readStatus = accepted(keysStatus);
export const readChange = accepted(keysChange);
