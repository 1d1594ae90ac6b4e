export { currentApplication, loadApplication, type Application } from './application.ts';
export { ApplicationUnavailable, StepUpRequired, TokenUnavailable } from './errors.ts';
export { createUserTokens, type AccessToken, type UserTokens } from './user-tokens.ts';
