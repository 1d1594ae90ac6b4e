/** `cis2-bff/cdk`: sign-in with NHS CIS2 for a CDK app. */
import './node-version.ts';

export { Cis2Bff, type Cis2BffProps } from './cis2-bff.ts';
export { ApiPlatformCredentials, apiPlatformTokenUrls } from './parts/api-platform.ts';
export { EdgeAlarms, type EdgeAlarmsProps } from './parts/edge-alarms.ts';
export { EdgeSecret, type EdgeSecretProps } from './parts/edge-secret.ts';
export { Firewall, type FirewallProps } from './parts/firewall.ts';
export type { ReservedConcurrency } from './parts/functions.ts';
export type { OriginDomain } from './parts/http-api.ts';
export type { BffLogsProps } from './parts/logs.ts';
export type { Rollout } from './parts/releases.ts';
export { SigningKeyStore, type KeyPurpose, type SigningKeyStoreProps } from './parts/signing-key-store.ts';
export type { OperatorPrincipals } from './parts/operator-roles.ts';
export { cis2Issuers, DeploymentRefused, type BehaviourProps } from './parts/settings.ts';
export { BffStorage, type BffStorageProps } from './parts/storage.ts';
export type { AcrValue, FunctionName, RoleRule } from '../lambdas/settings/index.ts';
