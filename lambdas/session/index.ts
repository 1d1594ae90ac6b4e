export { parseCredential, replacementOf, type SessionCredential } from './credential.ts';
export { deviceName } from './device.ts';
export { StoreUnavailable } from './errors.ts';
export { type SessionLimits } from './limits.ts';
export { createLogoutStore, type Logout, type LogoutStore } from './logout-store.ts';
export {
  createSessionStore,
  type ListedSession,
  type RoleChange,
  type SessionStore,
} from './session-store.ts';
export { createSignInStore, type NewSession, type SignInStore } from './sign-in-store.ts';
export { type EndReason, type Session, type SessionState } from './state.ts';
export { type StoreOptions } from './store.ts';
