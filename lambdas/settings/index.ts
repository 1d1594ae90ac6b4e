/**
 * The settings of the deployed functions. The same rules run when a function starts and when the infrastructure is
 * synthesised, so a bad value is found before it is deployed.
 */
export { acrLevels, acrOfLevel, isAcrValue, type AcrValue } from './acr.ts';
export {
  eventFunctionSettings,
  type EventFunctionName,
  type FunctionName,
  type FunctionSettings,
} from './event-functions.ts';
export { functionSettings } from './functions.ts';
export { readSettings, SettingsError } from './read.ts';
export { acceptsRole, demandsRole, type RolePolicy, type RoleRule } from './role-policy.ts';
export { settingNames, type SettingName, type Settings } from './rules.ts';
export { maxAbsoluteSeconds, maxIdleSeconds } from './session-limits.ts';
export { scopesRequirement, unneededScopes } from './scopes.ts';
export { isLoopback } from './urls.ts';
