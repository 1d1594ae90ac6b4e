export { currentSigner } from './current-signer.ts';
export { ChangeRefused, KeysUnavailable } from './errors.ts';
export type { KeyManagerPorts } from './key-change.ts';
export { createKeySecret, loadRing, type KeySecret } from './key-secret.ts';
export { createKeyMaker, type KeyMaker } from './key-maker.ts';
export { importKey, promote, previewRotation, type Change } from './operator-changes.ts';
export { createPublishedKeys, loadPublishedSet, purposes } from './published-keys.ts';
export type {
  PublishedKeys,
  PublishedRecord,
  PublishedSet,
  Purpose,
  RotationResult,
} from './published-keys.ts';
export { checkRing, ensureRing } from './ring-upkeep.ts';
export type { KeyStorage, Ring, RingKey } from './ring.ts';
export { rotationSteps, takeRotationStep, type RotationStep } from './rotation.ts';
export { fetchJwks } from './served-set.ts';
export { createSignerOf, type SignerOf } from './signer.ts';
export { readStatus, type Status, type StatusPorts } from './status.ts';
