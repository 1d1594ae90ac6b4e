export type { AssertionRequest, AssertionSigner } from './assertion.ts';
export { currentSigner } from './current-signer.ts';
export { createKeyMaker, signers } from './custody.ts';
export { ChangeRefused, RotationFailed } from './errors.ts';
export { fetchJwks } from './fetch-jwks.ts';
export { ensureRing } from './first-ring.ts';
export {
  check,
  importKey,
  promote,
  status,
  wouldRotate,
  type Change,
  type CheckResult,
  type KeyView,
  type Status,
} from './operations.ts';
export type {
  FetchJwks,
  KeyMaker,
  PublishedKeys,
  PublishedRecord,
  PublishedState,
  Purpose,
  RotationResult,
  SecretDescription,
  SecretVersion,
  SignerOf,
  Vault,
} from './ports.ts';
export { createPublishedKeys, loadPublishedSet, type PublishedSet } from './published-set.ts';
export type { KeyManagerPorts } from './ring-state.ts';
export { KeysUnavailable, type Custody, type Ring, type RingKey } from './ring.ts';
export {
  draftRotation,
  finishRotation,
  publishDraft,
  rotationSteps,
  testDraft,
  type RotationStep,
} from './rotation.ts';
export { createVault, loadRing } from './vault.ts';
