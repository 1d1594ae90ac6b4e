export { parseCredential, replacementOf, type SessionCredential } from './credential.ts';
export { deviceName } from './device.ts';
export { StoreUnavailable } from './errors.ts';
export { type SessionLimits } from './limits.ts';
export {
  createSessionStore,
  type EndReason,
  type NewSession,
  type Session,
  type SessionState,
  type SessionStore,
} from './store.ts';
