export { decodeBase64Url, deriveKey, open, randomSecret, seal, sha256 } from './crypto.ts';
export { BffError } from './errors.ts';
export { keptInMemory } from './kept.ts';
export { Secret } from './secret.ts';
export {
  after,
  asEpochSeconds,
  asMoment,
  preciseClock,
  systemClock,
  toRfc3339,
  type Clock,
  type EpochSeconds,
  type Moment,
  type PreciseClock,
} from './time.ts';
export type { Assurance, HealthcareWorker, Role, User } from './healthcare-worker.ts';
export type { SignInTokens } from './sign-in-tokens.ts';
