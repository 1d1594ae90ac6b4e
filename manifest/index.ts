/**
 * `cis2-bff/manifest`: what an app says of itself, as plain data. Used by its CDK app, by the local run, and by its SPA for
 * the types alone; so nothing of the CDK or of AWS is needed to load it.
 */
export { defineBff, type BffConfig, type ExtendableDirective } from './bff-config.ts';
export { pds } from './pds.ts';
export { BffConfigInvalid, ManifestInvalid } from './problems.ts';
export { defineUpstreams } from './upstream-checks.ts';
export type {
  Method,
  RouteDefinition,
  TokenKind,
  UpstreamDefinition,
  UpstreamDefinitions,
} from '../lambdas/api/manifest-types.ts';
export {
  digits,
  fhirId,
  matching,
  oneOf,
  repeatable,
  text,
  token,
  wholeNumber,
  type QueryRule,
  type ValueRule,
} from '../lambdas/api/value-rules.ts';
export type { RoleRule } from '../lambdas/settings/index.ts';
