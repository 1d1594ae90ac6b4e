export {
  attemptLifeSeconds,
  codeVerifierOf,
  newAttempt,
  nonceOf,
  openState,
  sealState,
  type SignInAttempt,
} from './attempt.ts';
export { ProviderUnavailable, SignInRefused } from './errors.ts';
export { createRelyingParty, type RelyingParty, type SignIn } from './relying-party.ts';
