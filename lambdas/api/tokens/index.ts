export { currentApplication, loadApplication, type Application } from './application.ts';
export { ApplicationUnavailable, StepUpRequired, TokenUnavailable, type TokenError } from './errors.ts';
export { type AssertionSigner } from '../../outbound/index.ts';
export { createUserTokens, type AccessToken, type TokenLog, type UserTokens } from './user-tokens.ts';
