export { decodeBase64Url, deriveKey, open, randomSecret, seal, sha256 } from './crypto.ts';
export { BffError } from './errors.ts';
export { Secret } from './secret.ts';
export { after, asEpochSeconds, systemClock, toRfc3339, type Clock, type EpochSeconds } from './time.ts';
export type { Assurance, HealthcareWorker, Role, User } from './healthcare-worker.ts';
