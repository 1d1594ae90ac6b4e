export { decodeBase64Url, deriveKey, open, randomSecret, seal, sha256 } from './crypto.ts';
export { untilAborted, withDeadline } from './deadline.ts';
export { BffError } from './errors.ts';
export { readBounded, TooLarge } from './bounded-body.ts';
export { cachedInMemory, createCache } from './cached-in-memory.ts';
export { isKid, isUid } from './id-rules.ts';
export { isObject, parseJson, withoutNulls, type JsonObject } from './json.ts';
export { Secret } from './secret.ts';
export {
  after,
  asEpochSeconds,
  asEpochMilliseconds,
  preciseClock,
  systemClock,
  toRfc3339,
  toText,
  type Clock,
  type EpochSeconds,
  type EpochMilliseconds,
  type PreciseClock,
} from './time.ts';
export type { AssertionSigner } from './assertion-signer.ts';
export type { HealthcareWorker, Role, User } from './healthcare-worker.ts';
export type { SignInTokens } from './sign-in-tokens.ts';
