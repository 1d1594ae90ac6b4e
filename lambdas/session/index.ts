export { parseCredential, replacementOf, type SessionCredential } from './credential.ts';
export { type IssuedTokens } from './sealed-content.ts';
export { deviceName } from './device.ts';
export { IdentifierKeyUnavailable, StoreUnavailable } from './errors.ts';
export { createEventStore, type EventStore } from './event-store.ts';
export { identifierHash, identifierKeyFrom, type IdentifierKey } from './identifiers.ts';
export { type SessionLimits } from './expiry.ts';
export { createOperatorStore, type OperatorStore } from './operator-store.ts';
export { createProxyStore, type ProxySession, type ProxyStore, type ProxyUse } from './proxy-store.ts';
export { createLogoutStore, type Logout, type LogoutStore } from './logout-store.ts';
export {
  createSessionStore,
  type ListedSession,
  type RoleChange,
  type SessionStore,
} from './session-store.ts';
export { createSignInStore, type NewSession, type SignInStore } from './sign-in-store.ts';
export { type EndReason, type Session, type SessionState } from './state.ts';
export {
  leaseMs,
  SessionGone,
  type LeasedAudience,
  type SessionTokens,
  type TokenLease,
  type TokenView,
} from './tokens.ts';
