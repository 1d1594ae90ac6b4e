export { loadRing, storeRing } from './key-secret.ts';
export { loadPublishedSet, publish, type PublishedSet } from './published-set.ts';
export { newRingKey } from './new-key.ts';
export { KeysUnavailable, type Ring, type RingKey } from './ring.ts';
export { currentSigningKey } from './signer.ts';
