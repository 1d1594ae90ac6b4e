export {
  attemptLifetimeSeconds,
  codeVerifierOf,
  newAttempt,
  nonceOf,
  openState,
  sealState,
  type SignInAttempt,
} from './attempt.ts';
export { createAuthorisation, type Authorisation } from './authorisation-request.ts';
export { clockSkewSeconds } from './jwt.ts';
export { knownError } from './error-codes.ts';
export { LogoutTokenRefused, ProviderUnavailable, SignInRefused } from './errors.ts';
export { createLogoutTokenVerifier, type LogoutToken, type LogoutTokenVerifier } from './logout-token.ts';
export { createRelyingParty, type RelyingParty, type SignIn } from './relying-party.ts';
export { type ProviderCall } from './transport.ts';
